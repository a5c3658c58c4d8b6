/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests of what changes a host: a small made host, a played kernel behind it, and a broker. */
#ifndef HOSTPCI_TESTS_UNIT_BROKER_TESTBED_H
#define HOSTPCI_TESTS_UNIT_BROKER_TESTBED_H

#include <jansson.h>
#include <sys/types.h>

#include "base/text.h"
#include "broker/call.h"
#include "tests/hosts/kernel.h"
#include "tests/unit/hardware/fixture.h"

/* The functions of the host, each with the driver that the kernel chose and its IOMMU group. */
#define PORT    "0000:00:01.0" /* pcieport, 1: the bridge above the card */
#define SCREEN  "0000:01:00.0" /* nouveau, 1: a card of two functions; reset methods flr, bus */
#define SOUND   "0000:01:00.1" /* snd_hda_intel, 1 */
#define DISK    "0000:02:00.0" /* nvme, 2; reset method flr */
#define NETWORK "0000:03:00.0" /* e1000e, 3; none */
#define IDLE    "0000:04:00.0" /* without a driver, 4 */
#define ALONE   "0000:05:00.0" /* ahci, in no group */

/* Where the disk is in the host, for tests/unit/hardware/use/fixture.h. */
#define DISK_FOLDER "pci0000:00/" DISK

struct testbed {
    struct tree tree;
    pid_t broker; /* 0: it does not run */
    struct broker *client;
    struct text log;  /* of the last operation, a line each */
    unsigned number;  /* of operations so far */
    unsigned stop_at; /* HOSTPCI_BROKER_STOP_AT of the next broker; 0: not set */
};

/* Makes the host and starts the broker. Leaving the scope ends the broker and checks that it ended well. */
void testbed_make(struct testbed *testbed);
void testbed_make_host(struct testbed *testbed); /* without starting the broker */
void testbed_release(struct testbed *testbed);
#define autotestbed __attribute__((cleanup(testbed_release)))

void testbed_start_broker(struct testbed *testbed);
void testbed_stop_broker(struct testbed *testbed, int signal); /* waits for its end */
pid_t testbed_worker(const struct testbed *testbed);           /* the newest that runs; 0: none */

/* Has an operation done; `arguments` as in expect_json. Its result, or NULL and an error. */
json_t *testbed_try(struct testbed *testbed, const char *operation, const char *arguments, struct error *err);

/* The same for one that must work. */
json_t *testbed_ask(struct testbed *testbed, const char *operation, const char *arguments);
/* The same; the result must be this. */
void testbed_do(struct testbed *testbed, const char *operation, const char *arguments, const char *result);

/* For one that must fail, with this in its message. */
void testbed_fail(struct testbed *testbed, const char *operation, const char *arguments, const char *message);

/* The same in a thread, so that the test can do something else meanwhile; testbed_end waits for its end. */
struct testbed_call;
struct testbed_call *testbed_begin(struct testbed *testbed, const char *operation, const char *arguments);
json_t *testbed_end(struct testbed_call *call, struct error *err);

/* Waits until HOSTPCI_BROKER_STOP_AT stops the broker; false if the call ended before. */
bool testbed_wait_for_stop(const struct testbed *testbed, const struct testbed_call *call);

/* While it is stopped: kills its worker, itself, or both. A broker that does not stop runs afterwards. */
void testbed_kill_stopped(struct testbed *testbed, bool worker, bool broker);

/* Waits until an access of the call hangs (kernel_set_fault), and lets it go on. False if the call ended
 * before. */
bool testbed_wait_for_hang(const struct testbed_call *call);
void testbed_let_go(const struct testbed *testbed);
const char *
testbed_until(const struct testbed *testbed); /* for struct kernel_fault; valid until it is called again */

/* The driver and the driver_override of a function. */
void expect_binding(const char *id, const char *driver, const char *override);
void expect_log(const struct testbed *testbed, const char *part);

/* Waits until no operation runs. */
void testbed_wait_until_idle(struct testbed *testbed);

/* The journal has nothing open: no function is claimed, and each operation has ended. */
void expect_nothing_open(const struct testbed *testbed);
void expect_nothing_open_after(const struct testbed *testbed, const char *what);

#endif
