/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way back of what an operation changed. */
#include "broker/worker/undo.h"

#include "base/json.h"
#include "base/memory.h"
#include "broker/worker/bind.h"
#include "broker/worker/d3cold.h"
#include "broker/worker/divide.h"
#include "broker/worker/host.h"
#include "broker/worker/mdev_state.h"
#include "broker/worker/rom.h"
#include "broker/worker/vm_end.h"
#include "broker/worker/vm_plug.h"
#include "broker/worker/volume.h"

/* A count comes before drivers: the virtual functions that get them back are there only after it. */
static const struct kind {
    const char *member; /* only claims of this kind have it */
    int (*undo)(struct worker *worker, const json_t *claim, struct text *where);
} kinds[] = {
    {"machine", vm_undo},   /* QEMU must be gone before its devices can go back */
    {"plug", vm_plug_undo}, /* and so must the device, from it */
    {"numvfs", divide_undo}, {"override", bind_undo}, {MDEV_CLAIM, mdev_undo}, {"files", host_undo},
    {"rom", rom_undo},       {"d3cold", d3cold_undo}, {"volume", volume_undo},
};

static size_t kind_of(const json_t *claim)
{
    size_t kind = 0;

    while (kind < COUNT_OF(kinds) && json_object_get(claim, kinds[kind].member) == NULL)
        kind++;
    return kind;
}

static int undo_one(struct worker *worker, const json_t *claim, size_t kind, struct text *where)
{
    const char *id = json_text(claim, "id");

    text_printf(where, "%s%s ", where->length > 0 ? ", " : "", id);
    if (kind < COUNT_OF(kinds))
        return kinds[kind].undo(worker, claim, where);
    worker_release(worker, id);
    text_append(where, "was not changed");
    return 0;
}

int undo_claims(struct worker *worker, const json_t *claims, struct text *where)
{
    int result = 0;

    for (size_t kind = 0; kind <= COUNT_OF(kinds) && result == 0; kind++)
        for (size_t i = json_array_size(claims); i-- > 0;)
            if (kind_of(json_array_get(claims, i)) == kind &&
                undo_one(worker, json_array_get(claims, i), kind, where) != 0)
                result = -1;
    return result;
}
