/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations mdev-create and mdev-remove: mediated devices, and vGPUs by NVIDIA's own interface. */
#include "broker/worker/mdev.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/take_over.h"
#include "broker/worker/undo.h"
#include "hardware/slice/mdev_change.h"
#include "hardware/slice/mdevctl.h"
#include "hardware/use/use.h"

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
    ARGUMENT_TAKE_OVER,
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

int mdev_parse(struct worker *worker, struct mdev_request *ret, struct error *err)
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

int mdev_claim(struct mdev_target *target, const struct pci_device *device, struct error *err)
{
    target->ids.vendor = device != NULL ? device->vendor : 0;
    target->ids.device = device != NULL ? device->device : 0;
    autojson json_t *claims = pack_claim(target, device, NULL);

    return worker_claim(target->worker, claims, err);
}

/* What these claims hold; the error says how that ended. */
static int undo(const struct mdev_target *target, const json_t *claims, bool *ret_left, struct error *err)
{
    autotext struct text where = {0};
    struct error reason = *err;

    target->worker->undoing = true;
    worker_log(target->worker, "the operation is undone, because it failed: %s", reason.message);
    *ret_left = undo_claims(target->worker, claims, &where) != 0;
    return error_set(err, reason.kind, "%s; %s", reason.message, text_string(&where));
}

int mdev_change(const struct mdev_target *target, const struct pci_device *device,
                const struct mdev_state *was, const struct mdev_state *wanted, bool *ret_left,
                struct error *err)
{
    autojson json_t *claims = pack_claim(target, device, mdev_pack_change(target, was, wanted));

    *ret_left = false;
    if (worker_claim(target->worker, claims, err) != 0) {
        worker_release(target->worker, target->id);
        return -1;
    }
    return mdev_state_reach(target, wanted, err) >= 0 ? 0 : undo(target, claims, ret_left, err);
}

/* One UUID names one mediated device of the host, and keeps the type that it has. */
static int check_name(const struct mdev_request *request, const struct mdev_state *was, struct error *err)
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

int mdev_prepare_create(const struct mdev_request *request, const struct plan *plan, struct mdev_state *was,
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
static void keep_vgpu(const struct mdev_request *request, const struct pci_device *device)
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

/* Of two files of mdevctl with one UUID nobody knows which comes first. */
static int check_files(const struct mdev_target *target, struct error *err)
{
    autojson json_t *files = NULL;
    const json_t *row;
    size_t i;

    if (mdevctl_list(target->worker->sysroot, &files, err) != 0)
        return -1;
    json_array_foreach(files, i, row) {
        const char *parent = json_text(row, "parent");
        if (strcmp(json_text(row, "uuid"), target->uuid) == 0 && strcmp(parent, target->id) != 0)
            return error_set(err, ERROR_CONFLICT,
                             "the UUID '%s' is that of '/" ETC_MDEVCTL "/%s/%s' already, for a mediated "
                             "device of %s: delete that file first, or choose another UUID",
                             target->uuid, parent, target->uuid, parent);
    }
    return 0;
}

/* A line elsewhere that makes the same at boot; that in mdevctl's own file is what we keep. */
static int check_owner(const struct mdev_request *request, const struct pci_device *device,
                       struct take_over *take_over, struct error *err)
{
    const struct mdev_target *target = &request->target;
    bool vgpu = target->uuid[0] == '\0';
    autofree char *create = xasprintf("mdev_supported_types/%s/create", request->type);
    const char *number = strrchr(request->type, '-');
    const struct owned_setting setting = {
        .what = OWNED_MDEV,
        .ours = vgpu ? "a persistent type of vGPU" : "a persistent mediated device",
        .attribute = vgpu ? "nvidia/current_vgpu_type" : create,
        .value = !vgpu            ? target->uuid
                 : number != NULL ? number + 1
                                  : request->type,
        .named = vgpu ? "current_vgpu_type" : target->uuid,
    };

    if (request->persistent != PERSISTENT_YES)
        return 0;
    if (!vgpu && check_files(target, err) != 0)
        return -1;
    return take_over_check(target->worker, take_over, device, &setting, err);
}

/* After the change that these states tell of, which is undone if the files cannot be written. */
static int take_files(const struct mdev_target *target, const struct pci_device *device,
                      const struct mdev_state *was, const struct mdev_state *wanted,
                      const struct take_over *take_over, struct error *err)
{
    autojson json_t *claims = pack_claim(target, device, mdev_pack_change(target, was, wanted));
    bool left;

    return take_over_write(target->worker, take_over, claims, err) == 0 ? 0
                                                                        : undo(target, claims, &left, err);
}

static int choose_name(struct mdev_request *request, const struct pci_device *device, struct error *err)
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

static json_t *describe(const struct mdev_request *request, const struct mdev_state *was)
{
    const struct mdev_target *target = &request->target;
    json_t *result = json_pack("{s:s, s:s, s:b}", "parent", target->id, "type", request->type, "created",
                               was->type[0] == '\0');

    if (target->uuid[0] != '\0')
        json_object_set_new(result, "uuid", json_string(target->uuid));
    return result;
}

static int create_one(struct mdev_request *request, const struct plan *plan, struct take_over *take_over,
                      json_t **ret, struct error *err)
{
    automdevstate struct mdev_state was = {.file = NULL}, wanted = {.file = NULL};
    struct mdev_target *target = &request->target;
    const struct pci_device *device = plan->list[0].device;
    bool left;

    if (choose_name(request, device, err) != 0 || mdev_claim(target, device, err) != 0)
        return -1;
    if (check_owner(request, device, take_over, err) != 0 ||
        mdev_prepare_create(request, plan, &was, &wanted, err) != 0) {
        worker_release(target->worker, target->id);
        return -1;
    }
    if (mdev_change(target, device, &was, &wanted, &left, err) != 0 ||
        take_files(target, device, &was, &wanted, take_over, err) != 0)
        return -1;
    if (was.type[0] != '\0') {
        autofree char *name = mdev_target_name(target);
        worker_log(target->worker, "%s: %s exists already, of type %s", target->id, name, was.type);
    }
    keep_vgpu(request, device);
    worker_release(target->worker, target->id);
    *ret = describe(request, &was);
    return 0;
}

static int create(struct worker *worker, json_t **ret, struct error *err)
{
    struct mdev_request request = {.type = ""};
    autoplan struct plan plan = {.list = NULL};
    autotakeover struct take_over take_over = {.files = NULL};

    if (mdev_parse(worker, &request, err) != 0 || take_over_parse(worker->arguments, &take_over, err) != 0 ||
        plan_choose(worker->sysroot, request.target.parent, SCOPE_FUNCTION, &plan, err) != 0 ||
        create_one(&request, &plan, &take_over, ret, err) != 0)
        return -1;
    take_over_finish(worker, &take_over);
    return 0;
}

static bool is_use_of(const struct host_use *use, const struct mdev_target *target)
{
    return use->kind == USE_VFIO && use->weight >= USE_ACTIVE &&
           (target->uuid[0] == '\0' || strcmp(use->name, target->uuid) == 0);
}

int mdev_check_unused(const struct mdev_target *target, const struct inventory *inventory, struct error *err)
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
static bool forgets_vgpu(const struct mdev_request *request)
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
        return error_set(err, ERROR_NOT_FOUND, "%s is not a vGPU", target->id);
    return error_set(err, ERROR_NOT_FOUND,
                     "%s has no mediated device '%s', and none is kept for it in /" ETC_MDEVCTL, target->id,
                     target->uuid);
}

static int prepare_remove(const struct mdev_request *request, const struct inventory *inventory,
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
    return was->type[0] != '\0' ? mdev_check_unused(&request->target, inventory, err) : 0;
}

/* The function may be gone, and the file that keeps a mediated device for it still be there. */
static int remove_mdev(struct worker *worker, json_t **ret, struct error *err)
{
    struct mdev_request request = {.type = ""};
    autoinventory struct inventory *inventory = NULL;
    automdevstate struct mdev_state was = {.file = NULL}, wanted = {.file = NULL};
    bool left;

    if (mdev_parse(worker, &request, err) != 0 || inventory_scan(worker->sysroot, &inventory, err) != 0)
        return -1;
    struct mdev_target *target = &request.target;
    const struct pci_device *device = inventory_find(inventory, target->parent);
    if (mdev_claim(target, device, err) != 0)
        return -1;
    if (prepare_remove(&request, inventory, &was, &wanted, err) != 0) {
        worker_release(worker, target->id);
        return -1;
    }
    if ((was.type[0] != '\0' || was.file != NULL) &&
        mdev_change(target, device, &was, &wanted, &left, err) != 0)
        return -1;
    if (target->uuid[0] == '\0' && !request.keep)
        worker_forget_fact(worker, FACT_VGPU, target->id);
    worker_release(worker, target->id);
    *ret = json_pack("{s:s, s:s}", "parent", target->id, "type", was.type);
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
