/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logging in with a password or a ticket, and what tickets allow. */
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#include "access/internal.h"
#include "access/login.h"
#include "access/password.h"
#include "access/ticket.h"
#include "access/user.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/unit/access/fixture.h"

#define PASSWORD "correct horse"

static const char *const people[] = {
    "user:root@pam:", "user:joe@pve:", "user:ann@pve:", "user:bob@pam:", "user:eve@ldap:", NULL};

static void set_password(struct world *world, const char *user, const char *password)
{
    struct error err;

    cr_assert_eq(login_set_password(world->access, user, password, &err), 0, "%s", err.message);
}

static void make_people(struct world *world)
{
    make_world(world, people);
    set_password(world, "joe@pve", PASSWORD);
}

static struct login expect_in(struct world *world, const char *user, const char *password)
{
    struct login login;
    struct error err;

    cr_assert_eq(login_prove(world->access, user, password, &login, &err), 0, "%s: %s", user, err.message);
    return login;
}

static void expect_out(struct world *world, const char *user, const char *password, const char *reason)
{
    struct login login;
    struct error err;

    cr_assert_eq(login_prove(world->access, user, password, &login, &err), -1, "%s", user);
    fixture_expect_error(&err, ERROR_LOGIN, reason);
}

Test(access_password, is_kept_as_a_yescrypt_hash_of_its_own)
{
    char first[PASSWORD_HASH_SIZE], second[PASSWORD_HASH_SIZE];
    struct error err;

    cr_assert_eq(password_hash(PASSWORD, first, &err), 0, "%s", err.message);
    cr_assert_eq(password_hash(PASSWORD, second, &err), 0);
    cr_assert(text_starts_with(first, "$y$"), "%s", first);
    cr_assert_str_neq(first, second, "the salt is random");
    cr_assert(password_matches(PASSWORD, first));
    cr_assert(password_matches(PASSWORD, second));
    cr_assert_not(password_matches("correct hors", first));
    cr_assert_not(password_matches("correct horses", first));
    cr_assert_not(password_matches("", first));
    cr_assert_not(password_matches(first, first));
}

/* Hashes that were made elsewhere, such as SHA-256 by Proxmox VE, and texts that are no hash. */
Test(access_password, of_other_makes_is_taken_and_nonsense_is_not)
{
    static const char sha256[] = "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5";
    static const char *const nonsense[] = {"", "*", "*0", "x", "$y$", "$y$j9T$", "$9$a$b", PASSWORD};

    cr_assert(password_matches("Hello world!", sha256));
    cr_assert_not(password_matches("Hello world", sha256));
    for (size_t i = 0; i < COUNT_OF(nonsense); i++)
        cr_expect_not(password_matches(PASSWORD, nonsense[i]), "%s", nonsense[i]);
}

static double seconds_to_refuse(const char *hash)
{
    struct timespec start, end;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    for (int i = 0; i < 10; i++)
        cr_assert_not(password_matches("wrong", hash));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

Test(access_password, takes_as_long_to_refuse_where_there_is_none, .timeout = 60)
{
    char hash[PASSWORD_HASH_SIZE];
    struct error err;

    cr_assert_eq(password_hash(PASSWORD, hash, &err), 0);
    double with = seconds_to_refuse(hash), without = seconds_to_refuse(NULL);
    cr_assert(without > with / 2 && without < with * 2, "%f s and %f s", with, without);
}

Test(access_login, takes_the_right_password_of_the_right_user)
{
    autoworld struct world world;
    make_people(&world);

    expect_in(&world, "joe@pve", PASSWORD);
    expect_out(&world, "joe@pve", "wrong", "wrong password");
    expect_out(&world, "joe@pve", "", "wrong password");
    expect_out(&world, "ann@pve", PASSWORD, "the user has no password");
    expect_out(&world, "gone@pve", PASSWORD, "no such user");
    expect_out(&world, "joe", PASSWORD, "no such user");
    expect_out(&world, "", PASSWORD, "no such user");
    expect_out(&world, "eve@ldap", PASSWORD, "no such realm");
    set_password(&world, "joe@pve", "another one");
    expect_out(&world, "joe@pve", PASSWORD, "wrong password");
    expect_in(&world, "joe@pve", "another one");
}

static void change_user(struct world *world, const char *user, const char *settings)
{
    autojson json_t *parsed = fixture_json(settings);
    struct error err;

    cr_assert_eq(user_update(world->storage, user, parsed, &err), 0, "%s", err.message);
}

Test(access_login, is_for_users_who_are_enabled_and_not_expired)
{
    autoworld struct world world;
    make_people(&world);

    change_user(&world, "joe@pve", "{'enable': 0}");
    expect_out(&world, "joe@pve", PASSWORD, "the user is disabled or expired");
    change_user(&world, "joe@pve", "{'enable': 1, 'expire': 1}");
    expect_out(&world, "joe@pve", PASSWORD, "the user is disabled or expired");
    change_user(&world, "joe@pve", "{'expire': 4102444800}");
    expect_in(&world, "joe@pve", PASSWORD);
}

/* Answers in place of the host's PAM. */
static int check_pam(void *context, const char *user, const char *password, struct error *err)
{
    *(const char **)context = strcmp(user, "bob") == 0 ? "asked about bob" : "asked about another one";
    return strcmp(password, "bob's") == 0 ? 0 : error_set(err, ERROR_FAILED, "PAM says no");
}

Test(access_login, asks_the_host_about_its_users)
{
    autoworld struct world world;
    make_people(&world);
    const char *asked = NULL;

    expect_out(&world, "bob@pam", "bob's", "no broker: PAM cannot be asked");
    access_set_pam(world.access, check_pam, &asked);
    expect_in(&world, "bob@pam", "bob's");
    cr_assert_str_eq(asked, "asked about bob");
    expect_out(&world, "bob@pam", "wrong", "PAM says no");
    asked = NULL;
    expect_out(&world, "gone@pam", "bob's", "no such user");
    expect_in(&world, "joe@pve", PASSWORD);
    cr_assert_null(asked, "only of users that are known here, and of that realm");
}

static void read_epoch(struct world *world, const char *user, char ret[static EPOCH_SIZE])
{
    autojson json_t *document = NULL;
    struct error err;

    cr_assert_eq(object_read(world->storage, "user", user, &document, NULL, &err), 0, "%s", err.message);
    const char *epoch = json_string_value(json_object_get(document, "epoch"));
    snprintf(ret, EPOCH_SIZE, "%s", epoch != NULL ? epoch : EPOCH_NONE);
}

/* Of a login at `first`. */
static char *renewed_ticket_of(struct world *world, const char *user, time_t first, time_t made)
{
    struct login login = {.first = first};
    struct error err;
    char *ticket;

    snprintf(login.user, sizeof(login.user), "%s", user);
    read_epoch(world, user, login.epoch);
    cr_assert_eq(ticket_make(world->access->keys, &login, made, &ticket, &err), 0, "%s", err.message);
    return ticket;
}

static char *ticket_of(struct world *world, const char *user, time_t made)
{
    return renewed_ticket_of(world, user, made, made);
}

static bool is_good(struct world *world, const char *ticket)
{
    struct identity who;
    struct error err;

    return access_authenticate_ticket(world->access, ticket, false, NULL, &who, &err) == 0;
}

Test(access_login, renews_a_ticket_and_mints_any_with_that_of_root)
{
    autoworld struct world world;
    make_people(&world);
    time_t now = time(NULL);
    autofree char *joe = ticket_of(&world, "joe@pve", now), *root = ticket_of(&world, "root@pam", now),
                  *old = ticket_of(&world, "joe@pve", now - 7201);
    struct error err;

    expect_in(&world, "joe@pve", joe);
    expect_out(&world, "ann@pve", joe, "the ticket is that of another user");
    expect_out(&world, "root@pam", joe, "the ticket is that of another user");
    expect_out(&world, "joe@pve", old, "the ticket is too old");
    expect_in(&world, "joe@pve", root);
    expect_in(&world, "ann@pve", root);
    expect_in(&world, "root@pam", root);
    expect_in(&world, "bob@pam", root);
    expect_out(&world, "gone@pve", root, "no such user");
    change_user(&world, "joe@pve", "{'enable': 0}");
    expect_out(&world, "joe@pve", joe, "its login has ended");
    expect_out(&world, "joe@pve", root, "disabled");
    cr_assert_eq(login_prove_password(world.access, "root@pam", root, &err), -1, "a ticket is no password");
}

Test(access_login, gives_a_ticket_and_the_token_that_goes_with_it)
{
    autoworld struct world world;
    make_people(&world);
    struct identity who;
    struct error err;
    json_t *given;

    const struct login login = expect_in(&world, "joe@pve", PASSWORD);
    cr_assert_eq(login_grant(world.access, &login, &given, &err), 0, "%s", err.message);
    const char *ticket = json_string_value(json_object_get(given, "ticket"));
    const char *csrf = json_string_value(json_object_get(given, "CSRFPreventionToken"));
    cr_assert_str_eq(json_string_value(json_object_get(given, "username")), "joe@pve");
    cr_assert_eq(access_authenticate_ticket(world.access, ticket, false, NULL, &who, &err), 0);
    cr_assert_str_eq(who.user, "joe@pve");
    cr_assert_str_empty(who.token);
    cr_assert_eq(access_authenticate_ticket(world.access, ticket, true, csrf, &who, &err), 0, "%s",
                 err.message);
    cr_assert_eq(access_authenticate_ticket(world.access, ticket, true, NULL, &who, &err), -1);
    fixture_expect_error(&err, ERROR_UNAUTHENTICATED, "Permission denied - invalid csrf token");
    cr_assert_eq(access_authenticate_ticket(world.access, ticket, true, "null", &who, &err), -1);
    json_decref(given);
}

Test(access_login, tickets_of_users_who_may_not_any_more_are_void)
{
    autoworld struct world world;
    make_people(&world);
    autofree char *ticket = ticket_of(&world, "joe@pve", time(NULL)),
                  *old = ticket_of(&world, "joe@pve", time(NULL) - 7200);
    const char *const wrong[] = {"", "x", "PVE:joe@pve:66000000::AAAA", old};
    struct identity who = {.user = "as before"};
    struct error err;

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        cr_assert_eq(access_authenticate_ticket(world.access, wrong[i], false, NULL, &who, &err), -1);
        fixture_expect_error(&err, ERROR_UNAUTHENTICATED, "Authentication failed!");
        cr_assert_str_eq(who.user, "as before");
    }
    change_user(&world, "joe@pve", "{'enable': 0}");
    cr_assert_eq(access_authenticate_ticket(world.access, ticket, false, NULL, &who, &err), -1);
    change_user(&world, "joe@pve", "{'enable': 1}");
    autofree char *fresh = ticket_of(&world, "joe@pve", time(NULL));
    cr_assert_eq(access_authenticate_ticket(world.access, ticket, false, NULL, &who, &err), -1);
    cr_assert_eq(access_authenticate_ticket(world.access, fresh, false, NULL, &who, &err), 0);
    cr_assert_eq(user_delete(world.storage, "joe@pve", &err), 0);
    cr_assert_eq(access_authenticate_ticket(world.access, fresh, false, NULL, &who, &err), -1);
}

/* A ticket that was stolen is renewed as often as one likes, but not for ever. */
Test(access_login, ends_after_a_number_of_days_however_often_it_is_renewed)
{
    autoworld struct world world;
    make_people(&world);
    time_t now = time(NULL), month = 30 * 24 * 3600;
    autofree char *almost = renewed_ticket_of(&world, "joe@pve", now - month + 60, now - 60),
                  *over = renewed_ticket_of(&world, "joe@pve", now - month, now - 60),
                  *root = renewed_ticket_of(&world, "root@pam", now - 7200, now - 60);

    cr_assert(is_good(&world, almost));
    cr_assert_eq(expect_in(&world, "joe@pve", almost).first, now - month + 60, "the first login is told on");
    cr_assert_not(is_good(&world, over));
    expect_out(&world, "joe@pve", over, "its login has ended");
    cr_assert_eq(expect_in(&world, "joe@pve", root).first, now - 7200, "also that of root, for others");
    cr_assert_geq(expect_in(&world, "joe@pve", PASSWORD).first, now);
    login_set_limit(world.access, 1);
    cr_assert_not(is_good(&world, almost));
    cr_assert(is_good(&world, root));
}

static void expect_end(struct world *world, const char *ticket, const char *user, const char *why)
{
    autofree char *fresh = ticket_of(world, user, time(NULL));

    cr_expect_not(is_good(world, ticket), "%s: %s", user, why);
    cr_expect(is_good(world, fresh), "%s: a new ticket is good after %s", user, why);
}

/* Within the same second, too: the times are not compared. */
/* Time passes for a user who has a date of expiry: nobody writes the document. */
static void expire(struct world *world, const char *user)
{
    struct change_set *set = change_set_new();
    json_t *document;
    struct error err;

    cr_assert_eq(object_read(world->storage, "user", user, &document, NULL, &err), 0, "%s", err.message);
    json_object_set_new(document, "expire", json_integer(1));
    change_set_put(set, "user", user, REVISION_ANY, document);
    cr_assert_eq(storage_commit(world->storage, set, &err), 0, "%s", err.message);
}

Test(access_login, ends_with_its_password_or_its_user)
{
    static const char *const users[] = {"joe@pve", "bob@pam"};
    autoworld struct world world;
    make_people(&world);
    autojson json_t *settings = json_object();
    struct error err;

    for (size_t i = 0; i < COUNT_OF(users); i++) {
        autofree char *first = ticket_of(&world, users[i], time(NULL));
        change_user(&world, users[i], "{'comment': 'x'}");
        cr_assert(is_good(&world, first), "other changes do not matter");
        change_user(&world, users[i], "{'enable': 0}");
        change_user(&world, users[i], "{'enable': 1}");
        expect_end(&world, first, users[i], "having been disabled");
        autofree char *second = ticket_of(&world, users[i], time(NULL));
        change_user(&world, users[i], "{'expire': 1}");
        change_user(&world, users[i], "{'expire': 0}");
        expect_end(&world, second, users[i], "having expired");
        autofree char *late = ticket_of(&world, users[i], time(NULL));
        expire(&world, users[i]);
        change_user(&world, users[i], "{'expire': 0}");
        expect_end(&world, late, users[i], "having expired in the course of time");
        autofree char *third = ticket_of(&world, users[i], time(NULL));
        cr_assert_eq(user_delete(world.storage, users[i], &err), 0, "%s", err.message);
        cr_assert_eq(user_create(world.storage, users[i], NULL, settings, &err), 0, "%s", err.message);
        expect_end(&world, third, users[i], "having been deleted");
    }
    autofree char *ticket = ticket_of(&world, "joe@pve", time(NULL));
    set_password(&world, "joe@pve", PASSWORD);
    expect_end(&world, ticket, "joe@pve", "another password");
    expect_out(&world, "joe@pve", ticket, "its login has ended");
}

/* The password was right, and is changed before the ticket is made. */
Test(access_login, that_is_overtaken_by_a_new_password_is_void)
{
    autoworld struct world world;
    make_people(&world);
    const struct login login = expect_in(&world, "joe@pve", PASSWORD);
    autojson json_t *given = NULL;
    struct error err;

    set_password(&world, "joe@pve", "another one");
    cr_assert_eq(login_grant(world.access, &login, &given, &err), 0);
    cr_assert_not(is_good(&world, json_string_value(json_object_get(given, "ticket"))));
}

/* root@pam's own ticket is no better than root@pam. */
Test(access_login, of_a_disabled_root_mints_nothing)
{
    autoworld struct world world;
    make_people(&world);
    autofree char *root = ticket_of(&world, "root@pam", time(NULL));

    change_user(&world, "root@pam", "{'enable': 0}");
    expect_out(&world, "joe@pve", root, "its login has ended");
}

/* Of the hostpci before, which had nothing but the signature behind "::". */
Test(access_login, takes_older_tickets_of_users_who_did_not_change)
{
    autoworld struct world world;
    make_people(&world);
    autofree char *of_ann = xasprintf("PVE:ann@pve:%08lX", (unsigned long)time(NULL)),
                  *of_joe = xasprintf("PVE:joe@pve:%08lX", (unsigned long)time(NULL)), *ann = NULL,
                  *joe = NULL;
    struct error err;

    cr_assert_eq(keys_sign(world.access->keys, of_ann, &ann, &err), 0, "%s", err.message);
    cr_assert_eq(keys_sign(world.access->keys, of_joe, &joe, &err), 0, "%s", err.message);
    autofree char *old_ann = xasprintf("%s::%s", of_ann, ann), *old_joe = xasprintf("%s::%s", of_joe, joe);
    cr_assert(is_good(&world, old_ann));
    cr_assert_eq(strcmp(expect_in(&world, "ann@pve", old_ann).epoch, EPOCH_NONE), 0);
    cr_assert_not(is_good(&world, old_joe), "he has had another password since");
}

Test(access_login, passwords_of_the_host_are_changed_on_the_host)
{
    autoworld struct world world;
    make_people(&world);
    struct error err;

    cr_assert_eq(login_set_password(world.access, "bob@pam", PASSWORD, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "passwd(1)");
    cr_assert_eq(login_set_password(world.access, "eve@ldap", PASSWORD, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "realm 'ldap' does not exist");
    cr_assert_eq(login_set_password(world.access, "gone@pve", PASSWORD, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "no such user ('gone@pve')");
}

static bool shows_all(const char *user, bool enabled, void *context)
{
    (void)user, (void)enabled, (void)context;
    return true;
}

/* Neither the password nor its hash is shown anywhere. */
Test(access_login, hashes_stay_in_the_database)
{
    autoworld struct world world;
    make_people(&world);
    struct error err;
    json_t *users, *joe;

    cr_assert_eq(user_list(world.access, &(struct user_filter){true, shows_all, NULL}, &users, &err), 0);
    autofree char *listed = json_dumps(users, 0);
    cr_assert_eq(user_read(world.storage, "joe@pve", &joe, &err), 0);
    autofree char *shown = json_dumps(joe, 0);
    cr_assert_null(strstr(listed, "$y$"));
    cr_assert_null(strstr(shown, "$y$"));
    json_decref(users);
    json_decref(joe);
}
