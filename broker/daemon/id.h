/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ids of operations: a client chooses one for each, by which it finds the operation again. */
#ifndef HOSTPCI_BROKER_DAEMON_ID_H
#define HOSTPCI_BROKER_DAEMON_ID_H

#include "base/error.h"

#define ID_LIMIT 511

/* ERROR_INVALID for one that a client may not choose: none, one that is too long or no plain text, and those
 * of the operations that the broker begins by itself. */
int id_check(const char *id, struct error *err);

#endif
