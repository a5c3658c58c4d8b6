/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a device: mediated devices and vGPUs.
 *
 * Sources: Documentation/driver-api/vfio-mediated-device.rst and drivers/gpu/drm/i915/i915_params.c
 * (enable_gvt) of the Linux kernel; include/drm/intel/pciids.h (Broadwell 16xx, Skylake 19xx, Kaby Lake 59xx:
 * what GVT-g supports); "Virtual GPU Software User Guide" of NVIDIA (sriov-manage; the vendor interface since
 * kernel 6.8). */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"
#include "hardware/slice/mdev.h"

#define INTEL  0x8086
#define NVIDIA 0x10de

/* Of NVIDIA's own interface: the type that the function has, 0 if none. */
static long long nvidia_current_type(const struct subject *subject)
{
    struct host_path file = path_of_function(subject->id, "nvidia/current_vgpu_type");
    long long type;

    return sysfs_read_number(sysroot_fd(subject->facts->sysroot), file.text, &type) >= 0 ? type : 0;
}

/* Adds the call that creates one of the first type of which something is left. */
static void remedy_create(const struct subject *subject, const json_t *types, struct remedy *remedy)
{
    size_t i = 0;

    while (json_integer_value(json_object_get(json_array_get(types, i), "available")) == 0)
        i++;
    const char *type = json_string_value(json_object_get(json_array_get(types, i), "type"));
    text_printf(&remedy->lines,
                "# a VM with mdev=%s creates one when it starts; to have one before, also after a reboot:\n",
                type);
    remedy_add_call(remedy, "create", json_pack("{s:s, s:i}", "type", type, "persistent", 1),
                    REMEDY_NODE "/hardware/pci/%s/mdev", subject->id);
}

static void check_mdev_types(const struct subject *subject, struct findings *ret)
{
    autojson json_t *types = NULL;
    struct error err;
    json_int_t left = 0;
    size_t i;
    json_t *type;

    if (!subject->device->mdev ||
        mdev_list_types(subject->facts->sysroot, subject->device->address, &types, &err) != 0)
        return;
    evidence_file(subject, &ret->evidence,
                  subject->device->nvidia ? "nvidia/creatable_vgpu_types" : "mdev_supported_types", "");
    json_array_foreach(types, i, type) {
        left += json_integer_value(json_object_get(type, "available"));
        if (i < 8)
            text_printf(&ret->evidence, "%s%s (%lld left)", i > 0 ? ", " : "",
                        json_string_value(json_object_get(type, "type")),
                        (long long)json_integer_value(json_object_get(type, "available")));
    }
    long long current = subject->device->nvidia ? nvidia_current_type(subject) : 0;
    if (current != 0)
        findings_add(ret, SEVERITY_OK,
                     "It is a vGPU of type nvidia-%lld now, and can become another when no VM has it.",
                     current);
    else if (json_array_size(types) == 0 && subject->device->nvidia)
        ; /* nvidia-vgpu says why */
    else if (json_array_size(types) == 0)
        findings_add(ret, SEVERITY_INFO, "It can create mediated devices, but offers no type of them now.");
    else if (left == 0)
        findings_add(ret, SEVERITY_INFO,
                     "It has no mediated device left: all that it can have exist already.");
    else {
        remedy_create(subject, types, &ret->remedy);
        findings_add(ret, SEVERITY_INFO, "It can %s; types: %zu.",
                     subject->device->nvidia ? "become a vGPU" : "create mediated devices",
                     json_array_size(types));
    }
}

static const struct check mdev_types_check = {
    .id = "mdev-types",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_MEDIATED,
    .sentence = "available_instances contains the amount of still available instances of this type, each "
                "mdev use in a VM reduces this.",
    .text = "types of mediated devices and what is left of them",
    .run = check_mdev_types,
};

static bool supports_gvt(const struct pci_device *device)
{
    unsigned family = device->device >> 8;

    return device->vendor == INTEL && pci_is_display(device) && device->on_root_bus &&
           (family == 0x16 || family == 0x19 || family == 0x59);
}

static bool gvt_is_on(const struct facts *facts)
{
    char value[16];

    if (facts_module_parameter(facts, "i915", "enable_gvt", value, sizeof(value)))
        return value[0] == 'Y' || value[0] == '1';
    return facts_parameter_says(facts, "i915.enable_gvt", "1", "0");
}

static void check_gvt(const struct subject *subject, struct findings *ret)
{
    struct facts *facts = subject->facts;

    if (!supports_gvt(subject->device) || subject->device->mdev)
        return;
    bool on = gvt_is_on(facts);
    enum module_state module = facts_module(facts, "kvmgt");
    evidence_cmdline(facts, &ret->evidence, "i915.enable_gvt");
    text_printf(&ret->evidence, "; /%s: %s", path_of_module("kvmgt", NULL).text,
                module >= MODULE_BUILT_IN ? "there" : "absent");
    if (on && module >= MODULE_BUILT_IN) {
        findings_add(ret, SEVERITY_WARNING,
                     "GVT-g is on and kvmgt is loaded, yet it offers no mediated devices.");
    } else if (module == MODULE_MISSING) {
        findings_add(ret, SEVERITY_INFO,
                     "It could have mediated devices (GVT-g), but this kernel has no module kvmgt.");
    } else {
        if (module < MODULE_BUILT_IN)
            remedy_load_at_boot(facts, &ret->remedy, "kvmgt", "kvmgt");
        if (on)
            text_append(&ret->remedy.lines, "modprobe kvmgt\n");
        else
            remedy_add_parameter(facts, &ret->remedy, "i915.enable_gvt=1");
        findings_add(ret, SEVERITY_INFO, "It could have mediated devices (GVT-g), %s.",
                     on ? "but the module kvmgt is not loaded" : "which is not turned on");
    }
}

static const struct check gvt_check = {
    .id = "gvt",
    .scope = CHECK_DEVICE,
    .fixable = true,
    .section = MANUAL_MEDIATED,
    .sentence = "To enable it for Intel Graphics, you have to make sure to load the module kvmgt and to "
                "enable it on the Kernel commandline (i915.enable_gvt=1).",
    .text = "both, on Intel graphics of the 5th to 7th generation",
    .run = check_gvt,
};

/* A virtual function of an NVIDIA card is of use to a VM only as a vGPU. */
static void check_nvidia_vf(const struct subject *subject, struct findings *ret)
{
    const struct pci_device *device = subject->device;
    autojson json_t *types = NULL;
    struct error err;

    if (strcmp(device->driver, "nvidia") != 0) {
        evidence_file(subject, &ret->evidence, "driver",
                      device->driver[0] != '\0' ? device->driver : "absent");
        remedy_set_driver(&ret->remedy, subject->id, json_pack("{s:s}", "driver", "nvidia"));
        findings_add(
            ret, SEVERITY_ERROR,
            "It is a virtual function of an NVIDIA card, which a VM can only use as a vGPU: NVIDIA's "
            "driver must be bound to it, which offers the types.");
    } else if (!device->mdev) {
        evidence_file(subject, &ret->evidence, "nvidia/creatable_vgpu_types", "absent");
        text_append(&ret->remedy.lines, "systemctl restart nvidia-vgpud nvidia-vgpu-mgr\n");
        findings_add(
            ret, SEVERITY_ERROR,
            "NVIDIA's driver offers no vGPU types for it: it is not the vGPU host driver, or its services "
            "do not run.");
    } else if (device->nvidia && !subject->held &&
               mdev_list_types(subject->facts->sysroot, device->address, &types, &err) == 0 &&
               json_array_size(types) == 0 && nvidia_current_type(subject) == 0) {
        evidence_file(subject, &ret->evidence, "nvidia/creatable_vgpu_types", "no type");
        text_append(&ret->remedy.lines,
                    "# stop a VM with a vGPU of the same card, or give that one a smaller "
                    "type; to see what the card has: nvidia-smi vgpu\n");
        findings_add(
            ret, SEVERITY_ERROR,
            "It can become no vGPU now: the card's other vGPUs leave too little memory for any type, "
            "or allow only types of their size.");
    }
}

static void check_nvidia(const struct subject *subject, struct findings *ret)
{
    const struct pci_device *device = subject->device;
    long long total = 0, now = 0;

    if (device->vendor != NVIDIA || !pci_is_display(device))
        return;
    if (device->virtual_function) {
        check_nvidia_vf(subject, ret);
        return;
    }
    if (strcmp(device->driver, "nvidia") != 0 || device->mdev || subject->folder < 0)
        return;
    sysfs_read_number(subject->folder, "sriov_totalvfs", &total);
    sysfs_read_number(subject->folder, "sriov_numvfs", &now);
    if (total <= 0 || now > 0)
        return;
    evidence_file(subject, &ret->evidence, "sriov_numvfs", "0");
    remedy_add_call(&ret->remedy, "set",
                    json_pack("{s:I, s:i}", "numvfs", (json_int_t)total, "persistent", 1),
                    REMEDY_NODE "/hardware/pci/%s/sriov", subject->id);
    findings_add(ret, SEVERITY_INFO, "Its vGPUs are created on its virtual functions, and it has none now.");
}

static const struct check nvidia_vgpu_check = {
    .id = "nvidia-vgpu",
    .scope = CHECK_DEVICE,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_MEDIATED,
    .sentence = "In general your card's driver must support that feature, otherwise it will not work.",
    .text = "NVIDIA's vendor interface on its virtual functions, and whether one can become a vGPU",
    .run = check_nvidia,
};

const struct check *const checks_mdev[] = {&mdev_types_check, &gvt_check, &nvidia_vgpu_check, NULL};
