/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the journal's tests. */
#include "tests/unit/broker/test_journal.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/memory.h"

static void open_journal(struct test_journal *test, const char *boot)
{
    struct error err;

    cr_assert_eq(journal_open(test->folder, boot, &test->journal, &err), 0, "%s", err.message);
}

void test_journal_open(struct test_journal *test)
{
    fixture_make(&test->fixture);
    snprintf(test->folder, sizeof(test->folder), "%s/journal", test->fixture.folder);
    open_journal(test, BOOT);
}

void test_journal_open_again(struct test_journal *test, const char *boot)
{
    journal_close(TAKE(test->journal));
    open_journal(test, boot);
}

void test_journal_close(struct test_journal *test)
{
    journal_close(test->journal);
    fixture_remove(&test->fixture);
}

int64_t test_journal_start(struct test_journal *test, const char *id)
{
    autojson json_t *arguments = fixture_json("{'id': '" CARD "', 'driver': 'vfio-pci'}");
    int64_t number = 0;
    struct error err;

    cr_assert_eq(journal_start(test->journal, id, "driver", arguments, (struct journal_worker){41, 1234},
                               &number, &err),
                 0, "%s", err.message);
    return number;
}
