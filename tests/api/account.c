/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users of realm pve for tests, and being one of them. */
#include "tests/api/account.h"

#include <criterion/criterion.h>
#include <string.h>

#include "access/ticket.h"
#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"

void account_create(const char *user, const char *groups)
{
    call_with_token(NULL);
    post("/access/users", "userid", user, "password", PASSWORD, "groups", groups != NULL ? groups : "", NULL);
}

void account_grant(const char *path, const char *role, const char *who, const char *name)
{
    call_with_token(NULL);
    put("/access/acl", "path", path, "roles", role, who, name, NULL);
}

void account_enter(const char *user)
{
    call_with_token("");
    const json_t *entered = post("/access/ticket", "username", user, "password", PASSWORD, NULL);
    call_with_ticket(text_of(entered, "ticket"), text_of(entered, "CSRFPreventionToken"));
}

char *account_forge(const char *user, time_t made)
{
    struct keys *keys;
    struct error err;
    char *ticket;

    cr_assert_eq(keys_open(daemon_state(), &keys, &err), 0, "%s", err.message);
    cr_assert_eq(ticket_make(keys, user, made, &ticket, &err), 0, "%s", err.message);
    keys_close(keys);
    return ticket;
}
