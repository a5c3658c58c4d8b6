/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Daemon and broker in the lab, which change the machine; and the broker alone: looked at, stopped at a step,
 * killed and started anew. The daemon, which root starts, starts one itself if none answers. */
#ifndef HOSTPCI_TESTS_API_LAB_BROKER_H
#define HOSTPCI_TESTS_API_LAB_BROKER_H

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

/* For a suite's .init: remembers how the machine is (tests/api/lab/machine.h) and starts the daemon. It runs
 * as nobody, also where there is a user hostpci. */
void lab_start(void);
void lab_start_in(const char *folder);

/* A test after which daemon and broker must end well, and the machine be as it was. */
void lab_stop(void);
#define LAB_TEST(suite, name)                                                                                \
    static void suite##_##name##_body(void);                                                                 \
    Test(suite, name)                                                                                        \
    {                                                                                                        \
        suite##_##name##_body();                                                                             \
        lab_stop();                                                                                          \
    }                                                                                                        \
    static void suite##_##name##_body(void)

/* Who listens on its socket; 0 if nobody does. */
pid_t lab_broker_pid(void);

/* A worker of it that lives; 0 if there is none. */
pid_t lab_broker_worker(void);

/* Starts one as a child of the test, which ends with the test and not with the daemon, and waits until it
 * listens. It stops itself (SIGSTOP) after that many steps were announced and before the last of them is
 * done; 0: never. */
void lab_broker_start(unsigned stop_at);

/* Waits until it has stopped itself; false if the task ended before. */
bool lab_broker_stops(const char *upid);
/* The same for the brokers that daemons start from now on. */
void lab_broker_stop_later_ones_at(unsigned step);
void lab_broker_continue(void);

/* SIGKILL, or SIGTERM; waits until nobody listens. Its workers are not touched. */
void lab_broker_kill(void);
void lab_broker_end(void);

/* Kills a process that is no child of the test, and waits until it is gone; nothing if it is 0. */
void lab_kill(pid_t pid);

/* What it says of itself; the caller frees it. */
json_t *lab_broker_state(void);
/* Waits until it has nothing in hand and nothing to bring back: the machine shows what an operation did
 * before the broker forgets that operation. */
void lab_broker_becomes_idle(void);

#endif
