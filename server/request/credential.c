/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the credential in the headers of a request. */
#include "server/request/credential.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "server/request/decode.h"

#define TICKET_NAME "PVEAuthCookie"
#define TOKEN_NAME  "PVEAPIToken"

/* "a=b; PVEAuthCookie=PVE%3Ajoe@pve...; c=d" */
static char *find_in_cookies(const char *cookies)
{
    static const char name[] = TICKET_NAME "=";
    size_t length;

    for (const char *at = cookies; *at != '\0'; at += strcspn(at, ";")) {
        at += strspn(at, "; \t");
        if (text_starts_with(at, name))
            return decode_percent(at + strlen(name), strcspn(at + strlen(name), "; \t"), false, &length);
    }
    return NULL;
}

static char *find_in_authorization(const char *authorization, const char *scheme)
{
    const char *rest = authorization + strlen(scheme);
    size_t length;

    if (!text_starts_with(authorization, scheme) || (*rest != '=' && *rest != ' '))
        return NULL;
    rest += 1 + strspn(rest + 1, " ");
    return decode_percent(rest, strlen(rest), false, &length);
}

/* Clients send an empty ticket after they have logged out: it counts as none. */
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

char *credential_print_cookie(const char *ticket)
{
    struct text cookie = {0};

    text_append(&cookie, TICKET_NAME "=");
    for (const char *at = ticket; *at != '\0'; at++) {
        char byte[sizeof("%XX")];
        bool plain = isalnum((unsigned char)*at) || strchr(".:@/+=_-", *at) != NULL;
        snprintf(byte, sizeof(byte), plain ? "%c" : "%%%02X", (unsigned char)*at);
        text_append(&cookie, byte);
    }
    return text_take(&cookie);
}
