/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations mdev-start and mdev-sweep: which mediated devices there are after the broker's start. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/mdev.h"
#include "hardware/slice/mdevctl.h"

const struct schema operation_mdev_start_arguments[] = {ARGUMENT_FUNCTION, {.name = NULL}};

const struct schema operation_mdev_sweep_arguments[] = {
    ARGUMENT_FUNCTION,
    {.name = "made",
     .type = SCHEMA_ARRAY,
     .max_items = 65535,
     .items = ITEMS(.type = SCHEMA_STRING, .max_length = UUID_SIZE - 1),
     .text = "UUIDs of those that an earlier broker made; \"\": it made the function a vGPU."},
    {.name = NULL}};

static int start_claimed(const struct mdev_request *request, const struct plan *plan, bool *ret_left,
                         struct error *err)
{
    automdevstate struct mdev_state was = {.file = NULL}, wanted = {.file = NULL};

    if (mdev_prepare_create(request, plan, &was, &wanted, err) != 0)
        return -1;
    return mdev_change(&request->target, plan->list[0].device, &was, &wanted, ret_left, err);
}

/* mdevctl's udev rule may do the same. */
static int start_one(struct worker *worker, const struct plan *plan, const json_t *file, bool *ret_left,
                     struct error *err)
{
    struct mdev_request request = {.type = json_text(file, "type"),
                                   .target = {.worker = worker, .parent = plan->list[0].device->address}};

    memcpy(request.target.id, plan->list[0].id, sizeof(request.target.id));
    snprintf(request.target.uuid, sizeof(request.target.uuid), "%s", json_text(file, "uuid"));
    if (mdev_claim(&request.target, plan->list[0].device, err) != 0)
        return -1;
    int result = start_claimed(&request, plan, ret_left, err);
    if (!*ret_left) {
        worker->undoing = false;
        worker_release(worker, request.target.id);
    }
    if (result != 0)
        worker_log(worker, "%s: the mediated device %s is not created: %s", request.target.id,
                   request.target.uuid, err->message);
    return result;
}

/* Those whose files say so. One that fails does not keep the others from being created, unless it is left
 * half-way: then its claim holds the parent. */
static int start_all(struct worker *worker, const struct plan *plan, struct error *err)
{
    autojson json_t *files = NULL;
    unsigned failed = 0, count = 0;
    bool left = false;
    struct error last;
    const json_t *file;
    size_t i;

    if (mdevctl_list(worker->sysroot, &files, err) != 0)
        return -1;
    json_array_foreach(files, i, file) {
        if (strcmp(json_text(file, "parent"), plan->list[0].id) != 0 ||
            strcmp(json_text(file, "start"), "auto") != 0)
            continue;
        count++;
        if (!left)
            failed += start_one(worker, plan, file, &left, &last) != 0;
        else
            failed++;
    }
    if (failed > 0)
        return error_set(err, ERROR_FAILED, "%u of %u mediated devices of %s could not be created: %s",
                         failed, count, plan->list[0].id, last.message);
    return 0;
}

static int start(struct worker *worker, json_t **ret, struct error *err)
{
    struct mdev_request request = {.type = ""};
    autoplan struct plan plan = {.list = NULL};

    if (mdev_parse(worker, &request, err) != 0 ||
        plan_choose(worker->sysroot, request.target.parent, SCOPE_FUNCTION, &plan, err) != 0)
        return -1;
    if (!plan.list[0].device->mdev)
        worker_log(worker, "%s: its driver offers no mediated devices now; they are created when it does",
                   request.target.id);
    else if (start_all(worker, &plan, err) != 0)
        return -1;
    *ret = json_object();
    return 0;
}

/* One without a UUID is kept by its fact, the others by their files. */
static bool is_wanted(const struct mdev_target *target, const struct mdev_state *now)
{
    if (target->uuid[0] != '\0')
        return now->file != NULL;
    autojson json_t *facts = worker_read_facts(target->worker, target->id);
    return json_object_get(facts, FACT_VGPU) != NULL;
}

static int sweep_claimed(const struct mdev_target *target, const struct inventory *inventory, bool *ret_left,
                         struct error *err)
{
    const struct pci_device *device = inventory_find(inventory, target->parent);
    automdevstate struct mdev_state was = {.file = NULL}, wanted = {.file = NULL};

    if (target->uuid[0] == '\0' && (device == NULL || !device->nvidia))
        return 0;
    if (mdev_state_read(target, &was, err) != 0)
        return -1;
    if (is_wanted(target, &was))
        return 0;
    if (was.type[0] != '\0' && mdev_check_unused(target, inventory, err) != 0)
        return -1;
    return mdev_change(target, device, &was, &wanted, ret_left, err);
}

/* Whoever uses one keeps it. -1 only if it is left half-way. */
static int sweep_one(struct mdev_target *target, const struct inventory *inventory, const char *uuid,
                     struct error *err)
{
    struct worker *worker = target->worker;
    bool left = false;

    target->uuid[0] = '\0';
    if (uuid[0] != '\0' && !mdev_parse_uuid(uuid, target->uuid))
        return 0;
    autofree char *name = mdev_target_name(target);
    int result = mdev_claim(target, inventory_find(inventory, target->parent), err);
    if (result == 0)
        result = sweep_claimed(target, inventory, &left, err);
    if (!left) {
        worker->undoing = false;
        worker_release(worker, target->id);
    }
    if (result != 0)
        worker_log(worker, "%s: %s, which is left over, stays: %s", target->id, name, err->message);
    return left ? -1 : 0;
}

static int sweep(struct worker *worker, json_t **ret, struct error *err)
{
    struct mdev_request request = {.type = ""};
    autoinventory struct inventory *inventory = NULL;
    const json_t *uuid;
    size_t i;

    if (mdev_parse(worker, &request, err) != 0 || inventory_scan(worker->sysroot, &inventory, err) != 0)
        return -1;
    json_array_foreach(json_object_get(worker->arguments, "made"), i, uuid) {
        if (sweep_one(&request.target, inventory, json_string_value(uuid), err) != 0)
            return -1;
    }
    *ret = json_object();
    return 0;
}

const struct operation operation_mdev_start = {
    .name = "mdev-start",
    .text = "Creates the mediated devices of a function that are kept in /" ETC_MDEVCTL
            " and start by themselves.",
    .arguments = operation_mdev_start_arguments,
    .changes = true,
    .run = start,
};

const struct operation operation_mdev_sweep = {
    .name = "mdev-sweep",
    .text = "Removes mediated devices that an earlier broker made, unless they are kept or in use.",
    .arguments = operation_mdev_sweep_arguments,
    .changes = true,
    .run = sweep,
};
