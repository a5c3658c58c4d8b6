/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POST /nodes/{node}/storage/{storage}/upload: an ISO image. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/storage/storage.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/call.h"

#define SPARE ((unsigned long long)64 << 20) /* bytes that stay free */

static int admit_file(struct request *request, unsigned long long length, struct error *err)
{
    const char *name = json_text(request->params, "storage"), *folder = request->service->paths.store;
    struct store_space space;

    if (strcmp(name, VM_STORE) != 0)
        return error_set(err, ERROR_FAILED, "storage '%.100s' does not exist", name);
    if (store_measure(folder, &space, err) != 0)
        return -1;
    if (length + SPARE <= space.available)
        return 0;
    return error_set(err, ERROR_FAILED,
                     "the storage '" VM_STORE "' has %llu MiB left, which are too few for %llu MiB: remove "
                     "something from '%s'",
                     (unsigned long long)space.available >> 20, length >> 20, folder);
}

/* What the task goes on with. */
struct import {
    const struct service *service;
    char *file, *volume, *algorithm, *checksum; /* the latter two may be NULL */
};

static char *path_of(const struct import *import)
{
    return xasprintf("%s/upload/%s", import->service->paths.store, import->file);
}

static void release(void *argument)
{
    struct import *import = argument;
    autofree char *path = path_of(import);

    unlink(path); /* unless it was taken */
    free(import->file);
    free(import->volume);
    free(import->algorithm);
    free(import->checksum);
    free(import);
}

static void log_line(void *context, int number, const char *text)
{
    (void)number;
    task_log(context, "%s", text);
}

static int check_sum(const struct import *import, const char *path, struct task *task, struct error *err)
{
    char found[HASH_HEX_SIZE];

    if (import->checksum == NULL)
        return 0;
    task_log(task, "calculating checksum...");
    if (hash_file(path, import->algorithm, found, err) != 0)
        return -1;
    if (strcasecmp(found, import->checksum) != 0)
        return error_set(err, ERROR_FAILED, "checksum mismatch: got '%s' != expect '%.200s'", found,
                         import->checksum);
    task_log(task, "OK, checksum verified");
    return 0;
}

static int run(struct task *task, void *argument, struct error *err)
{
    const struct import *import = argument;
    autofree char *path = path_of(import);
    autojson json_t *answer = NULL;
    struct stat status = {.st_size = 0};

    task_log(task, "starting file import from: %s", path);
    task_log(task, "target node: %s", import->service->node);
    task_log(task, "target file: %s", import->volume);
    if (stat(path, &status) == 0)
        task_log(task, "file size is: %lld", (long long)status.st_size);
    if (check_sum(import, path, task, err) != 0 ||
        broker_call(import->service->broker, "volume_take", task_upid(task),
                    json_pack("{s:s, s:s}", "volume", import->volume, "upload", import->file), log_line, task,
                    &answer, err) != 0)
        return -1;
    task_log(task, "finished file import successfully");
    return 0;
}

static int read_parameters(const struct request *request, struct vm_volume *ret, struct error *err)
{
    const char *algorithm = param_string(request, "checksum-algorithm"),
               *sum = param_string(request, "checksum");

    if (request->file == NULL)
        return error_set_field(err, "filename",
                               "send the file as multipart/form-data, in the part 'filename'");
    if (strcmp(param_string(request, "content"), "iso") != 0)
        return error_set_field(err, "content", "the storage '" VM_STORE "' takes iso, not %s",
                               param_string(request, "content"));
    if (!vm_volume_name(0, param_string(request, "filename"), ret))
        return error_set_field(err, "filename", "wrong file extension");
    if ((algorithm == NULL) != (sum == NULL))
        return error_set_field(err, algorithm == NULL ? "checksum" : "checksum-algorithm",
                               "missing property - '%s' requires this property",
                               algorithm == NULL ? "checksum-algorithm" : "checksum");
    return 0;
}

static char *copy(const char *text)
{
    return text != NULL ? xstrdup(text) : NULL;
}

static int upload(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    autofree char *user = request_caller(request);
    struct vm_volume volume;
    char upid[UPID_SIZE];

    if (storage_check_name(request, err) != 0 || read_parameters(request, &volume, err) != 0 ||
        broker_check(service->broker, err) != 0)
        return -1;
    struct import *import = xcalloc(1, sizeof(*import));
    *import = (struct import){.service = service,
                              .file = xstrdup(request->file),
                              .volume = vm_volume_print(&volume),
                              .algorithm = copy(param_string(request, "checksum-algorithm")),
                              .checksum = copy(param_string(request, "checksum"))};
    struct task_start start = {
        .type = "imgcopy", .id = "", .user = user, .run = run, .argument = import, .release = release};
    request->file_taken = true; /* by the task, or by release */
    if (task_begin(service->tasks, &start, upid, err) != 0) {
        release(import);
        return -1;
    }
    *ret = json_string(upid);
    return 0;
}

const struct endpoint endpoint_upload = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/storage/{storage}/upload",
    .text =
        "Takes an ISO image as multipart/form-data, with the fields before the file, whose part is called "
        "filename. One of the same name is replaced.",
    .permission = ALLOW_PRIVILEGE("/storage/{storage}", "Datastore.AllocateTemplate"),
    .parameters = PROPERTIES(
        PARAMETER_NODE, PARAMETER_STORAGE,
        {.name = "content",
         .type = SCHEMA_STRING,
         .values = VALUES("iso", "vztmpl", "import"),
         .text = "What it is. Only iso is taken here."},
        {.name = "filename", .type = SCHEMA_STRING, .max_length = 255, .text = "NAME.iso or NAME.img."},
        {.name = "checksum-algorithm",
         .type = SCHEMA_STRING,
         .optional = true,
         .values = VALUES("md5", "sha1", "sha224", "sha256", "sha384", "sha512"),
         .text = "Of the checksum."},
        {.name = "checksum",
         .type = SCHEMA_STRING,
         .optional = true,
         .max_length = 128,
         .text = "What the file must have, in hexadecimal."}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .admit_file = admit_file,
    .run = upload,
};
