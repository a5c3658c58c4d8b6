/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logging in. */
#include "access/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access/document.h"
#include "access/internal.h"
#include "access/password.h"
#include "access/snapshot.h"
#include "access/ticket.h"
#include "base/json.h"
#include "base/memory.h"
#include "storage/edit.h"

#define DAY (24 * 60 * 60)

static const char *realm_of(const char *user)
{
    const char *at = strrchr(user, '@');

    return at != NULL ? at + 1 : "";
}

void login_set_limit(struct access *access, unsigned days)
{
    access->login_days = days;
}

static const char *epoch_of(const json_t *user)
{
    const char *epoch = json_string_value(json_object_get(user, "epoch"));

    return epoch != NULL && strlen(epoch) == EPOCH_SIZE - 1 ? epoch : EPOCH_NONE;
}

bool login_find(struct access *access, const struct snapshot *snapshot, const char *ticket, time_t now,
                struct login *ret)
{
    struct login login;

    if (access->keys == NULL || !ticket_check(access->keys, ticket, now, &login) ||
        now - login.first >= (time_t)access->login_days * DAY)
        return false;
    const json_t *user = snapshot_user(snapshot, login.user);
    if (user == NULL || !access_is_active(user, now) || strcmp(epoch_of(user), login.epoch) != 0)
        return false;
    *ret = login;
    return true;
}

bool access_read_standing(struct access *access, const struct identity *caller,
                          char ret[static STANDING_SIZE])
{
    autosnapshot struct snapshot *snapshot = NULL;
    time_t now = time(NULL);
    struct error ignored;
    bool is_token = caller->token[0] != '\0';

    ret[0] = '\0';
    if (access_snapshot(access, &snapshot, &ignored) != 0)
        return false;
    const json_t *user = snapshot_user(snapshot, caller->user);
    const json_t *token = is_token ? snapshot_token(snapshot, caller->user, caller->token) : NULL;
    if (user == NULL || !access_is_active(user, now) ||
        (is_token && (token == NULL || !access_is_active(token, now))))
        return false;
    snprintf(ret, STANDING_SIZE, "%s", is_token ? json_text(token, "hash") : epoch_of(user));
    return true;
}

/* Returns the login that the ticket goes back to. */
static int try_ticket(struct access *access, const struct snapshot *snapshot, const char *user,
                      const char *ticket, time_t *ret_first, struct error *err)
{
    struct login login;

    if (!login_find(access, snapshot, ticket, time(NULL), &login))
        return error_set(err, ERROR_LOGIN, "the ticket is too old or forged, or its login has ended");
    if (strcmp(login.user, user) != 0 && strcmp(login.user, "root@pam") != 0)
        return error_set(err, ERROR_LOGIN, "the ticket is that of another user");
    *ret_first = login.first;
    return 0;
}

static int ask_pam(struct access *access, const char *user, const char *password, struct error *err)
{
    autofree char *name = xstrndup(user, (size_t)(strrchr(user, '@') - user));

    if (access->check_pam == NULL)
        return error_set(err, ERROR_LOGIN, "no broker: PAM cannot be asked");
    if (access->check_pam(access->pam_context, name, password, err) == 0)
        return 0;
    err->kind = ERROR_LOGIN;
    return -1;
}

/* Takes as long for an unknown user as for others, so that the time does not reveal who exists. */
static int try_password(struct access *access, const char *user, const json_t *document, const char *password,
                        struct error *err)
{
    bool own = strcmp(realm_of(user), "pve") == 0;
    const char *hash = own ? json_string_value(json_object_get(document, "password")) : NULL;

    if (document != NULL && strcmp(realm_of(user), "pam") == 0)
        return ask_pam(access, user, password, err);
    if (password_matches(password, hash))
        return 0;
    return error_set(err, ERROR_LOGIN, "%s",
                     document == NULL ? "no such user"
                     : !own           ? "no such realm"
                     : hash == NULL   ? "the user has no password"
                                      : "wrong password");
}

static int check_user(const json_t *document, struct error *err)
{
    if (document == NULL)
        return error_set(err, ERROR_LOGIN, "no such user");
    if (!access_is_active(document, time(NULL)))
        return error_set(err, ERROR_LOGIN, "the user is disabled or expired");
    return 0;
}

/* The epoch comes from the snapshot in which the password was right. So if the password is changed in the
 * meantime, the login ends at once. */
int login_prove(struct access *access, const char *user, const char *password, struct login *ret,
                struct error *err)
{
    autosnapshot struct snapshot *snapshot = NULL;
    struct login login = {.first = time(NULL)};
    struct ticket shown;

    if (access_snapshot(access, &snapshot, err) != 0)
        return -1;
    const json_t *document = snapshot_user(snapshot, user);
    if ((ticket_parse(password, &shown) ? try_ticket(access, snapshot, user, password, &login.first, err)
                                        : try_password(access, user, document, password, err)) != 0)
        return -1;
    if (check_user(document, err) != 0)
        return -1;
    snprintf(login.user, sizeof(login.user), "%s", user);
    snprintf(login.epoch, sizeof(login.epoch), "%s", epoch_of(document));
    *ret = login;
    return 0;
}

int login_prove_password(struct access *access, const char *user, const char *password, struct error *err)
{
    autosnapshot struct snapshot *snapshot = NULL;

    if (access_snapshot(access, &snapshot, err) != 0)
        return -1;
    const json_t *document = snapshot_user(snapshot, user);
    if (try_password(access, user, document, password, err) != 0)
        return -1;
    return check_user(document, err);
}

static int grant_from(struct access *access, const struct login *login, time_t made, json_t **ret,
                      struct error *err)
{
    autofree char *ticket = NULL;
    char csrf[CSRF_SIZE];

    if (access->keys == NULL)
        return error_set(err, ERROR_FAILED, "there are no keys to sign tickets with");
    if (ticket_make(access->keys, login, made, &ticket, err) != 0)
        return -1;
    ticket_make_csrf(access->keys, login, made, csrf);
    *ret =
        json_pack("{s:s, s:s, s:s}", "username", login->user, "ticket", ticket, "CSRFPreventionToken", csrf);
    return 0;
}

int login_grant(struct access *access, const struct login *login, json_t **ret, struct error *err)
{
    return grant_from(access, login, time(NULL), ret, err);
}

int login_lend(struct access *access, const char *user, unsigned seconds, json_t **ret, struct error *err)
{
    autosnapshot struct snapshot *snapshot = NULL;
    struct login login = {.first = time(NULL) - TICKET_SECONDS + (time_t)seconds};

    if (access_snapshot(access, &snapshot, err) != 0)
        return -1;
    const json_t *document = snapshot_user(snapshot, user);
    if (check_user(document, err) != 0)
        return -1;
    snprintf(login.user, sizeof(login.user), "%s", user);
    snprintf(login.epoch, sizeof(login.epoch), "%s", epoch_of(document));
    return grant_from(access, &login, login.first, ret, err);
}

int login_hash_password(const char *user, const char *password, char **ret, struct error *err)
{
    char hash[PASSWORD_HASH_SIZE];

    if (strcmp(realm_of(user), "pam") == 0)
        return error_set(err, ERROR_FAILED,
                         "the password of '%s' is this host's: change it there, with passwd(1)", user);
    if (strcmp(realm_of(user), "pve") != 0)
        return error_set(err, ERROR_NOT_FOUND, "realm '%s' does not exist", realm_of(user));
    if (password_hash(password, hash, err) != 0)
        return -1;
    *ret = xstrdup(hash);
    return 0;
}

struct password_edit {
    const char *user, *hash;
};

static int build(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct password_edit *edit = context;
    autojson json_t *document = NULL;
    int64_t revision;

    if (access_read_document(storage, "user", edit->user, &document, &revision, err) != 0)
        return -1;
    json_object_set_new(document, "password", json_string(edit->hash));
    access_end_logins(document);
    change_set_put(set, "user", edit->user, revision, TAKE(document));
    return 0;
}

int login_set_password(struct access *access, const char *user, const char *password, struct error *err)
{
    autofree char *hash = NULL;

    if (login_hash_password(user, password, &hash, err) != 0)
        return -1;
    return edit_run(access->storage, build, &(struct password_edit){user, hash}, err);
}
