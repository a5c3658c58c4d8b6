/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving up the capabilities (capabilities(7)) that are not needed. A set of them is a bit mask, in which
 * CAPABILITY(CAP_SYS_ADMIN) is one bit. The two system calls for this are not worth linking libcap. */
#ifndef HOSTPCI_BASE_CAPABILITY_H
#define HOSTPCI_BASE_CAPABILITY_H

#include <linux/capability.h>
#include <stdint.h>

#include "base/error.h"

#define CAPABILITY(number) (UINT64_C(1) << (number))

/* From now on no program that this process starts can have a capability that is not in `kept`, not even as
 * root. Does nothing without CAP_SETPCAP. */
void capability_limit(uint64_t kept);

/* Gives up all capabilities that are not in `kept`, and limits programs like capability_limit. The process
 * must have only one thread. */
int capability_keep(uint64_t kept, struct error *err);

#endif
