/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/storage/{storage}/content: the volumes of the storage. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/storage/storage.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/call.h"
#include "passthrough/broker_task.h"
#include "storage/local.h"

/* Only root can read an image and tell the size of its disk; without a broker the size is the file's. */
static int read_volumes(const struct service *service, json_t **ret, struct error *err)
{
    autojson json_t *result = NULL;

    if (broker_call_briefly(service->broker, "volumes", NULL, json_object(), &result, err) == 0) {
        *ret = json_incref(json_object_get(result, "volumes"));
        return 0;
    }
    return err->kind == ERROR_BUSY ? store_list(service->paths.store, ret, err) : -1;
}

/* Discs are for everybody who sees the storage; an image is for those who may configure its VM's disks, or
 * use the storage whole. */
static bool may_see(const struct request *request, const json_t *volume)
{
    struct access *access = request->service->access;
    const json_t *vmid = json_object_get(volume, "vmid");

    if (vmid == NULL || access_allows(access, &request->caller, "/storage/" VM_STORE, "Datastore.Allocate"))
        return true;
    autofree char *path = xasprintf("/vms/%" JSON_INTEGER_FORMAT, json_integer_value(vmid));
    return access_allows(access, &request->caller, "/storage/" VM_STORE, "Datastore.Audit") &&
           access_allows(access, &request->caller, path, "VM.Config.Disk");
}

static bool is_wanted(const struct request *request, const json_t *volume)
{
    const char *content = param_string(request, "content");
    long long vmid = param_integer(request, "vmid");

    return (content == NULL || strcmp(json_text(volume, "content"), content) == 0) &&
           (vmid == 0 || json_integer_value(json_object_get(volume, "vmid")) == vmid);
}

static int compare_ids(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;

    return strcasecmp(json_text(*x, "volid"), json_text(*y, "volid"));
}

static json_t *sort(json_t *list)
{
    size_t count = json_array_size(list), i;
    autofree json_t **rows = xcalloc(count + 1, sizeof(json_t *));
    json_t *sorted = json_array(), *row;

    json_array_foreach(list, i, row)
        rows[i] = row;
    qsort(rows, count, sizeof(json_t *), compare_ids);
    for (i = 0; i < count; i++)
        json_array_append(sorted, rows[i]);
    return sorted;
}

static int list_content(struct request *request, json_t **ret, struct error *err)
{
    autojson json_t *all = NULL, *list = json_array();
    json_t *volume;
    size_t i;

    if (storage_check_name(request, err) != 0 || read_volumes(request->service, &all, err) != 0)
        return -1;
    json_array_foreach(all, i, volume)
        if (is_wanted(request, volume) && may_see(request, volume))
            json_array_append(list, volume);
    *ret = sort(list);
    return 0;
}

const struct endpoint endpoint_list_content = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/storage/{storage}/content",
    .text = "Lists the disks and ISO images of a storage that the caller may use.",
    .permission = MAY_SEE_STORAGE,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_STORAGE,
                             {.name = "content",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .format = "pve-storage-content",
                              .text = "List only volumes of this kind."},
                             {.name = "vmid",
                              .type = SCHEMA_INTEGER,
                              .optional = true,
                              .format = "pve-vmid",
                              .range = RANGE(100, 999999999),
                              .text = "List only disks of this VM."}),
    .returns =
        {.type = SCHEMA_ARRAY,
         .empty = "There are no such volumes, or none that the caller may use.",
         .items =
             ITEMS(.type = SCHEMA_OBJECT,
                   .properties = PROPERTIES(
                       {.name = "volid", .type = SCHEMA_STRING, .text = "local:100/vm-100-disk-0.qcow2"},
                       {.name = "content", .type = SCHEMA_STRING, .values = VALUES("images", "iso")},
                       {.name = "format", .type = SCHEMA_STRING, .values = VALUES("raw", "qcow2", "iso")},
                       {.name = "size", .type = SCHEMA_INTEGER, .text = "Bytes that a VM sees."},
                       {.name = "used", .type = SCHEMA_INTEGER, .text = "Bytes that it occupies now."},
                       {.name = "ctime",
                        .type = SCHEMA_INTEGER,
                        .range = AT_LEAST(0),
                        .text =
                            "When it changed, in seconds since 1970."},
                       OPTIONAL_NUMBER("vmid", "Whose disk it is.")))},
    .may_block = true,
    .on_node = true,
    .run = list_content,
};

/* "32" KiB, "4M", "32G"; nothing else gets here. */
static int parse_size(const char *size, unsigned long long *ret, struct error *err)
{
    char *end;
    double bytes = strtod(size, &end) * (*end == 'G' ? 1 << 30 : *end == 'M' ? 1 << 20 : 1024);

    if (!(bytes >= 1024 && bytes <= (double)VM_VOLUME_MOST_BYTES))
        return error_set_field(err, "size", "a disk has at least 1 KiB and at most %llu GiB",
                               VM_VOLUME_MOST_BYTES >> 30);
    *ret = (unsigned long long)bytes;
    return 0;
}

/* The format that is given, or that of the name. */
static int read_name(const struct request *request, struct vm_volume *ret, struct error *err)
{
    const char *name = param_string(request, "filename"), *format = param_string(request, "format");
    long long vmid = param_integer(request, "vmid");

    if (format != NULL && strcmp(format, "raw") != 0 && strcmp(format, "qcow2") != 0)
        return error_set_field(err, "format", "a disk of the storage '" VM_STORE "' is raw or qcow2, not %s",
                               format);
    if (!vm_volume_name(vmid, name, ret))
        return error_set_field(err, "filename",
                               "'%.200s' is not the name of a disk: use vm-%lld-NAME.raw or .qcow2", name,
                               vmid);
    if (format != NULL && strcmp(format, ret->format) != 0)
        return error_set_field(err, "format", "'%.200s' is of the format %s by its name", name, ret->format);
    return 0;
}

static int allocate(struct request *request, json_t **ret, struct error *err)
{
    autojson json_t *answer = NULL;
    unsigned long long size = 0;
    struct vm_volume volume = {.vmid = 0};
    char id[UUID_SIZE];

    if (storage_check_name(request, err) != 0 || read_name(request, &volume, err) != 0 ||
        parse_size(param_string(request, "size"), &size, err) != 0)
        return -1;
    uuid_make(id);
    json_t *arguments = json_pack("{s:I, s:[{s:s, s:s, s:I}]}", "vmid", (json_int_t)volume.vmid, "disks",
                                  "name", volume.name, "format", volume.format, "size", (json_int_t)size);
    if (broker_call(request->service->broker, "volume_make", id, arguments, NULL, NULL, &answer, err) != 0)
        return -1;
    const json_t *made = json_array_get(json_object_get(answer, "volumes"), 0);
    *ret = json_incref(json_object_get(made, "volume"));
    return 0;
}

const struct endpoint endpoint_create_content = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/storage/{storage}/content",
    .text = "Makes a disk for a VM, without adding it to the VM's configuration.",
    .permission = ALLOW_PRIVILEGE("/storage/{storage}", "Datastore.AllocateSpace"),
    .parameters = PROPERTIES(
        PARAMETER_NODE, PARAMETER_STORAGE,
        {.name = "filename", .type = SCHEMA_STRING, .max_length = 255, .text = "vm-100-NAME.raw, or .qcow2."},
        {.name = "format",
         .type = SCHEMA_STRING,
         .optional = true,
         .values = VALUES("raw", "qcow2", "subvol", "vmdk"),
         .text = "By default the one that the name ends with. Only raw and qcow2 are made."},
        {.name = "size",
         .type = SCHEMA_STRING,
         .pattern = "\\d+[MG]?",
         .max_length = 20,
         .text = "Size in KiB, or with M or G."},
        {.name = "vmid",
         .type = SCHEMA_INTEGER,
         .format = "pve-vmid",
         .range = RANGE(100, 999999999),
         .text = "Whose disk it is."}),
    .returns = {.type = SCHEMA_STRING, .text = "The volume."},
    .may_block = true,
    .on_node = true,
    .run = allocate,
};

/* "local:iso/a.iso", or the same without the storage. */
static int read_volume(const struct request *request, struct vm_volume *ret, struct error *err)
{
    const char *given = param_string(request, "volume");
    size_t storage = strcspn(given, ":");

    if (storage_check_name(request, err) != 0)
        return -1;
    if (given[storage] == ':' && !vm_volume_is_in_store(given))
        return error_set_field(err, "volume", "storage ID mismatch (%.*s != " VM_STORE ")\n",
                               storage > 100 ? 100 : (int)storage, given);
    autofree char *id = xasprintf("%s%s", given[storage] == ':' ? "" : VM_STORE ":", given);
    return vm_volume_parse(id, ret, err);
}

static int require(const struct request *request, const char *path, const char *const *privileges,
                   struct error *err)
{
    const struct permission permission = {
        .kind = PERMISSION_PRIVILEGES, .path = path, .privileges = privileges, .any = true};

    return access_check(request->service->access, &request->caller, &permission, request->params, err);
}

static int check_may_see(const struct request *request, const struct vm_volume *volume, struct error *err)
{
    autofree char *path = xasprintf("/vms/%lld", volume->vmid);
    autojson json_t *row =
        volume->vmid != 0 ? json_pack("{s:I}", "vmid", (json_int_t)volume->vmid) : json_object();

    if (volume->content == VM_CONTENT_ISO)
        return require(request, "/storage/" VM_STORE,
                       VALUES("Datastore.Allocate", "Datastore.AllocateSpace", "Datastore.Audit"), err);
    if (may_see(request, row))
        return 0;
    if (require(request, "/storage/" VM_STORE, VALUES("Datastore.Audit"), err) != 0)
        return -1;
    return require(request, path, VALUES("VM.Config.Disk"), err);
}

/* Clients recognise by this text that the volume does not exist. */
static int find_row(const struct service *service, const struct vm_volume *volume, json_t **ret,
                    struct error *err)
{
    autofree char *id = vm_volume_print(volume);
    autojson json_t *all = NULL;
    json_t *row;
    size_t i;

    if (read_volumes(service, &all, err) != 0)
        return -1;
    json_array_foreach(all, i, row)
        if (strcmp(json_text(row, "volid"), id) == 0) {
            *ret = json_incref(row);
            return 0;
        }
    return error_set(err, ERROR_FAILED, "volume '%s' does not exist", id);
}

static int get_volume(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    struct vm_volume volume = {.vmid = 0};
    autojson json_t *row = NULL;

    if (read_volume(request, &volume, err) != 0 || check_may_see(request, &volume, err) != 0 ||
        find_row(service, &volume, &row, err) != 0)
        return -1;
    autofree char *place = vm_volume_place(&volume), *path = xasprintf("%s/%s", service->paths.store, place);
    *ret = json_pack("{s:s, s:O, s:O, s:O}", "path", path, "size", json_object_get(row, "size"), "used",
                     json_object_get(row, "used"), "format", json_object_get(row, "format"));
    return 0;
}

#define PARAMETER_VOLUME                                                                                     \
    {.name = "volume",                                                                                       \
     .type = SCHEMA_STRING,                                                                                  \
     .max_length = 255,                                                                                      \
     .text = "local:100/vm-100-disk-0.raw, or without the storage."}

const struct endpoint endpoint_get_volume = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/storage/{storage}/content/{volume}",
    .text = "A disk or an ISO image.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_STORAGE, PARAMETER_VOLUME),
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES(
                    {.name = "path", .type = SCHEMA_STRING, .text = "The file on the host."},
                    {.name = "size", .type = SCHEMA_INTEGER, .text = "Bytes that a VM sees."},
                    {.name = "used", .type = SCHEMA_INTEGER, .text = "Bytes that it occupies now."},
                    {.name = "format", .type = SCHEMA_STRING, .values = VALUES("raw", "qcow2", "iso")})},
    .may_block = true,
    .on_node = true,
    .run = get_volume,
};

static int begin_removal(struct request *request, const struct vm_volume *volume, char upid[static UPID_SIZE],
                         struct error *err)
{
    const struct service *service = request->service;
    autofree char *id = vm_volume_print(volume), *user = request_caller(request),
                  *name = volume->vmid != 0 ? xasprintf("%lld@" VM_STORE, volume->vmid) : xstrdup(VM_STORE);
    json_t *arguments = json_pack("{s:[s]}", "volumes", id);

    if (volume->vmid != 0)
        json_object_set_new(arguments, "vmid", json_integer(volume->vmid));
    const struct broker_task task = {.type = "imgdel",
                                     .id = name,
                                     .user = user,
                                     .operation = &operation_volume_remove,
                                     .arguments = arguments};
    return broker_task_begin(service->tasks, service->broker, &task, NULL, NULL, upid, err);
}

static int delete_volume(struct request *request, json_t **ret, struct error *err)
{
    struct vm_volume volume = {.vmid = 0};
    autojson json_t *row = NULL;
    char upid[UPID_SIZE];

    if (read_volume(request, &volume, err) != 0 ||
        require(request, "/storage/" VM_STORE, VALUES("Datastore.Allocate"), err) != 0 ||
        find_row(request->service, &volume, &row, err) != 0 ||
        begin_removal(request, &volume, upid, err) != 0)
        return -1;
    autojson json_t *task = param_given(request, "delay")
                                ? task_wait(request->service->storage, upid, param_integer(request, "delay"))
                                : NULL;
    *ret = strcmp(json_text(task, "result"), "ok") == 0 ? json_null() : json_string(upid);
    return 0;
}

const struct endpoint endpoint_delete_volume = {
    .method = METHOD_DELETE,
    .path = "/nodes/{node}/storage/{storage}/content/{volume}",
    .text =
        "Removes a disk or an ISO image, in a task. Configurations that name it are left as they are. Needs "
        "Datastore.Allocate.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_STORAGE, PARAMETER_VOLUME,
                             {.name = "delay",
                              .type = SCHEMA_INTEGER,
                              .optional = true,
                              .range = RANGE(1, 30),
                              .text = "Seconds to wait for the task's end; the reply is null if it was OK."}),
    .returns = {.type = SCHEMA_STRING,
                .format = "pve-task-upid",
                .nullable = true,
                .text = "UPID of the task. /nodes/{node}/tasks/{upid} has its log and its status."},
    .may_block = true,
    .on_node = true,
    .run = delete_volume,
};

/* Attributes are those of backups, of which there are none. What says so is accepted. */
static int update_volume(struct request *request, json_t **ret, struct error *err)
{
    static const char *const attributes[] = {"notes", "protected"};
    struct vm_volume volume = {.vmid = 0};
    autojson json_t *row = NULL;

    if (read_volume(request, &volume, err) != 0 ||
        require(request, "/storage/" VM_STORE, VALUES("Datastore.Allocate"), err) != 0 ||
        find_row(request->service, &volume, &row, err) != 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(attributes); i++) {
        const json_t *value = json_object_get(request->params, attributes[i]);
        if (json_integer_value(value) != 0 || json_string_length(value) > 0)
            return error_set_field(err, attributes[i],
                                   "only backups have %s, and '%s' is none: leave this out", attributes[i],
                                   param_string(request, "volume"));
    }
    *ret = json_null();
    return 0;
}

const struct endpoint endpoint_update_volume = {
    .method = METHOD_PUT,
    .path = "/nodes/{node}/storage/{storage}/content/{volume}",
    .text =
        "Sets nothing: what Proxmox VE sets here, a backup's notes and its protection, no volume here has. "
        "Needs Datastore.Allocate.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(
        PARAMETER_NODE, PARAMETER_STORAGE, PARAMETER_VOLUME,
        {.name = "notes",
         .type = SCHEMA_STRING,
         .optional = true,
         .max_length = 8192,
         .text = "Must be empty: they are for backups."},
        {.name = "protected", .type = SCHEMA_BOOLEAN, .optional = true, .text = "Must be 0: the same."}),
    .returns = {.type = SCHEMA_NULL},
    .may_block = true,
    .on_node = true,
    .run = update_volume,
};
