/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may change which key of a VM. */
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include "api/qemu/disks.h"
#include "api/qemu/qemu.h"
#include "api/qemu/volume.h"
#include "base/json.h"
#include "base/memory.h"
#include "schema/format.h"
#include "schema/property_string.h"
#include "storage/index.h"
#include "store/store.h"
#include "vm/disk.h"
#include "vm/hostpci.h"
#include "vm/value.h"

/* One value of a key that is being changed: the current one, the pending one, or the new one. */
struct question {
    const struct qemu_call *call;
    const char *key;
    const struct schema *schema;
    const json_t *values; /* the parts of the value; NULL if it has none */
    const char *value;
    bool fresh; /* it is the new value */
};

static int require(const struct qemu_call *call, const char *path, const char *const *privileges,
                   struct error *err)
{
    const struct permission permission = {
        .kind = PERMISSION_PRIVILEGES, .path = path, .privileges = privileges, .any = true};

    return access_check(call->service->access, &call->caller, &permission, call->params, err);
}

/* Requires a privilege on the VM. */
static int require_privilege(const struct qemu_call *call, enum vm_privilege privilege, struct error *err)
{
    static const char *const names[][3] = {
        [VM_PRIVILEGE_DISK] = {"VM.Config.Disk"},
        [VM_PRIVILEGE_CDROM] = {"VM.Config.CDROM"},
        [VM_PRIVILEGE_CPU] = {"VM.Config.CPU"},
        [VM_PRIVILEGE_MEMORY] = {"VM.Config.Memory"},
        [VM_PRIVILEGE_NETWORK] = {"VM.Config.Network"},
        [VM_PRIVILEGE_HARDWARE] = {"VM.Config.HWType"},
        [VM_PRIVILEGE_OPTIONS] = {"VM.Config.Options"},
        [VM_PRIVILEGE_CLOUDINIT] = {"VM.Config.Cloudinit", "VM.Config.Network"},
    };

    return require(call, "/vms/{vmid}", names[privilege], err);
}

static int require_mapping(const struct question *question, const char *kind, const char *id,
                           struct error *err)
{
    autofree char *path = xasprintf("/mapping/%s%s%s", kind, id != NULL ? "/" : "", id != NULL ? id : "");

    return require(question->call, path, VALUES("Mapping.Use"), err);
}

static const char *string_of(const struct question *question, const char *key)
{
    return json_string_value(json_object_get(question->values, key));
}

/* The first mapping that has the device and that the caller may use. */
static const char *find_mapping(const struct question *question, const char *device, json_t **ret_all)
{
    const struct service *service = question->call->service;
    /* if all functions are given, a mapping of function 0 will do, too */
    autofree char *path = xasprintf("%s%s", device, strchr(device, '.') == NULL ? ".0" : "");
    const json_t *id;
    size_t i;
    struct error ignored;

    if (index_mappings_of_device(service->storage, service->node, path, ret_all, &ignored) != 0)
        return NULL;
    json_array_foreach(*ret_all, i, id)
        if (require_mapping(question, "pci", json_string_value(id), &ignored) == 0)
            return json_string_value(id);
    return NULL;
}

/* Refuses in Proxmox's words, and says which mapping the caller may use instead. */
static int refuse_raw_device(const struct question *question, struct error *err)
{
    autohostpci struct vm_hostpci hostpci = {0};
    autojson json_t *mappings = NULL;
    struct error ignored;

    error_set(err, ERROR_FAILED, "only root can set '%s' config for non-mapped devices", question->key);
    if (!question->fresh || vm_hostpci_parse(question->value, &hostpci, &ignored) != 0 ||
        hostpci.hosts == NULL)
        return -1;
    const char *mapping = find_mapping(question, hostpci.hosts[0], &mappings);
    if (mapping != NULL)
        error_set(err, ERROR_FAILED, "%s: set mapping=%s, which has %s", err->message, mapping,
                  hostpci.hosts[0]);
    return -1;
}

static int check_hostpci(const struct question *question, struct error *err)
{
    const char *mapping = string_of(question, "mapping");

    if (string_of(question, "host") != NULL || mapping == NULL)
        return refuse_raw_device(question, err);
    if (question->fresh && string_of(question, "romfile") != NULL)
        return error_set_field(err, question->key, "only root can set romfile");
    if (require_mapping(question, "pci", mapping, err) != 0)
        return -1;
    return require_privilege(question->call, VM_PRIVILEGE_HARDWARE, err);
}

static int check_usb(const struct question *question, struct error *err)
{
    const char *mapping = string_of(question, "mapping"), *host = string_of(question, "host");
    bool spice = host != NULL && strcasecmp(host, "spice") == 0;

    if (mapping == NULL && !spice)
        return error_set(err, ERROR_FAILED, "only root can set '%s' config for real devices", question->key);
    if (mapping != NULL && require_mapping(question, "usb", mapping, err) != 0)
        return -1;
    return require_privilege(question->call, VM_PRIVILEGE_HARDWARE, err);
}

static int check_serial(const struct question *question, struct error *err)
{
    if (strcmp(question->value, "socket") != 0)
        return error_set(err, ERROR_FAILED, "only root can set '%s' config for real devices", question->key);
    return require_privilege(question->call, VM_PRIVILEGE_HARDWARE, err);
}

static int check_rng(const struct question *question, struct error *err)
{
    const char *source = string_of(question, "source");

    if (strcmp(source, "/dev/hwrng") == 0 && require_mapping(question, "hwrng", NULL, err) != 0)
        return -1;
    return require_privilege(question->call, VM_PRIVILEGE_HARDWARE, err);
}

static int require_bridge(const struct qemu_call *call, const char *bridge, const json_t *tag,
                          struct error *err)
{
    autofree char *path = tag == NULL ? xasprintf("/sdn/zones/localnetwork/%s", bridge)
                                      : xasprintf("/sdn/zones/localnetwork/%s/%" JSON_INTEGER_FORMAT, bridge,
                                                  json_integer_value(tag));

    return require(call, path, VALUES("SDN.Use"), err);
}

/* A tag needs the privilege of its VLAN. Without one, or with trunks, which carry other VLANs too, it takes
 * the privilege of the bridge itself. A card may be taken off any bridge. */
static int check_net(const struct question *question, struct error *err)
{
    const json_t *tag = json_object_get(question->values, "tag");
    const char *bridge = string_of(question, "bridge");

    if (question->fresh && bridge != NULL) {
        if (tag != NULL && require_bridge(question->call, bridge, tag, err) != 0)
            return -1;
        if ((tag == NULL || string_of(question, "trunks") != NULL) &&
            require_bridge(question->call, bridge, NULL, err) != 0)
            return -1;
    }
    return require_privilege(question->call, VM_PRIVILEGE_NETWORK, err);
}

static int require_on_store(const struct qemu_call *call, const char *const *privileges, struct error *err)
{
    return require(call, "/storage/" VM_STORE, privileges, err);
}

/* Whoever sees the storage may use a disc. A VM may have its own images; an image of another VM takes the
 * right to configure the disks of that VM, or the whole storage. */
static int check_store_volume(const struct question *question, struct error *err)
{
    const struct qemu_call *call = question->call;
    struct vm_volume volume;
    struct error ignored;

    if (vm_volume_parse(string_of(question, "file"), &volume, err) != 0)
        return -1;
    if (volume.content == VM_CONTENT_ISO)
        return require_on_store(
            call, VALUES("Datastore.Allocate", "Datastore.AllocateSpace", "Datastore.Audit"), err);
    if (volume.vmid == qemu_vmid(call) || require_on_store(call, VALUES("Datastore.Allocate"), &ignored) == 0)
        return 0;
    autofree char *path = xasprintf("/vms/%lld", volume.vmid);
    if (require_on_store(call, VALUES("Datastore.Audit"), err) != 0)
        return -1;
    return require(call, path, VALUES("VM.Config.Disk"), err);
}

static int check_place(const struct question *question, struct error *err)
{
    const struct service *service = question->call->service;

    if (!question->fresh)
        return 0;
    if (qemu_disk_is_new(question->values))
        return require_on_store(question->call, VALUES("Datastore.AllocateSpace"), err);
    return vm_disk_is_in_store(question->values)
               ? check_store_volume(question, err)
               : qemu_volume_check_place(service->volume_dirs, question->key, question->values, err);
}

static int check_disk(const struct question *question, struct error *err)
{
    bool cdrom = vm_disk_is_cdrom(question->values);
    bool of_host = strcmp(string_of(question, "file"), "cdrom") == 0;

    if (require_privilege(question->call, cdrom ? VM_PRIVILEGE_CDROM : VM_PRIVILEGE_DISK, err) != 0)
        return -1;
    if (question->fresh && of_host && require(question->call, "/", VALUES("Sys.Console"), err) != 0)
        return -1;
    return check_place(question, err);
}

static int check_volume(const struct question *question, struct error *err)
{
    if (require_privilege(question->call, VM_PRIVILEGE_DISK, err) != 0)
        return -1;
    return check_place(question, err);
}

static int check_startup(const struct question *question, struct error *err)
{
    if (require(question->call, "/", VALUES("Sys.Modify"), err) != 0)
        return -1;
    return require_privilege(question->call, VM_PRIVILEGE_OPTIONS, err);
}

/* Kinds whose privilege depends on the value. For all other kinds the key alone decides. */
static int (*const checks[VM_KINDS])(const struct question *question, struct error *err) = {
    [VM_KIND_HOSTPCI] = check_hostpci, [VM_KIND_USB] = check_usb,        [VM_KIND_NET] = check_net,
    [VM_KIND_DISK] = check_disk,       [VM_KIND_EFIDISK] = check_volume, [VM_KIND_VOLUME] = check_volume,
    [VM_KIND_SERIAL] = check_serial,   [VM_KIND_RNG] = check_rng,        [VM_KIND_STARTUP] = check_startup,
};

static int ask(struct question *question, const json_t *value, struct error *err)
{
    autojson json_t *values = NULL;

    question->value = json_string_value(value);
    if (question->schema->property_string != NULL &&
        property_string_parse(question->schema, question->value, &values, err) != 0)
        return error_prefix(err, "%s: ", question->key);
    question->values = values;
    return checks[vm_key_about(question->schema)->kind](question, err);
}

/* A key that has no value and gets none (deleting nothing) takes the privilege of its row. */
static int check_values(const struct qemu_call *call, const char *key, const json_t *document,
                        const struct qemu_change *change, struct error *err)
{
    const json_t *const old[] = {json_object_get(json_object_get(document, "config"), key),
                                 json_object_get(json_object_get(document, "pending"), key)};
    const json_t *value = json_object_get(change->set, key);
    struct question question = {.call = call, .key = key, .schema = vm_key_find(key, NULL)};

    if (checks[vm_key_about(question.schema)->kind] == NULL)
        return 0;
    for (size_t i = 0; i < COUNT_OF(old); i++)
        if (old[i] != NULL && ask(&question, old[i], err) != 0)
            return -1;
    question.fresh = true;
    if (value != NULL)
        return ask(&question, value, err);
    if (old[0] != NULL || old[1] != NULL)
        return 0;
    return require_privilege(call, vm_key_about(question.schema)->privilege, err);
}

static int check_key(const struct qemu_call *call, const char *key, struct error *err)
{
    const struct schema *schema = vm_key_find(key, NULL);
    enum vm_privilege privilege = vm_key_about(schema)->privilege;

    if (checks[vm_key_about(schema)->kind] != NULL)
        return 0;
    if (privilege == VM_PRIVILEGE_ROOT)
        return error_set(err, ERROR_FAILED, "only root can set '%s' config", key);
    return require_privilege(call, privilege, err);
}

int qemu_check_keys(const struct qemu_call *call, const struct qemu_change *change, struct error *err)
{
    autosplit char **keys = vm_config_touched(&change->change);

    if (identity_is_root(&call->caller))
        return 0;
    for (char **key = keys; *key != NULL; key++)
        if (vm_key_find(*key, NULL) != NULL && check_key(call, *key, err) != 0)
            return -1;
    return 0;
}

/* Removing an unusedN, or a disk by force, removes its volume. */
static int check_freed(const struct qemu_call *call, const json_t *document, const struct qemu_change *change,
                       struct error *err)
{
    const json_t *config = json_object_get(document, "config");

    for (const char *const *key = change->change.remove; key != NULL && *key != NULL; key++) {
        autojson json_t *values = NULL;
        const struct schema *schema = vm_key_find(*key, NULL);
        if (schema == NULL || !vm_key_names_volume(schema) ||
            !(change->change.force || vm_key_has_stem(*key, "unused")))
            continue;
        if (vm_value_parts(config, *key, &values, err) != 0)
            return -1;
        if (vm_disk_is_in_store(values) &&
            require_on_store(call, VALUES("Datastore.AllocateSpace"), err) != 0)
            return -1;
    }
    return 0;
}

/* Checked last: only those who may use a volume can find out whether it exists. */
static int check_presence(const struct qemu_call *call, const struct qemu_change *change, struct error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach(change->set, key, value) {
        autojson json_t *values = NULL;
        autoclose int file = -1;
        struct vm_volume volume;
        if (!vm_key_names_volume(vm_key_find(key, NULL)))
            continue;
        if (vm_value_parts(change->set, key, &values, err) != 0)
            return -1;
        if (vm_disk_is_in_store(values) && !qemu_disk_is_new(values) &&
            (vm_volume_parse(json_text(values, "file"), &volume, err) != 0 ||
             store_open(call->service->paths.store, &volume, O_PATH, &file, err) != 0))
            return -1;
    }
    return 0;
}

int qemu_check_change(const struct qemu_call *call, const json_t *document, const struct qemu_change *change,
                      struct error *err)
{
    autosplit char **keys = vm_config_touched(&change->change);
    bool root = identity_is_root(&call->caller);

    if (!root && check_freed(call, document, change, err) != 0)
        return -1;
    for (char **key = keys; !root && *key != NULL; key++)
        if (vm_key_find(*key, NULL) != NULL &&
            (check_key(call, *key, err) != 0 || check_values(call, *key, document, change, err) != 0))
            return -1;
    return check_presence(call, change, err);
}
