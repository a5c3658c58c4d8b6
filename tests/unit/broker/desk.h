/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the journal's tests: a folder with a journal in it. */
#ifndef HOSTPCI_TESTS_UNIT_BROKER_DESK_H
#define HOSTPCI_TESTS_UNIT_BROKER_DESK_H

#include "broker/daemon/journal.h"
#include "tests/unit/storage/fixture.h"

#define BOOT "0b5a6c4e-1111-4222-8333-444455556666"
#define CARD "0000:01:00.0"

struct desk {
    struct fixture fixture;
    char folder[96];
    struct journal *journal;
};

void desk_open(struct desk *desk);
void desk_open_again(struct desk *desk, const char *boot);
void desk_close(struct desk *desk);
#define autodesk __attribute__((cleanup(desk_close)))

/* Of an operation on the card; gives its number. */
int64_t desk_start(struct desk *desk, const char *id);

#endif
