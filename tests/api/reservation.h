/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs that run, as far as who looks at devices can tell: a reservation in the stopped daemon's database, and
 * a process of the host that it looks at. */
#ifndef HOSTPCI_TESTS_API_RESERVATION_H
#define HOSTPCI_TESTS_API_RESERVATION_H

#include "passthrough/assign/reservation.h"

/* The VM has got the device, and its process runs on the test's host. */
void reservation_put(long long vmid, const struct reservation *item);

/* Its process ends. The daemon may run. */
void reservation_end(long long vmid);

#endif
