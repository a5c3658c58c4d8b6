/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time that passes, whatever somebody sets the host's clock to. */
#ifndef HOSTPCI_BASE_CLOCK_H
#define HOSTPCI_BASE_CLOCK_H

/* Milliseconds since some moment. */
long long clock_milliseconds(void);

#endif
