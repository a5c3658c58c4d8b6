/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users, groups, roles and ACL at one moment. */
#include "access/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "access/role.h"
#include "base/memory.h"

static void add_member(json_t *groups_of, const char *user, const char *group)
{
    json_t *groups = json_object_get(groups_of, user);

    if (groups == NULL) {
        groups = json_array();
        json_object_set_new(groups_of, user, groups);
    }
    json_array_append_new(groups, json_string(group));
}

static json_t *groups_by_user(json_t *documents)
{
    json_t *groups_of = json_object(), *document, *member;
    const char *group;
    size_t i;

    json_object_foreach(documents, group, document)
        json_array_foreach(json_object_get(document, "members"), i, member)
            if (json_is_string(member))
                add_member(groups_of, json_string_value(member), group);
    return groups_of;
}

static struct snapshot *new_snapshot(uint64_t generation, int64_t newest)
{
    struct snapshot *snapshot = xcalloc(1, sizeof(*snapshot));

    atomic_init(&snapshot->holders, 1);
    snapshot->generation = generation;
    snapshot->newest = newest;
    return snapshot;
}

/* Derives what is not there: everything at first, later what change_few has dropped. */
static void derive(struct snapshot *snapshot)
{
    if (snapshot->groups_of == NULL)
        snapshot->groups_of = groups_by_user(snapshot->groups);
    if (snapshot->roles == NULL)
        snapshot->roles = role_sets(snapshot->role_documents);
}

int snapshot_read(struct storage *storage, struct snapshot **ret, struct error *err)
{
    static const char *const kinds[] = {"user", "group", "role", "acl", NULL};
    uint64_t generation = storage_generation(storage);
    autojson json_t *documents = NULL;
    int64_t newest;

    if (object_newest_change(storage, &newest, err) != 0 ||
        object_list_kinds(storage, kinds, &documents, err) != 0)
        return -1;
    struct snapshot *snapshot = new_snapshot(generation, newest);
    shelf_fill(&snapshot->users, json_object_get(documents, "user"));
    shelf_fill(&snapshot->acl, json_object_get(documents, "acl"));
    snapshot->groups = json_incref(json_object_get(documents, "group"));
    snapshot->role_documents = json_incref(json_object_get(documents, "role"));
    derive(snapshot);
    *ret = snapshot;
    return 0;
}

/* Replaces the documents of a kind by a copy with a changed one, or without it if it is null, and drops what
 * is derived from them. */
static void change_few(json_t **documents, json_t **derived, const char *id, json_t *body)
{
    json_t *changed = json_copy(*documents);

    if (json_is_null(body))
        json_object_del(changed, id);
    else
        json_object_set(changed, id, body);
    json_decref(*documents);
    *documents = changed;
    json_decref(*derived);
    *derived = NULL;
}

static void change(struct snapshot *snapshot, const char *kind, const char *id, json_t *body)
{
    if (strcmp(kind, "user") == 0)
        shelf_put(&snapshot->users, id, body);
    else if (strcmp(kind, "acl") == 0)
        shelf_put(&snapshot->acl, id, body);
    else if (strcmp(kind, "group") == 0)
        change_few(&snapshot->groups, &snapshot->groups_of, id, body);
    else if (strcmp(kind, "role") == 0)
        change_few(&snapshot->role_documents, &snapshot->roles, id, body);
}

int snapshot_follow(struct storage *storage, const struct snapshot *before, struct snapshot **ret,
                    struct error *err)
{
    uint64_t generation = storage_generation(storage);
    autojson json_t *changes = NULL;
    int64_t newest;
    json_t *row;
    size_t i;

    if (object_list_changes(storage, before->newest, &changes, &newest, err) != 0)
        return -1;
    if (changes == NULL)
        return snapshot_read(storage, ret, err);
    struct snapshot *snapshot = new_snapshot(generation, newest);
    shelf_copy(&snapshot->users, &before->users);
    shelf_copy(&snapshot->acl, &before->acl);
    snapshot->groups = json_incref(before->groups);
    snapshot->groups_of = json_incref(before->groups_of);
    snapshot->role_documents = json_incref(before->role_documents);
    snapshot->roles = json_incref(before->roles);
    json_array_foreach(changes, i, row)
        change(snapshot, json_string_value(json_object_get(row, "kind")),
               json_string_value(json_object_get(row, "id")), json_object_get(row, "body"));
    derive(snapshot);
    *ret = snapshot;
    return 0;
}

struct snapshot *snapshot_retain(struct snapshot *snapshot)
{
    atomic_fetch_add(&snapshot->holders, 1);
    return snapshot;
}

void snapshot_release(struct snapshot *snapshot)
{
    if (snapshot == NULL || atomic_fetch_sub(&snapshot->holders, 1) != 1)
        return;
    shelf_release(&snapshot->users);
    shelf_release(&snapshot->acl);
    json_decref(snapshot->groups);
    json_decref(snapshot->groups_of);
    json_decref(snapshot->role_documents);
    json_decref(snapshot->roles);
    free(snapshot);
}

void cleanup_snapshot(struct snapshot **snapshot)
{
    snapshot_release(*snapshot);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **snapshot_sort(const struct shelf *shelf)
{
    const char **names, *name;
    size_t count = 0;
    json_t *ignored;

    for (size_t i = 0; i < COUNT_OF(shelf->parts); i++)
        count += json_object_size(shelf->parts[i]);
    names = xcalloc(count + 1, sizeof(*names));
    count = 0;
    for (size_t i = 0; i < COUNT_OF(shelf->parts); i++)
        json_object_foreach(shelf->parts[i], name, ignored)
            names[count++] = name;
    qsort(names, count, sizeof(*names), compare);
    return names;
}

const json_t *snapshot_user(const struct snapshot *snapshot, const char *user)
{
    return shelf_find(&snapshot->users, user, strlen(user));
}

const json_t *snapshot_token(const struct snapshot *snapshot, const char *user, const char *token)
{
    return json_object_get(json_object_get(snapshot_user(snapshot, user), "tokens"), token);
}
