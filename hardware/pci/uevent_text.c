/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's uevent messages about PCI functions. */
#include "hardware/pci/uevent_text.h"

#include <string.h>

bool pci_uevent_concerns_us(const char *message, size_t length)
{
    static const char wanted[] = "SUBSYSTEM=pci";

    for (size_t start = 0; start < length;) {
        size_t count = strnlen(message + start, length - start);
        if (count == sizeof(wanted) - 1 && memcmp(message + start, wanted, count) == 0)
            return true;
        start += count + 1;
    }
    return false;
}
