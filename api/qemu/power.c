/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POST /nodes/{node}/qemu/{vmid}/status/{shutdown,reset,suspend,resume} and .../monitor: what a VM that runs
 * is asked to do. */
#include <string.h>

#include "api/qemu/list.h"
#include "api/qemu/qemu.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "passthrough/vm_document.h"
#include "vm/hostpci.h"
#include "vm/value.h"

#define SHUTDOWN_SECONDS 60

static long long vmid_of(const struct qemu_call *call)
{
    return json_integer_value(json_object_get(call->params, "vmid"));
}

static bool is_set(const struct qemu_call *call, const char *name)
{
    return json_integer_value(json_object_get(call->params, name)) != 0;
}

/* Options that are not for everybody. */
static int check_root(const struct request *request, const char *const *names, struct error *err)
{
    for (; *names != NULL; names++)
        if (param_given(request, *names) && param_boolean(request, *names) &&
            !identity_is_root(&request->caller))
            return error_set_field(err, *names, "Only root may use this option.");
    return 0;
}

/* The VM as a task finds it: an error if it is gone, or locked by somebody else. */
static int read_unlocked(const struct qemu_call *call, json_t **ret, struct error *err)
{
    const struct service *service = call->service;
    autojson json_t *document = NULL;

    if (vm_document_read(service->storage, service->node, vmid_of(call), &document, NULL, err) != 0)
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
    return ask_machine(call->service, vmid_of(call), verb, NULL, &answer, err);
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

/* Only a VM that is there and runs gets a task; *ret_document (may be NULL) is a new reference. */
static int check_running(const struct request *request, json_t **ret_document, struct error *err)
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
    if (check_root(request, VALUES("skiplock"), err) != 0 || check_running(request, NULL, err) != 0)
        return -1;
    return qemu_begin_task(request, "qmreset", run_reset, ret, err);
}

static int resume_vm(struct request *request, json_t **ret, struct error *err)
{
    if (check_root(request, VALUES("skiplock", "nocheck"), err) != 0 ||
        check_running(request, NULL, err) != 0)
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

    if (check_root(request, VALUES("skiplock"), err) != 0)
        return -1;
    if (param_given(request, "statestorage") && !param_boolean(request, "todisk"))
        return error_set_field(err, "todisk", "missing property - 'statestorage' requires this property");
    if (check_running(request, &document, err) != 0)
        return -1;
    if (!param_boolean(request, "todisk"))
        return qemu_begin_task(request, "qmpause", run_suspend, ret, err);
    if (vm_hostpci_foreach(json_object_get(document, "config"), refuse_device, NULL, err) != 0)
        return -1;
    return error_set(err, ERROR_FAILED,
                     "a VM is not suspended to disk here, where there are no storage pools: suspend it "
                     "without todisk, or shut it down");
}

static void log_line(void *context, int number, const char *text)
{
    (void)number;
    task_log(context, "%s", text);
}

/* What `timeout` says, or else the down= of the key startup. */
static long long find_timeout(const struct qemu_call *call, const json_t *document)
{
    const char *startup = json_text(json_object_get(document, "config"), "startup");
    const char *down = strstr(startup, "down=");
    const json_t *timeout = json_object_get(call->params, "timeout");
    unsigned long long seconds;

    if (timeout != NULL)
        return json_integer_value(timeout);
    if (down == NULL)
        return SHUTDOWN_SECONDS;
    autofree char *number = xstrndup(down + strlen("down="), strspn(down + strlen("down="), "0123456789"));
    return text_to_number(number, 10, INT32_MAX, &seconds) ? (long long)seconds : SHUTDOWN_SECONDS;
}

/* A guest that is paused cannot hear the power button. */
static bool is_paused(const struct service *service, long long vmid)
{
    autojson json_t *machines = NULL;
    struct error ignored;

    return machines_read(service->broker, &machines, &ignored) == 0 &&
           strcmp(json_text(machines_find(machines, vmid), "qmpstatus"), "paused") == 0;
}

static int run_shutdown(const struct qemu_call *call, struct task *task, struct error *err)
{
    autojson json_t *document = NULL, *answer = NULL;
    bool force = is_set(call, "forceStop");

    if (read_unlocked(call, &document, err) != 0)
        return -1;
    const char *how = force && is_paused(call->service, vmid_of(call)) ? "quit" : "powerdown";
    json_t *arguments = json_pack("{s:I, s:s, s:I, s:i}", "vmid", (json_int_t)vmid_of(call), "how", how,
                                  "timeout", (json_int_t)find_timeout(call, document), "force", force);
    return broker_call(call->service->broker, "vm_stop", task_upid(task), arguments, log_line, task, &answer,
                       err);
}

static int shutdown_vm(struct request *request, json_t **ret, struct error *err)
{
    if (check_root(request, VALUES("skiplock", "keepActive"), err) != 0)
        return -1;
    if (!param_boolean(request, "forceStop") && is_paused(request->service, param_integer(request, "vmid")))
        return error_set(err, ERROR_FAILED, "VM is paused - cannot shutdown");
    return qemu_begin_task(request, "qmshutdown", run_shutdown, ret, err);
}

/* Commands that only tell something; all others may change the VM. */
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
    if (check_running(request, NULL, err) != 0 ||
        ask_machine(request->service, param_integer(request, "vmid"), "monitor", command, &answer, err) != 0)
        return -1;
    *ret = json_string(json_text(answer, "text"));
    return 0;
}

#define POWER(verb, about, handler, ...)                                                                     \
    {                                                                                                        \
        .method = METHOD_POST,                                                                               \
        .path = "/nodes/{node}/qemu/{vmid}/status/" verb,                                                    \
        .text = (about),                                                                                     \
        .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.PowerMgmt"),                                        \
        .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID, __VA_ARGS__),                               \
        .returns = RETURNS_UPID,                                                                             \
        .may_block = true,                                                                                   \
        .on_node = true,                                                                                     \
        .run = (handler),                                                                                    \
    }
#define PARAMETER_SKIPLOCK OPTIONAL_FLAG("skiplock", "Although it is locked; root@pam only.")
#define PARAMETER_OFF(key, about)                                                                            \
    {.name = (key), .type = SCHEMA_BOOLEAN, .optional = true, .fallback = "0", .text = (about)}

const struct endpoint endpoint_reset_qemu =
    POWER("reset", "Resets a running VM, as its button would; its configuration stays what it is.", reset_vm,
          PARAMETER_SKIPLOCK);

const struct endpoint endpoint_suspend_qemu =
    POWER("suspend", "Halts the processors of a running VM.", suspend_vm, PARAMETER_SKIPLOCK,
          PARAMETER_OFF("todisk", "Only 0: its memory is not written to a disk."),
          {.name = "statestorage",
           .type = SCHEMA_STRING,
           .optional = true,
           .max_length = 255,
           .text = "Of todisk, which is refused."});

const struct endpoint endpoint_resume_qemu =
    POWER("resume", "Lets a suspended VM go on.", resume_vm, PARAMETER_SKIPLOCK,
          OPTIONAL_FLAG("nocheck", "Changes nothing; root@pam only."));

const struct endpoint endpoint_shutdown_qemu =
    POWER("shutdown", "Presses the power button of a VM, and waits for the guest to power off.", shutdown_vm,
          PARAMETER_SKIPLOCK, PARAMETER_OFF("forceStop", "Stop it when the time is over."),
          PARAMETER_OFF("keepActive", "Changes nothing; root@pam only."),
          {.name = "timeout",
           .type = SCHEMA_INTEGER,
           .optional = true,
           .range = AT_LEAST(0),
           .text = "Seconds to wait; default: down= of startup, or 60."});

const struct endpoint endpoint_monitor_qemu = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/qemu/{vmid}/monitor",
    .text = "Runs a command of QEMU's monitor, and tells its output. Any but info and help needs Sys.Modify.",
    .permission = ALLOW_ANY_PRIVILEGE("/vms/{vmid}", "Sys.Audit", "Sys.Modify"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID,
                             {.name = "command",
                              .type = SCHEMA_STRING,
                              .max_length = 4096,
                              .text = "A command, as one types it."}),
    .returns = {.type = SCHEMA_STRING},
    .may_block = true,
    .on_node = true,
    .run = run_monitor,
};
