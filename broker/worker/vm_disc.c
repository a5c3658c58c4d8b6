/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation vm_disc: puts another disc into a drive of a VM that runs, or takes it out. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/machine/files.h"
#include "broker/operations.h"
#include "broker/worker/vm_end.h"
#include "broker/worker/vm_order.h"
#include "vm/disk.h"
#include "vm/qmp/qmp.h"

#define TURN_MS 3000 /* of each of a few commands; less than the operation's patience in all */

const struct schema operation_vm_disc_arguments[] = {
    ARGUMENT_VMID,
    {.name = "key",
     .type = SCHEMA_STRING,
     .pattern = "(?:ide|sata|scsi)[0-9]{1,2}",
     .max_length = 8,
     .text = "The drive: ide2."},
    {.name = "file",
     .type = SCHEMA_STRING,
     .max_length = 4096,
     .text = "The disc as a configuration names it, or none."},
    {.name = NULL}};

/* QEMU opens none by itself: it gets the disc open, checked as at the start. The drive of the host would be
 * opened by QEMU. */
static int open_disc(struct worker *worker, int *ret, struct error *err)
{
    const char *key = json_text(worker->arguments, "key"), *file = json_text(worker->arguments, "file");
    autojson json_t *values = json_pack("{s:s, s:s}", "file", file, "media", "cdrom");
    autofree char *path = NULL;
    const char *below;

    if (strcmp(file, "cdrom") == 0)
        return error_set(err, ERROR_FAILED, "the drive of the host is given to the VM when it starts");
    if (vm_disk_path(key, values, worker->store, &path, err) != 0)
        return -1;
    if (path == NULL)
        return 0;
    if (vm_order_find_folder(worker, path, vm_disk_is_in_store(values), &below, err) != 0)
        return -1;
    autojson json_t *volume = json_pack("{s:s, s:s, s:s, s:b}", "path", path, "below", below, "format", "raw",
                                        "beneath", (int)vm_disk_is_in_store(values));
    return files_open_volume(volume, ret, err);
}

static char *print_mark(const struct worker *worker)
{
    return xasprintf("disc:%s", json_text(worker->arguments, "key"));
}

/* A set that an earlier disc of this drive was handed in; the one that is in use keeps its file open. */
static void remove_sets(struct qmp *qmp, const char *mark, long long kept)
{
    autojson json_t *sets = NULL;
    struct error ignored;
    json_t *set;
    size_t i;

    if (qmp_execute(qmp, "query-fdsets", NULL, TURN_MS, &sets, &ignored) != 0)
        return;
    json_array_foreach(sets, i, set) {
        const json_t *id = json_object_get(set, "fdset-id");
        const json_t *first = json_array_get(json_object_get(set, "fds"), 0);
        if (json_integer_value(id) != kept && strcmp(json_text(first, "opaque"), mark) == 0)
            qmp_execute(qmp, "remove-fd", json_pack("{s:I}", "fdset-id", json_integer_value(id)), TURN_MS,
                        NULL, &ignored);
    }
}

static int insert(const struct worker *worker, struct qmp *qmp, int disc, struct error *err)
{
    autofree char *mark = print_mark(worker);
    autojson json_t *added = NULL;

    qmp_pass(qmp, disc);
    if (qmp_execute(qmp, "add-fd", json_pack("{s:s}", "opaque", mark), TURN_MS, &added, err) != 0)
        return -1;
    long long set = json_integer_value(json_object_get(added, "fdset-id"));
    autofree char *name = xasprintf("/dev/fdset/%lld", set);
    int result =
        qmp_execute(qmp, "blockdev-change-medium",
                    json_pack("{s:s, s:s, s:s, s:s, s:b}", "id", json_text(worker->arguments, "key"),
                              "filename", name, "format", "raw", "read-only-mode", "read-only", "force", 1),
                    TURN_MS, NULL, err);
    remove_sets(qmp, mark, result == 0 ? set : -1);
    return result;
}

static int eject(const struct worker *worker, struct qmp *qmp, struct error *err)
{
    autofree char *mark = print_mark(worker);

    if (qmp_execute(qmp, "eject",
                    json_pack("{s:s, s:b}", "id", json_text(worker->arguments, "key"), "force", 1), TURN_MS,
                    NULL, err) != 0)
        return -1;
    remove_sets(qmp, mark, -1);
    return 0;
}

static int change_disc(struct worker *worker, json_t **ret, struct error *err)
{
    automachine struct machine machine = {.folder = NULL};
    long long vmid = vm_id(worker);
    autofree char *file = xasprintf("%lld.qmp", vmid), *path = machine_path(worker->run_dir, vmid, file);
    autoqmp struct qmp *qmp = NULL;
    autoclose int disc = -1;

    if (machine_find(worker->run_dir, vmid, &machine, err) != 0)
        return -1;
    if (!process_runs(machine.qemu))
        return error_set(err, ERROR_NOT_FOUND, "VM %lld not running", vmid);
    if (open_disc(worker, &disc, err) != 0 || qmp_open(path, TURN_MS, &qmp, err) != 0)
        return -1;
    if ((disc >= 0 ? insert(worker, qmp, disc, err) : eject(worker, qmp, err)) != 0)
        return -1;
    *ret = json_object();
    return 0;
}

const struct operation operation_vm_disc = {
    .name = "vm_disc",
    .text = "Puts another disc into a drive of a VM that runs, or takes it out.",
    .arguments = operation_vm_disc_arguments,
    .patience = 25,
    .run = change_disc,
};
