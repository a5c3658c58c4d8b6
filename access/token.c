/* SPDX-License-Identifier: GPL-2.0-or-later */
/* API tokens: part of their user's document. */
#include "access/token.h"

#include <string.h>

#include "access/access.h"
#include "access/acl.h"
#include "base/hash.h"
#include "base/memory.h"
#include "schema/format.h"

#define ATTEMPTS 50 /* at a document that others change at the same time */

static int read_user(struct storage *storage, const char *user, json_t **ret, int64_t *ret_revision,
                     struct error *err)
{
    if (object_read(storage, "user", user, ret, ret_revision, err) == 0)
        return 0;
    return err->kind == ERROR_NOT_FOUND ? error_set(err, ERROR_NOT_FOUND, "no such user ('%s')", user) : -1;
}

/* NULL with err filled if there is no such token. */
static json_t *find_token(const json_t *tokens, const char *user, const char *id, struct error *err)
{
    json_t *token = json_object_get(tokens, id);

    if (token == NULL)
        error_set(err, ERROR_NOT_FOUND, "no such token '%s' for user '%s'", id, user);
    return token;
}

/* All but the hash. */
static json_t *describe(const json_t *token)
{
    json_t *description = json_copy((json_t *)token);

    json_object_del(description, "hash");
    return description;
}

int token_list(struct storage *storage, const char *user, json_t **ret, struct error *err)
{
    autojson json_t *document = NULL;
    const char *id;
    json_t *token;

    if (read_user(storage, user, &document, NULL, err) != 0)
        return -1;
    json_t *list = json_array();
    json_object_foreach(json_object_get(document, "tokens"), id, token) {
        json_t *row = describe(token);
        json_object_set_new(row, "tokenid", json_string(id));
        json_array_append_new(list, row);
    }
    *ret = list;
    return 0;
}

int token_read(struct storage *storage, const char *user, const char *id, json_t **ret, struct error *err)
{
    autojson json_t *document = NULL;

    if (read_user(storage, user, &document, NULL, err) != 0)
        return -1;
    const json_t *token = find_token(json_object_get(document, "tokens"), user, id, err);
    if (token == NULL)
        return -1;
    *ret = describe(token);
    return 0;
}

/* One change of a user's tokens; `set` takes what else changes with it. */
struct edit {
    struct storage *storage;
    const char *user;
    const char *id;
    const json_t *settings;
    int (*run)(const struct edit *edit, json_t *tokens, struct change_set *set, json_t **ret,
               struct error *err);
};

static int try_edit(const struct edit *edit, json_t **ret, struct error *err)
{
    autojson json_t *document = NULL, *reply = NULL;
    autochange struct change_set *set = change_set_new();
    int64_t revision;

    if (read_user(edit->storage, edit->user, &document, &revision, err) != 0)
        return -1;
    if (json_object_get(document, "tokens") == NULL)
        json_object_set_new(document, "tokens", json_object());
    if (edit->run(edit, json_object_get(document, "tokens"), set, &reply, err) != 0)
        return -1;
    change_set_put(set, "user", edit->user, revision, TAKE(document));
    if (storage_commit(edit->storage, TAKE(set), err) != 0)
        return -1;
    if (ret != NULL)
        *ret = TAKE(reply);
    return 0;
}

/* Nobody asked for a revision, so a change that came between is no reason to fail. */
static int run_edit(const struct edit *edit, json_t **ret, struct error *err)
{
    int result = -1;

    for (int attempt = 0; attempt < ATTEMPTS && result != 0; attempt++) {
        result = try_edit(edit, ret, err);
        if (result != 0 && err->kind != ERROR_CONFLICT)
            break;
    }
    return result;
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

/* The secret leaves in the reply, and nowhere else. */
static void make_secret(const struct edit *edit, json_t *token, json_t *reply)
{
    char secret[UUID_SIZE], hash[SHA256_HEX_SIZE];

    uuid_make(secret);
    hash_sha256(secret, strlen(secret), hash);
    json_object_set_new(token, "hash", json_string(hash));
    json_object_set_new(reply, "full-tokenid", json_sprintf("%s!%s", edit->user, edit->id));
    json_object_set_new(reply, "value", json_string(secret));
}

static int run_create(const struct edit *edit, json_t *tokens, struct change_set *set, json_t **ret,
                      struct error *err)
{
    (void)set;
    if (json_object_get(tokens, edit->id) != NULL)
        return error_set_field(err, "tokenid", "Token already exists.");
    json_t *token = json_pack("{s:i, s:i}", "expire", 0, "privsep", 1);
    json_object_set_new(tokens, edit->id, token);
    change_settings(token, edit->settings);
    *ret = json_pack("{s:o}", "info", describe(token));
    make_secret(edit, token, *ret);
    return 0;
}

int token_create(struct storage *storage, const char *user, const char *id, const json_t *settings,
                 json_t **ret, struct error *err)
{
    const struct edit edit = {storage, user, id, settings, run_create};

    if (strlen(id) >= TOKENID_SIZE)
        return error_set_field(err, "tokenid", "value may only be %d characters long", TOKENID_SIZE - 1);
    if (format_check("pve-tokenid", id, err) != 0)
        return error_set_field(err, "tokenid", "%s", err->message);
    return run_edit(&edit, ret, err);
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

static int run_update(const struct edit *edit, json_t *tokens, struct change_set *set, json_t **ret,
                      struct error *err)
{
    const char *list = json_string_value(json_object_get(edit->settings, "delete"));
    json_t *token = find_token(tokens, edit->user, edit->id, err);

    (void)set;
    if (token == NULL || (list != NULL && delete_settings(token, list, err) != 0))
        return -1;
    change_settings(token, edit->settings);
    *ret = describe(token);
    if (json_integer_value(json_object_get(edit->settings, "regenerate")) != 0)
        make_secret(edit, token, *ret);
    return 0;
}

int token_update(struct storage *storage, const char *user, const char *id, const json_t *settings,
                 json_t **ret, struct error *err)
{
    const struct edit edit = {storage, user, id, settings, run_update};

    return run_edit(&edit, ret, err);
}

static int run_delete(const struct edit *edit, json_t *tokens, struct change_set *set, json_t **ret,
                      struct error *err)
{
    autofree char *full = xasprintf("%s!%s", edit->user, edit->id);

    (void)ret;
    if (find_token(tokens, edit->user, edit->id, err) == NULL)
        return -1;
    json_object_del(tokens, edit->id);
    return acl_forget(edit->storage, "tokens", full, set, err);
}

int token_delete(struct storage *storage, const char *user, const char *id, struct error *err)
{
    const struct edit edit = {storage, user, id, NULL, run_delete};

    return run_edit(&edit, NULL, err);
}
