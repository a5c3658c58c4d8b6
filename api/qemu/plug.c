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
#include "storage/edit.h"

struct settling {
    const struct qemu_call *call;
    const char *key, *value; /* NULL: it has none any more */
};

static void drop(json_t *document, const char *member, const char *key)
{
    json_object_del(json_object_get(document, member), key);
    if (json_object_size(json_object_get(document, member)) == 0)
        json_object_del(document, member);
}

/* What the VM has is its configuration; what else became pending meanwhile stays so. */
static int settle(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct settling *settling = context;
    long long vmid = qemu_vmid(settling->call);
    autojson json_t *document = NULL;
    int64_t revision = 0;

    if (vm_document_read(storage, settling->call->service->node, vmid, &document, &revision, err) != 0)
        return -1;
    json_t *next = json_deep_copy(document), *config = json_object_get(next, "config");
    const char *pending = json_text(json_object_get(next, "pending"), settling->key);
    if (settling->value == NULL) {
        json_object_del(config, settling->key);
        drop(next, "delete", settling->key);
    } else {
        json_object_set_new(config, settling->key, json_string(settling->value));
        if (strcmp(pending, settling->value) == 0)
            drop(next, "pending", settling->key);
    }
    vm_document_put(set, vmid, revision, next);
    return 0;
}

/* One that has another value is taken out first. */
static int change(const struct qemu_call *call, const json_t *config, const char *key, const char *value,
                  struct task *task, struct error *err)
{
    const struct start_host host = qemu_start_host(call->service);
    struct settling settling = {call, key, NULL};
    long long vmid = qemu_vmid(call);
    struct error why;

    if (start_unplug(&host, vmid, key, task, &why) != 0)
        return error_set_field(err, key, "hotplug problem - %.900s", why.message);
    if (edit_run(call->service->storage, settle, &settling, err) != 0)
        return -1;
    if (value == NULL)
        return 0;
    if (start_plug(&host, vmid, config, key, value, task, &why) != 0)
        return error_set_field(err, key, "hotplug problem - %.900s", why.message);
    settling.value = value;
    return edit_run(call->service->storage, settle, &settling, err);
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
