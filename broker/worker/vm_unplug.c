/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation vm_unplug: takes a hostpciN from a VM that runs. */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/vm_devices.h"
#include "broker/worker/vm_end.h"
#include "broker/worker/vm_plug.h"
#include "vm/qmp/qmp.h"

#define TURN_MS  20000 /* QEMU unmaps all of the guest's memory before it answers */
#define LOOK_MS  1000  /* between two requests to the guest */
#define GUEST_MS 20000 /* that it has to give a device up */

const struct schema operation_vm_unplug_arguments[] = {ARGUMENT_VMID, ARGUMENT_HOSTPCI, {.name = NULL}};

/* The first of its functions that QEMU still has, function 0 before others; "" if none. To be freed. */
static int find_left(struct qmp *qmp, const char *key, char **ret, struct error *err)
{
    autojson json_t *list = NULL;
    autofree char *part = xasprintf("%s.", key), *first = xasprintf("%s.0", key), *found = xstrdup("");
    const json_t *row;
    size_t i;

    if (qmp_execute(qmp, "qom-list", json_pack("{s:s}", "path", "/machine/peripheral"), TURN_MS, &list,
                    err) != 0)
        return -1;
    json_array_foreach(list, i, row) {
        const char *id = json_text(row, "name");
        bool ours = strcmp(id, key) == 0 || strncmp(id, part, strlen(part)) == 0;
        if (!ours || (found[0] != '\0' && strcmp(id, first) != 0))
            continue;
        free(found);
        found = xstrdup(id);
    }
    *ret = TAKE(found);
    return 0;
}

/* One request, and a moment for the guest: others may want the monitor in between. A guest that has not
 * finished to start, or another request, forgets it; so a refusal only means to ask again. */
static int ask_guest(const char *path, const char *key, char **ret_left, struct error *err)
{
    autoqmp struct qmp *qmp = NULL;
    autofree char *left = NULL;
    struct error refusal;

    if (qmp_open(path, TURN_MS, &qmp, err) != 0 || find_left(qmp, key, &left, err) != 0)
        return -1;
    if (left[0] != '\0' &&
        qmp_execute(qmp, "device_del", json_pack("{s:s}", "id", left), TURN_MS, NULL, &refusal) != 0 &&
        refusal.kind != ERROR_FAILED) {
        *err = refusal;
        return -1;
    }
    if (left[0] != '\0' && qmp_wait(qmp, "DEVICE_DELETED", LOOK_MS, &refusal) != 0 &&
        refusal.kind != ERROR_BUSY) {
        *err = refusal;
        return -1;
    }
    return find_left(qmp, key, ret_left, err);
}

static int wait_for_guest(struct worker *worker, const struct machine *machine, const char *key,
                          struct error *err)
{
    autofree char *path = vm_plug_monitor(worker, machine),
                  *step = xasprintf("wait for the guest to give up %s", key);
    long long deadline = clock_milliseconds() + GUEST_MS;
    char name[VM_CLAIM_SIZE];

    vm_claim_name(machine->vmid, name);
    for (;;) {
        autofree char *left = NULL;
        if (worker_step(worker, name, step, err) != 0 || ask_guest(path, key, &left, err) != 0)
            return -1;
        if (left[0] == '\0')
            return 0;
        if (clock_milliseconds() > deadline)
            return error_set(err, ERROR_BUSY,
                             "the guest has not given up %s within %d s: it may not have started yet, or use "
                             "the device; the VM keeps it",
                             left, GUEST_MS / 1000);
    }
}

/* The nodes that the machine's hostpciN need: of that one, or of all others. */
static json_t *list_nodes(const struct worker *worker, const json_t *record, const char *key, bool others)
{
    autovmdevices struct vm_devices devices = {.mediated = NULL};
    autojson json_t *config = json_object(), *assigned = json_object();
    struct worker asking = *worker;
    struct error gone;
    const char *other;
    json_t *row;

    json_object_foreach(json_object_get(record, "hostpci"), other, row) {
        if ((strcmp(other, key) != 0) != others)
            continue;
        json_object_set(config, other, json_object_get(row, "value"));
        json_object_set(assigned, other, row);
    }
    autojson json_t *arguments = json_pack("{s:O, s:O}", "config", config, "assigned", assigned);
    asking.arguments = arguments;
    return vm_devices_find(&asking, &devices, &gone) == 0 ? vm_devices_list_nodes(&asking, &devices)
                                                          : json_array();
}

static bool has(const json_t *list, const json_t *value)
{
    const json_t *other;
    size_t i;

    json_array_foreach(list, i, other)
        if (json_equal(other, value))
            return true;
    return false;
}

static void remove_all(json_t *list, const json_t *values)
{
    for (size_t i = json_array_size(list); i-- > 0;)
        if (has(values, json_array_get(list, i)))
            json_array_remove(list, i);
}

/* A group that another hostpciN is in, too, stays the user's. */
static int take_nodes_back(struct worker *worker, const struct machine *machine, const char *key,
                           struct error *err)
{
    autojson json_t *order = machine_load(machine->folder, "order"),
                    *back = list_nodes(worker, machine->record, key, false),
                    *needed = list_nodes(worker, machine->record, key, true);
    struct error late;

    remove_all(back, needed);
    json_object_set(order, "back", back);
    json_object_del(order, "roms");
    int result = vm_plug_settle(worker, machine, order, err);
    json_object_del(order, "back");
    if (result != 0) {
        machine_save(machine->folder, "order", order, &late);
        return -1;
    }
    remove_all(json_object_get(order, "own"), back);
    return machine_save(machine->folder, "order", order, err);
}

/* Moves from one list to the other what belongs to the hostpciN. */
static json_t *split(json_t *list, const char *member, const json_t *values)
{
    json_t *own = json_array();

    for (size_t i = json_array_size(list); i-- > 0;) {
        json_t *row = json_array_get(list, i);
        if (!has(values, json_object_get(row, member)))
            continue;
        json_array_append(own, row);
        json_array_remove(list, i);
    }
    return own;
}

static json_t *split_mediated(json_t *record, const json_t *row)
{
    json_t *list = json_object_get(record, "mediated");
    const char *uuid = json_text(row, "uuid");
    autojson json_t *named = json_pack("[s]", uuid);

    return uuid[0] != '\0' ? split(list, "uuid", named) : split(list, "parent", json_object_get(row, "ids"));
}

static int give_back(struct worker *worker, struct machine *machine, const char *key, bool all,
                     struct error *err)
{
    json_t *record = machine->record, *keys = json_object_get(record, "hostpci"), *function;
    json_t *row = json_object_get(keys, key), *functions = json_object_get(record, "functions");
    autojson json_t *part =
        json_pack("{s:o, s:o}", "functions", split(functions, "id", json_object_get(row, "ids")), "mediated",
                  split_mediated(record, row));
    struct error late;
    size_t i;

    json_array_foreach(json_object_get(part, "functions"), i, function)
        if (all)
            json_object_set_new(function, "reattach", json_integer(1));
    if (vm_devices_give_back(worker, part, &late) != 0)
        worker_log(worker, "warning: %s: is tried again when the VM has ended", late.message);
    json_array_foreach(json_object_get(part, "functions"), i, function)
        if (json_object_get(function, "reattach") != NULL)
            json_array_append(functions, function);
    json_array_extend(json_object_get(record, "mediated"), json_object_get(part, "mediated"));
    json_object_del(keys, key);
    return machine_save(machine->folder, "machine", record, err);
}

int vm_plug_remove(struct worker *worker, struct machine *machine, const char *key, bool all,
                   struct error *err)
{
    if (wait_for_guest(worker, machine, key, err) != 0 || take_nodes_back(worker, machine, key, err) != 0)
        return -1;
    return give_back(worker, machine, key, all, err);
}

static int unplug(struct worker *worker, json_t **ret, struct error *err)
{
    automachine struct machine machine = {.folder = NULL};
    const char *key = json_text(worker->arguments, "key");
    char name[VM_CLAIM_SIZE];
    int result = 0;

    vm_claim_name(vm_id(worker), name);
    autojson json_t *claims = json_pack("[{s:s}]", "id", name);
    if (worker_claim(worker, claims, err) != 0)
        return -1;
    if (vm_plug_find(worker, &machine, err) != 0)
        result = -1;
    else if (json_object_get(json_object_get(machine.record, "hostpci"), key) != NULL)
        result = vm_plug_remove(worker, &machine, key, false, err);
    worker_release(worker, name);
    if (result == 0)
        *ret = json_object();
    return result;
}

const struct operation operation_vm_unplug = {
    .name = "vm_unplug",
    .text = "Takes a device of the host from a VM that runs, if it has it.",
    .arguments = operation_vm_unplug_arguments,
    .changes = true,
    .run = unplug,
};
