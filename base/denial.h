/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls that a process gives up for good, for itself and for the programs that it starts (seccomp(2)):
 * they fail from then on. We list what is denied, because a list of what is allowed would have to follow
 * every version of libc and of each library. Calls that this architecture does not have are skipped. */
#ifndef HOSTPCI_BASE_DENIAL_H
#define HOSTPCI_BASE_DENIAL_H

#include <seccomp.h>
#include <stddef.h>

#include "base/error.h"

typedef struct scmp_arg_cmp condition;

struct denial {
    int call;
    unsigned conditions; /* 0: denied with any arguments */
    condition condition;
};

/* The calls that neither the daemon nor the broker needs. */
extern const struct denial denial_common[];
extern const size_t denial_common_count;

/* Adds to what is denied already; a call that is denied fails with the errno `error`. It needs no privilege,
 * but PR_SET_NO_NEW_PRIVS must be set. It affects only the calling thread and those that this one creates
 * later, so call it before there are others. */
int denial_load(const struct denial *list, size_t count, int error, struct error *err);

#endif
