/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tickets, and the CSRF tokens that go with them. */
#include "access/ticket.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define PREFIX      "PVE:"
#define TIME_DIGITS 8
#define EPOCH_CHARS "0123456789abcdef"
#define BASE64      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

static bool parse_time(const char *text, uint32_t *ret)
{
    char digits[TIME_DIGITS + 1] = "";

    if (strspn(text, "0123456789ABCDEF") < TIME_DIGITS)
        return false;
    memcpy(digits, text, TIME_DIGITS);
    *ret = (uint32_t)strtoul(digits, NULL, 16);
    return true;
}

static bool is_recent(time_t made, time_t now)
{
    return now - made < TICKET_SECONDS && made - now <= TICKET_SKEW;
}

/* Parses "FFFFFFFF:EEEEEEEE:" and moves *at past it. Older tickets do not have it. */
static void parse_login(const char **at, struct ticket *ticket)
{
    uint32_t first;

    ticket->first = ticket->made;
    memcpy(ticket->epoch, EPOCH_NONE, EPOCH_SIZE);
    if (!parse_time(*at, &first) || (*at)[TIME_DIGITS] != ':')
        return;
    const char *epoch = *at + TIME_DIGITS + 1;
    if (strspn(epoch, EPOCH_CHARS) != EPOCH_SIZE - 1 || epoch[EPOCH_SIZE - 1] != ':')
        return;
    ticket->first = first;
    memcpy(ticket->epoch, epoch, EPOCH_SIZE - 1);
    *at = epoch + EPOCH_SIZE;
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
    const char *behind = time_text + TIME_DIGITS + 2;
    ticket.signature = behind;
    parse_login(&ticket.signature, &ticket);
    ticket.signed_length = (size_t)(ticket.signature - text) - (ticket.signature == behind ? 2 : 1);
    size_t code = strspn(ticket.signature, BASE64);
    if (code == 0 || strspn(ticket.signature + code, "=") != strlen(ticket.signature + code))
        return false;
    *ret = ticket;
    return true;
}

bool ticket_parse_csrf(const char *text, uint32_t *ret_made, const char **ret_code)
{
    uint32_t made;

    if (!parse_time(text, &made) || text[TIME_DIGITS] != ':')
        return false;
    *ret_made = made;
    *ret_code = text + TIME_DIGITS + 1;
    return true;
}

int ticket_make(struct keys *keys, const struct login *login, time_t now, char **ret, struct error *err)
{
    autofree char *content = xasprintf(PREFIX "%s:%08" PRIX32 "::%08" PRIX32 ":%s", login->user,
                                       (uint32_t)now, (uint32_t)login->first, login->epoch),
                  *signature = NULL;

    if (keys_sign(keys, content, &signature, err) != 0)
        return -1;
    *ret = xasprintf("%s:%s", content, signature);
    return 0;
}

bool ticket_check(struct keys *keys, const char *text, time_t now, struct login *ret)
{
    struct ticket ticket;

    if (!ticket_parse(text, &ticket))
        return false;
    time_t made = keys_time_near(ticket.made, now);
    if (!is_recent(made, now) || !keys_verify(keys, text, ticket.signed_length, ticket.signature, made, now))
        return false;
    *ret = (struct login){.first = keys_time_near(ticket.first, now)};
    memcpy(ret->user, ticket.user, sizeof(ret->user));
    memcpy(ret->epoch, ticket.epoch, sizeof(ret->epoch));
    return true;
}

static char *csrf_content(const struct login *login, uint32_t made)
{
    return xasprintf("%08" PRIX32 ":%s:%s", made, login->user, login->epoch);
}

void ticket_make_csrf(struct keys *keys, const struct login *login, time_t now, char ret[static CSRF_SIZE])
{
    autofree char *content = csrf_content(login, (uint32_t)now);
    char code[KEYS_CODE_SIZE];

    keys_code(keys, content, code);
    snprintf(ret, CSRF_SIZE, "%08" PRIX32 ":%s", (uint32_t)now, code);
}

bool ticket_check_csrf(struct keys *keys, const struct login *login, const char *text, time_t now)
{
    const char *code;
    uint32_t digits;

    if (!ticket_parse_csrf(text, &digits, &code))
        return false;
    time_t made = keys_time_near(digits, now);
    autofree char *content = csrf_content(login, digits);
    return is_recent(made, now) && keys_check_code(keys, content, code, made, now);
}
