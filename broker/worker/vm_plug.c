/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation vm_plug: gives a VM that runs a hostpciN. */
#include "broker/worker/vm_plug.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/undo.h"
#include "broker/worker/unit.h"
#include "broker/worker/vm_devices.h"
#include "broker/worker/vm_end.h"
#include "broker/worker/vm_order.h"
#include "vm/qmp/qmp.h"

#define TURN_MS 60000 /* QEMU pins all of the guest's memory before it answers */

const struct schema operation_vm_plug_arguments[] = {
    ARGUMENT_VMID,
    ARGUMENT_HOSTPCI,
    {.name = "config",
     .type = SCHEMA_OBJECT,
     .open = true,
     .text = "What it was started with, and the new hostpciN in place of all others."},
    {.name = "assigned",
     .type = SCHEMA_OBJECT,
     .open = true,
     .text = "What this one gets, as for vm-start: {hostpci2: {ids, uuid, live-migration}}."},
    {.name = NULL}};

int vm_plug_find(struct worker *worker, struct machine *ret, struct error *err)
{
    if (machine_find(worker->run_dir, vm_id(worker), ret, err) != 0)
        return -1;
    return process_runs(ret->qemu) ? 0
                                   : error_set(err, ERROR_NOT_FOUND, "VM %lld not running", vm_id(worker));
}

char *vm_plug_monitor(const struct worker *worker, const struct machine *machine)
{
    autofree char *file = xasprintf("%lld.qmp", machine->vmid);

    return machine_path(worker->run_dir, machine->vmid, file);
}

int vm_plug_settle(struct worker *worker, const struct machine *machine, const json_t *order,
                   struct error *err)
{
    char name[VM_CLAIM_SIZE];

    vm_claim_name(machine->vmid, name);
    return machine_save(machine->folder, "order", order, err) == 0
               ? unit_run(worker, name, PROGRAM_NODES, machine->folder, err)
               : -1;
}

/* An option of the command line as QMP has it, where QEMU since 10 tells types apart. */
static json_t *parse_value(const char *name, const char *value)
{
    static const char *const flags[] = {"multifunction", "x-vga"}, *const numbers[] = {"rombar", "bootindex"};

    for (size_t i = 0; i < COUNT_OF(flags); i++)
        if (strcmp(name, flags[i]) == 0)
            return json_boolean(strcmp(value, "on") == 0);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (strcmp(name, numbers[i]) == 0 || strncmp(name, "x-pci-", 6) == 0)
            return json_integer(strtoll(value, NULL, 0));
    return json_string(value);
}

/* "vfio-pci,host=0000:01:00.0,id=hostpci2,..." as arguments of device_add; a comma in a value is doubled. */
static json_t *parse_device(const char *text)
{
    json_t *arguments = json_object();
    const char *name = "driver";
    autofree char *copy = xstrdup(text);
    char *rest = copy;

    while (rest != NULL) {
        char *value = rest, *end = value;
        if (json_object_size(arguments) > 0) {
            name = strsep(&value, "=");
            end = value != NULL ? value : rest + strlen(rest);
        }
        char *to = end;
        for (; *end != '\0' && (*end != ',' || end[1] == ','); end++) {
            end += *end == ',';
            *to++ = *end;
        }
        rest = *end == ',' ? end + 1 : NULL;
        *to = '\0';
        json_object_set_new(arguments, name, parse_value(name, value != NULL ? value : ""));
    }
    return arguments;
}

static bool is_of(const json_t *device, const char *key)
{
    const char *id = json_text(device, "id");
    size_t length = strlen(key);

    return strncmp(id, key, length) == 0 && (id[length] == '\0' || id[length] == '.');
}

/* Of its configuration what the device's arguments depend on. */
static json_t *choose_keys(const json_t *config, const char *key)
{
    const char *const names[] = {"machine", "bios",    "kvm",  "arch",   "vga",
                                 "ostype",  "hotplug", "numa", "memory", key};
    json_t *chosen = json_object();

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (json_object_get(config, names[i]) != NULL)
            json_object_set(chosen, names[i], json_object_get(config, names[i]));
    return chosen;
}

/* Before anything is taken: those who copy them can only say that they failed. */
static int check_roms(const json_t *files, struct error *err)
{
    const json_t *file;
    size_t i;

    json_array_foreach(files, i, file)
        if (strcmp(json_text(file, "kind"), "rom") == 0 && access(json_text(file, "from"), R_OK) != 0)
            return error_set_errno(err, errno, "romfile: cannot read '%s'", json_text(file, "from"));
    return 0;
}

/* What a start would add to the command line for it, function 0 last: the guest looks when that comes. Its
 * files are `roms` of the VM's own order. */
static int list_devices(struct worker *worker, const struct machine *machine, const char *key, json_t *own,
                        json_t **ret, struct error *err)
{
    autojson json_t *order = NULL, *devices = json_array();
    const json_t *word;
    size_t i;

    autojson json_t *arguments =
        json_pack("{s:o, s:O}", "config", choose_keys(json_object_get(worker->arguments, "config"), key),
                  "assigned", json_object_get(worker->arguments, "assigned"));
    struct worker asking = *worker;
    asking.arguments = arguments;
    if (vm_order_make(&asking, machine, &order, err) != 0)
        return -1;
    if (check_roms(json_object_get(order, "files"), err) != 0)
        return -1;
    const json_t *words = json_object_get(order, "arguments");
    json_array_foreach(words, i, word) {
        if (strcmp(json_string_value(word), "-device") != 0)
            continue;
        autojson json_t *device = parse_device(json_string_value(json_array_get(words, i + 1)));
        if (is_of(device, key))
            json_array_insert(devices, 0, device);
    }
    json_object_set(own, "roms", json_object_get(order, "files"));
    *ret = TAKE(devices);
    return 0;
}

static int add_devices(struct worker *worker, const struct machine *machine, const char *name,
                       const json_t *devices, struct error *err)
{
    autofree char *path = vm_plug_monitor(worker, machine);
    autoqmp struct qmp *qmp = NULL;
    json_t *device;
    size_t i;

    if (qmp_open(path, TURN_MS, &qmp, err) != 0)
        return -1;
    json_array_foreach(devices, i, device) {
        autofree char *step = xasprintf("give QEMU %s", json_text(device, "id"));
        if (worker_step(worker, name, step, err) != 0 ||
            qmp_execute(qmp, "device_add", json_incref(device), TURN_MS, NULL, err) != 0)
            return -1;
    }
    return 0;
}

static void merge(json_t *record, const json_t *more)
{
    json_array_extend(json_object_get(record, "functions"), json_object_get(more, "functions"));
    if (json_object_get(record, "hostpci") == NULL)
        json_object_set_new(record, "hostpci", json_object());
    json_object_update(json_object_get(record, "hostpci"), json_object_get(more, "hostpci"));
}

/* Everything is in the record before the functions' claims end; *recorded says that it is. */
static int take(struct worker *worker, struct machine *machine, struct vm_devices *devices, json_t *order,
                bool *recorded, struct error *err)
{
    autojson json_t *more = vm_devices_describe(worker, devices);

    if (vm_devices_take(worker, devices, machine, err) != 0)
        return -1;
    merge(machine->record, more);
    if (machine_save(machine->folder, "machine", machine->record, err) != 0)
        return -1;
    vm_devices_finish(worker, devices);
    *recorded = true;
    vm_devices_add_order(worker, devices, order);
    return vm_plug_settle(worker, machine, order, err);
}

static int plug_claimed(struct worker *worker, struct machine *machine, struct vm_devices *devices,
                        const json_t *claims, struct error *err)
{
    const char *key = json_text(worker->arguments, "key");
    autojson json_t *order = machine_load(machine->folder, "order"), *list = NULL;
    autotext struct text where = {0};
    char name[VM_CLAIM_SIZE];
    bool recorded = false;

    vm_claim_name(machine->vmid, name);
    if (list_devices(worker, machine, key, order, &list, err) == 0 &&
        take(worker, machine, devices, order, &recorded, err) == 0 &&
        add_devices(worker, machine, name, list, err) == 0)
        return 0;
    worker->undoing = true;
    autojson json_t *first = json_pack("[O]", json_array_get(claims, 0));
    undo_claims(worker, recorded ? first : claims, &where);
    return error_set(err, ERROR_FAILED, "%.700s; %.300s", err->message, text_string(&where));
}

static json_t *make_claims(const char *name, const char *plug, const struct vm_devices *devices)
{
    json_t *claims = json_pack("[{s:s, s:s*}]", "id", name, "plug", plug);
    autojson json_t *functions = vm_devices_pack_claims(devices, plug != NULL);

    json_array_extend(claims, functions);
    return claims;
}

static int check_free(struct worker *worker, struct machine *machine, const char *key, struct error *err)
{
    if (vm_plug_find(worker, machine, err) != 0)
        return -1;
    if (json_object_get(json_object_get(machine->record, "hostpci"), key) == NULL)
        return 0;
    return error_set(err, ERROR_CONFLICT, "VM %lld has a %s already: delete that first", machine->vmid, key);
}

static int plug(struct worker *worker, json_t **ret, struct error *err)
{
    automachine struct machine machine = {.folder = NULL};
    autovmdevices struct vm_devices devices = {.mediated = NULL};
    const char *key = json_text(worker->arguments, "key");
    char name[VM_CLAIM_SIZE];
    const json_t *claim;
    size_t i;

    vm_claim_name(vm_id(worker), name);
    if (vm_devices_find(worker, &devices, err) != 0)
        return -1;
    autojson json_t *first = make_claims(name, NULL, &devices), *claims = NULL;
    if (worker_claim(worker, first, err) != 0)
        return -1;
    if (check_free(worker, &machine, key, err) == 0 && vm_devices_prepare(worker, &devices, err) == 0) {
        claims = make_claims(name, key, &devices);
        if (worker_claim(worker, claims, err) == 0) {
            if (plug_claimed(worker, &machine, &devices, claims, err) != 0)
                return -1;
            worker_release(worker, name);
            *ret = json_object();
            return 0;
        }
    }
    json_array_foreach(first, i, claim)
        worker_release(worker, json_text(claim, "id"));
    return -1;
}

int vm_plug_undo(struct worker *worker, const json_t *claim, struct text *where)
{
    const char *id = json_text(claim, "id"), *key = json_text(claim, "plug");
    automachine struct machine machine = {.folder = NULL};
    long long vmid = strtoll(strchr(id, ':') != NULL ? strchr(id, ':') + 1 : "0", NULL, 10);
    struct error err;

    bool has = machine_find(worker->run_dir, vmid, &machine, &err) == 0 &&
               json_object_get(json_object_get(machine.record, "hostpci"), key) != NULL;
    if (has && vm_plug_remove(worker, &machine, key, true, &err) != 0)
        text_printf(where, "keeps %s until it ends: %s", key, err.message);
    else
        text_printf(where, "has no %s", key);
    worker_release(worker, id);
    return 0;
}

const struct operation operation_vm_plug = {
    .name = "vm_plug",
    .text = "Gives a VM that runs a device of the host.",
    .arguments = operation_vm_plug_arguments,
    .changes = true,
    .run = plug,
};
