/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a device: SR-IOV.
 *
 * Sources: Documentation/PCI/pci-iov-howto.rst; sriov_enable() and sriov_numvfs_store() in drivers/pci/iov.c
 * of the Linux kernel (the lines in the log); vfio_pci_core_register_device() there ("Cannot bind to PF with
 * SRIOV enabled"); include/linux/ioport.h (IORESOURCE_UNSET); PCI Express Base, 9.3.3.14 (VF BARs). */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"

#define FIRST_VF_BAR 7
#define LAST_VF_BAR  12
#define UNSET        0x20000000ULL

static long long read_number(const struct subject *subject, const char *file)
{
    long long number;

    return sysfs_read_number(subject->folder, file, &number) >= 0 && number >= 0 ? number : 0;
}

bool check_sriov(const struct subject *subject, struct finding *ret)
{
    long long total = read_number(subject, "sriov_totalvfs"), now = read_number(subject, "sriov_numvfs");
    char held[32];

    if (total == 0)
        return false;
    snprintf(held, sizeof(held), "%lld", total);
    evidence_file(subject, &ret->evidence, "sriov_totalvfs", held);
    snprintf(held, sizeof(held), "%lld", now);
    evidence_file(subject, &ret->evidence, "sriov_numvfs", held);
    if (now > 0)
        return find(ret, SEVERITY_OK, "It has %lld virtual functions of at most %lld.", now, total);
    text_printf(&ret->remedy, "echo %lld > /%s\n", total < 4 ? total : 4,
                path_of_function(subject->id, "sriov_numvfs").text);
    return find(ret, SEVERITY_INFO,
                "It can have %lld virtual functions, each for another VM, and has none now.", total);
}

static bool vfio_allows_sriov(const struct facts *facts)
{
    char value[16];

    return facts_module_parameter(facts, "vfio_pci", "enable_sriov", value, sizeof(value)) && value[0] == 'Y';
}

/* Which it has can be told by the use that the host makes of it, without reading its files. */
static bool has_virtual_functions(const struct subject *subject, struct text *evidence)
{
    const struct host_use *uses;
    size_t count = host_uses_of(subject->usage, subject->device->address, &uses);

    for (size_t i = 0; i < count; i++)
        if (uses[i].kind == USE_SRIOV) {
            text_append(evidence, uses[i].evidence);
            return true;
        }
    return false;
}

bool check_sriov_active(const struct subject *subject, struct finding *ret)
{
    if (subject->device->virtual_function || driver_is_vfio(subject->device->driver) ||
        !has_virtual_functions(subject, &ret->evidence))
        return false;
    if (subject->device->driver[0] == '\0') /* the kernel asks the driver to remove them */
        remedy_set_driver(&ret->remedy, subject->id, "auto");
    text_printf(&ret->remedy, "echo 0 > /%s\n", path_of_function(subject->id, "sriov_numvfs").text);
    return find(
        ret, SEVERITY_ERROR,
        "It has virtual functions: vfio-pci takes it as a whole only when they are gone. Pass those instead, "
        "or remove them.");
}

bool check_sriov_driver(const struct subject *subject, struct finding *ret)
{
    autofree char *start = xasprintf("%s: ", subject->id);
    const char *driver = subject->device->driver;

    if (read_number(subject, "sriov_totalvfs") == 0 || read_number(subject, "sriov_numvfs") > 0)
        return false;
    if (driver[0] == '\0' || (driver_is_vfio(driver) && !vfio_allows_sriov(subject->facts))) {
        evidence_file(subject, &ret->evidence, "driver", driver[0] != '\0' ? driver : "absent");
        text_append(&ret->remedy, "# to have some, let its driver have it:\n");
        remedy_set_driver(&ret->remedy, subject->id, "auto");
        return find(ret, SEVERITY_INFO, "It can have virtual functions only while its own driver is bound.");
    }
    if (!evidence_log(subject->facts, &ret->evidence, start, "configuration via sysfs"))
        return false;
    text_printf(&ret->remedy,
                "modinfo -p %s\n# look for an option such as max_vfs, or take the vendor's driver\n", driver);
    return find(ret, SEVERITY_WARNING, "Its driver %s makes no virtual functions by way of sysfs.", driver);
}

/* The space for all virtual functions, if the kernel found it. */
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

bool check_sriov_resources(const struct subject *subject, struct finding *ret)
{
    static const char *const words[] = {"not enough MMIO", "bus number out of range", "VFs (bus", "VF BAR"};
    autofree char *start = xasprintf("%s: ", subject->id);
    bool buses = false;

    if (read_number(subject, "sriov_totalvfs") == 0)
        return false;
    bool memory = lacks_space(subject, &ret->evidence);
    memory |= evidence_log(subject->facts, &ret->evidence, start, words[0]);
    buses |= evidence_log(subject->facts, &ret->evidence, start, words[1]);
    buses |= evidence_log(subject->facts, &ret->evidence, start, words[2]);
    if (!memory && !buses)
        return false;
    text_append(&ret->remedy,
                "# in the firmware setup (BIOS/UEFI): enable SR-IOV and Above 4G Decoding; or use another "
                "slot; or let the kernel share the space out anew:\n");
    remedy_add_parameter(subject->facts, &ret->remedy, memory ? "pci=realloc" : "pci=assign-busses");
    if (memory)
        return find(ret, SEVERITY_WARNING, "The firmware left no address space for its virtual functions.");
    return find(ret, SEVERITY_WARNING, "The firmware left too few bus numbers for its virtual functions.");
}

bool check_sriov_option(const struct subject *subject, struct finding *ret)
{
    static const char *const options[] = {"max_vfs", "num_vfs"};
    const struct setting *setting = NULL;
    char module[64], value[128];

    if (read_number(subject, "sriov_totalvfs") == 0 || !driver_module(subject, module, sizeof(module)) ||
        strcmp(module, "xe") == 0) /* there it is a limit */
        return false;
    for (size_t i = 0; i < COUNT_OF(options) && setting == NULL; i++)
        host_settings_option(&subject->facts->settings, module, options[i], value, sizeof(value), &setting);
    if (setting == NULL)
        return false;
    evidence_setting(setting, &ret->evidence);
    text_printf(&ret->remedy, "# take the option out:\nnano /%s\n" REMEDY_INITRAMFS, setting->file);
    return find(
        ret, SEVERITY_WARNING,
        "A module option makes virtual functions of all cards of the driver %s when it is loaded: it fights "
        "with a number that is set for this card.",
        module);
}

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

bool check_sriov_sysfs(const struct subject *subject, struct finding *ret)
{
    const struct host_settings *settings = &subject->facts->settings;
    const struct setting *found = NULL;
    unsigned long long wanted;
    long long now = read_number(subject, "sriov_numvfs");

    for (size_t i = 0; i < settings->count; i++)
        if (settings->list[i].kind == SETTING_SYSFS && names_device(subject, settings->list[i].module))
            found = &settings->list[i];
    if (found == NULL)
        return false;
    evidence_setting(found, &ret->evidence);
    if (text_to_number(found->value, 10, 65535, &wanted) && (long long)wanted == now)
        return find(ret, SEVERITY_INFO, "sysfsutils gives it %lld virtual functions at each boot.", now);
    text_printf(&ret->remedy, "sed -i '%ud' /%s\n", found->line, found->file);
    return find(
        ret, SEVERITY_WARNING,
        "sysfsutils gives it %s virtual functions at each boot, but it has %lld now: one of the two must go.",
        found->value, now);
}

bool check_physical_function(const struct subject *subject, struct finding *ret)
{
    char id[PCI_ADDRESS_SIZE];

    if (!subject->device->virtual_function)
        return false;
    pci_address_format(subject->device->physical_function, id);
    const struct pci_device *physical =
        inventory_find(subject->inventory, subject->device->physical_function);
    const char *driver = physical != NULL ? physical->driver : "";
    text_printf(&ret->evidence, "/%s: %s", path_of_function(id, "driver").text,
                driver[0] != '\0' ? driver : "absent");
    if (driver[0] != '\0' && !driver_is_vfio(driver))
        return find(ret, SEVERITY_OK, "It is a virtual function of %s, which has its driver (%s).", id,
                    driver);
    if (vfio_allows_sriov(subject->facts))
        return find(ret, SEVERITY_OK, "It is a virtual function of %s, which vfio-pci lets have them.", id);
    text_append(&ret->remedy, "# let its driver have it again:\n");
    remedy_set_driver(&ret->remedy, id, "auto");
    return find(ret, SEVERITY_WARNING,
                "It is a virtual function of %s, which has lost its driver: it may not work, and vanishes "
                "when that is "
                "reset.",
                id);
}
