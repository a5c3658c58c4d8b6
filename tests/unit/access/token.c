/* SPDX-License-Identifier: GPL-2.0-or-later */
/* API tokens: creating, showing, changing and deleting them, and authenticating with them. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "access/access.h"
#include "access/token.h"
#include "base/memory.h"
#include "tests/unit/storage/fixture.h"

struct world {
    struct fixture fixture;
    struct storage *storage;
    struct access *access;
};

static void make_world(struct world *world)
{
    struct error err;

    fixture_make(&world->fixture);
    world->storage = fixture_open(world->fixture.path);
    cr_assert_eq(access_open(world->storage, &world->access, &err), 0, "%s", err.message);
    fixture_put(world->storage, "user", "joe@pve", "{'enable': 1, 'expire': 0, 'comment': 'Joe'}");
}

static void end_world(struct world *world)
{
    access_close(world->access);
    storage_close(world->storage);
    fixture_remove(&world->fixture);
}
#define autoworld __attribute__((cleanup(end_world)))

static json_t *create(struct world *world, const char *user, const char *id, const char *settings)
{
    autojson json_t *parsed = fixture_json(settings);
    json_t *reply;
    struct error err;

    cr_assert_eq(token_create(world->storage, user, id, parsed, &reply, &err), 0, "%s", err.message);
    return reply;
}

/* "joe@pve!id=secret" */
static char *create_credential(struct world *world, const char *user, const char *id, const char *settings)
{
    autojson json_t *reply = create(world, user, id, settings);

    return xasprintf("%s=%s", json_string_value(json_object_get(reply, "full-tokenid")),
                     json_string_value(json_object_get(reply, "value")));
}

static json_t *update(struct world *world, const char *id, const char *settings)
{
    autojson json_t *parsed = fixture_json(settings);
    json_t *reply;
    struct error err;

    cr_assert_eq(token_update(world->storage, "joe@pve", id, parsed, &reply, &err), 0, "%s", err.message);
    return reply;
}

static void expect_admitted(struct world *world, const char *credential)
{
    struct identity identity = {0};
    struct error err;

    cr_assert_eq(access_authenticate_token(world->access, credential, &identity, &err), 0, "%s", credential);
    autofree char *name = xasprintf("%s!%s=", identity.user, identity.token);
    cr_assert_eq(strncmp(credential, name, strlen(name)), 0, "%s", name);
}

static void expect_rejected(struct world *world, const char *credential)
{
    struct identity identity = {.user = "as before"};
    struct error err;

    cr_assert_eq(access_authenticate_token(world->access, credential, &identity, &err), -1, "%s", credential);
    fixture_expect_error(&err, ERROR_UNAUTHENTICATED, "Authentication failed!");
    cr_assert_str_eq(identity.user, "as before");
}

Test(access_token, root_exists_from_the_start_and_is_made_once)
{
    autoworld struct world world;
    make_world(&world);
    struct error err;

    fixture_put(world.storage, "user", "root@pam", "{'enable': 1, 'expire': 0, 'comment': 'the boss'}");
    access_close(world.access);
    cr_assert_eq(access_open(world.storage, &world.access, &err), 0);
    json_t *root;
    cr_assert_eq(object_read(world.storage, "user", "root@pam", &root, NULL, &err), 0);
    fixture_expect_json(root, "{'enable': 1, 'expire': 0, 'comment': 'the boss'}");
}

Test(access_token, tells_the_secret_once_and_keeps_its_hash)
{
    autoworld struct world world;
    make_world(&world);
    autojson json_t *reply = create(&world, "joe@pve", "ci", "{'comment': 'for CI'}");
    const char *secret = json_string_value(json_object_get(reply, "value"));
    autojson json_t *users = NULL;
    struct error err;

    fixture_expect_json(json_copy(json_object_get(reply, "info")),
                        "{'expire': 0, 'privsep': 1, 'comment': 'for CI'}");
    cr_assert_str_eq(json_string_value(json_object_get(reply, "full-tokenid")), "joe@pve!ci");
    cr_assert_eq(strlen(secret), 36);
    cr_assert_eq(secret[14], '4', "not a random UUID: %s", secret);
    cr_assert_not_null(strchr("89ab", secret[19]), "not a random UUID: %s", secret);

    cr_assert_eq(object_list(world.storage, "user", &users, &err), 0);
    autofree char *stored = json_dumps(users, 0);
    cr_assert_null(strstr(stored, secret));
    json_t *shown;
    cr_assert_eq(token_read(world.storage, "joe@pve", "ci", &shown, &err), 0);
    fixture_expect_json(shown, "{'expire': 0, 'privsep': 1, 'comment': 'for CI'}");
}

Test(access_token, lists_the_tokens_of_a_user)
{
    autoworld struct world world;
    make_world(&world);
    struct error err;
    json_t *list;

    cr_assert_eq(token_list(world.storage, "joe@pve", &list, &err), 0);
    fixture_expect_json(list, "[]");
    json_decref(create(&world, "joe@pve", "zz", "{'privsep': 0, 'comment': ''}"));
    json_decref(create(&world, "joe@pve", "aa", "{'expire': 4102444800}"));
    cr_assert_eq(token_list(world.storage, "joe@pve", &list, &err), 0);
    fixture_expect_json(list, "[{'tokenid': 'aa', 'expire': 4102444800, 'privsep': 1},"
                              " {'tokenid': 'zz', 'expire': 0, 'privsep': 0}]");
}

Test(access_token, names_what_does_not_exist_or_exists_already)
{
    autoworld struct world world;
    make_world(&world);
    autojson json_t *settings = json_object();
    struct error err;
    json_t *reply;

    json_decref(create(&world, "joe@pve", "ci", "{}"));
    cr_assert_eq(token_create(world.storage, "joe@pve", "ci", settings, &reply, &err), -1);
    fixture_expect_error(&err, ERROR_INVALID, "Token already exists.");
    cr_assert_str_eq(err.field, "tokenid");
    cr_assert_eq(token_create(world.storage, "gone@pve", "ci", settings, &reply, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "no such user ('gone@pve')");
    cr_assert_eq(token_list(world.storage, "gone@pve", &reply, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "no such user ('gone@pve')");
    cr_assert_eq(token_read(world.storage, "joe@pve", "xx", &reply, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "no such token 'xx' for user 'joe@pve'");
    cr_assert_eq(token_update(world.storage, "joe@pve", "xx", settings, &reply, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "no such token 'xx' for user 'joe@pve'");
    cr_assert_eq(token_delete(world.storage, "joe@pve", "xx", &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "no such token 'xx' for user 'joe@pve'");
}

/* They need no privilege, and everybody's requests read them. */
Test(access_token, are_only_so_many_for_a_user)
{
    autoworld struct world world;
    make_world(&world);
    fixture_put(world.storage, "user", "ann@pve", "{}");
    autojson json_t *tokens = json_object(), *settings = json_object();
    struct error err;
    json_t *made;
    char id[16];

    for (int i = 0; i < TOKEN_LIMIT; i++) {
        snprintf(id, sizeof(id), "t%d", i);
        json_object_set_new(tokens, id, json_pack("{s:i}", "privsep", 1));
    }
    struct change_set *set = change_set_new();
    change_set_put(set, "user", "joe@pve", REVISION_ANY, json_pack("{s:O}", "tokens", tokens));
    cr_assert_eq(storage_commit(world.storage, set, &err), 0);
    cr_assert_eq(token_create(world.storage, "joe@pve", "more", settings, &made, &err), -1);
    fixture_expect_error(
        &err, ERROR_FAILED,
        "user 'joe@pve' has 100 API tokens, and no more than 100 are possible: delete one first");
    cr_assert_eq(token_delete(world.storage, "joe@pve", "t7", &err), 0, "%s", err.message);
    cr_assert_eq(token_create(world.storage, "joe@pve", "more", settings, &made, &err), 0, "%s", err.message);
    json_decref(made);
    cr_assert_eq(token_create(world.storage, "ann@pve", "more", settings, &made, &err), 0, "%s", err.message);
    json_decref(made);
}

Test(access_token, refuses_ids_that_could_never_log_in)
{
    autoworld struct world world;
    make_world(&world);
    autojson json_t *settings = json_object();
    char longest[TOKENID_SIZE + 1];
    struct error err;
    json_t *reply;

    memset(longest, 'x', TOKENID_SIZE);
    longest[TOKENID_SIZE] = '\0';
    const char *const ids[] = {"", "x", "1st", "a b", "a=b", "a!b", "a/b", "-a", longest};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        cr_assert_eq(token_create(world.storage, "joe@pve", ids[i], settings, &reply, &err), -1, "%s",
                     ids[i]);
        cr_assert_eq(err.kind, ERROR_INVALID);
        cr_assert_str_eq(err.field, "tokenid");
    }
    longest[TOKENID_SIZE - 1] = '\0';
    autofree char *credential = create_credential(&world, "joe@pve", longest, "{}");
    expect_admitted(&world, credential);
}

Test(access_token, changes_what_was_sent_and_nothing_else)
{
    autoworld struct world world;
    make_world(&world);

    json_decref(create(&world, "joe@pve", "ci", "{'comment': 'for CI'}"));
    fixture_expect_json(update(&world, "ci", "{}"), "{'expire': 0, 'privsep': 1, 'comment': 'for CI'}");
    fixture_expect_json(update(&world, "ci", "{'privsep': 0, 'expire': 4102444800}"),
                        "{'expire': 4102444800, 'privsep': 0, 'comment': 'for CI'}");
    fixture_expect_json(update(&world, "ci", "{'comment': 'new'}"),
                        "{'expire': 4102444800, 'privsep': 0, 'comment': 'new'}");
    fixture_expect_json(update(&world, "ci", "{'delete': 'comment'}"),
                        "{'expire': 4102444800, 'privsep': 0}");
    fixture_expect_json(update(&world, "ci", "{'comment': ''}"), "{'expire': 4102444800, 'privsep': 0}");
    json_t *user;
    struct error err;
    cr_assert_eq(object_read(world.storage, "user", "joe@pve", &user, NULL, &err), 0);
    cr_assert_str_eq(json_string_value(json_object_get(user, "comment")), "Joe");
    json_decref(user);
}

Test(access_token, deletes_no_setting_but_the_comment)
{
    autoworld struct world world;
    make_world(&world);
    autojson json_t *settings = fixture_json("{'delete': 'comment,expire', 'privsep': 0}");
    json_t *reply;
    struct error err;

    json_decref(create(&world, "joe@pve", "ci", "{'comment': 'for CI'}"));
    cr_assert_eq(token_update(world.storage, "joe@pve", "ci", settings, &reply, &err), -1);
    fixture_expect_error(&err, ERROR_INVALID, "unknown option 'expire'");
    cr_assert_str_eq(err.field, "delete");
    fixture_expect_json(update(&world, "ci", "{}"), "{'expire': 0, 'privsep': 1, 'comment': 'for CI'}");
}

Test(access_token, regenerates_the_secret)
{
    autoworld struct world world;
    make_world(&world);
    autofree char *old = create_credential(&world, "joe@pve", "ci", "{}");

    expect_admitted(&world, old);
    autojson json_t *reply = update(&world, "ci", "{'regenerate': 1}");
    autofree char *new = xasprintf("%s=%s", json_string_value(json_object_get(reply, "full-tokenid")),
                                   json_string_value(json_object_get(reply, "value")));
    expect_rejected(&world, old);
    expect_admitted(&world, new);
    cr_assert_eq(json_integer_value(json_object_get(reply, "privsep")), 1);
}

Test(access_token, a_deleted_token_admits_nobody_and_leaves_no_rights)
{
    autoworld struct world world;
    make_world(&world);
    autofree char *credential = create_credential(&world, "joe@pve", "ci", "{}");
    struct identity identity = {.user = "joe@pve", .token = "ci"};
    struct error err;

    fixture_put(
        world.storage, "acl", "/",
        "{'users': {'joe@pve': {'Administrator': 1}}, 'tokens': {'joe@pve!ci': {'Administrator': 1}}}");
    cr_assert(access_allows(world.access, &identity, "/", "Sys.Modify"));
    cr_assert_eq(token_delete(world.storage, "joe@pve", "ci", &err), 0, "%s", err.message);
    expect_rejected(&world, credential);
    cr_assert_not(access_allows(world.access, &identity, "/", "Sys.Modify"));
    json_decref(create(&world, "joe@pve", "ci", "{}"));
    expect_rejected(&world, credential);
    cr_assert_not(access_allows(world.access, &identity, "/", "Sys.Modify"),
                  "the new one inherited the old one's rights");
}

Test(access_token, rejects_every_credential_that_is_not_right)
{
    static const char *const wrong[] = {
        "",
        "=",
        "!",
        "!=",
        "joe@pve",
        "joe@pve!",
        "joe@pve!ci",
        "joe@pve!ci=",
        "joe@pve!=secret",
        "!ci=secret",
        "joe@pve!ci=00000000-0000-4000-8000-000000000000",
        "joe@pve!other=x",
        "gone@pve!ci=x",
        "root@pam!ci=x",
        "root@pam=x",
        "joe@pve ci=x",
        "joe@pve!ci:x",
        "=joe@pve!ci",
        "joe@pve!c\xff=x",
    };
    autoworld struct world world;
    make_world(&world);
    autofree char *right = create_credential(&world, "joe@pve", "ci", "{}"),
                  *longer = xasprintf("%s0", right);

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        expect_rejected(&world, wrong[i]);
    expect_admitted(&world, right);
    expect_rejected(&world, longer);
    right[strlen(right) - 1] = '\0';
    expect_rejected(&world, right);
}

Test(access_token, rejects_long_credentials)
{
    autoworld struct world world;
    make_world(&world);
    autofree char *name = xcalloc(1, 100001);

    memset(name, 'a', 100000);
    autofree char *user = xasprintf("%s@pve!ci=x", name), *token = xasprintf("joe@pve!%s=x", name),
                  *secret = xasprintf("joe@pve!ci=%s", name);
    expect_rejected(&world, user);
    expect_rejected(&world, token);
    expect_rejected(&world, secret);
}

/* The hash is no secret: whoever has read the database cannot log in with it. */
Test(access_token, does_not_take_the_stored_hash_for_the_secret)
{
    autoworld struct world world;
    make_world(&world);
    autojson json_t *user = NULL;
    struct error err;

    json_decref(create(&world, "joe@pve", "ci", "{}"));
    cr_assert_eq(object_read(world.storage, "user", "joe@pve", &user, NULL, &err), 0);
    const json_t *token = json_object_get(json_object_get(user, "tokens"), "ci");
    autofree char *credential = xasprintf("joe@pve!ci=%s", json_string_value(json_object_get(token, "hash")));
    expect_rejected(&world, credential);
}

static void change_user(struct world *world, const char *key, json_int_t value)
{
    struct change_set *set = change_set_new();
    struct error err;
    json_t *user;

    cr_assert_eq(object_read(world->storage, "user", "joe@pve", &user, NULL, &err), 0);
    json_object_set_new(user, key, json_integer(value));
    change_set_put(set, "user", "joe@pve", REVISION_ANY, user);
    cr_assert_eq(storage_commit(world->storage, set, &err), 0);
}

Test(access_token, expires_and_goes_with_its_user)
{
    autoworld struct world world;
    make_world(&world);
    autofree char *credential = create_credential(&world, "joe@pve", "ci", "{}");
    json_int_t now = (json_int_t)time(NULL);

    autofree char *past = xasprintf("{'expire': %lld}", (long long)now - 1);
    autofree char *future = xasprintf("{'expire': %lld}", (long long)now + 1000);
    json_decref(update(&world, "ci", past));
    expect_rejected(&world, credential);
    json_decref(update(&world, "ci", future));
    expect_admitted(&world, credential);
    change_user(&world, "enable", 0);
    expect_rejected(&world, credential);
    change_user(&world, "enable", 1);
    expect_admitted(&world, credential);
    change_user(&world, "expire", now - 1);
    expect_rejected(&world, credential);
    change_user(&world, "expire", now + 1000);
    expect_admitted(&world, credential);
    change_user(&world, "expire", 0);
    expect_admitted(&world, credential);
}

/* Makes some tokens of joe. A thread asserts nothing: it keeps the error for the test. */
struct maker {
    pthread_t thread;
    struct world *world;
    int number;
    int result;
    struct error err;
};

static int make_and_use(struct world *world, const char *id, struct error *err)
{
    autojson json_t *settings = json_object(), *reply = NULL;
    struct identity identity;

    if (token_create(world->storage, "joe@pve", id, settings, &reply, err) != 0)
        return -1;
    autofree char *credential =
        xasprintf("joe@pve!%s=%s", id, json_string_value(json_object_get(reply, "value")));
    return access_authenticate_token(world->access, credential, &identity, err);
}

static void *make_several(void *context)
{
    struct maker *self = context;

    for (int i = 0; i < 5 && self->result == 0; i++) {
        autofree char *id = xasprintf("token-%d-%d", self->number, i);
        self->result = make_and_use(self->world, id, &self->err);
    }
    return NULL;
}

Test(access_token, several_threads_make_tokens_of_one_user)
{
    autoworld struct world world;
    make_world(&world);
    struct maker makers[3];
    struct error err;
    json_t *list;

    for (int i = 0; i < 3; i++) {
        makers[i] = (struct maker){.world = &world, .number = i};
        cr_assert_eq(pthread_create(&makers[i].thread, NULL, make_several, &makers[i]), 0);
    }
    for (int i = 0; i < 3; i++) {
        pthread_join(makers[i].thread, NULL);
        cr_assert_eq(makers[i].result, 0, "%s", makers[i].err.message);
    }
    cr_assert_eq(token_list(world.storage, "joe@pve", &list, &err), 0);
    cr_assert_eq(json_array_size(list), 15);
    json_decref(list);
}

Test(access_token, tells_root_from_its_tokens)
{
    cr_assert(identity_is_root(&(struct identity){.user = "root@pam"}));
    cr_assert_not(identity_is_root(&(struct identity){.user = "root@pam", .token = "ci"}));
    cr_assert_not(identity_is_root(&(struct identity){.user = "root@pve"}));
    cr_assert_not(identity_is_root(&(struct identity){.user = ""}));
}
