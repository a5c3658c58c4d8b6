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
    struct assignment *own;  /* all->list[index] */
    unsigned index;
    bool only_sure; /* no parent will do of which an instance only may be left */
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
        return error_set_reason(err, ERROR_FAILED, ASSIGN_TAKEN, "device '%s' assigned more than once", id);
    long long holder =
        availability_find_holder(assign->availability, id, as_parent, assign->plugs ? 0 : assign->vmid);
    if (holder != 0)
        return error_set_reason(err, ERROR_FAILED, ASSIGN_TAKEN,
                                "PCI device '%s' already in use by VMID '%lld'", id, holder);
    return 0;
}

static int check_instances_left(const struct wanted *wanted, const char *parent, struct error *err)
{
    const char *type = wanted->own->hostpci.mdev;
    autojson json_t *given = assignments_list_given(wanted->all, wanted->assign->availability);
    struct left left;

    if (availability_count_left(wanted->assign->availability, parent, type, wanted->assign->vmid, given,
                                &left, err) != 0)
        return -1;
    if (!left.has_type)
        return error_set_reason(err, ERROR_FAILED, ASSIGN_NO_TYPE,
                                "pci device '%s' has no available instances of '%s': it has no such type",
                                parent, type);
    if (left.possible <= 0 && left.memory > 0 && left.taken > 0)
        return error_set_reason(err, ERROR_FAILED, ASSIGN_NONE_LEFT,
                                "pci device '%s' has no available instances of '%s': the vGPUs of its card "
                                "share %lld MiB, and others get %lld of them",
                                parent, type, left.memory, left.taken);
    if (left.possible <= 0 || (wanted->only_sure && left.sure <= 0))
        return error_set_reason(err, ERROR_FAILED, ASSIGN_NONE_LEFT,
                                "pci device '%s' has no available instances of '%s'", parent, type);
    wanted->own->unsure = left.sure <= 0;
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
    return error_set_reason(err, ERROR_FAILED, ASSIGN_NAME_TAKEN,
                            "the mediated device '%s' exists already, of type '%s' at '%s': remove it first",
                            uuid, json_text(instance, "type"), json_text(instance, "parent"));
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
    return error_set_reason(err, ERROR_FAILED, ASSIGN_NO_IOMMU,
                            "cannot prepare PCI pass-through, IOMMU not present");
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

static void forget_passed_over(struct assignment *own)
{
    for (size_t i = 0; i < own->passed_over_count; i++) {
        free(own->passed_over[i].path);
        free(own->passed_over[i].message);
    }
    free(own->passed_over);
    own->passed_over = NULL;
    own->passed_over_count = 0;
}

static void pass_over(struct assignment *own, const char *path, const struct error *why)
{
    own->passed_over = xrealloc(own->passed_over, own->passed_over_count + 1, sizeof(*own->passed_over));
    own->passed_over[own->passed_over_count++] =
        (struct passed_over){xstrdup(path), (enum assign_refusal)why->reason, xstrdup(why->message)};
}

/* Tries the alternatives on this node in their order. If none can be had, the error is that of the first one
 * that still is what the mapping says, or else of the first one. */
static int try_entries(const struct wanted *wanted, const json_t *map, struct error *err)
{
    bool any = false, all_changed = true;
    const json_t *entry;
    size_t i;

    forget_passed_over(wanted->own);
    json_array_foreach(map, i, entry) {
        struct error why;
        autosplit char **paths = format_split_list(json_text(entry, "path"));
        if (strcmp(json_text(entry, "node"), wanted->assign->node) != 0)
            continue;
        bool changed = availability_check_entry(wanted->assign->availability, wanted->own->hostpci.mapping,
                                                entry, &why) != 0;
        if (changed)
            why.reason = ASSIGN_CHANGED;
        else if (try_paths(wanted, paths, &why) == 0)
            return 0;
        pass_over(wanted->own, json_text(entry, "path"), &why);
        if (!any || (all_changed && !changed))
            *err = why;
        any = true;
        all_changed = all_changed && changed;
    }
    if (!any)
        return error_set_reason(err, ERROR_FAILED, ASSIGN_ABSENT, "PCI device mapping not found for '%s'",
                                wanted->own->hostpci.mapping);
    return all_changed ? -1
                       : error_prefix(err, "could not find a free device for 'hostpci%u': ", wanted->index);
}

static struct wanted only_sure(const struct wanted *wanted)
{
    struct wanted sure = *wanted;

    sure.only_sure = true;
    return sure;
}

static int try_hosts(const struct wanted *wanted, struct error *err)
{
    char *const *hosts = wanted->own->hostpci.hosts;
    const struct wanted sure = only_sure(wanted);

    if (try_paths(&sure, hosts, err) == 0)
        return 0;
    return wanted->own->hostpci.mdev != NULL ? try_paths(wanted, hosts, err) : -1;
}

static int try_mapping(const struct wanted *wanted, struct error *err)
{
    const char *mapping = wanted->own->hostpci.mapping;
    const struct wanted sure = only_sure(wanted);
    autojson json_t *body = NULL;

    if (object_read(wanted->assign->storage, mapping_pci.document, mapping, &body, NULL, err) != 0)
        return err->kind == ERROR_NOT_FOUND
                   ? error_set_reason(err, ERROR_FAILED, ASSIGN_ABSENT,
                                      "PCI device mapping not found for '%s'", mapping)
                   : -1;
    if (wanted->own->hostpci.mdev == NULL && check_iommu(wanted->assign, err) != 0)
        return -1;
    const json_t *map = json_object_get(body, "map");
    if (try_entries(&sure, map, err) != 0 &&
        (sure.own->hostpci.mdev == NULL || try_entries(wanted, map, err) != 0))
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
        if (vm_hostpci_parse(value, &own->hostpci, &own->failure) != 0)
            error_prefix(&own->failure, "%s: ", key);
    }
    for (unsigned i = 0; i < VM_HOSTPCI; i++)
        if (ret->list[i].hostpci.hosts != NULL)
            try_hosts(&wanted[i], &ret->list[i].failure);
    for (unsigned i = 0; i < VM_HOSTPCI; i++)
        if (ret->list[i].hostpci.mapping != NULL)
            try_mapping(&wanted[i], &ret->list[i].failure);
}

void assignments_release(struct assignments *assignments)
{
    for (size_t i = 0; i < VM_HOSTPCI; i++) {
        vm_hostpci_release(&assignments->list[i].hostpci);
        format_free_list(&assignments->list[i].ids);
        forget_passed_over(&assignments->list[i]);
    }
    *assignments = (struct assignments){0};
}

json_t *assignments_list_given(const struct assignments *assignments, const struct availability *availability)
{
    json_t *given = json_array();

    for (size_t i = 0; i < VM_HOSTPCI; i++) {
        const struct assignment *own = &assignments->list[i];
        if (own->assigned && own->hostpci.mdev != NULL &&
            !availability_is_made(availability, own->uuid[0] != '\0' ? own->uuid : own->ids[0]))
            json_array_append_new(given,
                                  json_pack("{s:s, s:s}", "parent", own->ids[0], "type", own->hostpci.mdev));
    }
    return given;
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
