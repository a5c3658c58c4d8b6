/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bringing one function to a driver. */
#include "broker/worker/bind.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "hardware/bind/reset.h"
#include "hardware/iommu/group.h"
#include "hardware/kmsg.h"

#define MOST_KERNEL_LINES 20

/* One function on its way. */
struct journey {
    struct worker *worker;
    struct pci_address address;
    char id[PCI_ADDRESS_SIZE];
    struct driver_state now;
    bool moved; /* something was changed */
};

__attribute__((format(printf, 3, 4))) static int step(struct journey *journey, struct error *err,
                                                      const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return worker_step(journey->worker, journey->id, text, err);
}

struct binding binding_for(const char *driver)
{
    if (strcmp(driver, BINDING_ANY) == 0)
        return (struct binding){BINDING_ANY, ""};
    return (struct binding){driver, driver[0] != '\0' ? driver : DRIVER_NOBODY};
}

static int read_state(struct journey *journey, const struct driver_state *was, struct error *err)
{
    if (step(journey, err, "read driver and driver_override") != 0 ||
        driver_read_state(journey->worker->sysroot, journey->address, &journey->now, err) != 0)
        return -1;
    if (journey->now.vendor == was->vendor && journey->now.device == was->device)
        return 0;
    return error_set(err, ERROR_NOT_FOUND, "another device (%04x:%04x) is at %s now, where %04x:%04x was",
                     journey->now.vendor, journey->now.device, journey->id, was->vendor, was->device);
}

static int set_override(struct journey *journey, const char *override, struct error *err)
{
    if (strcmp(journey->now.override, override) == 0)
        return 0;
    if (override[0] == '\0' ? step(journey, err, "clear driver_override") != 0
                            : step(journey, err, "write '%s' to driver_override", override) != 0)
        return -1;
    journey->moved = true;
    if (driver_set_override(journey->worker->sysroot, journey->address, override, err) != 0)
        return -1;
    snprintf(journey->now.override, sizeof(journey->now.override), "%s", override);
    return 0;
}

static int unbind(struct journey *journey, struct error *err)
{
    if (journey->now.driver[0] == '\0')
        return 0;
    if (step(journey, err, "unbind from %s", journey->now.driver) != 0)
        return -1;
    journey->moved = true;
    if (driver_unbind(journey->worker->sysroot, journey->address, journey->now.driver, err) != 0)
        return -1;
    journey->now.driver[0] = '\0';
    return 0;
}

/* `expected` NULL: whichever. */
static int probe(struct journey *journey, const char *expected, struct error *err)
{
    if (step(journey, err, "ask the kernel to bind %s", expected != NULL ? expected : "a driver") != 0)
        return -1;
    journey->moved = true;
    return driver_probe(journey->worker->sysroot, journey->address, expected, journey->now.driver, err);
}

/* Before anything else is changed. A module that is loaded looks for functions at once. */
static int load(struct journey *journey, const char *driver, struct error *err)
{
    if (driver[0] == '\0' || driver_is_loaded(journey->worker->sysroot, driver))
        return 0;
    if (step(journey, err, "load the module %s", driver) != 0 ||
        driver_load(journey->worker->sysroot, driver, err) != 0)
        return -1;
    worker_log(journey->worker, "%s: module %s was loaded", journey->id, driver);
    return driver_read_name(journey->worker->sysroot, journey->address, journey->now.driver, err);
}

/* While it moves, driver_override names the driver that is wanted, whatever it holds in the end: of two
 * drivers that fit the kernel would take either. */
static int place_named(struct journey *journey, struct binding wanted, struct error *err)
{
    if (strcmp(journey->now.driver, wanted.driver) != 0 && load(journey, wanted.driver, err) != 0)
        return -1;
    if (strcmp(journey->now.driver, wanted.driver) != 0) {
        if (set_override(journey, wanted.driver[0] != '\0' ? wanted.driver : wanted.override, err) != 0 ||
            unbind(journey, err) != 0 ||
            (wanted.driver[0] != '\0' && probe(journey, wanted.driver, err) != 0))
            return -1;
    }
    return set_override(journey, wanted.override, err);
}

static int load_fitting(struct journey *journey, struct error *err)
{
    if (step(journey, err, "load the modules that fit") != 0)
        return -1;
    autojson json_t *tried = driver_load_fitting(journey->worker->sysroot, journey->address);
    size_t i;
    json_t *one;
    json_array_foreach(tried, i, one) {
        const char *module = json_string_value(json_object_get(one, "module"));
        const char *error = json_string_value(json_object_get(one, "error"));
        worker_log(journey->worker, "%s: module %s %s%s", journey->id, module,
                   error[0] == '\0' ? "was loaded" : "could not be loaded: ", error);
    }
    return json_array_size(tried) > 0 ? probe(journey, NULL, err) : 0;
}

/* A driver that did not come by driver_override is the kernel's choice already. */
static int binding_is_any(struct journey *journey, struct error *err)
{
    bool chosen = journey->now.driver[0] != '\0' && !driver_is_vfio(journey->now.driver) &&
                  strcmp(journey->now.driver, journey->now.override) != 0;

    if (set_override(journey, "", err) != 0)
        return -1;
    if (chosen)
        return 0;
    if (unbind(journey, err) != 0 || probe(journey, NULL, err) != 0)
        return -1;
    return journey->now.driver[0] != '\0' ? 0 : load_fitting(journey, err);
}

static int go(struct journey *journey, struct binding wanted, char ret_driver[static DRIVER_NAME_SIZE],
              struct error *err)
{
    bool any = strcmp(wanted.driver, BINDING_ANY) == 0;

    if ((any ? binding_is_any(journey, err) : place_named(journey, wanted, err)) != 0)
        return -1;
    memcpy(ret_driver, journey->now.driver, DRIVER_NAME_SIZE);
    return journey->moved ? 1 : 0;
}

int bind_function_from(struct worker *worker, struct pci_address address, const struct driver_state *now,
                       struct binding wanted, char ret_driver[static DRIVER_NAME_SIZE], struct error *err)
{
    struct journey journey = {.worker = worker, .address = address, .now = *now};

    pci_address_format(address, journey.id);
    return go(&journey, wanted, ret_driver, err);
}

int bind_function(struct worker *worker, struct pci_address address, const struct driver_state *was,
                  struct binding wanted, char ret_driver[static DRIVER_NAME_SIZE], struct error *err)
{
    struct journey journey = {.worker = worker, .address = address};

    pci_address_format(address, journey.id);
    if (read_state(&journey, was, err) != 0)
        return -1;
    return go(&journey, wanted, ret_driver, err);
}

/* A row of worker_begin. */
struct row {
    const char *id;
    struct pci_address address;
    struct driver_state was;
    struct binding former, wanted;
    const char *reset_methods; /* NULL: they are not touched */
    bool touched;
};

static struct row parse_row(const json_t *json)
{
    struct row row = {.id = json_text(json, "id"),
                      .former = {json_text(json, "driver"), json_text(json, "override")},
                      .wanted = binding_for(json_text_or(json, "wanted", BINDING_ANY)),
                      .reset_methods = json_text_or(json, "reset-methods", NULL),
                      .touched = json_object_get(json, "override") != NULL};

    pci_address_parse(row.id, &row.address);
    row.was.vendor = (uint16_t)json_integer_value(json_object_get(json, "vendor"));
    row.was.device = (uint16_t)json_integer_value(json_object_get(json, "device"));
    row.wanted.override = json_text_or(json, "wanted-override", row.wanted.override);
    return row;
}

static int restore_methods(struct worker *worker, const struct row *row, struct error *err)
{
    struct reset_methods former, now;

    if (row->reset_methods == NULL)
        return 0;
    if (reset_parse_methods(row->reset_methods, &former, err) != 0 ||
        reset_read_methods(worker->sysroot, row->address, &now, err) != 0)
        return -1;
    if (reset_methods_equal(&former, &now))
        return 0;
    if (worker_step(worker, row->id, "write the former reset methods to reset_method", err) != 0)
        return -1;
    return reset_choose(worker->sysroot, row->address, &former, err);
}

/* driver NULL: of none is spoken. */
static void tell(struct text *where, const char *id, const char *what, const char *driver)
{
    text_printf(where, "%s%s %s", where->length > 0 ? ", " : "", id, what);
    if (driver != NULL)
        text_printf(where, " with%s %s", driver[0] != '\0' ? "" : "out",
                    driver[0] != '\0' ? driver : "a driver");
}

static int give_up(struct worker *worker, const struct row *row, const struct error *err, struct text *where)
{
    worker_log(worker, "%s: %s", row->id, err->message);
    worker_settle(worker, row->id, "", "gone");
    tell(where, row->id, "is gone", NULL);
    return 0;
}

static int go_forward(struct worker *worker, const struct row *row, const struct error *reason,
                      struct text *where)
{
    char driver[DRIVER_NAME_SIZE];
    struct error err;

    worker_log(worker, "%s: cannot go back: %s", row->id, reason->message);
    if (bind_function(worker, row->address, &row->was, row->wanted, driver, &err) >= 0 &&
        restore_methods(worker, row, &err) == 0) {
        worker_settle(worker, row->id, driver, "forward");
        tell(where, row->id, "could not go back and is where it was asked to be,", driver);
        return 0;
    }
    if (err.kind == ERROR_NOT_FOUND)
        return give_up(worker, row, &err, where);
    worker_log(worker, "%s: and not forward: %s", row->id, err.message);
    tell(where, row->id, "is left half-way", NULL);
    text_printf(where, " (%s)", reason->message);
    return -1;
}

int bind_undo(struct worker *worker, const json_t *json, struct text *where)
{
    struct row row = parse_row(json);
    char driver[DRIVER_NAME_SIZE] = "";
    struct error err;

    if (!row.touched) {
        driver_read_name(worker->sysroot, row.address, driver, &err);
        worker_settle(worker, row.id, driver, "undone");
        tell(where, row.id, "was not touched", NULL);
        return 0;
    }
    int moved = bind_function(worker, row.address, &row.was, row.former, driver, &err);
    if (moved >= 0 && restore_methods(worker, &row, &err) == 0) {
        if (moved > 0)
            worker_log(worker, "%s: is back with %s", row.id, driver[0] != '\0' ? driver : "no driver");
        worker_settle(worker, row.id, driver, "undone");
        tell(where, row.id, "is back", driver);
        return 0;
    }
    if (err.kind == ERROR_NOT_FOUND)
        return give_up(worker, &row, &err, where);
    return go_forward(worker, &row, &err, where);
}

int bind_undo_all(struct worker *worker, const json_t *rows, struct text *where)
{
    int result = 0;

    for (size_t i = json_array_size(rows); i-- > 0;)
        if (bind_undo(worker, json_array_get(rows, i), where) != 0)
            result = -1;
    return result;
}

/* Of all functions of the slot: they share their fate. */
void bind_log_kernel(struct worker *worker, int kmsg, const char *id)
{
    autofree char *slot = xstrndup(id, strlen(id) - 1);
    autotext struct text lines = {0};

    kmsg_read_about(kmsg, slot, MOST_KERNEL_LINES, &lines);
    char *rest = lines.data;
    for (const char *line; (line = strsep(&rest, "\n")) != NULL;)
        if (line[0] != '\0')
            worker_log(worker, "kernel: %s", line);
}
