/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration: the volumes of the store that it owns, and unusedN. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "vm/config/parts.h"
#include "vm/disk.h"
#include "vm/value.h"
#include "vm/volume.h"

/* The volume of the VM's own that the key names; NULL if it names none. */
static char *own_volume(const json_t *config, const char *key, long long vmid)
{
    const struct schema *schema = vm_key_find(key, NULL);
    autojson json_t *values = NULL;
    struct vm_volume volume;
    struct error ignored;

    if (schema == NULL || !vm_key_names_volume(schema) ||
        vm_value_parts(config, key, &values, &ignored) != 0 || !vm_disk_is_in_store(values) ||
        vm_volume_parse(json_text(values, "file"), &volume, &ignored) != 0 || volume.vmid != vmid)
        return NULL;
    return xstrdup(json_text(values, "file"));
}

static bool is_unused(const char *key)
{
    return vm_key_has_stem(key, "unused");
}

/* Adds {VOLUME: KEY} of one part of a document; a key that is in use comes before an unusedN. */
static void add_volumes(const json_t *config, long long vmid, json_t *ret)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)config, key, value) {
        autofree char *volume = own_volume(config, key, vmid);
        if (volume != NULL && (json_object_get(ret, volume) == NULL || !is_unused(key)))
            json_object_set_new(ret, volume, json_string(key));
    }
}

static json_t *list_volumes(const json_t *document, long long vmid)
{
    json_t *volumes = json_object();

    add_volumes(json_object_get(document, "config"), vmid, volumes);
    add_volumes(json_object_get(document, "pending"), vmid, volumes);
    return volumes;
}

json_t *vm_config_list_dropped(const json_t *before, const json_t *after, long long vmid)
{
    autojson json_t *had = list_volumes(before, vmid), *has = list_volumes(after, vmid);
    json_t *dropped = json_array(), *key;
    const char *volume;

    json_object_foreach(had, volume, key)
        if (json_object_get(has, volume) == NULL)
            json_array_append_new(dropped, json_string(volume));
    return dropped;
}

static void add_unused(json_t *config, const char *volume)
{
    for (unsigned i = 0; i < VM_UNUSEDS; i++) {
        struct vm_key_name key = vm_key_name("unused", i);
        if (json_object_get(config, key.text) != NULL)
            continue;
        json_object_set_new(config, key.text, json_string(volume));
        return;
    }
}

static void remove_used(json_t *config, const json_t *volumes, long long vmid)
{
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(config, next, key, value) {
        autofree char *volume = is_unused(key) ? own_volume(config, key, vmid) : NULL;
        const char *holder = volume != NULL ? json_string_value(json_object_get(volumes, volume)) : NULL;
        if (holder != NULL && !is_unused(holder))
            json_object_del(config, key);
    }
}

void vm_config_settle_volumes(const json_t *before, json_t *after, long long vmid)
{
    autojson json_t *had = list_volumes(before, vmid), *has = list_volumes(after, vmid);
    json_t *config = json_object_get(after, "config"), *key;
    const char *volume;

    json_object_foreach(had, volume, key)
        if (json_object_get(has, volume) == NULL && !is_unused(json_string_value(key)))
            add_unused(config, volume);
    remove_used(config, has, vmid);
}
