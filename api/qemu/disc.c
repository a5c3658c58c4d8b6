/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Discs of a VM that runs, which are changed at once. */
#include <string.h>

#include "api/qemu/disks.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/call.h"
#include "passthrough/vm_document.h"
#include "vm/disk.h"

/* The parts of a value that is a drive for discs; NULL for any other. */
static json_t *read_drive(const json_t *config, const char *key)
{
    const char *value = json_string_value(json_object_get(config, key));
    const struct schema *schema = vm_key_find(key, NULL);
    json_t *values = NULL;
    struct error ignored;

    if (value == NULL || schema == NULL || vm_key_about(schema)->kind != VM_KIND_DISK ||
        vm_disk_parse(key, value, &values, &ignored) != 0)
        return NULL;
    if (vm_disk_is_cdrom(values))
        return values;
    json_decref(values);
    return NULL;
}

static int change_disc(const struct qemu_call *call, const char *key, const json_t *drive, const char *value,
                       struct error *err)
{
    const struct service *service = call->service;
    autojson json_t *answer = NULL;
    struct error why;

    if (broker_call_briefly(service->broker, "vm_disc", NULL,
                            json_pack("{s:O, s:s, s:s}", "vmid", json_object_get(call->params, "vmid"), "key",
                                      key, "file", json_text(drive, "file")),
                            &answer, &why) != 0)
        return error_set_field(err, key, "hotplug problem - %.900s", why.message);
    return vm_document_settle(service->storage, service->node, qemu_vmid(call), key, value, err);
}

int qemu_discs_change(const struct qemu_call *call, const json_t *document, struct error *err)
{
    const json_t *config = json_object_get(document, "config");
    const char *key;
    json_t *value;

    json_object_foreach(json_object_get(document, "pending"), key, value) {
        autojson json_t *before = read_drive(config, key),
                        *after = read_drive(json_object_get(document, "pending"), key);
        bool asked = json_object_get(call->params, key) != NULL ||
                     (strcmp(key, "ide2") == 0 && json_object_get(call->params, "cdrom") != NULL);
        if (asked && before != NULL && after != NULL &&
            change_disc(call, key, after, json_string_value(value), err) != 0)
            return -1;
    }
    return 0;
}
