/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation vm_control: tells a running VM's QEMU something, or asks it, by QMP. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/vm_end.h"
#include "vm/qmp/qmp.h"

#define PATIENCE 10 /* seconds */

static const struct verb {
    const char *name, *command, *member; /* of the result; NULL: nothing is returned */
} verbs[] = {
    {"reset", "system_reset", NULL},
    {"suspend", "stop", NULL},
    {"resume", "cont", NULL},
    {"powerdown", "system_powerdown", NULL},
    {"monitor", "human-monitor-command", "text"},
    {"query-pci", "query-pci", "buses"},
};

const struct schema operation_vm_control_arguments[] = {
    ARGUMENT_VMID,
    {.name = "verb",
     .type = SCHEMA_STRING,
     .values = VALUES("reset", "suspend", "resume", "powerdown", "monitor", "query-pci"),
     .text = "What it is told or asked."},
    {.name = "command",
     .type = SCHEMA_STRING,
     .optional = true,
     .max_length = 4096,
     .text = "Of monitor: a command of QEMU's human monitor."},
    {.name = NULL}};

static const struct verb *find_verb(const char *name)
{
    const struct verb *verb = verbs;

    while (strcmp(verb->name, name) != 0) /* one of them: the schema says so */
        verb++;
    return verb;
}

static int control(struct worker *worker, json_t **ret, struct error *err)
{
    const struct verb *verb = find_verb(json_text(worker->arguments, "verb"));
    const char *command = json_string_value(json_object_get(worker->arguments, "command"));
    bool monitors = strcmp(verb->name, "monitor") == 0;
    automachine struct machine machine = {.folder = NULL};
    autoqmp struct qmp *qmp = NULL;
    autojson json_t *result = NULL;
    long long vmid = vm_id(worker);

    if (monitors && command == NULL)
        return error_set_field(err, "command", "a command of QEMU's monitor is needed");
    if (machine_find(worker->run_dir, vmid, &machine, err) != 0)
        return -1;
    if (!process_runs(machine.qemu))
        return error_set(err, ERROR_NOT_FOUND, "VM %lld not running", vmid);
    autofree char *file = xasprintf("%lld.qmp", vmid), *path = machine_path(worker->run_dir, vmid, file);
    if (qmp_open(path, PATIENCE * 1000 / 2, &qmp, err) != 0 ||
        qmp_execute(qmp, verb->command, monitors ? json_pack("{s:s}", "command-line", command) : NULL,
                    PATIENCE * 1000 / 2, &result, err) != 0)
        return -1;
    *ret = json_object();
    if (verb->member != NULL)
        json_object_set(*ret, verb->member, result);
    return 0;
}

const struct operation operation_vm_control = {
    .name = "vm_control",
    .text = "Sends a running VM a command or a question.",
    .arguments = operation_vm_control_arguments,
    .patience = PATIENCE + 2,
    .run = control,
};
