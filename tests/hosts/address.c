/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI ids as text and numbers. */
#include "tests/hosts/parts.h"

#include <stdio.h>

struct address address_parse(const char *id)
{
    struct address result;
    if (sscanf(id, "%x:%x:%x.%x", &result.domain, &result.bus, &result.device, &result.function) != 4)
        fail("'%s' is no PCI id", id);
    return result;
}

struct path address_format(struct address address)
{
    return path("%04x:%02x:%02x.%x", address.domain, address.bus, address.device, address.function);
}

struct path address_of_vf(const struct pci_function *physical, unsigned index)
{
    struct address address = address_parse(physical->id);
    unsigned routing = (address.bus << 8 | address.device << 3 | address.function) + physical->vfs.offset +
                       physical->vfs.stride * index;
    address.bus = routing >> 8;
    address.device = routing >> 3 & 0x1f;
    address.function = routing & 7;
    return address_format(address);
}
