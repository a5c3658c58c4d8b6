/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows that PCI mappings and VMs have in the index tables. */
#include "passthrough/index.h"

#include <stdint.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "vm/hostpci.h"

/* The path of an entry may be a list of functions: "0000:01:00.0;0000:01:00.1". */
static int add_mapping(const char *id, const json_t *body, struct index_rows *rows, struct error *err)
{
    const json_t *entry;
    size_t i;

    (void)id;
    json_array_foreach(json_object_get(body, "map"), i, entry) {
        const char *node = json_text_or(entry, "node", NULL), *device = json_text_or(entry, "id", NULL);
        autofree char *paths = xstrdup(json_text(entry, "path"));
        char *rest = paths, *path;

        while ((path = strsep(&rest, ";")) != NULL)
            if (*path != '\0' && node != NULL && device != NULL &&
                index_add(rows, INDEX_MAPPING_DEVICE, node, path, device, err) != 0)
                return -1;
    }
    return 0;
}

struct vm_rows {
    struct index_rows *rows;
    const char *node;
};

static int add_hostpci(void *context, const char *key, const struct vm_hostpci *hostpci, struct error *err)
{
    const struct vm_rows *vm = context;

    if (hostpci->mapping != NULL &&
        index_add(vm->rows, INDEX_VM_MAPPING, vm->node, key, hostpci->mapping, err) != 0)
        return -1;
    for (char **host = hostpci->hosts; host != NULL && *host != NULL; host++)
        if (index_add(vm->rows, INDEX_VM_DEVICE, vm->node, key, *host, err) != 0)
            return -1;
    return 0;
}

/* A pending change may become the configuration at any start, so both count. */
static int add_vm(const char *id, const json_t *body, struct index_rows *rows, struct error *err)
{
    struct vm_rows vm = {rows, json_text_or(body, "node", NULL)};
    unsigned long long vmid;

    if (vm.node == NULL || !text_to_number(id, 10, INT64_MAX, &vmid))
        return 0;
    if (vm_hostpci_foreach(json_object_get(body, "config"), add_hostpci, &vm, err) != 0)
        return -1;
    return vm_hostpci_foreach(json_object_get(body, "pending"), add_hostpci, &vm, err);
}

const struct index_kind passthrough_index[] = {
    {.kind = "mapping-pci", .fills = {[INDEX_MAPPING_DEVICE] = true}, .add_rows = add_mapping},
    {.kind = "vm", .fills = {[INDEX_VM_DEVICE] = true, [INDEX_VM_MAPPING] = true}, .add_rows = add_vm},
    {.kind = NULL},
};
