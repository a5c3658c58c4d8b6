/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IOMMU groups as JSON. */
#include "hardware/iommu/report.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/iommu/group.h"
#include "hardware/paths.h"

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

int iommu_list_groups(const struct sysroot *sysroot, const struct inventory *inventory, json_t **ret,
                      struct error *err)
{
    (void)err;
    autoclose int folder = sysfs_open_folder(sysroot_fd(sysroot), SYS_IOMMU_GROUPS);
    autogroups struct groups *groups = groups_sort(inventory);
    json_t *list = json_array();
    char id[PCI_ADDRESS_SIZE];

    for (size_t i = 0; i < groups_count(groups); i++) {
        struct members members = groups_at(groups, i);
        json_t *group = describe_group(folder, members.list[0]->group);
        json_object_set_new(group, "isolated", json_integer(group_is_isolated(members)));
        for (size_t j = 0; j < members.count; j++) {
            pci_address_format(members.list[j]->address, id);
            json_array_append_new(json_object_get(group, "devices"), json_string(id));
        }
        json_array_append_new(list, group);
    }
    *ret = list;
    return 0;
}
