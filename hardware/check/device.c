/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a device: what it is, whether it wakes up and can be reset, and how much room it needs.
 *
 * Sources: Documentation/ABI/testing/sysfs-bus-pci (power_state, reset_method; the file reset before 5.15);
 * Documentation/ABI/testing/sysfs-devices-power (runtime_status); pci_power_up() in drivers/pci/pci.c of the
 * Linux kernel (its line on a device stuck in D3cold). The configuration space is not read: that would wake
 * the device. */
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"

/* In older kernels vfio-pci puts an idle device into D3hot without runtime power management, so its status
 * says nothing; D3cold always goes through it. */
static void check_power(const struct subject *subject, struct findings *ret)
{
    autofree char *start = xasprintf("%s: ", subject->id);
    char state[32], status[32] = "";

    if (sysfs_read(subject->folder, "power_state", state, sizeof(state)) <= 0)
        return;
    sysfs_read(subject->folder, "power/runtime_status", status, sizeof(status));
    evidence_file(subject, &ret->evidence, "power_state", state);
    if (status[0] != '\0')
        evidence_file(subject, &ret->evidence, "power/runtime_status", status);
    bool off = strcmp(state, "D3cold") == 0, asleep = off || strcmp(state, "D3hot") == 0;
    bool wanted = strcmp(status, "suspended") == 0 || strcmp(status, "suspending") == 0;
    bool failed = strcmp(state, "error") == 0 || strcmp(status, "error") == 0;
    /* the log is long, so it is read only where something may be wrong */
    if (asleep && evidence_log(subject->facts, &ret->evidence, start, "inaccessible"))
        failed = true;
    if (failed || (off && !wanted && status[0] != '\0')) {
        text_append(
            &ret->remedy,
            "# power the host off, wait until the card has no more power, start it\n"
            "# to keep it from sleeping while vfio-pci has it:\n"
            "echo \"options vfio-pci disable_idle_d3=1\" > /etc/modprobe.d/vfio-power.conf\n" REMEDY_INITRAMFS
                REMEDY_REBOOT);
        findings_add(ret, SEVERITY_WARNING, "It sleeps (%s) and may not wake up again.", state);
        return;
    }
    if (asleep)
        findings_add(ret, SEVERITY_OK, "It sleeps to save power (%s), and wakes up when it is needed.",
                     state);
    else
        findings_add(ret, SEVERITY_OK, "It is awake (%s).", state);
}

static const struct check power_state_check = {
    .id = "power-state",
    .scope = CHECK_DEVICE,
    .section = MANUAL_NOTHING,
    .text = "a device that sleeps in D3 and does not wake up",
    .run = check_power,
};

static void check_reset(const struct subject *subject, struct findings *ret)
{
    char methods[256] = "";
    int length = sysfs_read(subject->folder, "reset_method", methods, sizeof(methods));

    if (length <= 0 && sysfs_exists(subject->folder, "reset")) { /* before kernel 5.15 */
        evidence_file(subject, &ret->evidence, "reset", "there");
        findings_add(ret, SEVERITY_OK, "The kernel can reset it between two VMs.");
    } else if (length > 0) {
        evidence_file(subject, &ret->evidence, "reset_method", methods);
        findings_add(ret, SEVERITY_OK, "The kernel can reset it between two VMs (%s).", methods);
    } else if (length == 0 || length == -ENOENT) {
        evidence_file(subject, &ret->evidence, "reset_method", length == 0 ? "" : "absent");
        text_append(&ret->remedy,
                    "# if it does not work in a second VM, or after that one is started again: reboot\n");
        findings_add(ret, SEVERITY_WARNING,
                     "The kernel has no way to reset it: what one VM leaves in it stays there, and it may "
                     "work only once.");
    }
}

static const struct check reset_method_check = {
    .id = "reset-method",
    .scope = CHECK_DEVICE,
    .section = MANUAL_NOTHING,
    .text = "a device that the kernel cannot reset",
    .run = check_reset,
};

static void check_memory_controller(const struct subject *subject, struct findings *ret)
{
    char held[16];

    if (!pci_is_memory(subject->device))
        return;
    snprintf(held, sizeof(held), "0x%06x", (unsigned)subject->device->class_code);
    evidence_file(subject, &ret->evidence, "class", held);
    findings_add(
        ret, SEVERITY_WARNING,
        "It is a memory controller; most of these are parts of the mainboard and of no use to a VM.");
}

static const struct check memory_controller_check = {
    .id = "memory-controller",
    .scope = CHECK_DEVICE,
    .section = MANUAL_FINISH,
    .sentence = "pvesh get /nodes/{nodename}/hardware/pci --pci-class-blacklist \"\"",
    .text = "class 05, which lists leave out unless asked",
    .run = check_memory_controller,
};

static void check_functions(const struct subject *subject, struct findings *ret)
{
    autotext struct text list = {0};
    size_t count = 0;

    for (size_t i = 0; i < subject->inventory->count; i++) {
        const struct pci_device *device = &subject->inventory->devices[i];
        if (device->virtual_function || !pci_address_same_slot(device->address, subject->device->address))
            continue;
        append_comma(&list);
        append_device(&list, device);
        count++;
    }
    if (count < 2 || subject->device->virtual_function || subject->device->address.bus == 0)
        return;
    text_printf(&ret->evidence, "/" SYS_PCI_DEVICES ": %s", list.data);
    findings_add(ret, SEVERITY_INFO, "It has %zu functions; '%.*s' passes all of them through together.",
                 count, (int)(strlen(subject->id) - 2), subject->id);
}

static const struct check all_functions_check = {
    .id = "all-functions",
    .scope = CHECK_DEVICE,
    .section = MANUAL_VM,
    .sentence = "If your device has multiple functions (e.g., '00:02.0' and '00:02.1'), you can pass them "
                "through all together with the shortened syntax '00:02'.",
    .text = "its other functions",
    .run = check_functions,
};

#define LARGE (1ULL << 30)

static unsigned long long largest_bar(const struct subject *subject)
{
    struct region region;
    unsigned long long largest = 0;

    for (unsigned i = 0; i < 6; i++)
        if (read_region(subject, i, &region) && region.size > largest)
            largest = region.size;
    return largest;
}

/* A guest has as many address bits as the CPU, and OVMF gives at most an eighth of that space to 64-bit BARs.
 */
static void check_large_bar(const struct subject *subject, struct findings *ret)
{
    unsigned bits = subject->facts->cpu.physical_bits;
    unsigned long long largest = largest_bar(subject);

    if (largest < LARGE)
        return;
    text_printf(&ret->evidence, "/%s: a BAR of %llu MiB", path_of_function(subject->id, "resource").text,
                largest >> 20);
    if (bits > 3 && bits < 64 && largest >= 1ULL << (bits - 3)) {
        text_printf(&ret->evidence, "; /" PROC_CPUINFO ": address sizes %u bits physical", bits);
        text_append(&ret->remedy,
                    "# in the firmware setup (BIOS/UEFI): turn Resizable BAR off, or make it smaller\n");
        findings_add(ret, SEVERITY_WARNING,
                     "It has a BAR of %llu MiB, for which a guest on this CPU hardly has room.",
                     largest >> 20);
        return;
    }
    text_append(&ret->remedy,
                "# in the configuration of the virtual machine:\nmachine: q35\nbios: ovmf\ncpu: host\n");
    findings_add(
        ret, SEVERITY_INFO,
        "It has a BAR of %llu MiB: the VM needs q35, OVMF and the host's CPU type to have room for it.",
        largest >> 20);
}

static const struct check large_bar_check = {
    .id = "large-bar",
    .scope = CHECK_DEVICE,
    .section = MANUAL_VM,
    .sentence = "When passing through a GPU, the best compatibility is reached when using q35 as machine "
                "type, OVMF (UEFI for VMs) instead of SeaBIOS and PCIe instead of PCI.",
    .text = "BARs of 1 GiB and more, against the CPU's address bits",
    .run = check_large_bar,
};

const struct check *const checks_device[] = {&power_state_check,       &reset_method_check,
                                             &memory_controller_check, &all_functions_check,
                                             &large_bar_check,         NULL};
