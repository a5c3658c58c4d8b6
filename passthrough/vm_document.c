/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs in the storage. */
#include "passthrough/vm_document.h"

#include <string.h>

#include "access/acl_entry.h"
#include "base/json.h"
#include "base/memory.h"
#include "storage/edit.h"

#define KIND "vm"

static int refuse_missing(const char *node, long long vmid, struct error *err)
{
    return error_set(err, ERROR_FAILED, "Configuration file 'nodes/%s/qemu-server/%lld.conf' does not exist",
                     node, vmid);
}

const char *vm_document_node(const json_t *document)
{
    return json_text(document, "node");
}

int vm_document_read(struct storage *storage, const char *node, long long vmid, json_t **ret,
                     int64_t *ret_revision, struct error *err)
{
    autofree char *id = xasprintf("%lld", vmid);
    autojson json_t *document = NULL;
    int64_t revision;

    if (object_read(storage, KIND, id, &document, &revision, err) != 0)
        return err->kind == ERROR_NOT_FOUND ? refuse_missing(node, vmid, err) : -1;
    if (strcmp(vm_document_node(document), node) != 0)
        return refuse_missing(node, vmid, err);
    *ret = TAKE(document);
    if (ret_revision != NULL)
        *ret_revision = revision;
    return 0;
}

int vm_document_check_free(struct storage *storage, long long vmid, struct error *err)
{
    autofree char *id = xasprintf("%lld", vmid);
    autojson json_t *document = NULL;

    if (object_read(storage, KIND, id, &document, NULL, err) != 0)
        return err->kind == ERROR_NOT_FOUND ? 0 : -1;
    return error_set(err, ERROR_CONFLICT, "unable to create VM %lld - VM %lld already exists on node '%s'",
                     vmid, vmid, vm_document_node(document));
}

int vm_document_create(struct storage *storage, long long vmid, json_t *document, struct error *err)
{
    autofree char *id = xasprintf("%lld", vmid);
    struct change_set *set = change_set_new();
    struct error taken;

    change_set_put(set, KIND, id, 0, document);
    if (storage_commit(storage, set, err) == 0)
        return 0;
    if (err->kind == ERROR_CONFLICT && vm_document_check_free(storage, vmid, &taken) != 0)
        *err = taken;
    return -1;
}

void vm_document_put(struct change_set *set, long long vmid, int64_t revision, json_t *document)
{
    autofree char *id = xasprintf("%lld", vmid);

    change_set_put(set, KIND, id, revision, document);
}

struct settling {
    const char *node;
    long long vmid;
    const char *key, *value;
};

static void drop(json_t *document, const char *member, const char *key)
{
    json_object_del(json_object_get(document, member), key);
    if (json_object_size(json_object_get(document, member)) == 0)
        json_object_del(document, member);
}

static int settle(struct storage *storage, void *context, struct change_set *set, struct error *err)
{
    const struct settling *settling = context;
    autojson json_t *document = NULL;
    int64_t revision = 0;

    if (vm_document_read(storage, settling->node, settling->vmid, &document, &revision, err) != 0)
        return -1;
    json_t *next = json_deep_copy(document), *config = json_object_get(next, "config");
    if (settling->value == NULL) {
        json_object_del(config, settling->key);
        drop(next, "delete", settling->key);
    } else {
        json_object_set_new(config, settling->key, json_string(settling->value));
        if (strcmp(json_text(json_object_get(next, "pending"), settling->key), settling->value) == 0)
            drop(next, "pending", settling->key);
    }
    vm_document_put(set, settling->vmid, revision, next);
    return 0;
}

int vm_document_settle(struct storage *storage, const char *node, long long vmid, const char *key,
                       const char *value, struct error *err)
{
    struct settling settling = {node, vmid, key, value};

    return edit_run(storage, settle, &settling, err);
}

int vm_document_delete(struct storage *storage, long long vmid, int64_t revision, struct error *err)
{
    autofree char *id = xasprintf("%lld", vmid), *path = xasprintf("/vms/%lld", vmid);
    struct change_set *set = change_set_new();

    change_set_delete(set, KIND, id, revision);
    acl_entry_forget_path(path, set);
    return storage_commit(storage, set, err);
}

int vm_document_check_digest(const json_t *document, const char *digest, struct error *err)
{
    char current[DIGEST_SIZE];

    object_digest(document, current);
    if (digest == NULL || strcmp(digest, current) == 0)
        return 0;
    return error_set(err, ERROR_FAILED, "checksum mismatch (file change by other user?)");
}

int vm_document_list_after(struct storage *storage, const char *after, int limit, json_t **ret,
                           struct error *err)
{
    return object_list_after(storage, KIND, after, limit, ret, err);
}
