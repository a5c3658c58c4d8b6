/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PUT /nodes/{node}/qemu/{vmid}/resize: a larger disk. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/qemu/qemu.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/call.h"
#include "passthrough/vm_document.h"
#include "schema/property_string.h"
#include "storage/edit.h"
#include "vm/disk.h"
#include "vm/value.h"
#include "vm/volume.h"

/* "+1.5G": bytes, up to more than any disk has. */
static long long parse_size(const char *size)
{
    static const char units[] = "KMGT";
    char *end;
    double bytes = strtod(size, &end);
    const char *unit = *end != '\0' ? strchr(units, *end) : NULL;

    for (const char *at = units; unit != NULL && at <= unit; at++)
        bytes *= 1024;
    return bytes <= (double)VM_VOLUME_MOST_BYTES ? (long long)ceil(bytes)
                                                 : (long long)VM_VOLUME_MOST_BYTES + 1;
}

/* The parts of the disk that the VM has now. */
static int find_disk(const struct qemu_call *call, json_t **ret, struct error *err)
{
    const char *key = json_text(call->params, "disk");
    autojson json_t *document = NULL, *values = NULL;

    if (vm_document_read(call->service->storage, call->service->node, qemu_vmid(call), &document, NULL,
                         err) != 0 ||
        vm_document_check_digest(document, json_text_or(call->params, "digest", NULL), err) != 0 ||
        vm_value_parts(json_object_get(document, "config"), key, &values, err) != 0)
        return -1;
    const char *lock = json_text_or(json_object_get(document, "config"), "lock", NULL);
    if (lock != NULL && json_integer_value(json_object_get(call->params, "skiplock")) == 0)
        return error_set(err, ERROR_FAILED, "VM is locked (%s)", lock);
    if (json_object_size(values) == 0)
        return error_set(err, ERROR_FAILED, "disk '%s' does not exist", key);
    if (vm_disk_is_cdrom(values))
        return error_set(err, ERROR_FAILED, "you can't resize a cdrom");
    if (!vm_disk_is_in_store(values))
        return error_set(err, ERROR_FAILED,
                         "'%s' is not a volume of the storage '" VM_STORE
                         "': make the file larger on the host "
                         "(qemu-img resize) while the VM is stopped",
                         json_text(values, "file"));
    *ret = TAKE(values);
    return 0;
}

struct noting {
    const struct qemu_call *call;
    const json_t *disk;
    unsigned long long size;
};

/* Unless the key names another volume by now. */
static int note_size(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct noting *noting = context;
    const char *key = json_text(noting->call->params, "disk");
    long long vmid = qemu_vmid(noting->call);
    autojson json_t *document = NULL, *values = NULL;
    autofree char *size = vm_value_print_size(noting->size);
    int64_t revision = 0;

    if (vm_document_read(storage, noting->call->service->node, vmid, &document, &revision, err) != 0 ||
        vm_value_parts(json_object_get(document, "config"), key, &values, err) != 0)
        return -1;
    if (strcmp(json_text(values, "file"), json_text(noting->disk, "file")) != 0)
        return 0;
    json_object_set_new(values, "size", json_string(size));
    autofree char *printed = property_string_print(vm_key_find(key, NULL), values);
    json_t *next = json_deep_copy(document);
    json_object_set_new(json_object_get(next, "config"), key, json_string(printed));
    vm_document_put(set, vmid, revision, next);
    return 0;
}

static void log_line(void *context, int number, const char *text)
{
    (void)number;
    task_log(context, "%s", text);
}

static int run_task(const struct qemu_call *call, struct task *task, struct error *err)
{
    const char *size = json_text(call->params, "size");
    bool relative = size[0] == '+';
    autojson json_t *disk = NULL, *answer = NULL;

    if (find_disk(call, &disk, err) != 0)
        return -1;
    long long bytes = parse_size(size + relative);
    if (bytes > (long long)VM_VOLUME_MOST_BYTES)
        return error_set(err, ERROR_FAILED, "a disk has at most %llu GiB", VM_VOLUME_MOST_BYTES >> 30);
    json_t *arguments = json_pack("{s:O, s:s, s:s, s:I, s:i}", "vmid", json_object_get(call->params, "vmid"),
                                  "volume", json_text(disk, "file"), "key", json_text(call->params, "disk"),
                                  "size", (json_int_t)bytes, "relative", (int)relative);
    if (broker_call(call->service->broker, "volume_resize", task_upid(task), arguments, log_line, task,
                    &answer, err) != 0)
        return -1;
    struct noting noting = {call, disk,
                            (unsigned long long)json_integer_value(json_object_get(answer, "size"))};
    return edit_run(call->service->storage, note_size, &noting, err);
}

static int resize(struct request *request, json_t **ret, struct error *err)
{
    if (param_boolean(request, "skiplock") && !identity_is_root(&request->caller))
        return error_set_field(err, "skiplock", "Only root may use this option.");
    return qemu_begin_task(request, "resize", run_task, ret, err);
}

const struct endpoint endpoint_resize_qemu = {
    .method = METHOD_PUT,
    .path = "/nodes/{node}/qemu/{vmid}/resize",
    .text = "Makes a disk in the storage larger, in a task. A running VM sees it at once.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Config.Disk"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID, PARAMETER_DIGEST,
                             {.name = "disk",
                              .type = SCHEMA_STRING,
                              .pattern = "(?:ide[0-3]|sata[0-5]|scsi(?:[12]?[0-9]|30)|virtio(?:[0-9]|1[0-5])|"
                                         "efidisk0|tpmstate0)",
                              .max_length = 16,
                              .text = "Its key: scsi0."},
                             {.name = "size",
                              .type = SCHEMA_STRING,
                              .pattern = "\\+?\\d+(\\.\\d+)?[KMGT]?",
                              .max_length = 32,
                              .text = "The new size, or with + how much larger."},
                             {.name = "skiplock",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .text = "Do it even if the VM is locked; root@pam only."}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .run = resize,
};
