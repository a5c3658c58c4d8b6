/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ACL: which privileges somebody has on a path. */
#include "access/acl.h"

#include <stdio.h>
#include <string.h>

#include "access/role.h"
#include "base/memory.h"

bool acl_normalise_path(const char *path, char ret[static ACL_PATH_SIZE])
{
    size_t used = 0;

    for (const char *c = path; *c != '\0'; c++) {
        if (*c == '/')
            continue;
        bool begins = c == path || c[-1] == '/';
        if (used + begins + 1 >= ACL_PATH_SIZE)
            return false;
        if (begins)
            ret[used++] = '/';
        ret[used++] = *c;
    }
    if (used == 0)
        ret[used++] = '/';
    ret[used] = '\0';
    return true;
}

/* What the entries of one level of a path grant. */
struct grant {
    bool applies; /* there was an entry, even one that grants nothing */
    bool no_access;
    struct acl_rights rights;
};

/* `granted` is {role: propagate}. An entry has no effect if its role does not exist any more. */
static void add_roles(const struct snapshot *snapshot, const json_t *granted, bool leaf, struct grant *grant)
{
    const char *name;
    json_t *propagate;

    json_object_foreach((json_t *)granted, name, propagate) {
        const json_t *set = json_object_get(snapshot->roles, name);
        bool inherited = json_integer_value(propagate) != 0;

        if (set == NULL || (!leaf && !inherited))
            continue;
        grant->applies = true;
        grant->no_access |= strcmp(name, ROLE_NO_ACCESS) == 0;
        grant->rights.held |= (uint64_t)json_integer_value(set);
        grant->rights.inherited |= inherited ? (uint64_t)json_integer_value(set) : 0;
    }
}

static struct grant grant_to_token(const struct snapshot *snapshot, const json_t *entries, const char *name,
                                   bool leaf)
{
    struct grant grant = {0};

    add_roles(snapshot, json_object_get(json_object_get(entries, "tokens"), name), leaf, &grant);
    return grant;
}

static struct grant grant_to_user(const struct snapshot *snapshot, const json_t *entries, const char *name,
                                  bool leaf)
{
    struct grant grant = {0};
    json_t *group;
    size_t i;

    add_roles(snapshot, json_object_get(json_object_get(entries, "users"), name), leaf, &grant);
    if (grant.applies)
        return grant;
    json_array_foreach(json_object_get(snapshot->groups_of, name), i, group)
        add_roles(snapshot, json_object_get(json_object_get(entries, "groups"), json_string_value(group)),
                  leaf, &grant);
    return grant;
}

typedef struct grant grant_function(const struct snapshot *, const json_t *, const char *, bool);

static struct acl_rights walk(const struct snapshot *snapshot, const char *path, const char *name,
                              grant_function *grant_to)
{
    struct grant result = {0};
    size_t length = 1, whole = strlen(path);

    for (;;) {
        const json_t *entries = shelf_find(&snapshot->acl, path, length);
        struct grant here = {0};

        if (entries != NULL)
            here = grant_to(snapshot, entries, name, length == whole);
        if (here.applies)
            result = here;
        if (length == whole)
            break;
        /* the next level ends before the next slash; no separator follows the first level, "/" */
        size_t start = length == 1 ? 1 : length + 1;
        length = start + strcspn(path + start, "/");
    }
    if (result.no_access)
        return (struct acl_rights){0};
    return result.rights;
}

static struct acl_rights rights_of_user(const struct snapshot *snapshot, const char *user, const char *path)
{
    if (strcmp(user, "root@pam") == 0)
        return (struct acl_rights){ALL_PRIVILEGES, ALL_PRIVILEGES};
    return snapshot_user(snapshot, user) != NULL ? walk(snapshot, path, user, grant_to_user)
                                                 : (struct acl_rights){0};
}

struct acl_rights acl_rights(const struct snapshot *snapshot, const struct identity *identity,
                             const char *path)
{
    char name[USERID_SIZE + TOKENID_SIZE];

    if (identity->token[0] == '\0')
        return rights_of_user(snapshot, identity->user, path);
    const json_t *token = snapshot_token(snapshot, identity->user, identity->token);
    if (token == NULL)
        return (struct acl_rights){0};
    struct acl_rights rights = rights_of_user(snapshot, identity->user, path);
    const json_t *separate = json_object_get(token, "privsep"); /* the default is 1 */
    if (separate != NULL && json_integer_value(separate) == 0)
        return rights;
    snprintf(name, sizeof(name), "%s!%s", identity->user, identity->token);
    struct acl_rights own = walk(snapshot, path, name, grant_to_token);
    return (struct acl_rights){rights.held & own.held, rights.inherited & own.inherited};
}
