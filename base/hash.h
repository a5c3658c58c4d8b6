/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashes in hexadecimal, and random identifiers. */
#ifndef HOSTPCI_BASE_HASH_H
#define HOSTPCI_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SHA1_HEX_SIZE   41
#define SHA256_HEX_SIZE 65

void hash_sha1(const void *data, size_t length, char hex[static SHA1_HEX_SIZE]);
void hash_sha256(const void *data, size_t length, char hex[static SHA256_HEX_SIZE]);

#define HASH_HEX_SIZE 129

/* Of a whole file: "md5", "sha1", "sha224", "sha256", "sha384" or "sha512". */
int hash_file(const char *path, const char *algorithm, char ret[static HASH_HEX_SIZE], struct error *err);

/* Compares in constant time, so that nobody can guess a secret byte by byte. */
bool hash_equal(const char *a, const char *b);

/* FNV-1a: a quick hash for tables. Somebody who chooses the data can force collisions. */
uint64_t hash_quick(const void *data, size_t length);

#define UUID_SIZE 37

/* Makes a UUID (RFC 9562, version 4) of 122 of these random bits. */
void uuid_print(const unsigned char random[static 16], char uuid[static UUID_SIZE]);

/* Makes one from the kernel's random bits, so that nobody can guess it. */
void uuid_make(char uuid[static UUID_SIZE]);

#endif
