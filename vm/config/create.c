/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration: what a new VM gets in addition to what the client sets. */
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "schema/property_string.h"
#include "vm/config/parts.h"
#include "vm/probe/features.h"
#include "vm/rules.h"

/* To Windows a different machine version is a different computer, so the VM keeps the version that it is
 * created with. */
static void pin_machine(const struct vm_fresh *fresh, json_t *config)
{
    const struct schema *schema = vm_key_find("machine", NULL);
    const char *guest = json_string_value(json_object_get(config, "ostype"));
    const char *machine = json_string_value(json_object_get(config, "machine"));
    autojson json_t *values = NULL;
    struct vm_version version;
    struct error err;

    if (guest == NULL || guest[0] != 'w' || fresh->qemu == NULL ||
        sscanf(fresh->qemu, "%u.%u", &version.major, &version.minor) != 2 ||
        property_string_parse(schema, machine != NULL ? machine : "", &values, &err) != 0)
        return;
    const char *type = json_string_value(json_object_get(values, "type"));
    bool q35 = type != NULL && strcmp(type, "q35") == 0;
    if (type != NULL && !q35 && strcmp(type, "pc") != 0)
        return;
    json_object_set_new(values, "type",
                        json_sprintf("%s-%u.%u", q35 ? "pc-q35" : "pc-i440fx", version.major, version.minor));
    autofree char *printed = property_string_print(schema, values);
    json_object_set_new(config, "machine", json_string(printed));
}

static json_t *make_meta(const struct vm_fresh *fresh)
{
    if (fresh->meta != NULL)
        return json_string(fresh->meta);
    return fresh->qemu != NULL ? json_sprintf("creation-qemu=%s,ctime=%lld", fresh->qemu, fresh->now)
                               : json_sprintf("ctime=%lld", fresh->now);
}

int vm_config_create(const char *node, const struct vm_change *change, json_t **ret, struct error *err)
{
    const struct vm_fresh *fresh = change->fresh;
    autojson json_t *config = NULL;
    char uuid[UUID_SIZE];
    const char *key;
    json_t *value;
    void *next;

    if (vm_config_make(change, &config, err) != 0)
        return -1;
    if (json_object_get(config, "smbios1") == NULL) {
        uuid_print(fresh->smbios, uuid);
        json_object_set_new(config, "smbios1", json_sprintf("uuid=%s", uuid));
    }
    if (json_object_get(config, "vmgenid") == NULL) {
        uuid_print(fresh->vmgenid, uuid);
        json_object_set_new(config, "vmgenid", json_string(uuid));
    }
    json_object_foreach_safe(config, next, key, value) {
        if (json_is_null(value)) /* the client does not want it (vmgenid=0) */
            json_object_del(config, key);
    }
    if (vm_rules_check_change(NULL, config, err) != 0)
        return -1;

    json_object_set_new(config, "meta", make_meta(fresh));
    if (json_object_get(config, "boot") == NULL) {
        autofree char *boot = vm_config_first_boot(config);
        json_object_set_new(config, "boot", json_string(boot));
    }
    pin_machine(fresh, config);

    autojson json_t *document = json_pack("{s:s, s:O}", "node", node, "config", config);
    if (vm_config_check_size(document, err) != 0)
        return -1;
    *ret = TAKE(document);
    return 0;
}
