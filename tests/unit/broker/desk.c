/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the journal's tests. */
#include "tests/unit/broker/desk.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/memory.h"

static void open_journal(struct desk *desk, const char *boot)
{
    struct error err;

    cr_assert_eq(journal_open(desk->folder, boot, &desk->journal, &err), 0, "%s", err.message);
}

void desk_open(struct desk *desk)
{
    fixture_make(&desk->fixture);
    snprintf(desk->folder, sizeof(desk->folder), "%s/journal", desk->fixture.folder);
    open_journal(desk, BOOT);
}

void desk_open_again(struct desk *desk, const char *boot)
{
    journal_close(TAKE(desk->journal));
    open_journal(desk, boot);
}

void desk_close(struct desk *desk)
{
    journal_close(desk->journal);
    fixture_remove(&desk->fixture);
}

int64_t desk_start(struct desk *desk, const char *id)
{
    autojson json_t *arguments = fixture_json("{'id': '" CARD "', 'driver': 'vfio-pci'}");
    int64_t number = 0;
    struct error err;

    cr_assert_eq(journal_start(desk->journal, id, "driver", arguments, (struct journal_worker){41, 1234},
                               &number, &err),
                 0, "%s", err.message);
    return number;
}
