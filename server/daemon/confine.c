/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives up what the daemon does not need: capabilities, privilege by exec, system calls. */
#include "server/daemon/confine.h"

#include <errno.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "base/capability.h"
#include "base/denial.h"
#include "base/memory.h"

/* Only the broker loads modules. */
static const struct denial module_denials[] = {
    {.call = SCMP_SYS(init_module)},
    {.call = SCMP_SYS(finit_module)},
    {.call = SCMP_SYS(delete_module)},
};

static const struct denial program_denials[] = {
    {.call = SCMP_SYS(execve)},
    {.call = SCMP_SYS(execveat)},
};

int confine_front(struct error *err)
{
    if (capability_keep(0, err) != 0)
        return -1;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_set_errno(err, errno, "cannot give up new privileges");
    if (denial_load(denial_common, denial_common_count, EPERM, err) != 0)
        return -1;
    return denial_load(module_denials, COUNT_OF(module_denials), EPERM, err);
}

int confine_programs(struct error *err)
{
    return denial_load(program_denials, COUNT_OF(program_denials), EPERM, err);
}
