/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time that passes, whatever somebody sets the host's clock to: CLOCK_MONOTONIC. */
#ifndef HOSTPCI_BASE_CLOCK_H
#define HOSTPCI_BASE_CLOCK_H

#include <time.h>

/* Since some moment that stays the same while the host runs. */
long long clock_milliseconds(void);
long long clock_microseconds(void);

/* The moment that is so far away, for pthread_cond_timedwait with a condition that has this clock. */
struct timespec clock_after(unsigned milliseconds);

#endif
