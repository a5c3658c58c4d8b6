/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The permission that an endpoint declares, checked for a caller. */
#include <stdio.h>
#include <string.h>

#include "access/access.h"
#include "access/acl.h"
#include "access/role.h"
#include "access/snapshot.h"
#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"

#define REFUSED "Permission check failed"

/* One check: the caller, the parameters, and the snapshot that says what the caller may do. */
struct call {
    const struct snapshot *snapshot;
    const struct identity *identity;
    const json_t *params;
};

/* Appends the value of the parameter {name}; one that was not sent is empty. */
static void append_parameter(struct text *text, const json_t *params, const char *name, size_t length)
{
    const json_t *value = json_object_getn(params, name, length);

    if (json_is_string(value))
        text_append(text, json_string_value(value));
    else if (json_is_integer(value))
        text_printf(text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

static int fill_path(const char *declared, const json_t *params, char path[static ACL_PATH_SIZE],
                     struct error *err)
{
    autotext struct text text = {0};

    while (*declared != '\0') {
        size_t plain = strcspn(declared, "{");
        text_append_bytes(&text, declared, plain);
        declared += plain;
        if (*declared == '\0')
            break;
        size_t name = strcspn(++declared, "}");
        append_parameter(&text, params, declared, name);
        declared += name + (declared[name] == '}');
    }
    if (!acl_normalise_path(text_string(&text), path))
        return error_set(err, ERROR_FORBIDDEN, REFUSED " (the path is longer than %d bytes)",
                         ACL_PATH_SIZE - 1);
    return 0;
}

static int refuse_any(const char *path, const char *const *privileges, struct error *err)
{
    autotext struct text names = {0};

    for (const char *const *name = privileges; *name != NULL; name++)
        text_printf(&names, "%s%s", name == privileges ? "" : "|", *name);
    return error_set(err, ERROR_FORBIDDEN, REFUSED " (%s, %s)", path, text_string(&names));
}

static bool has_any(const struct call *call, const char *path, const char *const *privileges)
{
    uint64_t set = acl_rights(call->snapshot, call->identity, path).held;

    for (const char *const *name = privileges; *name != NULL; name++)
        if ((set & privilege_find(*name)) != 0)
            return true;
    return false;
}

static int check_privileges(const struct call *call, const struct permission *permission, struct error *err)
{
    char path[ACL_PATH_SIZE];

    if (fill_path(permission->path, call->params, path, err) != 0)
        return -1;
    if (permission->any)
        return has_any(call, path, permission->privileges) ? 0
                                                           : refuse_any(path, permission->privileges, err);
    uint64_t set = acl_rights(call->snapshot, call->identity, path).held;
    for (const char *const *name = permission->privileges; *name != NULL; name++)
        if ((set & privilege_find(*name)) == 0)
            return error_set(err, ERROR_FORBIDDEN, REFUSED " (%s, %s)", path, *name);
    return 0;
}

static const char *target_user(const struct call *call)
{
    const char *user = json_string_value(json_object_get(call->params, "userid"));

    return user != NULL ? user : "";
}

static int check_self(const struct call *call, struct error *err)
{
    const char *user = target_user(call);

    if (call->identity->token[0] == '\0' && strcmp(call->identity->user, user) == 0 &&
        snapshot_user(call->snapshot, user) != NULL)
        return 0;
    return error_set(err, ERROR_FORBIDDEN, REFUSED);
}

/* Never called for root@pam itself, which passes every check. */
static int check_not_root(const struct call *call, struct error *err)
{
    return strcmp(target_user(call), "root@pam") != 0
               ? 0
               : error_set(err, ERROR_FORBIDDEN, REFUSED " (user != root@pam)");
}

/* Whether the caller has one of the privileges on the group itself. */
static bool covers(const struct call *call, const char *const *privileges, const char *group)
{
    autofree char *path = xasprintf("/access/groups/%s", group);
    char normal[ACL_PATH_SIZE];

    return acl_normalise_path(path, normal) && has_any(call, normal, privileges);
}

static bool covers_a_group_of(const struct call *call, const char *const *privileges, const char *user)
{
    json_t *group;
    size_t i;

    json_array_foreach(json_object_get(call->snapshot->groups_of, user), i, group)
        if (covers(call, privileges, json_string_value(group)))
            return true;
    return false;
}

/* The same for every group of a list; an empty list covers nothing. */
static bool covers_list(const struct call *call, const char *const *privileges, const char *list)
{
    autosplit char **groups = format_split_list(list);

    for (char **group = groups; *group != NULL; group++)
        if (!covers(call, privileges, *group))
            return false;
    return *groups != NULL;
}

/* Parameters are not validated yet, so there may be several lists. */
static bool covers_groups_sent(const struct call *call, const char *const *privileges)
{
    const json_t *sent = json_object_get(call->params, "groups"), *one;
    size_t i;

    if (json_is_string(sent))
        return covers_list(call, privileges, json_string_value(sent));
    json_array_foreach(sent, i, one)
        if (!json_is_string(one) || !covers_list(call, privileges, json_string_value(one)))
            return false;
    return json_array_size(sent) > 0;
}

static int check_user_group(const struct call *call, const struct permission *permission, struct error *err)
{
    const char *const *privileges = permission->privileges;
    const char *user = target_user(call);
    bool update = permission->groups != GROUPS_CREATE;

    if (update && snapshot_user(call->snapshot, user) == NULL)
        return error_set(err, ERROR_NOT_FOUND, "no such user ('%s')", user);
    if (has_any(call, "/access/groups", privileges))
        return 0;
    if ((!update || covers_a_group_of(call, privileges, user)) &&
        (permission->groups == GROUPS_NOT_ASKED || covers_groups_sent(call, privileges)))
        return 0;
    return refuse_any("/access/groups", privileges, err);
}

static int check_path(const struct call *call, const char *path, const char *const *privileges,
                      struct error *err)
{
    char normal[ACL_PATH_SIZE];

    if (!acl_normalise_path(path, normal))
        return error_set(err, ERROR_FORBIDDEN, REFUSED " (the path is longer than %d bytes)",
                         ACL_PATH_SIZE - 1);
    return has_any(call, normal, privileges) ? 0 : refuse_any(normal, privileges, err);
}

static int check_realm(const struct call *call, struct error *err)
{
    static const char *const privileges[] = {"Realm.AllocateUser", NULL};
    const char *at = strrchr(target_user(call), '@');
    autofree char *path = xasprintf("/access/realm/%s", at != NULL ? at + 1 : "");

    return check_path(call, path, privileges, err);
}

/* Whoever may allocate an object may also say who uses it. */
static int check_modify(const struct call *call, const char *declared, struct error *err)
{
    static const struct {
        const char *below;
        const char *privileges[3];
    } rows[] = {
        {"/storage/", {"Permissions.Modify", "Datastore.Allocate", NULL}},
        {"/vms/", {"Permissions.Modify", "VM.Allocate", NULL}},
        {"/pool/", {"Permissions.Modify", "Pool.Allocate", NULL}},
        {"/", {"Permissions.Modify", NULL}},
    };
    char path[ACL_PATH_SIZE];
    size_t i = 0;

    if (fill_path(declared, call->params, path, err) != 0)
        return -1;
    while (!text_starts_with(path, rows[i].below))
        i++;
    return check_path(call, path, rows[i].privileges, err);
}

static int check(const struct call *call, const struct permission *permission, struct error *err);

/* If one of them fails for a reason other than a refusal, such as a missing user, the error is that one's. */
static int check_one_of(const struct call *call, const struct permission *checks, struct error *err)
{
    struct error refusal;

    error_set(&refusal, ERROR_FORBIDDEN, REFUSED);
    for (; checks->kind != PERMISSION_ROOT; checks++) {
        if (check(call, checks, err) == 0)
            return 0;
        if (err->kind != ERROR_FORBIDDEN)
            refusal = *err;
    }
    *err = refusal;
    return -1;
}

static int check_all_of(const struct call *call, const struct permission *checks, struct error *err)
{
    for (; checks->kind != PERMISSION_ROOT; checks++)
        if (check(call, checks, err) != 0)
            return -1;
    return 0;
}

static int check(const struct call *call, const struct permission *permission, struct error *err)
{
    switch (permission->kind) {
    case PERMISSION_WORLD:
    case PERMISSION_ALL:
        return 0;
    case PERMISSION_PRIVILEGES:
        return check_privileges(call, permission, err);
    case PERMISSION_OR:
        return check_one_of(call, permission->checks, err);
    case PERMISSION_AND:
        return check_all_of(call, permission->checks, err);
    case PERMISSION_SELF:
        return check_self(call, err);
    case PERMISSION_USER_GROUP:
        return check_user_group(call, permission, err);
    case PERMISSION_REALM:
        return check_realm(call, err);
    case PERMISSION_NOT_ROOT:
        return check_not_root(call, err);
    case PERMISSION_MODIFY:
        return check_modify(call, permission->path, err);
    case PERMISSION_ROOT:
        break;
    }
    return error_set(err, ERROR_FORBIDDEN, REFUSED " (user != root@pam)");
}

int access_check(struct access *access, const struct identity *identity, const struct permission *permission,
                 const json_t *params, struct error *err)
{
    autosnapshot struct snapshot *snapshot = NULL;

    if (permission->kind == PERMISSION_WORLD)
        return 0;
    if (identity->user[0] == '\0')
        return error_set(err, ERROR_UNAUTHENTICATED, "No ticket");
    if (identity_is_root(identity) || permission->kind == PERMISSION_ALL)
        return 0;
    if (access_snapshot(access, &snapshot, err) != 0)
        return -1;
    return check(&(const struct call){snapshot, identity, params}, permission, err);
}
