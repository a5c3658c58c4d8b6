/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Passwords of users of the realm pve, stored as yescrypt hashes ("$y$...", crypt(5)).
 *
 * Hashing is slow by design, some 20 ms, and takes memory: never do it in a thread that talks to clients. */
#ifndef HOSTPCI_ACCESS_PASSWORD_H
#define HOSTPCI_ACCESS_PASSWORD_H

#include <stdbool.h>

#include "base/error.h"

#define PASSWORD_HASH_SIZE 384 /* CRYPT_OUTPUT_SIZE of crypt(3) */

int password_hash(const char *password, char ret[static PASSWORD_HASH_SIZE], struct error *err);

/* Accepts every kind of hash that crypt(3) knows. With a hash of NULL it returns false after the same time.
 */
bool password_matches(const char *password, const char *hash);

#endif
