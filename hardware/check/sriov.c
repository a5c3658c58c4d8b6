/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a device: SR-IOV.
 *
 * Sources: Documentation/PCI/pci-iov-howto.rst; sriov_enable() and sriov_numvfs_store() in drivers/pci/iov.c
 * of the Linux kernel (the lines in the log); vfio_pci_core_register_device() there ("Cannot bind to PF with
 * SRIOV enabled"); include/linux/ioport.h (IORESOURCE_UNSET); PCI Express Base, 9.3.3.14 (VF BARs). */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"

#define FIRST_VF_BAR 7
#define LAST_VF_BAR  12
#define UNSET        0x20000000ULL
#define NVIDIA       0x10de
#define REFUSED      "configuration via sysfs" /* "Driver does not support SRIOV ..." */

static long long read_number(const struct subject *subject, const char *file)
{
    long long number;

    return sysfs_read_number(subject->folder, file, &number) >= 0 && number >= 0 ? number : 0;
}

/* A region for its virtual functions that the kernel found no address for. */
static bool lacks_space(const struct subject *subject, struct text *evidence)
{
    struct region region;
    char held[96];

    for (unsigned i = FIRST_VF_BAR; i <= LAST_VF_BAR; i++)
        if (read_region(subject, i, &region) && ((region.flags & UNSET) != 0 || region.start == 0)) {
            snprintf(held, sizeof(held), "line %u: start 0x%llx, flags 0x%llx", i + 1, region.start,
                     region.flags);
            evidence_file(subject, evidence, "resource", held);
            return true;
        }
    return false;
}

enum shortage { SHORT_OF_NOTHING, SHORT_OF_MEMORY, SHORT_OF_BUSES };

static enum shortage find_shortage(const struct subject *subject, struct text *evidence)
{
    static const struct {
        const char *words;
        enum shortage of;
    } lines[] = {{"not enough MMIO", SHORT_OF_MEMORY},
                 {"bus number out of range", SHORT_OF_BUSES},
                 {"VFs (bus", SHORT_OF_BUSES}};
    autofree char *start = xasprintf("%s: ", subject->id);
    bool found[SHORT_OF_BUSES + 1] = {[SHORT_OF_MEMORY] = lacks_space(subject, evidence)};

    for (size_t i = 0; i < COUNT_OF(lines); i++)
        found[lines[i].of] |= evidence_log(subject->facts, evidence, start, lines[i].words);
    return found[SHORT_OF_MEMORY]  ? SHORT_OF_MEMORY
           : found[SHORT_OF_BUSES] ? SHORT_OF_BUSES
                                   : SHORT_OF_NOTHING;
}

static bool vfio_allows_sriov(const struct facts *facts)
{
    char value[16];

    return facts_module_parameter(facts, "vfio_pci", "enable_sriov", value, sizeof(value)) && value[0] == 'Y';
}

/* Its driver can create some now: a driver of the host that is not known to refuse, and there is room. */
static bool can_create(const struct subject *subject)
{
    autotext struct text evidence = {0};
    autofree char *start = xasprintf("%s: ", subject->id);
    const char *driver = subject->device->driver;

    if (driver[0] == '\0' || (driver_is_vfio(driver) && !vfio_allows_sriov(subject->facts)) ||
        (subject->device->vendor == NVIDIA && pci_is_display(subject->device)))
        return false;
    return !evidence_log(subject->facts, &evidence, start, REFUSED) &&
           find_shortage(subject, &evidence) == SHORT_OF_NOTHING;
}

static void check_sriov(const struct subject *subject, struct findings *ret)
{
    long long total = read_number(subject, "sriov_totalvfs"), now = read_number(subject, "sriov_numvfs");
    char held[32];

    if (total == 0)
        return;
    snprintf(held, sizeof(held), "%lld", total);
    evidence_file(subject, &ret->evidence, "sriov_totalvfs", held);
    snprintf(held, sizeof(held), "%lld", now);
    evidence_file(subject, &ret->evidence, "sriov_numvfs", held);
    if (now > 0) {
        findings_add(ret, SEVERITY_OK, "It has %lld virtual functions of at most %lld.", now, total);
        return;
    }
    if (can_create(subject))
        remedy_add_call(&ret->remedy, "set",
                        json_pack("{s:i, s:i}", "numvfs", (int)(total < 4 ? total : 4), "persistent", 1),
                        REMEDY_NODE "/hardware/pci/%s/sriov", subject->id);
    findings_add(ret, SEVERITY_INFO,
                 "It can have %lld virtual functions, each for another VM, and has none now.", total);
}

static const struct check sriov_check = {
    .id = "sriov",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_SRIOV,
    .sentence = "SR-IOV enables a single device to provide multiple VF (Virtual Functions) to the system.",
    .text = "how many virtual functions it can have, and how many it has",
    .run = check_sriov,
};

/* The kernel removes them through the driver, and waits until nobody has one of them open. */
static void remedy_remove_vfs(const struct pci_device *device, const struct host_use *use,
                              struct remedy *remedy)
{
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(device->address, id);
    if (use->weight >= USE_ACTIVE)
        text_append(&remedy->lines, "# first stop what uses its virtual functions: until then this waits\n");
    if (device->driver[0] == '\0')
        remedy_set_driver(remedy, id, json_pack("{s:s}", "driver", "auto"));
    remedy_add_call(remedy, "set", json_pack("{s:i, s:i}", "numvfs", 0, "persistent", 0),
                    REMEDY_NODE "/hardware/pci/%s/sriov", id);
}

bool has_virtual_functions(const struct subject *subject, const struct pci_device *device,
                           struct text *evidence, struct remedy *remedy)
{
    const struct host_use *uses;
    size_t count = host_uses_of(subject->uses, device->address, &uses);

    for (size_t i = 0; i < count; i++)
        if (uses[i].kind == USE_SRIOV) {
            text_append(evidence, uses[i].evidence);
            if (remedy != NULL)
                remedy_remove_vfs(device, &uses[i], remedy);
            return true;
        }
    return false;
}

static void check_sriov_active(const struct subject *subject, struct findings *ret)
{
    if (subject->device->virtual_function || driver_is_vfio(subject->device->driver) ||
        !has_virtual_functions(subject, subject->device, &ret->evidence, &ret->remedy))
        return;
    findings_add(
        ret, SEVERITY_ERROR,
        "It has virtual functions: vfio-pci takes it as a whole only when they are gone. Pass those instead, "
        "or remove them.");
}

static const struct check sriov_active_check = {
    .id = "sriov-active",
    .scope = CHECK_DEVICE,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_SRIOV,
    .sentence = "Each of those VF can be used in a different VM",
    .text = "a physical function with virtual ones, which vfio-pci refuses",
    .run = check_sriov_active,
};

static void check_sriov_driver(const struct subject *subject, struct findings *ret)
{
    autofree char *start = xasprintf("%s: ", subject->id);
    const char *driver = subject->device->driver;

    if (read_number(subject, "sriov_totalvfs") == 0 || read_number(subject, "sriov_numvfs") > 0)
        return;
    if (driver[0] == '\0' || (driver_is_vfio(driver) && !vfio_allows_sriov(subject->facts))) {
        evidence_file(subject, &ret->evidence, "driver", driver[0] != '\0' ? driver : "absent");
        text_append(&ret->remedy.lines, "# to create some, bind its own driver:\n");
        remedy_set_driver(&ret->remedy, subject->id, json_pack("{s:s}", "driver", "auto"));
        findings_add(ret, SEVERITY_INFO, "It can have virtual functions only while its own driver is bound.");
        return;
    }
    if (!evidence_log(subject->facts, &ret->evidence, start, REFUSED))
        return;
    text_printf(&ret->remedy.lines,
                "modinfo -p %s\n# look for an option such as max_vfs, or take the vendor's driver\n", driver);
    findings_add(ret, SEVERITY_WARNING, "Its driver %s cannot create virtual functions through sysfs.",
                 driver);
}

static const struct check sriov_driver_check = {
    .id = "sriov-driver",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_SRIOV,
    .sentence = "If a device and driver supports this you can change the number of VFs on the fly.",
    .text = "its driver, and what that said in the kernel log",
    .run = check_sriov_driver,
};

static void check_sriov_resources(const struct subject *subject, struct findings *ret)
{
    if (read_number(subject, "sriov_totalvfs") == 0)
        return;
    enum shortage shortage = find_shortage(subject, &ret->evidence);
    if (shortage == SHORT_OF_NOTHING)
        return;
    text_append(&ret->remedy.lines,
                "# in the firmware setup (BIOS/UEFI): enable SR-IOV and Above 4G Decoding; or use another "
                "slot; or let the kernel share the space out anew:\n");
    remedy_add_parameter(subject->facts, &ret->remedy,
                         shortage == SHORT_OF_MEMORY ? "pci=realloc" : "pci=assign-busses");
    findings_add(ret, SEVERITY_WARNING, "The firmware left %s for its virtual functions.",
                 shortage == SHORT_OF_MEMORY ? "no address space" : "too few bus numbers");
}

static const struct check sriov_resources_check = {
    .id = "sriov-resources",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_SRIOV,
    .sentence = "It may be necessary to enable this feature in the BIOS/UEFI first, or to use a specific "
                "PCI(e) port for it to work.",
    .text = "address space and bus numbers for its virtual functions",
    .run = check_sriov_resources,
};

static void check_sriov_option(const struct subject *subject, struct findings *ret)
{
    static const char *const options[] = {"max_vfs", "num_vfs"};
    const struct setting *setting = NULL;
    char module[64], value[128];

    if (read_number(subject, "sriov_totalvfs") == 0 || !driver_module(subject, module, sizeof(module)) ||
        strcmp(module, "xe") == 0) /* xe's option is a limit */
        return;
    for (size_t i = 0; i < COUNT_OF(options) && setting == NULL; i++)
        host_settings_option(&subject->facts->settings, module, options[i], value, sizeof(value), &setting);
    if (setting == NULL)
        return;
    evidence_setting(setting, &ret->evidence);
    text_printf(&ret->remedy.lines,
                "# remove the option:\n"
                "nano /%s\n" REMEDY_INITRAMFS,
                setting->file);
    findings_add(ret, SEVERITY_WARNING,
                 "A module option creates virtual functions on all cards of the driver %s when it is loaded; "
                 "it conflicts with a number that is set for this card.",
                 module);
}

static const struct check sriov_module_option_check = {
    .id = "sriov-module-option",
    .scope = CHECK_DEVICE,
    .section = MANUAL_SRIOV,
    .sentence = "sometimes there is an option for the driver module e.g. for some Intel drivers (max_vfs=4)",
    .text = "max_vfs and num_vfs in modprobe.d",
    .run = check_sriov_option,
};

/* The path may name the device itself or lead to it: class/net/eth0/device/sriov_numvfs. */
static bool names_device(const struct subject *subject, const char *path)
{
    autofree char *folder = xasprintf(SYS "/%s", path);
    char name[64];
    char *slash = strrchr(folder, '/');

    if (strcmp(slash, "/sriov_numvfs") != 0)
        return false;
    *slash = '\0';
    slash = strrchr(folder, '/');
    if (slash != NULL && strcmp(slash + 1, subject->id) == 0)
        return true;
    return sysfs_read_link_name(sysroot_fd(subject->facts->sysroot), folder, name, sizeof(name)) >= 0 &&
           strcmp(name, subject->id) == 0;
}

static void check_sriov_sysfs(const struct subject *subject, struct findings *ret)
{
    const struct host_settings *settings = &subject->facts->settings;
    const struct setting *found = NULL;
    unsigned long long wanted;
    long long now = read_number(subject, "sriov_numvfs");

    for (size_t i = 0; i < settings->count; i++)
        if (settings->list[i].kind == SETTING_SYSFS && names_device(subject, settings->list[i].module))
            found = &settings->list[i];
    if (found == NULL)
        return;
    evidence_setting(found, &ret->evidence);
    if (text_to_number(found->value, 10, 65535, &wanted) && (long long)wanted == now) {
        findings_add(ret, SEVERITY_INFO, "sysfsutils gives it %lld virtual functions at each boot.", now);
        return;
    }
    remedy_remove_line(found, &ret->remedy);
    findings_add(
        ret, SEVERITY_WARNING,
        "sysfsutils gives it %s virtual functions at each boot, but it has %lld now: one of the two must go.",
        found->value, now);
}

static const struct check sriov_sysfs_conf_check = {
    .id = "sriov-sysfs-conf",
    .scope = CHECK_DEVICE,
    .section = MANUAL_SRIOV,
    .sentence = "To make this change persistent you can use the 'sysfsutils' Debian package. [...] configure "
                "it via /etc/sysfs.conf or a 'FILE.conf' in /etc/sysfs.d/.",
    .text = "entries for its sriov_numvfs",
    .run = check_sriov_sysfs,
};

static void check_physical_function(const struct subject *subject, struct findings *ret)
{
    char id[PCI_ADDRESS_SIZE];

    if (!subject->device->virtual_function)
        return;
    pci_address_format(subject->device->physical_function, id);
    const struct pci_device *physical =
        inventory_find(subject->inventory, subject->device->physical_function);
    const char *driver = physical != NULL ? physical->driver : "";
    text_printf(&ret->evidence, "/%s: %s", path_of_function(id, "driver").text,
                driver[0] != '\0' ? driver : "absent");
    if (driver[0] != '\0' && !driver_is_vfio(driver))
        findings_add(ret, SEVERITY_OK, "It is a virtual function of %s, which has its driver (%s).", id,
                     driver);
    else if (vfio_allows_sriov(subject->facts)) {
        findings_add(ret, SEVERITY_OK,
                     "It is a virtual function of %s, which may have them while vfio-pci is bound.", id);
    } else {
        text_append(&ret->remedy.lines, "# bind its driver again:\n");
        remedy_set_driver(&ret->remedy, id, json_pack("{s:s}", "driver", "auto"));
        findings_add(ret, SEVERITY_WARNING,
                     "It is a virtual function of %s, which has lost its driver: it may not work, and it "
                     "vanishes when that one is reset.",
                     id);
    }
}

static const struct check physical_function_check = {
    .id = "physical-function",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_SRIOV,
    .sentence = "After creating VFs, you should see them as separate PCI(e) devices",
    .text = "that a virtual function's physical one still has its driver",
    .run = check_physical_function,
};

const struct check *const checks_sriov[] = {&sriov_check,
                                            &sriov_active_check,
                                            &sriov_driver_check,
                                            &sriov_resources_check,
                                            &sriov_module_option_check,
                                            &sriov_sysfs_conf_check,
                                            &physical_function_check,
                                            NULL};
