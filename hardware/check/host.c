/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of the host: what keeps its devices apart, what it is, and what of it could not be read. */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"

#define MOST_GROUPS_SHOWN 8

static void check_groups(const struct subject *subject, struct findings *ret)
{
    size_t shared = 0;

    if (!subject->inventory->has_iommu)
        return;
    for (size_t i = 0; i < groups_count(subject->groups); i++) {
        struct members members = groups_at(subject->groups, i);
        if (group_is_isolated(members) || ++shared > MOST_GROUPS_SHOWN)
            continue;
        text_printf(&ret->evidence, "%s/%s: %zu", shared > 1 ? "; " : "",
                    path_of_group(members.list[0]->group, "devices").text, members.count);
    }
    if (shared == 0)
        findings_add(ret, SEVERITY_OK, "No IOMMU group holds more than one device.");
    else
        findings_add(
            ret, SEVERITY_INFO,
            "%zu of %zu IOMMU groups hold several devices, which can only be passed through together.",
            shared, groups_count(subject->groups));
}

static const struct check groups_shared_check = {
    .id = "groups-shared",
    .scope = CHECK_HOST,
    .section = MANUAL_FINISH,
    .sentence =
        "It is also important that the device(s) you want to pass through are in a separate IOMMU group.",
    .text = "groups with more than one device",
    .run = check_groups,
};

static void check_acs_override(const struct subject *subject, struct findings *ret)
{
    char value[128], parameter[160];

    if (!facts_parameter(subject->facts, "pcie_acs_override", value, sizeof(value)))
        return;
    evidence_cmdline(subject->facts, &ret->evidence, "pcie_acs_override");
    snprintf(parameter, sizeof(parameter), "pcie_acs_override=%s", value);
    remedy_replace_parameter(subject->facts, &ret->remedy, parameter, "", EFFECT_NEEDED);
    findings_add(ret, SEVERITY_WARNING,
                 "pcie_acs_override makes the kernel assume an isolation of devices that the hardware does "
                 "not promise: devices in different groups may reach each other, and so may guests.");
}

static const struct check acs_override_check = {
    .id = "acs-override",
    .scope = CHECK_HOST,
    .fixable = true,
    .section = MANUAL_SLOTS,
    .sentence = "if you do not get the desired IOMMU group separation",
    .text = "pcie_acs_override on the command line, which only claims it",
    .run = check_acs_override,
};

static void check_no_iommu_mode(const struct subject *subject, struct findings *ret)
{
    char value[16];

    if (!facts_module_parameter(subject->facts, "vfio", "enable_unsafe_noiommu_mode", value, sizeof(value)) ||
        (value[0] != 'Y' && value[0] != '1'))
        return;
    struct host_path file = path_of_module("vfio", "parameters/enable_unsafe_noiommu_mode");
    text_printf(&ret->evidence, "/%s: Y", file.text);
    text_printf(&ret->remedy.lines, "echo N > /%s\n", file.text);
    findings_add(
        ret, SEVERITY_WARNING,
        "VFIO also accepts devices without an IOMMU: a guest with one could overwrite the host's memory.");
}

static const struct check vfio_no_iommu_mode_check = {
    .id = "vfio-no-iommu-mode",
    .scope = CHECK_HOST,
    .section = MANUAL_NOTHING,
    .text = "vfio's enable_unsafe_noiommu_mode",
    .run = check_no_iommu_mode,
};

static void check_nested(const struct subject *subject, struct findings *ret)
{
    if (!subject->facts->cpu.hypervisor)
        return;
    text_append(&ret->evidence, "/" PROC_CPUINFO ": flag hypervisor");
    if (subject->inventory->has_iommu)
        findings_add(ret, SEVERITY_INFO,
                     "This host is itself a virtual machine, with an IOMMU of its own (%s).",
                     subject->facts->iommu.driver);
    else
        findings_add(ret, SEVERITY_INFO, "This host is itself a virtual machine, without a working IOMMU.");
}

static const struct check host_is_guest_check = {
    .id = "host-is-guest",
    .scope = CHECK_HOST,
    .section = MANUAL_VIOMMU,
    .sentence = "Using the vIOMMU option also allows you to pass through PCI devices to level-2 VMs in "
                "level-1 VMs via Nested Virtualization.",
    .text = "the CPU flag hypervisor, and whether there is an IOMMU",
    .run = check_nested,
};

#define MOST_SHOWN 12

/* Only on a host where something is very wrong: the lists lack these functions. */
static void check_skipped(const struct inventory *inventory, struct findings *ret)
{
    char id[PCI_ADDRESS_SIZE];

    if (inventory->skipped == 0)
        return;
    pci_address_format(inventory->first_skipped, id);
    text_printf(&ret->evidence, "/%s: cannot be read, or is no modalias",
                path_of_function(id, "modalias").text);
    text_printf(&ret->remedy.lines, "cat /%s\n", path_of_function(id, "modalias").text);
    findings_add(ret, SEVERITY_WARNING,
                 "%zu PCI function%s left out of all lists, because what the kernel says of %s cannot be "
                 "understood: %s.",
                 inventory->skipped, inventory->skipped == 1 ? " is" : "s are",
                 inventory->skipped == 1 ? "it" : "the first", id);
}

static void check_unreadable(const struct subject *subject, struct findings *ret)
{
    size_t i, count = json_array_size(subject->facts->unreadable);
    json_t *entry;
    bool denied = false;

    check_skipped(subject->inventory, ret);
    if (count == 0)
        return;
    json_array_foreach(subject->facts->unreadable, i, entry) {
        const char *file = json_string_value(json_object_get(entry, "file"));
        const char *reason = json_string_value(json_object_get(entry, "reason"));
        if (i < MOST_SHOWN)
            text_printf(&ret->evidence, "%s%s%s: %s", i > 0 ? "; " : "", file[0] == '/' ? "" : "/", file,
                        reason);
        denied |= text_starts_with(reason, "root needed");
    }
    if (denied)
        text_append(&ret->remedy.lines, "# run the daemon as root, or look yourself:\nsudo hostpci serve\n");
    findings_add(ret, SEVERITY_INFO, "%zu file%s could not be read, so what depends on %s is unknown.", count,
                 count == 1 ? "" : "s", count == 1 ? "it" : "them");
}

static const struct check unreadable_files_check = {
    .id = "unreadable-files",
    .scope = CHECK_HOST,
    .section = MANUAL_NOTHING,
    .text = "which files could not be read, and why",
    .run = check_unreadable,
};

const struct check *const checks_host[] = {&groups_shared_check,      &acs_override_check,
                                           &vfio_no_iommu_mode_check, &host_is_guest_check,
                                           &unreadable_files_check,   NULL};
