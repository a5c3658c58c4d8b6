/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests of operations that outlive the client that asked for them: a client in a process of
 * its own, which can be killed and which waits for the next broker; and an operation's log. */
#ifndef HOSTPCI_TESTS_UNIT_BROKER_CLIENT_H
#define HOSTPCI_TESTS_UNIT_BROKER_CLIENT_H

#include "tests/unit/broker/testbed.h"

/* Asks for an operation `driver` with that id; `arguments` as in expect_json. The client exits with 0 if the
 * operation works. */
pid_t client_start(struct testbed *testbed, const char *id, const char *arguments);

/* Waits for the client: its operation must have failed with this in the message. */
void client_expect(const struct testbed *testbed, pid_t client, const char *part);

/* Makes the kernel hold the next such access; waits until somebody hangs there; lets everybody go. */
void client_hang(const struct testbed *testbed, enum sysfs_access access, const char *file);
void client_wait_for_hang(void);
void client_let_go(const struct testbed *testbed);

/* Collects the lines of a log for broker_follow, and checks that none is missing or comes twice. */
struct lines {
    struct text text;
    int count;
};
void client_add_line(void *lines, int number, const char *text);

/* Follows an operation from its beginning; its error must have this (NULL: it must work). Returns its log. */
char *client_follow(const struct testbed *testbed, const char *id, const char *part);
/* The same for one that must fail and whose log must have this line. */
void client_follow_to_error(const struct testbed *testbed, const char *id, const char *part,
                            const char *line);

#endif
