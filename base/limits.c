/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource limits of this process. */
#include "base/limits.h"

#include <sys/resource.h>

void limits_prepare(void)
{
    struct rlimit files;

    setrlimit(RLIMIT_CORE, &(const struct rlimit){0, 0});
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}
