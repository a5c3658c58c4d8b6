/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ACL entries: listing and changing who has which role on which path. */
#include "access/acl_entry.h"

#include <string.h>

#include "access/acl.h"
#include "access/document.h"
#include "access/role.h"
#include "access/snapshot.h"
#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "storage/edit.h"

#define NAME          "[A-Za-z0-9._-]+"
#define ENTRIES_LIMIT 5000 /* on a path */

bool acl_entry_path_is_valid(const char *path)
{
    static const char pattern[] =
        "/|/access(?:/groups(?:/" NAME ")?|/realm(?:/" NAME ")?)?|/nodes(?:/" NAME ")?|/pool(?:/" NAME
        "){0,3}|/storage(?:/" NAME ")?|/vms(?:/[1-9][0-9]{2,8})?|/mapping(?:/" NAME
        "){0,2}|/sdn(?:/zones(?:/" NAME "(?:/" NAME
        "(?:/[1-9][0-9]{0,3})?)?)?|/(?:controllers|dns|fabrics|ipams|prefix-lists|"
        "route-maps)(?:/" NAME ")?)?";

    return format_matches_pattern(pattern, path, strlen(path));
}

/* The kinds of holders of entries: the key in the document, and the type in a listed row. */
enum { USER, GROUP, TOKEN, KINDS };
static const struct {
    const char *key, *type;
} kinds[KINDS] = {{"users", "user"}, {"groups", "group"}, {"tokens", "token"}};

static void list_kind(const char *path, const json_t *named, const char *type, json_t *list)
{
    json_t *roles, *propagate;
    const char *name, *role;

    json_object_foreach((json_t *)named, name, roles)
        json_object_foreach(roles, role, propagate)
            json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:i}", "path", path, "type", type,
                                                  "ugid", name, "roleid", role, "propagate",
                                                  json_integer_value(propagate) != 0));
}

int acl_entry_list(struct access *access, bool (*shows)(const char *path, void *context), void *context,
                   json_t **ret, struct error *err)
{
    autosnapshot struct snapshot *snapshot = NULL;

    if (access_snapshot(access, &snapshot, err) != 0)
        return -1;
    autofree const char **paths = snapshot_sort(&snapshot->acl);
    json_t *list = json_array();
    for (const char **path = paths; *path != NULL; path++) {
        const json_t *entries =
            shows(*path, context) ? shelf_find(&snapshot->acl, *path, strlen(*path)) : NULL;
        for (int kind = 0; kind < KINDS; kind++)
            list_kind(*path, json_object_get(entries, kinds[kind].key), kinds[kind].type, list);
    }
    *ret = list;
    return 0;
}

/* A caller without Permissions.Modify can only grant or revoke a role whose privileges he has himself. */
static int check_role(const struct snapshot *snapshot, const char *role, const struct acl_rights *rights,
                      const struct acl_entry_change *change, struct error *err)
{
    uint64_t given = (uint64_t)json_integer_value(json_object_get(snapshot->roles, role));
    uint64_t held = change->propagate && !change->remove ? rights->inherited : rights->held;

    if (strcmp(role, ROLE_NO_ACCESS) != 0 && (given & ~held) == 0)
        return 0;
    return error_set_field(err, "role",
                           "role '%s' on '%s' needs Permissions.Modify there, or all that it gives", role,
                           change->path);
}

static int check_delegation(struct access *access, const struct identity *caller,
                            const struct acl_entry_change *change, struct error *err)
{
    autosnapshot struct snapshot *snapshot = NULL;
    autosplit char **roles = format_split_list(change->roles);

    if (access_snapshot(access, &snapshot, err) != 0)
        return -1;
    struct acl_rights rights = acl_rights(snapshot, caller, change->path);
    if ((rights.held & privilege_find("Permissions.Modify")) != 0)
        return 0;
    for (char **role = roles; *role != NULL; role++)
        if (check_role(snapshot, *role, &rights, change, err) != 0)
            return -1;
    return 0;
}

/* A change whose set is being built. */
struct building {
    struct storage *storage;
    struct change_set *set;
    json_t *named; /* {"user joe@pve": true}: the documents that are in the set already */
};

/* What is named must still exist at the commit. So its document is written, unchanged, and the commit
 * conflicts with a deletion in the meantime. */
static int name_document(struct building *building, const char *kind, const char *id, json_t **ret,
                         struct error *err)
{
    autofree char *key = xasprintf("%s %s", kind, id);
    autojson json_t *body = NULL;
    int64_t revision;

    if (access_read_document(building->storage, kind, id, &body, &revision, err) != 0)
        return -1;
    if (json_object_get(building->named, key) == NULL)
        change_set_put(building->set, kind, id, revision, json_incref(body));
    json_object_set_new(building->named, key, json_true());
    if (ret != NULL)
        *ret = TAKE(body);
    return 0;
}

static int name_token(struct building *building, const char *full, struct error *err)
{
    autofree char *user = xstrdup(full);
    char *id = strrchr(user, '!');
    autojson json_t *document = NULL;

    if (id == NULL)
        return error_set(err, ERROR_INVALID, "'%s' is not of the form USER@REALM!TOKEN", full);
    *id++ = '\0';
    if (name_document(building, "user", user, &document, err) != 0)
        return -1;
    if (json_object_get(json_object_get(document, "tokens"), id) == NULL)
        return error_set(err, ERROR_NOT_FOUND, "no such token '%s' for user '%s'", id, user);
    return 0;
}

/* The error is about the first that does not exist: roles before users, groups and tokens. */
static int name_documents(struct building *building, char **roles, char **const names[KINDS],
                          struct error *err)
{
    for (char **role = roles; *role != NULL; role++)
        if (!role_is_builtin(*role) && name_document(building, "role", *role, NULL, err) != 0)
            return -1;
    for (int kind = 0; kind < KINDS; kind++)
        for (char **name = names[kind]; *name != NULL; name++)
            if ((kind == TOKEN ? name_token(building, *name, err)
                               : name_document(building, kinds[kind].type, *name, NULL, err)) != 0)
                return -1;
    return 0;
}

static json_t *below(json_t *object, const char *key)
{
    json_t *child = json_object_get(object, key);

    if (child == NULL) {
        child = json_object();
        json_object_set_new(object, key, child);
    }
    return child;
}

static void drop_if_empty(json_t *object, const char *key)
{
    if (json_object_size(json_object_get(object, key)) == 0)
        json_object_del(object, key);
}

static void change_name(const struct acl_entry_change *change, json_t *named, const char *name, char **roles)
{
    json_t *granted = below(named, name);

    for (; *roles != NULL; roles++) {
        if (change->remove)
            json_object_del(granted, *roles);
        else
            json_object_set_new(granted, *roles, json_integer(change->propagate));
    }
    drop_if_empty(named, name);
}

static void change_kind(const struct acl_entry_change *change, json_t *entries, const char *key, char **names,
                        char **roles)
{
    json_t *named = below(entries, key);

    for (; *names != NULL; names++)
        change_name(change, named, *names, roles);
    drop_if_empty(entries, key);
}

static size_t count_entries(const json_t *entries)
{
    size_t count = 0;

    for (int kind = 0; kind < KINDS; kind++)
        count += json_object_size(json_object_get(entries, kinds[kind].key));
    return count;
}

/* Every request reads all entries of the paths above its own. */
static int check_entries(const json_t *entries, size_t before, struct error *err)
{
    size_t count = count_entries(entries);

    if (count <= ENTRIES_LIMIT || count <= before)
        return 0;
    return error_set(
        err, ERROR_FAILED,
        "ACL update failed: at most %d users, groups and tokens can have roles on a path, and this "
        "would be %zu: give the role to a group that they are in",
        ENTRIES_LIMIT, count);
}

/* A path without entries has no document. */
static void write_entries(struct change_set *set, const char *path, int64_t revision, json_t *entries)
{
    if (json_object_size(entries) > 0)
        change_set_put(set, "acl", path, revision, json_incref(entries));
    else if (revision != 0)
        change_set_delete(set, "acl", path, revision);
}

static int build_change(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct acl_entry_change *change = context;
    autojson json_t *entries = NULL, *documents = json_object();
    struct building building = {storage, set, documents};
    autosplit char **roles = format_split_list(change->roles), **users = format_split_list(change->users),
                   **groups = format_split_list(change->groups), **tokens = format_split_list(change->tokens);
    char **const names[KINDS] = {[USER] = users, [GROUP] = groups, [TOKEN] = tokens};
    int64_t revision = 0;

    if (!change->remove && name_documents(&building, roles, names, err) != 0)
        return error_prefix(err, "ACL update failed: ");
    if (object_read(storage, "acl", change->path, &entries, &revision, err) != 0) {
        if (err->kind != ERROR_NOT_FOUND)
            return -1;
        if (!change->remove && access_check_room(storage, "acl", err) != 0)
            return error_prefix(err, "ACL update failed: ");
        entries = json_object();
    }
    size_t before = count_entries(entries);
    for (int kind = 0; kind < KINDS; kind++)
        change_kind(change, entries, kinds[kind].key, names[kind], roles);
    if (check_entries(entries, before, err) != 0)
        return -1;
    write_entries(set, change->path, revision, entries);
    return 0;
}

int acl_entry_update(struct access *access, const struct identity *caller,
                     const struct acl_entry_change *change, struct error *err)
{
    struct acl_entry_change complete = *change;
    char path[ACL_PATH_SIZE];

    if (!acl_normalise_path(change->path, path) || (!change->remove && !acl_entry_path_is_valid(path)))
        return error_set_field(err, "path", "invalid ACL path '%.200s'", change->path);
    if (change->users == NULL && change->groups == NULL && change->tokens == NULL)
        return error_set_field(err, "users", "one of 'users', 'groups' and 'tokens' is needed");
    complete.path = path;
    complete.users = change->users != NULL ? change->users : "";
    complete.groups = change->groups != NULL ? change->groups : "";
    complete.tokens = change->tokens != NULL ? change->tokens : "";
    if (check_delegation(access, caller, &complete, err) != 0)
        return -1;
    return edit_run(access_storage(access), build_change, &complete, err);
}

static void forget_name(json_t *entries, const char *key, const char *name)
{
    json_t *named = json_object_get(entries, key);

    if (name == NULL || named == NULL)
        return;
    json_object_del(named, name);
    drop_if_empty(entries, key);
}

static void forget_tokens_of(json_t *entries, const char *user)
{
    json_t *named = json_object_get(entries, kinds[TOKEN].key), *granted;
    const char *name;
    void *next;

    json_object_foreach_safe(named, next, name, granted)
        if (access_is_token_of(user, name))
            json_object_del(named, name);
    drop_if_empty(entries, kinds[TOKEN].key);
}

static void forget_role(json_t *entries, const char *role)
{
    json_t *named, *granted;
    const char *key, *name;
    void *next, *next_name;

    json_object_foreach_safe(entries, next, key, named) {
        json_object_foreach_safe(named, next_name, name, granted) {
            json_object_del(granted, role);
            drop_if_empty(named, name);
        }
        drop_if_empty(entries, key);
    }
}

static void forget_in(json_t *entries, const struct acl_entry_gone *gone)
{
    forget_name(entries, kinds[USER].key, gone->user);
    forget_name(entries, kinds[GROUP].key, gone->group);
    forget_name(entries, kinds[TOKEN].key, gone->token);
    if (gone->user != NULL)
        forget_tokens_of(entries, gone->user);
    if (gone->role != NULL)
        forget_role(entries, gone->role);
}

static int forget_on_path(struct storage *storage, const char *path, const struct acl_entry_gone *gone,
                          struct change_set *set, struct error *err)
{
    autojson json_t *entries = NULL, *before = NULL;
    int64_t revision;

    if (object_read(storage, "acl", path, &entries, &revision, err) != 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    before = json_deep_copy(entries);
    forget_in(entries, gone);
    if (!json_equal(before, entries))
        write_entries(set, path, revision, entries);
    return 0;
}

int acl_entry_forget(struct storage *storage, const struct acl_entry_gone *gone, struct change_set *set,
                     struct error *err)
{
    const char *name = gone->user != NULL    ? gone->user
                       : gone->group != NULL ? gone->group
                       : gone->token != NULL ? gone->token
                                             : gone->role;
    autojson json_t *paths = NULL;
    const json_t *path;
    size_t i;

    if (object_list_ids_naming(storage, "acl", name, &paths, err) != 0)
        return -1;
    json_array_foreach(paths, i, path)
        if (forget_on_path(storage, json_string_value(path), gone, set, err) != 0)
            return -1;
    return 0;
}

void acl_entry_forget_path(const char *path, struct change_set *set)
{
    change_set_delete(set, "acl", path, REVISION_ANY);
}
