/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks that a change of a VM makes and removes. */
#include "api/qemu/disks.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/call.h"
#include "passthrough/vm_document.h"
#include "schema/property_string.h"
#include "vm/disk.h"
#include "vm/image.h"
#include "vm/value.h"
#include "vm/volume.h"

#define TPM_KEY  "tpmstate0"
#define TPM_SIZE (4ULL << 20) /* whatever the request says, as in Proxmox VE */

bool qemu_disk_is_new(const json_t *values)
{
    return vm_volume_is_new(json_text(values, "file"));
}

int qemu_disk_check_new(const char *key, const json_t *values, struct error *err)
{
    const char *format = json_text_or(values, "format", "raw");
    enum vm_kind kind = vm_key_about(vm_key_find(key, NULL))->kind;
    unsigned long long size;

    if (json_object_get(values, "import-from") != NULL)
        return vm_disk_check_volume(key, values, err);
    bool tpm = strcmp(key, TPM_KEY) == 0;
    if (kind != VM_KIND_DISK && kind != VM_KIND_EFIDISK && !tpm)
        return error_set_field(err, key, "no disk is made for %s here: name one that exists", key);
    if (kind == VM_KIND_DISK && vm_disk_is_cdrom(values))
        return error_set_field(err, key,
                               "a disc cannot be made: name one, such as local:iso/NAME.iso, or none");
    if (tpm && strcmp(format, "raw") != 0)
        return error_set_field(err, key, "the state of a TPM is raw, not %s", format);
    if (!vm_image_is_known_format(format))
        return error_set_field(err, key, "a disk of the storage '" VM_STORE "' is raw or qcow2, not %s",
                               format);
    if (vm_volume_parse_new(json_text(values, "file"), &size, err) != 0)
        return error_set_field(err, key, "%s", err->message);
    return 0;
}

/* The parts of a parameter that names a volume; NULL for any other. */
static json_t *read_volume(const char *key, const json_t *value)
{
    const struct schema *schema = vm_key_find(key, NULL);
    json_t *values = NULL;
    struct error ignored;

    if (schema != NULL && json_is_string(value) && vm_key_names_volume(schema))
        property_string_parse(schema, json_string_value(value), &values, &ignored);
    return values;
}

void qemu_disk_name_storage(json_t *params, const char *key)
{
    autojson json_t *values = read_volume(key, json_object_get(params, key));
    autofree char *id = xasprintf(VM_STORE ":%s", json_text(values, "file"));

    if (values == NULL || !vm_volume_is_new(id))
        return;
    json_object_set_new(values, "file", json_string(id));
    autofree char *printed = property_string_print(vm_key_find(key, NULL), values);
    json_object_set_new(params, key, json_string(printed));
}

/* The parts of a parameter that asks for a new disk; NULL for any other. */
static json_t *read_new(const char *key, const json_t *value)
{
    json_t *values = read_volume(key, value);

    if (values == NULL || qemu_disk_is_new(values))
        return values;
    json_decref(values);
    return NULL;
}

bool qemu_disks_are_asked(const json_t *params)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)params, key, value) {
        autojson json_t *values = read_new(key, value);
        if (values != NULL)
            return true;
    }
    return false;
}

/* The firmware's initial variables, as vm/command/firmware.c names them. */
static const char *template_of(const char *key, const json_t *values)
{
    bool large = strcmp(json_text(values, "efitype"), "4m") == 0;

    if (strcmp(key, "efidisk0") != 0)
        return NULL;
    if (!large)
        return "OVMF_VARS.fd";
    return vm_value_number(values, "pre-enrolled-keys", 0) != 0 ? "OVMF_VARS_4M.ms.fd" : "OVMF_VARS_4M.fd";
}

/* {disks} of the operation, and the keys in the same order. */
static json_t *list_asked(const json_t *params, json_t *keys)
{
    json_t *disks = json_array(), *value;
    const char *key;

    json_object_foreach((json_t *)(uintptr_t)params, key, value) {
        autojson json_t *values = read_new(key, value);
        unsigned long long size = 0;
        struct error ignored;
        if (values == NULL || vm_volume_parse_new(json_text(values, "file"), &size, &ignored) != 0)
            continue;
        if (strcmp(key, TPM_KEY) == 0)
            size = TPM_SIZE;
        json_array_append_new(disks,
                              json_pack("{s:s, s:I, s:s*}", "format", json_text_or(values, "format", "raw"),
                                        "size", (json_int_t)size, "template", template_of(key, values)));
        json_array_append_new(keys, json_string(key));
    }
    return disks;
}

/* From now on the volume's name tells the format. */
static void put_volume(json_t *params, const char *key, const json_t *made, struct task *task)
{
    autojson json_t *values = read_new(key, json_object_get(params, key));
    autofree char *size =
        vm_value_print_size((unsigned long long)json_integer_value(json_object_get(made, "size")));

    json_object_set(values, "file", json_object_get(made, "volume"));
    json_object_set_new(values, "size", json_string(size));
    json_object_del(values, "format");
    autofree char *printed = property_string_print(vm_key_find(key, NULL), values);
    json_object_set_new(params, key, json_string(printed));
    task_log(task, "%s: successfully created disk '%s'", key, printed);
}

static void log_line(void *context, int number, const char *text)
{
    (void)number;
    if (context != NULL)
        task_log(context, "%s", text);
}

int qemu_disks_make(const struct qemu_call *call, struct task *task, json_t **ret_made, struct error *err)
{
    autojson json_t *keys = json_array(), *disks = list_asked(call->params, keys), *answer = NULL;
    json_t *made = json_array(), *row;
    size_t i;

    *ret_made = made;
    if (json_array_size(disks) == 0)
        return 0;
    json_t *arguments =
        json_pack("{s:O, s:O}", "vmid", json_object_get(call->params, "vmid"), "disks", disks);
    if (broker_call(call->service->broker, "volume_make", task_upid(task), arguments, log_line, task, &answer,
                    err) != 0)
        return -1;
    json_array_foreach(json_object_get(answer, "volumes"), i, row) {
        put_volume(call->params, json_string_value(json_array_get(keys, i)), row, task);
        json_array_append(made, json_object_get(row, "volume"));
    }
    return 0;
}

int qemu_disks_remove(const struct qemu_call *call, struct task *task, const char *reason,
                      const json_t *volumes, struct error *err)
{
    autojson json_t *answer = NULL;
    char uuid[UUID_SIZE];

    if (json_array_size(volumes) == 0)
        return 0;
    uuid_make(uuid);
    autofree char *id = xasprintf("%s%s", task != NULL ? task_upid(task) : uuid, reason);
    return broker_call(
        call->service->broker, "volume_remove", id,
        json_pack("{s:O, s:O}", "vmid", json_object_get(call->params, "vmid"), "volumes", volumes), log_line,
        task, &answer, err);
}

void qemu_disks_unmake(const struct qemu_call *call, struct task *task, const json_t *made, struct error *err)
{
    struct error late;

    if (qemu_disks_remove(call, task, "unmake", made, &late) != 0)
        error_set(err, err->kind, "%.500s; the new disks are left: %.400s", err->message, late.message);
}

/* A document that names the volumes, each as an unusedN. */
static json_t *name_all(const json_t *made)
{
    json_t *config = json_object(), *row;
    size_t i;

    json_array_foreach(made, i, row)
        json_object_set(config, vm_key_name("unused", (unsigned)i).text, json_object_get(row, "volume"));
    return json_pack("{s:o}", "config", config);
}

void qemu_disks_sweep(struct service *service, struct task *task, long long vmid)
{
    autojson json_t *params = json_pack("{s:I}", "vmid", (json_int_t)vmid), *answer = NULL, *document = NULL;
    const struct qemu_call call = {.service = service, .params = params};
    struct error err;

    if (broker_follow(service->broker, task_upid(task), 0, NULL, NULL, &answer, &err) != 0 ||
        json_object_get(answer, "volumes") == NULL)
        return;
    if (vm_document_read(service->storage, service->node, vmid, &document, NULL, &err) != 0)
        document = json_object();
    autojson json_t *before = name_all(json_object_get(answer, "volumes")),
                    *dropped = vm_config_list_dropped(before, document, vmid);
    if (qemu_disks_remove(&call, task, "sweep", dropped, &err) != 0)
        task_warn(task, "disks that were made for this are left: %s", err.message);
}
