/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Monotonic time (CLOCK_MONOTONIC), which does not jump when somebody sets the host's clock. */
#ifndef HOSTPCI_BASE_CLOCK_H
#define HOSTPCI_BASE_CLOCK_H

#include <time.h>

/* Time since some moment that stays the same while the host runs. */
long long clock_milliseconds(void);
long long clock_microseconds(void);

/* The time in `milliseconds` from now, for pthread_cond_timedwait with a condition that uses this clock. */
struct timespec clock_after(unsigned milliseconds);

#endif
