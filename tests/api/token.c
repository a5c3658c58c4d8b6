/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/users/{userid}/token: API tokens, and calls with them through TCP. */
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/documents.h"
#include "tests/api/look.h"
#include "tests/api/raw.h"

#define TOKENS "/access/users/root@pam/token"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(token, .init = start, .timeout = 120);

/* The credential of a new token, "root@pam!ID=SECRET", which the caller frees. */
static char *create(const char *id, const char *privsep)
{
    autofree char *path = xasprintf(TOKENS "/%s", id);
    const json_t *token = post(path, "privsep", privsep, NULL);

    return xasprintf("%s=%s", text_of(token, "full-tokenid"), text_of(token, "value"));
}

static void is_refused(const char *credential)
{
    call_with_token(credential);
    fails(401, "Authentication failed!", "GET", "/version", NULL);
    call_with_token(NULL);
}

static void is_accepted(const char *credential)
{
    call_with_token(credential);
    get("/version", NULL);
    call_with_token(NULL);
}

DAEMON_TEST(token, is_created_with_a_secret_that_is_told_once)
{
    const json_t *created = post(TOKENS "/ci", "comment", "for CI", NULL);
    autofree char *credential =
        xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value"));

    cr_assert_str_eq(text_of(created, "full-tokenid"), "root@pam!ci");
    cr_assert_eq(strlen(text_of(created, "value")), 36, "a UUID");
    cr_assert_str_eq(text_of(member(created, "info"), "comment"), "for CI");
    is_json(get(TOKENS "/ci", NULL), "{'comment':'for CI','expire':0,'privsep':1}");
    is_json(get(TOKENS, NULL), "[{'tokenid':'ci','comment':'for CI','expire':0,'privsep':1}]");
    is_accepted(credential);

    autofree char *documents = document_dump(), *log = daemon_log();
    cr_assert_null(strstr(documents, text_of(created, "value")), "only its hash is kept");
    cr_assert_null(strstr(log, text_of(created, "value")));
}

DAEMON_TEST(token, without_privilege_separation_has_the_privileges_of_its_user)
{
    autofree char *credential = create("full", "0");

    call_with_token(credential);
    get("/nodes/" NODE "/status", NULL);
    get("/nodes/" NODE "/hardware/pci", NULL);
    post("/cluster/mapping/pci", "id", "gpu", "map", "node=" NODE ",path=0000:01:00.0,id=10de:2484", NULL);
    get(TOKENS, NULL);
}

DAEMON_TEST(token, with_privilege_separation_has_none_of_its_own)
{
    autofree char *credential = create("bare", "1");

    call_with_token(credential);
    get("/version", NULL);
    fails(403, "Permission check failed (/, Sys.Audit|Sys.Modify)", "GET", "/nodes/" NODE "/hardware/pci",
          NULL);
    fails(403, "Permission check failed (/nodes/" NODE ", Sys.Audit)", "GET", "/nodes/" NODE "/status", NULL);
    fails(403, "Permission check failed (/mapping/pci, Mapping.Modify)", "POST", "/cluster/mapping/pci", "id",
          "gpu", "map", "node=" NODE ",path=0000:01:00.0,id=10de:2484", NULL);
    fails(403, "Permission check failed", "POST", TOKENS "/other", NULL);
}

DAEMON_TEST(token, is_changed)
{
    autofree char *credential = create("ci", "1");

    put(TOKENS "/ci", "comment", "new", "privsep", "0", NULL);
    is_json(get(TOKENS "/ci", NULL), "{'comment':'new','expire':0,'privsep':0}");
    put(TOKENS "/ci", "delete", "comment", NULL);
    is_json(get(TOKENS "/ci", NULL), "{'expire':0,'privsep':0}");
    is_accepted(credential);
}

DAEMON_TEST(token, gets_a_new_secret_and_the_old_one_is_void)
{
    autofree char *old = create("ci", "1");
    const json_t *changed = put(TOKENS "/ci", "regenerate", "1", NULL);
    autofree char *new = xasprintf("%s=%s", text_of(changed, "full-tokenid"), text_of(changed, "value"));

    is_accepted(new);
    is_refused(old);
}

DAEMON_TEST(token, expires)
{
    autofree char *credential = create("ci", "1");
    autofree char *past = xasprintf("%lld", (long long)time(NULL) - 1);
    autofree char *future = xasprintf("%lld", (long long)time(NULL) + 3600);

    put(TOKENS "/ci", "expire", future, NULL);
    is_accepted(credential);
    put(TOKENS "/ci", "expire", past, NULL);
    is_refused(credential);
    put(TOKENS "/ci", "expire", "0", NULL);
    is_accepted(credential);
    wrong_parameter("expire", "value must have a minimum value of 0", "PUT", TOKENS "/ci", "expire", "-1",
                    NULL);
}

DAEMON_TEST(token, is_deleted)
{
    autofree char *credential = create("ci", "1");

    is_accepted(credential);
    is_json(delete (TOKENS "/ci", NULL), "null");
    is_json(get(TOKENS, NULL), "[]");
    is_refused(credential);
    fails(500, "no such token 'ci' for user 'root@pam'", "DELETE", TOKENS "/ci", NULL);
    fails(500, "no such token 'ci' for user 'root@pam'", "GET", TOKENS "/ci", NULL);
    fails(500, "no such token 'ci' for user 'root@pam'", "PUT", TOKENS "/ci", "comment", "x", NULL);
}

DAEMON_TEST(token, id_is_taken_once)
{
    free(create("ci", "1"));
    wrong_parameter("tokenid", "Token already exists.", "POST", TOKENS "/ci", NULL);
}

DAEMON_TEST(token, belongs_to_a_user_who_exists)
{
    fails(500, "no such user ('nobody@pam')", "GET", "/access/users/nobody@pam/token", NULL);
    fails(500, "no such user ('nobody@pam')", "POST", "/access/users/nobody@pam/token/ci", NULL);
}

DAEMON_TEST(token, of_a_disabled_or_expired_user_is_refused)
{
    daemon_stop();
    document_put("user", "alice@pam", "{'enable':1,'expire':0}");
    daemon_start_again();
    const json_t *created = post("/access/users/alice@pam/token/ci", NULL);
    autofree char *credential =
        xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value"));
    autofree char *documents = document_dump();

    is_accepted(credential);
    char *alice = strstr(documents, "user alice@pam ") + strlen("user alice@pam ");
    alice[strcspn(alice, "\n")] = '\0';
    char *enable = strstr(alice, "\"enable\":1");
    cr_assert_not_null(enable, "%s", alice);
    enable[strlen("\"enable\":")] = '0';
    daemon_stop();
    document_put("user", "alice@pam", alice);
    daemon_start_again();
    is_refused(credential);
}

/* Neither the answer nor the time that it took shows what was wrong: all failures wait. */
DAEMON_TEST(token, wrong_credentials_are_all_answered_alike)
{
    autofree char *right = create("ci", "1"), *wrong = xstrdup(right), *cut = xstrdup(right);
    const char *const credentials[] = {wrong,
                                       cut,
                                       "root@pam!nope=00000000-0000-0000-0000-000000000000",
                                       "nobody@pam!ci=00000000-0000-0000-0000-000000000000",
                                       "root@pam",
                                       "root@pam!ci",
                                       "root@pam!ci="};
    int connections[COUNT_OF(credentials)];
    time_t before = time(NULL);

    wrong[strlen(wrong) - 1] = wrong[strlen(wrong) - 1] == 'a' ? 'b' : 'a';
    cut[strlen(cut) - 1] = '\0';
    for (size_t i = 0; i < COUNT_OF(credentials); i++) {
        connections[i] = raw_connect_tcp();
        raw_print(connections[i],
                  "GET /api2/json/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                  "Authorization: PVEAPIToken=%s\r\n\r\n",
                  credentials[i]);
    }
    for (size_t i = 0; i < COUNT_OF(credentials); i++) {
        autofree char *reply = raw_read(connections[i], 10);
        close(connections[i]);
        cr_assert(text_starts_with(reply, "HTTP/1.1 401 Authentication failed!\r\n"), "%s: %s",
                  credentials[i], reply);
        cr_assert(text_ends_with(reply, "\r\n\r\n"), "a body: %s", reply);
        cr_assert_geq(time(NULL) - before, 2);
    }
    is_accepted(right);
}

static void is_told_that_a_ticket_is_missing(void)
{
    fails(401, "No ticket", "GET", "/version", NULL);
}

/* Without a credential nobody has guessed anything, so the answer does not wait. */
DAEMON_TEST(token, no_credential_at_all)
{
    call_with_token("");
    cr_assert(raw_overtakes_refusal(is_told_that_a_ticket_is_missing));
}

/* As in Proxmox: '=' or a blank after the scheme, percent-encoded or not. */
DAEMON_TEST(token, is_written_in_several_ways)
{
    autofree char *credential = create("ci", "1");
    const char *secret = strrchr(credential, '=') + 1;
    autofree char *blank = xasprintf("Authorization: PVEAPIToken %s", credential);
    autofree char *encoded = xasprintf("Authorization: PVEAPIToken=root%%40pam%%21ci%%3d%s", secret);
    autofree char *other = xasprintf("Authorization: Bearer %s", credential);

    call_with_token("");
    cr_assert_eq(CALL(.method = "GET", .path = "/version", .header = blank)->status, 200);
    cr_assert_eq(CALL(.method = "GET", .path = "/version", .header = encoded)->status, 200);
    cr_assert_eq(CALL(.method = "GET", .path = "/version", .header = other)->status, 401);
}

/* A credential counts on the local socket, too, instead of the peer's uid. */
DAEMON_TEST(token, counts_before_the_peer_of_the_local_socket)
{
    autofree char *credential = create("bare", "1");
    autofree char *header = xasprintf("Authorization: PVEAPIToken=%s", credential);

    cr_assert_eq(CALL(.method = "GET", .path = "/nodes/" NODE "/status", .header = header)->status, 403);
    cr_assert_eq(CALL(.method = "GET", .path = "/nodes/" NODE "/status")->status, 200);
}
