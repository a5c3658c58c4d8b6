/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capabilities (capabilities(7)): giving up what is not needed. Sets are bit masks; CAPABILITY(CAP_SYS_ADMIN)
 * is one's bit. By system calls alone: libcap would be a library more for two of them. */
#ifndef HOSTPCI_BASE_CAPABILITY_H
#define HOSTPCI_BASE_CAPABILITY_H

#include <linux/capability.h>
#include <stdint.h>

#include "base/error.h"

#define CAPABILITY(number) (UINT64_C(1) << (number))

/* No program that this process starts can have others than `kept`, not even as root. Without CAP_SETPCAP
 * nothing is done. */
void capability_limit(uint64_t kept);

/* Of those that this process, with one thread, has, only `kept` stay; capability_limit included. */
int capability_keep(uint64_t kept, struct error *err);

#endif
