/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests of checks: a small host on which everything is right, and how it is broken. */
#ifndef HOSTPCI_TESTS_UNIT_HARDWARE_CHECK_FIXTURE_H
#define HOSTPCI_TESTS_UNIT_HARDWARE_CHECK_FIXTURE_H

#include "tests/unit/hardware/fixture.h"

/* The host: Intel, kernel 6.1.0-28-amd64, IOMMU on in passthrough mode, interrupts remapped, modules loaded.
 *   0000:00:01.0  root port, pcieport, group 1
 *   0000:01:00.0  NVIDIA graphics card 10de:2484, vfio-pci, group 1, slot 1
 *   0000:01:00.1  its sound, vfio-pci, group 1
 *   0000:02:00.0  Intel network card 8086:1572 that can have 8 virtual functions, driver i40e, group 2
 *   0000:00:02.0  Intel graphics 8086:5912, without driver, group 3 */
void check_host_make(struct tree *tree);

#define CARD     "0000:01:00.0"
#define NETWORK  "0000:02:00.0"
#define GRAPHICS "0000:00:02.0"
#define PCI      "sys/bus/pci/devices/"
#define RELEASE  "6.1.0-28-amd64"

/* A function's uevent with this driver. */
#define UEVENT(driver, class_code, ids)                                                                      \
    "DRIVER=" driver "\nPCI_CLASS=" class_code "\nPCI_ID=" ids "\nPCI_SUBSYS_ID=10DE:146B\n"

/* Changes that give the network card the default route. */
#define DEFAULT_ROUTE                                                                                        \
    {"sys/devices/pci0000:00/0000:02:00.0/net/eth0/flags", "0x1003\n"},                                      \
        {"sys/devices/pci0000:00/0000:02:00.0/net/eth0/operstate", "up\n"},                                  \
        {"sys/class/net/eth0", "-> ../../devices/pci0000:00/0000:02:00.0/net/eth0"},                         \
        {"proc/net/route",                                                                                   \
         "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"             \
         "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"}

/* text NULL: the file or folder is taken away; "-> TARGET": it is a link. */
struct change {
    const char *path, *text;
};

/* A host broken in one way, and what must be said of it. */
struct broken {
    const char *about;
    struct change changes[8]; /* up to the first without path */
    const char *device;       /* NULL: a check of the host */
    const char *check;
    const char *severity; /* NULL: the check must not apply */
    const char *message;  /* what its message must contain; NULL: anything */
    const char *remedy;   /* the same; "": there must be none */
};

void check_host_change(const struct tree *tree, const struct change *changes);

/* Makes the host, breaks it and compares; for each anew. */
void expect_each_broken(const struct broken *cases, size_t count);

/* The host's report, or a device's. */
json_t *report_of(const struct tree *tree, const char *device);

/* The check in such a report, NULL if it is not there. Borrowed. */
json_t *check_in(const json_t *report, const char *id);

#endif
