/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions of this host a VM's hostpciN get. */
#include "passthrough/assign/assign.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "passthrough/mapping/mapping.h"
#include "schema/format.h"

/* A hostpciN for which functions are sought. */
struct wanted {
    const struct assign *assign;
    struct assignments *all; /* those of the VM's hostpciN, as far as they are made */
    unsigned index;
    struct assignment *own; /* all->list[index] */
};

/* Whether another hostpciN of this VM got the function. As a parent it may serve several. */
static bool is_assigned(const struct assignments *all, const char *id, bool as_parent)
{
    for (size_t i = 0; i < VM_HOSTPCI; i++) {
        const struct assignment *other = &all->list[i];
        if (!other->assigned || (as_parent && other->uuid[0] != '\0'))
            continue;
        for (char **theirs = other->ids; *theirs != NULL; theirs++)
            if (strcmp(*theirs, id) == 0)
                return true;
    }
    return false;
}

static int check_free(const struct wanted *wanted, const char *id, bool as_parent, struct error *err)
{
    const struct assign *assign = wanted->assign;

    if (is_assigned(wanted->all, id, as_parent))
        return error_set(err, ERROR_FAILED, "device '%s' assigned more than once", id);
    long long holder = availability_find_holder(assign->availability, id, as_parent, assign->vmid);
    if (holder != 0)
        return error_set(err, ERROR_FAILED, "PCI device '%s' already in use by VMID '%lld'", id, holder);
    return 0;
}

static int check_instances_left(const struct wanted *wanted, const char *parent, struct error *err)
{
    const struct availability *availability = wanted->assign->availability;
    const char *type = wanted->own->hostpci.mdev;
    long long left;

    if (availability_count_left(availability, parent, type, wanted->assign->vmid, &left, err) != 0)
        return -1;
    if (left < 0)
        return error_set(err, ERROR_FAILED,
                         "pci device '%s' " ASSIGN_NO_INSTANCES " '%s': it has no such type", parent, type);
    /* the kernel does not count those that other hostpciN of this VM have just been assigned */
    for (size_t i = 0; i < VM_HOSTPCI; i++) {
        const struct assignment *other = &wanted->all->list[i];
        left -= other->assigned && other->uuid[0] != '\0' && strcmp(other->ids[0], parent) == 0 &&
                strcmp(other->hostpci.mdev, type) == 0 &&
                availability_find_instance(availability, other->uuid) == NULL;
    }
    if (left <= 0)
        return error_set(err, ERROR_FAILED, "pci device '%s' " ASSIGN_NO_INSTANCES " '%s'", parent, type);
    return 0;
}

/* A mediated device that was left by the VM's last start is used again if it is the wanted one; if it is not,
 * the wanted one cannot be made, as its name is in use. */
static int check_instance(const struct wanted *wanted, const char *uuid, const char *parent,
                          struct error *err)
{
    const json_t *instance = availability_find_instance(wanted->assign->availability, uuid);

    if (instance == NULL)
        return check_instances_left(wanted, parent, err);
    if (strcmp(json_text(instance, "parent"), parent) == 0 &&
        strcmp(json_text(instance, "type"), wanted->own->hostpci.mdev) == 0)
        return 0;
    return error_set(err, ERROR_FAILED,
                     "the mediated device '%s' exists already, of type '%s' at '%s': remove it first", uuid,
                     json_text(instance, "type"), json_text(instance, "parent"));
}

static void assign_one(struct assignment *own, const char *id, const char *uuid)
{
    own->ids = xcalloc(2, sizeof(*own->ids));
    own->ids[0] = xstrdup(id);
    snprintf(own->uuid, sizeof(own->uuid), "%s", uuid);
    own->assigned = true;
}

static int try_parent(const struct wanted *wanted, const char *id, struct error *err)
{
    const struct availability *availability = wanted->assign->availability;
    const char *type = wanted->own->hostpci.mdev;
    char uuid[VM_UUID_SIZE];
    struct pci_address address;

    /* NVIDIA's own interface makes the function itself the vGPU, and the VM may still have it from before */
    if (pci_address_parse(id, &address) && inventory_find(availability->inventory, address)->nvidia) {
        const json_t *reservation = json_object_get(availability->reserved, id);
        if (check_free(wanted, id, false, err) != 0)
            return -1;
        bool had_before = reservation != NULL && strcmp(json_text(reservation, "type"), type) == 0;
        if (!had_before && check_instances_left(wanted, id, err) != 0)
            return -1;
        assign_one(wanted->own, id, "");
        return 0;
    }
    vm_hostpci_uuid(wanted->index, (unsigned)wanted->assign->vmid, uuid);
    if (check_free(wanted, id, true, err) != 0 || check_instance(wanted, uuid, id, err) != 0)
        return -1;
    assign_one(wanted->own, id, uuid);
    return 0;
}

static int check_iommu(const struct assign *assign, struct error *err)
{
    if (assign->availability->inventory->has_iommu || assign->on_paper)
        return 0;
    return error_set(err, ERROR_FAILED, "cannot prepare PCI pass-through, IOMMU not present");
}

/* Tries one alternative: all functions of its paths, or a mediated device at one of them. */
static int try_paths(const struct wanted *wanted, char *const *paths, struct error *err)
{
    autosplit char **ids = NULL;
    struct error other;

    if (availability_list_functions(wanted->assign->availability, (const char *const *)paths, &ids, err) != 0)
        return -1;
    if (wanted->own->hostpci.mdev != NULL) {
        for (char **id = ids; *id != NULL; id++)
            if (try_parent(wanted, *id, id == ids ? err : &other) == 0)
                return 0;
        return -1; /* with the error of the first one */
    }
    if (check_iommu(wanted->assign, err) != 0)
        return -1;
    for (char **id = ids; *id != NULL; id++)
        if (check_free(wanted, *id, false, err) != 0)
            return -1;
    wanted->own->ids = TAKE(ids);
    wanted->own->assigned = true;
    return 0;
}

/* Tries the alternatives on this node in their order. If none can be had, the error is that of the first one
 * that still is what the mapping says, or else of the first one. */
static int try_entries(const struct wanted *wanted, const json_t *map, struct error *err)
{
    bool any = false, all_changed = true;
    const json_t *entry;
    size_t i;

    json_array_foreach(map, i, entry) {
        struct error why;
        autosplit char **paths = format_split_list(json_text(entry, "path"));
        if (strcmp(json_text(entry, "node"), wanted->assign->node) != 0)
            continue;
        bool changed = availability_check_entry(wanted->assign->availability, wanted->own->hostpci.mapping,
                                                entry, &why) != 0;
        if (!changed && try_paths(wanted, paths, &why) == 0)
            return 0;
        json_array_append_new(
            wanted->own->passed_over,
            json_pack("{s:s, s:s}", "path", json_text(entry, "path"), "reason", why.message));
        if (!any || (all_changed && !changed))
            *err = why;
        any = true;
        all_changed = all_changed && changed;
    }
    if (!any)
        return error_set(err, ERROR_FAILED, "PCI device mapping not found for '%s'",
                         wanted->own->hostpci.mapping);
    return all_changed ? -1
                       : error_prefix(err, "could not find a free device for 'hostpci%u': ", wanted->index);
}

static int try_mapping(const struct wanted *wanted, struct error *err)
{
    const char *mapping = wanted->own->hostpci.mapping;
    autojson json_t *body = NULL;

    if (object_read(wanted->assign->storage, mapping_pci.document, mapping, &body, NULL, err) != 0)
        return err->kind == ERROR_NOT_FOUND
                   ? error_set(err, ERROR_FAILED, "PCI device mapping not found for '%s'", mapping)
                   : -1;
    if (wanted->own->hostpci.mdev == NULL && check_iommu(wanted->assign, err) != 0)
        return -1;
    if (try_entries(wanted, json_object_get(body, "map"), err) != 0)
        return -1;
    wanted->own->live_migration = json_integer_value(json_object_get(body, "live-migration-capable")) != 0;
    return 0;
}

void assign_devices(const struct assign *assign, struct assignments *ret)
{
    struct wanted wanted[VM_HOSTPCI];

    *ret = (struct assignments){0};
    for (unsigned i = 0; i < VM_HOSTPCI; i++) {
        struct assignment *own = &ret->list[i];
        autofree char *key = xasprintf("hostpci%u", i);
        const char *value = json_string_value(json_object_get(assign->config, key));
        wanted[i] = (struct wanted){.assign = assign, .all = ret, .index = i, .own = own};
        if (value == NULL)
            continue;
        own->configured = true;
        own->passed_over = json_array();
        if (vm_hostpci_parse(value, &own->hostpci, &own->failure) != 0)
            error_prefix(&own->failure, "%s: ", key);
    }
    for (unsigned i = 0; i < VM_HOSTPCI; i++)
        if (ret->list[i].hostpci.hosts != NULL)
            try_paths(&wanted[i], ret->list[i].hostpci.hosts, &ret->list[i].failure);
    for (unsigned i = 0; i < VM_HOSTPCI; i++)
        if (ret->list[i].hostpci.mapping != NULL)
            try_mapping(&wanted[i], &ret->list[i].failure);
}

void assignments_release(struct assignments *assignments)
{
    for (size_t i = 0; i < VM_HOSTPCI; i++) {
        vm_hostpci_release(&assignments->list[i].hostpci);
        format_free_list(&assignments->list[i].ids);
        json_decref(assignments->list[i].passed_over);
    }
    *assignments = (struct assignments){0};
}

int assignments_check(const struct assignments *assignments, struct error *err)
{
    for (size_t i = 0; i < VM_HOSTPCI; i++)
        if (assignments->list[i].configured && !assignments->list[i].assigned) {
            *err = assignments->list[i].failure;
            return -1;
        }
    return 0;
}

void assignments_to_command(const struct assignments *assignments, struct vm_assigned ret[static VM_HOSTPCI])
{
    for (size_t i = 0; i < VM_HOSTPCI; i++) {
        const struct assignment *own = &assignments->list[i];
        ret[i] = (struct vm_assigned){.ids = (const char *const *)own->ids,
                                      .uuid = own->uuid[0] != '\0' ? own->uuid : NULL,
                                      .live_migration = own->live_migration};
        while (own->assigned && own->ids[ret[i].count] != NULL)
            ret[i].count++;
    }
}
