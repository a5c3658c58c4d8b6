/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a modalias and as a uevent message: no crash, and a device only from a whole modalias. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/pci/modalias.h"
#include "hardware/pci/uevent_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    autofree char *text = xstrndup((const char *)data, size);
    struct pci_device device = {.class_code = 0xffffffff};

    if (pci_modalias_parse(text, &device) != (device.class_code <= 0xffffff))
        abort();
    struct pci_event event;
    if (pci_uevent_parse((const char *)data, size, &event) && event.kind > PCI_EVENT_BIND)
        abort();
    return 0;
}
