/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bridges of the host. */
#include "hardware/network.h"

#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

unsigned bridge_mtu(const struct sysroot *sysroot, const char *name)
{
    char path[sizeof("sys/class/net//mtu") + IF_NAMESIZE];
    long long mtu;

    if (name[0] == '\0' || name[0] == '.' || strlen(name) >= IF_NAMESIZE || strchr(name, '/') != NULL)
        return 0;
    snprintf(path, sizeof(path), "sys/class/net/%s/mtu", name);
    if (sysfs_read_number(sysroot_fd(sysroot), path, &mtu) < 0 || mtu < 0 || mtu > UINT_MAX)
        return 0;
    return (unsigned)mtu;
}
