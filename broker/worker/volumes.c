/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation volumes: lists the store. */
#include "broker/operations.h"
#include "broker/worker/worker.h"
#include "store/store.h"

const struct schema operation_volumes_arguments[] = {{.name = NULL}};

static int list_volumes(struct worker *worker, json_t **ret, struct error *err)
{
    json_t *volumes = NULL;

    if (store_list(worker->store, &volumes, err) != 0)
        return -1;
    *ret = json_pack("{s:o}", "volumes", volumes);
    return 0;
}

const struct operation operation_volumes = {
    .name = "volumes",
    .text = "Lists the volumes of the storage `local`.",
    .arguments = operation_volumes_arguments,
    .patience = READING_PATIENCE,
    .run = list_volumes,
};
