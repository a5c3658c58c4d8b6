/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits: changes of documents for which nobody named a revision. */
#include "access/edit.h"

#include <string.h>

#include "base/memory.h"

#define ATTEMPTS 50

int edit_read(struct storage *storage, const char *kind, const char *id, json_t **ret, int64_t *ret_revision,
              struct error *err)
{
    if (object_read(storage, kind, id, ret, ret_revision, err) == 0)
        return 0;
    if (err->kind != ERROR_NOT_FOUND)
        return -1;
    if (strcmp(kind, "user") == 0)
        return error_set(err, ERROR_NOT_FOUND, "no such user ('%s')", id);
    return error_set(err, ERROR_NOT_FOUND, "%s '%s' does not exist", kind, id);
}

int edit_run(struct storage *storage, edit_function *build, void *context, struct error *err)
{
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        autochange struct change_set *set = change_set_new();

        if (build(storage, context, set, err) != 0)
            return -1;
        if (storage_commit(storage, TAKE(set), err) == 0)
            return 0;
        if (err->kind != ERROR_CONFLICT)
            return -1;
    }
    return -1;
}
