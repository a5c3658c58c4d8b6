/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PUT /access/password: whose password may be changed by whom, and what must be shown for it. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"

#define PUT_PASSWORD "PUT", "/access/password"
#define NEW          "battery staple"

/* Joe is in staff, whose users Ann administers; Eve is in no group. */
static void start(void)
{
    START();
    post("/access/groups", "groupid", "staff", NULL);
    account_create("joe@pve", "staff");
    account_create("ann@pve", NULL);
    account_create("eve@pve", NULL);
    account_grant("/access/groups/staff", "PVEUserAdmin", "users", "ann@pve");
    account_grant("/access/realm/pve", "PVEUserAdmin", "users", "ann@pve");
}

TestSuite(password, .init = start, .timeout = 120);

static void is_password(const char *user, const char *password)
{
    call_with_token("");
    post("/access/ticket", "username", user, "password", password, NULL);
}

DAEMON_TEST(password, of_oneself_is_changed_with_the_old_one)
{
    account_enter("eve@pve");
    wrong_parameter("confirmation-password", "password is required to modify user", PUT_PASSWORD, "userid",
                    "eve@pve", "password", NEW, NULL);
    fails(401, "authentication failure", PUT_PASSWORD, "userid", "eve@pve", "password", NEW,
          "confirmation-password", "wrong", NULL);
    is_json(put("/access/password", "userid", "eve@pve", "password", NEW, "confirmation-password", PASSWORD,
                NULL),
            "null");
    is_password("eve@pve", NEW);
    fails(401, "authentication failure", "POST", "/access/ticket", "username", "eve@pve", "password",
          PASSWORD, NULL);
}

DAEMON_TEST(password, of_everybody_is_changed_by_root)
{
    put("/access/password", "userid", "eve@pve", "password", NEW, NULL);
    is_password("eve@pve", NEW);
    call_with_token(NULL);
    fails(500, "no such user ('gone@pve')", PUT_PASSWORD, "userid", "gone@pve", "password", NEW, NULL);
    fails(500, "the password of 'root@pam' is this host's: change it there, with passwd(1)", PUT_PASSWORD,
          "userid", "root@pam", "password", NEW, NULL);
}

DAEMON_TEST(password, of_others_is_changed_with_privileges_and_ones_own)
{
    account_enter("ann@pve");
    wrong_parameter("confirmation-password", "password is required to modify user", PUT_PASSWORD, "userid",
                    "joe@pve", "password", NEW, NULL);
    put("/access/password", "userid", "joe@pve", "password", NEW, "confirmation-password", PASSWORD, NULL);
    fails(403, "Permission check failed", PUT_PASSWORD, "userid", "eve@pve", "password", NEW,
          "confirmation-password", PASSWORD, NULL);
    is_password("joe@pve", NEW);
    account_enter("eve@pve");
    fails(403, "Permission check failed", PUT_PASSWORD, "userid", "ann@pve", "password", NEW,
          "confirmation-password", PASSWORD, NULL);
}

/* Whatever privileges one has. */
DAEMON_TEST(password, of_the_hosts_users_is_not_for_others)
{
    post("/access/users", "userid", "bob@pam", NULL);
    account_grant("/", "Administrator", "users", "ann@pve");
    account_grant("/access/groups", "Administrator", "users", "ann@pve");
    account_enter("ann@pve");
    fails(403, "Permission check failed (user != root@pam)", PUT_PASSWORD, "userid", "root@pam", "password",
          NEW, "confirmation-password", PASSWORD, NULL);
    fails(403, "Permission check failed (user != root@pam)", PUT_PASSWORD, "userid", "bob@pam", "password",
          NEW, "confirmation-password", PASSWORD, NULL);
}

DAEMON_TEST(password, has_limits)
{
    autofree char *longest = xcalloc(1, 65), *longer = xcalloc(1, 66);

    for (int i = 0; i < 65; i++)
        longer[i] = 'x';
    for (int i = 0; i < 64; i++)
        longest[i] = 'x';
    wrong_parameter("password", "value must be at least 8 characters long", PUT_PASSWORD, "userid", "eve@pve",
                    "password", "seven..", NULL);
    wrong_parameter("password", "value may only be 64 characters long", PUT_PASSWORD, "userid", "eve@pve",
                    "password", longer, NULL);
    wrong_parameter("confirmation-password", "value must be at least 5 characters long", PUT_PASSWORD,
                    "userid", "eve@pve", "password", NEW, "confirmation-password", "four", NULL);
    put("/access/password", "userid", "eve@pve", "password", longest, NULL);
    is_password("eve@pve", longest);
}

DAEMON_TEST(password, is_given_when_a_user_is_created)
{
    wrong_parameter("password", "value must be at least 8 characters long", "POST", "/access/users", "userid",
                    "new@pve", "password", "seven..", NULL);
    fails(500,
          "create user failed: the password of 'new@pam' is this host's: change it there, with passwd(1)",
          "POST", "/access/users", "userid", "new@pam", "password", NEW, NULL);
    fails(500, "create user failed: realm 'ldap' does not exist", "POST", "/access/users", "userid",
          "new@ldap", "password", NEW, NULL);
    post("/access/users", "userid", "new@pve", "password", NEW, NULL);
    is_password("new@pve", NEW);
}
