/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POST /nodes/{node}/status: reboots the node or switches it off. */
#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "passthrough/broker_task.h"

/* Clients of Proxmox VE do not expect a UPID, but there is a task, whose log says how it ended. */
static int command_node(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    const char *command = param_string(request, "command");
    autofree char *user = request_caller(request);
    const struct broker_task what = {.type = "nodepower",
                                     .id = command,
                                     .user = user,
                                     .operation = &operation_power,
                                     .arguments = json_pack("{s:s}", "command", command)};
    char upid[UPID_SIZE];

    if (broker_task_begin(service->tasks, service->broker, &what, NULL, NULL, upid, err) != 0)
        return -1;
    *ret = json_null();
    return 0;
}

const struct endpoint endpoint_command_node = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/status",
    .text = "Reboots the node, or switches it off. A task (nodepower) does it.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.PowerMgmt"),
    .parameters = PROPERTIES(PARAMETER_NODE, {.name = NULL, .more = operation_power_arguments}),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .on_node = true,
    .run = command_node,
};
