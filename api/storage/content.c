/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/storage/{storage}/content: the volumes of the storage. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/storage/storage.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/call.h"

/* Root alone can read an image, and so say how large its disk is; without a broker the size is the file's. */
static int read_volumes(const struct service *service, json_t **ret, struct error *err)
{
    autojson json_t *result = NULL;

    if (broker_call_briefly(service->broker, "volumes", NULL, json_object(), &result, err) == 0) {
        *ret = json_incref(json_object_get(result, "volumes"));
        return 0;
    }
    return err->kind == ERROR_BUSY ? store_list(service->paths.store, ret, err) : -1;
}

/* Discs are for all who see the storage; an image is for who may configure its VM's disks, or has the storage
 * whole. */
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
                              .text = "Only of this kind."},
                             {.name = "vmid",
                              .type = SCHEMA_INTEGER,
                              .optional = true,
                              .format = "pve-vmid",
                              .range = RANGE(100, 999999999),
                              .text = "Only disks of this VM."}),
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
                       {.name = "used", .type = SCHEMA_INTEGER, .text = "Bytes that it takes now."},
                       {.name = "ctime",
                        .type = SCHEMA_INTEGER,
                        .text = "When it changed, in seconds since 1970."},
                       OPTIONAL_NUMBER("vmid", "Whose disk it is.")))},
    .may_block = true,
    .on_node = true,
    .run = list_content,
};
