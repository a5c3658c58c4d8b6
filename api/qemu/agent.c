/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/qemu/{vmid}/agent: questions to a running VM's guest agent. */
#include "api/qemu/qemu.h"
#include "base/json.h"
#include "base/memory.h"
#include "passthrough/machine.h"
#include "passthrough/vm_document.h"

const struct endpoint endpoint_get_agent = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}/agent",
    .text = "Lists the questions to a VM's guest agent.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID),
    .index_key = "name",
    .on_node = true,
};

/* The texts and their order are Proxmox's: clients look for them. */
static int ask_agent(struct request *request, const char *command, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    long long vmid = param_integer(request, "vmid");
    autojson json_t *document = NULL;

    if (vm_document_read(service->storage, service->node, vmid, &document, NULL, err) != 0)
        return -1;
    if (json_object_get(json_object_get(document, "config"), "agent") == NULL)
        return error_set(err, ERROR_FAILED, "No QEMU guest agent configured");
    return broker_call_briefly(service->broker, "vm_agent", NULL,
                               json_pack("{s:I, s:s}", "vmid", (json_int_t)vmid, "command", command), ret,
                               err);
}

static int ping(struct request *request, json_t **ret, struct error *err)
{
    return ask_agent(request, "ping", ret, err);
}

static int get_info(struct request *request, json_t **ret, struct error *err)
{
    return ask_agent(request, "info", ret, err);
}

static int get_interfaces(struct request *request, json_t **ret, struct error *err)
{
    return ask_agent(request, "network-get-interfaces", ret, err);
}

static int get_osinfo(struct request *request, json_t **ret, struct error *err)
{
    return ask_agent(request, "get-osinfo", ret, err);
}

#define AGENT(verb, command, about, handler)                                                                 \
    {                                                                                                        \
        .method = (verb),                                                                                    \
        .path = "/nodes/{node}/qemu/{vmid}/agent/" command,                                                  \
        .text = (about),                                                                                     \
        .permission =                                                                                        \
            ALLOW_ANY_PRIVILEGE("/vms/{vmid}", "VM.GuestAgent.Audit", "VM.GuestAgent.Unrestricted"),         \
        .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID),                                            \
        .returns = {.type = SCHEMA_OBJECT, .open = true},                                                    \
        .may_block = true,                                                                                   \
        .on_node = true,                                                                                     \
        .run = (handler),                                                                                    \
    }

const struct endpoint endpoint_ping_agent =
    AGENT(METHOD_POST, "ping", "Finds out whether the VM's guest agent answers.", ping);
const struct endpoint endpoint_get_agent_info =
    AGENT(METHOD_GET, "info", "Version of the guest agent, and the commands that it knows.", get_info);
const struct endpoint endpoint_get_agent_interfaces = AGENT(
    METHOD_GET, "network-get-interfaces", "Network interfaces and addresses in the guest.", get_interfaces);
const struct endpoint endpoint_get_agent_osinfo =
    AGENT(METHOD_GET, "get-osinfo", "The guest's operating system.", get_osinfo);
