/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation volume-resize: makes a disk of the store larger, also while its VM runs. */
#include <fcntl.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/vm_end.h"
#include "broker/worker/volume.h"
#include "store/store.h"
#include "vm/qmp/qmp.h"

#define TURN_MS 8000 /* less than the broker's patience with a silent worker */

const struct schema operation_volume_resize_arguments[] = {
    ARGUMENT_VMID,
    ARGUMENT_VOLUME,
    {.name = "key", .type = SCHEMA_STRING, .max_length = 31, .text = "Under which the VM has it: scsi0."},
    {.name = "size",
     .type = SCHEMA_INTEGER,
     .range = RANGE(0, (double)VM_VOLUME_MOST_BYTES),
     .text = "Bytes that the guest is to see."},
    {.name = "relative",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .fallback = "0",
     .text = "That many more than now."},
    {.name = NULL}};

/* An image's header may be a guest's work, so the size that it names is only compared. */
static int find_size(const struct worker *worker, const struct vm_volume *volume, unsigned long long *ret,
                     bool *ret_same, struct error *err)
{
    unsigned long long wanted =
        (unsigned long long)json_integer_value(json_object_get(worker->arguments, "size"));
    autoclose int file = -1;

    if (store_open(worker->store, volume, O_RDONLY, &file, err) != 0)
        return -1;
    unsigned long long now = store_read_size(file, volume->format);
    if (json_integer_value(json_object_get(worker->arguments, "relative")) != 0)
        wanted += now;
    if (wanted < now)
        return error_set(err, ERROR_FAILED, "shrinking disks is not supported");
    if (wanted > VM_VOLUME_MOST_BYTES)
        return error_set(err, ERROR_FAILED, "a disk has at most %llu GiB, not %llu",
                         VM_VOLUME_MOST_BYTES >> 30, wanted >> 30);
    *ret = wanted;
    *ret_same = wanted == now;
    return 0;
}

/* A disk of a machine version below 10 has its back end's name as its device's, later ones as a node's. */
static int tell_qemu(const struct worker *worker, unsigned long long size, struct error *err)
{
    static const char *const names[] = {"device", "node-name"};
    long long vmid = vm_id(worker);
    autofree char *file = xasprintf("%lld.qmp", vmid), *path = machine_path(worker->run_dir, vmid, file);
    autofree char *drive = xasprintf("drive-%s", json_text(worker->arguments, "key"));
    autoqmp struct qmp *qmp = NULL;
    struct error why = {.message = ""};

    if (qmp_open(path, TURN_MS / 2, &qmp, err) != 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        json_t *arguments = json_pack("{s:s, s:I}", names[i], drive, "size", (json_int_t)size);
        if (qmp_execute(qmp, "block_resize", arguments, TURN_MS / 4, NULL, &why) == 0)
            return 0;
        if (i == 0 || strstr(why.message, "Cannot find") == NULL)
            *err = why;
    }
    return -1;
}

static int resize(struct worker *worker, const struct vm_volume *volume, unsigned long long *ret_size,
                  struct error *err)
{
    automachine struct machine machine = {.folder = NULL};
    char name[VM_CLAIM_SIZE];
    struct error ignored;
    bool same = false;

    vm_claim_name(vm_id(worker), name);
    bool running = machine_find(worker->run_dir, vm_id(worker), &machine, &ignored) == 0;
    if (find_size(worker, volume, ret_size, &same, err) != 0)
        return -1;
    if (same)
        return 0;
    if (running)
        return tell_qemu(worker, *ret_size, err);
    return volume_run_image(worker, name, volume, "resize", *ret_size, NULL, err);
}

static int resize_volume(struct worker *worker, json_t **ret, struct error *err)
{
    unsigned long long size = 0;
    struct vm_volume volume;
    char name[VM_CLAIM_SIZE];

    if (vm_volume_parse(json_text(worker->arguments, "volume"), &volume, err) != 0)
        return -1;
    if (volume.content != VM_CONTENT_IMAGES)
        return error_set(err, ERROR_FAILED, "you can't resize a cdrom");
    if (volume.vmid != vm_id(worker))
        return error_set(err, ERROR_FAILED, "'%s' is a disk of VM %lld: resize it there", volume.name,
                         volume.vmid);
    if (volume_claim(worker, vm_id(worker), NULL, err) != 0)
        return -1;
    int result = resize(worker, &volume, &size, err);
    vm_claim_name(vm_id(worker), name);
    worker_release(worker, name);
    if (result == 0)
        *ret = json_pack("{s:I}", "size", (json_int_t)size);
    return result;
}

const struct operation operation_volume_resize = {
    .name = "volume_resize",
    .text = "Makes a disk of the storage `local` larger.",
    .arguments = operation_volume_resize_arguments,
    .changes = true,
    .run = resize_volume,
};
