/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Roles as the API shows them; creating, changing and deleting custom roles. */
#include <string.h>
#include <strings.h>

#include "access/acl.h"
#include "access/acl_entry.h"
#include "access/document.h"
#include "access/role.h"
#include "access/snapshot.h"
#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "storage/edit.h"

static json_t *print_privileges(uint64_t set)
{
    autotext struct text text = {0};

    for (size_t i = 0; i < PRIVILEGE_COUNT; i++)
        if ((set >> i & 1) != 0)
            text_printf(&text, "%s%s", text.length > 0 ? "," : "", privilege_names[i]);
    return json_string(text_string(&text));
}

static int read_sets(struct storage *storage, json_t **ret, struct error *err)
{
    autojson json_t *documents = NULL;

    if (object_list(storage, "role", &documents, err) != 0)
        return -1;
    *ret = role_sets(documents);
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char **sort_names(const json_t *sets)
{
    const char **names = xcalloc(json_object_size(sets) + 1, sizeof(*names)), *name;
    size_t count = 0;
    json_t *set;

    json_object_foreach((json_t *)sets, name, set)
        names[count++] = name;
    qsort(names, count, sizeof(*names), compare);
    return names;
}

int role_list(struct storage *storage, json_t **ret, struct error *err)
{
    autojson json_t *sets = NULL;

    if (read_sets(storage, &sets, err) != 0)
        return -1;
    autofree const char **names = sort_names(sets);
    json_t *list = json_array();
    for (const char **name = names; *name != NULL; name++) {
        json_t *privileges = print_privileges((uint64_t)json_integer_value(json_object_get(sets, *name)));
        json_array_append_new(list, json_pack("{s:s, s:o, s:i}", "roleid", *name, "privs", privileges,
                                              "special", (int)role_is_builtin(*name)));
    }
    *ret = list;
    return 0;
}

int role_read(struct storage *storage, const char *id, json_t **ret, struct error *err)
{
    autojson json_t *sets = NULL;

    if (read_sets(storage, &sets, err) != 0)
        return -1;
    const json_t *found = json_object_get(sets, id);
    if (found == NULL)
        return error_set(err, ERROR_NOT_FOUND, "role '%s' does not exist", id);
    json_t *role = json_object();
    for (size_t i = 0; i < PRIVILEGE_COUNT; i++)
        if ((json_integer_value(found) >> i & 1) != 0)
            json_object_set_new(role, privilege_names[i], json_integer(1));
    *ret = role;
    return 0;
}

static int parse_privileges(const char *list, uint64_t *ret, struct error *err)
{
    autosplit char **names = format_split_list(list);
    uint64_t set = 0;

    for (char **name = names; *name != NULL; name++) {
        uint64_t privilege = privilege_find(*name);
        if (privilege == 0)
            return error_set_field(err, "privs", "invalid format - invalid privilege '%s'\n", *name);
        set |= privilege;
    }
    *ret = set;
    return 0;
}

static json_t *make_document(uint64_t set)
{
    json_t *names = json_array();

    for (size_t i = 0; i < PRIVILEGE_COUNT; i++)
        if ((set >> i & 1) != 0)
            json_array_append_new(names, json_string(privilege_names[i]));
    return json_pack("{s:o}", "privs", names);
}

struct role_edit {
    const char *id;
    uint64_t set;
    uint64_t may_give; /* what the caller may add to a role */
    bool append;
};

static int begin_edit(struct access *access, const struct identity *caller, const char *privileges,
                      struct role_edit *edit, struct error *err)
{
    autosnapshot struct snapshot *snapshot = NULL;

    if (parse_privileges(privileges != NULL ? privileges : "", &edit->set, err) != 0 ||
        access_snapshot(access, &snapshot, err) != 0)
        return -1;
    bool modifies =
        (acl_rights(snapshot, caller, "/access").held & privilege_find("Permissions.Modify")) != 0;
    edit->may_give = modifies ? ALL_PRIVILEGES : acl_rights(snapshot, caller, "/").inherited;
    return 0;
}

static int check_added(const struct role_edit *edit, uint64_t before, struct error *err)
{
    uint64_t refused = edit->set & ~before & ~edit->may_give;

    for (size_t i = 0; i < PRIVILEGE_COUNT; i++)
        if ((refused >> i & 1) != 0)
            return error_set_field(err, "privs",
                                   "to put '%s' into the role '%s' needs Permissions.Modify on /access, or "
                                   "'%s' itself on / with propagation",
                                   privilege_names[i], edit->id, privilege_names[i]);
    return 0;
}

static int build_create(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct role_edit *edit = context;
    autojson json_t *document = NULL;

    if (role_is_builtin(edit->id) || object_read(storage, "role", edit->id, &document, NULL, err) == 0)
        return error_set(err, ERROR_CONFLICT, "create role failed: role '%s' already exists", edit->id);
    if (err->kind != ERROR_NOT_FOUND || check_added(edit, 0, err) != 0)
        return -1;
    if (access_check_room(storage, "role", err) != 0)
        return error_prefix(err, "create role failed: ");
    change_set_put(set, "role", edit->id, 0, make_document(edit->set));
    return 0;
}

int role_create(struct access *access, const struct identity *caller, const char *id, const char *privileges,
                struct error *err)
{
    static const char reserved[] = "PVE";
    struct role_edit edit = {.id = id};

    if (strncasecmp(id, reserved, strlen(reserved)) == 0)
        return error_set_field(err, "roleid", "the names of own roles must not begin with '%s'", reserved);
    if (begin_edit(access, caller, privileges, &edit, err) != 0)
        return -1;
    return edit_run(access_storage(access), build_create, &edit, err);
}

static int build_update(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct role_edit *edit = context;
    autojson json_t *document = NULL;
    int64_t revision;

    if (access_read_document(storage, "role", edit->id, &document, &revision, err) != 0)
        return -1;
    uint64_t before = privilege_set(json_object_get(document, "privs"));
    if (check_added(edit, before, err) != 0)
        return -1;
    change_set_put(set, "role", edit->id, revision, make_document((edit->append ? before : 0) | edit->set));
    return 0;
}

static int refuse_builtin(const char *id, const char *what, struct error *err)
{
    if (!role_is_builtin(id))
        return 0;
    return error_set(err, ERROR_FAILED, "auto-generated role '%s' cannot be %s", id, what);
}

int role_update(struct access *access, const struct identity *caller, const char *id, const char *privileges,
                bool append, struct error *err)
{
    struct role_edit edit = {.id = id, .append = append || privileges == NULL};

    if (refuse_builtin(id, "modified", err) != 0 || begin_edit(access, caller, privileges, &edit, err) != 0)
        return -1;
    return edit_run(access_storage(access), build_update, &edit, err);
}

static int build_delete(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct role_edit *edit = context;
    autojson json_t *document = NULL;
    int64_t revision;

    if (access_read_document(storage, "role", edit->id, &document, &revision, err) != 0)
        return -1;
    change_set_delete(set, "role", edit->id, revision);
    return acl_entry_forget(storage, &(const struct acl_entry_gone){.role = edit->id}, set, err);
}

int role_delete(struct storage *storage, const char *id, struct error *err)
{
    struct role_edit edit = {.id = id};

    if (refuse_builtin(id, "deleted", err) != 0)
        return -1;
    return edit_run(storage, build_delete, &edit, err);
}
