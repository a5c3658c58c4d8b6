/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs that run, as far as their devices show it: a reservation in the stopped daemon's database, and a
 * process on the host that it reads. */
#ifndef HOSTPCI_TESTS_API_RESERVATION_H
#define HOSTPCI_TESTS_API_RESERVATION_H

#include "passthrough/assign/reservation.h"

/* Reserves the device for the VM, whose process runs on the test's host from now on. */
void reservation_put(long long vmid, const struct reservation *item);

/* Ends the VM's process. The daemon may run. */
void reservation_end(long long vmid);

#endif
