/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a VM's start: its vIOMMU. */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/paths.h"
#include "passthrough/preflight/parts.h"

static void check_viommu_host(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    autojson json_t *machine = preflight_values(inspection, "machine");

    if (json_object_get(machine, "viommu") == NULL || inspection->inventory->has_iommu)
        return;
    preflight_show_key(inspection, "machine", ret);
    text_append(&ret->evidence, "; /" SYS_IOMMU_GROUPS ": empty");
    text_append(&ret->remedy.lines, "# how to turn it on (intel_iommu=on or amd_iommu=on, by the CPU):\n"
                                    "hostpci get /nodes/localhost/hardware/iommu\n");
    findings_add(ret, SEVERITY_WARNING,
                 "The VM has a vIOMMU, but the host's IOMMU is off: no device of the host can be behind it.");
}

static const struct check viommu_host_check = {
    .id = "viommu-host",
    .scope = CHECK_VM,
    .section = MANUAL_VIOMMU,
    .sentence = "Host requirement: Add intel_iommu=on or amd_iommu=on depending on your CPU to your kernel "
                "command line.",
    .text = "whether the host's IOMMU is on",
    .run = check_viommu_host,
};

/* How many functions of the group the VM gets. */
static size_t count_in_group(const struct inspection *inspection, int group)
{
    struct preflight_hostpci hostpci;
    const struct pci_device *device;
    size_t count = 0;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);)
        for (size_t i = 0; preflight_is_whole(hostpci.assignment) &&
                           (device = preflight_device(inspection, hostpci.assignment, i)) != NULL;
             i++)
            count += device->group == group;
    return count;
}

#define FIRST_BEHIND_BRIDGE 4 /* hostpciN from there on are behind one, on i440fx (vm/address.c) */

static void report_viommu_group(const struct inspection *inspection, const struct preflight_hostpci *hostpci,
                                int group, struct findings *ret)
{
    preflight_show_key(inspection, "machine", ret);
    preflight_show_key(inspection, hostpci->key, ret);
    if (hostpci->assignment->hostpci.pcie)
        preflight_remedy_edit(inspection, hostpci->key, "pcie", NULL, ret);
    else
        preflight_remedy_machine(inspection, true, ret);
    text_append(&ret->remedy.lines, "# or give the VM one function of the group alone\n");
    findings_add(
        ret, SEVERITY_ERROR,
        "%s: with a vIOMMU QEMU refuses several functions of one IOMMU group %s (\"group %d used in "
        "multiple address spaces\"): give them as PCI devices of a q35 machine, which share a bridge, "
        "or one alone.",
        hostpci->key, hostpci->assignment->hostpci.pcie ? "as PCIe devices" : "on the root bus of i440fx",
        group);
}

/* Behind a vIOMMU each PCIe function, and each on a root bus, has an address space of its own, and VFIO gives
 * a group to one only. PCI devices behind one conventional bridge share its address space:
 * pci_device_iommu_address_space() in QEMU's hw/pci/pci.c. */
static void check_viommu_group(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    autojson json_t *machine = preflight_values(inspection, "machine");
    struct preflight_hostpci hostpci;

    if (json_object_get(machine, "viommu") == NULL)
        return;
    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);) {
        const struct pci_device *device = preflight_device(inspection, hostpci.assignment, 0);
        bool apart =
            hostpci.assignment->hostpci.pcie || (!inspection->q35 && hostpci.index < FIRST_BEHIND_BRIDGE);
        if (preflight_is_whole(hostpci.assignment) && apart && device != NULL && device->group >= 0 &&
            count_in_group(inspection, device->group) > 1)
            report_viommu_group(inspection, &hostpci, device->group, ret);
    }
}

static const struct check viommu_group_check = {
    .id = "viommu-group",
    .scope = CHECK_VM,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_VIOMMU,
    .sentence = "vIOMMU is the emulation of a hardware IOMMU within a virtual machine",
    .text = "functions of one IOMMU group behind a vIOMMU, as PCIe devices or on i440fx's root bus",
    .run = check_viommu_group,
};

static void check_viommu_guest(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    autojson json_t *machine = preflight_values(inspection, "machine");
    const char *viommu = json_text(machine, "viommu");

    if (viommu[0] == '\0')
        return;
    if (strcmp(viommu, "intel") == 0) {
        preflight_show_key(inspection, "machine", ret);
        text_append(&ret->remedy.lines,
                    "# in the guest (Debian's):\n"
                    "sed -i '/^GRUB_CMDLINE_LINUX_DEFAULT=/s/\"$/ intel_iommu=on\"/' /etc/default/grub\n"
                    "update-grub\nreboot\n");
        findings_add(ret, SEVERITY_INFO,
                     "The guest needs the kernel parameter intel_iommu=on for its vIOMMU, whether the "
                     "host's CPU is Intel's or AMD's.");
    } else if (!inspection->q35) {
        preflight_show_key(inspection, "machine", ret);
        preflight_remedy_machine(inspection, true, ret);
        findings_add(ret, SEVERITY_INFO,
                     "A VirtIO vIOMMU works without q35, but PCIe does not: q35 is advisable.");
    }
}

static const struct check viommu_guest_check = {
    .id = "viommu-guest",
    .scope = CHECK_VM,
    .fixable = true,
    .section = MANUAL_VIOMMU,
    .sentence = "Whether you are using an Intel or AMD CPU on your host, it is important to set "
                "intel_iommu=on in the VMs kernel parameters.",
    .text = "viommu of machine",
    .run = check_viommu_guest,
};

const struct check *const preflight_viommu_checks[] = {&viommu_host_check, &viommu_guest_check,
                                                       &viommu_group_check, NULL};
