/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations describe and describe-host: a device and the host with what only root may read. */
#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/worker.h"
#include "hardware/check/report.h"
#include "hardware/pci/device.h"

const struct schema operation_describe_arguments[] = {ARGUMENT_FUNCTION, {.name = NULL}};
const struct schema operation_describe_host_arguments[] = {{.name = NULL}};

static int describe(struct worker *worker, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;
    autohostuses struct host_uses *uses = NULL;
    autojson json_t *device = NULL, *readiness = NULL;
    struct pci_address address;

    if (!pci_address_parse(json_text(worker->arguments, "id"), &address))
        return error_set_field(err, "id", "value is not a PCI id such as 0000:01:00.0");
    if (inventory_scan(worker->sysroot, &inventory, err) != 0 ||
        host_uses_scan(worker->sysroot, inventory, &uses, err) != 0 ||
        readiness_describe_device(worker->sysroot, inventory, uses, address, &readiness, err) != 0 ||
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
