/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a device: its driver now, and which driver is bound to it at boot.
 *
 * vfio-pci binds the devices that its option ids names when it is loaded, if no other driver has them yet. A
 * device's own driver is loaded by its modalias, unless it is blacklisted; with a softdep vfio-pci is loaded
 * before it. Sources: modprobe.d(5); vfio_pci_fill_ids() in drivers/vfio/pci/vfio_pci.c of the Linux kernel.
 */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"
#include "hardware/module.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"
#include "hardware/settings/modprobe.h"

void remedy_take(const struct subject *subject, struct remedy *remedy)
{
    struct members members = members_of(subject);
    autotext struct text obstacle = {0};
    bool alone = true;

    if (subject->device->group < 0 || !group_detaches(subject->device, subject->device) ||
        check_find_error(CHECK_DEVICE, subject, &obstacle))
        return;
    for (size_t i = 0; i < members.count; i++)
        alone &= members.list[i] == subject->device || !group_detaches(subject->device, members.list[i]);
    text_append(&remedy->lines, "# to detach it from the host now:\n");
    json_t *parameters = json_pack("{s:s}", "driver", "vfio-pci");
    if (!alone)
        json_object_set_new(parameters, "scope", json_string("group"));
    remedy_set_driver(remedy, subject->id, parameters);
}

static void check_driver(const struct subject *subject, struct findings *ret)
{
    const char *driver = subject->device->driver;

    evidence_file(subject, &ret->evidence, "driver", driver[0] != '\0' ? driver : "absent");
    if (driver[0] == '\0')
        findings_add(ret, SEVERITY_OK, "No driver is bound: it is free to be passed through.");
    else if (driver_is_vfio(driver))
        findings_add(ret, SEVERITY_OK, "It is bound to %s: it is free to be passed through.", driver);
    else if (subject->device->nvidia)
        findings_add(ret, SEVERITY_OK, "It stays bound to %s, which gives it to VMs as a vGPU.", driver);
    else {
        remedy_take(subject, &ret->remedy);
        findings_add(ret, SEVERITY_INFO, "The driver %s is bound to it until a VM with the device starts.",
                     driver);
    }
}

static const struct check driver_in_use_check = {
    .id = "driver-in-use",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_VERIFY,
    .sentence = "If it says Kernel driver in use: vfio-pci or the in use line is missing entirely, the "
                "device is ready to be used for passthrough.",
    .text = "the bound driver",
    .run = check_driver,
};

#define ANY 0xffffffffU /* PCI_ANY_ID, the value of a part that is left out */

/* VENDOR:DEVICE[:SUBVENDOR[:SUBDEVICE[:CLASS[:MASK]]]] */
static bool id_matches(const char *id, const struct pci_device *device)
{
    unsigned vendor = ANY, model = ANY, subvendor = ANY, submodel = ANY, class_code = 0, mask = 0;

    if (sscanf(id, "%x:%x:%x:%x:%x:%x", &vendor, &model, &subvendor, &submodel, &class_code, &mask) < 2)
        return false;
    return (vendor == ANY || vendor == device->vendor) && (model == ANY || model == device->device) &&
           (subvendor == ANY || subvendor == device->subsystem_vendor) &&
           (submodel == ANY || submodel == device->subsystem_device) &&
           ((class_code ^ device->class_code) & mask) == 0;
}

static bool any_matches(char *ids, const struct pci_device *device)
{
    for (char *id; (id = strsep(&ids, ",")) != NULL;)
        if (id_matches(id, device))
            return true;
    return false;
}

/* A list that is too long keeps vfio-pci from being loaded: vfio-ids-syntax says that. */
bool device_has_ids(const struct subject *subject, const struct setting **setting)
{
    autofree char *ids = xcalloc(IDS_SIZE, 1);

    *setting = NULL;
    if (host_settings_option(&subject->facts->settings, "vfio_pci", "ids", ids, IDS_SIZE, setting) &&
        any_matches(ids, subject->device))
        return true;
    *setting = NULL;
    return facts_parameter(subject->facts, "vfio-pci.ids", ids, IDS_SIZE) &&
           any_matches(ids, subject->device);
}

static void evidence_ids(const struct subject *subject, const struct setting *setting, struct text *evidence)
{
    if (setting != NULL)
        evidence_setting(setting, evidence);
    else
        evidence_cmdline(subject->facts, evidence, "vfio-pci.ids");
}

/* The driver's module, or the candidates of a device that has none of its own. */
static json_t *list_modules(const struct subject *subject)
{
    char text[256];

    if (driver_module(subject, text, sizeof(text)) && !driver_is_vfio(text))
        return json_pack("[s]", text);
    if (sysfs_read(subject->folder, "modalias", text, sizeof(text)) <= 0)
        return json_array();
    return module_list_for(subject->facts->sysroot, text);
}

static bool has_own_driver(const struct subject *subject)
{
    return subject->device->driver[0] != '\0' && !driver_is_vfio(subject->device->driver);
}

static void check_modules(const struct subject *subject, struct findings *ret)
{
    autojson json_t *modules = list_modules(subject);
    autotext struct text list = {0};
    size_t i;
    json_t *module;

    if (has_own_driver(subject) || json_array_size(modules) == 0)
        return;
    json_array_foreach(modules, i, module) {
        append_comma(&list);
        text_append(&list, json_string_value(module));
    }
    text_printf(&ret->evidence, "/lib/modules/%s/modules.alias: %s", subject->facts->release, list.data);
    findings_add(ret, SEVERITY_INFO, "The host's own drivers for it would be: %s.", list.data);
}

static const struct check candidate_modules_check = {
    .id = "candidate-modules",
    .scope = CHECK_DEVICE,
    .section = MANUAL_DEVICE,
    .sentence = "To find the drivername, execute lspci -k.",
    .text = "modules that could drive a device that has no driver of the host",
    .run = check_modules,
};

/* Adds the other devices with the same ids, which vfio-pci cannot tell apart. True if the host uses one of
 * them. */
static bool list_same_kind(const struct subject *subject, struct text *others)
{
    bool used = false;

    for (size_t i = 0; i < subject->inventory->count; i++) {
        const struct pci_device *other = &subject->inventory->devices[i];
        if (other == subject->device || other->vendor != subject->device->vendor ||
            other->device != subject->device->device)
            continue;
        append_comma(others);
        append_device(others, other);
        used |= host_uses_weigh(subject->uses, other->address) >= USE_ACTIVE;
    }
    return used;
}

static bool is_used(const struct subject *subject)
{
    return host_uses_weigh(subject->uses, subject->device->address) >= USE_ACTIVE;
}

static bool is_id_of(const void *device, const char *id)
{
    return id_matches(id, device);
}

static void remedy_take_out(const struct subject *subject, const struct setting *setting,
                            struct remedy *remedy)
{
    if (!remedy_take_from_kept(subject->facts, setting, remedy, "ids", is_id_of, subject->device) &&
        setting != NULL)
        text_printf(&remedy->lines,
                    "# remove its id:\n"
                    "nano /%s\n" REMEDY_INITRAMFS,
                    setting->file);
    if (is_used(subject))
        return;
    text_append(&remedy->lines, "# let hostpci bind the one device, now and at each start:\n");
    remedy_set_driver(remedy, subject->id, json_pack("{s:s, s:i}", "driver", "vfio-pci", "persistent", 1));
}

/* No driver is bound to it, and vfio-pci is not either, although its ids name it. */
static const char *explain_not_taken(const struct subject *subject)
{
    if (facts_module(subject->facts, "vfio_pci") < MODULE_BUILT_IN)
        return "vfio-pci binds it by its ids as soon as vfio-pci is loaded.";
    if (subject->device->group < 0)
        return "vfio-pci binds it by its ids as soon as it is in an IOMMU group.";
    return "vfio-pci binds it by its ids at the next boot; it has been unbound since the last one.";
}

static void append_softdep(struct remedy *remedy, const char *module)
{
    text_printf(&remedy->lines, "echo \"softdep %s pre: vfio-pci\" >> /etc/modprobe.d/vfio.conf\n", module);
}

static void check_ids(const struct subject *subject, struct findings *ret)
{
    const struct host_settings *settings = &subject->facts->settings;
    autotext struct text others = {0};
    const struct setting *setting;
    const char *driver = subject->device->driver;
    char module[64];

    if (!device_has_ids(subject, &setting))
        return;
    evidence_ids(subject, setting, &ret->evidence);
    evidence_file(subject, &ret->evidence, "driver", driver[0] != '\0' ? driver : "absent");
    if (driver_is_vfio(driver)) {
        findings_add(ret, SEVERITY_OK, "vfio-pci binds it at boot, by its ids.");
    } else if (driver[0] == '\0') {
        if (facts_module(subject->facts, "vfio_pci") < MODULE_BUILT_IN) {
            remedy_load_at_boot(subject->facts, &ret->remedy, "vfio-pci", "vfio");
            text_append(&ret->remedy.lines, "modprobe vfio-pci\n");
        }
        findings_add(ret, SEVERITY_INFO, "%s", explain_not_taken(subject));
    } else if (is_used(subject) || list_same_kind(subject, &others)) {
        remedy_take_out(subject, setting, &ret->remedy);
        findings_add(ret, SEVERITY_WARNING,
                     "At the next boot vfio-pci may bind by its ids what the host uses: this device, or "
                     "another of its kind.");
    } else if (!driver_module(subject, module, sizeof(module))) {
        text_append(&ret->remedy.lines,
                    "# vfio-pci cannot be faster than a driver in the kernel; let hostpci bind it:\n");
        remedy_set_driver(&ret->remedy, subject->id,
                          json_pack("{s:s, s:i}", "driver", "vfio-pci", "persistent", 1));
        findings_add(ret, SEVERITY_WARNING,
                     "vfio-pci should have bound it at boot, but %s is built into the kernel.", driver);
    } else if (host_settings_blacklist(settings, module) != NULL ||
               host_settings_loads_before(settings, module, "vfio_pci") != NULL) {
        remedy_refresh(&ret->remedy);
        findings_add(ret, SEVERITY_WARNING,
                     "vfio-pci should have bound it at boot, but %s was faster; the settings against that "
                     "are not in effect yet.",
                     driver);
    } else {
        remedy_offer_kept(subject->facts, &ret->remedy, json_pack("{s:s}", "softdep", module));
        append_softdep(&ret->remedy, module);
        remedy_refresh(&ret->remedy);
        findings_add(
            ret, SEVERITY_WARNING,
            "vfio-pci should have bound it at boot, but %s was faster: nothing makes it wait for vfio-pci.",
            driver);
    }
}

static const struct check vfio_ids_check = {
    .id = "vfio-ids",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_DEVICE,
    .sentence = "pass the device IDs to the options of the vfio-pci modules; For both methods you need to "
                "update the initramfs again and reboot after that.",
    .text = "whether vfio-pci binds it at boot, and which driver was faster",
    .run = check_ids,
};

static void check_ids_of_others(const struct subject *subject, struct findings *ret)
{
    autotext struct text others = {0};
    const struct setting *setting;

    if (!device_has_ids(subject, &setting))
        return;
    bool used = list_same_kind(subject, &others);
    if (others.length == 0)
        return;
    evidence_ids(subject, setting, &ret->evidence);
    if (used)
        remedy_take_out(subject, setting, &ret->remedy);
    findings_add(ret, used ? SEVERITY_WARNING : SEVERITY_INFO,
                 "The same ids also bind these to vfio-pci at boot%s: %s.",
                 used ? ", although the host uses them" : "", others.data);
}

static const struct check vfio_ids_others_check = {
    .id = "vfio-ids-others",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_DEVICE,
    .sentence = "options vfio-pci ids=1234:5678,4321:8765",
    .text = "other devices with the same ids",
    .run = check_ids_of_others,
};

static void check_blacklist(const struct subject *subject, struct findings *ret)
{
    autojson json_t *modules = list_modules(subject);
    size_t i, kept = 0;
    json_t *module;

    json_array_foreach(modules, i, module) {
        const struct setting *setting =
            host_settings_blacklist(&subject->facts->settings, json_string_value(module));
        if (setting == NULL)
            continue;
        evidence_setting(setting, &ret->evidence);
        kept++;
    }
    if (kept == 0)
        return;
    if (!has_own_driver(subject)) {
        findings_add(ret, SEVERITY_OK, "A blacklist keeps the host's drivers off it.");
        return;
    }
    remedy_refresh(&ret->remedy);
    findings_add(ret, SEVERITY_WARNING,
                 "The driver %s is bound although it is blacklisted: the blacklist is newer than the last "
                 "boot or the initramfs, or something loads the module by name.",
                 subject->device->driver);
}

static const struct check driver_blacklist_check = {
    .id = "driver-blacklist",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_DEVICE,
    .sentence =
        "blacklist the driver on the host completely, ensuring that it is free to bind for passthrough",
    .text = "blacklist and install lines for its modules, and whether they work",
    .run = check_blacklist,
};

/* Of two lines with ids the kernel takes the last one, so an id is added to the line that is there. `module`
 * is to wait for vfio-pci; NULL: it does already. */
static void remedy_add_ids(const struct subject *subject, struct remedy *remedy, const char *module)
{
    const struct pci_device *device = subject->device;
    const struct setting *setting = NULL;
    char ids[1024], own[16];
    bool set = host_settings_option(&subject->facts->settings, "vfio_pci", "ids", ids, sizeof(ids), &setting);

    snprintf(own, sizeof(own), "%04x:%04x", device->vendor, device->device);
    if (!set || strcmp(setting->file, MODPROBE_FILE) == 0)
        remedy_offer_kept(subject->facts, remedy, json_pack("{s:s, s:s*}", "ids", own, "softdep", module));
    if (set)
        remedy_append_id(setting, remedy, device->vendor, device->device);
    else
        text_printf(&remedy->lines, "echo \"options vfio-pci ids=%s\" >> /etc/modprobe.d/vfio.conf\n", own);
    if (module != NULL)
        append_softdep(remedy, module);
    remedy_refresh(remedy);
}

static void check_softdep(const struct subject *subject, struct findings *ret)
{
    autojson json_t *modules = list_modules(subject);
    const struct setting *ids, *setting = NULL;
    size_t i;
    json_t *module;

    json_array_foreach(modules, i, module) {
        if (setting == NULL)
            setting =
                host_settings_loads_before(&subject->facts->settings, json_string_value(module), "vfio_pci");
    }
    if (setting == NULL)
        return;
    evidence_setting(setting, &ret->evidence);
    if (device_has_ids(subject, &ids) || driver_is_vfio(subject->device->driver)) {
        findings_add(ret, SEVERITY_OK, "vfio-pci is loaded before the host's driver for it.");
        return;
    }
    remedy_add_ids(subject, &ret->remedy, NULL);
    findings_add(ret, SEVERITY_INFO,
                 "vfio-pci is loaded before the host's driver, but its ids do not name this device, so it "
                 "does not bind it.");
}

static const struct check driver_softdep_check = {
    .id = "driver-softdep",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_DEVICE,
    .sentence = "Should this not work, you might need to set a soft dependency to load the gpu modules "
                "before loading vfio-pci.",
    .text = "softdep lines with vfio-pci for its modules",
    .run = check_softdep,
};

/* The host's driver of a device that could be passed through; false if somebody has seen to it already. */
static bool is_taken_at_boot(const struct subject *subject, char module[static 64])
{
    const struct host_settings *settings = &subject->facts->settings;
    autotext struct text obstacle = {0};
    const struct setting *ids;

    return has_own_driver(subject) && driver_module(subject, module, 64) && !subject->device->nvidia &&
           !subject->device->virtual_function && !is_used(subject) && subject->device->group >= 0 &&
           group_detaches(subject->device, subject->device) && !device_has_ids(subject, &ids) &&
           host_settings_blacklist(settings, module) == NULL &&
           host_settings_loads_before(settings, module, "vfio_pci") == NULL &&
           !check_find_error(CHECK_DEVICE, subject, &obstacle);
}

static void check_boot(const struct subject *subject, struct findings *ret)
{
    autotext struct text others = {0};
    char module[64];

    if (!is_taken_at_boot(subject, module) || list_same_kind(subject, &others))
        return;
    evidence_file(subject, &ret->evidence, "driver", subject->device->driver);
    if (others.length > 0)
        text_printf(&ret->remedy.lines, "# vfio-pci takes these as well, which are of its kind: %s\n",
                    others.data);
    remedy_add_ids(subject, &ret->remedy, module);
    findings_add(ret, SEVERITY_INFO,
                 "At each boot the driver %s takes it before vfio-pci: no ids name it, and %s does not wait "
                 "for vfio-pci.",
                 subject->device->driver, module);
}

static const struct check driver_at_boot_check = {
    .id = "driver-at-boot",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_DEVICE,
    .sentence = "softdep <some-module> pre: vfio-pci; options vfio-pci ids=1234:5678",
    .text = "whether the host's driver takes at boot what a VM could have",
    .run = check_boot,
};

const struct check *const checks_driver[] = {
    &driver_in_use_check,    &candidate_modules_check, &vfio_ids_check,       &vfio_ids_others_check,
    &driver_blacklist_check, &driver_softdep_check,    &driver_at_boot_check, NULL};
