/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations volumes and volume-remove: the store is listed, and volumes are removed from it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/machine/machine.h"
#include "broker/operations.h"
#include "broker/worker/unit.h"
#include "broker/worker/vm_end.h"
#include "broker/worker/volume.h"
#include "store/store.h"

#define MOST_VOLUMES 1024

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

int volume_claim(struct worker *worker, long long vmid, const json_t *more, struct error *err)
{
    char name[VM_CLAIM_SIZE];

    vm_claim_name(vmid, name);
    autojson json_t *claims = json_pack("[{s:s}]", "id", name);
    if (more != NULL)
        json_array_extend(claims, (json_t *)(uintptr_t)more);
    return vm_claim(worker, claims, err);
}

int volume_check_stopped(const struct worker *worker, const struct vm_volume *volume, struct error *err)
{
    automachine struct machine machine = {.folder = NULL};
    struct error ignored;

    if (volume->vmid == 0 || machine_find(worker->run_dir, volume->vmid, &machine, &ignored) != 0)
        return 0;
    return error_set(err, ERROR_CONFLICT, "VM %lld runs, and may have its volume '%s' open: stop it first",
                     volume->vmid, volume->name);
}

static int write_order(const struct worker *worker, const json_t *order, char **ret_path, struct error *err)
{
    autofree char *folder = xasprintf("%s/vm", worker->run_dir), *text = json_dumps(order, JSON_COMPACT);
    autofree char *path = xasprintf("%s/image-%d", folder, (int)getpid());

    if (file_make_folder(folder, 0711, err) != 0 || file_replace(path, text, strlen(text), 0600, err) != 0)
        return -1;
    *ret_path = TAKE(path);
    return 0;
}

int volume_run_order(struct worker *worker, const char *id, const struct vm_volume *volume, json_t *order,
                     struct error *err)
{
    autofree char *volid = vm_volume_print(volume), *path = NULL;
    autojson json_t *whole = order;

    json_object_update_new(whole, json_pack("{s:s, s:s}", "store", worker->store, "volume", volid));
    if (write_order(worker, whole, &path, err) != 0)
        return -1;
    int result = unit_run(worker, id, PROGRAM_IMAGE, path, err);
    unlink(path);
    return result;
}

int volume_run_image(struct worker *worker, const char *id, const struct vm_volume *volume, const char *work,
                     unsigned long long size, const char *template, struct error *err)
{
    autofree char *volid = vm_volume_print(volume);
    json_t *order =
        json_pack("{s:s, s:I, s:s*}", "work", work, "size", (json_int_t)size, "template", template);

    if (volume_run_order(worker, id, volume, order, err) == 0)
        return 0;
    return error_prefix(err, "qemu-img, which the package qemu-utils has, did not %s '%s': ",
                        strcmp(work, "resize") == 0 ? "resize" : "make", volid);
}

int volume_undo(struct worker *worker, const json_t *claim, struct text *where)
{
    const char *id = json_text(claim, "id");
    struct vm_volume volume;
    struct error err;

    if (vm_volume_parse(id, &volume, &err) != 0 ||
        (store_remove(worker->store, &volume, &err) != 0 && err.kind != ERROR_NOT_FOUND)) {
        text_printf(where, "is not removed: %s", err.message);
        return -1;
    }
    worker_release(worker, id);
    text_append(where, "is not there");
    return 0;
}

const struct schema operation_volume_remove_arguments[] = {
    {.name = "volumes",
     .type = SCHEMA_ARRAY,
     .max_items = MOST_VOLUMES,
     .items = ITEMS(.type = SCHEMA_STRING, .max_length = 255),
     .text = "Those of one VM, or discs. One that does not exist counts as removed."},
    {.name = "vmid",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .range = RANGE(100, 999999999),
     .text = "The VM whose volumes these are."},
    {.name = NULL}};

/* An image only while its VM's claim is held, a disc at any time: who has it open keeps it. */
static int remove_volume(struct worker *worker, const char *id, long long vmid, struct error *err)
{
    struct vm_volume volume;

    if (vm_volume_parse(id, &volume, err) != 0)
        return -1;
    if (volume.vmid != vmid)
        return error_set(err, ERROR_INVALID, "'%s' is not a volume of VM %lld", id, vmid);
    if (volume_check_stopped(worker, &volume, err) != 0)
        return -1;
    if (store_remove(worker->store, &volume, err) == 0)
        worker_log(worker, "Removed volume '%s'", id);
    else if (err->kind != ERROR_NOT_FOUND)
        return -1;
    return 0;
}

static int remove_list(struct worker *worker, const json_t *volumes, long long vmid, struct error *err)
{
    const json_t *id;
    size_t i;

    json_array_foreach(volumes, i, id)
        if (remove_volume(worker, json_string_value(id), vmid, err) != 0)
            return -1;
    return 0;
}

static int remove_volumes(struct worker *worker, json_t **ret, struct error *err)
{
    const json_t *arguments = worker->arguments;
    long long vmid = json_integer_value(json_object_get(arguments, "vmid"));
    char name[VM_CLAIM_SIZE];

    if (vmid != 0 && volume_claim(worker, vmid, NULL, err) != 0)
        return -1;
    int result = remove_list(worker, json_object_get(arguments, "volumes"), vmid, err);
    vm_claim_name(vmid, name);
    if (vmid != 0)
        worker_release(worker, name);
    if (result == 0)
        *ret = json_object();
    return result;
}

const struct operation operation_volume_remove = {
    .name = "volume_remove",
    .text = "Removes volumes of the storage `local`.",
    .arguments = operation_volume_remove_arguments,
    .changes = true,
    .run = remove_volumes,
};
