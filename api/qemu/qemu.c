/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/qemu/{vmid}: the parts of a VM, and deleting it. */
#include "api/qemu/qemu.h"

#include <string.h>

#include "api/qemu/disks.h"
#include "api/qemu/list.h"
#include "base/memory.h"
#include "passthrough/vm_document.h"
#include "schema/property_string.h"
#include "store/store.h"
#include "vm/disk.h"

const struct endpoint endpoint_get_qemu = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}",
    .text = "Lists the parts of a virtual machine.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID),
    .index_key = "subdir",
    .on_node = true,
};

static const json_t *config_of(const json_t *document, const char *key)
{
    return json_object_get(json_object_get(document, "config"), key);
}

/* A VM that is being started, or whose devices are being given back, counts as running. */
static int check_stopped(const struct service *service, long long vmid, struct error *err)
{
    const struct machines_source source = qemu_machines(service);
    autojson json_t *machines = NULL;

    if (machines_list(&source, &machines, err) != 0)
        return -1;
    const json_t *machine = machines_find(machines, vmid);
    if (machine != NULL && json_object_get(machine, "left") != NULL)
        return machine_check_none(machine, vmid, err);
    if (machine != NULL)
        return error_set(err, ERROR_FAILED, "VM %lld is running - destroy failed", vmid);
    return 0;
}

/* Reads the VM; an error if it must not be deleted. */
static int find_deletable(const struct qemu_call *call, json_t **ret, int64_t *ret_revision,
                          struct error *err)
{
    const struct service *service = call->service;
    long long vmid = qemu_vmid(call);
    bool skip_lock = json_integer_value(json_object_get(call->params, "skiplock")) != 0;
    autojson json_t *document = NULL;
    int64_t revision = 0;

    if (vm_document_read(service->storage, service->node, vmid, &document, &revision, err) != 0)
        return -1;
    if (json_integer_value(config_of(document, "protection")) != 0)
        return error_set(err, ERROR_FAILED, "can't remove VM %lld - protection mode enabled", vmid);
    const char *lock = json_string_value(config_of(document, "lock"));
    if (lock != NULL && !skip_lock)
        return error_set(err, ERROR_FAILED, "VM is locked (%s)", lock);
    if (check_stopped(service, vmid, err) != 0)
        return -1;
    *ret = TAKE(document);
    *ret_revision = revision;
    return 0;
}

/* The path of a disk's file; NULL for anything else. A CD-ROM's file does not belong to the VM. */
static const char *disk_path(const char *key, const json_t *value, json_t **ret_values)
{
    const struct schema *schema = vm_key_find(key, NULL);
    struct error ignored;

    if (schema == NULL || schema->property_string == NULL || !json_is_string(value) ||
        property_string_parse(schema, json_string_value(value), ret_values, &ignored) != 0)
        return NULL;
    const char *path = json_string_value(json_object_get(*ret_values, "file"));
    return path != NULL && path[0] == '/' && !vm_disk_is_cdrom(*ret_values) ? path : NULL;
}

/* Disks that are named by their paths are not deleted. */
static void log_disks(struct task *task, const json_t *document)
{
    const char *key;
    json_t *value;

    json_object_foreach(json_object_get(document, "config"), key, value) {
        autojson json_t *values = NULL;
        const char *path = disk_path(key, value, &values);
        if (path != NULL)
            task_log(task, "%s: '%s' is left as it is", key, path);
    }
}

/* What there is of the VM's in the storage and is not named; readable without a broker. */
static int add_unreferenced(const struct qemu_call *call, long long vmid, json_t *volumes, struct error *err)
{
    autojson json_t *all = NULL;
    json_t *row;
    size_t i;

    if (json_integer_value(json_object_get(call->params, "destroy-unreferenced-disks")) == 0)
        return 0;
    if (store_list(call->service->paths.store, &all, err) != 0)
        return -1;
    json_array_foreach(all, i, row)
        if (json_integer_value(json_object_get(row, "vmid")) == vmid)
            json_array_append(volumes, json_object_get(row, "volid"));
    return 0;
}

/* The volumes first: if they cannot be removed, the VM that names them is still there. */
static int destroy(const struct qemu_call *call, struct task *task, struct error *err)
{
    long long vmid = qemu_vmid(call);
    autojson json_t *document = NULL, *nothing = json_object();
    int64_t revision = 0;

    if (find_deletable(call, &document, &revision, err) != 0)
        return -1;
    autojson json_t *volumes = vm_config_list_dropped(document, nothing, vmid);
    if (add_unreferenced(call, vmid, volumes, err) != 0 ||
        qemu_disks_remove(call, task, "", volumes, err) != 0 ||
        vm_document_delete(call->service->storage, vmid, revision, err) != 0)
        return -1;
    log_disks(task, document);
    return 0;
}

static int delete_vm(struct request *request, json_t **ret, struct error *err)
{
    const struct qemu_call call = {request->service, request->caller, request->params};
    autojson json_t *document = NULL;
    int64_t revision = 0;

    if (param_boolean(request, "skiplock") && !identity_is_root(&request->caller))
        return error_set_field(err, "skiplock", "Only root may use this option.");
    if (find_deletable(&call, &document, &revision, err) != 0)
        return -1;
    return qemu_begin_task(request, "qmdestroy", destroy, ret, err);
}

const struct endpoint endpoint_delete_qemu = {
    .method = METHOD_DELETE,
    .path = "/nodes/{node}/qemu/{vmid}",
    .text =
        "Deletes a stopped virtual machine, its disks in the storage and its entries in the ACL, in a task. "
        "Disks named by their paths are left, and the task's log names them.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Allocate"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID,
                             {.name = "purge",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .text = "Ignored: there are no jobs that could name it."},
                             {.name = "destroy-unreferenced-disks",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .fallback = "0",
                              .text = "Also delete the disks in the storage that are the VM's by their "
                                      "names, but are not in its configuration."},
                             {.name = "skiplock",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .text = "Delete it even if it is locked; root@pam only."}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .run = delete_vm,
};
