/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One RSA key for all tests of a run: to make one takes longer than all else that a daemon does when it
 * starts. The file $HOSTPCI_AUTH_KEY holds it, and whoever needs it first makes it. Without that variable,
 * and in the tests of keys, each daemon makes its own. */
#ifndef HOSTPCI_TESTS_AUTH_KEY_H
#define HOSTPCI_TESTS_AUTH_KEY_H

#include <stdbool.h>

/* Puts the run's key into a state folder. False: there is none. */
bool auth_key_put(const char *folder);

#endif
