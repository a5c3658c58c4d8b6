/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/qemu/{vmid}/{vncproxy,vncwebsocket}: a VM's screen, in two steps: a ticket, and the WebSocket
 * that it opens. `port` is a number that both name; nothing listens there. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "access/vnc_ticket.h"
#include "api/qemu/qemu.h"
#include "base/json.h"
#include "base/memory.h"
#include "passthrough/vm_document.h"
#include "vm/hostpci.h"
#include "vm/value.h"

#define FIRST_PORT 5900
#define PORTS      100

static char *path_of(const struct request *request)
{
    return xasprintf("/vms/%lld", param_integer(request, "vmid"));
}

static int find_gpu(void *context, const char *key, const struct vm_hostpci *hostpci, struct error *err)
{
    if (!hostpci->x_vga)
        return 0;
    return error_set(err, ERROR_FAILED,
                     "VM %lld has no picture here: its screen is at the card of %s (x-vga)",
                     *(const long long *)context, key);
}

/* Whether QEMU has a display that it can show. */
static int check_screen(const json_t *config, long long vmid, struct error *err)
{
    autojson json_t *values = NULL;

    if (vm_value_parts(config, "vga", &values, err) != 0)
        return -1;
    const char *type = json_text(values, "type");
    if (strcmp(type, "none") == 0)
        return error_set(err, ERROR_FAILED, "VM %lld has no screen: its key vga is none", vmid);
    if (strncmp(type, "serial", 6) == 0)
        return error_set(err, ERROR_FAILED, "VM %lld has no screen: its display is %s", vmid, type);
    return type[0] != '\0' ? 0 : vm_hostpci_foreach(config, find_gpu, &vmid, err);
}

static int run_task(const struct qemu_call *call, struct task *task, struct error *err)
{
    (void)call, (void)err;
    task_log(task, "the ticket is good for one connection within %d seconds", VNC_TICKET_SECONDS);
    return 0;
}

static int open_proxy(struct request *request, json_t **ret, struct error *err)
{
    static atomic_uint next;
    const struct service *service = request->service;
    long long vmid = param_integer(request, "vmid"), port = FIRST_PORT + next++ % PORTS;
    autofree char *user = request_caller(request), *path = path_of(request), *ticket = NULL;
    autojson json_t *document = NULL, *upid = NULL;
    char password[VNC_PASSWORD_SIZE];

    if (vm_document_read(service->storage, service->node, vmid, &document, NULL, err) != 0 ||
        check_screen(json_object_get(document, "config"), vmid, err) != 0 ||
        vnc_ticket_make(service->access, user, path, port, &ticket, err) != 0 ||
        qemu_begin_task(request, "vncproxy", run_task, &upid, err) != 0)
        return -1;
    vnc_ticket_password(service->access, ticket, password);
    *ret = json_pack("{s:s, s:o, s:s, s:s, s:I, s:O}", "user", user, "ticket",
                     json_sprintf("%s:%s", password, ticket), "password", password, "cert",
                     service->certificate, "port", (json_int_t)port, "upid", upid);
    return 0;
}

static int refuse_ticket(struct error *err)
{
    return error_set(err, ERROR_UNAUTHENTICATED, "permission denied - invalid PVEVNC ticket");
}

static int connect_screen(struct request *request, const char *path, struct error *err)
{
    const struct service *service = request->service;
    const char *ticket = param_string(request, "vncticket");
    char password[VNC_PASSWORD_SIZE];
    int descriptor;

    if (!vnc_ticket_use(service->access, ticket))
        return refuse_ticket(err);
    vnc_ticket_password(service->access, ticket, password);
    if (broker_call_descriptor(service->broker, "vm_console",
                               json_pack("{s:I, s:s, s:s}", "vmid",
                                         (json_int_t)param_integer(request, "vmid"), "port", "screen",
                                         "password", password),
                               &descriptor, err) != 0)
        return -1;
    request->console = xcalloc(1, sizeof(*request->console));
    *request->console =
        (struct request_console){.descriptor = descriptor, .caller = request->caller, .path = xstrdup(path)};
    return 0;
}

static int open_websocket(struct request *request, json_t **ret, struct error *err)
{
    autofree char *user = request_caller(request), *path = path_of(request);
    long long port = param_integer(request, "port");

    if (!vnc_ticket_check(request->service->access, param_string(request, "vncticket"), user, path, port))
        return refuse_ticket(err);
    if (request->upgrades && connect_screen(request, path, err) != 0)
        return -1;
    *ret = json_pack("{s:o}", "port", json_sprintf("%lld", port));
    return 0;
}

const struct endpoint endpoint_open_vnc_proxy = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/qemu/{vmid}/vncproxy",
    .text = "Makes a ticket for a VM's screen, good for one connection to vncwebsocket within 40 seconds.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Console"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID,
                             OPTIONAL_FLAG("websocket", "Changes nothing: it is always a WebSocket."),
                             {.name = "generate-password",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .fallback = "0",
                              .text = "Changes nothing: there is always a password."}),
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES(
                    {.name = "user", .type = SCHEMA_STRING}, {.name = "ticket", .type = SCHEMA_STRING},
                    {.name = "password", .type = SCHEMA_STRING, .optional = true},
                    {.name = "cert", .type = SCHEMA_STRING}, {.name = "port", .type = SCHEMA_INTEGER},
                    {.name = "upid", .type = SCHEMA_STRING})},
    .may_block = true,
    .run = open_proxy,
};

const struct endpoint endpoint_open_vnc_websocket = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}/vncwebsocket",
    .text = "Opens a WebSocket to a VM's screen, which speaks RFB.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Console"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID,
                             {.name = "port",
                              .type = SCHEMA_INTEGER,
                              .range = RANGE(FIRST_PORT, FIRST_PORT + PORTS - 1),
                              .text = "The number that vncproxy told."},
                             {.name = "vncticket",
                              .type = SCHEMA_STRING,
                              .max_length = 512,
                              .text = "The ticket that vncproxy told."}),
    .returns = {.type = SCHEMA_OBJECT, .properties = PROPERTIES({.name = "port", .type = SCHEMA_STRING})},
    .may_block = true,
    .upgrades = true,
    .run = open_websocket,
};
