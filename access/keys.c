/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The secret that tickets are signed with. */
#include "access/keys.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/key_file.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"

#define FILE_LIMIT ((size_t)64 * 1024)
#define KEY_LIMIT  16 /* of the retired ones that are loaded */
#define HMAC_SIZE  32

struct key {
    time_t retired; /* 0: the current key */
    gnutls_privkey_t private;
    gnutls_pubkey_t public;
    unsigned char code_key[HMAC_SIZE];
};

/* All keys at one moment. Immutable and reference-counted. */
struct ring {
    atomic_uint holders;
    struct stat status; /* of the present key's file */
    struct key keys[1 + KEY_LIMIT];
    size_t count;
};

struct keys {
    char *folder;
    pthread_mutex_t lock; /* guards ring, not what it points to */
    struct ring *ring;
};

static int key_error(struct error *err, int code, const char *path)
{
    return error_set(err, ERROR_FAILED, "cannot use the key '%s': %s", path, gnutls_strerror(code));
}

static void key_release(struct key *key)
{
    gnutls_privkey_deinit(key->private);
    gnutls_pubkey_deinit(key->public);
    explicit_bzero(key, sizeof(*key));
}

static void ring_release(struct ring *ring)
{
    if (ring == NULL || atomic_fetch_sub(&ring->holders, 1) != 1)
        return;
    for (size_t i = 0; i < ring->count; i++)
        key_release(&ring->keys[i]);
    free(ring);
}

static void cleanup_ring(struct ring **ring)
{
    ring_release(*ring);
}
#define autoring __attribute__((cleanup(cleanup_ring)))

static void derive_code_key(const char *pem, size_t length, unsigned char ret[static HMAC_SIZE])
{
    static const char purpose[] = "hostpci CSRF";

    if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, pem, length, purpose, strlen(purpose), ret) != 0)
        abort(); /* GnuTLS without SHA-256: base/hash.c does not work either */
}

static int import(const char *pem, size_t length, struct key *ret)
{
    const gnutls_datum_t data = {(unsigned char *)(uintptr_t)pem, (unsigned)length};
    int result = gnutls_privkey_init(&ret->private);

    if (result >= 0)
        result = gnutls_privkey_import_x509_raw(ret->private, &data, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (result >= 0 && gnutls_privkey_get_pk_algorithm(ret->private, NULL) != GNUTLS_PK_RSA)
        result = GNUTLS_E_UNKNOWN_PK_ALGORITHM;
    if (result >= 0)
        result = gnutls_pubkey_init(&ret->public);
    if (result >= 0)
        result = gnutls_pubkey_import_privkey(ret->public, ret->private, 0, 0);
    derive_code_key(pem, length, ret->code_key);
    return result;
}

static int load_key(const char *path, time_t retired, struct ring *ring, struct error *err)
{
    struct key key = {.retired = retired};
    size_t length;
    char *pem;

    if (file_read(path, FILE_LIMIT, &pem, &length, err) != 0)
        return -1;
    int result = import(pem, length, &key);
    explicit_bzero(pem, length);
    free(pem);
    if (result < 0) {
        key_release(&key);
        return key_error(err, result, path);
    }
    ring->keys[ring->count++] = key;
    return 0;
}

/* A retired key that cannot be read is left out: the others are still good. */
static void load_retired(const char *path, time_t retired, void *context)
{
    struct ring *ring = context;
    struct error ignored;

    if (ring->count < COUNT_OF(ring->keys) && time(NULL) < retired + KEYS_SECONDS)
        load_key(path, retired, ring, &ignored);
}

static int ring_load(const char *folder, struct ring **ret, struct error *err)
{
    autofree char *path = xasprintf("%s/" KEY_FILE_NAME, folder);
    autoring struct ring *ring = xcalloc(1, sizeof(*ring));

    atomic_init(&ring->holders, 1);
    if (stat(path, &ring->status) != 0)
        return error_set_errno(err, errno, "cannot read '%s'", path);
    if (load_key(path, 0, ring, err) != 0 || key_file_each_retired(folder, load_retired, ring, err) != 0)
        return -1;
    *ret = TAKE(ring);
    return 0;
}

int keys_open(const char *folder, struct keys **ret, struct error *err)
{
    autofree char *path = xasprintf("%s/" KEY_FILE_NAME, folder);
    struct ring *ring = NULL;

    if (access(path, F_OK) != 0 && errno == ENOENT && key_file_make(path, err) != 0)
        return -1;
    if (ring_load(folder, &ring, err) != 0)
        return -1;
    struct keys *keys = xcalloc(1, sizeof(*keys));
    keys->folder = xstrdup(folder);
    keys->ring = ring;
    pthread_mutex_init(&keys->lock, NULL);
    *ret = keys;
    return 0;
}

void keys_close(struct keys *keys)
{
    if (keys == NULL)
        return;
    ring_release(keys->ring);
    pthread_mutex_destroy(&keys->lock);
    free(keys->folder);
    free(keys);
}

static bool is_current(const struct keys *keys, const struct ring *ring)
{
    autofree char *path = xasprintf("%s/" KEY_FILE_NAME, keys->folder);
    struct stat now;

    return stat(path, &now) != 0 ||
           (now.st_ino == ring->status.st_ino && now.st_mtim.tv_sec == ring->status.st_mtim.tv_sec &&
            now.st_mtim.tv_nsec == ring->status.st_mtim.tv_nsec);
}

/* The current keys, read again if somebody has changed the file; the earlier ones if that fails. The caller
 * releases the ring. */
static struct ring *ring_of(struct keys *keys)
{
    struct ring *fresh = NULL;
    struct error ignored;

    pthread_mutex_lock(&keys->lock);
    struct ring *ring = keys->ring;
    atomic_fetch_add(&ring->holders, 1);
    pthread_mutex_unlock(&keys->lock);
    if (is_current(keys, ring) || ring_load(keys->folder, &fresh, &ignored) != 0)
        return ring;
    atomic_fetch_add(&fresh->holders, 1);
    pthread_mutex_lock(&keys->lock);
    struct ring *old = keys->ring;
    keys->ring = fresh;
    pthread_mutex_unlock(&keys->lock);
    ring_release(old);
    ring_release(ring);
    return fresh;
}

/* Whether the key may verify something that claims to have been made at that time. */
static bool is_valid(const struct key *key, time_t made, time_t now)
{
    return key->retired == 0 || (made <= key->retired && now < key->retired + KEYS_SECONDS);
}

time_t keys_time_near(uint32_t digits, time_t now)
{
    return now + (int32_t)(digits - (uint32_t)now);
}

int keys_sign(struct keys *keys, const char *text, char **ret, struct error *err)
{
    autoring struct ring *ring = ring_of(keys);
    const gnutls_datum_t data = {(unsigned char *)(uintptr_t)text, (unsigned)strlen(text)};
    gnutls_datum_t signature = {0}, printed = {0};
    int result = gnutls_privkey_sign_data(ring->keys[0].private, GNUTLS_DIG_SHA256, 0, &data, &signature);

    if (result >= 0)
        result = gnutls_base64_encode2(&signature, &printed);
    gnutls_free(signature.data);
    if (result < 0)
        return key_error(err, result, KEY_FILE_NAME);
    *ret = xstrndup((const char *)printed.data, printed.size);
    gnutls_free(printed.data);
    return 0;
}

bool keys_verify(struct keys *keys, const char *text, size_t length, const char *signature, time_t made,
                 time_t now)
{
    autoring struct ring *ring = ring_of(keys);
    const gnutls_datum_t data = {(unsigned char *)(uintptr_t)text, (unsigned)length};
    const gnutls_datum_t printed = {(unsigned char *)(uintptr_t)signature, (unsigned)strlen(signature)};
    gnutls_datum_t bytes = {0};
    bool valid = false;

    if (gnutls_base64_decode2(&printed, &bytes) < 0)
        return false;
    for (size_t i = 0; i < ring->count && !valid; i++)
        valid =
            is_valid(&ring->keys[i], made, now) &&
            gnutls_pubkey_verify_data2(ring->keys[i].public, GNUTLS_SIGN_RSA_SHA256, 0, &data, &bytes) >= 0;
    gnutls_free(bytes.data);
    return valid;
}

static void make_code(const struct key *key, const char *text, char ret[static KEYS_CODE_SIZE])
{
    unsigned char digest[HMAC_SIZE];
    const gnutls_datum_t data = {digest, sizeof(digest)};
    gnutls_datum_t printed = {0};

    if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key->code_key, sizeof(key->code_key), text, strlen(text),
                         digest) != 0 ||
        gnutls_base64_encode2(&data, &printed) < 0)
        abort(); /* no SHA-256, or no memory */
    memcpy(ret, printed.data, KEYS_CODE_SIZE - 1);
    ret[KEYS_CODE_SIZE - 1] = '\0';
    gnutls_free(printed.data);
}

void keys_code(struct keys *keys, const char *text, char ret[static KEYS_CODE_SIZE])
{
    autoring struct ring *ring = ring_of(keys);

    make_code(&ring->keys[0], text, ret);
}

bool keys_check_code(struct keys *keys, const char *text, const char *code, time_t made, time_t now)
{
    autoring struct ring *ring = ring_of(keys);
    char right[KEYS_CODE_SIZE];
    bool valid = false;

    for (size_t i = 0; i < ring->count && !valid; i++) {
        make_code(&ring->keys[i], text, right);
        valid = is_valid(&ring->keys[i], made, now) && hash_equal(right, code);
    }
    return valid;
}
