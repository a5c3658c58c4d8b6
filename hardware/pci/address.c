/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI addresses: reading, writing and comparing them. */
#include "hardware/pci/address.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "hardware/paths.h"

/* The hexadecimal digits from *text on, at least `shortest` and at most `longest` of them, and the end
 * character after them; moves *text behind both. */
static bool take_hex(const char **text, size_t shortest, size_t longest, char end, uint32_t *ret)
{
    uint32_t number = 0;
    size_t count = 0;

    for (; isxdigit((unsigned char)(*text)[count]); count++) {
        char digit = (char)tolower((unsigned char)(*text)[count]);
        if (count == longest)
            return false;
        number = number * 16 + (uint32_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    if (count < shortest || (*text)[count] != end)
        return false;
    *text += count + (end != '\0' ? 1 : 0);
    *ret = number;
    return true;
}

bool pci_address_parse(const char *text, struct pci_address *ret)
{
    uint32_t domain = 0, bus, device, function;
    const char *colon = strchr(text, ':');

    if (colon != NULL && strchr(colon + 1, ':') != NULL && !take_hex(&text, 4, 8, ':', &domain))
        return false;
    if (!take_hex(&text, 2, 2, ':', &bus) || !take_hex(&text, 2, 2, '.', &device) ||
        !take_hex(&text, 1, 1, '\0', &function))
        return false;
    if (device > 0x1f || function > 7)
        return false;
    *ret = (struct pci_address){domain, (uint8_t)bus, (uint8_t)device, (uint8_t)function};
    return true;
}

void pci_address_format(struct pci_address address, char text[static PCI_ADDRESS_SIZE])
{
    snprintf(text, PCI_ADDRESS_SIZE, "%04x:%02x:%02x.%x", address.domain, address.bus, address.device & 0x1fU,
             address.function & 7U);
}

static uint64_t as_number(struct pci_address address)
{
    return (uint64_t)address.domain << 16 | (uint64_t)address.bus << 8 | (uint64_t)address.device << 3 |
           address.function;
}

int pci_address_compare(struct pci_address a, struct pci_address b)
{
    return (as_number(a) > as_number(b)) - (as_number(a) < as_number(b));
}

bool pci_address_same_slot(struct pci_address a, struct pci_address b)
{
    return as_number(a) >> 3 == as_number(b) >> 3;
}

struct host_path pci_path(struct pci_address address, const char *file)
{
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(address, id);
    return path_of_function(id, file);
}
