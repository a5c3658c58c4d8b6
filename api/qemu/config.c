/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/qemu/{vmid}/config: a VM's configuration, read and changed. */
#include <string.h>

#include "api/qemu/disks.h"
#include "base/json.h"
#include "base/memory.h"
#include "passthrough/vm_document.h"
#include "storage/edit.h"
#include "storage/local.h"

#define MAKING_SECONDS 600

static struct qemu_call call_of(const struct request *request)
{
    return (struct qemu_call){request->service, request->caller, request->params};
}

static int get_config(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    const char *snapshot = param_string(request, "snapshot");
    autojson json_t *document = NULL;
    char digest[DIGEST_SIZE];

    if (vm_document_read(service->storage, service->node, param_integer(request, "vmid"), &document, NULL,
                         err) != 0)
        return -1;
    if (snapshot != NULL)
        return error_set(err, ERROR_FAILED, "snapshot '%s' does not exist: hostpci has no snapshots",
                         snapshot);
    object_digest(document, digest);
    *ret = vm_config_show(document, param_boolean(request, "current"));
    json_object_set_new(*ret, "digest", json_string(digest));
    return 0;
}

const struct endpoint endpoint_get_qemu_config = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}/config",
    .text = "Shows a VM's configuration as its next start will use it.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID,
                             {.name = "current",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .fallback = "0",
                              .text = "With which the running VM was started, without pending changes."},
                             {.name = "snapshot",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .format = "pve-configid",
                              .max_length = 40,
                              .text = "Name of a snapshot; there are none."}),
    /* keys that a reply has as a string come first, because the rows of vm_keys say how they are set */
    .returns =
        {.type = SCHEMA_OBJECT,
         .properties = PROPERTIES(
             {.name = "digest", .type = SCHEMA_STRING, .text = "Changes with it."},
             OPTIONAL_TEXT("meta", "creation-qemu=VERSION,ctime=SECONDS: with what and when it was created."),
             OPTIONAL_TEXT("boot", "order=DEVICE;DEVICE..., or a blank if it has nothing to boot from."),
             OPTIONAL_TEXT("cpulimit", "The most processor time, as a number of processors."),
             OPTIONAL_TEXT("migrate_downtime", "Seconds."), {.name = NULL, .more = vm_keys})},
    .on_node = true,
    .run = get_config,
};

/* What a change will make of the VM. Whether the caller may use what it names is not checked here. */
struct plan {
    struct qemu_change change;
    json_t *before, *after;
    int64_t revision; /* of `before` */
};

static void release_plan(struct plan *plan)
{
    qemu_change_release(&plan->change);
    json_decref(plan->before);
    json_decref(plan->after);
}

static bool is_given(const struct qemu_call *call, const char *name)
{
    return json_integer_value(json_object_get(call->params, name)) != 0;
}

static int check_options(const struct qemu_call *call, struct error *err)
{
    if (is_given(call, "skiplock") && !identity_is_root(&call->caller))
        return error_set_field(err, "skiplock", "Only root may use this option.");
    if (is_given(call, "force") && json_object_get(call->params, "delete") == NULL)
        return error_set_field(err, "delete", "missing property - 'force' requires this property");
    if (json_string_length(json_object_get(call->params, "import-working-storage")) > 0)
        return error_set_field(err, "import-working-storage", "disks are not imported here: leave this out");
    return 0;
}

/* The caller releases *plan even if this fails. */
static int make_plan(const struct qemu_call *call, struct plan *plan, struct error *err)
{
    const struct service *service = call->service;
    const char *digest = json_string_value(json_object_get(call->params, "digest"));

    if (check_options(call, err) != 0 || qemu_change_read(call, &plan->change, err) != 0 ||
        qemu_check_keys(call, &plan->change, err) != 0 ||
        vm_document_read(service->storage, service->node, qemu_vmid(call), &plan->before, &plan->revision,
                         err) != 0 ||
        vm_document_check_digest(plan->before, digest, err) != 0)
        return -1;
    return vm_config_change(plan->before, &plan->change.change, &plan->after, err);
}

struct changing {
    const struct qemu_call *call;
    json_t *dropped; /* volumes, by the last try */
    json_t *after;   /* of a VM that runs, by the last try */
};

static int build_change(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    __attribute__((cleanup(release_plan))) struct plan plan = {0};
    struct changing *changing = context;
    const struct qemu_call *call = changing->call;

    (void)storage;
    if (make_plan(call, &plan, err) != 0 || qemu_check_change(call, plan.before, &plan.change, err) != 0)
        return -1;
    json_decref(changing->dropped);
    json_decref(changing->after);
    changing->after = plan.change.change.running ? json_deep_copy(plan.after) : NULL;
    changing->dropped = vm_config_list_dropped(plan.before, plan.after, qemu_vmid(call));
    vm_document_put(set, qemu_vmid(call), plan.revision, TAKE(plan.after));
    return 0;
}

/* Volumes that the VM no longer names, not even as unused, are deleted once that is on disk. */
static int apply_change(const struct qemu_call *call, struct task *task, struct error *err)
{
    struct changing changing = {.call = call};

    int result = edit_run(call->service->storage, build_change, &changing, err);
    if (result == 0)
        result = qemu_disks_remove(call, task, "free", changing.dropped, err);
    if (result == 0 && changing.after != NULL)
        result = qemu_discs_change(call, changing.after, err);
    if (result == 0 && changing.after != NULL)
        result = qemu_devices_change(call, changing.after, task, err);
    json_decref(changing.dropped);
    json_decref(changing.after);
    return result;
}

/* Checks everything that can be wrong with a change before its disks are made. */
static int check_change(const struct qemu_call *call, struct error *err)
{
    __attribute__((cleanup(release_plan))) struct plan plan = {0};

    return make_plan(call, &plan, err) == 0 ? qemu_check_change(call, plan.before, &plan.change, err) : -1;
}

static int make_and_apply(const struct qemu_call *call, struct task *task, struct error *err)
{
    autojson json_t *made = NULL;

    if (check_change(call, err) != 0 || qemu_disks_make(call, task, &made, err) != 0)
        return -1;
    if (apply_change(call, task, err) == 0)
        return 0;
    qemu_disks_unmake(call, task, made, err);
    return -1;
}

static int run_task(const struct qemu_call *call, struct task *task, struct error *err)
{
    if (make_and_apply(call, task, err) != 0)
        return -1;
    task_log(task, "configuration of VM %lld changed", qemu_vmid(call));
    return 0;
}

static bool ended_well(const json_t *task)
{
    return strcmp(json_text(task, "result"), "ok") == 0;
}

/* Makes the disks in a task, and waits for it. */
static int update_in_task(struct request *request, struct error *err)
{
    autojson json_t *upid = NULL;

    if (qemu_begin_task(request, "qmconfig", run_task, &upid, err) != 0)
        return -1;
    autojson json_t *task = task_wait(request->service->storage, json_string_value(upid), MAKING_SECONDS);
    if (task == NULL)
        return error_set(err, ERROR_BUSY, "the disks are not finished after %d s: the task %s goes on",
                         MAKING_SECONDS, json_string_value(upid));
    return ended_well(task) ? 0 : error_set(err, ERROR_FAILED, "%s", json_text(task, "status"));
}

static int update_config(struct request *request, json_t **ret, struct error *err)
{
    const struct qemu_call call = call_of(request);

    *ret = json_null();
    if (!qemu_disks_are_asked(request->params))
        return apply_change(&call, NULL, err);
    return check_change(&call, err) == 0 ? update_in_task(request, err) : -1;
}

/* The reply reports what is wrong with the request; the task reports what the caller may not use. */
static int update_config_async(struct request *request, json_t **ret, struct error *err)
{
    __attribute__((cleanup(release_plan))) struct plan plan = {0};
    const struct qemu_call call = call_of(request);
    autojson json_t *upid = NULL;

    if (make_plan(&call, &plan, err) != 0 || qemu_begin_task(request, "qmconfig", run_task, &upid, err) != 0)
        return -1;
    autojson json_t *task = param_given(request, "background_delay")
                                ? task_wait(request->service->storage, json_string_value(upid),
                                            param_integer(request, "background_delay"))
                                : NULL;
    *ret = task != NULL && ended_well(task) ? json_null() : TAKE(upid);
    return 0;
}

#define MAY_CONFIGURE                                                                                        \
    ALLOW_ANY_PRIVILEGE("/vms/{vmid}", "VM.Config.Disk", "VM.Config.CDROM", "VM.Config.CPU",                 \
                        "VM.Config.Memory", "VM.Config.Network", "VM.Config.HWType", "VM.Config.Options",    \
                        "VM.Config.Cloudinit")
#define PARAMETERS_OF_CHANGE                                                                                 \
    PARAMETER_NODE, PARAMETER_VMID, PARAMETER_DIGEST,                                                        \
        {.name = "delete",                                                                                   \
         .type = SCHEMA_STRING,                                                                              \
         .optional = true,                                                                                   \
         .format = "pve-configid-list",                                                                      \
         .text = "Keys to remove."},                                                                         \
        {.name = "revert",                                                                                   \
         .type = SCHEMA_STRING,                                                                              \
         .optional = true,                                                                                   \
         .format = "pve-configid-list",                                                                      \
         .text = "Keys whose pending changes to discard."},                                                  \
        {.name = "force",                                                                                    \
         .type = SCHEMA_BOOLEAN,                                                                             \
         .optional = true,                                                                                   \
         .text = "Also delete what cannot be unplugged."},                                                   \
        {.name = "skiplock",                                                                                 \
         .type = SCHEMA_BOOLEAN,                                                                             \
         .optional = true,                                                                                   \
         .text = "Change it even if it is locked; root@pam only."}

const struct endpoint endpoint_update_qemu_config = {
    .method = METHOD_PUT,
    .path = "/nodes/{node}/qemu/{vmid}/config",
    .text = "Changes a VM's configuration. What cannot be changed while the VM runs stays pending.",
    .permission = MAY_CONFIGURE,
    .parameters = PROPERTIES(PARAMETERS_OF_CHANGE, {.name = NULL, .more = vm_keys}),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .on_node = true,
    .hashes = QEMU_PASSWORD,
    .run = update_config,
};

const struct endpoint endpoint_update_qemu_config_async = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/qemu/{vmid}/config",
    .text = "The same in a task.",
    .permission = MAY_CONFIGURE,
    .parameters = PROPERTIES(PARAMETERS_OF_CHANGE,
                             {.name = "background_delay",
                              .type = SCHEMA_INTEGER,
                              .optional = true,
                              .range = RANGE(1, 30),
                              .text = "Seconds to wait for the task's end; the reply is null if it was OK."},
                             {.name = "import-working-storage",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .max_length = 255,
                              .text = "Must be empty: disks are not imported."},
                             {.name = NULL, .more = vm_keys}),
    .returns = {.type = SCHEMA_STRING,
                .format = "pve-task-upid",
                .nullable = true,
                .text = "UPID of the task. /nodes/{node}/tasks/{upid} has its log and its status."},
    .may_block = true,
    .on_node = true,
    .hashes = QEMU_PASSWORD,
    .run = update_config_async,
};

/* Also one that it cannot remove at once is only noted then. */
static int unlink_disks(struct request *request, json_t **ret, struct error *err)
{
    autojson json_t *params =
        json_pack("{s:I, s:s, s:i}", "vmid", (json_int_t)param_integer(request, "vmid"), "delete",
                  param_string(request, "idlist"), "force", (int)param_boolean(request, "force"));
    const struct qemu_call call = {request->service, request->caller, params};

    *ret = json_null();
    return apply_change(&call, NULL, err);
}

const struct endpoint endpoint_unlink_qemu = {
    .method = METHOD_PUT,
    .path = "/nodes/{node}/qemu/{vmid}/unlink",
    .text =
        "Removes disks from a VM. Those in the storage become unusedN; with force, or if they are unusedN, "
        "they are removed.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Config.Disk"),
    .parameters = PROPERTIES(
        PARAMETER_NODE, PARAMETER_VMID,
        {.name = "idlist",
         .type = SCHEMA_STRING,
         .format = "pve-configid-list",
         .text = "Keys of disks: scsi0,unused1."},
        {.name = "force", .type = SCHEMA_BOOLEAN, .optional = true, .text = "Delete the disks themselves."}),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .on_node = true,
    .run = unlink_disks,
};
