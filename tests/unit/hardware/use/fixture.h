/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests of hardware/use/use.h: a host by hand whose functions are used in a certain way. */
#ifndef HOSTPCI_TESTS_UNIT_HARDWARE_USE_FIXTURE_H
#define HOSTPCI_TESTS_UNIT_HARDWARE_USE_FIXTURE_H

#include "hardware/use/use.h"
#include "tests/unit/hardware/fixture.h"

/* A host with the functions that the tests use and one process, init, that has nothing open:
 * 0000:01:00.0 and 0000:02:00.0 without a driver in groups 1 and 2. */
void host_make(struct tree *tree);

/* A link like those in /sys/class: sys/class/CLASS/NAME to WHERE/NAME below /sys/devices. */
void host_add(const struct tree *tree, const char *class, const char *name, const char *where);

/* A block device whose folder is WHERE/NAME, and its number, for mounts. */
void host_add_disk(const struct tree *tree, const char *name, const char *number, const char *where);

/* The process has the file open as its descriptor 7. */
void host_open(const struct tree *tree, int pid, const char *process, const char *file);

/* Fails the test unless the function's uses are "WEIGHT KIND NAME: MESSAGE [EVIDENCE]", a line each. */
void expect_uses(const struct tree *tree, const char *id, const char *lines);

/* The same for what could not be read: "FILE: REASON", a line each. */
void expect_unreadable(const struct tree *tree, const char *lines);

#endif
