/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users of realm pve for tests, and being one of them. */
#include "tests/api/account.h"

#include <criterion/criterion.h>
#include <string.h>

#include "access/ticket.h"
#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/documents.h"
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

static void read_epoch(const char *user, char ret[static EPOCH_SIZE])
{
    autofree char *dump = document_dump(), *start = xasprintf("user %s {", user);
    const char *line = strstr(dump, start);

    snprintf(ret, EPOCH_SIZE, "%s", EPOCH_NONE);
    if (line == NULL)
        return;
    autojson json_t *body = json_loads(line + strlen(start) - 1, JSON_DISABLE_EOF_CHECK, NULL);
    const char *epoch = json_string_value(json_object_get(body, "epoch"));
    if (epoch != NULL)
        snprintf(ret, EPOCH_SIZE, "%s", epoch);
}

char *account_forge(const char *user, time_t made)
{
    return account_forge_renewed(user, made, made);
}

char *account_forge_renewed(const char *user, time_t first, time_t made)
{
    struct login login = {.first = first};
    struct keys *keys;
    struct error err;
    char *ticket;

    cr_assert_eq(keys_open(daemon_state(), &keys, &err), 0, "%s", err.message);
    snprintf(login.user, sizeof(login.user), "%s", user);
    read_epoch(user, login.epoch);
    cr_assert_eq(ticket_make(keys, &login, made, &ticket, &err), 0, "%s", err.message);
    keys_close(keys);
    return ticket;
}
