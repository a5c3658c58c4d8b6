/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Passwords of users of the realm pve. */
#include "access/password.h"

#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

#define METHOD "$y$"

_Static_assert(PASSWORD_HASH_SIZE >= CRYPT_OUTPUT_SIZE, "a hash of crypt(3) may be longer");

/* False if crypt(3) refuses the password or the setting: it then returns a hash that begins with an asterisk.
 */
static bool hash(const char *password, const char *setting, char ret[static PASSWORD_HASH_SIZE])
{
    struct crypt_data *data = xcalloc(1, sizeof(*data)); /* 32 KiB: too much for a thread's stack */
    const char *hashed = crypt_r(password, setting, data);
    bool done = hashed != NULL && hashed[0] != '*';

    if (done)
        memcpy(ret, hashed, strlen(hashed) + 1);
    explicit_bzero(data, sizeof(*data));
    free(data);
    return done;
}

int password_hash(const char *password, char ret[static PASSWORD_HASH_SIZE], struct error *err)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];

    if (crypt_gensalt_rn(METHOD, 0, NULL, 0, setting, sizeof(setting)) == NULL)
        return error_set_errno(err, errno, "crypt(3) makes no yescrypt hashes here");
    if (!hash(password, setting, ret))
        return error_set(err, ERROR_INVALID, "the password cannot be hashed: it may have at most %d bytes",
                         CRYPT_MAX_PASSPHRASE_SIZE);
    return 0;
}

bool password_matches(const char *password, const char *stored)
{
    char hashed[PASSWORD_HASH_SIZE];
    struct error ignored;

    if (stored == NULL) {
        password_hash(password, hashed, &ignored);
        return false;
    }
    return hash(password, stored, hashed) && hash_equal(hashed, stored);
}
