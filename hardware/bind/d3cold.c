/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a function may be put into D3cold. */
#include "hardware/bind/d3cold.h"

#include <errno.h>

#include "hardware/bind/attribute.h"
#include "hardware/paths.h"

static const struct errno_meaning meanings[] = {
    {ENOENT, "this kernel has no power management (CONFIG_PM)"},
    {0, NULL},
};

int d3cold_read(const struct sysroot *sysroot, struct pci_address address, bool *ret, struct error *err)
{
    struct host_path file = pci_path(address, "d3cold_allowed");
    long long allowed;
    int result = sysfs_read_number(sysroot_fd(sysroot), file.text, &allowed);

    if (result < 0)
        return attribute_fail(sysroot, address, -result, meanings, err, "read /%s", file.text);
    *ret = allowed != 0;
    return 0;
}

int d3cold_allow(const struct sysroot *sysroot, struct pci_address address, bool allow, struct error *err)
{
    struct host_path file = pci_path(address, "d3cold_allowed");
    const char *value = allow ? "1" : "0";
    bool now = !allow;

    if (attribute_write(sysroot, address, file.text, value, meanings, err) != 0 ||
        d3cold_read(sysroot, address, &now, err) != 0)
        return -1;
    if (now == allow)
        return 0;
    return error_set(err, ERROR_FAILED, "the kernel took '%s' for /%s, but it is %d still", value, file.text,
                     (int)now);
}
