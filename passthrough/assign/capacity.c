/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many devices of a PCI mapping each node has, and how many of them are free. */
#include "passthrough/assign/capacity.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "schema/format.h"

static void add_number(json_t *row, const char *key, long long number)
{
    json_object_set_new(row, key, json_integer(json_integer_value(json_object_get(row, key)) + number));
}

/* vmid is 0 if it is not known which VM has it. */
static void add_used(json_t *row, const char *path, long long vmid)
{
    json_t *use = json_pack("{s:s}", "path", path);

    if (vmid != 0)
        json_object_set_new(use, "vmid", json_integer(vmid));
    json_array_append_new(json_object_get(row, "used"), use);
    add_number(row, "total", 1);
}

static void add_free(json_t *row, long long number)
{
    add_number(row, "total", number);
    add_number(row, "free", number);
}

static long long find_holder(const struct availability *availability, char *const *ids)
{
    long long holder = 0;

    for (; *ids != NULL && holder == 0; ids++)
        holder = availability_find_holder(availability, *ids, false, 0);
    return holder;
}

/* False if the hardware is not what the entry says. */
static bool find_functions(const struct capacity *capacity, const json_t *entry, char ***ret)
{
    autosplit char **paths = format_split_list(json_text(entry, "path"));
    struct error err;

    return availability_check_entry(capacity->availability, capacity->mapping, entry, &err) == 0 &&
           availability_list_functions(capacity->availability, (const char *const *)paths, ret, &err) == 0;
}

static void count_device(const struct capacity *capacity, const json_t *entry, json_t *row)
{
    autosplit char **ids = NULL;

    if (!find_functions(capacity, entry, &ids)) {
        add_number(row, "total", 1);
        return;
    }
    long long holder = find_holder(capacity->availability, ids);
    if (holder != 0)
        add_used(row, json_text(entry, "path"), holder);
    else
        add_free(row, 1);
}

static bool is_of(const struct capacity *capacity, const json_t *device, const char *parent)
{
    return strcmp(json_text(device, "parent"), parent) == 0 &&
           strcmp(json_text(device, "type"), capacity->mdev) == 0;
}

/* Mediated devices that are reserved, made or not, and those that somebody made without a reservation. */
static void count_used(const struct capacity *capacity, const char *parent, json_t *row)
{
    const struct availability *availability = capacity->availability;
    const char *device;
    const json_t *held, *instance;
    size_t i;

    json_object_foreach(availability->reserved, device, held)
        if (is_of(capacity, held, parent) ||
            (strcmp(device, parent) == 0 && strcmp(json_text(held, "type"), capacity->mdev) == 0))
            add_used(row, parent, json_integer_value(json_object_get(held, "vmid")));
    json_array_foreach(availability->instances, i, instance) {
        const char *name = json_text_or(instance, "uuid", parent); /* NVIDIA's have none */
        if (is_of(capacity, instance, parent) && json_object_get(availability->reserved, name) == NULL)
            add_used(row, parent, availability_find_owner(availability->reserved, name));
    }
}

static int count_instances(const struct capacity *capacity, const char *parent, json_t *given, json_t *row,
                           struct error *err)
{
    struct left left;

    if (availability_count_left(capacity->availability, parent, capacity->mdev, 0, given, &left, err) != 0)
        return -1;
    count_used(capacity, parent, row);
    if (left.sure > 0 && availability_find_holder(capacity->availability, parent, true, 0) == 0) {
        add_free(row, left.sure);
        json_array_append_new(given, json_pack("{s:s, s:s}", "parent", parent, "type", capacity->mdev));
    }
    return 0;
}

/* A parent that several entries name counts once; `seen` is {ID: true}, `given` availability_count_left's. */
static int count_parents(const struct capacity *capacity, const json_t *entry, json_t *seen, json_t *given,
                         json_t *row, struct error *err)
{
    autosplit char **ids = NULL;

    if (!find_functions(capacity, entry, &ids))
        return 0;
    for (char **id = ids; *id != NULL; id++) {
        if (json_object_get(seen, *id) != NULL)
            continue;
        json_object_set_new(seen, *id, json_true());
        if (count_instances(capacity, *id, given, row, err) != 0)
            return -1;
    }
    return 0;
}

static json_t *find_row(json_t *rows, const char *node, bool online)
{
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row)
        if (strcmp(json_text(row, "node"), node) == 0)
            return row;
    row = json_pack("{s:s, s:i, s:i, s:i, s:[]}", "node", node, "online", online ? 1 : 0, "total", 0, "free",
                    0, "used");
    json_array_append_new(rows, row);
    return row;
}

int capacity_list(const struct capacity *capacity, json_t **ret, struct error *err)
{
    autojson json_t *rows = json_array(), *seen = json_object(), *given = json_array();
    const json_t *entry;
    size_t i;

    json_array_foreach(json_object_get(capacity->body, "map"), i, entry) {
        bool here = strcmp(json_text(entry, "node"), capacity->node) == 0;
        json_t *row = find_row(rows, json_text(entry, "node"), here);
        if (!here && capacity->mdev == NULL)
            add_number(row, "total", 1);
        else if (here && capacity->mdev == NULL)
            count_device(capacity, entry, row);
        else if (here && count_parents(capacity, entry, seen, given, row, err) != 0)
            return -1;
    }
    *ret = TAKE(rows);
    return 0;
}
