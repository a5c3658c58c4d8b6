/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a device: which driver gets it at boot.
 *
 * vfio-pci takes the devices in its option ids when it is loaded, if nobody has them yet. A device's own
 * driver is loaded by its modalias, unless blacklisted; with a softdep vfio-pci is loaded before it. Sources:
 * modprobe.d(5); vfio_pci_fill_ids() in drivers/vfio/pci/vfio_pci.c of the Linux kernel. */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/parts.h"
#include "hardware/module.h"
#include "hardware/pci/class.h"

#define ANY 0xffffffffU /* PCI_ANY_ID, what a part has that is left out */

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

bool device_has_ids(const struct subject *subject, const struct setting **setting)
{
    char ids[1024];

    *setting = NULL;
    if (host_settings_option(&subject->facts->settings, "vfio_pci", "ids", ids, sizeof(ids), setting) &&
        any_matches(ids, subject->device))
        return true;
    *setting = NULL;
    return facts_parameter(subject->facts, "vfio-pci.ids", ids, sizeof(ids)) &&
           any_matches(ids, subject->device);
}

static void evidence_ids(const struct subject *subject, const struct setting *setting, struct text *evidence)
{
    if (setting != NULL)
        evidence_setting(setting, evidence);
    else
        evidence_cmdline(subject->facts, evidence);
}

/* Another driver was faster. Why, and what would make vfio-pci faster. */
static bool find_loser(const struct subject *subject, const char *module, struct finding *ret)
{
    const struct host_settings *settings = &subject->facts->settings;
    const char *driver = subject->device->driver;

    if (host_settings_blacklist(settings, module) != NULL ||
        host_settings_loads_before(settings, module, "vfio_pci") != NULL) {
        text_append(&ret->remedy, REMEDY_INITRAMFS REMEDY_REBOOT);
        return find(
            ret, SEVERITY_WARNING,
            "vfio-pci should have it since boot, but %s was faster; the settings against that are not in "
            "effect yet.",
            driver);
    }
    text_printf(
        &ret->remedy,
        "echo \"softdep %s pre: vfio-pci\" >> /etc/modprobe.d/vfio.conf\n" REMEDY_INITRAMFS REMEDY_REBOOT,
        module);
    return find(ret, SEVERITY_WARNING,
                "vfio-pci should have it since boot, but %s was faster: nothing makes it wait for vfio-pci.",
                driver);
}

/* The other devices of its kind; by ids one cannot tell them apart. True if the host uses one of them. */
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
        used |= host_uses_weigh(subject->usage, other->address) >= USE_ACTIVE;
    }
    return used;
}

static bool is_used(const struct subject *subject)
{
    return host_uses_weigh(subject->usage, subject->device->address) >= USE_ACTIVE;
}

static void remedy_take_out(const struct subject *subject, const struct setting *setting, struct text *remedy)
{
    if (setting != NULL)
        text_printf(remedy, "# take its id out:\nnano /%s\n" REMEDY_INITRAMFS, setting->file);
    if (is_used(subject))
        return;
    text_append(remedy, "# let hostpci bind the one device, now and at each start:\n");
    remedy_set_driver(remedy, subject->id, "vfio-pci --persistent 1");
}

/* vfio-pci did not take it although nobody else has it. */
static bool find_not_taken(const struct subject *subject, struct finding *ret)
{
    if (facts_module(subject->facts, "vfio_pci") < MODULE_BUILT_IN) {
        text_append(&ret->remedy, "echo vfio-pci > /etc/modules-load.d/vfio.conf\nmodprobe vfio-pci\n");
        return find(ret, SEVERITY_INFO, "vfio-pci gets it by its ids as soon as that is loaded.");
    }
    if (subject->device->group < 0)
        return find(ret, SEVERITY_INFO, "vfio-pci gets it by its ids as soon as it is in an IOMMU group.");
    return find(ret, SEVERITY_INFO,
                "vfio-pci gets it by its ids at the next boot; it was taken from that since.");
}

bool check_ids(const struct subject *subject, struct finding *ret)
{
    autotext struct text others = {0};
    const struct setting *setting;
    const char *driver = subject->device->driver;
    char module[64];

    if (!device_has_ids(subject, &setting))
        return false;
    evidence_ids(subject, setting, &ret->evidence);
    evidence_file(subject, &ret->evidence, "driver", driver[0] != '\0' ? driver : "absent");
    if (driver_is_vfio(driver))
        return find(ret, SEVERITY_OK, "vfio-pci gets it at boot, by its ids.");
    if (driver[0] == '\0')
        return find_not_taken(subject, ret);
    if (is_used(subject) || list_same_kind(subject, &others)) {
        remedy_take_out(subject, setting, &ret->remedy);
        return find(
            ret, SEVERITY_WARNING,
            "By its ids vfio-pci may take at the next boot what the host uses: this device, or another of "
            "its kind.");
    }
    if (driver_module(subject, module, sizeof(module)))
        return find_loser(subject, module, ret);
    text_append(&ret->remedy,
                "# vfio-pci cannot be faster than a driver in the kernel; let hostpci bind it:\n");
    remedy_set_driver(&ret->remedy, subject->id, "vfio-pci --persistent 1");
    return find(ret, SEVERITY_WARNING, "vfio-pci should have it since boot, but %s is built into the kernel.",
                driver);
}

bool check_ids_of_others(const struct subject *subject, struct finding *ret)
{
    autotext struct text others = {0};
    const struct setting *setting;

    if (!device_has_ids(subject, &setting))
        return false;
    bool used = list_same_kind(subject, &others);
    if (others.length == 0)
        return false;
    evidence_ids(subject, setting, &ret->evidence);
    if (used)
        remedy_take_out(subject, setting, &ret->remedy);
    return find(ret, used ? SEVERITY_WARNING : SEVERITY_INFO,
                "The same ids take these from the host at boot too%s: %s.", used ? ", which uses them" : "",
                others.data);
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

bool check_blacklist(const struct subject *subject, struct finding *ret)
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
        return false;
    if (!has_own_driver(subject))
        return find(ret, SEVERITY_OK, "A blacklist keeps the host's drivers off it.");
    text_append(&ret->remedy, REMEDY_INITRAMFS REMEDY_REBOOT);
    return find(
        ret, SEVERITY_WARNING,
        "The driver %s has it although blacklisted: the blacklist is younger than the last start or the "
        "initramfs, or something loads the module by name.",
        subject->device->driver);
}

/* Of two lines with ids the kernel takes the last: more ids go into the line that is there. */
static void remedy_add_ids(const struct subject *subject, struct text *remedy)
{
    const struct pci_device *device = subject->device;
    const struct setting *setting = NULL;
    char ids[1024];

    if (host_settings_option(&subject->facts->settings, "vfio_pci", "ids", ids, sizeof(ids), &setting))
        text_printf(remedy, "sed -i '%us/ids=[^ ]*/&,%04x:%04x/' /%s\n", setting->line, device->vendor,
                    device->device, setting->file);
    else
        text_printf(remedy, "echo \"options vfio-pci ids=%04x:%04x\" >> /etc/modprobe.d/vfio.conf\n",
                    device->vendor, device->device);
    text_append(remedy, REMEDY_INITRAMFS REMEDY_REBOOT);
}

bool check_softdep(const struct subject *subject, struct finding *ret)
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
        return false;
    evidence_setting(setting, &ret->evidence);
    if (device_has_ids(subject, &ids) || driver_is_vfio(subject->device->driver))
        return find(ret, SEVERITY_OK, "vfio-pci is loaded before the host's driver for it.");
    remedy_add_ids(subject, &ret->remedy);
    return find(
        ret, SEVERITY_INFO,
        "vfio-pci is loaded before the host's driver, but its ids do not name this device, so it leaves it.");
}

bool check_modules(const struct subject *subject, struct finding *ret)
{
    autojson json_t *modules = list_modules(subject);
    autotext struct text list = {0};
    size_t i;
    json_t *module;

    if (has_own_driver(subject) || json_array_size(modules) == 0)
        return false;
    json_array_foreach(modules, i, module) {
        append_comma(&list);
        text_append(&list, json_string_value(module));
    }
    text_printf(&ret->evidence, "/lib/modules/%s/modules.alias: %s", subject->facts->release, list.data);
    return find(ret, SEVERITY_INFO, "The host's own drivers for it would be: %s.", list.data);
}
