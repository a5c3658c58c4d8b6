/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What somebody may do. */
#include "access/report.h"

#include <stdio.h>
#include <string.h>

#include "access/acl.h"
#include "access/role.h"
#include "access/snapshot.h"
#include "base/memory.h"
#include "base/text.h"

int report_find(struct access *access, const char *name, struct identity *ret, struct error *err)
{
    autosnapshot struct snapshot *snapshot = NULL;
    const char *mark = strchr(strrchr(name, '@') != NULL ? strrchr(name, '@') : name, '!');
    size_t length = mark != NULL ? (size_t)(mark - name) : strlen(name);
    struct identity who = {0};

    if (access_snapshot(access, &snapshot, err) != 0)
        return -1;
    if (length < sizeof(who.user))
        memcpy(who.user, name, length);
    if (mark != NULL && strlen(mark + 1) < sizeof(who.token))
        snprintf(who.token, sizeof(who.token), "%s", mark + 1);
    if (snapshot_user(snapshot, who.user) == NULL)
        return error_set(err, ERROR_NOT_FOUND, "no such user ('%.*s')", (int)length, name);
    if (mark != NULL && snapshot_token(snapshot, who.user, who.token) == NULL)
        return error_set(err, ERROR_NOT_FOUND, "no such token '%s' for user '%s'", mark + 1, who.user);
    *ret = who;
    return 0;
}

/* {privilege: 1 or 0} */
static json_t *describe(const struct acl_rights *rights)
{
    json_t *privileges = json_object();

    for (size_t i = 0; i < PRIVILEGE_COUNT; i++)
        if ((rights->held >> i & 1) != 0)
            json_object_set_new(privileges, privilege_names[i],
                                json_integer((json_int_t)(rights->inherited >> i & 1)));
    return privileges;
}

/* The path and all above it. */
static void add_ancestors(json_t *paths, const char *path)
{
    autofree char *copy = xstrdup(path);

    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        json_object_set_new(paths, copy, json_true());
        *slash = '/';
    }
    json_object_set_new(paths, copy, json_true());
}

/* {path: true} of the usual paths and those on the way to an ACL entry. */
static json_t *paths_of_interest(const struct snapshot *snapshot)
{
    static const char *const usual[] = {"/",     "/access", "/access/groups", "/nodes",
                                        "/pool", "/sdn",    "/storage",       "/vms"};
    json_t *paths = json_object(), *entries;
    const char *path;

    for (size_t i = 0; i < COUNT_OF(usual); i++)
        json_object_set_new(paths, usual[i], json_true());
    for (size_t i = 0; i < SHELF_PARTS; i++)
        json_object_foreach(snapshot->acl.parts[i], path, entries)
            add_ancestors(paths, path);
    return paths;
}

static void add_path(const struct snapshot *snapshot, const struct identity *who, const char *path,
                     bool even_if_empty, json_t *ret)
{
    char normal[ACL_PATH_SIZE];
    struct acl_rights rights = {0};

    if (acl_normalise_path(path, normal))
        rights = acl_rights(snapshot, who, normal);
    if (rights.held != 0 || even_if_empty)
        json_object_set_new(ret, path, describe(&rights));
}

int report_permissions(struct access *access, const struct identity *who, const char *path, json_t **ret,
                       struct error *err)
{
    autosnapshot struct snapshot *snapshot = NULL;
    const char *one;
    json_t *ignored;

    if (access_snapshot(access, &snapshot, err) != 0)
        return -1;
    *ret = json_object();
    if (path != NULL) {
        add_path(snapshot, who, path, true, *ret);
        return 0;
    }
    autojson json_t *paths = paths_of_interest(snapshot);
    json_object_foreach(paths, one, ignored)
        add_path(snapshot, who, one, false, *ret);
    return 0;
}

/* A part of the user interface: its path, and what the names of the privileges that concern it begin with. */
static const struct part {
    const char *name;
    const char *path;
    const char *begins[4];
} parts[] = {
    {"vms", "/vms", {"VM.", "Permissions."}},
    {"access", "/access", {"User.", "Group.", "Realm.", "Permissions."}},
    {"storage", "/storage", {"Datastore.", "Permissions."}},
    {"nodes", "/nodes", {"Sys.", "Permissions."}},
    {"sdn", "/sdn", {"SDN.", "Permissions."}},
    {"mapping", "/mapping", {"Mapping.", "Permissions."}},
    {"dc", "/", {"Sys.", "SDN."}},
};

static bool concerns(const struct part *part, const char *privilege)
{
    for (size_t i = 0; i < COUNT_OF(part->begins) && part->begins[i] != NULL; i++)
        if (text_starts_with(privilege, part->begins[i]))
            return true;
    return false;
}

/* Only "/" itself lies in the part "/": what is held below it belongs to the other parts. */
static bool lies_in(const struct part *part, const char *path)
{
    size_t length = strlen(part->path);

    return text_starts_with(path, part->path) &&
           (path[length] == '\0' || (path[length] == '/' && length > 1));
}

static json_t *describe_part(const struct snapshot *snapshot, const struct identity *who, const json_t *paths,
                             const struct part *part)
{
    json_t *privileges = json_object(), *ignored;
    const char *path;
    uint64_t held = acl_rights(snapshot, who, part->path).held;

    json_object_foreach((json_t *)paths, path, ignored)
        if (lies_in(part, path))
            held |= acl_rights(snapshot, who, path).held;
    for (size_t i = 0; i < PRIVILEGE_COUNT; i++)
        if ((held >> i & 1) != 0 && concerns(part, privilege_names[i]))
            json_object_set_new(privileges, privilege_names[i], json_integer(1));
    return privileges;
}

int report_interface_privileges(struct access *access, const struct identity *who, json_t **ret,
                                struct error *err)
{
    autosnapshot struct snapshot *snapshot = NULL;

    if (access_snapshot(access, &snapshot, err) != 0)
        return -1;
    autojson json_t *paths = paths_of_interest(snapshot);
    *ret = json_object();
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        json_object_set_new(*ret, parts[i].name, describe_part(snapshot, who, paths, &parts[i]));
    return 0;
}
