/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration: how a client's values are stored, and what is made for them. */
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "schema/property_string.h"
#include "schema/validate.h"
#include "vm/config/parts.h"
#include "vm/disk.h"
#include "vm/value.h"

#define MAC_SIZE 18

static int refuse(const char *key, struct error *err)
{
    snprintf(err->field, sizeof(err->field), "%s", key);
    return -1;
}

/* A file cannot hold blanks around a value. The description has lines of its own, which are stored as they
 * are. */
static json_t *trim(const char *key, const json_t *given)
{
    autofree char *copy = xstrdup(json_string_value(given));

    return json_string(strcmp(key, "description") == 0 ? copy : text_trim(copy));
}

static json_t *print_real(double number)
{
    autotext struct text text = {0};

    text_append_real(&text, number);
    return json_string(text_string(&text));
}

/* A value that was reprinted may end with a blank, if its last part was moved to the front. It is checked
 * again without the blank. */
static int store_string(const char *key, const json_t *given, json_t **ret, struct error *err)
{
    const struct schema *schema = vm_key_find(key, NULL);
    autofree char *text = NULL;

    if (vm_value_store(key, json_string_value(given), &text, err) != 0)
        return -1;
    autojson json_t *printed = json_string(text), *stored = trim(key, printed);
    if (validate_value(schema, key, &stored, err) != 0)
        return -1;
    *ret = TAKE(stored);
    return 0;
}

static int store(const char *key, const json_t *given, json_t **ret, struct error *err)
{
    const struct schema *schema = vm_key_find(key, NULL);
    const char *resolved = vm_config_resolve(key);

    if (schema == NULL)
        return error_set(err, ERROR_INVALID, "unknown option '%s'", key);
    autojson json_t *value = json_is_string(given) ? trim(key, given) : json_copy((json_t *)given);
    if (validate_value(schema, key, &value, err) != 0)
        return -1;
    if (resolved != key) {
        autofree char *printed = NULL;
        if (vm_disk_from_cdrom(json_string_value(value), &printed, err) != 0)
            return -1;
        json_decref(value);
        value = json_string(printed);
    }
    if (json_is_string(value))
        return store_string(resolved, value, ret, err);
    *ret = json_is_real(value) ? print_real(json_real_value(value)) : TAKE(value);
    return 0;
}

int vm_config_store(const char *key, const json_t *given, json_t **ret, struct error *err)
{
    return store(key, given, ret, err) == 0 ? 0 : refuse(key, err);
}

/* Prints a locally administered unicast address (IEEE 802), whose beginning the prefix overwrites. */
static void print_mac(const unsigned char random[static 6], const char *prefix, char mac[static MAC_SIZE])
{
    snprintf(mac, MAC_SIZE, "%02X:%02X:%02X:%02X:%02X:%02X", (random[0] & 0xfcU) | 2U, random[1], random[2],
             random[3], random[4], random[5]);
    if (prefix != NULL)
        memcpy(mac, prefix, strnlen(prefix, MAC_SIZE - 1));
}

static json_t *make_net(const char *key, json_t *stored, const struct vm_fresh *fresh)
{
    int index = 0;
    const struct schema *schema = vm_key_find(key, &index);
    autojson json_t *values = NULL;
    struct error err;
    char mac[MAC_SIZE];

    if (property_string_parse(schema, json_string_value(stored), &values, &err) != 0 ||
        json_object_get(values, "macaddr") != NULL)
        return stored;
    print_mac(fresh->nets[index], fresh->mac_prefix, mac);
    json_object_set_new(values, "macaddr", json_string(mac));
    autofree char *printed = property_string_print(schema, values);
    json_decref(stored);
    return json_string(printed);
}

/* vmgenid=1 asks for a new id, 0 for none. */
static json_t *make_generation(json_t *stored, const struct vm_fresh *fresh)
{
    const char *text = json_string_value(stored);
    char uuid[UUID_SIZE];

    if (strlen(text) > 1)
        return stored;
    uuid_print(fresh->vmgenid, uuid);
    json_t *made = text[0] == '1' ? json_string(uuid) : json_null();
    json_decref(stored);
    return made;
}

static int make(const char *key, const json_t *given, const struct vm_fresh *fresh, json_t **ret,
                struct error *err)
{
    json_t *stored = NULL;

    if (vm_config_store(key, given, &stored, err) != 0)
        return -1;
    if (vm_key_about(vm_key_find(key, NULL))->kind == VM_KIND_NET)
        stored = make_net(key, stored, fresh);
    if (strcmp(key, "vmgenid") == 0)
        stored = make_generation(stored, fresh);
    if (strcmp(key, "description") == 0 && json_string_length(stored) == 0) {
        json_decref(stored);
        stored = json_null();
    }
    *ret = stored;
    return 0;
}

int vm_config_make(const struct vm_change *change, json_t **ret, struct error *err)
{
    autojson json_t *all = json_object();
    const char *key;
    json_t *given;

    if (json_object_get(change->set, "cdrom") != NULL && json_object_get(change->set, "ide2") != NULL)
        return error_set_field(err, "cdrom", "cdrom and ide2 are the same: give one of them");
    json_object_foreach((json_t *)change->set, key, given) {
        json_t *value = NULL;
        if (make(key, given, change->fresh, &value, err) != 0)
            return -1;
        json_object_set_new(all, vm_config_resolve(key), value);
    }
    *ret = TAKE(all);
    return 0;
}
