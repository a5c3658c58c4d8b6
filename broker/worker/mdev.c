/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations mdev-create, mdev-remove, mdev-start and mdev-sweep: mediated devices, and vGPUs by NVIDIA's own
 * interface.
 */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/mdev_state.h"
#include "broker/worker/plan.h"
#include "broker/worker/undo.h"
#include "hardware/slice/mdev_change.h"
#include "hardware/slice/mdevctl.h"
#include "hardware/use/use.h"

#define FACT_VGPU "vgpu" /* of a function: the type that it becomes at each start (broker/daemon/kept.c) */

const struct schema operation_mdev_create_arguments[] = {
    ARGUMENT_FUNCTION,
    {.name = "type",
     .type = SCHEMA_STRING,
     .format = "mdev-type",
     .text = "One of the types that GET of the same path lists."},
    {.name = "uuid",
     .type = SCHEMA_STRING,
     .optional = true,
     .format = "uuid",
     .text =
         "Its UUID; left out: a random one, which the task's log names. If it exists already, of this type "
         "at this device, nothing is changed. A vGPU of NVIDIA's own interface has none."},
    {.name = "persistent",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .text =
         "1: also at each start of the host, kept in /" ETC_MDEVCTL " as mdevctl does; 0: forget that. Left "
         "out: that stays as it is. What is not persistent, and nobody uses, is removed when the broker "
         "starts again."},
    {.name = NULL}};

const struct schema operation_mdev_remove_arguments[] = {
    ARGUMENT_FUNCTION,
    {.name = "uuid",
     .type = SCHEMA_STRING,
     .optional = true,
     .format = "uuid",
     .text = "The mediated device of the function; left out: the vGPU that the function itself is."},
    {.name = "keep",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .fallback = "0",
     .text = "1: it is there again at the next start of the host, if it is persistent."},
    {.name = NULL}};

const struct schema operation_mdev_start_arguments[] = {ARGUMENT_FUNCTION, {.name = NULL}};

const struct schema operation_mdev_sweep_arguments[] = {
    ARGUMENT_FUNCTION,
    {.name = "made",
     .type = SCHEMA_ARRAY,
     .max_items = 65535,
     .items = ITEMS(.type = SCHEMA_STRING, .max_length = UUID_SIZE - 1),
     .text = "UUIDs of those that an earlier broker made; \"\": it made the function a vGPU."},
    {.name = NULL}};

struct request {
    struct mdev_target target;
    const char *type;
    enum { PERSISTENT_AS_BEFORE, PERSISTENT_NO, PERSISTENT_YES } persistent;
    bool keep;
};

static int parse(struct worker *worker, struct request *ret, struct error *err)
{
    const json_t *arguments = worker->arguments, *persistent = json_object_get(arguments, "persistent");
    const char *uuid = json_text_or(arguments, "uuid", NULL);

    ret->target.worker = worker;
    ret->type = json_text(arguments, "type");
    ret->keep = json_integer_value(json_object_get(arguments, "keep")) != 0;
    if (persistent != NULL)
        ret->persistent = json_integer_value(persistent) != 0 ? PERSISTENT_YES : PERSISTENT_NO;
    if (!pci_address_parse(json_text(arguments, "id"), &ret->target.parent))
        return error_set_field(err, "id", "value is not a PCI id such as 0000:01:00.0");
    if (uuid != NULL && !mdev_parse_uuid(uuid, ret->target.uuid))
        return error_set_field(err, "uuid", "value '%.100s' is not a UUID", uuid);
    pci_address_format(ret->target.parent, ret->target.id);
    return 0;
}

/* `device` is NULL if the function is not there any more, and `change` if nothing was changed yet. */
static json_t *pack_claim(const struct mdev_target *target, const struct pci_device *device, json_t *change)
{
    json_t *claim =
        json_pack("{s:s, s:i, s:i}", "id", target->id, "vendor", device != NULL ? device->vendor : 0,
                  "device", device != NULL ? device->device : 0);

    if (change != NULL)
        json_object_set_new(claim, MDEV_CLAIM, change);
    return json_pack("[o]", claim);
}

static int claim_first(struct mdev_target *target, const struct pci_device *device, struct error *err)
{
    target->ids.vendor = device != NULL ? device->vendor : 0;
    target->ids.device = device != NULL ? device->device : 0;
    autojson json_t *claims = pack_claim(target, device, NULL);

    return worker_claim(target->worker, claims, err);
}

/* From what there was to what is wanted; what fails is undone. */
static int change(const struct mdev_target *target, const struct pci_device *device,
                  const struct mdev_state *was, const struct mdev_state *wanted, struct error *err)
{
    autojson json_t *claims = pack_claim(target, device, mdev_pack_change(target, was, wanted));
    autotext struct text where = {0};

    if (worker_claim(target->worker, claims, err) != 0) {
        worker_release(target->worker, target->id);
        return -1;
    }
    if (mdev_state_reach(target, wanted, err) >= 0)
        return 0;
    struct error reason = *err;
    target->worker->undoing = true;
    worker_log(target->worker, "the operation is undone, because it failed: %s", reason.message);
    undo_claims(target->worker, claims, &where);
    return error_set(err, reason.kind, "%s; %s", reason.message, text_string(&where));
}

/* One UUID names one mediated device of the host, and keeps the type that it has. */
static int check_name(const struct request *request, const struct mdev_state *was, struct error *err)
{
    const struct mdev_target *target = &request->target;
    struct mdev_place place;

    if (target->uuid[0] == '\0')
        return was->type[0] == '\0' || strcmp(was->type, request->type) == 0
                   ? 0
                   : error_set(err, ERROR_CONFLICT,
                               "%s is a vGPU of type '%s' already, and not of '%s': remove it first (hostpci "
                               "delete /nodes/localhost/hardware/mdev/%s)",
                               target->id, was->type, request->type, target->id);
    int found = mdev_find(target->worker->sysroot, target->uuid, &place, err);
    if (found < 0)
        return -1;
    if (found > 0 && (strcmp(place.parent, target->id) != 0 || strcmp(place.type, request->type) != 0))
        return error_set(
            err, ERROR_CONFLICT,
            "the mediated device '%s' exists already, of type '%s' at '%s', and not of '%s' at '%s': "
            "remove it first, or choose another UUID",
            target->uuid, place.type, place.parent, request->type, target->id);
    autofree char *kept = was->file != NULL ? mdevctl_type(was->file) : NULL;
    if (kept != NULL && strcmp(kept, request->type) != 0)
        return error_set(err, ERROR_CONFLICT,
                         "the mediated device '%s' is kept with type '%s' in /" ETC_MDEVCTL
                         "/%s/%s, and not with "
                         "'%s': remove it first, or choose another UUID",
                         target->uuid, kept, target->id, target->uuid, request->type);
    return 0;
}

static int prepare_create(const struct request *request, const struct plan *plan, struct mdev_state *was,
                          struct mdev_state *wanted, struct error *err)
{
    const struct mdev_target *target = &request->target;

    if (mdev_state_read(target, was, err) != 0 || check_name(request, was, err) != 0)
        return -1;
    if (was->type[0] == '\0' && mdev_check_type(target->worker->sysroot, plan->inventory,
                                                plan->list[0].device, request->type, err) != 0)
        return -1;
    snprintf(wanted->type, sizeof(wanted->type), "%s", request->type);
    if (target->uuid[0] != '\0' && request->persistent == PERSISTENT_YES)
        wanted->file = mdevctl_compose(was->file, request->type);
    else if (request->persistent != PERSISTENT_NO && was->file != NULL)
        wanted->file = xstrdup(was->file);
    return 0;
}

/* The other mediated devices are kept by their files. */
static void keep_vgpu(const struct request *request, const struct pci_device *device)
{
    const struct mdev_target *target = &request->target;
    const struct driver_state ids = {.vendor = device->vendor, .device = device->device};

    if (target->uuid[0] != '\0')
        return;
    if (request->persistent == PERSISTENT_YES)
        worker_save_fact(target->worker, FACT_VGPU, target->id, &ids,
                         json_pack("{s:s}", "type", request->type));
    else if (request->persistent == PERSISTENT_NO)
        worker_forget_fact(target->worker, FACT_VGPU, target->id);
}

static int choose_name(struct request *request, const struct pci_device *device, struct error *err)
{
    if (device->nvidia && request->target.uuid[0] != '\0')
        return error_set_field(
            err, "uuid",
            "%s becomes a vGPU itself, by NVIDIA's own interface, which knows no UUID: leave "
            "uuid out",
            request->target.id);
    if (!device->nvidia && request->target.uuid[0] == '\0')
        uuid_make(request->target.uuid);
    return 0;
}

static json_t *describe(const struct request *request, const struct mdev_state *was)
{
    const struct mdev_target *target = &request->target;
    json_t *result = json_pack("{s:s, s:s, s:b}", "parent", target->id, "type", request->type, "created",
                               was->type[0] == '\0');

    if (target->uuid[0] != '\0')
        json_object_set_new(result, "uuid", json_string(target->uuid));
    return result;
}

static int create(struct worker *worker, json_t **ret, struct error *err)
{
    struct request request = {.type = ""};
    autoplan struct plan plan = {.list = NULL};
    automdevstate struct mdev_state was = {.file = NULL}, wanted = {.file = NULL};

    if (parse(worker, &request, err) != 0 ||
        plan_choose(worker->sysroot, request.target.parent, SCOPE_FUNCTION, &plan, err) != 0)
        return -1;
    const struct pci_device *device = plan.list[0].device;
    if (choose_name(&request, device, err) != 0 || claim_first(&request.target, device, err) != 0)
        return -1;
    if (prepare_create(&request, &plan, &was, &wanted, err) != 0) {
        worker_release(worker, request.target.id);
        return -1;
    }
    if (change(&request.target, device, &was, &wanted, err) != 0)
        return -1;
    if (was.type[0] != '\0') {
        autofree char *name = mdev_target_name(&request.target);
        worker_log(worker, "%s: %s exists already, of type %s", request.target.id, name, was.type);
    }
    keep_vgpu(&request, device);
    worker_release(worker, request.target.id);
    *ret = describe(&request, &was);
    return 0;
}

static bool is_use_of(const struct host_use *use, const struct mdev_target *target)
{
    return use->kind == USE_VFIO && use->weight >= USE_ACTIVE &&
           (target->uuid[0] == '\0' || strcmp(use->name, target->uuid) == 0);
}

/* The kernel would wait for as long as somebody has it. */
static int check_unused(const struct mdev_target *target, const struct inventory *inventory,
                        struct error *err)
{
    autohostuses struct host_uses *uses = NULL;
    const struct host_use *list = NULL;

    if (host_uses_scan(target->worker->sysroot, inventory, &uses, err) != 0)
        return -1;
    size_t count = host_uses_of(uses, target->parent, &list);
    for (size_t i = 0; i < count; i++) {
        autotext struct text who = {0}, advice = {0}, command = {0};
        if (!is_use_of(&list[i], target))
            continue;
        host_use_describe(&list[i], &who);
        host_use_remedy(&list[i], &advice, &command);
        return error_set(err, ERROR_FAILED, "what is in use is not removed: %s: %s (%s): %s%s%s%s",
                         target->id, text_string(&who), list[i].evidence, text_string(&advice),
                         command.length > 0 ? ": type `" : "", text_string(&command),
                         command.length > 0 ? "`" : "");
    }
    return 0;
}

/* Also when its driver or the function itself is gone, so that there is no vGPU: only this forgets it. */
static bool forgets_vgpu(const struct request *request)
{
    const struct mdev_target *target = &request->target;

    if (target->uuid[0] != '\0' || request->keep)
        return false;
    autojson json_t *facts = worker_read_facts(target->worker, target->id);
    return json_object_get(facts, FACT_VGPU) != NULL;
}

static int refuse_unknown(const struct mdev_target *target, struct error *err)
{
    if (target->uuid[0] == '\0')
        return error_set(err, ERROR_NOT_FOUND, "%s is no vGPU", target->id);
    return error_set(err, ERROR_NOT_FOUND,
                     "%s has no mediated device '%s', and none is kept for it in /" ETC_MDEVCTL, target->id,
                     target->uuid);
}

static int prepare_remove(const struct request *request, const struct inventory *inventory,
                          struct mdev_state *was, struct mdev_state *wanted, struct error *err)
{
    const struct pci_device *device = inventory_find(inventory, request->target.parent);
    bool readable = request->target.uuid[0] != '\0' || (device != NULL && device->nvidia);

    if (readable && mdev_state_read(&request->target, was, err) != 0)
        return -1;
    if (was->type[0] == '\0' && was->file == NULL)
        return forgets_vgpu(request) ? 0 : refuse_unknown(&request->target, err);
    if (request->keep && was->file != NULL)
        wanted->file = xstrdup(was->file);
    return was->type[0] != '\0' ? check_unused(&request->target, inventory, err) : 0;
}

/* The function may be gone, and the file that keeps a mediated device for it still be there. */
static int remove_mdev(struct worker *worker, json_t **ret, struct error *err)
{
    struct request request = {.type = ""};
    autoinventory struct inventory *inventory = NULL;
    automdevstate struct mdev_state was = {.file = NULL}, wanted = {.file = NULL};

    if (parse(worker, &request, err) != 0 || inventory_scan(worker->sysroot, &inventory, err) != 0)
        return -1;
    struct mdev_target *target = &request.target;
    const struct pci_device *device = inventory_find(inventory, target->parent);
    if (claim_first(target, device, err) != 0)
        return -1;
    if (prepare_remove(&request, inventory, &was, &wanted, err) != 0) {
        worker_release(worker, target->id);
        return -1;
    }
    if ((was.type[0] != '\0' || was.file != NULL) && change(target, device, &was, &wanted, err) != 0)
        return -1;
    if (target->uuid[0] == '\0' && !request.keep)
        worker_forget_fact(worker, FACT_VGPU, target->id);
    worker_release(worker, target->id);
    *ret = json_pack("{s:s, s:s}", "parent", target->id, "type", was.type);
    return 0;
}

static int start_claimed(const struct request *request, const struct plan *plan, struct error *err)
{
    automdevstate struct mdev_state was = {.file = NULL}, wanted = {.file = NULL};

    if (prepare_create(request, plan, &was, &wanted, err) != 0)
        return -1;
    return change(&request->target, plan->list[0].device, &was, &wanted, err);
}

/* mdevctl's udev rule may do the same. */
static int start_one(struct worker *worker, const struct plan *plan, const json_t *file, struct error *err)
{
    struct request request = {.type = json_text(file, "type"),
                              .target = {.worker = worker, .parent = plan->list[0].device->address}};

    memcpy(request.target.id, plan->list[0].id, sizeof(request.target.id));
    snprintf(request.target.uuid, sizeof(request.target.uuid), "%s", json_text(file, "uuid"));
    if (claim_first(&request.target, plan->list[0].device, err) != 0)
        return -1;
    int result = start_claimed(&request, plan, err);
    worker->undoing = false;
    worker_release(worker, request.target.id);
    if (result != 0)
        worker_log(worker, "%s: the mediated device %s is not created: %s", request.target.id,
                   request.target.uuid, err->message);
    return result;
}

/* Those whose files say so; one that fails does not keep the others from being created. */
static int start_all(struct worker *worker, const struct plan *plan, struct error *err)
{
    autojson json_t *files = NULL;
    unsigned failed = 0, count = 0;
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
        failed += start_one(worker, plan, file, &last) != 0;
    }
    if (failed > 0)
        return error_set(err, ERROR_FAILED, "%u of %u mediated devices of %s could not be created: %s",
                         failed, count, plan->list[0].id, last.message);
    return 0;
}

static int start(struct worker *worker, json_t **ret, struct error *err)
{
    struct request request = {.type = ""};
    autoplan struct plan plan = {.list = NULL};

    if (parse(worker, &request, err) != 0 ||
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

static int sweep_claimed(const struct mdev_target *target, const struct inventory *inventory,
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
    if (was.type[0] != '\0' && check_unused(target, inventory, err) != 0)
        return -1;
    return change(target, device, &was, &wanted, err);
}

/* Whoever uses one keeps it. */
static void sweep_one(struct mdev_target *target, const struct inventory *inventory, const char *uuid)
{
    struct worker *worker = target->worker;
    struct error err;

    target->uuid[0] = '\0';
    if (uuid[0] != '\0' && !mdev_parse_uuid(uuid, target->uuid))
        return;
    autofree char *name = mdev_target_name(target);
    int result = claim_first(target, inventory_find(inventory, target->parent), &err);
    if (result == 0)
        result = sweep_claimed(target, inventory, &err);
    worker->undoing = false;
    worker_release(worker, target->id);
    if (result != 0)
        worker_log(worker, "%s: %s, which is left over, stays: %s", target->id, name, err.message);
}

static int sweep(struct worker *worker, json_t **ret, struct error *err)
{
    struct request request = {.type = ""};
    autoinventory struct inventory *inventory = NULL;
    const json_t *uuid;
    size_t i;

    if (parse(worker, &request, err) != 0 || inventory_scan(worker->sysroot, &inventory, err) != 0)
        return -1;
    json_array_foreach(json_object_get(worker->arguments, "made"), i, uuid)
        sweep_one(&request.target, inventory, json_string_value(uuid));
    *ret = json_object();
    return 0;
}

const struct operation operation_mdev_create = {
    .name = "mdev-create",
    .text = "Creates a mediated device, or makes a function a vGPU.",
    .arguments = operation_mdev_create_arguments,
    .changes = true,
    .run = create,
};

const struct operation operation_mdev_remove = {
    .name = "mdev-remove",
    .text = "Removes a mediated device, or makes a function no vGPU any more.",
    .arguments = operation_mdev_remove_arguments,
    .changes = true,
    .run = remove_mdev,
};

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
