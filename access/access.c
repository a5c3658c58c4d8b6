/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Access: who is calling. */
#include "access/access.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access/acl.h"
#include "access/document.h"
#include "access/internal.h"
#include "access/login.h"
#include "access/role.h"
#include "access/ticket.h"
#include "access/token.h"
#include "base/hash.h"
#include "base/memory.h"

static int make_root(struct storage *storage, struct error *err)
{
    autojson json_t *root = NULL;

    if (object_read(storage, "user", "root@pam", &root, NULL, err) == 0)
        return 0;
    if (err->kind != ERROR_NOT_FOUND)
        return -1;
    autochange struct change_set *set = change_set_new();
    root = json_pack("{s:i, s:i}", "enable", 1, "expire", 0);
    access_end_logins(
        root); /* tickets from before may still be valid: the keys may be older than the database */
    change_set_put(set, "user", "root@pam", 0, TAKE(root));
    /* another node of the cluster may have created it in the meantime */
    return storage_commit(storage, TAKE(set), err) == 0 || err->kind == ERROR_CONFLICT ? 0 : -1;
}

int access_open(struct storage *storage, struct access **ret, struct error *err)
{
    struct snapshot *snapshot;

    if (make_root(storage, err) != 0 || snapshot_read(storage, &snapshot, err) != 0)
        return -1;
    struct access *access = xcalloc(1, sizeof(*access));
    access->storage = storage;
    access->login_days = LOGIN_DAYS;
    access->current = snapshot;
    pthread_mutex_init(&access->lock, NULL);
    *ret = access;
    return 0;
}

void access_close(struct access *access)
{
    if (access == NULL)
        return;
    keys_close(access->keys);
    snapshot_release(access->current);
    pthread_mutex_destroy(&access->lock);
    free(access);
}

int access_open_keys(struct access *access, const char *folder, struct error *err)
{
    return keys_open(folder, &access->keys, err);
}

void access_set_pam(struct access *access, access_pam_function *check, void *context)
{
    access->check_pam = check;
    access->pam_context = context;
}

struct storage *access_storage(const struct access *access)
{
    return access->storage;
}

int access_snapshot(struct access *access, struct snapshot **ret, struct error *err)
{
    autosnapshot struct snapshot *current = NULL, *old = NULL;
    struct snapshot *snapshot;

    pthread_mutex_lock(&access->lock);
    current = snapshot_retain(access->current);
    pthread_mutex_unlock(&access->lock);
    if (current->generation == storage_generation(access->storage)) {
        *ret = TAKE(current);
        return 0;
    }
    if (snapshot_follow(access->storage, current, &snapshot, err) != 0)
        return -1;
    pthread_mutex_lock(&access->lock);
    if (access->current->generation < snapshot->generation) {
        old = access->current;
        access->current = snapshot_retain(snapshot);
    }
    pthread_mutex_unlock(&access->lock);
    *ret = snapshot;
    return 0;
}

bool identity_is_same(const struct identity *a, const struct identity *b)
{
    return strcmp(a->user, b->user) == 0 && strcmp(a->token, b->token) == 0;
}

bool access_is_token_of(const char *user, const char *name)
{
    size_t length = strlen(user);

    return strncmp(name, user, length) == 0 && name[length] == '!' && strchr(name + length, '@') == NULL;
}

int access_read_created(struct access *access, const char *user, int64_t *ret, struct error *err)
{
    autosnapshot struct snapshot *snapshot = NULL;

    if (access_snapshot(access, &snapshot, err) != 0)
        return -1;
    *ret = json_integer_value(json_object_get(snapshot_user(snapshot, user), "created"));
    return 0;
}

bool identity_is_root(const struct identity *identity)
{
    return identity->token[0] == '\0' && strcmp(identity->user, "root@pam") == 0;
}

bool access_is_active(const json_t *document, time_t now)
{
    const json_t *enable = json_object_get(document, "enable");
    json_int_t expire = json_integer_value(json_object_get(document, "expire"));

    return (enable == NULL || json_integer_value(enable) != 0) && (expire == 0 || now < expire);
}

static bool is_secret_of(const struct snapshot *snapshot, const struct identity *who, const char *secret)
{
    const json_t *token = snapshot_token(snapshot, who->user, who->token);
    const char *hash = json_string_value(json_object_get(token, "hash"));
    time_t now = time(NULL);
    char sent[SHA256_HEX_SIZE];

    /* computed even for a token that does not exist, so that the time taken does not reveal that */
    hash_sha256(secret, strlen(secret), sent);
    return hash != NULL && hash_equal(sent, hash) &&
           access_is_active(snapshot_user(snapshot, who->user), now) && access_is_active(token, now);
}

int access_authenticate_token(struct access *access, const char *credential, struct identity *ret,
                              struct error *err)
{
    autosnapshot struct snapshot *snapshot = NULL;
    struct identity who;
    const char *secret;

    if (access_snapshot(access, &snapshot, err) != 0)
        return -1;
    if (!token_split(credential, &who, &secret) || !is_secret_of(snapshot, &who, secret))
        return error_set(err, ERROR_UNAUTHENTICATED, "Authentication failed!");
    *ret = who;
    return 0;
}

int access_authenticate_ticket(struct access *access, const char *ticket, bool changes, const char *csrf,
                               struct identity *ret, struct error *err)
{
    autosnapshot struct snapshot *snapshot = NULL;
    time_t now = time(NULL);
    struct login login;

    if (access_snapshot(access, &snapshot, err) != 0)
        return -1;
    if (!login_find(access, snapshot, ticket, now, &login))
        return error_set(err, ERROR_UNAUTHENTICATED, "Authentication failed!");
    if (changes && (csrf == NULL || !ticket_check_csrf(access->keys, &login, csrf, now)))
        return error_set(err, ERROR_UNAUTHENTICATED, "Permission denied - invalid csrf token");
    *ret = (struct identity){0};
    memcpy(ret->user, login.user, sizeof(ret->user));
    return 0;
}

bool access_allows(struct access *access, const struct identity *identity, const char *path,
                   const char *privilege)
{
    autosnapshot struct snapshot *snapshot = NULL;
    char normal[ACL_PATH_SIZE];
    struct error err;

    if (identity_is_root(identity))
        return true;
    if (identity->user[0] == '\0' || !acl_normalise_path(path, normal) ||
        access_snapshot(access, &snapshot, &err) != 0)
        return false;
    return (acl_rights(snapshot, identity, normal).held & privilege_find(privilege)) != 0;
}
