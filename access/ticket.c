/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tickets, and the tokens against forged requests that go with them. */
#include "access/ticket.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define PREFIX      "PVE:"
#define TIME_DIGITS 8
#define BASE64      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

static bool parse_time(const char *text, time_t *ret)
{
    char digits[TIME_DIGITS + 1] = "";

    if (strspn(text, "0123456789ABCDEF") < TIME_DIGITS)
        return false;
    memcpy(digits, text, TIME_DIGITS);
    *ret = (time_t)strtoul(digits, NULL, 16);
    return true;
}

static bool is_recent(time_t made, time_t now)
{
    return now - made < TICKET_SECONDS && made - now <= TICKET_SKEW;
}

bool ticket_parse(const char *text, struct ticket *ret)
{
    struct ticket ticket = {0};

    if (!text_starts_with(text, PREFIX))
        return false;
    const char *user = text + strlen(PREFIX);
    size_t length = strcspn(user, ": /\t\r\n");
    if (length == 0 || length >= USERID_SIZE || user[length] != ':')
        return false;
    memcpy(ticket.user, user, length);
    const char *time_text = user + length + 1;
    if (!parse_time(time_text, &ticket.made) || strncmp(time_text + TIME_DIGITS, "::", 2) != 0)
        return false;
    ticket.signed_length = (size_t)(time_text + TIME_DIGITS - text);
    ticket.signature = time_text + TIME_DIGITS + 2;
    size_t code = strspn(ticket.signature, BASE64);
    if (code == 0 || strspn(ticket.signature + code, "=") != strlen(ticket.signature + code))
        return false;
    *ret = ticket;
    return true;
}

bool ticket_parse_csrf(const char *text, time_t *ret_made, const char **ret_code)
{
    time_t made;

    if (!parse_time(text, &made) || text[TIME_DIGITS] != ':')
        return false;
    *ret_made = made;
    *ret_code = text + TIME_DIGITS + 1;
    return true;
}

int ticket_make(struct keys *keys, const char *user, time_t now, char **ret, struct error *err)
{
    autofree char *claim = xasprintf(PREFIX "%s:%08" PRIX32, user, (uint32_t)now), *signature = NULL;

    if (keys_sign(keys, claim, &signature, err) != 0)
        return -1;
    *ret = xasprintf("%s::%s", claim, signature);
    return 0;
}

bool ticket_check(struct keys *keys, const char *text, time_t now, char ret_user[static USERID_SIZE])
{
    struct ticket ticket;

    if (!ticket_parse(text, &ticket) || !is_recent(ticket.made, now) ||
        !keys_verify(keys, text, ticket.signed_length, ticket.signature, ticket.made, now))
        return false;
    memcpy(ret_user, ticket.user, sizeof(ticket.user));
    return true;
}

void ticket_make_csrf(struct keys *keys, const char *user, time_t now, char ret[static CSRF_SIZE])
{
    autofree char *claim = xasprintf("%08" PRIX32 ":%s", (uint32_t)now, user);
    char code[KEYS_CODE_SIZE];

    keys_code(keys, claim, code);
    snprintf(ret, CSRF_SIZE, "%08" PRIX32 ":%s", (uint32_t)now, code);
}

bool ticket_check_csrf(struct keys *keys, const char *user, const char *text, time_t now)
{
    const char *code;
    time_t made;

    if (!ticket_parse_csrf(text, &made, &code) || !is_recent(made, now))
        return false;
    autofree char *claim = xasprintf("%08" PRIX32 ":%s", (uint32_t)made, user);
    return keys_check_code(keys, claim, code, made, now);
}
