/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's bridges. */
#include "hardware/network.h"

#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "hardware/paths.h"

unsigned bridge_mtu(const struct sysroot *sysroot, const char *name)
{
    long long mtu;

    if (name[0] == '\0' || name[0] == '.' || strlen(name) >= IF_NAMESIZE || strchr(name, '/') != NULL)
        return 0;
    if (sysfs_read_number(sysroot_fd(sysroot), path_below(SYS_CLASS_NET, name, "mtu").text, &mtu) < 0 ||
        mtu < 0 || mtu > UINT_MAX)
        return 0;
    return (unsigned)mtu;
}
