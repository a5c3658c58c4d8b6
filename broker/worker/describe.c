/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations describe, describe-host, describe-mdev, describe-vfs and kernel-log: a device, the host, who has
 * which mediated device, what an NVMe drive's virtual functions have of it and what the kernel logged, with
 * what only root may read. */
#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/protocol.h"
#include "broker/worker/vf_nvme.h"
#include "broker/worker/worker.h"
#include "hardware/bind/vfs.h"
#include "hardware/check/report.h"
#include "hardware/facts/page.h"
#include "hardware/pci/device.h"
#include "hardware/slice/mdev.h"

const struct schema operation_describe_arguments[] = {ARGUMENT_FUNCTION, {.name = NULL}};
const struct schema operation_describe_host_arguments[] = {{.name = NULL}};
const struct schema operation_describe_mdev_arguments[] = {{.name = NULL}};
const struct schema operation_describe_vfs_arguments[] = {ARGUMENT_FUNCTION, {.name = NULL}};
const struct schema operation_kernel_log_arguments[] = {
    {.name = "start", .type = SCHEMA_INTEGER, .range = AT_LEAST(0), .text = "The first line, from 0."},
    {.name = "limit", .type = SCHEMA_INTEGER, .range = AT_LEAST(1), .text = "How many lines at most."},
    {.name = NULL},
};

static int parse_id(const struct worker *worker, struct pci_address *ret, struct error *err)
{
    if (pci_address_parse(json_text(worker->arguments, "id"), ret))
        return 0;
    return error_set_field(err, "id", "value is not a PCI id such as 0000:01:00.0");
}

static int describe(struct worker *worker, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;
    autohostuses struct host_uses *uses = NULL;
    autojson json_t *device = NULL, *readiness = NULL;
    struct pci_address address;

    if (parse_id(worker, &address, err) != 0 || inventory_scan(worker->sysroot, &inventory, err) != 0)
        return -1;
    autojson json_t *facts = worker_read_facts(worker, json_text(worker->arguments, "id"));
    if (host_uses_scan(worker->sysroot, inventory, &uses, err) != 0 ||
        readiness_describe_device(worker->sysroot, inventory, uses, address,
                                  protocol_find_fact(facts, "rom", inventory_find(inventory, address)),
                                  &readiness, err) != 0 ||
        device_describe(worker->sysroot, inventory, NULL, address, &device, err) != 0)
        return -1;
    *ret = json_pack("{s:O, s:O}", "device", device, "readiness", readiness);
    return 0;
}

static int describe_host(struct worker *worker, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;

    if (inventory_scan(worker->sysroot, &inventory, err) != 0)
        return -1;
    return readiness_describe_host(worker->sysroot, inventory, ret, err);
}

/* A vGPU of NVIDIA's own interface is named by its function. */
static void add_holder(json_t *holders, const struct pci_device *function, const struct host_use *use)
{
    autofree char *who = xasprintf("%s (pid %d)", use->process, use->pid);
    char id[PCI_ADDRESS_SIZE], uuid[UUID_SIZE];

    if (use->kind != USE_VFIO || use->pid == 0)
        return;
    pci_address_format(function->address, id);
    if (mdev_parse_uuid(use->name, uuid))
        json_object_set_new(holders, uuid, json_string(who));
    else if (function->nvidia)
        json_object_set_new(holders, id, json_string(who));
}

static int describe_mdev(struct worker *worker, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;
    autohostuses struct host_uses *uses = NULL;
    autojson json_t *holders = json_object();

    if (inventory_scan(worker->sysroot, &inventory, err) != 0 ||
        host_uses_scan(worker->sysroot, inventory, &uses, err) != 0)
        return -1;
    for (size_t i = 0; i < inventory->count; i++) {
        const struct host_use *list = NULL;
        size_t count = host_uses_of(uses, inventory->devices[i].address, &list);
        for (size_t k = 0; k < count; k++)
            add_holder(holders, &inventory->devices[i], &list[k]);
    }
    *ret = json_pack("{s:O}", "holders", holders);
    return 0;
}

static int describe_vfs(struct worker *worker, json_t **ret, struct error *err)
{
    struct pci_address address;
    struct vfs_state now;
    autojson json_t *list = NULL;

    if (parse_id(worker, &address, err) != 0 || vfs_read(worker->sysroot, address, &now, err) != 0 ||
        vf_nvme_describe(worker->sysroot, address, now.count, &list, err) != 0)
        return -1;
    *ret = json_pack("{s:O}", "vfs", list);
    return 0;
}

static int read_kernel_log(struct worker *worker, json_t **ret, struct error *err)
{
    json_int_t start = json_integer_value(json_object_get(worker->arguments, "start"));
    json_int_t limit = json_integer_value(json_object_get(worker->arguments, "limit"));

    return log_read_page(worker->sysroot, (size_t)start, (size_t)limit, ret, err);
}

const struct operation operation_describe = {
    .name = "describe",
    .text = "Describes a device with what only root may read.",
    .arguments = operation_describe_arguments,
    .patience = READING_PATIENCE,
    .run = describe,
};

const struct operation operation_describe_host = {
    .name = "describe-host",
    .text = "Describes the host with what only root may read.",
    .arguments = operation_describe_host_arguments,
    .patience = READING_PATIENCE,
    .run = describe_host,
};

const struct operation operation_describe_mdev = {
    .name = "describe-mdev",
    .text = "Shows which process has which mediated device open.",
    .arguments = operation_describe_mdev_arguments,
    .patience = READING_PATIENCE,
    .run = describe_mdev,
};

const struct operation operation_describe_vfs = {
    .name = "describe-vfs",
    .text = "Shows what the virtual functions of an NVMe drive have of it.",
    .arguments = operation_describe_vfs_arguments,
    .patience = READING_PATIENCE,
    .run = describe_vfs,
};

const struct operation operation_kernel_log = {
    .name = "kernel-log",
    .text = "Reads lines of the kernel's log.",
    .arguments = operation_kernel_log_arguments,
    .patience = READING_PATIENCE,
    .run = read_kernel_log,
};
