/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any text as a ticket and as a CSRF token: what is taken apart is there as it was written, or it is none. */
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
    autofree char *claim = xasprintf("PVE:%s:%08lX", ticket.user, (unsigned long)ticket.made);
    if (strlen(claim) != ticket.signed_length || strncmp(text, claim, ticket.signed_length) != 0)
        abort();
    if (ticket.signature != text + ticket.signed_length + strlen("::") || *ticket.signature == '\0')
        abort();
    if (ticket.user[0] == '\0' || strpbrk(ticket.user, ":/ \t\r\n") != NULL)
        abort();
}

static void check_csrf(const char *text)
{
    const char *code;
    time_t made;

    if (!ticket_parse_csrf(text, &made, &code))
        return;
    autofree char *again = xasprintf("%08lX:%s", (unsigned long)made, code);
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
