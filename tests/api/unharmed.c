/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For suites that mistreat the daemon. */
#include "tests/api/unharmed.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/documents.h"

static char *before; /* the documents */

void unharmed_start(void)
{
    START(.host = "workstation");
    post("/cluster/mapping/pci", "id", "gpu", "map", "node=" NODE ",path=0000:01:00.0,id=10de:2484", NULL);
    post("/access/users/root@pam/token/ci", NULL);
    before = document_dump();
}

void unharmed_stop(void)
{
    get("/version", NULL);
    autofree char *after = document_dump();
    cr_assert_str_eq(after, before, "nothing may have changed");
    free(before);
    daemon_stop();
}
