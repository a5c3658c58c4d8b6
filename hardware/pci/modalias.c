/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The `modalias` of a PCI function. */
#include "hardware/pci/modalias.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LENGTH 53

static void format(const struct pci_device *device, char text[static LENGTH + 1])
{
    snprintf(text, LENGTH + 1, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", (unsigned)device->vendor,
             (unsigned)device->device, (unsigned)device->subsystem_vendor, (unsigned)device->subsystem_device,
             (unsigned)(device->class_code >> 16 & 0xff), (unsigned)(device->class_code >> 8 & 0xff),
             (unsigned)(device->class_code & 0xff));
}

/* sscanf also accepts blanks, signs and numbers that are too large, so what it read must give the same text
 * again. Kernels before 4.2 wrote the class in lower case. */
bool pci_modalias_parse(const char *text, struct pci_device *ret)
{
    unsigned vendor, device, subsystem_vendor, subsystem_device, base, subclass, interface;
    struct pci_device found = *ret;
    char again[LENGTH + 1];

    if (strlen(text) != LENGTH ||
        sscanf(text, "pci:v%8Xd%8Xsv%8Xsd%8Xbc%2Xsc%2Xi%2X", &vendor, &device, &subsystem_vendor,
               &subsystem_device, &base, &subclass, &interface) != 7)
        return false;
    found.vendor = (uint16_t)vendor;
    found.device = (uint16_t)device;
    found.subsystem_vendor = (uint16_t)subsystem_vendor;
    found.subsystem_device = (uint16_t)subsystem_device;
    found.class_code = base << 16 | subclass << 8 | interface;
    format(&found, again);
    if (strcasecmp(text, again) != 0)
        return false;
    *ret = found;
    return true;
}
