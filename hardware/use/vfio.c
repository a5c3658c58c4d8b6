/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions and mediated devices that a program drives through vfio: mostly a virtual machine.
 *
 * The program is found by what it has open. Where that may not be seen, a function that is bound to vfio-pci
 * tells by itself: vfio-pci enables it while it is open and only then (vfio_pci_core_enable in
 * drivers/vfio/pci of the Linux kernel). Source: Documentation/driver-api/vfio.rst. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/use/parts.h"

#define MOST_MDEVS 4096

static void report_open(struct host_uses *usage, const struct use_owners *owners, const char *name,
                        const char *node)
{
    autotext struct text who = {0}, evidence = {0};

    if (use_describe_openers(usage, node, &who, &evidence))
        use_add(usage, owners,
                (struct host_use){
                    .kind = USE_VFIO, .weight = USE_ACTIVE, .name = name, .evidence = text_string(&evidence)},
                "given to %s, which has /dev/%s open", text_string(&who), node);
}

/* "vfio/12" and, without an IOMMU, "vfio/noiommu-12" */
static bool parse_group(const char *node, unsigned long long *ret)
{
    node += strlen("vfio/");
    if (text_starts_with(node, "noiommu-"))
        node += strlen("noiommu-");
    return text_to_number(node, 10, INT_MAX, ret);
}

static void report_group(struct host_uses *usage, const char *node, int group)
{
    for (size_t i = 0; i < usage->inventory->count; i++) {
        const struct pci_device *function = &usage->inventory->devices[i];
        struct use_owners owners = use_own(function);
        if (function->group == group && use_is_for_guests(function))
            report_open(usage, &owners, node + strlen("vfio/"), node);
    }
}

/* Groups, and since Linux 6.6 functions of their own: "vfio/devices/vfio3". */
static void find_open(struct host_uses *usage)
{
    struct use_owners owners;
    unsigned long long group;
    size_t next = 0;

    for (const char *node; (node = use_next_node(usage, &next)) != NULL;) {
        if (!text_starts_with(node, "vfio/"))
            continue;
        if (parse_group(node, &group))
            report_group(usage, node, (int)group);
        else if (text_starts_with(node, "vfio/devices/vfio") &&
                 use_find_owners(usage, SYS_CLASS_VFIO, node + strlen("vfio/devices/"), &owners))
            report_open(usage, &owners, node + strlen("vfio/devices/"), node);
    }
}

static void report_enabled(struct host_uses *usage, const struct pci_device *function)
{
    struct use_owners owners = use_own(function);
    struct host_path file = pci_path(function->address, "enable");
    long long enabled = 0;

    int result = sysfs_read_number(usage->root, file.text, &enabled);
    if (result < 0 && result != -ENOENT)
        use_note(usage, file.text, result);
    if (result < 0 || enabled <= 0)
        return;
    autofree char *evidence = xasprintf("/%s: %lld", file.text, enabled);
    use_add(usage, &owners,
            (struct host_use){
                .kind = USE_VFIO, .weight = USE_ACTIVE, .name = function->driver, .evidence = evidence},
            "given to a program, as %s has it enabled; only root can see to which", function->driver);
}

static void find_enabled(struct host_uses *usage)
{
    for (size_t i = 0; i < usage->inventory->count; i++) {
        const struct pci_device *function = &usage->inventory->devices[i];
        if (use_is_for_guests(function) && host_uses_weigh(usage, function->address) < USE_ACTIVE)
            report_enabled(usage, function);
    }
}

/* A mediated device goes with its parent, whether it is open or not. */
static void report_mdev(struct host_uses *usage, const char *uuid, const struct use_owners *owners)
{
    struct host_path link = path_below(SYS_MDEV_DEVICES, uuid, "iommu_group");
    autofree char *evidence = xasprintf("/%s", path_below(SYS_MDEV_DEVICES, uuid, NULL).text);
    autotext struct text who = {0}, opener = {0};
    char group[16] = "", node[32];

    sysfs_read_link_name(usage->root, link.text, group, sizeof(group));
    snprintf(node, sizeof(node), "vfio/%s", group);
    bool open = use_describe_openers(usage, node, &who, &opener);
    bool hidden = !open && !usage->sees_all_processes;
    struct host_use use = {.kind = USE_VFIO,
                           .weight = open || hidden ? USE_ACTIVE : USE_IDLE,
                           .name = uuid,
                           .evidence = open ? text_string(&opener) : evidence};
    use_add(usage, owners, use, "mediated device %s %s%s", uuid, open ? "is given to " : "was made on it",
            open     ? text_string(&who)
            : hidden ? "; only root can see who uses it"
                     : ", nobody has it open");
}

static void find_mdevs(struct host_uses *usage)
{
    autolist char **names = NULL;
    struct use_owners owners;
    size_t count = 0;

    if (use_list_folder(usage, SYS_MDEV_DEVICES, &names) < 0)
        return;
    for (char **name = names; *name != NULL && count < MOST_MDEVS; name++, count++)
        if (use_find_owners(usage, SYS_MDEV_DEVICES, *name, &owners))
            report_mdev(usage, *name, &owners);
}

void use_find_vfio(struct host_uses *usage)
{
    find_open(usage);
    if (!usage->sees_all_processes)
        find_enabled(usage);
    find_mdevs(usage);
}
