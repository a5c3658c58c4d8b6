/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /nodes/{node}/qemu: the VMs that the caller may see. */
#include "api/qemu/list.h"

#include <stdlib.h>
#include <string.h>

#include "api/qemu/qemu.h"
#include "base/memory.h"
#include "passthrough/vm_document.h"
#include "schema/format.h"
#include "vm/disk.h"
#include "vm/keys.h"
#include "vm/value.h"

#define PIECE   64 /* documents in memory at once */
#define ID_SIZE 16
#define MIB     (1024LL * 1024)
#define MOST    9007199254740992LL /* the largest whole number that every JSON parser reads exactly */

int qemu_list_running(const struct service *service, json_t **ret, struct error *err)
{
    const struct machines_source source = qemu_machines(service);
    autojson json_t *machines = NULL;
    const char *vmid;
    json_t *machine;

    if (machines_list(&source, &machines, err) != 0)
        return -1;
    *ret = json_object();
    json_object_foreach(machines, vmid, machine)
        if (machine_runs(machine))
            json_object_set(*ret, vmid, machine);
    return 0;
}

struct machines_source qemu_machines(const struct service *service)
{
    return (struct machines_source){service->broker, service->storage, service->sysroot};
}

static const char *text_of(const json_t *document, const char *key)
{
    return json_string_value(json_object_get(json_object_get(document, "config"), key));
}

static long long number_of(const json_t *document, const char *key, long long fallback)
{
    const json_t *value = json_object_get(json_object_get(document, "config"), key);

    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

/* A VM must be listed whatever its configuration holds, so a product that is too large is cut. */
static long long multiply(long long a, long long b)
{
    long long product;

    return __builtin_mul_overflow(a, b, &product) || product > MOST ? MOST : product;
}

long long qemu_count_cpus(const json_t *document)
{
    return number_of(document, "vcpus",
                     multiply(number_of(document, "sockets", 1), number_of(document, "cores", 1)));
}

static long long memory_of(const json_t *document)
{
    autojson json_t *values = NULL;
    struct error ignored;

    vm_value_parts(json_object_get(document, "config"), "memory", &values, &ignored);
    return multiply(vm_value_number(values, "current", VM_DEFAULT_MEMORY), MIB);
}

/* In bytes; 0 if it is not a disk, or if its size is not known. */
static long long disk_size(const json_t *document, const char *key)
{
    const char *string = text_of(document, key), *size;
    const struct schema *schema = vm_key_find(key, NULL);
    autojson json_t *values = NULL;
    struct error ignored;

    if (string == NULL || schema == NULL || vm_key_about(schema)->kind != VM_KIND_DISK ||
        vm_disk_parse(key, string, &values, &ignored) != 0 || vm_disk_is_cdrom(values))
        return 0;
    size = json_string_value(json_object_get(values, "size"));
    return size != NULL ? (long long)vm_value_parse_size(size) : 0;
}

/* The size of the first disk in the boot order that has one. */
static long long first_disk_size(const json_t *document)
{
    const char *boot = text_of(document, "boot"), *disk = text_of(document, "bootdisk");
    const char *order = boot != NULL ? strstr(boot, "order=") : NULL;
    autosplit char **keys = format_split_list(order != NULL ? order + strlen("order=") : "");
    long long size = disk != NULL ? disk_size(document, disk) : 0;

    for (char **key = keys; *key != NULL && size == 0; key++)
        size = disk_size(document, *key);
    return size;
}

static void copy(const json_t *document, const char *key, json_t *row)
{
    json_t *value = json_object_get(json_object_get(document, "config"), key);

    if (value != NULL)
        json_object_set(row, key, value);
}

/* Zeros for a VM that does not run. */
static void set_counters(json_t *row)
{
    static const char *const names[] = {"cpu",       "mem",   "memhost", "disk",  "diskread",
                                        "diskwrite", "netin", "netout",  "uptime"};
    autojson json_t *zero = json_integer(0); /* shared within a row, since there may be thousands of rows */

    for (size_t i = 0; i < COUNT_OF(names); i++)
        json_object_set(row, names[i], zero);
}

json_t *qemu_describe(const struct service *service, const struct qemu_seen *seen)
{
    const char *name = text_of(seen->document, "name");
    autofree char *unnamed = xasprintf("VM %lld", seen->vmid);
    const char *status = seen->machine != NULL                                          ? "running"
                         : strcmp(vm_document_node(seen->document), service->node) == 0 ? "stopped"
                                                                                        : "unknown";
    json_t *row = json_pack("{s:I, s:s, s:s, s:I, s:I}", "vmid", (json_int_t)seen->vmid, "name",
                            name != NULL ? name : unnamed, "status", status, "maxmem",
                            (json_int_t)memory_of(seen->document), "maxdisk",
                            (json_int_t)first_disk_size(seen->document));

    if (seen->machine != NULL)
        machine_add_usage(service->sysroot, seen->vmid, seen->machine, qemu_count_cpus(seen->document), row);
    else if (strcmp(status, "stopped") == 0)
        set_counters(row);
    copy(seen->document, "tags", row);
    copy(seen->document, "lock", row);
    return row;
}

static json_t *see(struct request *request, const char *id, const json_t *document, const json_t *running,
                   qemu_row_function *make_row)
{
    const struct qemu_seen seen = {strtoll(id, NULL, 10), document, json_object_get(running, id)};
    autofree char *path = xasprintf("/vms/%s", id);

    if (!access_allows(request->service->access, &request->caller, path, "VM.Audit"))
        return NULL;
    return make_row(request->service, &seen);
}

int qemu_list_visible(struct request *request, qemu_row_function *make_row, json_t *list, struct error *err)
{
    autojson json_t *running = NULL;
    char last[ID_SIZE] = "";
    size_t count;

    if (qemu_list_running(request->service, &running, err) != 0)
        return -1;
    do {
        autojson json_t *piece = NULL;
        const char *id;
        json_t *document, *row;

        if (vm_document_list_after(request->service->storage, last, PIECE, &piece, err) != 0)
            return -1;
        count = json_object_size(piece);
        json_object_foreach(piece, id, document) {
            snprintf(last, sizeof(last), "%s", id);
            row = see(request, id, document, running, make_row);
            if (row != NULL)
                json_array_append_new(list, row);
        }
    } while (count == PIECE);
    return 0;
}

static bool has_serial(const json_t *document)
{
    for (int i = 0; i < VM_SERIALS; i++) {
        autofree char *key = xasprintf("serial%d", i);
        if (text_of(document, key) != NULL)
            return true;
    }
    return false;
}

json_t *qemu_describe_here(const struct service *service, const struct qemu_seen *seen)
{
    static const char *const told[] = {"pid", "qmpstatus", "running-qemu", "running-machine"};
    json_t *row = qemu_describe(service, seen);

    json_object_set_new(row, "cpus", json_integer(qemu_count_cpus(seen->document)));
    if (number_of(seen->document, "template", 0) != 0)
        json_object_set_new(row, "template", json_integer(1));
    if (has_serial(seen->document))
        json_object_set_new(row, "serial", json_integer(1));
    json_object_set(row, "qmpstatus",
                    json_object_get(row, "status")); /* replaced by what QEMU says if it runs */
    for (size_t i = 0; i < COUNT_OF(told); i++)
        if (json_object_get(seen->machine, told[i]) != NULL)
            json_object_set(row, told[i], json_object_get(seen->machine, told[i]));
    return row;
}

static json_t *make_list_row(const struct service *service, const struct qemu_seen *seen)
{
    if (strcmp(vm_document_node(seen->document), service->node) != 0)
        return NULL;
    return qemu_describe_here(service, seen);
}

static int list_vms(struct request *request, json_t **ret, struct error *err)
{
    autojson json_t *list = json_array();

    if (qemu_list_visible(request, make_list_row, list, err) != 0)
        return -1;
    *ret = TAKE(list);
    return 0;
}

/* A reply may be reused only while no VM runs, since a VM may end without notice. Documents, privileges among
 * them, have a generation. */
static bool list_version(struct request *request, uint64_t *ret)
{
    autojson json_t *running = NULL;
    struct error ignored;

    if (qemu_list_running(request->service, &running, &ignored) != 0 || json_object_size(running) > 0)
        return false;
    *ret = storage_generation(request->service->storage);
    return true;
}

const struct endpoint endpoint_list_qemu = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/qemu",
    .text = "Lists the virtual machines of a node that the caller may see (VM.Audit).",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, {.name = "full",
                                              .type = SCHEMA_BOOLEAN,
                                              .optional = true,
                                              .text = "Ignored: everything is always shown."}),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "There are no VMs, or none that the caller may see.",
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES(PARAMETER_VMID,
                                                        {.name = "status",
                                                         .type = SCHEMA_STRING,
                                                         .values = VALUES("stopped", "running")},
                                                        QEMU_PROPERTIES, QEMU_PROPERTIES_HERE))},
    .may_block = true, /* there may be thousands */
    .on_node = true,
    .run = list_vms,
    .version = list_version,
};
