/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was acknowledged is there after a restart, even if the daemon was killed. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/program.h"

#define ENTRY "node=" NODE ",path=0000:01:00.0,id=10de:2484"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(restart, .init = start, .timeout = 120);

static void check_all_is_kept(void (*end)(void))
{
    post("/cluster/mapping/pci", "id", "gpu", "map", ENTRY, "description", "the card", NULL);
    post("/cluster/mapping/pci", "id", "gone", "map", ENTRY, NULL);
    delete ("/cluster/mapping/pci/gone", NULL);
    const json_t *token = post("/access/users/root@pam/token/ci", "comment", "kept", NULL);
    autofree char *credential = xasprintf("%s=%s", text_of(token, "full-tokenid"), text_of(token, "value"));
    autojson json_t *mappings = json_deep_copy(get("/cluster/mapping/pci", NULL));
    autojson json_t *tokens = json_deep_copy(get("/access/users/root@pam/token", NULL));

    end();
    daemon_start_again();
    cr_assert(json_equal(get("/cluster/mapping/pci", NULL), mappings), "with their digests");
    cr_assert(json_equal(get("/access/users/root@pam/token", NULL), tokens));
    is_json(member(get("/nodes/" NODE "/hardware/pci/0000:01:00.0/status", NULL), "mappings"), "['gpu']");
    call_with_token(credential);
    get("/version", NULL);
}

DAEMON_TEST(restart, keeps_everything)
{
    check_all_is_kept(daemon_stop);
}

DAEMON_TEST(restart, after_a_kill_keeps_everything)
{
    check_all_is_kept(daemon_kill);
}

DAEMON_TEST(restart, is_no_matter_for_clients_that_wait)
{
    for (int i = 0; i < 3; i++) {
        daemon_stop();
        daemon_start_again();
        get("/version", NULL);
    }
}

DAEMON_TEST(restart, backup_is_a_database_to_start_from)
{
    autofree char *copy = xasprintf("%s/copy.db", daemon_state()),
                  *state = xasprintf("--state-dir=%s", daemon_state());
    autofree char *database = xasprintf("%s/hostpci.db", daemon_state());

    post("/cluster/mapping/pci", "id", "gpu", "map", ENTRY, NULL);
    free(program_run((const char *const[]){"backup", state, copy, NULL}));
    delete ("/cluster/mapping/pci/gpu", NULL);
    daemon_stop();
    cr_assert_eq(rename(copy, database), 0);
    daemon_start_again();
    get("/cluster/mapping/pci/gpu", NULL);
    program_fails(
        1, "there is no state folder '/nowhere'; if the daemon has another one, give it with --state-dir",
        (const char *const[]){"backup", "--state-dir=/nowhere", copy, NULL});
}
