/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI addresses of a VM's devices in the guest. */
#include "vm/address.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* NAMEfirst is in `slot`, the next one in the slot after it, and so on to NAMElast. */
static const struct row {
    const char *name;
    unsigned first, last;
    const char *bus;
    unsigned slot;
} table[] = {
    {"vga", 1, 3, "pci.0", 0x18},       {"balloon", 0, 0, "pci.0", 0x3},  {"watchdog", 0, 0, "pci.0", 0x4},
    {"scsihw", 0, 1, "pci.0", 0x5},     {"scsihw", 2, 4, "pci.4", 0x1},   {"ahci", 0, 0, "pci.0", 0x7},
    {"qga", 0, 0, "pci.0", 0x8},        {"spice", 0, 0, "pci.0", 0x9},    {"virtio", 0, 5, "pci.0", 0xa},
    {"virtio", 6, 15, "pci.2", 0x1},    {"net", 0, 5, "pci.0", 0x12},     {"net", 6, 31, "pci.1", 0x1},
    {"xhci", 0, 0, "pci.1", 0x1b},      {"rng", 0, 0, "pci.1", 0x1d},     {"hostpci", 0, 1, "pci.0", 0x10},
    {"hostpci", 2, 3, "pci.0", 0x1b},   {"hostpci", 4, 15, "pci.2", 0xd}, {"legacy-igd", 0, 0, "pci.0", 0x2},
    {"virtioscsi", 0, 30, "pci.3", 0x1}};

struct vm_address vm_address_find(const char *id, bool q35)
{
    size_t stem = strcspn(id, "0123456789");
    unsigned long long index = 0;

    if (strcmp(id, "vga") == 0)
        return q35 ? (struct vm_address){"pcie.0", 0x1} : (struct vm_address){"pci.0", 0x2};
    if (id[stem] != '\0' && !text_to_number(id + stem, 10, 255, &index))
        stem = 0;
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const struct row *row = &table[i];
        if (strlen(row->name) == stem && strncmp(row->name, id, stem) == 0 && index >= row->first &&
            index <= row->last)
            return (struct vm_address){row->bus, row->slot + (unsigned)index - row->first};
    }
    assert(!"every device has an address");
    abort();
}

unsigned vm_address_bridge(const char *bus)
{
    return text_starts_with(bus, "pci.") ? (unsigned)(bus[4] - '0') : 0;
}
