/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The secret that tickets are signed with: FOLDER/auth.key, an RSA key in PEM, mode 0600, made at the first
 * start.
 *
 * The codes of CSRF tokens are made with a key that is derived from it. keys_rotate makes a new key, even
 * while a daemon uses the folder; the daemon notices. The old key becomes auth.key.TTTTTTTT, where T is the
 * time in hexadecimal, and for KEYS_SECONDS it still verifies what it signed before. keys_replace discards
 * the old keys: nothing that they signed is valid any more. All functions are thread-safe. */
#ifndef HOSTPCI_ACCESS_KEYS_H
#define HOSTPCI_ACCESS_KEYS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"

#define KEYS_SECONDS   (2 * 60 * 60)
#define KEYS_CODE_SIZE 44 /* HMAC-SHA256 in base64, without padding */

struct keys;

int keys_open(const char *folder, struct keys **ret, struct error *err);
void keys_close(struct keys *keys); /* takes NULL */

/* The new file gets the owner of the old one, or else of the folder. */
int keys_rotate(const char *folder, struct error *err);

/* The same, but discards the old keys: everybody has to log in again. */
int keys_replace(const char *folder, struct error *err);

/* The time nearest to `now` whose last 32 bits are `digits`: tickets and file names only have these. */
time_t keys_time_near(uint32_t digits, time_t now);

/* RSA PKCS#1 with SHA-256, in base64. The caller frees it. */
int keys_sign(struct keys *keys, const char *text, char **ret, struct error *err);
/* `made` is the time at which the text claims to have been signed. */
bool keys_verify(struct keys *keys, const char *text, size_t length, const char *signature, time_t made,
                 time_t now);

/* HMAC-SHA256 in base64 without padding. */
void keys_code(struct keys *keys, const char *text, char ret[static KEYS_CODE_SIZE]);
bool keys_check_code(struct keys *keys, const char *text, const char *code, time_t made, time_t now);

#endif
