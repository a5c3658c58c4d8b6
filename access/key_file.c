/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making, retiring and finding the files of the keys. */
#include "access/key_file.h"

#include <dirent.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/keys.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#define BITS           2048
#define ROTATION_LIMIT 16 /* the most rotations in 16 seconds */

static void cleanup_x509(gnutls_x509_privkey_t *key)
{
    gnutls_x509_privkey_deinit(*key);
}

int key_file_make(const char *path, struct error *err)
{
    __attribute__((cleanup(cleanup_x509))) gnutls_x509_privkey_t key = NULL;
    gnutls_datum_t pem = {0};
    int result = gnutls_x509_privkey_init(&key);

    if (result >= 0)
        result = gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, BITS, 0);
    if (result >= 0)
        result = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
    if (result < 0)
        return error_set(err, ERROR_FAILED, "cannot make the key '%s': %s", path, gnutls_strerror(result));
    int written = file_replace(path, pem.data, pem.size, 0600, err);
    explicit_bzero(pem.data, pem.size);
    gnutls_free(pem.data);
    return written;
}

/* "auth.key.65000000" */
static bool parse_retired(const char *name, time_t *ret)
{
    static const char prefix[] = KEY_FILE_NAME ".";
    unsigned long long number;

    if (!text_starts_with(name, prefix) || strlen(name) != strlen(prefix) + 8 ||
        !text_to_number(name + strlen(prefix), 16, UINT32_MAX, &number))
        return false;
    *ret = keys_time_near((uint32_t)number, time(NULL));
    return true;
}

static void cleanup_folder(DIR **folder)
{
    if (*folder != NULL)
        closedir(*folder);
}

int key_file_each_retired(const char *path, key_file_seen *see, void *context, struct error *err)
{
    __attribute__((cleanup(cleanup_folder))) DIR *folder = opendir(path);
    const struct dirent *entry;
    time_t retired;

    if (folder == NULL)
        return error_set_errno(err, errno, "cannot read the folder '%s'", path);
    while ((entry = readdir(folder)) != NULL) {
        autofree char *file = xasprintf("%s/%s", path, entry->d_name);
        if (parse_retired(entry->d_name, &retired))
            see(file, retired, context);
    }
    return 0;
}

static void delete_if_over(const char *path, time_t retired, void *context)
{
    (void)context;
    if (time(NULL) >= retired + KEYS_SECONDS)
        unlink(path);
}

static void delete(const char *path, time_t retired, void *context)
{
    (void)retired, (void)context;
    unlink(path);
}

/* Gives the current key a second name before it is replaced, so that there is a key at every moment. The name
 * is a time; a second rotation in the same second takes the next second. */
static int retire(const char *path, struct error *err)
{
    for (time_t now = time(NULL), end = now + ROTATION_LIMIT; now < end; now++) {
        autofree char *old = xasprintf("%s.%08X", path, (unsigned)now);
        if (link(path, old) == 0)
            return 0;
        if (errno == ENOENT)
            return 0; /* there is no key yet */
        if (errno != EEXIST)
            return error_set_errno(err, errno, "cannot keep the old key as '%s'", old);
    }
    return error_set(err, ERROR_BUSY, "the keys were changed %d times just now: wait a minute",
                     ROTATION_LIMIT);
}

static int change_key(const char *folder, bool keep, struct error *err)
{
    autofree char *path = xasprintf("%s/" KEY_FILE_NAME, folder);
    struct stat owner;

    if (stat(path, &owner) != 0 && stat(folder, &owner) != 0)
        return error_set_errno(err, errno, "cannot read the state folder '%s'", folder);
    if ((keep ? retire(path, err) : key_file_each_retired(folder, delete, NULL, err)) != 0 ||
        key_file_make(path, err) != 0)
        return -1;
    if (geteuid() == 0 && lchown(path, owner.st_uid, owner.st_gid) != 0)
        return error_set_errno(err, errno, "cannot give '%s' to the user of the daemon", path);
    return keep ? key_file_each_retired(folder, delete_if_over, NULL, err) : 0;
}

int keys_rotate(const char *folder, struct error *err)
{
    return change_key(folder, true, err);
}

int keys_replace(const char *folder, struct error *err)
{
    return change_key(folder, false, err);
}
