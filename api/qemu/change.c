/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a change of a VM's configuration from a request. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "access/password.h"
#include "api/qemu/disks.h"
#include "api/qemu/list.h"
#include "api/qemu/qemu.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "schema/property_string.h"
#include "schema/validate.h"
#include "store/store.h"
#include "vm/disk.h"
#include "vm/value.h"

#define MAC_PREFIX "BC:24:11" /* as /cluster/options says */

/* `cdrom` sets ide2. */
static int set_cdrom(json_t *set, const char *value, struct error *err)
{
    autofree char *printed = NULL;

    if (json_object_get(set, "ide2") != NULL)
        return error_set_field(err, "cdrom", "cdrom and ide2 are the same: give one of them");
    if (vm_disk_from_cdrom(value, &printed, err) != 0)
        return error_set_field(err, "cdrom", "%s", err->message);
    json_object_set_new(set, "ide2", json_string(printed));
    return 0;
}

static int check_volume(const char *key, const json_t *value, struct error *err)
{
    const struct schema *schema = vm_key_find(key, NULL);
    autojson json_t *values = NULL;

    if (!vm_key_names_volume(schema))
        return 0;
    if (property_string_parse(schema, json_string_value(value), &values, err) != 0)
        return error_set_field(err, key, "%s", err->message);
    return qemu_disk_is_new(values) ? qemu_disk_check_new(key, values, err)
                                    : vm_disk_check_volume(key, values, err);
}

/* Blanks around a value are not stored, so it is checked without them. */
static json_t *copy_value(const char *key, const json_t *value)
{
    if (!json_is_string(value) || strcmp(key, "description") == 0)
        return json_deep_copy(value);
    autofree char *copy = xstrdup(json_string_value(value));
    return json_string(text_trim(copy));
}

/* A password for cloud-init is stored as its hash, which cloud-init accepts as well. Otherwise it could be
 * guessed from the configuration's digest. It is hashed once, in the thread that the endpoint has for that: a
 * task goes on with the hash. */
static int hide_password(json_t *params, struct error *err)
{
    const char *password = json_string_value(json_object_get(params, QEMU_PASSWORD));
    char hash[PASSWORD_HASH_SIZE];

    if (password == NULL || password[0] == '$')
        return 0;
    if (password_hash(password, hash, err) != 0)
        return -1;
    json_object_set_new(params, QEMU_PASSWORD, json_string(hash));
    return 0;
}

/* The parameters that are keys of a VM. */
static int read_set(json_t *params, json_t **ret, struct error *err)
{
    autojson json_t *set = json_object();
    const char *cdrom = json_string_value(json_object_get(params, "cdrom")), *key;
    json_t *value;

    if (hide_password(params, err) != 0)
        return -1;
    json_object_foreach(params, key, value)
        if (strcmp(key, "cdrom") != 0 && vm_key_find(key, NULL) != NULL)
            json_object_set_new(set, key, copy_value(key, value));
    if (cdrom != NULL && set_cdrom(set, cdrom, err) != 0)
        return -1;
    json_object_foreach(set, key, value)
        if (check_volume(key, value, err) != 0)
            return -1;
    *ret = TAKE(set);
    return 0;
}

/* A volume's size is part of the value, whatever the client thinks it is. What cannot be measured (qcow2
 * images are root's, and their header has the size) keeps what was sent: whether it is there at all is found
 * out when it is known that the caller may use it. */
static void measure_volume(const char *store, const char *key, json_t *set)
{
    const struct schema *schema = vm_key_find(key, NULL);
    autojson json_t *values = NULL;
    struct vm_volume volume;
    struct error ignored;
    autoclose int file = -1, readable = -1;

    if (!vm_key_names_volume(schema) || schema_find(schema->property_string, "size") == NULL ||
        property_string_parse(schema, json_string_value(json_object_get(set, key)), &values, &ignored) != 0 ||
        !vm_disk_is_in_store(values) || qemu_disk_is_new(values) ||
        vm_volume_parse(json_text(values, "file"), &volume, &ignored) != 0 ||
        store_open(store, &volume, O_PATH, &file, &ignored) != 0 ||
        (strcmp(volume.format, "qcow2") == 0 &&
         store_open(store, &volume, O_RDONLY, &readable, &ignored) != 0))
        return;
    autofree char *size =
        vm_value_print_size(store_read_size(readable >= 0 ? readable : file, volume.format));
    json_object_set_new(values, "size", json_string(size));
    autofree char *printed = property_string_print(schema, values);
    json_object_set_new(set, key, json_string(printed));
}

static char **read_list(const json_t *params, const char *name)
{
    const char *list = json_string_value(json_object_get(params, name));

    return format_split_list(list != NULL ? list : "");
}

static void fill_random(void *memory, size_t size)
{
    ssize_t count;

    do
        count = getrandom(memory, size, 0);
    while (count < 0 && errno == EINTR);
    if (count != (ssize_t)size) { /* up to 256 bytes are never cut short: getrandom(2) */
        perror("hostpci: getrandom");
        abort();
    }
}

static void fill_fresh(struct qemu_change *change)
{
    struct vm_fresh *fresh = &change->fresh;

    fill_random(fresh->smbios, sizeof(fresh->smbios));
    fill_random(fresh->vmgenid, sizeof(fresh->vmgenid));
    fill_random(fresh->nets, sizeof(fresh->nets));
    fresh->mac_prefix = MAC_PREFIX;
    fresh->now = time(NULL);
}

/* A VM that is being started, or whose devices are being given back, counts as running. */
static int is_running(const struct qemu_call *call, bool *ret, struct error *err)
{
    const struct machines_source source = qemu_machines(call->service);
    autojson json_t *machines = NULL;

    if (machines_list(&source, &machines, err) != 0)
        return -1;
    *ret = machines_find(machines, qemu_vmid(call)) != NULL;
    return 0;
}

int qemu_change_read(const struct qemu_call *call, struct qemu_change *ret, struct error *err)
{
    json_t *set, *value;
    const char *key;
    bool running;

    if (is_running(call, &running, err) != 0 || read_set(call->params, &set, err) != 0)
        return -1;
    json_object_foreach(set, key, value)
        measure_volume(call->service->paths.store, key, set);
    *ret = (struct qemu_change){
        .set = set, .remove = read_list(call->params, "delete"), .revert = read_list(call->params, "revert")};
    fill_fresh(ret);
    ret->change = (struct vm_change){
        .vmid = qemu_vmid(call),
        .set = ret->set,
        .remove = (const char *const *)ret->remove,
        .revert = (const char *const *)ret->revert,
        .force = json_integer_value(json_object_get(call->params, "force")) != 0,
        .skip_lock = json_integer_value(json_object_get(call->params, "skiplock")) != 0,
        .running = running,
        .fresh = &ret->fresh,
    };
    return 0;
}

void qemu_change_release(struct qemu_change *change)
{
    json_decref(change->set);
    format_free_list(&change->remove);
    format_free_list(&change->revert);
    *change = (struct qemu_change){0};
}
