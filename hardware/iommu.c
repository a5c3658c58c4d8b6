/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IOMMU groups. */
#include "hardware/iommu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define MOST_REGIONS_TEXT 65536

/* "0x00000000fee00000 0x00000000feefffff msi" */
static json_t *parse_region(char *line)
{
    char *start = strsep(&line, " "), *end = line != NULL ? strsep(&line, " ") : NULL;

    if (line == NULL || !text_starts_with(start, "0x") || !text_starts_with(end, "0x"))
        return NULL;
    return json_pack("{s:s, s:s, s:s}", "start", start, "end", end, "type", text_trim(line));
}

static json_t *list_reserved(int folder)
{
    autofree char *text = NULL;

    if (sysfs_read_whole(folder, "reserved_regions", MOST_REGIONS_TEXT, &text) < 0)
        return NULL;
    json_t *list = json_array();
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        json_t *region = parse_region(line);
        if (region != NULL)
            json_array_append_new(list, region);
    }
    return list;
}

static json_t *describe_group(int groups, int number)
{
    char name[16], type[64];
    json_t *group = json_pack("{s:i, s:[]}", "group", number, "devices");

    snprintf(name, sizeof(name), "%d", number);
    autoclose int folder = groups < 0 ? -1 : sysfs_open_folder(groups, name);
    if (folder < 0)
        return group;
    if (sysfs_read(folder, "type", type, sizeof(type)) > 0)
        json_object_set_new(group, "type", json_string(type));
    json_t *reserved = list_reserved(folder);
    if (reserved != NULL)
        json_object_set_new(group, "reserved", reserved);
    return group;
}

/* By group and, in a group, by address: the inventory is sorted by address already. */
static int compare_by_group(const void *a, const void *b)
{
    const struct pci_device *first = *(const struct pci_device *const *)a;
    const struct pci_device *second = *(const struct pci_device *const *)b;

    if (first->group != second->group)
        return first->group < second->group ? -1 : 1;
    return pci_address_compare(first->address, second->address);
}

static size_t sort_by_group(const struct inventory *inventory, const struct pci_device **sorted)
{
    size_t count = 0;

    for (size_t i = 0; i < inventory->count; i++)
        if (inventory->devices[i].group >= 0)
            sorted[count++] = &inventory->devices[i];
    qsort(sorted, count, sizeof(sorted[0]), compare_by_group);
    return count;
}

int iommu_list_groups(const struct sysroot *sysroot, const struct inventory *inventory, json_t **ret,
                      struct error *err)
{
    (void)err;
    autoclose int groups = sysfs_open_folder(sysroot_fd(sysroot), "sys/kernel/iommu_groups");
    autofree const struct pci_device **sorted = xcalloc(inventory->count, sizeof(sorted[0]));
    size_t count = sort_by_group(inventory, sorted);
    autojson json_t *list = json_array();
    json_t *group = NULL;
    char id[PCI_ADDRESS_SIZE];

    for (size_t i = 0; i < count; i++) {
        if (i == 0 || sorted[i]->group != sorted[i - 1]->group) {
            group = describe_group(groups, sorted[i]->group);
            json_array_append_new(list, group);
        }
        pci_address_format(sorted[i]->address, id);
        json_array_append_new(json_object_get(group, "devices"), json_string(id));
    }
    *ret = TAKE(list);
    return 0;
}
