/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of a VM that runs, which come and go at once. */
#include "passthrough/start/plug.h"

#include <string.h>

#include "api/qemu/disks.h"
#include "api/qemu/power.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "passthrough/vm_document.h"
#include "schema/format.h"

/* One that has another value is taken out first. */
static int change(const struct qemu_call *call, const json_t *config, const char *key, const char *value,
                  struct task *task, struct error *err)
{
    const struct start_host host = qemu_start_host(call->service);
    const char *node = call->service->node;
    long long vmid = qemu_vmid(call);
    struct error why;

    if (start_unplug(&host, vmid, key, task, &why) != 0)
        return error_set_field(err, key, "hotplug problem - %.900s", why.message);
    if (vm_document_settle(call->service->storage, node, vmid, key, NULL, err) != 0)
        return -1;
    if (value == NULL)
        return 0;
    if (start_plug(&host, vmid, config, key, value, task, &why) != 0)
        return error_set_field(err, key, "hotplug problem - %.900s", why.message);
    return vm_document_settle(call->service->storage, node, vmid, key, value, err);
}

static bool is_deleted(const struct qemu_call *call, const char *key)
{
    autosplit char **keys = format_split_list(json_text(call->params, "delete"));

    for (char **name = keys; *name != NULL; name++)
        if (strcmp(*name, key) == 0)
            return true;
    return false;
}

int qemu_devices_change(const struct qemu_call *call, const json_t *document, struct task *task,
                        struct error *err)
{
    const json_t *config = json_object_get(document, "config"),
                 *pending = json_object_get(document, "pending"),
                 *removed = json_object_get(document, "delete");

    for (unsigned i = 0; i < VM_HOSTPCI && start_plugs(config); i++) {
        struct vm_key_name key = vm_key_name("hostpci", i);
        const char *value = json_text_or(pending, key.text, NULL);
        bool sets = value != NULL && json_object_get(call->params, key.text) != NULL,
             deletes = json_object_get(removed, key.text) != NULL && is_deleted(call, key.text);
        if ((sets || deletes) && change(call, config, key.text, sets ? value : NULL, task, err) != 0)
            return -1;
    }
    return 0;
}
