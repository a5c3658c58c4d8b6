/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions and mediated devices that a program drives through vfio, which is a virtual machine in most
 * cases.
 *
 * The program is found by what it has open. Where that cannot be seen, the function itself shows it: vfio-pci
 * enables a function while it is open, and only then (vfio_pci_core_enable in drivers/vfio/pci of the Linux
 * kernel). Source: Documentation/driver-api/vfio.rst. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"
#include "hardware/use/parts.h"

#define MOST_MDEVS 4096

static void report_open(struct host_uses *uses, const struct use_owners *owners, const char *name,
                        const char *node)
{
    autotext struct text who = {0}, evidence = {0};

    if (use_describe_openers(uses, node, &who, &evidence))
        use_add(uses, owners,
                (struct host_use){.kind = USE_VFIO,
                                  .weight = USE_ACTIVE,
                                  .name = name,
                                  .node = node,
                                  .evidence = text_string(&evidence)},
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

static void report_group(struct host_uses *uses, const char *node, int group)
{
    for (size_t i = 0; i < uses->inventory->count; i++) {
        const struct pci_device *function = &uses->inventory->devices[i];
        struct use_owners owners = use_own(function);
        if (function->group == group && (driver_is_vfio(function->driver) || function->nvidia))
            report_open(uses, &owners, node + strlen("vfio/"), node);
    }
}

/* Mediated devices have nodes of their own, which report_mdev looks for. */
static bool is_of_mdev(const struct host_uses *uses, const char *node)
{
    struct host_path link = path_below(SYS_CLASS_VFIO, node + strlen("vfio/devices/"), "device/mdev_type");
    char type[256];

    return sysfs_read_link_name(uses->root, link.text, type, sizeof(type)) >= 0;
}

/* Groups, and since Linux 6.6 functions of their own: "vfio/devices/vfio3". */
static void find_open(struct host_uses *uses)
{
    struct use_owners owners;
    unsigned long long group;
    size_t next = 0;

    for (const char *node; (node = use_next_node(uses, &next)) != NULL;) {
        if (!text_starts_with(node, "vfio/"))
            continue;
        if (parse_group(node, &group))
            report_group(uses, node, (int)group);
        else if (text_starts_with(node, "vfio/devices/vfio") && !is_of_mdev(uses, node) &&
                 use_find_owners(uses, SYS_CLASS_VFIO, node + strlen("vfio/devices/"), &owners))
            report_open(uses, &owners, node + strlen("vfio/devices/"), node);
    }
}

static void report_enabled(struct host_uses *uses, const struct pci_device *function)
{
    struct use_owners owners = use_own(function);
    struct host_path file = pci_path(function->address, "enable");
    long long enabled = 0;

    int result = sysfs_read_number(uses->root, file.text, &enabled);
    if (result < 0 && result != -ENOENT)
        use_note(uses, file.text, result);
    if (result < 0 || enabled <= 0)
        return;
    autofree char *evidence = xasprintf("/%s: %lld", file.text, enabled);
    use_add(uses, &owners,
            (struct host_use){
                .kind = USE_VFIO, .weight = USE_ACTIVE, .name = function->driver, .evidence = evidence},
            "given to a program, because %s has enabled it; only root can see which one", function->driver);
}

static void find_enabled(struct host_uses *uses)
{
    for (size_t i = 0; i < uses->inventory->count; i++) {
        const struct pci_device *function = &uses->inventory->devices[i];
        if (driver_is_vfio(function->driver) && host_uses_weigh(uses, function->address) < USE_ACTIVE)
            report_enabled(uses, function);
    }
}

/* Who has it open, by its group or, since Linux 6.6, by itself. */
static bool find_mdev_opener(struct host_uses *uses, const char *uuid, char node[static 32], struct text *who,
                             struct text *evidence)
{
    struct host_path group = path_below(SYS_MDEV_DEVICES, uuid, "iommu_group"),
                     devices = path_below(SYS_MDEV_DEVICES, uuid, "vfio-dev");
    char name[16];
    autolist char **names = NULL;

    if (sysfs_read_link_name(uses->root, group.text, name, sizeof(name)) >= 0) {
        snprintf(node, 32, "vfio/%s", name);
        if (use_describe_openers(uses, node, who, evidence))
            return true;
    }
    if (sysfs_list(uses->root, devices.text, &names) <= 0 || strlen(names[0]) >= sizeof(name))
        return false;
    snprintf(node, 32, "vfio/devices/%s", names[0]);
    return use_describe_openers(uses, node, who, evidence);
}

/* A mediated device is lost with its parent, whether it is open or not. */
static void report_mdev(struct host_uses *uses, const char *uuid, const struct use_owners *owners)
{
    autofree char *evidence = xasprintf("/%s", path_below(SYS_MDEV_DEVICES, uuid, NULL).text);
    autotext struct text who = {0}, opener = {0};
    char node[32];

    bool open = find_mdev_opener(uses, uuid, node, &who, &opener);
    bool hidden = !open && !uses->sees_all_processes;
    struct host_use use = {.kind = USE_VFIO,
                           .weight = open || hidden ? USE_ACTIVE : USE_IDLE,
                           .name = uuid,
                           .node = open ? node : NULL,
                           .evidence = open ? text_string(&opener) : evidence};
    use_add(uses, owners, use, "mediated device %s %s%s", uuid, open ? "is given to " : "was made on it",
            open     ? text_string(&who)
            : hidden ? "; only root can see who uses it"
                     : ", nobody has it open");
}

static void find_mdevs(struct host_uses *uses)
{
    autolist char **names = NULL;
    struct use_owners owners;
    size_t count = 0;

    if (use_list_folder(uses, SYS_MDEV_DEVICES, &names) < 0)
        return;
    for (char **name = names; *name != NULL && count < MOST_MDEVS; name++, count++)
        if (use_find_owners(uses, SYS_MDEV_DEVICES, *name, &owners))
            report_mdev(uses, *name, &owners);
}

void use_find_vfio(struct host_uses *uses)
{
    find_open(uses);
    if (!uses->sees_all_processes)
        find_enabled(uses);
    find_mdevs(uses);
}
