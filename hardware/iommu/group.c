/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IOMMU groups as sets of functions. */
#include "hardware/iommu/group.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/pci/card.h"
#include "hardware/pci/class.h"

struct groups {
    const struct pci_device **sorted; /* by group, then address */
    struct members *list;
    size_t count;
};

/* A pointer into the inventory, which is sorted by address. */
static int compare_by_group(const void *a, const void *b)
{
    const struct pci_device *first = *(const struct pci_device *const *)a;
    const struct pci_device *second = *(const struct pci_device *const *)b;

    if (first->group != second->group)
        return first->group < second->group ? -1 : 1;
    return first < second ? -1 : 1;
}

struct groups *groups_sort(const struct inventory *inventory)
{
    struct groups *groups = xcalloc(1, sizeof(*groups));
    size_t members = 0;

    groups->sorted = xcalloc(inventory->count, sizeof(groups->sorted[0]));
    groups->list = xcalloc(inventory->count, sizeof(groups->list[0]));
    for (size_t i = 0; i < inventory->count; i++)
        if (inventory->devices[i].group >= 0)
            groups->sorted[members++] = &inventory->devices[i];
    qsort(groups->sorted, members, sizeof(groups->sorted[0]), compare_by_group);
    for (size_t i = 0; i < members; i++) {
        if (i == 0 || groups->sorted[i]->group != groups->sorted[i - 1]->group)
            groups->list[groups->count++].list = &groups->sorted[i];
        groups->list[groups->count - 1].count++;
    }
    return groups;
}

void groups_free(struct groups *groups)
{
    if (groups == NULL)
        return;
    free(groups->sorted);
    free(groups->list);
    free(groups);
}

void cleanup_groups(struct groups **groups)
{
    groups_free(*groups);
}

size_t groups_count(const struct groups *groups)
{
    return groups->count;
}

struct members groups_at(const struct groups *groups, size_t index)
{
    return groups->list[index];
}

static int compare_group_number(const void *number, const void *members)
{
    int wanted = *(const int *)number, group = ((const struct members *)members)->list[0]->group;

    return (wanted > group) - (wanted < group);
}

struct members groups_find(const struct groups *groups, int group)
{
    const struct members *found =
        bsearch(&group, groups->list, groups->count, sizeof(groups->list[0]), compare_group_number);

    return found != NULL ? *found : (struct members){0};
}

bool group_is_isolated(struct members members)
{
    const struct pci_device *first = NULL;

    for (size_t i = 0; i < members.count; i++) {
        if (pci_is_bridge(members.list[i]))
            continue;
        if (first != NULL && !pci_same_card(first, members.list[i]))
            return false;
        first = members.list[i];
    }
    return true;
}

bool group_detaches(const struct pci_device *device, const struct pci_device *member)
{
    if (member == device && device->virtual_function && device->nvidia)
        return false;
    if (member->driver[0] == '\0' || driver_is_vfio(member->driver) || pci_is_switching(member))
        return false;
    return member == device || strcmp(member->driver, "pci-stub") != 0;
}
