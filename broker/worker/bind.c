/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Binding one function to a driver, and bringing functions back. */
#include "broker/worker/bind.h"

#include <pthread.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "hardware/bind/fit.h"
#include "hardware/bind/reset.h"
#include "hardware/kmsg.h"
#include "hardware/pci/class.h"

#define MOST_KERNEL_LINES 20

/* One function while it moves from one driver to another. */
struct change {
    struct worker *worker;
    struct pci_address address;
    char id[PCI_ADDRESS_SIZE];
    struct driver_state now;
    bool done;    /* something was changed */
    bool refused; /* by the driver that was named */
};

__attribute__((format(printf, 3, 4))) static int announce(struct change *change, struct error *err,
                                                          const char *format, ...)
{
    char text[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return worker_step(change->worker, change->id, text, err);
}

struct binding binding_for(const char *driver)
{
    if (strcmp(driver, BINDING_ANY) == 0)
        return (struct binding){BINDING_ANY, ""};
    return (struct binding){driver, driver[0] != '\0' ? driver : DRIVER_NOBODY};
}

static int set_override(struct change *change, const char *override, struct error *err)
{
    if (strcmp(change->now.override, override) == 0)
        return 0;
    if (override[0] == '\0' ? announce(change, err, "clear driver_override") != 0
                            : announce(change, err, "write '%s' to driver_override", override) != 0)
        return -1;
    change->done = true;
    if (driver_set_override(change->worker->sysroot, change->address, override, err) != 0)
        return -1;
    snprintf(change->now.override, sizeof(change->now.override), "%s", override);
    return 0;
}

static int unbind(struct change *change, struct error *err)
{
    if (change->now.driver[0] == '\0')
        return 0;
    if (announce(change, err, "unbind from %s", change->now.driver) != 0)
        return -1;
    change->done = true;
    if (driver_unbind(change->worker->sysroot, change->address, change->now.driver, err) != 0)
        return -1;
    change->now.driver[0] = '\0';
    return 0;
}

/* `expected` NULL: any driver. */
static int probe(struct change *change, const char *expected, struct error *err)
{
    if (announce(change, err, "ask the kernel to bind %s", expected != NULL ? expected : "a driver") != 0)
        return -1;
    change->done = true;
    int result = driver_probe(change->worker->sysroot, change->address, expected, change->now.driver, err);
    change->refused = result != 0 && err->kind != ERROR_NOT_FOUND;
    return result;
}

static int load_missing(struct change *change, const char *driver, struct error *err)
{
    if (driver_is_loaded(change->worker->sysroot, driver))
        return 0;
    if (announce(change, err, "load the module %s", driver) != 0)
        return -1;
    change->refused = driver_load(change->worker->sysroot, driver, err) != 0;
    if (change->refused)
        return -1;
    worker_log(change->worker, "%s: module %s was loaded", change->id, driver);
    return driver_read_name(change->worker->sysroot, change->address, change->now.driver, err);
}

/* Loads the module of the driver if it is missing. A module that is loaded looks for functions at once. Of
 * several functions that are moved at once, one has it loaded, and the others wait for it. */
static int load(struct change *change, const char *driver, struct error *err)
{
    static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

    if (driver[0] == '\0')
        return 0;
    pthread_mutex_lock(&turn);
    int result = load_missing(change, driver, err);
    pthread_mutex_unlock(&turn);
    return result;
}

/* While it moves, driver_override names the driver that is wanted, whatever it holds in the end: of two
 * drivers that match, the kernel would take either. */
static int bind_named(struct change *change, struct binding wanted, struct error *err)
{
    if (strcmp(change->now.driver, wanted.driver) != 0 && load(change, wanted.driver, err) != 0)
        return -1;
    if (strcmp(change->now.driver, wanted.driver) != 0) {
        if (set_override(change, wanted.driver[0] != '\0' ? wanted.driver : wanted.override, err) != 0 ||
            unbind(change, err) != 0 || (wanted.driver[0] != '\0' && probe(change, wanted.driver, err) != 0))
            return -1;
    }
    return set_override(change, wanted.override, err);
}

/* As udev does at boot. */
static int load_matching(struct change *change, struct error *err)
{
    size_t i;
    json_t *module;

    if (announce(change, err, "load the modules that match") != 0)
        return -1;
    autojson json_t *tried = driver_load_matching(change->worker->sysroot, change->address);
    json_array_foreach(tried, i, module) {
        const char *error = json_text(module, "error");
        worker_log(change->worker, "%s: module %s %s%s", change->id, json_text(module, "module"),
                   error[0] == '\0' ? "was loaded" : "could not be loaded: ", error);
    }
    return json_array_size(tried) > 0 ? probe(change, NULL, err) : 0;
}

/* Each driver that has an id for the function is named to the kernel until one takes it. */
static int bind_withheld(struct change *change, struct error *err)
{
    autojson json_t *drivers = fit_list_drivers(change->worker->sysroot, change->address);
    const json_t *driver;
    size_t i;

    json_array_foreach(drivers, i, driver) {
        if (change->now.driver[0] == '\0' &&
            (set_override(change, json_string_value(driver), err) != 0 || probe(change, NULL, err) != 0))
            return -1;
    }
    return set_override(change, "", err);
}

/* A driver that was not bound because of driver_override is the kernel's choice already. If the kernel finds
 * none, the modules that match the function are loaded. */
static int bind_any(struct change *change, struct error *err)
{
    bool chosen = change->now.driver[0] != '\0' && !driver_is_vfio(change->now.driver) &&
                  strcmp(change->now.driver, change->now.override) != 0;

    if (set_override(change, "", err) != 0)
        return -1;
    if (chosen)
        return 0;
    if (unbind(change, err) != 0 || probe(change, NULL, err) != 0 ||
        (change->now.driver[0] == '\0' && load_matching(change, err) != 0))
        return -1;
    if (change->now.driver[0] != '\0' || !driver_is_withheld(change->worker->sysroot, change->address))
        return 0;
    return bind_withheld(change, err);
}

int bind_function_from(struct worker *worker, struct pci_address address, const struct driver_state *now,
                       struct binding wanted, char ret_driver[static DRIVER_NAME_SIZE], struct error *err)
{
    struct change change = {.worker = worker, .address = address, .now = *now};
    bool any = strcmp(wanted.driver, BINDING_ANY) == 0;

    pci_address_format(address, change.id);
    if ((any ? bind_any(&change, err) : bind_named(&change, wanted, err)) != 0)
        return change.refused ? BIND_REFUSED : -1;
    memcpy(ret_driver, change.now.driver, DRIVER_NAME_SIZE);
    return change.done ? 1 : 0;
}

int bind_function(struct worker *worker, struct pci_address address, const struct driver_state *was,
                  struct binding wanted, char ret_driver[static DRIVER_NAME_SIZE], struct error *err)
{
    char id[PCI_ADDRESS_SIZE];
    struct driver_state now;

    pci_address_format(address, id);
    if (worker_step(worker, id, "read driver and driver_override", err) != 0 ||
        driver_read_state(worker->sysroot, address, &now, err) != 0)
        return -1;
    if (now.vendor != was->vendor || now.device != was->device)
        return error_set(err, ERROR_NOT_FOUND, "another device (%04x:%04x) is at %s now, where %04x:%04x was",
                         now.vendor, now.device, id, was->vendor, was->device);
    return bind_function_from(worker, address, &now, wanted, ret_driver, err);
}

/* CLAIM of broker/protocol.h. */
struct claim {
    const char *id;
    struct pci_address address;
    struct driver_state was;
    struct binding former, wanted;
    const char *reset_methods; /* NULL: they are not changed */
};

static struct claim parse_claim(const json_t *json)
{
    struct claim claim = {.id = json_text(json, "id"),
                          .former = {json_text(json, "driver"), json_text(json, "override")},
                          .wanted = binding_for(json_text_or(json, "wanted", BINDING_ANY)),
                          .reset_methods = json_text_or(json, "reset-methods", NULL)};

    pci_address_parse(claim.id, &claim.address);
    claim.was.vendor = (uint16_t)json_integer_value(json_object_get(json, "vendor"));
    claim.was.device = (uint16_t)json_integer_value(json_object_get(json, "device"));
    claim.wanted.override = json_text_or(json, "wanted-override", claim.wanted.override);
    return claim;
}

static int restore_methods(struct worker *worker, const struct claim *claim, struct error *err)
{
    struct reset_methods former, now;

    if (claim->reset_methods == NULL)
        return 0;
    if (reset_parse_methods(claim->reset_methods, &former, err) != 0 ||
        reset_read_methods(worker->sysroot, claim->address, &now, err) != 0)
        return -1;
    if (reset_methods_equal(&former, &now))
        return 0;
    if (worker_step(worker, claim->id, "write the former reset methods to reset_method", err) != 0)
        return -1;
    return reset_choose(worker->sysroot, claim->address, &former, err);
}

static int undo_one(struct worker *worker, const struct claim *claim, struct text *where)
{
    char driver[DRIVER_NAME_SIZE] = "";
    struct error back, forward, *last = &back;

    int moved = bind_function(worker, claim->address, &claim->was, claim->former, driver, &back);
    if (moved >= 0 && restore_methods(worker, claim, &back) == 0) {
        if (moved > 0)
            worker_log(worker, "%s: is back with %s", claim->id, driver[0] != '\0' ? driver : "no driver");
        worker_release(worker, claim->id);
        text_printf(where, "is back with%s %s", driver[0] != '\0' ? "" : "out",
                    driver[0] != '\0' ? driver : "a driver");
        return 0;
    }
    if (back.kind != ERROR_NOT_FOUND) {
        worker_log(worker, "%s: cannot be restored: %s", claim->id, back.message);
        if (bind_function(worker, claim->address, &claim->was, claim->wanted, driver, &forward) >= 0 &&
            restore_methods(worker, claim, &forward) == 0) {
            worker_release(worker, claim->id);
            text_printf(where, "could not be restored and was left as requested, with%s %s",
                        driver[0] != '\0' ? "" : "out", driver[0] != '\0' ? driver : "a driver");
            return 0;
        }
        last = &forward;
    }
    if (last->kind == ERROR_NOT_FOUND) {
        worker_log(worker, "%s: %s", claim->id, last->message);
        worker_release(worker, claim->id);
        text_append(where, "is gone");
        return 0;
    }
    worker_log(worker, "%s: nor can it get the requested driver: %s", claim->id, forward.message);
    text_printf(where, "is left half-way (%s)", back.message);
    return -1;
}

int bind_undo(struct worker *worker, const json_t *claim, struct text *where)
{
    struct claim parsed = parse_claim(claim);

    return undo_one(worker, &parsed, where);
}

/* Logs the lines about all functions of the slot, since what happens to one affects the others. */
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
