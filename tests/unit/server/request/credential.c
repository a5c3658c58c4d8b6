/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a request shows who sends it: in the cookie, or in Authorization as a ticket or as a token. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "server/request/credential.h"

#define TICKET "PVE:joe@pve:66000000::a+b/c=="
#define TOKEN  "joe@pve!ci=secret"

static const struct {
    const char *cookie, *authorization;
    enum credential kind;
    const char *text;
} cases[] = {
    {NULL, NULL, CREDENTIAL_NONE, NULL},
    {"", "", CREDENTIAL_NONE, NULL},

    /* a cookie among others, percent-encoded or not */
    {"PVEAuthCookie=" TICKET, NULL, CREDENTIAL_TICKET, TICKET},
    {"PVEAuthCookie=PVE%3Ajoe%40pve%3A66000000%3A%3Aa%2Bb%2Fc%3D%3D", NULL, CREDENTIAL_TICKET, TICKET},
    {"PVELangCookie=en; PVEAuthCookie=" TICKET, NULL, CREDENTIAL_TICKET, TICKET},
    {"a=b;PVEAuthCookie=" TICKET "; c=d", NULL, CREDENTIAL_TICKET, TICKET},
    {";; PVEAuthCookie=" TICKET " ;", NULL, CREDENTIAL_TICKET, TICKET},
    {"XPVEAuthCookie=" TICKET, NULL, CREDENTIAL_NONE, NULL},
    {"a=PVEAuthCookie=" TICKET, NULL, CREDENTIAL_NONE, NULL},
    {"pveauthcookie=" TICKET, NULL, CREDENTIAL_NONE, NULL},
    {"PVEAuthCookie", NULL, CREDENTIAL_NONE, NULL},
    {"PVEAuthCookie=", NULL, CREDENTIAL_NONE, NULL},
    {"PVEAuthCookie=; a=b", NULL, CREDENTIAL_NONE, NULL},

    /* Authorization, with = or a blank */
    {NULL, "PVEAuthCookie=" TICKET, CREDENTIAL_TICKET, TICKET},
    {NULL, "PVEAuthCookie " TICKET, CREDENTIAL_TICKET, TICKET},
    {NULL, "PVEAuthCookie=PVE%3Ajoe@pve%3A66000000%3A%3Aa+b/c==", CREDENTIAL_TICKET, TICKET},
    {NULL, "PVEAPIToken=" TOKEN, CREDENTIAL_TOKEN, TOKEN},
    {NULL, "PVEAPIToken " TOKEN, CREDENTIAL_TOKEN, TOKEN},
    {NULL, "PVEAPIToken   " TOKEN, CREDENTIAL_TOKEN, TOKEN},
    {NULL, "PVEAPIToken=joe%40pve%21ci%3dsecret", CREDENTIAL_TOKEN, TOKEN},
    {NULL, "PVEAPIToken=", CREDENTIAL_TOKEN, ""},
    {NULL, "PVEAPIToken", CREDENTIAL_NONE, NULL},
    {NULL, "PVEAPITokens=" TOKEN, CREDENTIAL_NONE, NULL},
    {NULL, "pveapitoken=" TOKEN, CREDENTIAL_NONE, NULL},
    {NULL, "Basic am9lOnNlY3JldA==", CREDENTIAL_NONE, NULL},
    {NULL, "Bearer " TOKEN, CREDENTIAL_NONE, NULL},

    /* the cookie comes first, then a ticket in Authorization, then a token */
    {"PVEAuthCookie=" TICKET, "PVEAPIToken=" TOKEN, CREDENTIAL_TICKET, TICKET},
    {"PVEAuthCookie=" TICKET, "PVEAuthCookie=other", CREDENTIAL_TICKET, TICKET},
    {"PVEAuthCookie=", "PVEAPIToken=" TOKEN, CREDENTIAL_TOKEN, TOKEN},
    {"PVEAuthCookie=", "PVEAuthCookie=" TICKET, CREDENTIAL_TICKET, TICKET},
    {"PVELangCookie=en", "PVEAPIToken=" TOKEN, CREDENTIAL_TOKEN, TOKEN},
};

Test(server_credential, is_found_in_its_places)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autofree char *text = NULL;

        cr_expect_eq(credential_find(cases[i].cookie, cases[i].authorization, &text), cases[i].kind,
                     "case %zu", i);
        cr_expect_eq(text == NULL, cases[i].text == NULL, "case %zu: %s", i, text);
        if (text != NULL && cases[i].text != NULL)
            cr_expect_str_eq(text, cases[i].text, "case %zu", i);
    }
}

Test(server_credential, a_printed_cookie_is_found_again)
{
    static const char *const tickets[] = {TICKET, "PVE:a;b, \"c\"%2B\\@pve:5E0BE1::x/+y==", ""};

    for (size_t i = 0; i < COUNT_OF(tickets); i++) {
        autofree char *cookie = credential_print_cookie(tickets[i]), *found = NULL;
        cr_expect_null(strpbrk(cookie, "; ,\"\\"), "%s", cookie);
        enum credential kind = credential_find(cookie, NULL, &found);
        cr_expect_eq(kind, *tickets[i] != '\0' ? CREDENTIAL_TICKET : CREDENTIAL_NONE);
        cr_expect_str_eq(found != NULL ? found : "", tickets[i]);
    }
}
