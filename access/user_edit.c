/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Creating, changing and deleting users. */
#include <string.h>
#include <time.h>

#include "access/acl_entry.h"
#include "access/document.h"
#include "access/group.h"
#include "access/internal.h"
#include "access/user.h"
#include "base/memory.h"
#include "schema/format.h"
#include "storage/edit.h"

struct user_edit {
    const char *user;
    const char *hash;
    const json_t *settings;
};

static void change_settings(json_t *document, const json_t *settings)
{
    static const char *const names[] = {"enable", "expire",  "firstname", "lastname",
                                        "email",  "comment", "keys"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        json_t *value = json_object_get(settings, names[i]);
        if (json_is_string(value) && json_string_length(value) == 0)
            json_object_del(document, names[i]);
        else if (value != NULL)
            json_object_set(document, names[i], value);
    }
}

static int change_groups(struct storage *storage, const struct user_edit *edit, struct change_set *set,
                         struct error *err)
{
    const char *list = json_string_value(json_object_get(edit->settings, "groups"));
    bool append = json_integer_value(json_object_get(edit->settings, "append")) != 0;
    autosplit char **groups = format_split_list(list != NULL ? list : "");

    return list == NULL ? 0 : group_set_membership(storage, edit->user, groups, append, set, err);
}

static int build_create(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct user_edit *edit = context;
    autojson json_t *document = NULL;

    if (object_read(storage, "user", edit->user, &document, NULL, err) == 0)
        return error_set(err, ERROR_CONFLICT, "create user failed: user '%s' already exists", edit->user);
    if (err->kind != ERROR_NOT_FOUND)
        return -1;
    if (access_check_room(storage, "user", err) != 0)
        return error_prefix(err, "create user failed: ");
    if (change_groups(storage, edit, set, err) != 0)
        return error_prefix(err, "create user failed: ");
    document = json_pack("{s:i, s:i, s:I}", "enable", 1, "expire", 0, "created", (json_int_t)time(NULL));
    change_settings(document, edit->settings);
    if (edit->hash != NULL)
        json_object_set_new(document, "password", json_string(edit->hash));
    access_end_logins(document); /* tickets of an earlier user of this name */
    change_set_put(set, "user", edit->user, 0, TAKE(document));
    return 0;
}

int user_create(struct storage *storage, const char *user, const char *hash, const json_t *settings,
                struct error *err)
{
    return edit_run(storage, build_create, &(struct user_edit){user, hash, settings}, err);
}

static int build_update(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct user_edit *edit = context;
    autojson json_t *document = NULL;
    int64_t revision;

    if (access_read_document(storage, "user", edit->user, &document, &revision, err) != 0 ||
        change_groups(storage, edit, set, err) != 0)
        return -1;
    bool was_active = access_is_active(document, time(NULL));
    change_settings(document, edit->settings);
    if (!was_active || !access_is_active(document, time(NULL)))
        access_end_logins(document); /* tickets stay invalid when the user is enabled again */
    change_set_put(set, "user", edit->user, revision, TAKE(document));
    return 0;
}

int user_update(struct storage *storage, const char *user, const json_t *settings, struct error *err)
{
    return edit_run(storage, build_update, &(struct user_edit){.user = user, .settings = settings}, err);
}

static int build_delete(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct user_edit *edit = context;
    autojson json_t *document = NULL;
    char *no_group = NULL;
    int64_t revision;

    if (access_read_document(storage, "user", edit->user, &document, &revision, err) != 0 ||
        group_set_membership(storage, edit->user, &no_group, false, set, err) != 0)
        return -1;
    change_set_delete(set, "user", edit->user, revision);
    return acl_entry_forget(storage, &(const struct acl_entry_gone){.user = edit->user}, set, err);
}

int user_delete(struct storage *storage, const char *user, struct error *err)
{
    if (strcmp(user, "root@pam") == 0)
        return error_set(err, ERROR_FAILED, "root@pam cannot be deleted");
    return edit_run(storage, build_delete, &(struct user_edit){.user = user}, err);
}
