/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits: read, change, commit, and start again if somebody else was faster. */
#include "storage/edit.h"

#include "base/memory.h"

#define ATTEMPTS 100

int edit_retry(edit_attempt *attempt, void *context, struct error *err)
{
    bool overtaken = true;

    for (int i = 0; i < ATTEMPTS && overtaken; i++) {
        overtaken = false;
        if (attempt(context, &overtaken, err) == 0)
            return 0;
    }
    return -1;
}

struct edit {
    struct storage *storage;
    edit_function *build;
    void *context;
};

static int build_and_commit(void *context, bool *overtaken, struct error *err)
{
    const struct edit *edit = context;
    autochange struct change_set *set = change_set_new();

    if (edit->build(edit->storage, edit->context, set, err) != 0)
        return -1;
    if (storage_commit(edit->storage, TAKE(set), err) == 0)
        return 0;
    *overtaken = err->kind == ERROR_CONFLICT;
    return -1;
}

int edit_run(struct storage *storage, edit_function *build, void *context, struct error *err)
{
    return edit_retry(build_and_commit, &(struct edit){storage, build, context}, err);
}
