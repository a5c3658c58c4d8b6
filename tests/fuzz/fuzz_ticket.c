/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text as a ticket and as a CSRF token: what is taken apart is there as it was written, or it is none. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/ticket.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ticket(const char *text)
{
    struct ticket ticket;

    if (!ticket_parse(text, &ticket))
        return;
    autofree char *old = xasprintf("PVE:%s:%08" PRIX32, ticket.user, ticket.made);
    autofree char *claim = xasprintf("%s::%08" PRIX32 ":%s", old, ticket.first, ticket.epoch);
    bool is_old = ticket.signature == text + strlen(old) + strlen("::");
    const char *signed_text = is_old ? old : claim;
    if (strlen(signed_text) != ticket.signed_length || strncmp(text, signed_text, ticket.signed_length) != 0)
        abort();
    if (*ticket.signature == '\0' || ticket.signature[-1] != ':')
        abort();
    if (ticket.user[0] == '\0' || strpbrk(ticket.user, ":/ \t\r\n") != NULL)
        abort();
}

static void check_csrf(const char *text)
{
    const char *code;
    uint32_t made;

    if (!ticket_parse_csrf(text, &made, &code))
        return;
    autofree char *again = xasprintf("%08" PRIX32 ":%s", made, code);
    if (strcmp(again, text) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autofree char *text = xstrndup((const char *)data, size);

    check_ticket(text);
    check_csrf(text);
    return 0;
}
