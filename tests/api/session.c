/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /access/session: a browser's login, by a cookie that its scripts cannot read. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"

#define SESSION    "/access/session"
#define ATTRIBUTES "; Path=/; Secure; HttpOnly; SameSite=Strict"

static void start(void)
{
    START();
    account_create("joe@pve", NULL);
}

TestSuite(session, .init = start, .timeout = 120);

/* "PVEAuthCookie=..." of the reply's Set-Cookie; to be freed. */
static char *cookie_of(const struct reply *reply)
{
    const char *cookie = strstr(reply->headers, "\r\nSet-Cookie: ");

    cr_assert_not_null(cookie, "%s", reply->headers);
    cookie += strlen("\r\nSet-Cookie: ");
    const char *end = strstr(cookie, ATTRIBUTES "\r\n");
    cr_assert_not_null(end, "%s", cookie);
    return xstrndup(cookie, (size_t)(end - cookie));
}

static const struct reply *enter(void)
{
    call_with_token("");
    return CALL(.method = "POST", .path = SESSION, .content_type = "application/x-www-form-urlencoded",
                .body = "username=joe%40pve&password=correct%20horse");
}

static const struct reply *show(const char *cookie)
{
    autofree char *header = xasprintf("Cookie: %s", cookie);

    return CALL(.method = "GET", .path = SESSION, .header = header);
}

DAEMON_TEST(session, has_its_ticket_in_the_cookie_alone)
{
    const struct reply *entered = enter();
    autofree char *cookie = cookie_of(entered);

    cr_assert(text_starts_with(cookie, "PVEAuthCookie=PVE:joe@pve:"), "%s", cookie);
    cr_assert_str_eq(text_of(entered->data, "username"), "joe@pve");
    cr_assert_not(has(entered->data, "ticket"));
    cr_assert(has(entered->data, "cap"));
    cr_assert_null(strstr(entered->body, "PVE:joe"), "%s", entered->body);

    call_with_ticket(strchr(cookie, '=') + 1, text_of(entered->data, "CSRFPreventionToken"));
    delete (SESSION, NULL);
}

DAEMON_TEST(session, is_shown_and_renewed_by_its_cookie)
{
    autofree char *cookie = cookie_of(enter());
    const struct reply *shown = show(cookie);
    autofree char *renewed = cookie_of(shown);

    cr_assert_str_eq(text_of(shown->data, "username"), "joe@pve");
    cr_assert(has(shown->data, "CSRFPreventionToken"));
    cr_assert_eq(show(renewed)->status, 200);
}

DAEMON_TEST(session, ends_with_the_cookie)
{
    const struct reply *entered = enter();
    autofree char *cookie = cookie_of(entered);

    call_with_ticket(strchr(cookie, '=') + 1, text_of(entered->data, "CSRFPreventionToken"));
    const struct reply *left = CALL(.method = "DELETE", .path = SESSION);
    cr_assert_not_null(strstr(left->headers, "\r\nSet-Cookie: PVEAuthCookie=" ATTRIBUTES "; Max-Age=0\r\n"),
                       "%s", left->headers);
}

DAEMON_TEST(session, is_for_passwords_alone)
{
    call_with_token("");
    fails(401, "authentication failure", "POST", SESSION, "username", "joe@pve", "password", "wrong", NULL);
    call_with_token(NULL);
    fails(403, "only who has logged in with a password has a session", "GET", SESSION, NULL);
}

/* Clients that build the cookie themselves could not replace one that is HttpOnly. */
DAEMON_TEST(session, is_not_made_by_the_ticket_of_other_clients)
{
    call_with_token("");
    const struct reply *reply =
        CALL(.method = "POST", .path = "/access/ticket", .content_type = "application/x-www-form-urlencoded",
             .body = "username=joe%40pve&password=correct%20horse");
    cr_assert_null(strstr(reply->headers, "Set-Cookie"), "%s", reply->headers);
}

DAEMON_TEST(session, is_not_for_pages_of_other_servers)
{
    call_with_token("");
    const struct reply *reply =
        CALL_UNCHECKED(.method = "POST", .path = SESSION, .content_type = "application/x-www-form-urlencoded",
                       .body = "username=joe%40pve&password=correct%20horse",
                       .header = "Origin: https://evil.example.org");

    cr_assert_eq(reply->status, 403);
    cr_assert_null(strstr(reply->headers, "Set-Cookie"), "%s", reply->headers);
    cr_assert_not_null(strstr(reply->headers, "https://evil.example.org"), "%s", reply->headers);
}
