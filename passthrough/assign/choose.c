/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices of this host a VM's hostpciN get. */
#include "passthrough/assign/choose.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "hardware/slice/mdev.h"
#include "passthrough/assign/supply.h"
#include "passthrough/mapping/mapping.h"
#include "schema/format.h"

struct picker {
    const struct choose *choose;
    struct supply supply;
    struct choices *choices;
};

/* By another hostpciN of this VM: a function once, but it can be the parent of several mediated devices. */
static bool is_chosen(const struct choices *choices, const char *id, bool shared)
{
    for (size_t i = 0; i < VM_HOSTPCI; i++) {
        const struct choice *choice = &choices->list[i];
        if (!choice->chosen || (shared && choice->uuid[0] != '\0'))
            continue;
        for (char **other = choice->ids; *other != NULL; other++)
            if (strcmp(*other, id) == 0)
                return true;
    }
    return false;
}

static int check_free(const struct picker *picker, const char *id, bool shared, struct error *err)
{
    if (is_chosen(picker->choices, id, shared))
        return error_set(err, ERROR_FAILED, "device '%s' assigned more than once", id);
    long long holder = supply_find_holder(&picker->supply, id, shared, picker->choose->vmid);
    if (holder != 0)
        return error_set(err, ERROR_FAILED, "PCI device '%s' already in use by VMID '%lld'", id, holder);
    return 0;
}

static void take(struct choice *choice, char **ids, const char *uuid)
{
    choice->ids = ids;
    snprintf(choice->uuid, sizeof(choice->uuid), "%s", uuid);
    choice->chosen = true;
}

static void take_one(struct choice *choice, const char *id, const char *uuid)
{
    char **ids = xcalloc(2, sizeof(*ids));

    ids[0] = xstrdup(id);
    take(choice, ids, uuid);
}

/* Of this VM, chosen at the parent and not made yet. */
static long long count_own(const struct picker *picker, const char *parent, const char *type)
{
    long long count = 0;

    for (size_t i = 0; i < VM_HOSTPCI; i++) {
        const struct choice *choice = &picker->choices->list[i];
        count += choice->chosen && choice->uuid[0] != '\0' && strcmp(choice->ids[0], parent) == 0 &&
                 strcmp(choice->hostpci.mdev, type) == 0 &&
                 supply_find_instance(&picker->supply, choice->uuid) == NULL;
    }
    return count;
}

static int check_left(const struct picker *picker, const char *parent, const char *type, struct error *err)
{
    long long left;

    if (supply_count_left(&picker->supply, parent, type, picker->choose->vmid, &left, err) != 0)
        return -1;
    if (left <= count_own(picker, parent, type))
        return error_set(err, ERROR_FAILED, "pci device '%s' has no available instances of '%s'", parent,
                         type);
    return 0;
}

/* One of the VM's last start that is still there is used again, and stands in the way elsewhere. */
static int check_instance(const struct picker *picker, const char *uuid, const char *parent, const char *type,
                          struct error *err)
{
    const json_t *instance = supply_find_instance(&picker->supply, uuid);

    if (instance == NULL)
        return check_left(picker, parent, type, err);
    if (strcmp(json_text(instance, "parent"), parent) == 0 && strcmp(json_text(instance, "type"), type) == 0)
        return 0;
    return error_set(err, ERROR_FAILED,
                     "the mediated device '%s' exists already, of type '%s' at '%s': remove it first", uuid,
                     json_text(instance, "type"), json_text(instance, "parent"));
}

/* NVIDIA's own interface makes the function itself the vGPU, which the VM may have from before. */
static int try_vgpu(const struct picker *picker, struct choice *choice, const char *id, struct error *err)
{
    const json_t *held = json_object_get(picker->supply.taken, id);

    if (check_free(picker, id, false, err) != 0)
        return -1;
    bool own = held != NULL && strcmp(json_text(held, "type"), choice->hostpci.mdev) == 0;
    if (!own && check_left(picker, id, choice->hostpci.mdev, err) != 0)
        return -1;
    take_one(choice, id, "");
    return 0;
}

static int try_parent(const struct picker *picker, struct choice *choice, const char *id, struct error *err)
{
    char uuid[VM_UUID_SIZE];
    struct pci_address address;

    if (pci_address_parse(id, &address) && inventory_find(picker->supply.inventory, address)->nvidia)
        return try_vgpu(picker, choice, id, err);
    vm_hostpci_uuid((unsigned)(choice - picker->choices->list), (unsigned)picker->choose->vmid, uuid);
    if (check_free(picker, id, true, err) != 0 ||
        check_instance(picker, uuid, id, choice->hostpci.mdev, err) != 0)
        return -1;
    take_one(choice, id, uuid);
    return 0;
}

/* The error is that of the first one. */
static int try_parents(const struct picker *picker, struct choice *choice, char *const *ids,
                       struct error *err)
{
    struct error other;

    for (char *const *id = ids; *id != NULL; id++)
        if (try_parent(picker, choice, *id, id == ids ? err : &other) == 0)
            return 0;
    return -1;
}

static int check_iommu(const struct picker *picker, struct error *err)
{
    if (picker->supply.inventory->has_iommu || picker->choose->on_paper)
        return 0;
    return error_set(err, ERROR_FAILED, "cannot prepare PCI pass-through, IOMMU not present");
}

/* One alternative: all functions of its paths, or a mediated device of one of them. */
static int try_paths(const struct picker *picker, struct choice *choice, char *const *paths,
                     struct error *err)
{
    autosplit char **ids = NULL;

    if (supply_list_functions(&picker->supply, (const char *const *)paths, &ids, err) != 0)
        return -1;
    if (choice->hostpci.mdev != NULL)
        return try_parents(picker, choice, ids, err);
    if (check_iommu(picker, err) != 0)
        return -1;
    for (char **id = ids; *id != NULL; id++)
        if (check_free(picker, *id, false, err) != 0)
            return -1;
    take(choice, TAKE(ids), "");
    return 0;
}

static void refuse(struct choice *choice, const char *path, const char *reason)
{
    json_array_append_new(choice->refused, json_pack("{s:s, s:s}", "path", path, "reason", reason));
}

/* What is said when none of the alternatives can be had: of the first that is still as written, if there is
 * one, that it is not free. */
struct refusal {
    bool any, changed;
    struct error first;
};

static int try_entry(const struct picker *picker, struct choice *choice, const json_t *entry,
                     struct refusal *refusal)
{
    autosplit char **paths = format_split_list(json_text(entry, "path"));
    struct error err;
    bool changed = supply_check_entry(&picker->supply, choice->hostpci.mapping, entry, &err) != 0;

    if (!changed && try_paths(picker, choice, paths, &err) == 0)
        return 0;
    refuse(choice, json_text(entry, "path"), err.message);
    if (!refusal->any || (refusal->changed && !changed))
        *refusal = (struct refusal){true, changed, err};
    return -1;
}

static int try_mapping(const struct picker *picker, struct choice *choice, const json_t *body,
                       struct error *err)
{
    struct refusal refusal = {0};
    const json_t *entry;
    size_t i;

    if (choice->hostpci.mdev == NULL && check_iommu(picker, err) != 0)
        return -1;
    json_array_foreach(json_object_get(body, "map"), i, entry)
        if (strcmp(json_text(entry, "node"), picker->choose->node) == 0 &&
            try_entry(picker, choice, entry, &refusal) == 0)
            return 0;
    if (!refusal.any)
        return error_set(err, ERROR_FAILED, "PCI device mapping not found for '%s'", choice->hostpci.mapping);
    *err = refusal.first;
    if (refusal.changed)
        return -1;
    return error_prefix(
        err, "could not find a free device for 'hostpci%zu': ", (size_t)(choice - picker->choices->list));
}

static int choose_mapping(const struct picker *picker, struct choice *choice, struct error *err)
{
    const char *mapping = choice->hostpci.mapping;
    autojson json_t *body = NULL;

    if (object_read(picker->choose->storage, mapping_pci.document, mapping, &body, NULL, err) != 0)
        return err->kind == ERROR_NOT_FOUND
                   ? error_set(err, ERROR_FAILED, "PCI device mapping not found for '%s'", mapping)
                   : -1;
    if (try_mapping(picker, choice, body, err) != 0)
        return -1;
    choice->live_migration = json_integer_value(json_object_get(body, "live-migration-capable")) != 0;
    return 0;
}

/* A hostpciN that cannot be understood is a failure of its own. */
static void read_choice(const json_t *config, unsigned index, struct choice *ret)
{
    autofree char *key = xasprintf("hostpci%u", index);
    const char *value = json_string_value(json_object_get(config, key));

    *ret = (struct choice){.configured = value != NULL};
    if (value == NULL)
        return;
    ret->refused = json_array();
    if (vm_hostpci_parse(value, &ret->hostpci, &ret->failure) != 0)
        error_prefix(&ret->failure, "%s: ", key);
}

static void choose_all(const struct picker *picker)
{
    struct choice *list = picker->choices->list;

    for (unsigned i = 0; i < VM_HOSTPCI; i++)
        read_choice(picker->choose->config, i, &list[i]);
    /* those that can have one device alone, first */
    for (unsigned i = 0; i < VM_HOSTPCI; i++)
        if (list[i].hostpci.hosts != NULL)
            try_paths(picker, &list[i], list[i].hostpci.hosts, &list[i].failure);
    for (unsigned i = 0; i < VM_HOSTPCI; i++)
        if (list[i].hostpci.mapping != NULL)
            choose_mapping(picker, &list[i], &list[i].failure);
}

int choose_look(struct choose *choose, struct inventory_source *source, struct inventory **ret_inventory,
                json_t **ret_taken, struct error *err)
{
    const struct reserve reserve = {choose->storage, choose->sysroot};
    json_t *taken;

    if (reserve_list(&reserve, &taken, err) != 0)
        return -1;
    if (inventory_source_get(source, ret_inventory, err) != 0) {
        json_decref(taken);
        return -1;
    }
    choose->inventory = *ret_inventory;
    choose->taken = *ret_taken = taken;
    return 0;
}

int choose_devices(const struct choose *choose, struct choices *ret, struct error *err)
{
    autojson json_t *instances = NULL;

    if (mdev_list_instances(choose->sysroot, &instances, err) != 0)
        return -1;
    *ret = (struct choices){0};
    const struct picker picker = {
        .choose = choose,
        .supply = {choose->sysroot, choose->inventory, choose->taken, instances},
        .choices = ret,
    };
    choose_all(&picker);
    return 0;
}

void choices_release(struct choices *choices)
{
    for (size_t i = 0; i < VM_HOSTPCI; i++) {
        vm_hostpci_release(&choices->list[i].hostpci);
        format_free_list(&choices->list[i].ids);
        json_decref(choices->list[i].refused);
    }
    *choices = (struct choices){0};
}

int choices_check(const struct choices *choices, struct error *err)
{
    for (size_t i = 0; i < VM_HOSTPCI; i++)
        if (choices->list[i].configured && !choices->list[i].chosen) {
            *err = choices->list[i].failure;
            return -1;
        }
    return 0;
}

void choices_to_chosen(const struct choices *choices, struct vm_chosen ret[static VM_HOSTPCI])
{
    for (size_t i = 0; i < VM_HOSTPCI; i++) {
        const struct choice *choice = &choices->list[i];
        ret[i] = (struct vm_chosen){.ids = (const char *const *)choice->ids,
                                    .uuid = choice->uuid[0] != '\0' ? choice->uuid : NULL,
                                    .live_migration = choice->live_migration};
        while (choice->chosen && choice->ids[ret[i].count] != NULL)
            ret[i].count++;
    }
}
