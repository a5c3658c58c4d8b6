/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls that a process gives up. */
#include "base/denial.h"

#include <errno.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "base/memory.h"

const struct denial denial_common[] = {
    /* another process */
    {.call = SCMP_SYS(process_vm_readv)},
    {.call = SCMP_SYS(process_vm_writev)},
    {.call = SCMP_SYS(pidfd_getfd)},
    {.call = SCMP_SYS(kcmp)},
#ifndef __SANITIZE_ADDRESS__ /* LeakSanitizer reads the other threads with it */
    {.call = SCMP_SYS(ptrace)},
#endif
    /* typing into the terminal that it was started from */
    {SCMP_SYS(ioctl), 1, {1, SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCSTI}},
    {SCMP_SYS(ioctl), 1, {1, SCMP_CMP_MASKED_EQ, 0xffffffff, TIOCLINUX}},
    /* what is mounted */
    {.call = SCMP_SYS(mount)},
    {.call = SCMP_SYS(umount2)},
    {.call = SCMP_SYS(pivot_root)},
    {.call = SCMP_SYS(chroot)},
    {.call = SCMP_SYS(open_tree)},
    {.call = SCMP_SYS(move_mount)},
    {.call = SCMP_SYS(mount_setattr)},
    {.call = SCMP_SYS(fsopen)},
    {.call = SCMP_SYS(fsconfig)},
    {.call = SCMP_SYS(fsmount)},
    {.call = SCMP_SYS(fspick)},
    {.call = SCMP_SYS(open_by_handle_at)},
    {.call = SCMP_SYS(swapon)},
    {.call = SCMP_SYS(swapoff)},
    {.call = SCMP_SYS(quotactl)},
    /* a namespace of its own, in which it would be root */
    {.call = SCMP_SYS(unshare)},
    {.call = SCMP_SYS(setns)},
    {SCMP_SYS(clone), 1, {0, SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER}},
    {SCMP_SYS(clone), 1, {0, SCMP_CMP_MASKED_EQ, CLONE_NEWNS, CLONE_NEWNS}},
    {SCMP_SYS(clone), 1, {0, SCMP_CMP_MASKED_EQ, CLONE_NEWPID, CLONE_NEWPID}},
    {SCMP_SYS(clone), 1, {0, SCMP_CMP_MASKED_EQ, CLONE_NEWNET, CLONE_NEWNET}},
    /* the kernel and the machine; most of the kernel's vulnerabilities are reached by some of these calls */
    {.call = SCMP_SYS(kexec_load)},
    {.call = SCMP_SYS(kexec_file_load)},
    {.call = SCMP_SYS(reboot)},
    {.call = SCMP_SYS(bpf)},
    {.call = SCMP_SYS(perf_event_open)},
    {.call = SCMP_SYS(userfaultfd)},
    {.call = SCMP_SYS(io_uring_setup)},
    {.call = SCMP_SYS(io_uring_enter)},
    {.call = SCMP_SYS(io_uring_register)},
    {.call = SCMP_SYS(syslog)},
    {.call = SCMP_SYS(acct)},
    {.call = SCMP_SYS(iopl)},
    {.call = SCMP_SYS(ioperm)},
    {.call = SCMP_SYS(modify_ldt)},
    {.call = SCMP_SYS(personality)},
    {.call = SCMP_SYS(vhangup)},
    /* keys, the clock and the names of the host */
    {.call = SCMP_SYS(keyctl)},
    {.call = SCMP_SYS(add_key)},
    {.call = SCMP_SYS(request_key)},
    {.call = SCMP_SYS(settimeofday)},
    {.call = SCMP_SYS(clock_settime)},
    {.call = SCMP_SYS(clock_adjtime)},
    {.call = SCMP_SYS(adjtimex)},
    {.call = SCMP_SYS(sethostname)},
    {.call = SCMP_SYS(setdomainname)},
};

const size_t denial_common_count = COUNT_OF(denial_common);

static void release_filter(scmp_filter_ctx *filter)
{
    seccomp_release(*filter);
}

static int fill_filter(scmp_filter_ctx filter, const struct denial *list, size_t count, int error)
{
    /* No filter can see the flags of clone3, which lie in memory. With ENOSYS libc falls back to clone. */
    int result = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, NULL);

    for (size_t i = 0; i < count && result == 0; i++)
        if (list[i].call >= 0) /* a negative number: this architecture does not have the call */
            result = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(error), list[i].call, list[i].conditions,
                                            &list[i].condition);
    return result;
}

/* System calls of another architecture (32-bit ones) end the process, as libseccomp does by default. */
int denial_load(const struct denial *list, size_t count, int error, struct error *err)
{
    __attribute__((cleanup(release_filter))) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    if (filter == NULL)
        return error_set(err, ERROR_FAILED, "cannot confine this process: libseccomp does not work");
    int result = fill_filter(filter, list, count, error);
    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
    if (result == 0)
        result = seccomp_load(filter);
    return result == 0 ? 0 : error_set_errno(err, -result, "cannot confine this process with seccomp");
}
