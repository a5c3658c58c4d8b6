/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which capabilities the broker and the programs that it starts keep. */
#include <criterion/criterion.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
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
    if (permitted() & (CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_NET_ADMIN) |
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

Test(broker_confine, an_ordinary_user_has_nothing_to_keep)
{
    if (geteuid() == 0)
        cr_assert_eq(setuid(65534), 0);
    cr_assert_eq(run_confined(check_nothing_came), 0);
}
