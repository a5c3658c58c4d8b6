/* SPDX-License-Identifier: GPL-2.0-or-later */
/* API tokens. */
#include "access/token.h"

#include <string.h>

#include "access/access.h"
#include "access/acl_entry.h"
#include "access/document.h"
#include "base/hash.h"
#include "base/memory.h"
#include "schema/format.h"
#include "storage/edit.h"

bool token_split(const char *credential, struct identity *ret, const char **ret_secret)
{
    const char *equals = strrchr(credential, '=');
    const char *mark = equals != NULL ? memrchr(credential, '!', (size_t)(equals - credential)) : NULL;

    if (mark == NULL || mark == credential || mark + 1 == equals || mark - credential >= USERID_SIZE ||
        equals - mark - 1 >= TOKENID_SIZE)
        return false;
    *ret = (struct identity){0};
    memcpy(ret->user, credential, (size_t)(mark - credential));
    memcpy(ret->token, mark + 1, (size_t)(equals - mark - 1));
    *ret_secret = equals + 1;
    return true;
}

/* NULL with err filled if there is no such token. */
static json_t *find_token(const json_t *tokens, const char *user, const char *id, struct error *err)
{
    json_t *token = json_object_get(tokens, id);

    if (token == NULL)
        error_set(err, ERROR_NOT_FOUND, "no such token '%s' for user '%s'", id, user);
    return token;
}

/* Everything but the hash. */
static json_t *describe(const json_t *token)
{
    json_t *description = json_deep_copy(token);

    json_object_del(description, "hash");
    return description;
}

json_t *token_describe_all(const json_t *tokens)
{
    json_t *list = json_array(), *token;
    const char *id;

    json_object_foreach((json_t *)tokens, id, token) {
        json_t *row = describe(token);
        json_object_set_new(row, "tokenid", json_string(id));
        json_array_append_new(list, row);
    }
    return list;
}

int token_list(struct storage *storage, const char *user, json_t **ret, struct error *err)
{
    autojson json_t *document = NULL;

    if (access_read_document(storage, "user", user, &document, NULL, err) != 0)
        return -1;
    *ret = token_describe_all(json_object_get(document, "tokens"));
    return 0;
}

int token_read(struct storage *storage, const char *user, const char *id, json_t **ret, struct error *err)
{
    autojson json_t *document = NULL;

    if (access_read_document(storage, "user", user, &document, NULL, err) != 0)
        return -1;
    const json_t *token = find_token(json_object_get(document, "tokens"), user, id, err);
    if (token == NULL)
        return -1;
    *ret = describe(token);
    return 0;
}

/* One change of a user's tokens. `run` may add to the set what changes with them. */
struct token_edit {
    const char *user;
    const char *id;
    const json_t *settings;
    int (*run)(struct token_edit *edit, struct storage *storage, json_t *tokens, struct change_set *set,
               struct error *err);
    json_t *reply;
};

static int build(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    struct token_edit *edit = context;
    autojson json_t *document = NULL;
    int64_t revision;

    if (access_read_document(storage, "user", edit->user, &document, &revision, err) != 0)
        return -1;
    if (json_object_get(document, "tokens") == NULL)
        json_object_set_new(document, "tokens", json_object());
    if (edit->run(edit, storage, json_object_get(document, "tokens"), set, err) != 0)
        return -1;
    change_set_put(set, "user", edit->user, revision, TAKE(document));
    return 0;
}

static int run(struct storage *storage, struct token_edit *edit, json_t **ret, struct error *err)
{
    autojson json_t *reply = NULL;
    int result = edit_run(storage, build, edit, err);

    reply = edit->reply;
    if (result == 0 && ret != NULL)
        *ret = TAKE(reply);
    return result;
}

/* An edit may take several attempts; the last one's reply counts. */
static void set_reply(struct token_edit *edit, json_t *reply)
{
    json_decref(edit->reply);
    edit->reply = reply;
}

static void change_settings(json_t *token, const json_t *settings)
{
    const char *comment = json_string_value(json_object_get(settings, "comment"));
    static const char *const numbers[] = {"expire", "privsep"};

    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (json_object_get(settings, numbers[i]) != NULL)
            json_object_set(token, numbers[i], json_object_get(settings, numbers[i]));
    if (comment != NULL && *comment != '\0')
        json_object_set_new(token, "comment", json_string(comment));
    else if (comment != NULL)
        json_object_del(token, "comment");
}

/* The secret is only in the reply; what is stored is its hash. */
static void make_secret(struct token_edit *edit, json_t *token)
{
    char secret[UUID_SIZE], hash[SHA256_HEX_SIZE];

    uuid_make(secret);
    hash_sha256(secret, strlen(secret), hash);
    json_object_set_new(token, "hash", json_string(hash));
    json_object_set_new(edit->reply, "full-tokenid", json_sprintf("%s!%s", edit->user, edit->id));
    json_object_set_new(edit->reply, "value", json_string(secret));
}

static int run_create(struct token_edit *edit, struct storage *storage, json_t *tokens,
                      struct change_set *set, struct error *err)
{
    (void)storage, (void)set;
    if (json_object_get(tokens, edit->id) != NULL)
        return error_set_field(err, "tokenid", "Token already exists.");
    if (json_object_size(tokens) >= TOKEN_LIMIT)
        return error_set(err, ERROR_FAILED,
                         "user '%s' has %zu API tokens, and no more than %d are possible: delete one first",
                         edit->user, json_object_size(tokens), TOKEN_LIMIT);
    json_t *token = json_pack("{s:i, s:i}", "expire", 0, "privsep", 1);
    json_object_set_new(tokens, edit->id, token);
    change_settings(token, edit->settings);
    set_reply(edit, json_pack("{s:o}", "info", describe(token)));
    make_secret(edit, token);
    return 0;
}

int token_create(struct storage *storage, const char *user, const char *id, const json_t *settings,
                 json_t **ret, struct error *err)
{
    struct token_edit edit = {user, id, settings, run_create, NULL};

    if (strlen(id) >= TOKENID_SIZE)
        return error_set_field(err, "tokenid", "value may only be %d characters long", TOKENID_SIZE - 1);
    if (!format_matches_pattern(TOKENID_PATTERN, id, strlen(id)))
        return error_set_field(err, "tokenid", "value does not match the regex pattern");
    return run(storage, &edit, ret, err);
}

static int delete_settings(json_t *token, const char *list, struct error *err)
{
    autosplit char **names = format_split_list(list);

    for (char **name = names; *name != NULL; name++)
        if (strcmp(*name, "comment") != 0)
            return error_set_field(err, "delete", "unknown option '%s'; only 'comment' can be deleted",
                                   *name);
    if (*names != NULL)
        json_object_del(token, "comment");
    return 0;
}

static int run_update(struct token_edit *edit, struct storage *storage, json_t *tokens,
                      struct change_set *set, struct error *err)
{
    const char *list = json_string_value(json_object_get(edit->settings, "delete"));
    json_t *token = find_token(tokens, edit->user, edit->id, err);

    (void)storage, (void)set;
    if (token == NULL || (list != NULL && delete_settings(token, list, err) != 0))
        return -1;
    change_settings(token, edit->settings);
    set_reply(edit, describe(token));
    if (json_integer_value(json_object_get(edit->settings, "regenerate")) != 0)
        make_secret(edit, token);
    return 0;
}

int token_update(struct storage *storage, const char *user, const char *id, const json_t *settings,
                 json_t **ret, struct error *err)
{
    return run(storage, &(struct token_edit){user, id, settings, run_update, NULL}, ret, err);
}

static int run_delete(struct token_edit *edit, struct storage *storage, json_t *tokens,
                      struct change_set *set, struct error *err)
{
    autofree char *full = xasprintf("%s!%s", edit->user, edit->id);

    if (find_token(tokens, edit->user, edit->id, err) == NULL)
        return -1;
    json_object_del(tokens, edit->id);
    return acl_entry_forget(storage, &(const struct acl_entry_gone){.token = full}, set, err);
}

int token_delete(struct storage *storage, const char *user, const char *id, struct error *err)
{
    return run(storage, &(struct token_edit){user, id, NULL, run_delete, NULL}, NULL, err);
}
