/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations describe and describe-host: what the front tells of a device and of the host, seen by root. */
#include "base/memory.h"
#include "broker/worker/actions.h"
#include "hardware/check/report.h"
#include "hardware/pci/device.h"

int broker_describe(struct worker *worker, json_t **ret, struct error *err)
{
    const char *id = json_string_value(json_object_get(worker->arguments, "id"));
    autoinventory struct inventory *inventory = NULL;
    autohostuses struct host_uses *usage = NULL;
    autojson json_t *device = NULL, *readiness = NULL;
    struct pci_address address;

    if (id == NULL || !pci_address_parse(id, &address))
        return error_set_field(err, "id", "value is not a PCI id such as 0000:01:00.0");
    if (inventory_scan(worker->sysroot, &inventory, err) != 0 ||
        host_uses_scan(worker->sysroot, inventory, &usage, err) != 0 ||
        readiness_describe_device(worker->sysroot, inventory, usage, address, &readiness, err) != 0 ||
        device_describe(worker->sysroot, inventory, NULL, address, &device, err) != 0)
        return -1;
    *ret = json_pack("{s:O, s:O}", "device", device, "readiness", readiness);
    return 0;
}

int broker_describe_host(struct worker *worker, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;

    if (inventory_scan(worker->sysroot, &inventory, err) != 0)
        return -1;
    return readiness_describe_host(worker->sysroot, inventory, ret, err);
}
