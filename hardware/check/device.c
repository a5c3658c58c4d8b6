/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a device: what it is, what the host does with it, whether it can be reset.
 *
 * Sources: Documentation/ABI/testing/sysfs-bus-pci (power_state, reset_method; the file reset before 5.15);
 * Documentation/ABI/testing/sysfs-devices-power (runtime_status); pci_power_up() in drivers/pci/pci.c of the
 * Linux kernel (its line on a device stuck in D3cold). The configuration space is not read: that would wake
 * the device. */
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"

/* A line of a remedy, unless it is there already. */
static void append_line(struct text *remedy, const char *start, const char *line, size_t length,
                        const char *end)
{
    autofree char *whole = xasprintf("%s%.*s%s\n", start, (int)length, line, end);
    const char *at = strstr(text_string(remedy), whole);

    if (length > 0 && (at == NULL || (at != remedy->data && at[-1] != '\n')))
        text_append(remedy, whole);
}

static void append_remedy(const struct host_use *use, struct text *remedy)
{
    autotext struct text advice = {0}, command = {0};

    host_use_remedy(use, &advice, &command);
    append_line(remedy, "# ", text_string(&advice), advice.length, command.length > 0 ? ":" : "");
    for (const char *line = text_string(&command); *line != '\0'; line += line[0] == '\n') {
        size_t length = strcspn(line, "\n");
        append_line(remedy, "", line, length, "");
        line += length;
    }
}

/* Adds the uses that weigh this much, with their evidence and what ends those that can be ended. */
static void append_uses(const struct subject *subject, struct pci_address address, enum use_weight weight,
                        struct text *list, struct finding *ret)
{
    const struct host_use *uses;
    size_t count = host_uses_of(subject->usage, address, &uses);

    for (size_t i = 0; i < count; i++) {
        if (uses[i].weight != weight)
            continue;
        text_append(list, list->length > 0 ? "; " : "");
        host_use_describe(&uses[i], list);
        text_printf(&ret->evidence, "%s%s", ret->evidence.length > 0 ? "; " : "", uses[i].evidence);
        if (weight == USE_ACTIVE)
            append_remedy(&uses[i], &ret->remedy);
    }
}

/* Of the function and of those of the same device that go along with it. */
static enum use_weight list_uses(const struct subject *subject, enum use_weight weight, struct text *list,
                                 struct finding *ret)
{
    struct members members = members_of(subject);
    enum use_weight heaviest = host_uses_weigh(subject->usage, subject->device->address);

    append_uses(subject, subject->device->address, weight, list, ret);
    for (size_t i = 0; i < members.count; i++) {
        const struct pci_device *member = members.list[i];
        if (member == subject->device || !pci_address_same_slot(member->address, subject->device->address) ||
            !group_detaches(subject->device, member))
            continue;
        append_uses(subject, member->address, weight, list, ret);
        enum use_weight own = host_uses_weigh(subject->usage, member->address);
        heaviest = own > heaviest ? own : heaviest;
    }
    return heaviest;
}

static bool find_uses(const struct subject *subject, struct text *uses, struct finding *ret)
{
    switch (list_uses(subject, USE_CRITICAL, uses, ret)) {
    case USE_CRITICAL:
        text_append(&ret->remedy,
                    "# choose another device; or move the system to a disk on another controller\n");
        return find(ret, SEVERITY_ERROR, "The host cannot run without it: %s.", text_string(uses));
    case USE_ACTIVE:
        list_uses(subject, USE_ACTIVE, uses, ret);
        return find(ret, SEVERITY_ERROR, "The host is using it: %s.", text_string(uses));
    case USE_IDLE:
        list_uses(subject, USE_IDLE, uses, ret);
        return find(ret, SEVERITY_INFO, "The host would lose it while a VM has it: %s.", text_string(uses));
    case USE_NONE:
        break;
    }
    return find(ret, SEVERITY_OK, "Nothing on the host is known to use it.");
}

bool check_host_use(const struct subject *subject, struct finding *ret)
{
    autotext struct text uses = {0};

    return find_uses(subject, &uses, ret);
}

/* The line that takes it from the host now, with all of its group that would have to go; none if something is
 * in the way. */
static void remedy_take(const struct subject *subject, struct text *remedy)
{
    struct members members = members_of(subject);
    bool alone = true;

    if (pci_is_bridge(subject->device) || subject->device->group < 0)
        return;
    for (size_t i = 0; i < members.count; i++) {
        if (!group_detaches(subject->device, members.list[i]))
            continue;
        if (host_uses_weigh(subject->usage, members.list[i]->address) >= USE_ACTIVE)
            return;
        alone = alone && members.list[i] == subject->device;
    }
    text_append(remedy, "# to take it from the host now:\n");
    remedy_set_driver(remedy, subject->id, alone ? "vfio-pci" : "vfio-pci --scope group");
}

bool check_driver(const struct subject *subject, struct finding *ret)
{
    const char *driver = subject->device->driver;

    evidence_file(subject, &ret->evidence, "driver", driver[0] != '\0' ? driver : "absent");
    if (driver[0] == '\0')
        return find(ret, SEVERITY_OK, "No driver is bound: it is free to be passed through.");
    if (driver_is_vfio(driver))
        return find(ret, SEVERITY_OK, "It is bound to %s: it is free to be passed through.", driver);
    remedy_take(subject, &ret->remedy);
    return find(ret, SEVERITY_INFO, "The driver %s has it, and loses it when a VM with the device starts.",
                driver);
}

/* Older kernels let vfio-pci put an idle device to D3hot without telling the runtime power management; D3cold
 * needs that. */
bool check_power(const struct subject *subject, struct finding *ret)
{
    autofree char *start = xasprintf("%s: ", subject->id);
    char state[32], status[32] = "";

    if (sysfs_read(subject->folder, "power_state", state, sizeof(state)) <= 0)
        return false;
    sysfs_read(subject->folder, "power/runtime_status", status, sizeof(status));
    evidence_file(subject, &ret->evidence, "power_state", state);
    if (status[0] != '\0')
        evidence_file(subject, &ret->evidence, "power/runtime_status", status);
    bool off = strcmp(state, "D3cold") == 0, asleep = off || strcmp(state, "D3hot") == 0;
    bool wanted = strcmp(status, "suspended") == 0 || strcmp(status, "suspending") == 0;
    bool failed = strcmp(state, "error") == 0 || strcmp(status, "error") == 0;
    /* the log is asked only where something may be wrong: it is long */
    if (asleep && evidence_log(subject->facts, &ret->evidence, start, "inaccessible"))
        failed = true;
    if (failed || (off && !wanted && status[0] != '\0')) {
        text_append(
            &ret->remedy,
            "# power the host off, wait until the card has no more power, start it\n"
            "# to keep it from sleeping while vfio-pci has it:\n"
            "echo \"options vfio-pci disable_idle_d3=1\" > /etc/modprobe.d/vfio-power.conf\n" REMEDY_INITRAMFS
                REMEDY_REBOOT);
        return find(ret, SEVERITY_WARNING, "It sleeps (%s) and may not wake up again.", state);
    }
    if (asleep)
        return find(ret, SEVERITY_OK, "It sleeps to save power (%s), and wakes up when it is needed.", state);
    return find(ret, SEVERITY_OK, "It is awake (%s).", state);
}

bool check_reset(const struct subject *subject, struct finding *ret)
{
    char methods[256] = "";
    int length = sysfs_read(subject->folder, "reset_method", methods, sizeof(methods));

    if (length <= 0 && sysfs_exists(subject->folder, "reset")) { /* before kernel 5.15 */
        evidence_file(subject, &ret->evidence, "reset", "there");
        return find(ret, SEVERITY_OK, "The kernel can reset it between two VMs.");
    }
    evidence_file(subject, &ret->evidence, "reset_method", length == -ENOENT ? "absent" : methods);
    if (length > 0)
        return find(ret, SEVERITY_OK, "The kernel can reset it between two VMs (%s).", methods);
    if (length < 0 && length != -ENOENT) {
        text_release(&ret->evidence);
        ret->evidence = (struct text){0};
        return false;
    }
    text_append(&ret->remedy,
                "# if it does not work in a second VM, or after that one is started again: reboot\n");
    return find(
        ret, SEVERITY_WARNING,
        "The kernel knows no way to reset it: what one VM leaves behind stays, and it may work only once.");
}

bool check_memory_controller(const struct subject *subject, struct finding *ret)
{
    char held[16];

    if (!pci_is_memory(subject->device))
        return false;
    snprintf(held, sizeof(held), "0x%06x", (unsigned)subject->device->class_code);
    evidence_file(subject, &ret->evidence, "class", held);
    return find(ret, SEVERITY_WARNING,
                "It is a memory controller, mostly a part of the mainboard that does nothing for a VM.");
}

bool check_functions(const struct subject *subject, struct finding *ret)
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
        return false;
    text_printf(&ret->evidence, "/" SYS_PCI_DEVICES ": %s", list.data);
    return find(ret, SEVERITY_INFO, "It has %zu functions; '%.*s' passes all of them through together.",
                count, (int)(strlen(subject->id) - 2), subject->id);
}

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

/* A guest sees as many address bits as the CPU has; OVMF gives an eighth of that space to 64-bit BARs at
 * most. */
bool check_large_bar(const struct subject *subject, struct finding *ret)
{
    unsigned bits = subject->facts->cpu.physical_bits;
    unsigned long long largest = largest_bar(subject);

    if (largest < LARGE)
        return false;
    text_printf(&ret->evidence, "/%s: a BAR of %llu MiB", path_of_function(subject->id, "resource").text,
                largest >> 20);
    if (bits > 3 && bits < 64 && largest >= 1ULL << (bits - 3)) {
        text_printf(&ret->evidence, "; /" PROC_CPUINFO ": address sizes %u bits physical", bits);
        text_append(&ret->remedy,
                    "# in the firmware setup (BIOS/UEFI): turn Resizable BAR off, or make it smaller\n");
        return find(ret, SEVERITY_WARNING,
                    "It has a BAR of %llu MiB, which this CPU's guests have hardly room for.", largest >> 20);
    }
    text_append(&ret->remedy,
                "# in the configuration of the virtual machine:\nmachine: q35\nbios: ovmf\ncpu: host\n");
    return find(
        ret, SEVERITY_INFO,
        "It has a BAR of %llu MiB: the VM needs q35, OVMF and the host's CPU type to have room for it.",
        largest >> 20);
}
