/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lab's machine by its own kernel's files, past hostpci; and the check that a test leaves it as it was.
 *
 * What is compared is of every PCI function: ids, driver, driver_override, reset_method, sriov_numvfs,
 * sriov_drivers_autoprobe, whether it is enabled; and of the host: modules, mounts, routes, and that no
 * process of hostpci is left. */
#ifndef HOSTPCI_TESTS_API_LAB_MACHINE_H
#define HOSTPCI_TESTS_API_LAB_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

void machine_remember(void); /* outside the lab: the test is skipped */
void machine_is_as_before(void);

bool machine_has(const char *id);
/* "" for none; good until the second next call */
const char *machine_driver(const char *id);
/* driver_override of a function that nobody unbinds; "" for none. Good until the second next call. */
const char *machine_override(const char *id);
/* An attribute of a function; false if it is not there. */
bool machine_read(const char *id, const char *attribute, char *value, size_t size);

/* The name of what a function has in a folder, as its interface in "net"; the caller frees it. */
char *machine_entry(const char *id, const char *folder);

void machine_write(const char *path, const char *value);
/* sys/bus/pci/devices/ID/ATTRIBUTE */
void machine_set(const char *id, const char *attribute, const char *value);

/* Waits up to a minute (machine_slept()) until the function is there, or gone; or has that driver ("": none).
 */
void machine_wait(const char *id, bool present);
void machine_wait_driver(const char *id, const char *driver);

/* Runs a program (ends with NULL) that must succeed. */
void machine_run(const char *const *argv);
#define RUN(...) machine_run((const char *const[]){__VA_ARGS__, NULL})

/* Monotonic seconds. */
double machine_now(void);

/* The middle one of the values, which it sorts. */
double machine_median(double *values, size_t count);

void machine_sleep(unsigned milliseconds);
/* The seconds for which this process has asked to sleep. They bound what a test waits for: on a busy machine
 * a nap takes longer than was asked, and so does what is waited for. */
double machine_slept(void);

#endif
