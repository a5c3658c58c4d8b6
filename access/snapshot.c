/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users, groups, roles and ACL at one moment. */
#include "access/snapshot.h"

#include <stdlib.h>

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

int snapshot_read(struct storage *storage, struct snapshot **ret, struct error *err)
{
    static const char *const kinds[] = {"user", "group", "role", "acl", NULL};
    uint64_t generation = storage_generation(storage);
    autojson json_t *documents = NULL;

    if (object_list_kinds(storage, kinds, &documents, err) != 0)
        return -1;
    struct snapshot *snapshot = xcalloc(1, sizeof(*snapshot));
    atomic_init(&snapshot->holders, 1);
    snapshot->generation = generation;
    snapshot->users = json_incref(json_object_get(documents, "user"));
    snapshot->groups_of = groups_by_user(json_object_get(documents, "group"));
    snapshot->roles = role_sets(json_object_get(documents, "role"));
    snapshot->acl = json_incref(json_object_get(documents, "acl"));
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
    json_decref(snapshot->users);
    json_decref(snapshot->groups_of);
    json_decref(snapshot->roles);
    json_decref(snapshot->acl);
    free(snapshot);
}

void cleanup_snapshot(struct snapshot **snapshot)
{
    snapshot_release(*snapshot);
}

const json_t *snapshot_user(const struct snapshot *snapshot, const char *user)
{
    return json_object_get(snapshot->users, user);
}

const json_t *snapshot_token(const struct snapshot *snapshot, const char *user, const char *token)
{
    return json_object_get(json_object_get(snapshot_user(snapshot, user), "tokens"), token);
}
