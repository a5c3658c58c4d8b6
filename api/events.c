/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /cluster/events: what has changed, for pages and programs that show it. Each row is shown to those to whom
 * a list would show what it is about. */
#include "api/events.h"

#include <stdio.h>
#include <string.h>

#include "api/endpoints.h"
#include "base/event.h"
#include "base/json.h"
#include "base/memory.h"
#include "task/upid.h"

static bool is_allowed(const struct request *request, const char *path, const char *privilege)
{
    return access_allows(request->service->access, &request->caller, path, privilege);
}

static bool audits_node(const struct request *request)
{
    autofree char *path = xasprintf("/nodes/%s", request->service->node);

    return is_allowed(request, path, "Sys.Audit");
}

static bool may_see_device(const struct request *request, const char *id)
{
    (void)id;
    return is_allowed(request, "/", "Sys.Audit") || is_allowed(request, "/", "Sys.Modify") ||
           audits_node(request);
}

static bool may_see_task(const struct request *request, const char *id)
{
    autofree char *caller = request_caller(request);
    struct error ignored;
    struct upid upid;
    int64_t created;

    if (audits_node(request))
        return true;
    return upid_parse(id, &upid) &&
           (strcmp(upid.user, caller) == 0 || access_is_token_of(caller, upid.user)) &&
           access_read_created(request->service->access, request->caller.user, &created, &ignored) == 0 &&
           upid.start >= (uint64_t)created;
}

static bool may_see_vm(const struct request *request, const char *id)
{
    autofree char *path = xasprintf("/vms/%s", id);

    return is_allowed(request, path, "VM.Audit");
}

static bool may_see_mapping(const struct request *request, const char *kind, const char *id)
{
    static const char *const privileges[] = {"Mapping.Audit", "Mapping.Use", "Mapping.Modify"};
    autofree char *path = xasprintf("/mapping/%s/%s", kind, id);

    for (size_t i = 0; i < COUNT_OF(privileges); i++)
        if (is_allowed(request, path, privileges[i]))
            return true;
    return false;
}

static bool may_see_pci_mapping(const struct request *request, const char *id)
{
    return may_see_mapping(request, "pci", id);
}

static bool may_see_usb_mapping(const struct request *request, const char *id)
{
    return may_see_mapping(request, "usb", id);
}

static bool may_see_reset(const struct request *request, const char *id)
{
    (void)request, (void)id;
    return true;
}

/* Events of other types, such as a change of a user, are shown to nobody. */
static const struct {
    const char *type;
    bool (*may_see)(const struct request *request, const char *id);
} types[] = {
    {"device", may_see_device},
    {"task", may_see_task},
    {"vm", may_see_vm},
    {"reservation", may_see_vm},
    {"mapping-pci", may_see_pci_mapping},
    {"mapping-usb", may_see_usb_mapping},
    {"reset", may_see_reset},
};

static bool may_see(const struct request *request, const json_t *event)
{
    for (size_t i = 0; i < COUNT_OF(types); i++)
        if (strcmp(types[i].type, json_text(event, "type")) == 0)
            return types[i].may_see(request, json_text(event, "id"));
    return false;
}

/* As the HTML standard has it, 9.2: a field a line, and an empty one at the end. */
static void print_event(const json_t *event, struct text *ret)
{
    autofree char *data = json_dumps(event, JSON_COMPACT);

    text_printf(ret, "id: %s\nevent: %s\ndata: %s\n\n", json_text(event, "event"), json_text(event, "type"),
                data);
}

void events_take(struct request *request, struct text *ret)
{
    autojson json_t *events = event_list(request->mark);
    const json_t *event;
    size_t i;

    json_array_foreach(events, i, event) {
        if (may_see(request, event))
            print_event(event, ret);
        snprintf(request->mark, sizeof(request->mark), "%s", json_text(event, "event"));
    }
}

/* A mark that is too long is no mark of ours, cut or not. */
static void begin_stream(struct request *request)
{
    const char *since = param_string(request, "since");
    const char *after = request->last_event[0] != '\0' ? request->last_event : since;

    if (after == NULL)
        event_mark(request->mark);
    else
        snprintf(request->mark, sizeof(request->mark), "%s", after);
    request->streams = true;
}

static int list_events(struct request *request, json_t **ret, struct error *err)
{
    if (request->last_event != NULL) {
        begin_stream(request);
        return 0;
    }
    autojson json_t *events = event_list(param_string(request, "since"));
    json_t *event;
    size_t i;

    (void)err;
    *ret = json_array();
    json_array_foreach(events, i, event) {
        if (may_see(request, event))
            json_array_append(*ret, event);
    }
    return 0;
}

const struct endpoint endpoint_list_events = {
    .method = METHOD_GET,
    .path = "/cluster/events",
    .text =
        "Lists what has changed, oldest first, of what the caller may see: devices, tasks, VMs, mappings, "
        "reservations. With `Accept: text/event-stream` the reply is a stream of server-sent events instead, "
        "each with such a row as its data, its mark as its id and its type as its event. The stream begins "
        "with "
        "what comes after the event that Last-Event-ID or since names, else with what comes from now on.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES({.name = "since",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .max_length = EVENT_MARK_SIZE,
                              .text = "List only what came after the event with this mark."}),
    .returns =
        {.type = SCHEMA_ARRAY,
         .empty = "Nothing has changed.",
         .items =
             ITEMS(.type = SCHEMA_OBJECT,
                   .properties = PROPERTIES(
                       {.name = "event", .type = SCHEMA_STRING, .text = "Its mark, for since."},
                       {.name = "type",
                        .type = SCHEMA_STRING,
                        .values = VALUES("device", "task", "vm", "reservation", "mapping-pci", "mapping-usb",
                                         "reset"),
                        .text = "reset: more has changed since then than is known, or the daemon has started "
                                "again; read everything again."},
                       OPTIONAL_TEXT("id", "PCI id, UPID, VMID or name; left out when it is about several."),
                       OPTIONAL_FLAG("removed", "It is no more."),
                       {.name = "state",
                        .type = SCHEMA_STRING,
                        .optional = true,
                        .values = VALUES("running", "stopped"),
                        .text = "Of a task."},
                       OPTIONAL_TEXT("status", "How a task has ended: OK, WARNINGS: n, or an error.")))},
    .run = list_events,
};
