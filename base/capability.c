/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Giving up the capabilities that are not needed. */
#include "base/capability.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel takes a set in two halves. */
struct sets {
    struct __user_cap_header_struct header;
    struct __user_cap_data_struct half[_LINUX_CAPABILITY_U32S_3];
};

static struct sets read_sets(void)
{
    struct sets sets = {.header = {.version = _LINUX_CAPABILITY_VERSION_3}};

    syscall(SYS_capget, &sets.header, sets.half);
    return sets;
}

void capability_limit(uint64_t kept)
{
    for (int number = 0; number < 64 && prctl(PR_CAPBSET_READ, number, 0, 0, 0) >= 0; number++)
        if (!(kept & CAPABILITY(number)))
            prctl(PR_CAPBSET_DROP, number, 0, 0, 0);
}

int capability_keep(uint64_t kept, struct error *err)
{
    struct sets had = read_sets(), sets = had;

    capability_limit(kept);
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
        sets.half[i].permitted &= (uint32_t)(kept >> (32 * i));
        sets.half[i].effective = sets.half[i].permitted;
        sets.half[i].inheritable = 0;
    }
    /* capset(2) is only called if it changes something, since a service manager's filter may deny it */
    if (memcmp(sets.half, had.half, sizeof(sets.half)) != 0 &&
        syscall(SYS_capset, &sets.header, sets.half) != 0)
        return error_set_errno(err, errno, "cannot give up capabilities");
    return 0;
}
