/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blast radius. */
#include "broker/worker/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/iommu/group.h"

static bool is_in_scope(const struct pci_device *named, const struct pci_device *other, const char *scope)
{
    if (pci_is_bridge(other))
        return false;
    if (strcmp(scope, "device") == 0) /* virtual functions may have numbers of their parent's slot */
        return pci_address_same_slot(named->address, other->address) &&
               named->virtual_function == other->virtual_function;
    return strcmp(scope, "group") == 0 && named->group >= 0 && other->group == named->group;
}

static void add(struct plan *plan, const struct pci_device *device)
{
    plan->list = xrealloc(plan->list, plan->count + 1, sizeof(plan->list[0]));
    struct plan_function *function = &plan->list[plan->count++];
    *function = (struct plan_function){.device = device};
    pci_address_format(device->address, function->id);
}

int plan_choose(const struct sysroot *sysroot, struct pci_address address, const char *scope,
                struct plan *ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(address, id);
    if (inventory_scan(sysroot, &inventory, err) != 0)
        return -1;
    const struct pci_device *named = inventory_find(inventory, address);
    if (named == NULL)
        return error_set(err, ERROR_NOT_FOUND, "no PCI device found for '%s'", id);
    if (pci_is_bridge(named))
        return error_set(err, ERROR_FAILED,
                         "%s is a bridge (class %06x): the host would lose all that is behind it; name the "
                         "device itself, VFIO leaves bridges alone",
                         id, named->class_code);
    struct plan plan = {.inventory = inventory};
    add(&plan, named);
    for (size_t i = 0; i < inventory->count; i++)
        if (&inventory->devices[i] != named && is_in_scope(named, &inventory->devices[i], scope))
            add(&plan, &inventory->devices[i]);
    inventory = NULL;
    *ret = plan;
    return 0;
}

void plan_release(struct plan *plan)
{
    inventory_release(plan->inventory);
    free(plan->list);
}

json_t *plan_rows(const struct plan *plan, bool read)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_function *function = &plan->list[i];
        json_t *row = json_pack("{s:s, s:i, s:i}", "id", function->id, "vendor", function->device->vendor,
                                "device", function->device->device);
        if (read)
            json_object_update_new(row, json_pack("{s:s, s:s, s:s, s:s}", "driver", function->was.driver,
                                                  "override", function->was.override, "wanted",
                                                  function->driver, "wanted-override", function->override));
        json_array_append_new(rows, row);
    }
    return rows;
}

/* The inventory is of the time before the functions were taken in hand. */
static int check_unchanged(const struct plan_function *function, struct error *err)
{
    const struct pci_device *device = function->device;

    if (function->was.vendor == device->vendor && function->was.device == device->device &&
        strncmp(function->was.driver, device->driver, sizeof(device->driver) - 1) == 0)
        return 0;
    return error_set(err, ERROR_BUSY,
                     "%s was moved by somebody else at this moment (from '%s' to '%s'); try again",
                     function->id, device->driver, function->was.driver);
}

int plan_take(struct worker *worker, const struct plan *plan, bool read, struct error *err)
{
    autojson json_t *rows = plan_rows(plan, read);

    return worker_begin(worker, rows, err);
}

int plan_read(struct worker *worker, struct plan *plan, struct error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_function *function = &plan->list[i];
        if (worker_step(worker, function->id, "read driver and driver_override", err) != 0 ||
            driver_read_state(worker->sysroot, function->device->address, &function->was, err) != 0 ||
            check_unchanged(function, err) != 0)
            return -1;
        memcpy(function->driver, function->was.driver, sizeof(function->driver));
        memcpy(function->override, function->was.override, sizeof(function->override));
    }
    return 0;
}

static void want(struct plan_function *function, const char *driver, const char *override)
{
    snprintf(function->driver, sizeof(function->driver), "%s", driver);
    snprintf(function->override, sizeof(function->override), "%s", override);
    function->loses = function->was.driver[0] != '\0' && strcmp(function->was.driver, driver) != 0;
}

static void want_any(struct plan_function *function)
{
    const struct driver_state *was = &function->was;

    want(function, BINDING_ANY, "");
    function->loses =
        was->driver[0] != '\0' && (driver_is_vfio(was->driver) || strcmp(was->driver, was->override) == 0);
}

/* What it had when it was first taken. Of the functions that come along by their scope not all were. */
static int want_origin(struct worker *worker, struct plan_function *function, bool named, struct error *err)
{
    autojson json_t *known = worker_ask(worker, function->id);
    const char *driver = NULL, *override = NULL;
    int vendor, device;

    bool found = json_unpack(json_object_get(known, "origin"), "{s:s, s:s, s:i, s:i}", "driver", &driver,
                             "override", &override, "vendor", &vendor, "device", &device) == 0 &&
                 vendor == function->was.vendor && device == function->was.device;
    if (found)
        want(function, driver, override);
    else if (named)
        return error_set(err, ERROR_FAILED,
                         "it is not known what %s had before: it was not taken from a driver since the host "
                         "was started; use driver=auto",
                         function->id);
    else
        worker_log(worker, "%s: was not taken before, and stays as it is", function->id);
    return 0;
}

int plan_want(struct worker *worker, struct plan *plan, const char *driver, struct error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_function *function = &plan->list[i];
        struct binding place = binding_for(strcmp(driver, "none") == 0 ? "" : driver);
        if (strcmp(driver, "auto") == 0)
            want_any(function);
        else if (strcmp(driver, "restore") != 0)
            want(function, place.driver, place.override);
        else if (want_origin(worker, function, i == 0, err) != 0)
            return -1;
    }
    return 0;
}

/* Rows of functions that nobody has touched yet say so, and are only settled. */
void plan_let_go(struct worker *worker, const struct plan *plan)
{
    autojson json_t *rows = plan_rows(plan, false);
    autotext struct text where = {0};

    worker->undoing = true;
    bind_undo_all(worker, rows, &where);
}
