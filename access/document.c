/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the documents of this room. */
#include "access/document.h"

#include <inttypes.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"

int access_read_document(struct storage *storage, const char *kind, const char *id, json_t **ret,
                         int64_t *ret_revision, struct error *err)
{
    if (object_read(storage, kind, id, ret, ret_revision, err) == 0)
        return 0;
    if (err->kind != ERROR_NOT_FOUND)
        return -1;
    if (strcmp(kind, "user") == 0)
        return error_set(err, ERROR_NOT_FOUND, "no such user ('%s')", id);
    return error_set(err, ERROR_NOT_FOUND, "%s '%s' does not exist", kind, id);
}

void access_end_logins(json_t *user)
{
    char random[UUID_SIZE];

    uuid_make(random);
    json_object_set_new(user, "epoch", json_stringn(random, strcspn(random, "-")));
}

int access_check_room(struct storage *storage, const char *kind, struct error *err)
{
    static const struct {
        const char *kind, *what;
        int64_t most;
    } rows[] = {
        {"user", "users", 20000},
        {"group", "groups", 2000},
        {"role", "roles", 1000},
        {"acl", "paths with ACL entries", 20000},
    };
    size_t i = 0;
    int64_t count;

    while (strcmp(rows[i].kind, kind) != 0)
        i++;
    if (object_count(storage, kind, &count, err) != 0)
        return -1;
    if (count < rows[i].most)
        return 0;
    return error_set(err, ERROR_FAILED,
                     "there are %" PRId64 " %s, and no more are possible: delete one first", count,
                     rows[i].what);
}
