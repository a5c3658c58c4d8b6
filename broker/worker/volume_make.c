/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation volume-make: makes disks of a VM in the store, all of them or none. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/undo.h"
#include "broker/worker/vm_end.h"
#include "broker/worker/volume.h"
#include "store/store.h"

#define FIRMWARE_DIR "/usr/share/OVMF"
#define MOST_DISKS   128

static const struct schema disk_keys[] = {
    {.name = "name",
     .type = SCHEMA_STRING,
     .optional = true,
     .max_length = VM_VOLUME_NAME_LIMIT,
     .text = "vm-100-NAME.raw; left out: the next free vm-100-disk-N."},
    {.name = "format", .type = SCHEMA_STRING, .values = VALUES("raw", "qcow2"), .text = "Of the image."},
    {.name = "size",
     .type = SCHEMA_INTEGER,
     .range = RANGE(0, (double)VM_VOLUME_MOST_BYTES),
     .text = "Bytes that the guest sees; of a copy, whatever there is to copy."},
    {.name = "template",
     .type = SCHEMA_STRING,
     .optional = true,
     .values = VALUES("OVMF_VARS.fd", "OVMF_VARS_4M.fd", "OVMF_VARS_4M.ms.fd"),
     .text = "Variables of the firmware that are copied."},
    {.name = NULL}};

const struct schema operation_volume_make_arguments[] = {
    ARGUMENT_VMID,
    {.name = "disks",
     .type = SCHEMA_ARRAY,
     .max_items = MOST_DISKS,
     .items = ITEMS(.type = SCHEMA_OBJECT, .properties = disk_keys),
     .text = "What is made, in this order."},
    {.name = NULL}};

/* The claims of what is being made, which are undone together. */
struct making {
    struct worker *worker;
    json_t *claims; /* without the VM's */
    json_t *made;   /* of the result */
};

static int choose_name(const struct making *making, const json_t *disk, struct vm_volume *ret,
                       struct error *err)
{
    const char *name = json_text_or(disk, "name", NULL), *format = json_text(disk, "format");
    long long vmid = vm_id(making->worker);

    if (name == NULL)
        return store_find_name(making->worker->store, vmid, format, ret, err);
    if (vm_volume_name(vmid, name, ret) && strcmp(ret->format, format) == 0)
        return 0;
    return error_set(err, ERROR_INVALID,
                     "'%s' cannot be the name of a disk of VM %lld in the format %s: vm-%lld-NAME.%s can",
                     name, vmid, format, vmid, format);
}

static int read_template(const json_t *disk, char **ret_path, unsigned long long *ret_size, struct error *err)
{
    const char *template = json_text_or(disk, "template", NULL);
    struct stat status;

    *ret_size = (unsigned long long)json_integer_value(json_object_get(disk, "size"));
    if (template == NULL)
        return 0;
    autofree char *path = xasprintf(FIRMWARE_DIR "/%s", template);
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return error_set(err, ERROR_NOT_FOUND, "'%s' does not exist: install the package ovmf", path);
    *ret_size = (unsigned long long)status.st_size;
    *ret_path = TAKE(path);
    return 0;
}

/* From the claim on, what there is of the file is undone by it. */
static int make_file(struct making *making, const struct vm_volume *volume, const char *id, struct error *err)
{
    struct worker *worker = making->worker;
    struct vm_volume other = *volume;
    autoclose int found = -1;
    struct error absent;

    if (store_open(worker->store, &other, O_PATH, &found, &absent) == 0 || absent.kind != ERROR_NOT_FOUND)
        return error_set(err, ERROR_CONFLICT, "disk image '%s' already exists", id);
    json_array_append_new(making->claims, json_pack("{s:s, s:i}", "id", id, "volume", 1));
    if (volume_claim(worker, volume->vmid, making->claims, err) != 0) {
        json_array_remove(making->claims, json_array_size(making->claims) - 1);
        return -1;
    }
    return store_create(worker->store, volume, err);
}

static int make_disk(struct making *making, const json_t *disk, struct error *err)
{
    autofree char *template = NULL;
    unsigned long long size;
    struct vm_volume volume;

    if (read_template(disk, &template, &size, err) != 0 || choose_name(making, disk, &volume, err) != 0)
        return -1;
    autofree char *id = vm_volume_print(&volume);
    if (make_file(making, &volume, id, err) != 0 ||
        volume_run_image(making->worker, id, &volume, template != NULL ? "copy" : "create", size, template,
                         err) != 0)
        return -1;
    json_array_append_new(making->made, json_pack("{s:s, s:I}", "volume", id, "size", (json_int_t)size));
    return 0;
}

static int make_all(struct making *making, struct error *err)
{
    const json_t *disk;
    size_t i;

    json_array_foreach(json_object_get(making->worker->arguments, "disks"), i, disk)
        if (make_disk(making, disk, err) != 0)
            return -1;
    return 0;
}

/* Those that were made are released with the VM: from then on they stay. */
static void release_all(struct making *making)
{
    const json_t *claim;
    size_t i;

    json_array_foreach(making->claims, i, claim)
        worker_release(making->worker, json_text(claim, "id"));
}

static int make_volumes(struct worker *worker, json_t **ret, struct error *err)
{
    autojson json_t *claims = json_array(), *made = json_array();
    struct making making = {.worker = worker, .claims = claims, .made = made};
    autotext struct text where = {0};
    char name[VM_CLAIM_SIZE];

    if (volume_claim(worker, vm_id(worker), NULL, err) != 0)
        return -1;
    int result = make_all(&making, err);
    if (result == 0) {
        release_all(&making);
        *ret = json_pack("{s:O}", "volumes", made);
    } else {
        worker->undoing = true;
        undo_claims(worker, claims, &where);
    }
    vm_claim_name(vm_id(worker), name);
    worker_release(worker, name);
    return result;
}

const struct operation operation_volume_make = {
    .name = "volume_make",
    .text = "Makes disks of a VM in the storage `local`, all or none.",
    .arguments = operation_volume_make_arguments,
    .changes = true,
    .run = make_volumes,
};
