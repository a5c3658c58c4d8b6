/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of denied system calls, on other architectures than this one. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/denial.h"
#include "base/memory.h"

/* Ports and segments are things of the x86 processors. */
static bool is_of_x86_alone(const char *name)
{
    static const char *const names[] = {"iopl", "ioperm", "modify_ldt"};

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

Test(denial, aarch64_has_every_call_that_is_denied)
{
    for (size_t i = 0; i < denial_common_count; i++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, denial_common[i].call);
        cr_assert_not_null(name, "call %d", denial_common[i].call);
        int number = seccomp_syscall_resolve_name_arch(SCMP_ARCH_AARCH64, name);
        cr_expect(is_of_x86_alone(name) ? number < 0 : number >= 0, "%s is %d there", name, number);
        free(name);
    }
}

/* A rule that libseccomp does not take would keep the daemon from starting. */
Test(denial, filter_can_be_made_for_aarch64)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    cr_assert_eq(seccomp_arch_add(filter, SCMP_ARCH_AARCH64), 0);
    cr_assert_eq(seccomp_arch_remove(filter, SCMP_ARCH_NATIVE), 0);
    for (size_t i = 0; i < denial_common_count; i++) {
        int result = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(1), denial_common[i].call,
                                            denial_common[i].conditions, &denial_common[i].condition);
        cr_expect_eq(result, 0, "row %zu: %d", i, result);
    }
    autoclose int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    cr_expect_eq(seccomp_export_bpf(filter, nowhere), 0);
    seccomp_release(filter);
}
