/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that set up a device of this host. */
#include "client/transfer/host_step.h"

#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "schema/format.h"

#define PCI        "/nodes/localhost/hardware/pci"
#define MDEV       "/nodes/localhost/hardware/mdev"
#define INTERFACES "interfaces" /* in what an intake knows: {NAME: ID} */

/* The path of the function; NULL if `id` is none. The caller frees. */
static char *path_of(const struct intake_source *source, const char *what, const char *id)
{
    struct error ignored;

    if (format_check("pci-id", id, &ignored) == 0)
        return xasprintf(PCI "/%s", id);
    intake_leave_out(source, "%s: '%s' is no PCI function, which is written as 0000:00:00.0", what, id);
    return NULL;
}

/* What the server says of `path` with `end`; NULL, with the reason told, if it does not. */
static json_t *ask(const struct intake_source *source, const char *what, const char *path, const char *end)
{
    autofree char *whole = xasprintf("%s%s", path, end);
    json_t *reply = NULL;
    struct error err;

    if (intake_ask(source->intake, whole, &reply, &err) != 0)
        intake_leave_out(source, "%s: %s", what, err.message);
    return reply;
}

/* What `status` says about others who set `kind`. False, with the reason told, if one of them is in the way;
 * `shared`: whether one is to be shared over. */
static bool ask_owners(const struct intake_source *source, const char *what, const json_t *status,
                       const char *kind, bool *shared)
{
    const json_t *owner;
    size_t i;

    *shared = false;
    json_array_foreach(json_object_get(status, "owners"), i, owner) {
        const char *name = json_text(owner, "owner");
        if (strcmp(json_text(owner, "what"), kind) != 0 || strcmp(name, "mdevctl") == 0)
            continue;
        *shared = *shared || strcmp(name, "sysfsutils") == 0;
        if (strcmp(name, "sysfsutils") == 0)
            continue;
        intake_leave_out(source,
                         "%s: '%s' of this host sets it at each start (%s): take it out there, and import a "
                         "copy that you have kept",
                         what, json_text(owner, "file"), name);
        return false;
    }
    return true;
}

static void add(struct intake_source *source, char *what, json_t *make, json_t *undo, bool shared)
{
    struct intake_step step = {.stage = INTAKE_DEVICES, .what = what, .make = make, .undo = undo};

    json_object_set_new(json_object_get(make, "parameters"), "persistent", json_string("1"));
    if (shared)
        json_object_set_new(json_object_get(make, "parameters"), "take-over", json_string("1"));
    intake_add(source, &step);
}

/* What gives a function back that had another driver before. */
static const char *former_driver(const json_t *status, const char *wanted)
{
    const char *driver = json_text_or(status, "driver", "none");

    return strcmp(driver, wanted) == 0 || json_object_get(json_object_get(status, "state"), "previous-driver")
               ? driver
               : "restore";
}

void host_step_driver(struct intake_source *source, const char *id, const char *driver)
{
    autofree char *what = xasprintf("driver %s of %s, also at each start", driver, id);
    autofree char *device = path_of(source, what, id);
    autojson json_t *status = device != NULL ? ask(source, what, device, "/status") : NULL;
    bool shared;

    if (status == NULL || !ask_owners(source, what, status, "driver", &shared))
        return;
    const char *kept =
        json_string_value(json_object_get(json_object_get(status, "state"), "persistent-driver"));
    if (kept != NULL) {
        intake_leave_out(source, "%s: it keeps %s already", what, kept);
        return;
    }
    autofree char *path = xasprintf("%s/driver", device);
    add(source, TAKE(what), intake_call(METHOD_PUT, path, json_pack("{s:s}", "driver", driver)),
        intake_call(METHOD_PUT, path,
                    json_pack("{s:s, s:s}", "driver", former_driver(status, driver), "persistent", "0")),
        shared);
}

/* "4 virtual functions of 0000:03:00.0, also at each start (vf0: vlan=5)". The caller frees. */
static char *describe_vfs(const char *id, const char *count, const json_t *settings)
{
    struct text text = {0};
    json_t *value;
    const char *name;
    bool first = true;

    text_printf(&text, "%s virtual functions of %s, also at each start", count, id);
    json_object_foreach((json_t *)(uintptr_t)settings, name, value) {
        text_printf(&text, "%s%s: %s", first ? " (" : "; ", name, json_string_value(value));
        first = false;
    }
    text_append(&text, first ? "" : ")");
    return text_take(&text);
}

void host_step_vfs(struct intake_source *source, const char *id, const char *count, json_t *settings)
{
    autojson json_t *parameters = settings;
    autofree char *what = describe_vfs(id, count, settings);
    autofree char *device = path_of(source, what, id);
    autojson json_t *status = device != NULL ? ask(source, what, device, "/status") : NULL;
    autojson json_t *sriov = status != NULL ? ask(source, what, device, "/sriov") : NULL;
    bool shared;

    if (sriov == NULL || !ask_owners(source, what, status, "vfs", &shared))
        return;
    if (json_object_get(sriov, "kept") != NULL) {
        intake_leave_out(source, "%s: it keeps a number of them already", what);
        return;
    }
    autofree char *now =
        xasprintf("%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(sriov, "now")));
    autofree char *path = xasprintf("%s/sriov", device);
    json_object_set_new(parameters, "numvfs", json_string(count));
    if (json_object_get(parameters, "autoprobe") == NULL)
        json_object_set_new(parameters, "autoprobe", json_string("1"));
    add(source, TAKE(what), intake_call(METHOD_PUT, path, json_incref(parameters)),
        intake_call(METHOD_PUT, path, json_pack("{s:s, s:s}", "numvfs", now, "persistent", "0")), shared);
}

static const json_t *find_mdev(const json_t *list, const char *uuid)
{
    const json_t *row;
    size_t i;

    json_array_foreach(list, i, row)
        if (strcasecmp(json_text_or(row, "uuid", ""), uuid) == 0)
            return row;
    return NULL;
}

void host_step_mdev(struct intake_source *source, const char *parent, const char *type, const char *uuid)
{
    autofree char *what = xasprintf("mediated device %s, %s of %s, also at each start", uuid, type, parent);
    autofree char *device = path_of(source, what, parent);
    autojson json_t *status = device != NULL ? ask(source, what, device, "/status") : NULL;
    autojson json_t *list = status != NULL ? ask(source, what, MDEV, "") : NULL;
    bool shared;

    if (list == NULL || !ask_owners(source, what, status, "mdev", &shared))
        return;
    const json_t *there = find_mdev(list, uuid);
    if (json_object_get(there, "persistent") != NULL) {
        intake_leave_out(source, "%s: is there already, and stays as it is", what);
        return;
    }
    autofree char *path = xasprintf("%s/mdev", device), *itself = xasprintf(MDEV "/%s", uuid);
    json_t *parameters = json_pack("{s:s, s:s}", "type", type, "uuid", uuid);
    json_t *undo =
        there == NULL
            ? intake_call(METHOD_DELETE, itself, NULL)
            : intake_call(METHOD_POST, path,
                          json_pack("{s:s, s:s, s:s}", "type", type, "uuid", uuid, "persistent", "0"));
    add(source, TAKE(what), intake_call(METHOD_POST, path, parameters), undo, shared);
}

/* Those that the host uses a function for, which are told where a function of its own is asked for. */
static void learn_interfaces(struct intake_source *source, json_t *interfaces)
{
    autojson json_t *devices = ask(source, "network interfaces", PCI, "");
    const json_t *device, *use;
    size_t i, j;

    json_array_foreach(devices, i, device) {
        autofree char *path = xasprintf(PCI "/%s", json_text(device, "id"));
        if (!text_starts_with(json_text_or(device, "class", ""), "0x02"))
            continue;
        autojson json_t *status = ask(source, "network interfaces", path, "/status");
        json_array_foreach(json_object_get(status, "host-use"), j, use)
            if (strcmp(json_text_or(use, "kind", ""), "network") == 0)
                json_object_set(interfaces, json_text(use, "name"), json_object_get(use, "id"));
    }
}

const char *host_step_find_interface(struct intake_source *source, const char *what, const char *interface)
{
    json_t *interfaces = json_object_get(source->intake->known, INTERFACES);

    if (interfaces == NULL) {
        interfaces = json_object();
        json_object_set_new(source->intake->known, INTERFACES, interfaces);
        learn_interfaces(source, interfaces);
    }
    const char *id = json_string_value(json_object_get(interfaces, interface));
    if (id == NULL)
        intake_leave_out(source, "%s: no PCI function of this host has the network interface '%s'", what,
                         interface);
    return id;
}
