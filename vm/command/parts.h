/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files command_*.c share. Each adds its part of the command line; nothing else includes this. */
#ifndef HOSTPCI_VM_COMMAND_PARTS_H
#define HOSTPCI_VM_COMMAND_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/json.h"
#include "vm/address.h"
#include "vm/command/command.h"
#include "vm/hostpci.h"
#include "vm/value.h"

/* The order of the command line. A bus stands before what is on it; virtio-iommu-pci has no address of its
 * own, so it comes after all that have one, and before the vfio devices, which it translates for. */
enum vm_section { VM_HEAD, VM_BUSES, VM_DEVICES, VM_VIOMMU, VM_PASSTHROUGH, VM_TAIL, VM_SECTIONS };

struct vm_words {
    char **list;
    size_t count;
};

struct vm_machine {
    char *type; /* for -machine: without +pveN */
    bool q35;
    bool versioned;
    unsigned major, minor, pve; /* of its type; the newest of this QEMU if it has none */
};

struct vm_build {
    const struct vm_command *what;
    struct vm_words sections[VM_SECTIONS];
    struct vm_words machine_options; /* "hpet=off" */
    struct vm_machine machine;
    json_t *machine_values; /* of the key */
    unsigned windows;       /* 5 to 8, 10, 11; 0: something else */
    bool linux26, kvm, acpi, ovmf;
    bool x_vga, legacy_igd;
    bool no_graphics;
    json_t *boot; /* {device: bootindex} */
    struct vm_hostpci hostpci[VM_HOSTPCI];
    bool bridges[5]; /* pci.N is needed */
    bool has_xhci, has_ehci, has_ahci;
    bool scsi_controllers[8];
};

/* Values of the configuration; an absent text is NULL, an absent flag or number the fallback. */
const char *vm_text(const struct vm_build *build, const char *key);
long long vm_number(const struct vm_build *build, const char *key, long long fallback);

/* A short text by value: "net3". */
struct vm_name {
    char text[32];
};
struct vm_name vm_indexed(const char *stem, unsigned index);

/* An option and its value. */
void vm_add(struct vm_build *build, enum vm_section section, const char *option, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void vm_add_machine_option(struct vm_build *build, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* ",bus=pci.0,addr=0x12", and the bridge that it needs is remembered. */
struct vm_place {
    char text[48];
};
struct vm_place vm_place(struct vm_build *build, const char *id);

/* ",bootindex=100", or "". */
struct vm_name vm_bootindex(const struct vm_build *build, const char *device);

/* A comma in a value is doubled. The caller frees. */
char *vm_escape(const char *value);

bool vm_machine_at_least(const struct vm_build *build, unsigned major, unsigned minor, unsigned pve);
struct vm_version vm_build_version(const struct vm_build *build);

int vm_machine_read(struct vm_build *build, struct error *err);
int vm_boot_read(struct vm_build *build, struct error *err);
int vm_add_machine(struct vm_build *build, struct error *err);
void vm_add_buses(struct vm_build *build);
int vm_add_firmware(struct vm_build *build, struct error *err);
int vm_add_smbios(struct vm_build *build, struct error *err);
int vm_add_cpu(struct vm_build *build, struct error *err);
int vm_add_memory(struct vm_build *build, struct error *err);
int vm_add_display(struct vm_build *build, struct error *err);
int vm_add_usb(struct vm_build *build, struct error *err);
int vm_add_channels(struct vm_build *build, struct error *err);
int vm_add_drives(struct vm_build *build, struct error *err);
int vm_add_nets(struct vm_build *build, struct error *err);
int vm_hostpci_read(struct vm_build *build, struct error *err);
int vm_add_hostpci(struct vm_build *build, struct error *err);
int vm_add_arguments(struct vm_build *build, struct error *err);

/* The back end of a drive, as node drive-KEY (command_blockdev.c). */
struct vm_disk {
    char key[32];
    enum { VM_IDE, VM_SATA, VM_SCSI, VM_VIRTIO } bus;
    unsigned index;
    const json_t *values;
    const char *file; /* NULL: an empty CD-ROM drive */
    bool cdrom;
    bool disc; /* the host's own drive */
};
int vm_add_backend(struct vm_build *build, const struct vm_disk *drive, struct error *err);

#endif
