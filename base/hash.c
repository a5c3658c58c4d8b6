/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashes in hexadecimal, and random identifiers. */
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/memory.h"

#define LARGEST_HASH 64

static void print_hex(const unsigned char *bytes, unsigned length, char *hex)
{
    static const char digits[] = "0123456789abcdef";

    for (unsigned i = 0; i < length; i++) {
        *hex++ = digits[bytes[i] >> 4];
        *hex++ = digits[bytes[i] & 15];
    }
    *hex = '\0';
}

static void hash(gnutls_digest_algorithm_t algorithm, const void *data, size_t length, char *hex)
{
    unsigned char bytes[LARGEST_HASH];

    if (gnutls_hash_fast(algorithm, data, length, bytes) != 0) {
        fputs("hostpci: GnuTLS cannot compute SHA-1 or SHA-256: is this host in FIPS mode?\n", stderr);
        abort();
    }
    print_hex(bytes, gnutls_hash_get_len(algorithm), hex);
}

void hash_sha1(const void *data, size_t length, char hex[static SHA1_HEX_SIZE])
{
    hash(GNUTLS_DIG_SHA1, data, length, hex);
}

void hash_sha256(const void *data, size_t length, char hex[static SHA256_HEX_SIZE])
{
    hash(GNUTLS_DIG_SHA256, data, length, hex);
}

#define CHUNK ((size_t)256 * 1024)

static const struct {
    const char *name;
    gnutls_digest_algorithm_t algorithm;
} algorithms[] = {{"md5", GNUTLS_DIG_MD5},       {"sha1", GNUTLS_DIG_SHA1},
                  {"sha224", GNUTLS_DIG_SHA224}, {"sha256", GNUTLS_DIG_SHA256},
                  {"sha384", GNUTLS_DIG_SHA384}, {"sha512", GNUTLS_DIG_SHA512}};

static gnutls_digest_algorithm_t find_algorithm(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(algorithms); i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return algorithms[i].algorithm;
    return GNUTLS_DIG_UNKNOWN;
}

/* -1 and errno. */
static ssize_t feed(gnutls_hash_hd_t state, int file)
{
    autofree unsigned char *chunk = xcalloc(1, CHUNK);
    ssize_t count;

    while ((count = TEMP_FAILURE_RETRY(read(file, chunk, CHUNK))) > 0)
        gnutls_hash(state, chunk, (size_t)count);
    return count;
}

int hash_file(const char *path, const char *name, char ret[static HASH_HEX_SIZE], struct error *err)
{
    gnutls_digest_algorithm_t algorithm = find_algorithm(name);
    autoclose int file = open(path, O_RDONLY | O_CLOEXEC);
    unsigned char bytes[LARGEST_HASH];
    gnutls_hash_hd_t state;

    if (file < 0)
        return error_set_errno(err, errno, "cannot open '%s'", path);
    if (algorithm == GNUTLS_DIG_UNKNOWN || gnutls_hash_init(&state, algorithm) != 0)
        return error_set(err, ERROR_FAILED, "GnuTLS does not compute %s on this host", name);
    ssize_t end = feed(state, file);
    int reason = errno;
    gnutls_hash_deinit(state, bytes);
    if (end < 0)
        return error_set_errno(err, reason, "cannot read '%s'", path);
    print_hex(bytes, gnutls_hash_get_len(algorithm), ret);
    return 0;
}

bool hash_equal(const char *a, const char *b)
{
    size_t length = strlen(a);

    return strlen(b) == length && gnutls_memcmp(a, b, length) == 0;
}

uint64_t hash_quick(const void *data, size_t length)
{
    const unsigned char *bytes = data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

void uuid_print(const unsigned char random[static 16], char uuid[static UUID_SIZE])
{
    unsigned char b[16];

    memcpy(b, random, sizeof(b));
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* version 4 */
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80); /* the variant of the RFC */
    snprintf(uuid, UUID_SIZE, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

void uuid_make(char uuid[static UUID_SIZE])
{
    unsigned char random[16];
    ssize_t count;

    do
        count = getrandom(random, sizeof(random), 0);
    while (count < 0 && errno == EINTR);
    if (count != sizeof(random)) {
        perror("hostpci: getrandom");
        abort();
    }
    uuid_print(random, uuid);
}
