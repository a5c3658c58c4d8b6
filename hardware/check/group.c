/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a device: its IOMMU group.
 *
 * Sources: Documentation/driver-api/vfio.rst (groups); Documentation/ABI/testing/sysfs-kernel-iommu_groups
 * (direct regions) and device_is_rmrr_locked() in drivers/iommu/intel/iommu.c of the Linux kernel, later
 * require_direct in drivers/iommu/iommu.c: a device with direct regions is not given to a VM. */
#include <string.h>

#include "base/memory.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"

bool check_bridge(const struct subject *subject, struct finding *ret)
{
    if (!pci_is_bridge(subject->device))
        return false;
    text_printf(&ret->evidence, "/%s: 0x%06x", path_of_function(subject->id, "class").text,
                (unsigned)subject->device->class_code);
    return find(ret, SEVERITY_ERROR,
                "It is a bridge: bridges stay with the host, only devices are passed through.");
}

/* Debian's kernels before 6.8 leave Intel's integrated graphics out unless told. */
static bool is_integrated_graphics(const struct pci_device *device)
{
    return device->vendor == 0x8086 && pci_is_display(device) && device->address.bus == 0;
}

bool check_group(const struct subject *subject, struct finding *ret)
{
    struct facts *facts = subject->facts;

    if (!subject->inventory->has_iommu)
        return false; /* check_iommu says it */
    if (subject->device->group >= 0) {
        text_printf(&ret->evidence, "/%s: %d", path_of_function(subject->id, "iommu_group").text,
                    subject->device->group);
        return find(ret, SEVERITY_OK, "It is in IOMMU group %d.", subject->device->group);
    }
    text_printf(&ret->evidence, "/%s: absent", path_of_function(subject->id, "iommu_group").text);
    if (is_integrated_graphics(subject->device) && !facts_parameter_says(facts, "intel_iommu", "on", "off")) {
        remedy_add_parameter(facts, &ret->remedy, "intel_iommu=on");
        return find(ret, SEVERITY_ERROR,
                    "It is in no IOMMU group: this kernel leaves integrated graphics out unless told to use "
                    "them too.");
    }
    text_append(&ret->remedy, "dmesg | grep -e DMAR -e IOMMU -e AMD-Vi\n");
    return find(ret, SEVERITY_ERROR, "It is in no IOMMU group: no IOMMU is responsible for it.");
}

static bool is_foreign(const struct subject *subject, const struct pci_device *member)
{
    return !pci_address_same_slot(subject->device->address, member->address) && !pci_is_switching(member);
}

struct sharers {
    struct text used, detached, others;
};

static void sort_sharers(const struct subject *subject, struct sharers *sharers, struct finding *ret)
{
    struct members members = members_of(subject);
    const struct host_use *uses;

    for (size_t i = 0; i < members.count; i++) {
        const struct pci_device *member = members.list[i];
        if (!is_foreign(subject, member))
            continue;
        bool used = host_uses_weigh(subject->usage, member->address) >= USE_ACTIVE;
        struct text *list = used                                      ? &sharers->used
                            : group_detaches(subject->device, member) ? &sharers->detached
                                                                      : &sharers->others;
        append_comma(list);
        append_device(list, member);
        if (used && host_uses_of(subject->usage, member->address, &uses) > 0)
            text_printf(&ret->evidence, "%s%s", ret->evidence.length > 0 ? "; " : "", uses[0].evidence);
    }
}

static bool find_alone(const struct facts *facts, struct finding *ret)
{
    char value[128];

    if (!facts_parameter(facts, "pcie_acs_override", value, sizeof(value)))
        return find(ret, SEVERITY_OK,
                    "Its IOMMU group holds nothing else but its own functions and bridges.");
    text_append(&ret->evidence, "; ");
    evidence_cmdline(facts, &ret->evidence);
    return find(
        ret, SEVERITY_WARNING,
        "Its IOMMU group holds nothing else, but perhaps only because the kernel was told to believe so: "
        "pcie_acs_override=%s.",
        value);
}

static bool find_sharers(const struct facts *facts, const struct sharers *sharers, struct finding *ret)
{
    if (sharers->used.length > 0) {
        text_append(&ret->remedy,
                    "# stop using those on the host, or put the card into another slot: see group-slot\n");
        return find(ret, SEVERITY_ERROR, "Its IOMMU group also holds what the host uses and would lose: %s.",
                    sharers->used.data);
    }
    if (sharers->detached.length > 0) {
        text_append(&ret->remedy, "# to keep those, put the card into another slot: see group-slot\n");
        return find(ret, SEVERITY_WARNING,
                    "Its IOMMU group also holds other devices, which the host loses while a VM has it: %s.",
                    sharers->detached.data);
    }
    if (sharers->others.length > 0)
        return find(ret, SEVERITY_INFO, "Its IOMMU group also holds %s; nothing needs them on the host.",
                    sharers->others.data);
    return find_alone(facts, ret);
}

bool check_group_shared(const struct subject *subject, struct finding *ret)
{
    struct sharers sharers = {0};

    if (subject->device->group < 0)
        return false;
    text_printf(&ret->evidence, "/%s: %zu", path_of_group(subject->device->group, "devices").text,
                members_of(subject).count);
    sort_sharers(subject, &sharers, ret);
    bool found = find_sharers(subject->facts, &sharers, ret);
    text_release(&sharers.used);
    text_release(&sharers.detached);
    text_release(&sharers.others);
    return found;
}

/* On the same conventional bus a card would be in the same group again. */
static bool slot_is_beside(const struct subject *subject, const char *slot)
{
    size_t bus = strlen(subject->id) - strlen("00.0");

    return subject->device->address.bus != 0 && strncmp(subject->id, slot, bus) == 0;
}

/* Slots have addresses without function: "0000:01:00". */
static bool slot_has_device(const struct subject *subject, const char *slot)
{
    struct pci_address address;
    char id[PCI_ADDRESS_SIZE];

    snprintf(id, sizeof(id), "%.17s.0", slot);
    if (!pci_address_parse(id, &address))
        return true;
    for (size_t i = 0; i < subject->inventory->count; i++)
        if (pci_address_same_slot(subject->inventory->devices[i].address, address))
            return true;
    return false;
}

#define SLOT_SIZE 256

static void list_slots(const struct subject *subject, char own[static SLOT_SIZE], struct text *empty)
{
    int root = sysroot_fd(subject->facts->sysroot);
    autolist char **names = NULL;
    char address[32];

    if (sysfs_list(root, SYS_PCI_SLOTS, &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++) {
        struct host_path file = path_below(SYS_PCI_SLOTS, *name, "address");
        if (sysfs_read(root, file.text, address, sizeof(address)) <= 0)
            continue;
        size_t length = strlen(address);
        if (strncmp(subject->id, address, length) == 0 && subject->id[length] == '.')
            snprintf(own, SLOT_SIZE, "%s", *name);
        else if (!slot_is_beside(subject, address) && !slot_has_device(subject, address)) {
            append_comma(empty);
            text_append(empty, *name);
        }
    }
}

bool check_slot(const struct subject *subject, struct finding *ret)
{
    autotext struct text empty = {0};
    struct members members = members_of(subject);
    char own[SLOT_SIZE] = "";
    bool shared = false;

    for (size_t i = 0; i < members.count; i++)
        shared |= is_foreign(subject, members.list[i]);
    if (!shared)
        return false;
    list_slots(subject, own, &empty);
    text_printf(&ret->evidence, "/" SYS_PCI_SLOTS ": %s%s", own[0] != '\0' ? "it is in " : "it is in none",
                own);
    if (own[0] == '\0')
        return find(
            ret, SEVERITY_INFO,
            "It is in no slot that the firmware names: if it is on the mainboard it cannot be moved.");
    if (empty.length == 0)
        return find(ret, SEVERITY_INFO,
                    "It is in slot %s; in another slot its IOMMU group may be smaller, but none is known to "
                    "be empty.",
                    own);
    text_printf(&ret->remedy, "# power off, move the card from slot %s to one of: %s\n", own, empty.data);
    return find(ret, SEVERITY_INFO,
                "It is in slot %s; in another slot its IOMMU group may be smaller. Empty: %s.", own,
                empty.data);
}

#define MOST_REGIONS 65536

/* A line "0x000000008b2f0000 0x000000008b30ffff direct" with this type; its first. */
static bool find_region(const char *text, const char *type, struct text *evidence)
{
    size_t length = strlen(type);

    for (const char *line = text; *line != '\0';) {
        size_t end = strcspn(line, "\n");
        if (end > length && line[end - length - 1] == ' ' &&
            strncmp(line + end - length, type, length) == 0) {
            text_printf(evidence, "%.*s", (int)end, line);
            return true;
        }
        line += end + (line[end] == '\n');
    }
    return false;
}

bool check_reserved(const struct subject *subject, struct finding *ret)
{
    autofree char *text = NULL;

    if (subject->device->group < 0)
        return false;
    struct host_path file = path_of_group(subject->device->group, "reserved_regions");
    int length = sysfs_read_whole(sysroot_fd(subject->facts->sysroot), file.text, MOST_REGIONS, &text);
    if (length < 0) {
        facts_note(subject->facts, file.text, length, false);
        return false;
    }
    if (strstr(text, "direct") == NULL)
        return false;
    text_printf(&ret->evidence, "/%s: ", file.text);
    if (find_region(text, "direct", &ret->evidence)) {
        text_append(&ret->remedy,
                    "# in the firmware setup (BIOS/UEFI): turn off shared memory or management for this "
                    "slot (HPE: RMRDS), else ask the vendor\n");
        return find(
            ret, SEVERITY_ERROR,
            "The firmware keeps memory of the host for it (RMRR), so that the kernel gives it to no VM.");
    }
    if (find_region(text, "direct-relaxable", &ret->evidence))
        return find(
            ret, SEVERITY_INFO,
            "The firmware kept memory of the host for it while booting; it does not need it any more.");
    return false;
}
