/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which capabilities the broker and the programs that it starts keep. */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/capability.h"
#include "broker/daemon/confine.h"

/* In a child, since it cannot be taken back. Returns the exit status, which is what `body` returned. */
static int run_confined(int (*body)(void))
{
    struct error err;
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(broker_confine(&err) == 0 ? body() : 99);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status), "wait status %d", status);
    return WEXITSTATUS(status);
}

static uint64_t permitted(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct half[_LINUX_CAPABILITY_U32S_3] = {{0}};

    syscall(SYS_capget, &header, half);
    return half[0].permitted | (uint64_t)half[1].permitted << 32;
}

static int check_what_is_left(void)
{
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 1;
    if (!(permitted() & CAPABILITY(CAP_SYS_MODULE)) || !(permitted() & CAPABILITY(CAP_SYS_PTRACE)))
        return 2;
    if (permitted() & (CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_NET_RAW) |
                       CAPABILITY(CAP_KILL) | CAPABILITY(CAP_SETPCAP)))
        return 3;
    if (prctl(PR_CAPBSET_READ, CAP_SYS_MODULE, 0, 0, 0) != 1)
        return 4;
    return prctl(PR_CAPBSET_READ, CAP_DAC_OVERRIDE, 0, 0, 0) == 0 ? 0 : 5;
}

Test(broker_confine, root_keeps_what_the_table_says)
{
    if (geteuid() != 0 || !(permitted() & CAPABILITY(CAP_SYS_MODULE)))
        cr_skip_test("only root has capabilities to keep");
    cr_assert_eq(run_confined(check_what_is_left), 0);
}

static int check_nothing_came(void)
{
    return permitted() == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1;
}

/* What modprobe needs fails as it did before: in a container that may be with EPERM, too. */
static int of_module;

static int try_module(void)
{
    errno = 0;
    syscall(SYS_finit_module, -1, "", 0);
    return errno;
}

static int check_what_is_denied(void)
{
    if (socket(AF_INET, SOCK_STREAM, 0) != -1 || errno != EAFNOSUPPORT)
        return 1;
    if (socket(AF_PACKET, SOCK_RAW, 0) != -1 || errno != EAFNOSUPPORT)
        return 6;
    if (socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE) < 0)
        return 7;
    if (socket(AF_UNIX, SOCK_STREAM, 0) < 0)
        return 2;
    if (unshare(CLONE_NEWNS) != -1 || errno != EPERM)
        return 3;
    if (syscall(SYS_bpf, 999, NULL, 0) != -1 || errno != EPERM)
        return 4;
    return try_module() == of_module ? 0 : 5;
}

Test(broker_confine, gives_up_the_calls_that_its_unit_takes_away)
{
    if (geteuid() != 0 || !(permitted() & CAPABILITY(CAP_SYS_MODULE)))
        cr_skip_test("only root may load modules");
    of_module = try_module();
    cr_assert_eq(run_confined(check_what_is_denied), 0);
}

Test(broker_confine, an_ordinary_user_has_nothing_to_keep)
{
    if (geteuid() == 0)
        cr_assert_eq(setuid(65534), 0);
    cr_assert_eq(run_confined(check_nothing_came), 0);
}
