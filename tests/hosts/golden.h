/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host on which everything is set up right for passing its graphics card through, and the variants of it
 * that have one thing wrong each: "golden" and "golden:iommu-off". tests/golden has the expected report for
 * each. */
#ifndef HOSTPCI_TESTS_HOSTS_GOLDEN_H
#define HOSTPCI_TESTS_HOSTS_GOLDEN_H

#include "tests/hosts/host.h"

/* Indices in the golden host's table, and the ids of the functions that variants are about. */
enum {
    GOLDEN_BRIDGE,
    GOLDEN_PORT,
    GOLDEN_GPU, /* the card to be passed through, with its sound */
    GOLDEN_GPU_SOUND,
    GOLDEN_INTEGRATED, /* the host's own display */
    GOLDEN_USB,        /* the host's own, with its keyboard */
    GOLDEN_PORT_OF_ROOT,
    GOLDEN_ROOT, /* the disk with the root file system */
    GOLDEN_PORT_OF_NIC,
    GOLDEN_NIC,       /* the host's own network */
    GOLDEN_SPARE_NIC, /* its second function, which nobody uses; can have virtual functions */
    GOLDEN_PORT_OF_DISK,
    GOLDEN_DISK, /* a second disk, which nobody uses */
    GOLDEN_PORT_OF_USB,
    GOLDEN_SPARE_USB, /* a card with nothing plugged in */
    GOLDEN_ISA,
    GOLDEN_SOUND, /* of the mainboard, nothing plays */
    GOLDEN_FUNCTIONS
};

#define GPU            "0000:01:00.0"
#define GPU_SOUND      "0000:01:00.1"
#define INTEGRATED     "0000:00:02.0"
#define ROOT_DISK      "0000:02:00.0"
#define NIC            "0000:03:00.0"
#define SPARE_NIC      "0000:03:00.1"
#define SPARE_DISK     "0000:04:00.0"
#define SPARE_USB      "0000:05:00.0"
#define BOARD_SOUND    "0000:00:1f.3"

#define GOLDEN_RELEASE "6.1.0-28-amd64"
#define GOLDEN_CMDLINE "BOOT_IMAGE=/boot/vmlinuz-" GOLDEN_RELEASE " root=/dev/nvme0n1p2 ro quiet"

/* When the settings were made, and when the initramfs, which is later. */
#define GOLDEN_SETTINGS_TIME  1767000000
#define GOLDEN_INITRAMFS_TIME 1767003600

/* A host that a variant changes before it is written. */
struct golden {
    struct machine machine;
    struct pci_function functions[GOLDEN_FUNCTIONS];
};

struct variant {
    const char *name;
    const char *text;
    const char *id;                            /* the function that the variant is about; NULL: the host */
    void (*prepare)(struct golden *golden);    /* before the host is written; may be NULL */
    void (*finish)(const struct host *golden); /* after that; may be NULL */
};

/* The tables of variants, each ending with a row without a name. */
extern const struct variant variants_of_iommu[], variants_of_driver[], variants_of_device[],
    variants_of_use[], variants_of_field[];

extern const struct host host_golden;

/* Writes the golden host, or the variant of that name; false if there is no such variant. */
bool golden_write(const char *variant);
/* Prints "golden:NAME ID TEXT" for each, ID being "-" for the host. */
void golden_list(void);

#endif
