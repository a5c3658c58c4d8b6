/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's bridges. */
#include "hardware/network.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
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

/* The ports of a bridge have their names in its folder brif. */
static json_t *describe_bridge(const struct sysroot *sysroot, const char *name, size_t priority)
{
    autolist char **ports = NULL;
    autotext struct text joined = {0};
    char state[16];

    if (sysfs_list(sysroot_fd(sysroot), path_below(SYS_CLASS_NET, name, "brif").text, &ports) < 0)
        return NULL;
    for (char **port = ports; *port != NULL; port++)
        text_printf(&joined, "%s%s", joined.length > 0 ? " " : "", *port);
    json_t *bridge = json_pack("{s:s, s:s, s:i, s:s, s:s, s:I, s:s}", "iface", name, "type", "bridge",
                               "exists", 1, "method", "manual", "method6", "manual", "priority",
                               (json_int_t)priority, "bridge_ports", text_string(&joined));
    if (sysfs_read(sysroot_fd(sysroot), path_below(SYS_CLASS_NET, name, "operstate").text, state,
                   sizeof(state)) > 0 &&
        strcmp(state, "down") != 0)
        json_object_set_new(bridge, "active", json_integer(1));
    return bridge;
}

int bridge_list(const struct sysroot *sysroot, json_t **ret, struct error *err)
{
    autolist char **names = NULL;
    autojson json_t *list = json_array();
    int count = sysfs_list(sysroot_fd(sysroot), SYS_CLASS_NET, &names);

    if (count < 0 && count != -ENOENT)
        return error_set_errno(err, -count, "cannot list the network interfaces in /" SYS_CLASS_NET);
    for (char **name = names; name != NULL && *name != NULL; name++) {
        json_t *bridge = describe_bridge(sysroot, *name, json_array_size(list) + 1);
        if (bridge != NULL)
            json_array_append_new(list, bridge);
    }
    *ret = TAKE(list);
    return 0;
}
