/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/ticket: logging in, what a ticket allows, and what happens to those who guess. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/documents.h"
#include "tests/api/look.h"
#include "tests/api/program.h"
#include "tests/api/raw.h"

#define TICKET "/access/ticket"

static void start(void)
{
    START();
    account_create("joe@pve", NULL);
}

TestSuite(ticket, .init = start, .timeout = 120);

static const json_t *enter(const char *user, const char *password)
{
    call_with_token("");
    return post(TICKET, "username", user, "password", password, NULL);
}

static void is_out(const char *user, const char *password)
{
    call_with_token("");
    fails(401, "authentication failure", "POST", TICKET, "username", user, "password", password, NULL);
}

DAEMON_TEST(ticket, is_given_for_a_password)
{
    static const char *const parts[] = {"vms", "access", "storage", "nodes", "sdn", "dc", "mapping"};
    const json_t *joe = enter("joe@pve", PASSWORD);

    cr_assert_str_eq(text_of(joe, "username"), "joe@pve");
    cr_assert(text_starts_with(text_of(joe, "ticket"), "PVE:joe@pve:"));
    cr_assert_eq(strlen(text_of(joe, "CSRFPreventionToken")), 8 + 1 + 43);
    cr_assert_eq(json_object_size(member(joe, "cap")), COUNT_OF(parts));
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        is_json(member(member(joe, "cap"), parts[i]), "{}");

    account_grant("/vms/100", "PVETemplateUser", "users", "joe@pve");
    is_json(member(member(enter("joe@pve", PASSWORD), "cap"), "vms"), "{'VM.Audit':1,'VM.Clone':1}");
}

/* As the clients send it: name and realm apart (the web interface), together (proxmoxer), as JSON
 * (go-proxmox), without a Content-Type (Telmate). */
DAEMON_TEST(ticket, is_asked_for_in_several_ways)
{
    call_with_token("");
    post(TICKET, "username", "joe", "realm", "pve", "password", PASSWORD, "new-format", "1", NULL);
    post(TICKET, "username", "joe@pve", "password", PASSWORD, "otp", "", NULL);
    cr_assert_eq(CALL(.method = "POST", .path = TICKET, .content_type = "application/json",
                      .body = "{\"username\":\"joe@pve\",\"password\":\"" PASSWORD "\"}")
                     ->status,
                 200);
    cr_assert_eq(
        CALL(.method = "POST", .path = TICKET, .body = "username=joe%40pve&password=correct+horse")->status,
        200);
}

static void is_joe(const char *header)
{
    call_with_token("");
    const struct reply *reply = CALL(.method = "GET", .path = "/access/users", .header = header);

    cr_assert_eq(reply->status, 200, "%s: %s", header, reply->phrase);
    cr_assert_eq(json_array_size(reply->data), 1, "he sees himself alone");
    cr_assert_str_eq(text_of(json_array_get(reply->data, 0), "userid"), "joe@pve");
}

DAEMON_TEST(ticket, is_shown_as_a_cookie_or_in_authorization)
{
    autofree char *ticket = xstrdup(text_of(enter("joe@pve", PASSWORD), "ticket"));
    autofree char *plain = xasprintf("Cookie: PVEAuthCookie=%s", ticket);
    autofree char *among = xasprintf("Cookie: a=b; PVEAuthCookie=%s; c=d", ticket);
    autofree char *equals = xasprintf("Authorization: PVEAuthCookie=%s", ticket);
    autofree char *blank = xasprintf("Authorization: PVEAuthCookie %s", ticket);

    is_joe(plain);
    is_joe(among);
    is_joe(equals);
    is_joe(blank);
    call_with_ticket(ticket, NULL); /* percent-encoded */
    cr_assert_eq(json_array_size(get("/access/users", NULL)), 1);
}

/* If a cookie and an API token come together, the cookie counts. */
DAEMON_TEST(ticket, in_a_cookie_counts_before_authorization)
{
    const json_t *created = post("/access/users/root@pam/token/ci", "privsep", "0", NULL);
    autofree char *token = xasprintf("Authorization: PVEAPIToken=%s=%s", text_of(created, "full-tokenid"),
                                     text_of(created, "value"));

    call_with_ticket(text_of(enter("joe@pve", PASSWORD), "ticket"), NULL);
    cr_assert_eq(json_array_size(CALL(.method = "GET", .path = "/access/users", .header = token)->data), 1);
    call_with_token("");
    cr_assert_eq(json_array_size(CALL(.method = "GET", .path = "/access/users", .header = token)->data), 2);
}

DAEMON_TEST(ticket, changes_something_only_with_its_csrf_token)
{
    account_grant("/access", "Administrator", "users", "joe@pve");
    const json_t *joe = enter("joe@pve", PASSWORD);
    autofree char *ticket = xstrdup(text_of(joe, "ticket")),
                  *csrf = xstrdup(text_of(joe, "CSRFPreventionToken"));
    static const char message[] = "Permission denied - invalid csrf token";

    call_with_ticket(ticket, NULL);
    get("/version", NULL);
    fails(401, message, "POST", "/access/groups", "groupid", "a", NULL);
    call_with_ticket(ticket, "null"); /* what the web interface sends before it logs in */
    get("/version", NULL);
    fails(401, message, "PUT", "/access/groups/a", "comment", "x", NULL);
    fails(401, message, "DELETE", "/access/groups/a", NULL);
    account_create("ann@pve", NULL);
    const json_t *ann = enter("ann@pve", PASSWORD);
    call_with_ticket(ticket, text_of(ann, "CSRFPreventionToken"));
    fails(401, message, "POST", "/access/groups", "groupid", "a", NULL);
    call_with_ticket(ticket, csrf);
    post("/access/groups", "groupid", "a", NULL);
    put("/access/groups/a", "comment", "x", NULL);
    delete ("/access/groups/a", NULL);
}

DAEMON_TEST(ticket, is_renewed_by_itself_and_minted_by_root)
{
    time_t now = time(NULL);
    autofree char *joe = account_forge("joe@pve", now - 7000), *root = account_forge("root@pam", now),
                  *old = account_forge("joe@pve", now - 7201);

    cr_assert_str_eq(text_of(enter("joe@pve", joe), "username"), "joe@pve");
    call_with_ticket(text_of(enter("joe@pve", root), "ticket"), NULL);
    cr_assert_eq(json_array_size(get("/access/users", NULL)), 1, "joe, not root");
    call_with_ticket(text_of(enter("root@pam", root), "ticket"), NULL);
    cr_assert_eq(json_array_size(get("/access/users", NULL)), 2);
    is_out("root@pam", joe);
    is_out("joe@pve", old);
}

static void is_void(const char *ticket)
{
    call_with_ticket(ticket, NULL);
    fails(401, "Authentication failed!", "GET", "/version", NULL);
}

DAEMON_TEST(ticket, that_is_old_forged_or_of_a_disabled_user_is_void)
{
    time_t now = time(NULL);
    autofree char *good = account_forge("joe@pve", now), *old = account_forge("joe@pve", now - 7201),
                  *ahead = account_forge("joe@pve", now + 400), *gone = account_forge("gone@pve", now);
    autofree char *forged = xasprintf("PVE:root@pam:%08lX%s", (unsigned long)now, strstr(good, "::"));

    is_void(old);
    is_void(ahead);
    is_void(gone);
    is_void(forged);
    is_void("nonsense");
    call_with_ticket(good, NULL);
    get("/version", NULL);
    call_with_token(NULL);
    put("/access/users/joe@pve", "enable", "0", NULL);
    is_void(good);
}

/* All answers are the same, and all are late. */
DAEMON_TEST(ticket, is_refused_without_a_reason)
{
    static const char *const forms[] = {"username=joe@pve&password=wrong",
                                        "username=joe@pve&password=",
                                        "username=gone@pve&password=correct+horse",
                                        "username=joe&password=correct+horse",
                                        "username=joe&realm=ldap&password=correct+horse",
                                        "username=root@pam&password=correct+horse",
                                        "username=ann@pve&password=correct+horse"};
    int connections[COUNT_OF(forms)];
    time_t before = time(NULL);

    account_create("ann@pve", NULL);
    put("/access/users/ann@pve", "enable", "0", NULL);
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        connections[i] = raw_connect_tcp();
        raw_print(connections[i],
                  "POST /api2/json/access/ticket HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                  "Content-Length: %zu\r\n\r\n%s",
                  strlen(forms[i]), forms[i]);
    }
    call_with_token("");
    get("/access/domains", NULL); /* no thread waits */
    cr_assert(raw_is_silent(connections[0]), "the first refusal has come already");
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        autofree char *reply = raw_read(connections[i], 15);
        close(connections[i]);
        cr_assert(text_starts_with(reply, "HTTP/1.1 401 authentication failure\r\n"), "%s: %s", forms[i],
                  reply);
        cr_assert(text_ends_with(reply, "\r\n\r\n{\"data\":null,\"message\":\"authentication failure\\n\"}"),
                  "%s", reply);
        cr_assert_geq(time(NULL) - before, 2);
    }
}

static int send_login(const char *form)
{
    int connection = raw_connect_tcp();

    raw_print(connection,
              "POST /api2/json/access/ticket HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
              "%zu\r\n\r\n%s",
              strlen(form), form);
    return connection;
}

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void enter_joe(void)
{
    enter("joe@pve", PASSWORD);
}

/* Until a failure is answered, the same user waits even with the right password, so guessing on another
 * connection is no faster. Other users do not wait. */
DAEMON_TEST(ticket, is_not_guessed_faster_on_many_connections)
{
    account_create("ann@pve", NULL);
    double began = seconds();
    int wrong = send_login("username=joe@pve&password=wrong");
    nanosleep(&(const struct timespec){.tv_sec = 1}, NULL); /* by now the first attempt has failed */
    int right = send_login("username=joe@pve&password=correct+horse");

    enter("ann@pve", PASSWORD);
    cr_assert(raw_is_silent(right), "ann waited as long as joe");
    autofree char *late = raw_read(right, 20), *refused = raw_read(wrong, 20);
    cr_assert_gt(seconds() - began, 2.9);
    cr_assert_eq(raw_status(late), 200, "%s", late);
    cr_assert_eq(raw_status(refused), 401);
    close(wrong);
    close(right);
    cr_assert(raw_overtakes_refusal(enter_joe), "afterwards he is quick again");
}

/* However many guess at once, no more are tried than one after the other, and the others are told to come
 * again. Renewing a ticket goes on meanwhile. */
DAEMON_TEST(ticket, guessers_are_told_to_come_again)
{
    autofree char *ticket = xstrdup(text_of(enter("joe@pve", PASSWORD), "ticket"));
    int connections[60];
    unsigned tried = 0, busy = 0, silent = 0;

    for (size_t i = 0; i < COUNT_OF(connections); i++)
        connections[i] = send_login("username=joe@pve&password=wrong");
    enter("joe@pve", ticket);
    while (silent < COUNT_OF(connections) && !raw_is_silent(connections[silent]))
        silent++;
    cr_assert_lt(silent, COUNT_OF(connections), "it had to wait until the last guess was answered");
    /* until the first failures are answered, which takes 3 s and as long as the checks take */
    while (tried == 0) {
        nanosleep(&(const struct timespec){.tv_sec = 1}, NULL);
        for (size_t i = 0; i < COUNT_OF(connections); i++) {
            char reply[64] = "";
            recv(connections[i], reply, sizeof(reply) - 1, MSG_DONTWAIT);
            tried += raw_status(reply) == 401;
            busy += raw_status(reply) == 503;
        }
    }
    cr_assert_leq(tried, 4, "%u were tried at once", tried);
    cr_assert_gt(busy, 40, "%u", busy);
    for (size_t i = 0; i < COUNT_OF(connections); i++)
        close(connections[i]);
}

DAEMON_TEST(ticket, is_not_for_tokens)
{
    const json_t *created = post("/access/users/root@pam/token/ci", "privsep", "0", NULL);
    autofree char *token = xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value"));
    static const char message[] = "API tokens may not call this: log in with a password";

    call_with_token(token);
    fails(403, message, "POST", TICKET, "username", "joe@pve", "password", PASSWORD, NULL);
    fails(403, message, "PUT", "/access/password", "userid", "joe@pve", "password", "another one", NULL);
    get(TICKET, NULL);
}

DAEMON_TEST(ticket, and_realms_need_no_login)
{
    call_with_token("");
    is_json(get(TICKET, NULL), "null");
    cr_assert_eq(json_array_size(get("/access/domains", NULL)), 2);
    call_with_token("root@pam!gone=wrong");
    cr_assert_eq(json_array_size(get("/access/domains", NULL)), 2);
}

/* With path and privs the question is whether the user with this password, or ticket, has these privileges
 * there. */
DAEMON_TEST(ticket, can_be_asked_about)
{
    account_grant("/vms/100", "PVETemplateUser", "users", "joe@pve");
    call_with_token("");
    const json_t *answer = post(TICKET, "username", "joe@pve", "password", PASSWORD, "path", "/vms/100",
                                "privs", "VM.Audit,VM.Clone", NULL);
    cr_assert_not(has(answer, "ticket"));
    cr_assert_str_eq(text_of(answer, "username"), "joe@pve");
    fails(401, "authentication failure", "POST", TICKET, "username", "joe@pve", "password", PASSWORD, "path",
          "/vms/100", "privs", "VM.Audit,VM.Allocate", NULL);
    wrong_parameter("privs", "missing property - 'path' requires this property", "POST", TICKET, "username",
                    "joe@pve", "password", PASSWORD, "path", "/vms/100", NULL);
    wrong_parameter("path", "missing property - 'privs' requires this property", "POST", TICKET, "username",
                    "joe@pve", "password", PASSWORD, "privs", "VM.Audit", NULL);
    wrong_parameter("username", "property is missing and it is not optional", "POST", TICKET, "password",
                    PASSWORD, NULL);
}

static char *key_path(void)
{
    return xasprintf("%s/auth.key", daemon_state());
}

DAEMON_TEST(ticket, keys_are_rotated_while_the_daemon_runs)
{
    autofree char *ticket = xstrdup(text_of(enter("joe@pve", PASSWORD), "ticket")), *path = key_path();
    char state[256];
    struct stat before, after;

    snprintf(state, sizeof(state), "--state-dir=%s", daemon_state());
    cr_assert_eq(stat(path, &before), 0);
    cr_assert_eq(before.st_mode & 0777, 0600);
    free(program_run((const char *const[]){"rotate-keys", state, NULL}));
    cr_assert_eq(stat(path, &after), 0);
    cr_assert_neq(before.st_ino, after.st_ino);
    cr_assert_eq(after.st_mode & 0777, 0600);
    call_with_ticket(ticket, NULL);
    get("/version", NULL);
    call_with_ticket(text_of(enter("joe@pve", PASSWORD), "ticket"), NULL);
    get("/version", NULL);
    daemon_stop();
    daemon_start_again();
    call_with_ticket(ticket, NULL);
    get("/version", NULL);
    program_fails(
        1, "there is no state folder '/nowhere'; if the daemon has another one, give it with --state-dir",
        (const char *const[]){"rotate-keys", "--state-dir=/nowhere", NULL});
    program_fails(2, "takes no argument", (const char *const[]){"rotate-keys", "now", NULL});
}

/* Without waiting for what the old keys still vouch for. */
DAEMON_TEST(ticket, keys_that_are_rotated_now_end_all)
{
    autofree char *ticket = xstrdup(text_of(enter("joe@pve", PASSWORD), "ticket"));
    char state[256];

    snprintf(state, sizeof(state), "--state-dir=%s", daemon_state());
    free(program_run((const char *const[]){"rotate-keys", state, NULL}));
    call_with_ticket(ticket, NULL);
    get("/version", NULL);
    free(program_run((const char *const[]){"rotate-keys", "--now", state, NULL}));
    is_void(ticket);
    is_out("joe@pve", ticket);
    call_with_ticket(text_of(enter("joe@pve", PASSWORD), "ticket"), NULL);
    get("/version", NULL);
}

/* Whoever stole it renews it as the client does, but not for ever, and not past what ends it. */
DAEMON_TEST(ticket, that_was_stolen_ends)
{
    time_t now = time(NULL), month = 30 * 24 * 3600;
    autofree char *over = account_forge_renewed("joe@pve", now - month - 1, now),
                  *almost = account_forge_renewed("joe@pve", now - month + 60, now);

    is_void(over);
    is_out("joe@pve", over);
    autofree char *renewed = xstrdup(text_of(enter("joe@pve", almost), "ticket"));
    autofree char *first = xasprintf("::%08lX:", (unsigned long)(now - month + 60));
    cr_assert_not_null(strstr(renewed, first), "%s", renewed);
    call_with_ticket(renewed, NULL);
    get("/version", NULL);

    call_with_token(NULL);
    put("/access/password", "userid", "joe@pve", "password", "another one", NULL);
    is_void(renewed);
    is_out("joe@pve", renewed);
    autofree char *second = xstrdup(text_of(enter("joe@pve", "another one"), "ticket"));
    call_with_token(NULL);
    delete ("/access/users/joe@pve", NULL);
    account_create("joe@pve", NULL);
    is_void(second);
    autofree char *third = xstrdup(text_of(enter("joe@pve", PASSWORD), "ticket"));
    call_with_token(NULL);
    put("/access/users/joe@pve", "enable", "0", NULL);
    put("/access/users/joe@pve", "enable", "1", NULL);
    is_void(third);
}

/* Each login leaves one line in the log, with the reason that the client does not get, and without the
 * password. */
DAEMON_TEST(ticket, leaves_a_line_for_each_login)
{
    enter("joe@pve", PASSWORD);
    is_out("joe@pve", "guessed-password");
    is_out("gone@pve", "guessed-password");
    is_out("root@pam", "guessed-password");
    daemon_stop(); /* the last line comes after the answer */
    autofree char *log = daemon_log();

    cr_assert_not_null(strstr(log, "audit: - from 127.0.0.1: POST /access/ticket username=joe@pve: done\n"));
    cr_assert_not_null(strstr(log, "POST /access/ticket username=joe@pve: authentication failure (wrong "
                                   "password)\n"));
    cr_assert_not_null(
        strstr(log, "POST /access/ticket username=gone@pve: authentication failure (no such user)\n"));
    cr_assert_not_null(strstr(log, "POST /access/ticket username=root@pam: authentication failure ("));
    cr_assert_null(strstr(log, "guessed-password"));
    cr_assert_null(strstr(log, PASSWORD));
}

/* Users of a database that was made before there were passwords. */
DAEMON_TEST(ticket, is_given_after_the_first_password_was_set)
{
    daemon_stop();
    document_put("user", "old@pve", "{'enable':1,'expire':0}");
    daemon_start_again();
    is_out("old@pve", PASSWORD);
    call_with_token(NULL);
    put("/access/password", "userid", "old@pve", "password", PASSWORD, NULL);
    enter("old@pve", PASSWORD);
}
