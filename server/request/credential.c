/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a request shows of who sends it. */
#include "server/request/credential.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define TICKET_NAME "PVEAuthCookie"
#define TOKEN_NAME  "PVEAPIToken"

static char *decode(const char *text, size_t length)
{
    char *decoded = xstrndup(text, length);

    MHD_http_unescape(decoded);
    return decoded;
}

/* "a=b; PVEAuthCookie=PVE%3Ajoe@pve...; c=d" */
static char *find_in_cookies(const char *cookies)
{
    static const char name[] = TICKET_NAME "=";

    for (const char *at = cookies; *at != '\0'; at += strcspn(at, ";")) {
        at += strspn(at, "; \t");
        if (text_starts_with(at, name))
            return decode(at + strlen(name), strcspn(at + strlen(name), "; \t"));
    }
    return NULL;
}

static char *find_in_authorization(const char *authorization, const char *scheme)
{
    const char *rest = authorization + strlen(scheme);

    if (!text_starts_with(authorization, scheme) || (*rest != '=' && *rest != ' '))
        return NULL;
    rest += 1 + strspn(rest + 1, " ");
    return decode(rest, strlen(rest));
}

/* An empty ticket is what clients keep after logging out: none. */
static bool is_ticket(char **ticket)
{
    if (*ticket != NULL && **ticket == '\0')
        free(TAKE(*ticket));
    return *ticket != NULL;
}

enum credential credential_find(const char *cookie, const char *authorization, char **ret)
{
    *ret = cookie != NULL ? find_in_cookies(cookie) : NULL;
    if (is_ticket(ret))
        return CREDENTIAL_TICKET;
    *ret = authorization != NULL ? find_in_authorization(authorization, TICKET_NAME) : NULL;
    if (is_ticket(ret))
        return CREDENTIAL_TICKET;
    *ret = authorization != NULL ? find_in_authorization(authorization, TOKEN_NAME) : NULL;
    return *ret != NULL ? CREDENTIAL_TOKEN : CREDENTIAL_NONE;
}
