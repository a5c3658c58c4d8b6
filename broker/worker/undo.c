/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way back of what an operation changed. */
#include "broker/worker/undo.h"

#include "base/json.h"
#include "base/memory.h"
#include "broker/worker/bind.h"
#include "broker/worker/divide.h"
#include "broker/worker/mdev_state.h"

static const struct kind {
    const char *member; /* only claims of this kind have it */
    int (*undo)(struct worker *worker, const json_t *claim, struct text *where);
} kinds[] = {
    {"override", bind_undo},
    {"numvfs", divide_undo},
    {MDEV_CLAIM, mdev_undo},
};

static int undo_one(struct worker *worker, const json_t *claim, struct text *where)
{
    const char *id = json_text(claim, "id");

    text_printf(where, "%s%s ", where->length > 0 ? ", " : "", id);
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (json_object_get(claim, kinds[i].member) != NULL)
            return kinds[i].undo(worker, claim, where);
    worker_release(worker, id);
    text_append(where, "was not changed");
    return 0;
}

int undo_claims(struct worker *worker, const json_t *claims, struct text *where)
{
    int result = 0;

    for (size_t i = json_array_size(claims); i-- > 0;)
        if (undo_one(worker, json_array_get(claims, i), where) != 0)
            result = -1;
    return result;
}
