/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One RSA key for all tests of a run. */
#include "tests/auth_key.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "access/key_file.h"
#include "base/file.h"
#include "base/memory.h"

/* Several tests may find the key missing at once: the last one's stays, and nobody reads half of one. */
bool auth_key_put(const char *folder)
{
    const char *key = getenv("HOSTPCI_AUTH_KEY");
    autofree char *path = xasprintf("%s/" KEY_FILE_NAME, folder), *pem = NULL;
    struct error err;
    size_t length;

    if (key == NULL)
        return false;
    if (access(key, F_OK) != 0)
        cr_assert_eq(key_file_make(key, &err), 0, "%s", err.message);
    cr_assert_eq(file_read(key, 65536, &pem, &length, &err), 0, "%s", err.message);
    cr_assert_eq(file_replace(path, pem, length, 0600, &err), 0, "%s", err.message);
    return true;
}
