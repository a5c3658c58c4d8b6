/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POST /nodes/{node}/qemu: a new VM. */
#include <string.h>

#include "api/qemu/disks.h"
#include "api/qemu/power.h"
#include "base/json.h"
#include "base/memory.h"
#include "passthrough/vm_document.h"
#include "vm/keys.h"
#include "vm/volume.h"

/* Parameters for what Proxmox does in this call and hostpci does not. Clients may send them empty or 0. */
static const struct {
    const char *name, *reason;
} refused[] = {
    {"archive", "backups are not restored here: create the VM by its keys"},
    {"import-working-storage", "disks are not imported here: leave this out"},
    {"pool", "there are no pools here: grant privileges on /vms/VMID instead"},
    {"force", "a VM is not overwritten: delete it first"},
    {"ha-managed", "VMs are not moved between nodes when one fails"},
    {"live-restore", "backups are not restored here: create the VM by its keys"},
    {"unique", "backups are not restored here, and a new VM is unique anyway"},
};

static int check_refused(const json_t *params, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        const json_t *value = json_object_get(params, refused[i].name);
        if (json_integer_value(value) != 0 || json_string_length(value) > 0)
            return error_set_field(err, refused[i].name, "%s", refused[i].reason);
    }
    return 0;
}

/* The version of the host's QEMU; NULL if there is none, since a VM can be configured without it. */
static char *read_version(struct qemu *qemu)
{
    const struct vm_features *capabilities;
    struct error ignored;

    if (qemu_features(qemu, &capabilities, &ignored) != 0)
        return NULL;
    struct vm_version version = vm_features_version(capabilities);
    return xasprintf("%u.%u.%u", version.major, version.minor, version.micro);
}

/* Checks everything that can be wrong with the new VM, except that its id may be taken. */
static int build_document(const struct qemu_call *call, json_t **ret, struct error *err)
{
    autoqemuchange struct qemu_change change = {0};

    if (qemu_change_read(call, &change, err) != 0 || qemu_check_change(call, NULL, &change, err) != 0)
        return -1;
    autofree char *version = read_version(call->service->qemu);
    change.fresh.qemu = version;
    change.fresh.meta = json_string_value(json_object_get(call->params, "meta"));
    return vm_config_create(call->service->node, &change.change, ret, err);
}

/* Logs the keys that were added, and the network cards that got an address. */
static void log_added(struct task *task, const json_t *document, const json_t *params)
{
    const char *key;
    json_t *value;

    json_object_foreach(json_object_get(document, "config"), key, value) {
        const json_t *sent = json_object_get(params, key);
        const struct schema *schema = vm_key_find(key, NULL);
        bool is_card = schema != NULL && vm_key_about(schema)->kind == VM_KIND_NET;
        if ((sent == NULL || (is_card && !json_equal(sent, value))) && json_is_string(value))
            task_log(task, "%s: %s", key, json_string_value(value));
    }
}

/* If the VM does not start it exists all the same, so that is only a warning. */
static void autostart(const struct qemu_call *call, struct task *task)
{
    const struct start_host host = qemu_start_host(call->service);
    const struct start_options options = {.timeout = -1};
    struct error why;

    task_log(task, "Execute autostart");
    if (start_run(&host, qemu_vmid(call), &options, task, &why) != 0)
        task_warn(task, "%s", why.message);
}

/* Its disks are made when everything else is known to be right, and are removed if the VM is not created. */
static int make_vm(const struct qemu_call *call, struct task *task, json_t **ret, struct error *err)
{
    long long vmid = qemu_vmid(call);
    struct storage *storage = call->service->storage;
    autojson json_t *first = NULL, *made = NULL;

    if (build_document(call, &first, err) != 0 || vm_document_check_free(storage, vmid, err) != 0 ||
        qemu_disks_make(call, task, &made, err) != 0)
        return -1;
    if (build_document(call, ret, err) == 0 && vm_document_create(storage, vmid, json_incref(*ret), err) == 0)
        return 0;
    qemu_disks_unmake(call, task, made, err);
    return -1;
}

static int create(const struct qemu_call *call, struct task *task, struct error *err)
{
    autojson json_t *document = NULL;

    if (make_vm(call, task, &document, err) != 0)
        return -1;
    log_added(task, document, call->params);
    if (json_integer_value(json_object_get(call->params, "start")) != 0)
        autostart(call, task);
    return 0;
}

/* "32" in the place of a volume is a new disk in the storage that the whole request names. */
static int name_storage(json_t *params, struct error *err)
{
    const char *storage = json_text_or(params, "storage", ""), *key;
    json_t *value;

    if (storage[0] == '\0')
        return 0;
    if (strcmp(storage, VM_STORE) != 0)
        return error_set_field(
            err, "storage", "storage '%.100s' does not exist: the only one here is '" VM_STORE "'", storage);
    json_object_foreach(params, key, value)
        qemu_disk_name_storage(params, key);
    return 0;
}

/* The reply reports everything that is wrong with the request. The task checks again, since things may have
 * changed meanwhile. */
static int create_vm(struct request *request, json_t **ret, struct error *err)
{
    const struct permission allocate = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Allocate");
    const struct service *service = request->service;
    const struct qemu_call call = {request->service, request->caller, request->params};
    autojson json_t *document = NULL;

    if (access_check(service->access, &request->caller, &allocate, request->params, err) != 0 ||
        check_refused(request->params, err) != 0 || name_storage(request->params, err) != 0 ||
        vm_document_check_free(service->storage, param_integer(request, "vmid"), err) != 0 ||
        build_document(&call, &document, err) != 0)
        return -1;
    return qemu_begin_task(request, "qmcreate", create, ret, err);
}

#define REFUSED_TEXT(key, about)                                                                             \
    {.name = (key), .type = SCHEMA_STRING, .optional = true, .max_length = 255, .text = (about)}

const struct endpoint endpoint_create_qemu = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/qemu",
    .text = "Creates a virtual machine, in a task. Needs VM.Allocate on /vms/{vmid}, and for each key the "
            "privileges that changing it needs. Added to each VM: identity (smbios1, vmgenid), boot order, "
            "MAC addresses.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(
        PARAMETER_NODE, PARAMETER_VMID, REFUSED_TEXT("archive", "Must be empty: backups are not restored."),
        {.name = "bwlimit",
         .type = SCHEMA_INTEGER,
         .optional = true,
         .range = AT_LEAST(0),
         .text = "Limit of a restore in KiB/s; ignored, as backups are not restored."},
        {.name = "force",
         .type = SCHEMA_BOOLEAN,
         .optional = true,
         .text = "Must be 0: nothing is overwritten."},
        {.name = "ha-managed",
         .type = SCHEMA_BOOLEAN,
         .optional = true,
         .fallback = "0",
         .text = "Must be 0: VMs are not moved when a node fails."},
        {.name = "meta",
         .type = SCHEMA_STRING,
         .optional = true,
         .max_length = 128,
         .property_string = vm_meta_keys,
         .text =
             "Origin of a VM whose configuration was made elsewhere; by default it is created here and now."},
        REFUSED_TEXT("import-working-storage", "Must be empty: disks are not imported."),
        {.name = "live-restore",
         .type = SCHEMA_BOOLEAN,
         .optional = true,
         .text = "Must be 0: backups are not restored."},
        REFUSED_TEXT("pool", "Must be empty: there are no pools."),
        {.name = "start",
         .type = SCHEMA_BOOLEAN,
         .optional = true,
         .fallback = "0",
         .text = "Start it when it has been created."},
        {.name = "storage",
         .type = SCHEMA_STRING,
         .optional = true,
         .max_length = 255,
         .text = "Where disks are made whose value names no storage, as scsi0=32."},
        {.name = "unique",
         .type = SCHEMA_BOOLEAN,
         .optional = true,
         .text = "Must be 0: it is about restored backups; a new VM is unique anyway."},
        {.name = NULL, .more = vm_keys}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .hashes = QEMU_PASSWORD,
    .run = create_vm,
};
