/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hosts to test against: what a host is made of. The functions that write its parts are in parts.h.
 *
 * A host is a table of PCI functions, the machine around them and, for what a table cannot express, a C
 * function. To add a host, write a file with a `const struct host` and add a line to main.c. Sources of the
 * files' format: Documentation/ABI/testing/{sysfs-bus-pci,sysfs-kernel-iommu_groups,sysfs-class-iommu} of the
 * Linux kernel, proc(5). */
#ifndef HOSTPCI_TESTS_HOSTS_HOST_H
#define HOSTPCI_TESTS_HOSTS_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/hosts/tree.h"

/* The machine around the PCI functions. */
struct machine {
    const char *release;    /* of the kernel, as uname -r prints it */
    const char *model;      /* of the CPUs; AMD's begin with "AMD" and have SVM, others have VMX */
    const char *cmdline;    /* the kernel's, without a newline */
    const char *iommu;      /* "dmar" (Intel) or "ivhd" (AMD); NULL: the kernel made no IOMMU groups */
    const char *group_type; /* "DMA-FQ", "DMA", "identity" */
    unsigned cpus;          /* 1 to 64 */
    unsigned nodes;         /* NUMA nodes with an IOMMU each; 0: numa_node is -1 and there is one IOMMU */
    unsigned memory;        /* MiB */
    const char *tables;     /* ACPI tables about an IOMMU, "DMAR" or "DMAR VIOT"; NULL: that of `iommu` */
    bool plain_interrupts;  /* no interrupt remapping in spite of the IOMMU */
    bool guest;             /* the host is itself a virtual machine */
};

/* One of the seven regions of the file `resource`; flags are the kernel's IORESOURCE_*
 * (include/linux/ioport.h). */
struct region {
    uint64_t start;
    uint64_t size; /* 0: there is none */
    uint32_t flags;
};

/* Initialisers of a region. A 64-bit region needs two elements: leave the next one empty. The shadow ROM is
 * the copy that the firmware made of the boot VGA's ROM. */
/* clang-format off */
#define REGION_IO(start, size)       {start, size, 0x40101}
#define REGION_MEMORY(start, size)   {start, size, 0x40200}
#define REGION_MEMORY64(start, size) {start, size, 0x140204}
#define REGION_PREFETCH(start, size) {start, size, 0x14220c}
#define REGION_ROM(start, size)      {start, size, 0x46200}
#define REGION_SHADOW_ROM            {0xc0000, 0x20000, 0x212}
/* clang-format on */
#define ROM_REGION 6

enum { VF_DRIVERS = 4 };

/* The virtual functions that a physical function has or can have. */
struct virtual_functions {
    unsigned total;                  /* 0: it can have none */
    unsigned active;                 /* VF 0 to active - 1 exist, each in a group of its own */
    unsigned offset, stride;         /* routing ID of VF i: the physical function's + offset + stride * i */
    uint16_t device;                 /* device ID of the VFs */
    int first_group;                 /* group of VF 0; VF i has the i-th after it */
    const char *drivers[VF_DRIVERS]; /* VF i is bound to drivers[i % 4] */
};

/* A PCI Express link: generation 1 to 6 and lanes, now and at most. Without link files if most[0] is 0. */
struct link {
    unsigned now[2], most[2];
};

/* One function. Its VFs are not listed, but made from it. */
struct pci_function {
    const char *id;     /* "0000:01:00.0" */
    const char *behind; /* id of the bridge above it; NULL: on a root bus */
    struct {
        uint16_t vendor, device, subsystem_vendor, subsystem_device;
    } ids;
    uint32_t class; /* 24 bits */
    uint8_t revision;
    const char *driver; /* NULL: bound to none */
    int group;          /* -1: in none; ignored where the machine has no IOMMU */
    int node;           /* NUMA node, ignored where the machine has none */
    unsigned irq;
    struct region regions[7]; /* six BARs and the ROM */
    const char *reset;        /* words of reset_method; NULL: it cannot be reset */
    struct link link;
    unsigned bus;     /* a bridge's secondary bus */
    const char *slot; /* its name in sys/bus/pci/slots; of function 0 alone */
    const char
        *reserved; /* lines of its group's reserved_regions beside the MSI window; of the first member */
    const char *override; /* driver_override; NULL: "(null)", the kernel's word for none */
    bool boot_vga;
    bool lean; /* without what neither a listing nor lspci reads, for hosts of many thousands of functions */
    struct virtual_functions vfs;
    const char *physfn; /* id of a VF's physical function; set by function_write alone */
};

struct host {
    const char *name;
    const char *text; /* one line for the usage */
    struct machine machine;
    const struct pci_function *functions;
    size_t count;
    void (*finish)(const struct host *host, unsigned count); /* called after the table; may be NULL */
};

#define FUNCTIONS(table) .functions = (table), .count = sizeof(table) / sizeof((table)[0])

/* Writes the whole host below the open tree. COUNT is from the command line, 0 if it was not given. */
void host_write(const struct host *host, unsigned count);

/* The path of a function's folder, wherever in the table or among the VFs the function is. */
struct path host_find(const struct host *host, const char *id);

#endif
