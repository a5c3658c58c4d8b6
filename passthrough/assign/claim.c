/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Assigning and reserving in one step. */
#include "passthrough/assign/claim.h"

#include <stdlib.h>

#include "base/memory.h"
#include "storage/edit.h"

/* What is to be reserved for a VM. */
struct list {
    struct reservation *items;
    size_t count;
    struct vm_key_name keys[VM_HOSTPCI];
};

static void add(struct list *list, struct reservation item)
{
    list->items = xrealloc(list->items, list->count + 1, sizeof(*list->items));
    list->items[list->count++] = item;
}

static int reserve(const struct assign *assign, const struct reservations *reservations,
                   const struct assignments *assignments, struct error *err)
{
    struct list list = {0};

    for (unsigned i = 0; i < VM_HOSTPCI; i++) {
        const struct assignment *own = &assignments->list[i];
        if (!own->assigned)
            continue;
        list.keys[i] = vm_key_name("hostpci", i);
        struct reservation item = {.key = list.keys[i].text, .type = own->hostpci.mdev};
        if (own->uuid[0] != '\0') {
            item.device = own->uuid;
            item.parent = own->ids[0];
            item.siblings = availability_count_siblings(assign->availability, own->ids[0], assign->vmid);
            add(&list, item);
            continue;
        }
        /* with NVIDIA's own interface the function itself is the vGPU: it has a type, but no parent */
        for (char **id = own->ids; *id != NULL; id++) {
            item.device = *id;
            add(&list, item);
        }
    }
    int result =
        reservations_take_for(reservations, assign->vmid, assign->process, list.items, list.count, err);
    free(list.items);
    return result;
}

struct claim {
    struct assign assign;
    const struct reservations *reservations;
    struct inventory_source *source;
    struct assignments *ret;
};

static int try_once(void *context, bool *overtaken, struct error *err)
{
    struct claim *claim = context;
    autoavailability struct availability availability = {0};
    autoassignments struct assignments assignments = {0};

    if (availability_read(claim->reservations, claim->source, &availability, err) != 0)
        return -1;
    claim->assign.availability = &availability;
    assign_devices(&claim->assign, &assignments);
    if (assignments_check(&assignments, err) != 0) {
        err->kind = ERROR_FAILED; /* nothing is left: another attempt would not help */
        return -1;
    }
    if (reserve(&claim->assign, claim->reservations, &assignments, err) != 0) {
        *overtaken = err->kind == ERROR_BUSY;
        return -1;
    }
    *claim->ret = assignments;
    assignments = (struct assignments){0};
    return 0;
}

int claim_devices(const struct assign *assign, const struct reservations *reservations,
                  struct inventory_source *source, struct assignments *ret, struct error *err)
{
    return edit_retry(try_once, &(struct claim){*assign, reservations, source, ret}, err);
}
