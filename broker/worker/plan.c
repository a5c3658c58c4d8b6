/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions an operation changes, and where each is to be. */
#include "broker/worker/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/bind/variant.h"
#include "hardware/pci/class.h"

static bool is_in_scope(const struct pci_device *named, const struct pci_device *other, enum scope scope)
{
    if (pci_is_bridge(other))
        return false;
    if (scope == SCOPE_DEVICE) /* the numbers of virtual functions may be of their parent's slot */
        return pci_address_same_slot(named->address, other->address) &&
               named->virtual_function == other->virtual_function;
    if (scope == SCOPE_FAMILY)
        return other->virtual_function && pci_address_compare(other->physical_function, named->address) == 0;
    return scope == SCOPE_GROUP && named->group >= 0 && other->group == named->group;
}

static void add(struct plan *plan, const struct pci_device *device)
{
    plan->list = xrealloc(plan->list, plan->count + 1, sizeof(plan->list[0]));
    struct plan_function *function = &plan->list[plan->count++];
    *function = (struct plan_function){.device = device};
    pci_address_format(device->address, function->id);
}

/* Adds the function of that address, unless it is there already. */
static int add_named(struct plan *plan, struct pci_address address, struct error *err)
{
    const struct pci_device *device = inventory_find(plan->inventory, address);
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(address, id);
    if (device == NULL)
        return error_set(err, ERROR_NOT_FOUND, "no PCI device found for '%s'", id);
    if (pci_is_bridge(device))
        return error_set(
            err, ERROR_FAILED,
            "%s is a bridge (class %06x): the host would lose everything behind it; name the device "
            "itself, VFIO leaves bridges alone",
            id, device->class_code);
    for (size_t i = 0; i < plan->count; i++)
        if (plan->list[i].device == device)
            return 0;
    add(plan, device);
    return 0;
}

int plan_choose_list(const struct sysroot *sysroot, const struct pci_address *addresses, size_t count,
                     struct plan *ret, struct error *err)
{
    struct plan plan = {.list = NULL};

    if (inventory_scan(sysroot, &plan.inventory, err) != 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (add_named(&plan, addresses[i], err) != 0) {
            plan_release(&plan);
            return -1;
        }
    *ret = plan;
    return 0;
}

int plan_choose(const struct sysroot *sysroot, struct pci_address address, enum scope scope, struct plan *ret,
                struct error *err)
{
    struct plan plan;

    if (plan_choose_list(sysroot, &address, 1, &plan, err) != 0)
        return -1;
    const struct pci_device *named = plan.list[0].device;
    for (size_t i = 0; i < plan.inventory->count; i++)
        if (&plan.inventory->devices[i] != named && is_in_scope(named, &plan.inventory->devices[i], scope))
            add(&plan, &plan.inventory->devices[i]);
    *ret = plan;
    return 0;
}

void plan_release(struct plan *plan)
{
    inventory_release(plan->inventory);
    free(plan->list);
}

json_t *plan_pack_claims(const struct plan *plan, bool whole)
{
    json_t *claims = json_array();

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_function *function = &plan->list[i];
        json_t *claim = json_pack("{s:s, s:i, s:i}", "id", function->id, "vendor", function->device->vendor,
                                  "device", function->device->device);
        if (whole)
            json_object_update_new(claim, json_pack("{s:s, s:s, s:s, s:s}", "driver", function->was.driver,
                                                    "override", function->was.override, "wanted",
                                                    function->driver, "wanted-override", function->override));
        json_array_append_new(claims, claim);
    }
    return claims;
}

int plan_claim(struct worker *worker, const struct plan *plan, bool whole, struct error *err)
{
    autojson json_t *claims = plan_pack_claims(plan, whole);

    return worker_claim(worker, claims, err);
}

/* The inventory was read before the functions were claimed. */
static int check_unchanged(const struct plan_function *function, struct error *err)
{
    const struct pci_device *device = function->device;

    if (function->was.vendor == device->vendor && function->was.device == device->device &&
        strncmp(function->was.driver, device->driver, sizeof(device->driver) - 1) == 0)
        return 0;
    return error_set(err, ERROR_BUSY,
                     "somebody else moved %s from '%s' to '%s' at the same moment; try again", function->id,
                     device->driver, function->was.driver);
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

static void want(struct plan_function *function, struct binding binding)
{
    snprintf(function->driver, sizeof(function->driver), "%s", binding.driver);
    snprintf(function->override, sizeof(function->override), "%s", binding.override);
    function->loses_driver =
        function->was.driver[0] != '\0' && strcmp(function->was.driver, binding.driver) != 0;
}

/* Whoever is bound because of driver_override may lose the function to another driver. */
static void want_any(struct plan_function *function)
{
    const struct driver_state *was = &function->was;

    want(function, binding_for(BINDING_ANY));
    function->loses_driver =
        was->driver[0] != '\0' && (driver_is_vfio(was->driver) || strcmp(was->driver, was->override) == 0);
}

/* Not all functions of a scope need to have been changed before; the one that was named does. */
static int want_origin(struct worker *worker, struct plan_function *function, bool named, struct error *err)
{
    autojson json_t *facts = worker_read_facts(worker, function->id);
    struct binding origin;
    int vendor, device;

    if (json_unpack(json_object_get(facts, "origin"), "{s:s, s:s, s:i, s:i}", "driver", &origin.driver,
                    "override", &origin.override, "vendor", &vendor, "device", &device) == 0 &&
        vendor == function->was.vendor && device == function->was.device)
        want(function, origin);
    else if (named)
        return error_set(err, ERROR_FAILED,
                         "it is not known what %s had before: its driver was not changed since the host was "
                         "started; driver=auto gives it the one that the kernel chooses (hostpci set "
                         "/nodes/localhost/hardware/pci/%s/driver --driver auto)",
                         function->id, function->id);
    else
        worker_log(worker, "%s: its driver was not changed before; it stays as it is", function->id);
    return 0;
}

static void want_vfio(struct worker *worker, struct plan_function *function)
{
    char driver[DRIVER_NAME_SIZE];
    autotext struct text reason = {0};

    function->variant = variant_choose(worker->sysroot, function->device->address, driver, &reason);
    if (reason.length > 0)
        worker_log(worker, "%s: gets " VFIO_PLAIN ", not the driver that is made for it: %s", function->id,
                   text_string(&reason));
    want(function, binding_for(driver));
}

int plan_want(struct worker *worker, struct plan *plan, struct driver_request driver, struct error *err)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_function *function = &plan->list[i];
        switch (driver.kind) {
        case DRIVER_NAMED:
            want(function, binding_for(driver.name));
            break;
        case DRIVER_VFIO:
            want_vfio(worker, function);
            break;
        case DRIVER_NONE:
            want(function, binding_for(""));
            break;
        case DRIVER_AUTO:
            want_any(function);
            break;
        case DRIVER_RESTORE:
            if (want_origin(worker, function, i == 0, err) != 0)
                return -1;
            break;
        }
    }
    return 0;
}

void plan_release_claims(struct worker *worker, const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        worker_release(worker, plan->list[i].id);
}
