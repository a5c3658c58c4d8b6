/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/qemu/{vmid}/{vncproxy,termproxy,vncwebsocket}: a VM's screen or serial port, in two steps: a
 * ticket, and the WebSocket that it opens. `port` is a number that both name; nothing listens there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "access/vnc_ticket.h"
#include "api/qemu/list.h"
#include "api/qemu/qemu.h"
#include "base/json.h"
#include "base/memory.h"
#include "passthrough/machine.h"
#include "passthrough/vm_document.h"
#include "vm/hostpci.h"
#include "vm/keys.h"
#include "vm/value.h"

#define SCREEN     "screen"
#define ANY_SERIAL "serial" /* the first one */

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

/* *ret: {user, ticket, port, upid}. */
static int reserve(struct request *request, const char *leads_to, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    autofree char *user = request_caller(request), *path = path_of(request), *ticket = NULL,
                  *id = xasprintf("%lld", param_integer(request, "vmid"));
    const struct task_start start = {.id = id, .user = user};
    struct console_port *port = NULL;
    char upid[UPID_SIZE];

    if (console_port_take(service->consoles, &request->caller, leads_to, &port, err) != 0)
        return -1;
    int number = console_port_number(port);
    if (vnc_ticket_make(service->access, user, path, number, &ticket, err) != 0 ||
        console_port_begin(port, service->tasks, &start, ticket, upid, err) != 0) {
        console_port_give_back(port);
        return -1;
    }
    *ret = json_pack("{s:s, s:s, s:i, s:s}", "user", user, "ticket", ticket, "port", number, "upid", upid);
    return 0;
}

static int open_proxy(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    long long vmid = param_integer(request, "vmid");
    autojson json_t *document = NULL;
    char password[VNC_PASSWORD_SIZE];

    if (vm_document_read(service->storage, service->node, vmid, &document, NULL, err) != 0 ||
        check_screen(json_object_get(document, "config"), vmid, err) != 0 ||
        reserve(request, SCREEN, ret, err) != 0)
        return -1;
    const char *ticket = json_text(*ret, "ticket");
    vnc_ticket_password(service->access, ticket, password);
    json_object_set_new(*ret, "ticket", json_sprintf("%s:%s", password, ticket));
    json_object_set_new(*ret, "password", json_string(password));
    json_object_set_new(*ret, "cert", json_string(service->certificate));
    return 0;
}

static int open_terminal_proxy(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    const char *serial = param_string(request, "serial");
    autojson json_t *document = NULL, *values = NULL;

    if (vm_document_read(service->storage, service->node, param_integer(request, "vmid"), &document, NULL,
                         err) != 0 ||
        vm_value_parts(json_object_get(document, "config"), "vga", &values, err) != 0)
        return -1;
    if (serial == NULL)
        serial = json_text(values, "type");
    return reserve(request, strncmp(serial, ANY_SERIAL, strlen(ANY_SERIAL)) == 0 ? serial : ANY_SERIAL, ret,
                   err);
}

static int refuse_ticket(struct error *err)
{
    return error_set(err, ERROR_UNAUTHENTICATED, "permission denied - invalid PVEVNC ticket");
}

/* In Proxmox VE's words, which its users see in their terminals. `name` is changed if it means the first one.
 */
static int find_serial(const json_t *config, struct vm_key_name *name, struct error *err)
{
    for (unsigned i = 0; i < VM_SERIALS && strcmp(name->text, ANY_SERIAL) == 0; i++) {
        struct vm_key_name key = vm_key_name(ANY_SERIAL, i);
        if (json_object_get(config, key.text) != NULL)
            *name = key;
    }
    if (strcmp(name->text, ANY_SERIAL) == 0)
        return error_set(err, ERROR_FAILED, "unable to find a serial interface");
    const char *value = json_text_or(config, name->text, NULL);
    if (value == NULL)
        return error_set(err, ERROR_FAILED, "serial interface '%s' is not configured", name->text);
    return strcmp(value, "socket") == 0
               ? 0
               : error_set(err, ERROR_FAILED, "wrong serial type on interface '%s'", name->text);
}

static int connect_serial(struct request *request, struct vm_key_name *serial, int *ret, struct error *err)
{
    const struct service *service = request->service;
    const struct machines_source machines = qemu_machines(service);
    long long vmid = param_integer(request, "vmid");
    autojson json_t *document = NULL;

    if (machines_require(&machines, vmid, NULL, err) != 0 ||
        vm_document_read(service->storage, service->node, vmid, &document, NULL, err) != 0 ||
        find_serial(json_object_get(document, "config"), serial, err) != 0)
        return -1;
    return broker_call_descriptor(service->broker, "vm_console",
                                  json_pack("{s:I, s:s}", "vmid", (json_int_t)vmid, "port", serial->text),
                                  ret, err);
}

static int connect_screen(struct request *request, int *ret, struct error *err)
{
    const struct service *service = request->service;
    char password[VNC_PASSWORD_SIZE];

    vnc_ticket_password(service->access, param_string(request, "vncticket"), password);
    return broker_call_descriptor(service->broker, "vm_console",
                                  json_pack("{s:I, s:s, s:s}", "vmid",
                                            (json_int_t)param_integer(request, "vmid"), "port", SCREEN,
                                            "password", password),
                                  ret, err);
}

/* The other side of a console that cannot be opened: it has ended. */
static int make_ended(int *ret, struct error *err)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set_errno(err, errno, "cannot make a pair of sockets");
    close(ends[1]);
    *ret = ends[0];
    return 0;
}

/* A terminal shows why it has no connection. */
static void open_terminal(struct request *request, struct request_console *console, const char *user)
{
    struct vm_key_name serial;

    snprintf(serial.text, sizeof(serial.text), "%s", console_port_leads_to(console->port));
    console->line = xasprintf("%s:%s", user, vnc_ticket_start(param_string(request, "vncticket")));
    if (connect_serial(request, &serial, &console->descriptor, &console->failure) == 0)
        console->greeting = xasprintf("starting serial terminal on interface %s", serial.text);
    else
        console->greeting = xstrdup(console->failure.message);
}

static void open_screen(struct request *request, struct request_console *console)
{
    if (connect_screen(request, &console->descriptor, &console->failure) != 0)
        error_prefix(&console->failure, "Failed to run vncproxy. ");
}

/* What cannot be opened is opened, too, and ends: so clients of Proxmox VE expect it. */
static int connect_console(struct request *request, const char *path, const char *user, struct error *err)
{
    struct console_port *port = console_port_open(request->service->consoles, param_integer(request, "port"),
                                                  param_string(request, "vncticket"));

    if (port == NULL)
        return refuse_ticket(err);
    struct request_console *console = xcalloc(1, sizeof(*console));
    *console = (struct request_console){
        .descriptor = -1, .caller = request->caller, .path = xstrdup(path), .port = port};
    access_read_standing(request->service->access, &console->caller, console->standing);
    request->console = console;
    if (strcmp(console_port_leads_to(port), SCREEN) == 0)
        open_screen(request, console);
    else
        open_terminal(request, console, user);
    return console->descriptor >= 0 ? 0 : make_ended(&console->descriptor, err);
}

static int open_websocket(struct request *request, json_t **ret, struct error *err)
{
    autofree char *user = request_caller(request), *path = path_of(request);
    long long port = param_integer(request, "port");

    if (!vnc_ticket_check(request->service->access, param_string(request, "vncticket"), user, path, port))
        return refuse_ticket(err);
    if (request->upgrades && connect_console(request, path, user, err) != 0)
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

const struct endpoint endpoint_open_terminal_proxy = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/qemu/{vmid}/termproxy",
    .text =
        "Makes a ticket for a VM's serial port, good for one connection to vncwebsocket within 40 seconds. "
        "There the client first sends the line USER:TICKET, and is answered OK.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Console"),
    .parameters =
        PROPERTIES(PARAMETER_NODE, PARAMETER_VMID,
                   {.name = "serial",
                    .type = SCHEMA_STRING,
                    .optional = true,
                    .values = VALUES("serial0", "serial1", "serial2", "serial3"),
                    .text = "Which one; by default that of the VM's display, or else its first one."}),
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES(
                    {.name = "user", .type = SCHEMA_STRING}, {.name = "ticket", .type = SCHEMA_STRING},
                    {.name = "port", .type = SCHEMA_INTEGER}, {.name = "upid", .type = SCHEMA_STRING})},
    .may_block = true,
    .run = open_terminal_proxy,
};

const struct endpoint endpoint_open_vnc_websocket = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu/{vmid}/vncwebsocket",
    .text =
        "Opens a WebSocket to a VM's screen, which speaks RFB, or to a serial port, in xterm.js's framing.",
    .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.Console"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID,
                             {.name = "port",
                              .type = SCHEMA_INTEGER,
                              .range = RANGE(CONSOLE_FIRST_PORT, CONSOLE_FIRST_PORT + CONSOLE_PORTS - 1),
                              .text = "The number that vncproxy or termproxy told."},
                             {.name = "vncticket",
                              .type = SCHEMA_STRING,
                              .max_length = 512,
                              .text = "The ticket that came with it."}),
    .returns = {.type = SCHEMA_OBJECT, .properties = PROPERTIES({.name = "port", .type = SCHEMA_STRING})},
    .may_block = true,
    .upgrades = true,
    .run = open_websocket,
};
