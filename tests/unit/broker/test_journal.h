/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the journal's tests: a journal in a folder of its own. */
#ifndef HOSTPCI_TESTS_UNIT_BROKER_TEST_JOURNAL_H
#define HOSTPCI_TESTS_UNIT_BROKER_TEST_JOURNAL_H

#include "broker/daemon/journal.h"
#include "tests/unit/storage/fixture.h"

#define BOOT "0b5a6c4e-1111-4222-8333-444455556666"
#define CARD "0000:01:00.0"

struct test_journal {
    struct fixture fixture;
    char folder[96];
    struct journal *journal;
};

void test_journal_open(struct test_journal *test);
void test_journal_open_again(struct test_journal *test, const char *boot);
void test_journal_close(struct test_journal *test);
#define autotestjournal __attribute__((cleanup(test_journal_close)))

/* Starts an operation on the card; returns its number. */
int64_t test_journal_start(struct test_journal *test, const char *id);

#endif
