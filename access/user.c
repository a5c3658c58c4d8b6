/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users as the API shows them. */
#include "access/user.h"

#include <string.h>

#include "access/group.h"
#include "access/token.h"
#include "base/memory.h"

static json_t *describe(const json_t *document)
{
    static const char *const shown[] = {"firstname", "lastname", "email", "comment", "keys"};
    const json_t *enable = json_object_get(document, "enable");
    json_t *row = json_pack("{s:i, s:I}", "enable", enable == NULL || json_integer_value(enable) != 0,
                            "expire", json_integer_value(json_object_get(document, "expire")));

    for (size_t i = 0; i < COUNT_OF(shown); i++) {
        json_t *value = json_object_get(document, shown[i]);
        if (value != NULL)
            json_object_set(row, shown[i], value);
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

static json_t *or_null(json_t *tokens)
{
    if (json_array_size(tokens) > 0)
        return json_incref(tokens);
    return json_null();
}

static int add_details(struct storage *storage, const char *user, json_t *groups, json_t *row,
                       struct error *err)
{
    autojson json_t *tokens = NULL, *member_of = list_groups_of(groups, user);

    if (token_list(storage, user, &tokens, err) != 0)
        return -1;
    json_object_set_new(row, "groups", group_join(member_of));
    json_object_set_new(row, "tokens", or_null(tokens));
    return 0;
}

int user_list(struct storage *storage, bool full, json_t **ret, struct error *err)
{
    static const char *const kinds[] = {"user", "group", NULL};
    autojson json_t *documents = NULL, *list = json_array();
    const char *user;
    json_t *document;

    if (object_list_kinds(storage, kinds, &documents, err) != 0)
        return -1;
    json_object_foreach(json_object_get(documents, "user"), user, document) {
        json_t *row = describe(document);
        json_array_append_new(list, row);
        json_object_set_new(row, "userid", json_string(user));
        json_object_set_new(row, "realm-type", json_string(strrchr(user, '@') + 1));
        if (full && add_details(storage, user, json_object_get(documents, "group"), row, err) != 0)
            return -1;
    }
    *ret = TAKE(list);
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
