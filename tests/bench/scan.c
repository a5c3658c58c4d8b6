/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench-scan: an lspci made of the hardware room, to be measured against the real one. Lists all PCI
 * functions as the API does, with their names, a JSON object a line; with --snapshot only what a snapshot
 * holds, a line each too. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/device.h"
#include "hardware/names.h"
#include "hardware/pci.h"

static void print_line(const struct pci_device *device)
{
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(device->address, id);
    printf("%s %06" PRIx32 " %04x:%04x %04x:%04x %d %s\n", id, device->class_code, device->vendor,
           device->device, device->subsystem_vendor, device->subsystem_device, device->group, device->driver);
}

static void print_object(const struct pci_device *device, struct names *names)
{
    autojson json_t *row = device_summarize(device, names);

    json_dumpf(row, stdout, JSON_COMPACT);
    putchar('\n');
}

static int list(const char *root, bool snapshot, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;
    struct sysroot *sysroot;
    struct names *names = NULL;

    if (sysroot_open(root, &sysroot, err) != 0 || inventory_scan(sysroot, &inventory, err) != 0 ||
        (!snapshot && names_open(sysroot, &names, err) != 0))
        return -1;
    for (size_t i = 0; i < inventory->count; i++) {
        if (snapshot)
            print_line(&inventory->devices[i]);
        else
            print_object(&inventory->devices[i], names);
    }
    names_close(names);
    sysroot_close(sysroot);
    return 0;
}

int main(int argc, char **argv)
{
    bool snapshot = argc == 3 && strcmp(argv[1], "--snapshot") == 0;
    struct error err;

    if (argc != 2 && !snapshot) {
        fputs("usage: bench-scan [--snapshot] SYSROOT\n", stderr);
        return 2;
    }
    if (list(argv[argc - 1], snapshot, &err) != 0) {
        fprintf(stderr, "bench-scan: %s\n", err.message);
        return 1;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
