/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation vm_agent: asks the guest agent of a running VM. */
#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/vm_end.h"
#include "broker/worker/vm_guest.h"

const struct schema operation_vm_agent_arguments[] = {
    ARGUMENT_VMID,
    {.name = "command",
     .type = SCHEMA_STRING,
     .values = VALUES("ping", "info", "network-get-interfaces", "get-osinfo"),
     .text = "What it is asked."},
    {.name = NULL}};

static int ask(struct worker *worker, json_t **ret, struct error *err)
{
    automachine struct machine machine = {.folder = NULL};
    autofree char *command = xasprintf("guest-%s", json_text(worker->arguments, "command"));
    autojson json_t *reply = NULL;
    long long vmid = vm_id(worker);

    if (machine_find(worker->run_dir, vmid, &machine, err) != 0 || !process_runs(machine.qemu))
        return error_set(err, ERROR_FAILED, "VM %lld is not running", vmid);
    if (vm_guest_ask(&machine, command, &reply, err) != 0)
        return -1;
    json_t *failure = json_object_get(reply, "error");
    *ret = failure != NULL ? json_pack("{s:{s:O}}", "result", "error", failure)
                           : json_pack("{s:O}", "result", json_object_get(reply, "return"));
    return 0;
}

const struct operation operation_vm_agent = {
    .name = "vm_agent",
    .text = "Asks the guest agent of a running VM.",
    .arguments = operation_vm_agent_arguments,
    .patience = VM_GUEST_SECONDS + 2,
    .run = ask,
};
