/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which capabilities the broker keeps, and which system calls it gives up. */
#include "broker/daemon/confine.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/capability.h"
#include "base/denial.h"
#include "base/memory.h"
#include "hardware/paths.h"

static const struct {
    int capability;
    const char *reason;
} needed[] = {
    {CAP_SYS_ADMIN,
     "config space beyond its first 64 bytes; the addresses in /" PROC_IOMEM "; commands for NVMe drives"},
    {CAP_SYS_MODULE, "modprobe, when vfio-pci or the driver asked for is not loaded"},
    {CAP_SYS_PTRACE, "/" PROC "/PID/fd of every process: who has a device open"},
    {CAP_DAC_READ_SEARCH, "the same folders, which belong to the users of the processes"},
    {CAP_SYSLOG, "the kernel's log, and what the kernel says of a failed step"},
    {CAP_NET_ADMIN, "the settings of a network card's virtual functions"},
};

/* All but AF_UNIX and rtnetlink, whose protocol is 0; the socket of the kernel's events is open already. It
 * fails as with RestrictAddressFamilies: libpam goes on without the kernel's audit if there is no such
 * protocol, but refuses every login if it may not reach it. A rule has one comparison. */
static int deny_sockets(struct error *err)
{
    struct denial denials[AF_NETLINK - AF_UNIX + 2];
    size_t count = 0;

    denials[count++] = (struct denial){SCMP_SYS(socket), 1, {0, SCMP_CMP_LT, AF_UNIX, 0}};
    for (int family = AF_UNIX + 1; family < AF_NETLINK; family++)
        denials[count++] = (struct denial){SCMP_SYS(socket), 1, {0, SCMP_CMP_EQ, (scmp_datum_t)family, 0}};
    denials[count++] = (struct denial){SCMP_SYS(socket), 1, {0, SCMP_CMP_GT, AF_NETLINK, 0}};
    denials[count++] = (struct denial){SCMP_SYS(socket), 1, {2, SCMP_CMP_NE, NETLINK_ROUTE, 0}};
    return denial_load(denials, count, EAFNOSUPPORT, err);
}

int broker_confine(struct error *err)
{
    uint64_t mask = 0;

    for (size_t i = 0; i < COUNT_OF(needed); i++)
        mask |= CAPABILITY(needed[i].capability);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set_errno(err, errno, "cannot give up new privileges");
    if (capability_keep(mask, err) != 0 || denial_load(denial_common, denial_common_count, EPERM, err) != 0)
        return -1;
    return deny_sockets(err);
}
