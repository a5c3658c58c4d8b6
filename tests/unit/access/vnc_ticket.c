/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tickets for consoles: whose they are. */
#include <criterion/criterion.h>
#include <string.h>

#include "access/vnc_ticket.h"
#include "base/memory.h"
#include "tests/unit/access/fixture.h"

#define WHO  "joe@pve"
#define PATH "/vms/100"
#define PORT 5900

static const char *const people[] = {"user:joe@pve:", NULL};

static char *make(struct world *world)
{
    struct error err;
    char *ticket;

    cr_assert_eq(vnc_ticket_make(world->access, WHO, PATH, PORT, &ticket, &err), 0, "%s", err.message);
    return ticket;
}

static bool is_good(struct world *world, const char *ticket)
{
    return vnc_ticket_check(world->access, ticket, WHO, PATH, PORT);
}

Test(vnc_ticket, is_good_for_its_user_its_vm_and_its_port_alone)
{
    autoworld struct world world;
    make_world(&world, people);
    autofree char *ticket = make(&world);

    cr_expect(is_good(&world, ticket));
    cr_expect_not(vnc_ticket_check(world.access, ticket, "ann@pve", PATH, PORT));
    cr_expect_not(vnc_ticket_check(world.access, ticket, WHO "!ci", PATH, PORT));
    cr_expect_not(vnc_ticket_check(world.access, ticket, WHO, "/vms/101", PORT));
    cr_expect_not(vnc_ticket_check(world.access, ticket, WHO, PATH, PORT + 1));
}

Test(vnc_ticket, may_be_shown_with_the_password_before_it)
{
    autoworld struct world world;
    make_world(&world, people);
    autofree char *ticket = make(&world), *shown = xasprintf("Pass.w0r:%s", ticket);

    cr_expect(is_good(&world, shown));
    cr_expect_str_eq(vnc_ticket_start(shown), ticket);
    cr_expect_str_eq(vnc_ticket_start(ticket), ticket);
}

/* The last character before the padding has bits that say nothing: a ticket in which they differ would open
 * another console. */
Test(vnc_ticket, is_written_in_one_way)
{
    static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    autoworld struct world world;
    make_world(&world, people);
    autofree char *ticket = make(&world);
    char *last = strchr(ticket, '=');

    cr_assert_not_null(last);
    const char right = *--last;
    for (size_t i = 0; others[i] != '\0'; i++) {
        *last = others[i];
        cr_expect_eq(is_good(&world, ticket), others[i] == right, "%s", ticket);
    }
    *last = right;
    autofree char *longer = xasprintf("%s=", ticket), *blank = xasprintf("%s ", ticket);
    cr_expect_not(is_good(&world, longer));
    cr_expect_not(is_good(&world, blank));
    *strchr(ticket, '=') = '\0';
    cr_expect_not(is_good(&world, ticket), "without its padding");
}

Test(vnc_ticket, has_a_stamp_that_cannot_be_changed)
{
    autoworld struct world world;
    make_world(&world, people);
    autofree char *ticket = make(&world);

    ticket[strlen("PVEVNC:")] ^= 1;
    cr_expect_not(is_good(&world, ticket));
    cr_expect_not(is_good(&world, ""));
    cr_expect_not(is_good(&world, "PVEVNC:00000000::"));
}
