/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tickets and CSRF tokens: their form, how long they are valid, and the keys behind them. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/ticket.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/unit/access/fixture.h"

#define NOW ((time_t)0x66000000)

static void cleanup_keys(struct keys **keys)
{
    keys_close(*keys);
}
#define autokeys __attribute__((cleanup(cleanup_keys)))

static struct keys *open_keys(const struct fixture *fixture)
{
    struct keys *keys;
    struct error err;

    cr_assert_eq(keys_open(fixture->folder, &keys, &err), 0, "%s", err.message);
    return keys;
}

static struct login login_of(const char *user, time_t first)
{
    struct login login = {.first = first, .epoch = "1234abcd"};

    snprintf(login.user, sizeof(login.user), "%s", user);
    return login;
}

static char *make(struct keys *keys, const char *user, time_t now)
{
    const struct login login = login_of(user, now);
    struct error err;
    char *ticket;

    cr_assert_eq(ticket_make(keys, &login, now, &ticket, &err), 0, "%s", err.message);
    return ticket;
}

static bool is_good(struct keys *keys, const char *ticket, time_t now)
{
    struct login login;

    return ticket_check(keys, ticket, now, &login);
}

static void make_csrf(struct keys *keys, const char *user, time_t now, char ret[static CSRF_SIZE])
{
    const struct login login = login_of(user, now);

    ticket_make_csrf(keys, &login, now, ret);
}

static bool is_good_csrf(struct keys *keys, const char *user, const char *csrf, time_t now)
{
    const struct login login = login_of(user, now);

    return ticket_check_csrf(keys, &login, csrf, now);
}

Test(access_ticket, has_the_form_that_clients_take_apart)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autokeys struct keys *keys = open_keys(&fixture);
    autofree char *ticket = make(keys, "joe@pve", NOW);
    static const char claim[] = "PVE:joe@pve:66000000::66000000:1234abcd";
    struct login login;
    struct ticket parsed;

    cr_assert(text_starts_with(ticket, claim), "%s", ticket);
    cr_assert_eq(strlen(ticket), strlen(claim) + 1 + 344, "2048 bits in base64");
    cr_assert(ticket_parse(ticket, &parsed));
    cr_assert_str_eq(parsed.user, "joe@pve");
    cr_assert_eq(parsed.made, NOW);
    cr_assert_eq(parsed.signed_length, strlen(claim));
    cr_assert(ticket_check(keys, ticket, NOW, &login));
    cr_assert_str_eq(login.user, "joe@pve");
    cr_assert_str_eq(login.epoch, "1234abcd");
    cr_assert_eq(login.first, NOW);
}

static const struct {
    const char *text;
    bool well_formed;
} forms[] = {
    {"PVE:joe@pve:66000000::AAAA", true},
    {"PVE:joe@pve:66000000::AA==", true},
    {"PVE:a!b@pve:0000000F::A+/9", true},
    {"PVE:joe@pve:66000000::65000000:1234abcd:AAAA", true},
    {"PVE:joe@pve:66000000::65000000:1234abcd:", false},
    {"PVE:joe@pve:66000000::65000000:1234abcd", false},
    {"PVE:joe@pve:66000000::65000000:AAAA", false},
    {"PVE:joe@pve:66000000::65000000::AAAA", false},
    {"PVE:joe@pve:66000000::65000000:1234ABCD:AAAA", false},
    {"PVE:joe@pve:66000000::65000000:1234abcde:AAAA", false},
    {"PVE:joe@pve:66000000::6500000:1234abcd:AAAA", false},
    {"PVE:joe@pve:66000000::65000000:1234abcd:AAAA:AAAA", false},
    {"PVE:joe@pve:66000000::65000000:1234abcd:65000000:1234abcd:AAAA", false},
    {"", false},
    {"PVE", false},
    {"PVE:", false},
    {"PVE::66000000::AAAA", false},
    {"PVE:joe@pve", false},
    {"PVE:joe@pve:", false},
    {"PVE:joe@pve:66000000", false},
    {"PVE:joe@pve:66000000:", false},
    {"PVE:joe@pve:66000000::", false},
    {"PVE:joe@pve:66000000::=", false},
    {"PVE:joe@pve:66000000::AA=A", false},
    {"PVE:joe@pve:66000000::AA A", false},
    {"PVE:joe@pve:66000000::AA\n", false},
    {"PVE:joe@pve:66000000:AAAA", false},
    {"PVE:joe@pve:6600000::AAAA", false},
    {"PVE:joe@pve:660000000::AAAA", false},
    {"PVE:joe@pve:6600000a::AAAA", false},
    {"PVE:joe@pve:0x660000::AAAA", false},
    {"PVE:joe@pve:-6600000::AAAA", false},
    {"PVE:joe pve:66000000::AAAA", false},
    {"PVE:joe/x@pve:66000000::AAAA", false},
    {"PVEVNC:joe@pve:66000000::AAAA", false},
    {"PMG:joe@pve:66000000::AAAA", false},
    {" PVE:joe@pve:66000000::AAAA", false},
    {"PVE:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@pve:66000000::AAAA", false},
};

Test(access_ticket, of_another_form_is_none)
{
    struct ticket parsed;

    for (size_t i = 0; i < COUNT_OF(forms); i++)
        cr_expect_eq(ticket_parse(forms[i].text, &parsed), forms[i].well_formed, "%s", forms[i].text);
}

Test(access_ticket, is_good_for_two_hours_and_a_little_ahead)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autokeys struct keys *keys = open_keys(&fixture);
    autofree char *ticket = make(keys, "joe@pve", NOW);

    cr_assert(is_good(keys, ticket, NOW + 7199));
    cr_assert_not(is_good(keys, ticket, NOW + 7200));
    cr_assert(is_good(keys, ticket, NOW - 300), "another node's clock");
    cr_assert_not(is_good(keys, ticket, NOW - 301));
    cr_assert_not(is_good(keys, ticket, NOW + 1000000));
}

/* The format has room for 32 bits of a time. */
Test(access_ticket, is_good_at_all_times)
{
    static const time_t times[] = {-7000,          -1, 0, 100, UINT32_MAX - 100, (time_t)UINT32_MAX + 100,
                                   (time_t)5 << 32};
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autokeys struct keys *keys = open_keys(&fixture);
    char csrf[CSRF_SIZE];

    for (size_t i = 0; i < COUNT_OF(times); i++) {
        autofree char *ticket = make(keys, "joe@pve", times[i]);
        make_csrf(keys, "joe@pve", times[i], csrf);
        cr_expect(is_good(keys, ticket, times[i] + 7199), "%s at %ld", ticket, (long)times[i]);
        cr_expect(is_good_csrf(keys, "joe@pve", csrf, times[i] + 7199), "%ld", (long)times[i]);
        cr_expect_not(is_good(keys, ticket, times[i] + 7200), "%ld", (long)times[i]);
        cr_expect_not(is_good(keys, ticket, times[i] - 301), "%ld", (long)times[i]);
    }
}

Test(access_ticket, is_good_as_it_was_made_only)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autokeys struct keys *keys = open_keys(&fixture);
    autofree char *ticket = make(keys, "joe@pve", NOW), *other = make(keys, "root@pam", NOW);
    autofree char *forged = xasprintf("PVE:root@pam:66000000%s", strstr(ticket, "::"));
    autofree char *later = xasprintf("PVE:joe@pve:66000001%s", strstr(ticket, "::"));
    autofree char *cut = xstrndup(ticket, strlen(ticket) - 4);
    autofree char *earlier = xasprintf("PVE:joe@pve:66000000::65000000%s", strstr(ticket, ":1234abcd:"));
    autofree char *epoch = xasprintf("PVE:joe@pve:66000000::66000000:00000000%s", strrchr(ticket, ':'));
    autofree char *without = xasprintf("PVE:joe@pve:66000000::%s", strrchr(ticket, ':') + 1);

    cr_assert_not(is_good(keys, earlier, NOW), "the login is signed");
    cr_assert_not(is_good(keys, epoch, NOW));
    cr_assert_not(is_good(keys, without, NOW));
    cr_assert(is_good(keys, other, NOW));
    cr_assert_not(is_good(keys, forged, NOW));
    cr_assert_not(is_good(keys, later, NOW));
    cr_assert_not(is_good(keys, cut, NOW));
    for (size_t i = 0; i < strlen(ticket); i += 7) {
        autofree char *changed = xstrdup(ticket);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        cr_expect_not(is_good(keys, changed, NOW), "character %zu", i);
    }
}

Test(access_ticket, of_another_host_is_of_no_use)
{
    autofixture struct fixture fixture, other;
    fixture_make(&fixture);
    fixture_make(&other);
    autokeys struct keys *keys = open_keys(&fixture), *keys_there = open_keys(&other);
    autofree char *ticket = make(keys_there, "root@pam", NOW);
    char csrf[CSRF_SIZE];

    make_csrf(keys_there, "root@pam", NOW, csrf);
    cr_assert(is_good(keys_there, ticket, NOW));
    cr_assert(is_good_csrf(keys_there, "root@pam", csrf, NOW));
    cr_assert_not(is_good(keys, ticket, NOW));
    cr_assert_not(is_good_csrf(keys, "root@pam", csrf, NOW));
}

Test(access_ticket, csrf_token_belongs_to_a_user_and_a_time)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autokeys struct keys *keys = open_keys(&fixture);
    char csrf[CSRF_SIZE], other[CSRF_SIZE];

    make_csrf(keys, "joe@pve", NOW, csrf);
    cr_assert(text_starts_with(csrf, "66000000:"), "%s", csrf);
    cr_assert_eq(strlen(csrf), 9 + 43, "SHA-256 in base64 without padding: %s", csrf);
    cr_assert_null(strchr(csrf, '='));
    cr_assert(is_good_csrf(keys, "joe@pve", csrf, NOW));
    cr_assert(is_good_csrf(keys, "joe@pve", csrf, NOW + 7199));
    cr_assert_not(is_good_csrf(keys, "joe@pve", csrf, NOW + 7200));
    cr_assert(is_good_csrf(keys, "joe@pve", csrf, NOW - 300));
    cr_assert_not(is_good_csrf(keys, "joe@pve", csrf, NOW - 301));
    cr_assert_not(is_good_csrf(keys, "root@pam", csrf, NOW));
    make_csrf(keys, "joe@pve", NOW + 1, other);
    cr_assert_str_neq(csrf + 9, other + 9);
}

Test(access_ticket, csrf_token_of_another_form_is_none)
{
    static const char *const wrong[] = {"",          "null",       "66000000",   "66000000:",  "6600000:x",
                                        "6600000a:", ":66000000:", "66000000:x", "66000000::", "undefined"};
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autokeys struct keys *keys = open_keys(&fixture);

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        cr_expect_not(is_good_csrf(keys, "joe@pve", wrong[i], NOW), "%s", wrong[i]);
}

static char *key_file(const struct fixture *fixture)
{
    return xasprintf("%s/auth.key", fixture->folder);
}

Test(access_keys, are_made_once_and_for_nobody_else_to_read)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autokeys struct keys *keys = open_keys(&fixture);
    autofree char *path = key_file(&fixture), *ticket = make(keys, "joe@pve", NOW), *before = NULL,
                  *after = NULL;
    struct stat status;
    struct error err;

    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 07777, 0600);
    cr_assert_eq(file_read(path, 65536, &before, NULL, &err), 0);
    cr_assert(text_starts_with(before, "-----BEGIN PRIVATE KEY-----"));
    autokeys struct keys *again = open_keys(&fixture);
    cr_assert_eq(file_read(path, 65536, &after, NULL, &err), 0);
    cr_assert_str_eq(before, after);
    cr_assert(is_good(again, ticket, NOW));
}

Test(access_keys, that_cannot_be_used_are_told)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autofree char *path = key_file(&fixture);
    struct keys *keys;
    struct error err;

    cr_assert_eq(file_replace(path, "nonsense", 8, 0600, &err), 0);
    cr_assert_eq(keys_open(fixture.folder, &keys, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, path);
    cr_assert_eq(keys_open("/nowhere", &keys, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "/nowhere/auth.key");
}

static void rotate(const struct fixture *fixture)
{
    struct error err;

    cr_assert_eq(keys_rotate(fixture->folder, &err), 0, "%s", err.message);
}

static unsigned count_old(const struct fixture *fixture)
{
    DIR *folder = opendir(fixture->folder);
    const struct dirent *entry;
    unsigned count = 0;

    while ((entry = readdir(folder)) != NULL)
        count += text_starts_with(entry->d_name, "auth.key.");
    closedir(folder);
    return count;
}

/* Times are real here: a key is retired at the present one. */
Test(access_keys, old_ones_stay_good_for_what_was_made_with_them)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autokeys struct keys *keys = open_keys(&fixture);
    time_t now = time(NULL);
    autofree char *ticket = make(keys, "joe@pve", now), *ahead = make(keys, "joe@pve", now + 200);
    char csrf[CSRF_SIZE];

    make_csrf(keys, "joe@pve", now, csrf);
    rotate(&fixture);
    cr_assert(is_good(keys, ticket, now), "the daemon noticed");
    cr_assert(is_good_csrf(keys, "joe@pve", csrf, now));
    cr_assert_not(is_good(keys, ahead, now), "the old key vouches for nothing that is made now");
    autofree char *new = make(keys, "joe@pve", now);
    cr_assert_str_neq(ticket, new);
    rotate(&fixture);
    cr_assert(is_good(keys, ticket, now + 7100), "two rotations are no reason to forget the first");
    cr_assert(is_good(keys, new, now + 7100));
    cr_assert_not(is_good(keys, ticket, now + 7200));
    cr_assert_eq(count_old(&fixture), 2);
    autokeys struct keys *later = open_keys(&fixture);
    cr_assert(is_good(later, ticket, now), "after a restart too");
}

/* As if it had happened three hours ago. */
static void retire_long_ago(const struct fixture *fixture)
{
    autofree char *path = key_file(fixture);
    autofree char *old = xasprintf("%s.%08lX", path, (unsigned long)time(NULL) - 3 * 3600);

    cr_assert_eq(link(path, old), 0);
}

Test(access_keys, that_are_over_count_nothing_and_are_deleted)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autokeys struct keys *keys = open_keys(&fixture);
    time_t now = time(NULL);
    autofree char *ticket = make(keys, "joe@pve", now - 3 * 3600), *path = key_file(&fixture);

    retire_long_ago(&fixture);
    cr_assert_eq(unlink(path), 0);
    autokeys struct keys *fresh = open_keys(&fixture);
    cr_assert_not(is_good(fresh, ticket, now - 3 * 3600));
    rotate(&fixture);
    cr_assert_eq(count_old(&fixture), 1, "the one of just now");
}

Test(access_keys, that_are_replaced_leave_nothing_good)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autokeys struct keys *keys = open_keys(&fixture);
    time_t now = time(NULL);
    autofree char *first = make(keys, "joe@pve", now);
    char csrf[CSRF_SIZE];
    struct error err;

    rotate(&fixture);
    autofree char *second = make(keys, "joe@pve", now);
    make_csrf(keys, "joe@pve", now, csrf);
    cr_assert_eq(keys_replace(fixture.folder, &err), 0, "%s", err.message);
    cr_assert_not(is_good(keys, first, now));
    cr_assert_not(is_good(keys, second, now));
    cr_assert_not(is_good_csrf(keys, "joe@pve", csrf, now));
    cr_assert_eq(count_old(&fixture), 0);
    autofree char *third = make(keys, "joe@pve", now);
    cr_assert(is_good(keys, third, now));
    autokeys struct keys *later = open_keys(&fixture);
    cr_assert(is_good(later, third, now));
    cr_assert_not(is_good(later, second, now));
}

Test(access_keys, are_made_by_the_first_rotation_too)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    struct error err;

    rotate(&fixture);
    cr_assert_eq(count_old(&fixture), 0);
    autokeys struct keys *keys = open_keys(&fixture);
    cr_assert_eq(keys_rotate("/nowhere", &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "cannot read the state folder '/nowhere'");
}

/* A key that the daemon cannot read, since somebody else made it, does not lock everybody out. */
Test(access_keys, stay_in_use_while_new_ones_cannot_be_read)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autokeys struct keys *keys = open_keys(&fixture);
    autofree char *ticket = make(keys, "joe@pve", NOW), *path = key_file(&fixture);
    struct error err;

    cr_assert_eq(file_replace(path, "nonsense", 8, 0600, &err), 0);
    cr_assert(is_good(keys, ticket, NOW));
    cr_assert_eq(unlink(path), 0);
    cr_assert(is_good(keys, ticket, NOW));
}

/* Threads that check while the keys change. */
static void *check_often(void *context)
{
    struct keys *keys = context;
    time_t now = time(NULL);
    autofree char *ticket = NULL;
    struct error err;
    const struct login login = login_of("joe@pve", now);
    long failures = ticket_make(keys, &login, now, &ticket, &err) != 0;

    for (int i = 0; i < 300; i++)
        failures += !is_good(keys, ticket, now);
    return (void *)failures;
}

Test(access_keys, change_under_those_who_use_them, .timeout = 60)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autokeys struct keys *keys = open_keys(&fixture);
    pthread_t threads[3];
    void *failures;

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, check_often, keys), 0);
    for (int i = 0; i < 3; i++)
        rotate(&fixture);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        pthread_join(threads[i], &failures);
        cr_assert_eq((long)failures, 0);
    }
}
