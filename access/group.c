/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups of users. */
#include "access/group.h"

#include <string.h>

#include "access/acl_entry.h"
#include "access/document.h"
#include "base/memory.h"
#include "base/text.h"
#include "storage/edit.h"

json_t *group_join(const json_t *names)
{
    autotext struct text text = {0};
    const json_t *name;
    size_t i;

    json_array_foreach(names, i, name)
        text_printf(&text, "%s%s", i > 0 ? "," : "", json_string_value(name));
    return json_string(text_string(&text));
}

static void add_comment(const json_t *document, json_t *row)
{
    json_t *comment = json_object_get(document, "comment");

    if (comment != NULL)
        json_object_set(row, "comment", comment);
}

int group_list(struct storage *storage, bool (*shows)(const char *group, void *context), void *context,
               json_t **ret, struct error *err)
{
    autojson json_t *groups = NULL;
    const char *id;
    json_t *group;

    if (object_list(storage, "group", &groups, err) != 0)
        return -1;
    json_t *list = json_array();
    json_object_foreach(groups, id, group) {
        if (!shows(id, context))
            continue;
        json_t *row =
            json_pack("{s:s, s:o}", "groupid", id, "users", group_join(json_object_get(group, "members")));
        add_comment(group, row);
        json_array_append_new(list, row);
    }
    *ret = list;
    return 0;
}

int group_read(struct storage *storage, const char *id, json_t **ret, struct error *err)
{
    autojson json_t *group = NULL;

    if (access_read_document(storage, "group", id, &group, NULL, err) != 0)
        return -1;
    json_t *members = json_object_get(group, "members");
    json_t *row = json_pack("{s:o}", "members", members != NULL ? json_incref(members) : json_array());
    add_comment(group, row);
    *ret = row;
    return 0;
}

struct group_edit {
    const char *id;
    const char *comment;
};

static void set_comment(json_t *group, const char *comment)
{
    if (comment != NULL && *comment != '\0')
        json_object_set_new(group, "comment", json_string(comment));
    else if (comment != NULL)
        json_object_del(group, "comment");
}

static int build_create(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct group_edit *edit = context;
    autojson json_t *group = NULL;

    if (object_read(storage, "group", edit->id, &group, NULL, err) == 0)
        return error_set(err, ERROR_CONFLICT, "create group failed: group '%s' already exists", edit->id);
    if (err->kind != ERROR_NOT_FOUND)
        return -1;
    if (access_check_room(storage, "group", err) != 0)
        return error_prefix(err, "create group failed: ");
    group = json_pack("{s:[]}", "members");
    set_comment(group, edit->comment);
    change_set_put(set, "group", edit->id, 0, TAKE(group));
    return 0;
}

int group_create(struct storage *storage, const char *id, const char *comment, struct error *err)
{
    return edit_run(storage, build_create, &(struct group_edit){id, comment}, err);
}

static int build_update(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct group_edit *edit = context;
    autojson json_t *group = NULL;
    int64_t revision;

    if (access_read_document(storage, "group", edit->id, &group, &revision, err) != 0)
        return -1;
    set_comment(group, edit->comment);
    change_set_put(set, "group", edit->id, revision, TAKE(group));
    return 0;
}

int group_update(struct storage *storage, const char *id, const char *comment, struct error *err)
{
    return edit_run(storage, build_update, &(struct group_edit){id, comment}, err);
}

static int build_delete(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct group_edit *edit = context;
    autojson json_t *group = NULL;
    int64_t revision;

    if (access_read_document(storage, "group", edit->id, &group, &revision, err) != 0)
        return error_prefix(err, "delete group failed: ");
    change_set_delete(set, "group", edit->id, revision);
    return acl_entry_forget(storage, &(const struct acl_entry_gone){.group = edit->id}, set, err);
}

int group_delete(struct storage *storage, const char *id, struct error *err)
{
    return edit_run(storage, build_delete, &(struct group_edit){id, NULL}, err);
}

static bool is_among(char *const *names, const char *name)
{
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

/* Returns whether the group changed. */
static bool set_member(json_t *group, const char *user, bool wanted)
{
    json_t *members = json_object_get(group, "members"), *member;
    size_t i;

    json_array_foreach(members, i, member) {
        if (strcmp(json_string_value(member), user) != 0)
            continue;
        if (!wanted)
            json_array_remove(members, i);
        return !wanted;
    }
    if (!wanted)
        return false;
    if (members == NULL) {
        members = json_array();
        json_object_set_new(group, "members", members);
    }
    json_array_append_new(members, json_string(user));
    return true;
}

static int set_in_group(struct storage *storage, const char *id, const char *user, bool wanted,
                        struct change_set *set, struct error *err)
{
    autojson json_t *group = NULL;
    int64_t revision;

    if (object_read(storage, "group", id, &group, &revision, err) != 0)
        return err->kind == ERROR_NOT_FOUND ? error_set(err, ERROR_NOT_FOUND, "no such group '%s'", id) : -1;
    if (set_member(group, user, wanted))
        change_set_put(set, "group", id, revision, TAKE(group));
    return 0;
}

int group_set_membership(struct storage *storage, const char *user, char *const *groups, bool append,
                         struct change_set *set, struct error *err)
{
    autojson json_t *all = NULL;
    const char *id;
    json_t *group;

    if (object_list(storage, "group", &all, err) != 0)
        return -1;
    for (char *const *wanted = groups; *wanted != NULL; wanted++)
        if (json_object_get(all, *wanted) == NULL)
            return error_set(err, ERROR_NOT_FOUND, "no such group '%s'", *wanted);
    json_object_foreach(all, id, group)
        if ((is_among(groups, id) || !append) &&
            set_in_group(storage, id, user, is_among(groups, id), set, err) != 0)
            return -1;
    return 0;
}
