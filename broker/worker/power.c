/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation power: starts this host anew or switches it off. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/unit.h"

const struct schema operation_power_arguments[] = {
    {.name = "command",
     .type = SCHEMA_STRING,
     .values = VALUES("reboot", "shutdown"),
     .text = "reboot: restarts it; shutdown: switches it off."},
    {.name = NULL}};

/* The claim keeps it apart from an operation that is writing what the next boot needs. */
static int claim_host(struct worker *worker, struct error *err)
{
    autojson json_t *claims = json_pack("[{s:s}]", "id", WORKER_HOST);

    return worker_claim(worker, claims, err);
}

static int power(struct worker *worker, json_t **ret, struct error *err)
{
    bool reboots = strcmp(json_text(worker->arguments, "command"), "reboot") == 0;

    if (!program_may_run(worker->sysroot))
        return error_set(err, ERROR_FAILED, "--sysroot names another host, and this one is left alone");
    if (claim_host(worker, err) != 0)
        return -1;
    int result = unit_run(worker, WORKER_HOST, reboots ? PROGRAM_REBOOT : PROGRAM_POWEROFF, NULL, err);
    worker_release(worker, WORKER_HOST);
    *ret = json_object();
    return result;
}

const struct operation operation_power = {
    .name = "power",
    .text = "Reboots this host or switches it off.",
    .arguments = operation_power_arguments,
    .changes = true,
    .run = power,
};
