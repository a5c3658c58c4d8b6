/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a device: its IOMMU group.
 *
 * Sources: Documentation/driver-api/vfio.rst (groups); Documentation/ABI/testing/sysfs-kernel-iommu_groups
 * (direct regions) and device_is_rmrr_locked() in drivers/iommu/intel/iommu.c of the Linux kernel, later
 * require_direct in drivers/iommu/iommu.c: a device with direct regions is not given to a VM. */
#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/check/manual.h"
#include "hardware/check/parts.h"
#include "hardware/paths.h"
#include "hardware/pci/card.h"
#include "hardware/pci/class.h"

/* Debian's kernels before 6.8 leave Intel's integrated graphics out unless intel_iommu=on is set. */
static bool is_integrated_graphics(const struct pci_device *device)
{
    return device->vendor == 0x8086 && pci_is_display(device) && device->on_root_bus;
}

static void check_group(const struct subject *subject, struct findings *ret)
{
    struct facts *facts = subject->facts;

    if (!subject->inventory->has_iommu)
        return; /* iommu-enabled reports that */
    if (subject->device->group >= 0) {
        text_printf(&ret->evidence, "/%s: %d", path_of_function(subject->id, "iommu_group").text,
                    subject->device->group);
        findings_add(ret, SEVERITY_OK, "It is in IOMMU group %d.", subject->device->group);
        return;
    }
    text_printf(&ret->evidence, "/%s: absent", path_of_function(subject->id, "iommu_group").text);
    if (is_integrated_graphics(subject->device) && !facts_parameter_says(facts, "intel_iommu", "on", "off")) {
        remedy_add_parameter(facts, &ret->remedy, "intel_iommu=on");
        findings_add(ret, SEVERITY_ERROR,
                     "It is in no IOMMU group: this kernel leaves integrated graphics out unless "
                     "intel_iommu=on is set.");
        return;
    }
    remedy_see_log(facts, &ret->remedy);
    findings_add(ret, SEVERITY_ERROR, "It is in no IOMMU group: no IOMMU covers it.");
}

static const struct check iommu_group_check = {
    .id = "iommu-group",
    .scope = CHECK_DEVICE,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_FINISH,
    .sentence =
        "It is also important that the device(s) you want to pass through are in a separate IOMMU group.",
    .text = "that it is in one; integrated graphics are left out by some kernels",
    .run = check_group,
};

static bool is_foreign(const struct subject *subject, const struct pci_device *member)
{
    return !pci_is_companion(subject->device, member) && !pci_is_switching(member);
}

/* The other devices of its group, by what becomes of them when a VM has the device. */
struct sharers {
    struct text stuck, used, detached, others;
};

/* Intel's VMD has a domain of its own below it, which goes away with its driver. */
static bool is_behind(const struct pci_device *device, const struct pci_device *member)
{
    return device->address.domain > 0xffff && member->address.domain <= 0xffff &&
           strcmp(member->driver, "vmd") == 0;
}

/* Adds a member that would have to be detached and cannot be, with what can be done about it. */
static bool add_stuck(const struct subject *subject, const struct pci_device *member, struct sharers *sharers,
                      struct findings *ret)
{
    autotext struct text evidence = {0};
    bool own = subject->device->virtual_function &&
               pci_address_compare(subject->device->physical_function, member->address) == 0;

    if (!group_detaches(subject->device, member))
        return false;
    bool parent = has_virtual_functions(subject, member, &evidence, own ? NULL : &ret->remedy);
    bool behind = is_behind(subject->device, member);
    if (!parent && !behind && !pci_is_bridge(member))
        return false;
    append_comma(&sharers->stuck);
    append_device(&sharers->stuck, member);
    text_append(&sharers->stuck, own      ? ", of which it is a virtual function"
                                 : parent ? ", which has virtual functions"
                                 : behind ? ", behind which it is"
                                          : ", which is a bridge");
    if (parent)
        text_printf(&ret->evidence, "; %s", text_string(&evidence));
    return true;
}

static void sort_sharers(const struct subject *subject, struct sharers *sharers, struct findings *ret)
{
    struct members members = members_of(subject);
    const struct host_use *uses;

    for (size_t i = 0; i < members.count; i++) {
        const struct pci_device *member = members.list[i];
        if (member == subject->device || pci_is_switching(member) ||
            add_stuck(subject, member, sharers, ret) || !is_foreign(subject, member))
            continue;
        bool used = host_uses_weigh(subject->uses, member->address) >= USE_ACTIVE;
        struct text *list = used                                      ? &sharers->used
                            : group_detaches(subject->device, member) ? &sharers->detached
                                                                      : &sharers->others;
        append_comma(list);
        append_device(list, member);
        if (used && host_uses_of(subject->uses, member->address, &uses) > 0)
            text_printf(&ret->evidence, "; %s", uses[0].evidence);
    }
}

#define REMEDY_ISOLATE                                                                                       \
    "get it a smaller group: turn on ACS in the firmware setup (BIOS/UEFI; AMD: CBS, NBIO), or put the "     \
    "card into another slot: see group-slot\n"

static void check_group_shared(const struct subject *subject, struct findings *ret)
{
    struct sharers sharers = {0};
    char override[128];

    if (subject->device->group < 0)
        return;
    text_printf(&ret->evidence, "/%s: %zu", path_of_group(subject->device->group, "devices").text,
                members_of(subject).count);
    sort_sharers(subject, &sharers, ret);
    if (sharers.stuck.length > 0) {
        text_append(&ret->remedy.lines,
                    ret->remedy.lines.length > 0 ? "# or " REMEDY_ISOLATE : "# " REMEDY_ISOLATE);
        findings_add(ret, SEVERITY_ERROR,
                     "A VM can only have its IOMMU group as a whole, of which this cannot be detached: %s.",
                     sharers.stuck.data);
    } else if (sharers.used.length > 0) {
        text_append(&ret->remedy.lines, "# stop using those on the host, or " REMEDY_ISOLATE);
        findings_add(ret, SEVERITY_ERROR, "Its IOMMU group also holds what the host uses and would lose: %s.",
                     sharers.used.data);
    } else if (sharers.detached.length > 0) {
        text_append(&ret->remedy.lines, "# to keep those, " REMEDY_ISOLATE);
        findings_add(ret, SEVERITY_WARNING,
                     "Its IOMMU group also holds other devices, which the host loses while a VM has it: %s.",
                     sharers.detached.data);
    } else if (sharers.others.length > 0) {
        findings_add(ret, SEVERITY_INFO, "Its IOMMU group also holds %s; nothing needs them on the host.",
                     sharers.others.data);
    } else if (facts_parameter(subject->facts, "pcie_acs_override", override, sizeof(override))) {
        evidence_cmdline(subject->facts, &ret->evidence, "pcie_acs_override");
        findings_add(ret, SEVERITY_WARNING,
                     "Its IOMMU group holds nothing else, but perhaps only because of the kernel parameter "
                     "pcie_acs_override=%s.",
                     override);
    } else {
        findings_add(ret, SEVERITY_OK, "Its IOMMU group holds only its own functions and bridges.");
    }
    text_release(&sharers.stuck);
    text_release(&sharers.used);
    text_release(&sharers.detached);
    text_release(&sharers.others);
}

static const struct check group_shared_check = {
    .id = "group-shared",
    .scope = CHECK_DEVICE,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_FINISH,
    .sentence = "It is okay if the device is in an IOMMU group together with its functions (e.g. a GPU with "
                "the HDMI Audio device) or with its root port or PCI(e) bridge.",
    .text = "who else is in it, and whether the host uses that",
    .run = check_group_shared,
};

/* In a slot of the same conventional bus the card would be in the same group again. */
static bool slot_is_beside(const struct subject *subject, const char *slot)
{
    size_t bus = strlen(subject->id) - strlen("00.0");

    return !subject->device->on_root_bus && strncmp(subject->id, slot, bus) == 0;
}

/* The address of a slot has no function: "0000:01:00". */
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

/* The slot holds the card that the function is on: the function itself, or the card's own switch above it.
 * `path` is the function's, ".../0000:00:01.0/0000:01:00.0/0000:02:01.0/0000:03:00.0". */
static bool slot_holds(const char *path, const char *slot)
{
    size_t length = strlen(slot);

    for (const char *at = path; (at = strstr(at, slot)) != NULL; at += length)
        if (at > path && at[-1] == '/' && at[length] == '.')
            return true;
    return false;
}

static void list_slots(const struct subject *subject, char own[static SLOT_SIZE], struct text *empty)
{
    int root = sysroot_fd(subject->facts->sysroot);
    autofree char *folder = xasprintf("/%s", subject->id);
    autolist char **names = NULL;
    char address[32], path[PATH_MAX];

    if (sysfs_list(root, SYS_PCI_SLOTS, &names) < 0)
        return;
    if (sysfs_read_link(root, path_of_function(subject->id, NULL).text, path, sizeof(path)) < 0)
        snprintf(path, sizeof(path), "%s", folder);
    for (char **name = names; *name != NULL; name++) {
        struct host_path file = path_below(SYS_PCI_SLOTS, *name, "address");
        if (sysfs_read(root, file.text, address, sizeof(address)) <= 0)
            continue;
        if (slot_holds(path, address))
            snprintf(own, SLOT_SIZE, "%s", *name);
        else if (!slot_is_beside(subject, address) && !slot_has_device(subject, address)) {
            append_comma(empty);
            text_append(empty, *name);
        }
    }
}

static void check_slot(const struct subject *subject, struct findings *ret)
{
    autotext struct text empty = {0};
    struct members members = members_of(subject);
    char own[SLOT_SIZE] = "";
    bool shared = false;

    for (size_t i = 0; i < members.count; i++)
        shared |= is_foreign(subject, members.list[i]);
    if (!shared)
        return;
    list_slots(subject, own, &empty);
    text_printf(&ret->evidence, "/" SYS_PCI_SLOTS ": %s%s", own[0] != '\0' ? "it is in " : "it is in none",
                own);
    if (own[0] == '\0')
        findings_add(
            ret, SEVERITY_INFO,
            "It is in no slot that the firmware names: if it is on the mainboard it cannot be moved.");
    else if (empty.length == 0) {
        findings_add(ret, SEVERITY_INFO,
                     "It is in slot %s; in another slot its IOMMU group may be smaller, but none is known to "
                     "be empty.",
                     own);
    } else {
        text_printf(&ret->remedy.lines, "# power off, move the card from slot %s to one of: %s\n", own,
                    empty.data);
        findings_add(ret, SEVERITY_INFO,
                     "It is in slot %s; in another slot its IOMMU group may be smaller. Empty: %s.", own,
                     empty.data);
    }
}

static const struct check group_slot_check = {
    .id = "group-slot",
    .scope = CHECK_DEVICE,
    .section = MANUAL_SLOTS,
    .sentence = "it can help to put the card in a another PCI(e) slot, if you do not get the desired IOMMU "
                "group separation.",
    .text = "its slot and the empty ones",
    .run = check_slot,
};

#define MOST_REGIONS 65536

/* Adds the first line of this type, such as "0x000000008b2f0000 0x000000008b30ffff direct". */
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

static void check_reserved(const struct subject *subject, struct findings *ret)
{
    autofree char *text = NULL;

    if (subject->device->group < 0)
        return;
    struct host_path file = path_of_group(subject->device->group, "reserved_regions");
    int length = sysfs_read_whole(sysroot_fd(subject->facts->sysroot), file.text, MOST_REGIONS, &text);
    if (length < 0) {
        facts_note(subject->facts, file.text, length, false);
        return;
    }
    if (strstr(text, "direct") == NULL)
        return;
    text_printf(&ret->evidence, "/%s: ", file.text);
    if (find_region(text, "direct", &ret->evidence)) {
        text_append(&ret->remedy.lines,
                    "# in the firmware setup (BIOS/UEFI): turn off shared memory or management for this "
                    "slot (HPE: RMRDS), else ask the vendor\n");
        findings_add(
            ret, SEVERITY_ERROR,
            "The firmware reserves memory of the host for it (RMRR), so the kernel lets no VM have it.");
        return;
    }
    if (find_region(text, "direct-relaxable", &ret->evidence)) {
        findings_add(
            ret, SEVERITY_INFO,
            "The firmware reserved memory of the host for it while booting, which it no longer needs.");
        return;
    }
}

static const struct check reserved_region_check = {
    .id = "reserved-region",
    .scope = CHECK_DEVICE,
    .blocks = true,
    .section = MANUAL_GENERAL,
    .sentence =
        "it is not guaranteed that everything will work out of the box, due to bad hardware implementation",
    .text = "direct regions of its group: memory that the firmware keeps for it (RMRR)",
    .run = check_reserved,
};

const struct check *const checks_group[] = {&iommu_group_check, &group_shared_check, &group_slot_check,
                                            &reserved_region_check, NULL};
