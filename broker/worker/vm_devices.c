/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of the host on their way to a VM. */
#include "broker/worker/vm_devices.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/worker/impact.h"
#include "broker/worker/mdev_state.h"
#include "hardware/bind/fit.h"
#include "hardware/bind/reset.h"
#include "hardware/paths.h"
#include "hardware/slice/mdev_change.h"
#include "vm/command/command.h"
#include "vm/hostpci.h"
#include "vm/value.h"

#define MOST_FUNCTIONS (VM_HOSTPCI * 8)
#define MIB            ((json_int_t)1 << 20)
#define OWN_MEMORY     (1024 * MIB) /* that QEMU may lock beside the guest's */

void vm_devices_release(struct vm_devices *devices)
{
    plan_release(&devices->moved);
    plan_release(&devices->kept);
    json_decref(devices->reattached);
    json_decref(devices->mediated);
}

struct addresses {
    struct pci_address list[MOST_FUNCTIONS];
    size_t count;
};

static int add_address(struct addresses *addresses, const char *key, const char *id, struct error *err)
{
    if (id == NULL || addresses->count >= MOST_FUNCTIONS ||
        !pci_address_parse(id, &addresses->list[addresses->count]))
        return error_set_field(err, "assigned", "%s: '%.100s' is not a PCI id such as 0000:01:00.0", key,
                               id != NULL ? id : "");
    addresses->count++;
    return 0;
}

/* A mediated device has one parent. */
static int add_mediated(struct vm_devices *devices, const char *key, const json_t *row, const char *type,
                        struct error *err)
{
    const char *uuid = json_text(row, "uuid"),
               *parent = json_string_value(json_array_get(json_object_get(row, "ids"), 0));
    char checked[UUID_SIZE] = "";

    if ((uuid[0] != '\0' && !mdev_parse_uuid(uuid, checked)) || !mdev_type_is_valid(type) || parent == NULL)
        return error_set_field(err, "assigned",
                               "%s: no mediated device of type '%.100s' and UUID '%.100s' can be at '%.100s'",
                               key, type, uuid, parent != NULL ? parent : "");
    json_array_append_new(devices->mediated,
                          json_pack("{s:s, s:s, s:s}", "parent", parent, "uuid", checked, "type", type));
    return 0;
}

static int add_row(struct vm_devices *devices, const char *key, const char *value, const json_t *row,
                   struct addresses *moved, struct addresses *kept, struct error *err)
{
    autohostpci struct vm_hostpci hostpci = {.hosts = NULL};
    const json_t *id;
    size_t i;

    if (value == NULL)
        return error_set_field(err, "assigned", "the configuration has no %s", key);
    if (vm_hostpci_parse(value, &hostpci, err) != 0)
        return error_prefix(err, "%s: ", key);
    if (hostpci.mdev != NULL && add_mediated(devices, key, row, hostpci.mdev, err) != 0)
        return -1;
    bool keeps = hostpci.mdev != NULL || hostpci.keep_driver;
    json_array_foreach(json_object_get(row, "ids"), i, id) {
        if (add_address(keeps ? kept : moved, key, json_string_value(id), err) != 0)
            return -1;
        if (!keeps && hostpci.reattach)
            json_array_append_new(devices->reattached, json_incref((json_t *)(uintptr_t)id));
    }
    return 0;
}

int vm_devices_find(struct worker *worker, struct vm_devices *ret, struct error *err)
{
    const json_t *config = json_object_get(worker->arguments, "config");
    struct addresses moved = {.count = 0}, kept = {.count = 0};
    const char *key;
    json_t *row;

    ret->reattached = json_array();
    ret->mediated = json_array();
    json_object_foreach(json_object_get(worker->arguments, "assigned"), key, row)
        if (add_row(ret, key, json_text_or(config, key, NULL), row, &moved, &kept, err) != 0)
            return -1;
    if (moved.count > 0 && plan_choose_list(worker->sysroot, moved.list, moved.count, &ret->moved, err) != 0)
        return -1;
    return kept.count > 0 ? plan_choose_list(worker->sysroot, kept.list, kept.count, &ret->kept, err) : 0;
}

json_t *vm_devices_pack_claims(const struct vm_devices *devices, bool whole)
{
    json_t *claims = plan_pack_claims(&devices->moved, whole);
    autojson json_t *kept = plan_pack_claims(&devices->kept, false);

    json_array_extend(claims, kept);
    return claims;
}

/* One that has a VFIO driver already is reset, so that nobody else may use it either. */
int vm_devices_prepare(struct worker *worker, struct vm_devices *devices, struct error *err)
{
    struct plan *plan = &devices->moved;

    if (plan->count == 0)
        return 0;
    if (plan_read(worker, plan, err) != 0 ||
        plan_want(worker, plan, (struct driver_request){DRIVER_VFIO, "vfio"}, err) != 0)
        return -1;
    for (size_t i = 0; i < plan->count; i++) {
        struct plan_function *function = &plan->list[i];
        if (fit_check(worker->sysroot, function->device->address, function->was.driver, function->driver,
                      err) != 0)
            return -1;
        function->loses_driver = function->was.driver[0] != '\0';
    }
    if (impact_check(worker, plan, "given to the VM", FORCE_NEVER, err) != 0)
        return -1;
    impact_warn_of_others(worker, plan);
    return 0;
}

static bool is_reattached(const struct vm_devices *devices, const char *id)
{
    const json_t *other;
    size_t i;

    json_array_foreach(devices->reattached, i, other)
        if (strcmp(json_string_value(other), id) == 0)
            return true;
    return false;
}

/* Each as the arguments have it, with its value in the configuration. */
static json_t *describe_keys(const struct worker *worker)
{
    const json_t *config = json_object_get(worker->arguments, "config");
    json_t *keys = json_object(), *row;
    const char *key;

    json_object_foreach(json_object_get(worker->arguments, "assigned"), key, row) {
        json_t *copy = json_deep_copy(row);
        json_object_set(copy, "value", json_object_get(config, key));
        json_object_set_new(keys, key, copy);
    }
    return keys;
}

json_t *vm_devices_describe(const struct worker *worker, const struct vm_devices *devices)
{
    json_t *functions = plan_pack_claims(&devices->moved, true);

    for (size_t i = 0; i < devices->moved.count; i++)
        if (is_reattached(devices, devices->moved.list[i].id))
            json_object_set_new(json_array_get(functions, i), "reattach", json_integer(1));
    return json_pack("{s:o, s:[], s:o}", "functions", functions, "mediated", "hostpci",
                     describe_keys(worker));
}

/* VFIO resets it, too, when QEMU opens it: a function that cannot be reset does not keep the VM from
 * starting. */
static int reset(struct worker *worker, struct plan *plan, struct plan_function *function, struct error *err)
{
    struct reset_methods methods;
    struct error failure;

    (void)plan;
    if (worker_step(worker, function->id, "reset", err) != 0)
        return -1;
    if (reset_read_methods(worker->sysroot, function->device->address, &methods, &failure) == 0) {
        if (methods.count == 0) {
            worker_log(worker, "%s: is not reset, because the kernel has no method for it", function->id);
            return 0;
        }
        if (reset_run(worker->sysroot, function->device->address, &failure) == 0)
            return 0;
    }
    if (failure.kind == ERROR_NOT_FOUND) {
        *err = failure;
        return -1;
    }
    worker_log(worker, "warning: %s: is not reset: %s", function->id, failure.message);
    return 0;
}

void vm_devices_parse_target(struct worker *worker, const json_t *row, struct mdev_target *ret)
{
    *ret = (struct mdev_target){.worker = worker};
    snprintf(ret->id, sizeof(ret->id), "%s", json_text(row, "parent"));
    snprintf(ret->uuid, sizeof(ret->uuid), "%s", json_text(row, "uuid"));
    pci_address_parse(ret->id, &ret->parent);
}

static int check_type(struct worker *worker, const struct plan *parents, const struct mdev_target *target,
                      const char *type, struct error *err)
{
    struct mdev_place place;
    int found = target->uuid[0] != '\0' ? mdev_find(worker->sysroot, target->uuid, &place, err) : 0;

    if (found < 0)
        return -1;
    if (found > 0)
        return error_set(err, ERROR_CONFLICT,
                         "the mediated device '%s' exists already, of type '%s' at '%s': remove it first",
                         target->uuid, place.type, place.parent);
    return mdev_check_type(worker->sysroot, parents->inventory,
                           inventory_find(parents->inventory, target->parent), type, err);
}

/* One that is there already is not the VM's to remove. */
static int create(struct worker *worker, const struct vm_devices *devices, json_t *row,
                  struct machine *machine, struct error *err)
{
    automdevstate struct mdev_state was = {.file = NULL}, wanted = {.file = NULL};
    const char *type = json_text(row, "type");
    struct mdev_target target;

    vm_devices_parse_target(worker, row, &target);
    if (mdev_state_read(&target, &was, err) != 0)
        return -1;
    if (strcmp(was.type, type) == 0)
        return 0;
    if (check_type(worker, &devices->kept, &target, type, err) != 0)
        return -1;
    json_array_append(json_object_get(machine->record, "mediated"), row);
    if (machine_save(machine->folder, "machine", machine->record, err) != 0)
        return -1;
    snprintf(wanted.type, sizeof(wanted.type), "%s", type);
    wanted.file = was.file != NULL ? xstrdup(was.file) : NULL;
    return mdev_state_reach(&target, &wanted, err) < 0 ? -1 : 0;
}

int vm_devices_take(struct worker *worker, struct vm_devices *devices, struct machine *machine,
                    struct error *err)
{
    json_t *row;
    size_t i;

    if (plan_move(worker, &devices->moved, err) != 0 || plan_each(worker, &devices->moved, reset, err) != 0)
        return -1;
    json_array_foreach(devices->mediated, i, row)
        if (create(worker, devices, row, machine, err) != 0)
            return -1;
    return 0;
}

#define GROUPS "/dev/vfio/"

static void add_once(json_t *nodes, json_t *node)
{
    const json_t *other;
    size_t i;

    json_array_foreach(nodes, i, other)
        if (json_equal(other, node))
            return;
    json_array_append(nodes, node);
}

static void add_node(json_t *nodes, const char *group)
{
    autojson json_t *node = json_sprintf(GROUPS "%s", group);

    add_once(nodes, node);
}

/* The host's driver keeps the parent of mediated devices, each of which has a group of its own. */
static bool is_parent(const struct vm_devices *devices, const char *id)
{
    const json_t *row;
    size_t i;

    json_array_foreach(devices->mediated, i, row)
        if (json_text(row, "uuid")[0] != '\0' && strcmp(json_text(row, "parent"), id) == 0)
            return true;
    return false;
}

static void add_nodes_of(json_t *nodes, const struct vm_devices *devices, const struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        autofree char *group = xasprintf("%d", plan->list[i].device->group);
        if (plan->list[i].device->group >= 0 && !is_parent(devices, plan->list[i].id))
            add_node(nodes, group);
    }
}

/* Of the IOMMU groups. */
json_t *vm_devices_list_nodes(const struct worker *worker, const struct vm_devices *devices)
{
    json_t *nodes = json_array(), *row;
    size_t i;

    add_nodes_of(nodes, devices, &devices->moved);
    add_nodes_of(nodes, devices, &devices->kept);
    json_array_foreach(devices->mediated, i, row) {
        const char *uuid = json_text(row, "uuid");
        char group[32];
        if (uuid[0] != '\0' && sysfs_read_link_name(sysroot_fd(worker->sysroot),
                                                    path_below(SYS_MDEV_DEVICES, uuid, "iommu_group").text,
                                                    group, sizeof(group)) >= 0)
            add_node(nodes, group);
    }
    return nodes;
}

void vm_devices_add_order(const struct worker *worker, const struct vm_devices *devices, json_t *order)
{
    const json_t *config = json_object_get(worker->arguments, "config");
    autojson json_t *memory = NULL, *machine = NULL, *nodes = vm_devices_list_nodes(worker, devices);
    json_t *own = json_object_get(order, "own"), *node;
    struct error ignored;
    size_t i, groups = 0;

    json_array_foreach(nodes, i, node)
        add_once(own, node);
    json_array_foreach(own, i, node)
        groups += text_starts_with(json_string_value(node), GROUPS);
    if (groups == 0)
        return;
    vm_value_parts(config, "memory", &memory, &ignored);
    vm_value_parts(config, "machine", &machine, &ignored);
    json_int_t bytes = vm_value_number(memory, "current", VM_DEFAULT_MEMORY) * MIB;
    if (json_object_get(machine, "viommu") != NULL)
        bytes *= (json_int_t)groups;
    json_object_set_new(order, "lock", json_integer(bytes + OWN_MEMORY));
}

void vm_devices_finish(struct worker *worker, const struct vm_devices *devices)
{
    for (size_t i = 0; i < devices->moved.count; i++)
        worker_save_origin(worker, devices->moved.list[i].id, &devices->moved.list[i].was);
    plan_release_claims(worker, &devices->moved);
    plan_release_claims(worker, &devices->kept);
}
