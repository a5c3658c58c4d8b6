/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks that change a PCI function of this host. */
#include "api/hardware/task.h"

#include "base/memory.h"
#include "passthrough/broker_task.h"
#include "schema/validate.h"

static int refresh(void *inventory, struct error *err)
{
    return inventory_source_refresh(inventory, err);
}

static int find_function(struct request *request, char id[static PCI_ADDRESS_SIZE], struct error *err)
{
    autoinventory struct inventory *inventory = NULL;
    struct pci_address address = param_pci_address(request);

    if (inventory_source_get(request->service->inventory, &inventory, err) != 0)
        return -1;
    pci_address_format(address, id);
    if (inventory_find(inventory, address) == NULL)
        return error_set(err, ERROR_NOT_FOUND, "no PCI device found for '%s'", id);
    return 0;
}

int hardware_begin_task_on(struct request *request, const char *type, const char *id,
                           const struct operation *operation, json_t *arguments, json_t **ret,
                           struct error *err)
{
    struct service *service = request->service;
    autofree char *user = request_caller(request);
    char upid[UPID_SIZE];

    const struct broker_task what = {
        .type = type, .id = id, .user = user, .operation = operation, .arguments = arguments};
    if (broker_task_begin(service->tasks, service->broker, &what, refresh, service->inventory, upid, err) !=
        0)
        return -1;
    *ret = json_string(upid);
    return 0;
}

void hardware_copy_arguments(const struct request *request, const struct schema *schema, json_t *arguments)
{
    const char *name;
    json_t *value;

    json_object_foreach(request->params, name, value) {
        if (schema_find(schema, name) != NULL)
            json_object_set_new(arguments, name, json_deep_copy(value));
    }
}

int hardware_begin_task(struct request *request, const char *type, const struct operation *operation,
                        json_t **ret, struct error *err)
{
    char id[PCI_ADDRESS_SIZE];

    if (find_function(request, id, err) != 0)
        return -1;
    json_t *arguments = json_pack("{s:s}", "id", id);
    hardware_copy_arguments(request, operation->arguments + 1, arguments);
    return hardware_begin_task_on(request, type, id, operation, arguments, ret, err);
}
