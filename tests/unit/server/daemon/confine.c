/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a confined front cannot do any more, and what it still can. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "server/daemon/confine.h"

/* Each would succeed, or fail with another errno, if it were let through. */
static long try_execve(void)
{
    char *const argv[] = {(char *)"true", NULL}, *const env[] = {NULL};

    return execve("/bin/true", argv, env);
}

static long try_execveat(void)
{
    char *const argv[] = {(char *)"true", NULL}, *const env[] = {NULL};

    return syscall(SYS_execveat, AT_FDCWD, "/bin/true", argv, env, 0);
}

#ifndef __SANITIZE_ADDRESS__ /* see server/daemon/confine.c */
static long try_ptrace(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}
#endif

static long try_mount(void)
{
    return mount("none", "/nowhere", "tmpfs", 0, NULL);
}

static long try_mount_setattr(void)
{
    return syscall(SYS_mount_setattr, -1, "", 0, NULL, 0);
}

static long try_init_module(void)
{
    return syscall(SYS_init_module, NULL, 0, "");
}

static long try_finit_module(void)
{
    return syscall(SYS_finit_module, -1, "", 0);
}

static long try_kexec(void)
{
    return syscall(SYS_kexec_load, 0, 99, NULL, 0);
}

static long try_bpf(void)
{
    return syscall(SYS_bpf, 999, NULL, 0);
}

static long try_perf(void)
{
    return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}

static long try_io_uring(void)
{
    return syscall(SYS_io_uring_setup, 0, NULL);
}

static long try_unshare(void)
{
    return unshare(CLONE_NEWUSER);
}

static long try_clone_namespace(void)
{
    return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
}

static long try_setns(void)
{
    return syscall(SYS_setns, -1, 0);
}

static long try_keyctl(void)
{
    return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1);
}

static long try_read_other(void)
{
    return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 99);
}

/* Types a character into the terminal; the upper half of the number is not looked at by the kernel. */
static long try_typing(void)
{
    return syscall(SYS_ioctl, STDIN_FILENO, TIOCSTI | (1UL << 32), "x");
}

static const struct {
    const char *name;
    long (*try_it)(void);
} denied[] = {
    {"execve", try_execve},
    {"execveat", try_execveat},
#ifndef __SANITIZE_ADDRESS__
    {"ptrace", try_ptrace},
#endif
    {"mount", try_mount},
    {"mount_setattr", try_mount_setattr},
    {"init_module", try_init_module},
    {"finit_module", try_finit_module},
    {"kexec_load", try_kexec},
    {"bpf", try_bpf},
    {"perf_event_open", try_perf},
    {"io_uring_setup", try_io_uring},
    {"unshare", try_unshare},
    {"clone", try_clone_namespace},
    {"setns", try_setns},
    {"keyctl", try_keyctl},
    {"process_vm_readv", try_read_other},
    {"ioctl TIOCSTI", try_typing},
};

/* Runs in a confined child; what it returns is the exit status. */
static int run_confined(int (*body)(void))
{
    struct error err;
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(confine_front(&err) == 0 && confine_programs(&err) == 0 ? body() : 99);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status), "wait status %d", status);
    return WEXITSTATUS(status);
}

/* The place in `denied` of what was not refused, counted from 1. */
static int find_allowed(void)
{
    for (size_t i = 0; i < COUNT_OF(denied); i++) {
        errno = 0;
        if (denied[i].try_it() != -1 || errno != EPERM)
            return (int)i + 1;
    }
    return 0;
}

Test(server_confine, refuses_what_it_has_no_use_for)
{
    int found = run_confined(find_allowed);

    cr_assert_neq(found, 99, "it could not be confined");
    cr_assert_eq(found, 0, "%s", denied[found > 0 ? found - 1 : 0].name);
}

static void *set_flag(void *flag)
{
    *(bool *)flag = true;
    return NULL;
}

static int find_refused(void)
{
    pthread_t thread;
    bool ran = false;

    if (pthread_create(&thread, NULL, set_flag, &ran) != 0 || pthread_join(thread, NULL) != 0 || !ran)
        return 1;
    if (socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT) < 0)
        return 2;
    if (socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0)
        return 3;
    return access("/proc/self/mountinfo", R_OK) == 0 ? 0 : 4;
}

Test(server_confine, lets_it_work)
{
    cr_assert_eq(run_confined(find_refused), 0);
}

static int find_privilege(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct half[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, half) != 0)
        return 1;
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        if (half[i].permitted != 0 || half[i].effective != 0 || half[i].inheritable != 0)
            return 2;
    return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 3;
}

Test(server_confine, leaves_no_capability)
{
    cr_assert_eq(run_confined(find_privilege), 0);
}
