/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POST /nodes/{node}/qemu/{vmid}/status/{reset,suspend,resume} and .../monitor: what a running VM is asked
 * to do. */
#include <string.h>

#include "api/qemu/list.h"
#include "api/qemu/power.h"
#include "base/json.h"
#include "base/memory.h"
#include "passthrough/vm_document.h"
#include "vm/hostpci.h"

static bool is_set(const struct qemu_call *call, const char *name)
{
    return json_integer_value(json_object_get(call->params, name)) != 0;
}

/* The VM as a task finds it: an error if it is gone, or locked by somebody else. */
static int read_unlocked(const struct qemu_call *call, json_t **ret, struct error *err)
{
    const struct service *service = call->service;
    autojson json_t *document = NULL;

    if (vm_document_read(service->storage, service->node, qemu_vmid(call), &document, NULL, err) != 0)
        return -1;
    const char *lock = json_text_or(json_object_get(document, "config"), "lock", NULL);
    if (lock != NULL && !is_set(call, "skiplock"))
        return error_set(err, ERROR_FAILED, "VM is locked (%s)", lock);
    *ret = TAKE(document);
    return 0;
}

/* What the broker does at once. `command` is of the verb monitor, else NULL. */
static int ask_machine(const struct service *service, long long vmid, const char *verb, const char *command,
                       json_t **ret, struct error *err)
{
    json_t *arguments =
        json_pack("{s:I, s:s, s:s*}", "vmid", (json_int_t)vmid, "verb", verb, "command", command);

    return broker_call_briefly(service->broker, "vm_control", NULL, arguments, ret, err);
}

static int control(const struct qemu_call *call, const char *verb, struct error *err)
{
    autojson json_t *document = NULL, *answer = NULL;

    if (read_unlocked(call, &document, err) != 0)
        return -1;
    return ask_machine(call->service, qemu_vmid(call), verb, NULL, &answer, err);
}

static int run_reset(const struct qemu_call *call, struct task *task, struct error *err)
{
    (void)task;
    return control(call, "reset", err);
}

static int run_suspend(const struct qemu_call *call, struct task *task, struct error *err)
{
    (void)task;
    return control(call, "suspend", err);
}

static int run_resume(const struct qemu_call *call, struct task *task, struct error *err)
{
    (void)task;
    return control(call, "resume", err);
}

int qemu_check_running(const struct request *request, json_t **ret_document, struct error *err)
{
    const struct service *service = request->service;
    const struct machines_source source = qemu_machines(service);
    long long vmid = param_integer(request, "vmid");
    autojson json_t *document = NULL;

    if (vm_document_read(service->storage, service->node, vmid, &document, NULL, err) != 0 ||
        machines_require(&source, vmid, NULL, err) != 0)
        return -1;
    if (ret_document != NULL)
        *ret_document = TAKE(document);
    return 0;
}

static int reset_vm(struct request *request, json_t **ret, struct error *err)
{
    if (qemu_check_root(request, VALUES("skiplock"), err) != 0 || qemu_check_running(request, NULL, err) != 0)
        return -1;
    return qemu_begin_task(request, "qmreset", run_reset, ret, err);
}

static int resume_vm(struct request *request, json_t **ret, struct error *err)
{
    if (qemu_check_root(request, VALUES("skiplock", "nocheck"), err) != 0 ||
        qemu_check_running(request, NULL, err) != 0)
        return -1;
    return qemu_begin_task(request, "qmresume", run_resume, ret, err);
}

static int refuse_device(void *context, const char *key, const struct vm_hostpci *hostpci, struct error *err)
{
    (void)context;
    (void)key;
    (void)hostpci;
    return error_set(err, ERROR_FAILED,
                     "cannot suspend VM to disk due to passed-through PCI device(s), which lack the "
                     "possibility to save/restore their internal state");
}

static int suspend_vm(struct request *request, json_t **ret, struct error *err)
{
    autojson json_t *document = NULL;

    if (qemu_check_root(request, VALUES("skiplock"), err) != 0)
        return -1;
    if (param_given(request, "statestorage") && !param_boolean(request, "todisk"))
        return error_set_field(err, "todisk", "missing property - 'statestorage' requires this property");
    if (qemu_check_running(request, &document, err) != 0)
        return -1;
    if (!param_boolean(request, "todisk"))
        return qemu_begin_task(request, "qmpause", run_suspend, ret, err);
    if (vm_hostpci_foreach(json_object_get(document, "config"), refuse_device, NULL, err) != 0)
        return -1;
    return error_set(err, ERROR_FAILED,
                     "a VM is not suspended to disk here, where no storage keeps a VM's memory: suspend it "
                     "without todisk, or shut it down");
}

/* Commands that only show something; all others may change the VM. */
static bool only_reads(const char *command)
{
    static const char *const words[] = {"info", "help"};

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        size_t length = strlen(words[i]);
        if (strncmp(command, words[i], length) == 0 && strchr(" \n", command[length]) != NULL)
            return strchr(command, '\n') == NULL;
    }
    return false;
}

static int run_monitor(struct request *request, json_t **ret, struct error *err)
{
    const struct permission modify = ALLOW_PRIVILEGE("/vms/{vmid}", "Sys.Modify");
    const char *command = param_string(request, "command");
    autojson json_t *answer = NULL;

    if (!only_reads(command) &&
        access_check(request->service->access, &request->caller, &modify, request->params, err) != 0)
        return -1;
    if (qemu_check_running(request, NULL, err) != 0 ||
        ask_machine(request->service, param_integer(request, "vmid"), "monitor", command, &answer, err) != 0)
        return -1;
    *ret = json_string(json_text(answer, "text"));
    return 0;
}

const struct endpoint endpoint_reset_qemu =
    QEMU_POWER("reset", "Resets a running VM, like its reset button. Pending changes stay pending.", reset_vm,
               QEMU_SKIPLOCK);

const struct endpoint endpoint_suspend_qemu =
    QEMU_POWER("suspend", "Halts the processors of a running VM.", suspend_vm, QEMU_SKIPLOCK,
               QEMU_OFF("todisk", "Must be 0: its memory is not written to a disk."),
               {.name = "statestorage",
                .type = SCHEMA_STRING,
                .optional = true,
                .max_length = 255,
                .text = "For todisk, which is refused."});

const struct endpoint endpoint_resume_qemu =
    QEMU_POWER("resume", "Resumes a suspended VM.", resume_vm, QEMU_SKIPLOCK,
               OPTIONAL_FLAG("nocheck", "Ignored; root@pam only."));

const struct endpoint endpoint_monitor_qemu = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/qemu/{vmid}/monitor",
    .text = "Runs a command of QEMU's monitor, and returns its output. Commands other than info and help "
            "need Sys.Modify.",
    .permission = ALLOW_ANY_PRIVILEGE("/vms/{vmid}", "Sys.Audit", "Sys.Modify"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID,
                             {.name = "command",
                              .type = SCHEMA_STRING,
                              .max_length = 4096,
                              .text = "The command, as typed at the monitor."}),
    .returns = {.type = SCHEMA_STRING},
    .may_block = true,
    .on_node = true,
    .run = run_monitor,
};
