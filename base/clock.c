/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Monotonic time. */
#include "base/clock.h"

static struct timespec now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time;
}

long long clock_milliseconds(void)
{
    return clock_microseconds() / 1000;
}

long long clock_microseconds(void)
{
    struct timespec time = now();

    return time.tv_sec * 1000000LL + time.tv_nsec / 1000;
}

struct timespec clock_after(unsigned milliseconds)
{
    struct timespec time = now();

    time.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    time.tv_sec += milliseconds / 1000 + time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}
