/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time that passes. */
#include "base/clock.h"

#include <time.h>

long long clock_milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}
