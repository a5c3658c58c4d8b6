/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A played NVMe drive that has 7 queues and 3 interrupts for its two virtual functions
 * (hardware/slice/nvme.h). What they have is in a file, since the broker is another process, and goes with
 * the virtual functions. */
#ifndef HOSTPCI_TESTS_UNIT_BROKER_DRIVE_H
#define HOSTPCI_TESTS_UNIT_BROKER_DRIVE_H

#include "hardware/slice/nvme.h"
#include "tests/unit/broker/testbed.h"

/* This function is one from now on. True if a broker that runs does not know it yet, and has to be started
 * again. The drive refuses each command while new virtual functions would get drivers at once. */
bool drive_play(const struct testbed *testbed, const char *id);

struct nvme_share drive_share(unsigned index);
void drive_put_share(unsigned index, struct nvme_share share);

#endif
