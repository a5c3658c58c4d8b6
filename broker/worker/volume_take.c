/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation volume-take: a file that the daemon has received becomes a disc of the store. */
#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/volume.h"

const struct schema operation_volume_take_arguments[] = {
    ARGUMENT_VOLUME,
    {.name = "upload",
     .type = SCHEMA_STRING,
     .pattern = "upload-[0-9a-f-]{36}",
     .text = "The file's name in the daemon's folder of the storage."},
    {.name = NULL}};

/* Of two that bring the same disc at the same time, one is told so. */
static int take_volume(struct worker *worker, json_t **ret, struct error *err)
{
    const char *id = json_text(worker->arguments, "volume");
    struct vm_volume volume;

    if (vm_volume_parse(id, &volume, err) != 0)
        return -1;
    if (volume.content != VM_CONTENT_ISO)
        return error_set(err, ERROR_INVALID, "'%s' is not a disc", id);
    autojson json_t *claims = json_pack("[{s:s}]", "id", id);
    if (worker_claim(worker, claims, err) != 0)
        return -1;
    json_t *order = json_pack("{s:s, s:s}", "work", "take", "upload", json_text(worker->arguments, "upload"));
    int result = volume_run_order(worker, id, &volume, order, err);
    worker_release(worker, id);
    if (result == 0)
        *ret = json_object();
    return result;
}

const struct operation operation_volume_take = {
    .name = "volume_take",
    .text = "Makes an uploaded file a disc of the storage `local`.",
    .arguments = operation_volume_take_arguments,
    .changes = true,
    .run = take_volume,
};
