/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users as the API shows them. */
#include "access/user.h"

#include <string.h>

#include "access/group.h"
#include "access/snapshot.h"
#include "access/token.h"
#include "base/memory.h"

static bool is_enabled(const json_t *document)
{
    const json_t *enable = json_object_get(document, "enable");

    return enable == NULL || json_integer_value(enable) != 0;
}

static json_t *describe(const json_t *document)
{
    static const char *const shown[] = {"firstname", "lastname", "email", "comment", "keys"};
    json_t *row = json_pack("{s:i, s:I}", "enable", is_enabled(document), "expire",
                            json_integer_value(json_object_get(document, "expire")));

    for (size_t i = 0; i < COUNT_OF(shown); i++) {
        const json_t *value = json_object_get(document, shown[i]);
        if (value != NULL)
            json_object_set_new(row, shown[i], json_deep_copy(value));
    }
    return row;
}

static bool is_member(const json_t *group, const char *user)
{
    const json_t *member;
    size_t i;

    json_array_foreach(json_object_get(group, "members"), i, member)
        if (strcmp(json_string_value(member), user) == 0)
            return true;
    return false;
}

static json_t *list_groups_of(json_t *groups, const char *user)
{
    json_t *list = json_array(), *group;
    const char *id;

    json_object_foreach(groups, id, group)
        if (is_member(group, user))
            json_array_append_new(list, json_string(id));
    return list;
}

/* Copies everything from the document, because that is in a snapshot, which other threads read, too. */
static json_t *describe_row(const struct snapshot *snapshot, const char *user, bool full)
{
    const json_t *document = snapshot_user(snapshot, user);
    json_t *row = describe(document), *tokens = json_object_get(document, "tokens");

    json_object_set_new(row, "userid", json_string(user));
    json_object_set_new(row, "realm-type", json_string(strrchr(user, '@') + 1));
    if (full) {
        json_object_set_new(row, "groups", group_join(json_object_get(snapshot->groups_of, user)));
        json_object_set_new(row, "tokens",
                            json_object_size(tokens) > 0 ? token_describe_all(tokens) : json_null());
    }
    return row;
}

int user_list(struct access *access, const struct user_filter *filter, json_t **ret, struct error *err)
{
    autosnapshot struct snapshot *snapshot = NULL;

    if (access_snapshot(access, &snapshot, err) != 0)
        return -1;
    autofree const char **names = snapshot_sort(&snapshot->users);
    json_t *list = json_array();
    for (const char **name = names; *name != NULL; name++)
        if (filter->shows(*name, is_enabled(snapshot_user(snapshot, *name)), filter->context))
            json_array_append_new(list, describe_row(snapshot, *name, filter->full));
    *ret = list;
    return 0;
}

/* {id: settings} from the list, each row of which has its id. */
static json_t *tokens_by_id(json_t *tokens)
{
    json_t *by_id = json_object(), *token;
    size_t i;

    json_array_foreach(tokens, i, token) {
        json_t *settings = json_copy(token);
        json_object_del(settings, "tokenid");
        json_object_set_new(by_id, json_string_value(json_object_get(token, "tokenid")), settings);
    }
    return by_id;
}

int user_read(struct storage *storage, const char *user, json_t **ret, struct error *err)
{
    autojson json_t *document = NULL, *groups = NULL, *tokens = NULL;

    if (token_list(storage, user, &tokens, err) != 0 ||
        object_read(storage, "user", user, &document, NULL, err) != 0 ||
        object_list(storage, "group", &groups, err) != 0)
        return -1;
    json_t *row = describe(document);
    json_object_set_new(row, "groups", list_groups_of(groups, user));
    json_object_set_new(row, "tokens", json_array_size(tokens) > 0 ? tokens_by_id(tokens) : json_null());
    *ret = row;
    return 0;
}
