/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests of operations that outlive who asked for them: a client in a process of its own, which
 * can be killed and which waits for the next broker; and what an operation's log says. */
#ifndef HOSTPCI_TESTS_UNIT_BROKER_CLIENT_H
#define HOSTPCI_TESTS_UNIT_BROKER_CLIENT_H

#include "tests/unit/broker/testbed.h"

/* Asks for the operation `driver` of that id; `arguments` as in expect_json. It ends with 0 if that works. */
pid_t client_start(struct testbed *testbed, const char *id, const char *arguments);

/* Waits for its end: the operation must have failed, with this in its message. */
void client_expect(const struct testbed *testbed, pid_t client, const char *part);

/* From the next such access on the kernel does not return; waits until somebody hangs there; lets go. */
void client_hang(const struct testbed *testbed, enum sysfs_access access, const char *file);
void client_wait_for_hang(void);
void client_let_go(const struct testbed *testbed);

/* Lines of a log, for broker_follow. None is missing, none comes twice. */
struct lines {
    struct text text;
    int count;
};
void client_add_line(void *lines, int number, const char *text);

/* Follows an operation from its beginning; its error must have this (NULL: it must work). Gives its log. */
char *client_follow(const struct testbed *testbed, const char *id, const char *part);
/* The same; its log must have this line. */
void client_follow_to_error(const struct testbed *testbed, const char *id, const char *part,
                            const char *line);

#endif
