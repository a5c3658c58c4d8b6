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
#include "hardware/pci/card.h"
#include "hardware/pci/class.h"

static bool is_kept_awake(const struct facts *facts)
{
    const struct setting *setting = NULL;
    char value[16];

    return host_settings_option(&facts->settings, "vfio_pci", "disable_idle_d3", value, sizeof(value),
                                &setting) &&
           value[0] != '\0' && strchr("1yY", value[0]) != NULL;
}

/* The option is read when the module is loaded, so once it is set it lacks nothing but that start. */
static void remedy_sleep(const struct facts *facts, struct remedy *remedy)
{
    text_append(&remedy->lines, "# power the host off, wait until the card has no more power, start it\n");
    if (is_kept_awake(facts))
        return;
    text_append(&remedy->lines, "# to keep it from sleeping while vfio-pci has it:\n");
    remedy_set_option(facts, remedy, "vfio-pci", "disable_idle_d3", "1", "vfio-power");
    remedy_refresh(remedy);
}

/* In older kernels vfio-pci puts an idle device into D3hot without runtime power management, so its status
 * says nothing; D3cold always goes through it. */
static void report_power(const struct subject *subject, const char *state, struct findings *ret)
{
    char status[32] = "";

    if (subject->folder >= 0)
        sysfs_read(subject->folder, "power/runtime_status", status, sizeof(status));
    if (status[0] != '\0')
        evidence_file(subject, &ret->evidence, "power/runtime_status", status);
    bool off = strcmp(state, "D3cold") == 0, asleep = off || strcmp(state, "D3hot") == 0;
    bool wanted = strcmp(status, "suspended") == 0 || strcmp(status, "suspending") == 0;
    if (strcmp(status, "error") == 0 || (off && !wanted && status[0] != '\0')) {
        remedy_sleep(subject->facts, &ret->remedy);
        findings_add(ret, SEVERITY_WARNING, "It sleeps (%s) and may not wake up again.", state);
    } else if (asleep) {
        findings_add(ret, SEVERITY_OK, "It sleeps to save power (%s), and wakes up when it is needed.",
                     state);
    } else {
        findings_add(ret, SEVERITY_OK, "It is awake (%s).", state);
    }
}

/* The log is long, so it is read only where something may be wrong. */
static void check_power(const struct subject *subject, struct findings *ret)
{
    autofree char *start = xasprintf("%s: ", subject->id);
    struct host_path file = path_of_function(subject->id, "power_state");
    char state[32];

    if (subject->device->virtual_function ||
        sysfs_read(sysroot_fd(subject->facts->sysroot), file.text, state, sizeof(state)) <= 0)
        return;
    evidence_file(subject, &ret->evidence, "power_state", state);
    bool asleep = strcmp(state, "D3cold") == 0 || strcmp(state, "D3hot") == 0;
    if (strcmp(state, "error") == 0 ||
        (asleep && evidence_log(subject->facts, &ret->evidence, start, "inaccessible"))) {
        remedy_sleep(subject->facts, &ret->remedy);
        findings_add(
            ret, SEVERITY_ERROR,
            "It sleeps (%s) and did not wake up when it was needed: no VM can use it before the host "
            "was without power.",
            state);
        return;
    }
    report_power(subject, state, ret);
}

static const struct check power_state_check = {
    .id = "power-state",
    .scope = CHECK_DEVICE,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_NOTHING,
    .text = "a device that sleeps in D3 and does not wake up",
    .run = check_power,
};

static bool has_method(const char *methods, const char *wanted)
{
    autofree char *copy = xstrdup(methods);
    char *rest = copy;

    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (strcmp(word, wanted) == 0)
            return true;
    return false;
}

/* A method that resets this function alone; these two reset all that is on its bus. */
static bool has_own_method(const char *methods)
{
    size_t length = strlen(methods);

    length -= has_method(methods, "bus") ? strlen("bus") : 0;
    length -= has_method(methods, "cxl_bus") ? strlen("cxl_bus") : 0;
    return strspn(methods, " ") < strlen(methods) && length > strlen(" ");
}

/* What a reset of its bus resets with it. */
struct bus {
    struct text others;
    bool resets; /* there is a bridge above that can do it */
    bool alike;  /* a VM with all functions of the device has all of these */
    bool needed; /* by the host */
};

/* The kernel finds out how a function can be reset before it has found the next one on the bus. So it lists
 * "bus" for the first of several, and only for that, although it will not do it for that one alone; VFIO
 * does it for a VM that has all of them. */
static bool first_has_bus_reset(const struct subject *subject, const struct pci_device *first)
{
    struct host_path file = pci_path(first->address, "reset_method");
    char methods[256];

    return sysfs_read(sysroot_fd(subject->facts->sysroot), file.text, methods, sizeof(methods)) > 0 &&
           (has_method(methods, "bus") || has_method(methods, "cxl_bus"));
}

static struct bus look_at_bus(const struct subject *subject)
{
    const struct pci_device *own = subject->device, *first = NULL;
    struct bus bus = {.alike = true};

    for (size_t i = 0; i < subject->inventory->count; i++) {
        const struct pci_device *device = &subject->inventory->devices[i];
        if (device->address.domain != own->address.domain || device->address.bus != own->address.bus)
            continue;
        first = first == NULL ? device : first;
        if (device == own)
            continue;
        append_comma(&bus.others);
        append_device(&bus.others, device);
        bus.alike &= pci_same_card(own, device);
        bus.needed |= host_needs(subject, device);
    }
    bus.resets = first != NULL && !own->on_root_bus && first_has_bus_reset(subject, first);
    return bus;
}

#define REMEDY_STUCK "# if it does not work in a second VM, or after that one is started again: reboot\n"

static void report_bus(const struct subject *subject, const struct bus *bus, struct findings *ret)
{
    if (bus->alike && !bus->needed) {
        findings_add(ret, SEVERITY_INFO,
                     "The kernel resets it only together with the other functions of its bus, for a VM that "
                     "has all of them ('%.*s'): %s.",
                     (int)(strlen(subject->id) - 2), subject->id, bus->others.data);
        return;
    }
    text_append(&ret->remedy.lines, REMEDY_STUCK);
    findings_add(ret, SEVERITY_WARNING,
                 "The kernel resets it only together with the other functions of its bus, which %s, so what "
                 "one VM leaves in it stays there: %s.",
                 bus->needed ? "the host needs" : "do not all belong to its card", bus->others.data);
}

static void check_reset(const struct subject *subject, struct findings *ret)
{
    char methods[256] = "";
    int length = sysfs_read(subject->folder, "reset_method", methods, sizeof(methods));
    bool old = length <= 0 && sysfs_exists(subject->folder, "reset"); /* before kernel 5.15 */

    if (length < 0 && length != -ENOENT && !old)
        return;
    evidence_file(subject, &ret->evidence, old ? "reset" : "reset_method",
                  old          ? "there"
                  : length < 0 ? "absent"
                               : methods);
    struct bus bus = look_at_bus(subject);
    if (old || has_own_method(methods) || (length > 0 && bus.others.length == 0)) {
        findings_add(ret, SEVERITY_OK, "The kernel can reset it between two VMs%s%s%s.",
                     length > 0 ? " (" : "", methods, length > 0 ? ")" : "");
    } else if (bus.resets) {
        report_bus(subject, &bus, ret);
    } else {
        text_append(&ret->remedy.lines, REMEDY_STUCK);
        findings_add(ret, SEVERITY_WARNING,
                     "The kernel has no way to reset it%s: what one VM leaves in it stays there, and it may "
                     "work only once.",
                     subject->device->on_root_bus ? ", not even through a bridge, as none is above it" : "");
    }
    text_release(&bus.others);
}

static const struct check reset_method_check = {
    .id = "reset-method",
    .scope = CHECK_DEVICE,
    .section = MANUAL_NOTHING,
    .text = "a device that the kernel cannot reset, or only together with others",
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

/* The functions of the subject's slot: which of them a VM could have together, and whether these are all. */
struct slot {
    struct text card; /* with their drivers */
    struct text ids;  /* "0000:0c:00.0;0000:0c:00.1" */
    size_t count;
    bool whole;
};

static struct slot look_at_slot(const struct subject *subject)
{
    const struct pci_device *own = subject->device;
    struct slot slot = {.whole = true};
    char id[PCI_ADDRESS_SIZE];

    for (size_t i = 0; i < subject->inventory->count; i++) {
        const struct pci_device *device = &subject->inventory->devices[i];
        if (!pci_address_same_slot(device->address, own->address) || device->virtual_function)
            continue;
        if (!pci_same_card(device, own) || host_needs(subject, device)) {
            slot.whole = false;
            continue;
        }
        append_comma(&slot.card);
        append_device(&slot.card, device);
        pci_address_format(device->address, id);
        text_printf(&slot.ids, "%s%s", slot.count > 0 ? ";" : "", id);
        slot.count++;
    }
    return slot;
}

static void check_functions(const struct subject *subject, struct findings *ret)
{
    struct slot slot = look_at_slot(subject);

    if (slot.count > 1 && !host_needs(subject, subject->device)) {
        text_printf(&ret->evidence, "/" SYS_PCI_DEVICES ": %s", slot.card.data);
        if (slot.whole)
            findings_add(ret, SEVERITY_INFO,
                         "It has %zu functions; '%.*s' passes all of them through together.", slot.count,
                         (int)(strlen(subject->id) - 2), subject->id);
        else
            findings_add(ret, SEVERITY_INFO,
                         "It has %zu functions, and others beside them in its slot; '%s' passes its own "
                         "through together.",
                         slot.count, slot.ids.data);
    }
    text_release(&slot.card);
    text_release(&slot.ids);
}

static const struct check all_functions_check = {
    .id = "all-functions",
    .scope = CHECK_DEVICE,
    .section = MANUAL_VM,
    .sentence = "If your device has multiple functions (e.g., '00:02.0' and '00:02.1'), you can pass them "
                "through all together with the shortened syntax '00:02'.",
    .text = "the functions of its card that the host does not use",
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
        text_append(&ret->remedy.lines,
                    "# in the firmware setup (BIOS/UEFI): turn Resizable BAR off, or make it smaller\n");
        findings_add(ret, SEVERITY_WARNING,
                     "It has a BAR of %llu MiB, for which a guest on this CPU hardly has room.",
                     largest >> 20);
        return;
    }
    text_append(&ret->remedy.lines,
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
