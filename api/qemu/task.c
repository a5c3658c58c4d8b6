/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that change a VM. */
#include "api/qemu/task.h"

#include <stdlib.h>
#include <string.h>

#include "api/qemu/disks.h"
#include "api/qemu/power.h"
#include "base/memory.h"
#include "base/text.h"
#include "passthrough/broker_task.h"
#include "passthrough/vm_document.h"

long long qemu_vmid(const struct qemu_call *call)
{
    return json_integer_value(json_object_get(call->params, "vmid"));
}

struct qemu_task {
    struct qemu_call call;
    int (*run)(const struct qemu_call *call, struct task *task, struct error *err);
};

static int run(struct task *task, void *argument, struct error *err)
{
    const struct qemu_task *self = argument;

    return self->run(&self->call, task, err);
}

static void release(void *argument)
{
    struct qemu_task *self = argument;

    json_decref(self->call.params);
    free(self);
}

int qemu_begin_task(struct request *request, const char *type,
                    int (*function)(const struct qemu_call *call, struct task *task, struct error *err),
                    json_t **ret, struct error *err)
{
    autofree char *id = xasprintf("%lld", param_integer(request, "vmid"));
    autofree char *user = request_caller(request);
    struct qemu_task *self = xcalloc(1, sizeof(*self));
    struct task_start start = {
        .type = type, .id = id, .user = user, .run = run, .argument = self, .release = release};
    char upid[UPID_SIZE];

    /* the parameters are copied, since the task has its own thread and outlives the request */
    *self =
        (struct qemu_task){{request->service, request->caller, json_deep_copy(request->params)}, function};
    if (task_begin(request->service->tasks, &start, upid, err) != 0) {
        release(self);
        return -1;
    }
    *ret = json_string(upid);
    return 0;
}

/* Finds out how a task ended that a restart interrupted. Creating and destroying a VM are one transaction
 * each, so whether the VM exists tells the end. */
static int find_truth(const struct service *service, const struct upid *upid, struct error *err)
{
    struct error taken;
    bool exists = vm_document_check_free(service->storage, strtoll(upid->id, NULL, 10), &taken) != 0;
    bool creates = strcmp(upid->type, "qmcreate") == 0, destroys = strcmp(upid->type, "qmdestroy") == 0;

    if (exists && taken.kind != ERROR_CONFLICT) {
        *err = taken;
        return -1;
    }
    if (exists ? creates : destroys)
        return 0;
    return error_set(err, ERROR_FAILED, "interrupted by a restart of hostpci%s",
                     creates || destroys ? " before anything was changed"
                                         : ": see in its configuration whether it was changed");
}

int qemu_task_resume(struct task *task, void *argument, struct error *err)
{
    struct service *service = argument;
    struct upid upid;

    if (!upid_parse(task_upid(task), &upid) || !text_starts_with(upid.type, "qm"))
        return broker_task_resume(task, service->broker, err);
    const struct start_host host = qemu_start_host(service);
    if (start_is_resumed(upid.type))
        return start_resume(&host, task, err);
    if (strcmp(upid.type, "qmcreate") == 0 || strcmp(upid.type, "qmconfig") == 0)
        qemu_disks_sweep(service, task, strtoll(upid.id, NULL, 10));
    return find_truth(service, &upid, err);
}
