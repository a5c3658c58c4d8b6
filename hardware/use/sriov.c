/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Physical functions whose virtual functions are in use: taking the physical one away takes them all.
 * Source: Documentation/PCI/pci-iov-howto.rst of the Linux kernel. */
#include <stdlib.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/use/parts.h"

#define MOST_NAMED 4

struct family {
    size_t count; /* virtual functions */
    size_t used;
    enum use_weight weight; /* of the heaviest */
    struct text names;      /* of the first that are used */
};

static void add_child(const struct host_uses *uses, struct family *family, const struct pci_device *child)
{
    enum use_weight weight = host_uses_weigh(uses, child->address);
    char id[PCI_ADDRESS_SIZE];

    family->count++;
    if (weight < USE_ACTIVE)
        return;
    if (weight > family->weight)
        family->weight = weight;
    pci_address_format(child->address, id);
    if (family->used < MOST_NAMED)
        text_printf(&family->names, "%s%s", family->used > 0 ? ", " : ": ", id);
    family->used++;
}

static void report(struct host_uses *uses, const struct pci_device *parent, struct family *family)
{
    struct use_owners owners = use_own(parent);
    autofree char *evidence = xasprintf("/%s: %zu", pci_path(parent->address, "virtfn*").text, family->count);
    struct host_use use = {.kind = USE_SRIOV,
                           .weight = family->used > 0 ? family->weight : USE_IDLE,
                           .name = "virtfn",
                           .evidence = evidence};
    if (family->used > MOST_NAMED)
        text_printf(&family->names, " and %zu more", family->used - MOST_NAMED);
    if (family->used == 0)
        use_add(uses, &owners, use, "it has %zu virtual functions, none of them in use", family->count);
    else
        use_add(uses, &owners, use, "%zu of %zu virtual functions in use%s", family->used, family->count,
                text_string(&family->names));
    text_release(&family->names);
}

void use_find_sriov(struct host_uses *uses)
{
    const struct inventory *inventory = uses->inventory;
    autofree struct family *families = xcalloc(inventory->count, sizeof(families[0]));

    for (size_t i = 0; i < inventory->count; i++) {
        const struct pci_device *child = &inventory->devices[i];
        const struct pci_device *parent =
            child->virtual_function ? inventory_find(inventory, child->physical_function) : NULL;
        if (parent != NULL)
            add_child(uses, &families[parent - inventory->devices], child);
    }
    for (size_t i = 0; i < inventory->count; i++)
        if (families[i].count > 0)
            report(uses, &inventory->devices[i], &families[i]);
}
