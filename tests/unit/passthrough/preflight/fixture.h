/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM on a host where everything is right for it, and what is told when one thing is not.
 *
 * The host is "golden" of tests/hosts. The VM gets its graphics card, both functions, as the manual advises:
 * q35, OVMF, PCIe, x-vga, a ROM for BIOS and UEFI; it has a disk, and a network card on vmbr0. In paths and
 * texts @ stands for the folder of its files: @/disk.raw, @/vars.fd, @/rom, @/ovmf. */
#ifndef HOSTPCI_TESTS_UNIT_PASSTHROUGH_PREFLIGHT_FIXTURE_H
#define HOSTPCI_TESTS_UNIT_PASSTHROUGH_PREFLIGHT_FIXTURE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* A file of the host; text NULL: it is taken away, "-> TARGET": it is a link. */
struct host_change {
    const char *path, *text;
};

struct provoked {
    const char *about;
    const char *host;   /* another host; NULL: golden */
    const char *config; /* {KEY: VALUE} (with ' for ") that differ from the good VM's; null: unset */
    struct host_change changes[4]; /* up to the first without path */
    const char *mapping;           /* body of the PCI mapping "gpu"; NULL: there is none */
    const char *device;            /* is reserved for */
    long long vmid;                /* ... this VM */
    bool running;                  /* which is started already */
    bool without_qemu;
    const char *without_device; /* QEMU does not have it */
    bool ordinary;              /* as an ordinary user looks */
    /* What is told that is not told of the good VM: "SEVERITY ID MESSAGE", "  = EVIDENCE", "  > REMEDY" a
     * line each. */
    const char *expected;
};

/* The tables, each ending with a row without `about`. */
extern const struct provoked provoked_by_vm[], provoked_by_devices[], provoked_by_command[];

/* All that is told, as preflight_run gives it. */
json_t *preflight_of(const struct provoked *provoked);

/* At the end of each test of preflight_of. */
void preflight_end(void);

/* Compares what is told for each row, each on a host of its own, and adds the ids to `seen`. */
void expect_each_provoked(const struct provoked *rows, json_t *seen);

#endif
