/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of vm/command/ share; no other includes this.
 *
 * A command line is built by parts (the table in command.c), each of which reads its keys of the
 * configuration and adds its arguments to one or more sections. The sections, put together in their order,
 * are the result: the order of the calls does not show in it, except within a section.
 *
 * When the first part runs, every value of the configuration is one that its schema allows, and the rules
 * between keys (vm/rules.h) hold. Parts that read (vm_build_read_...) run before those that add. A part may
 * not assume that others have added their arguments. */
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

/* A bus stands before what is on it. virtio-iommu-pci has no address of its own, so it comes after all
 * devices that have one, and before the vfio devices, whose addresses it translates. */
enum vm_section { VM_HEAD, VM_BUSES, VM_DEVICES, VM_VIOMMU, VM_PASSTHROUGH, VM_TAIL, VM_SECTIONS };

struct vm_arguments {
    char **list;
    size_t count;
};

struct vm_machine {
    char *type; /* for -machine: without +pveN */
    bool q35;
    bool versioned;
    unsigned major, minor, pve; /* the version in its type, or else the newest of this QEMU */
};

struct vm_build {
    const struct vm_command *what;
    struct vm_arguments sections[VM_SECTIONS];
    struct vm_arguments machine_options; /* "hpet=off" */

    /* read before anything is added */
    struct vm_machine machine;
    json_t *machine_values; /* the parts of the key machine */
    unsigned windows;       /* 5 to 8, 10 or 11; 0: the guest is something else */
    bool linux26, kvm, acpi, ovmf;
    bool x_vga, legacy_igd;
    json_t *boot; /* {device: bootindex} */
    struct vm_hostpci hostpci[VM_HOSTPCI];

    /* found out while devices are added; buses and the machine come after them */
    bool no_graphics;
    bool bridges[5]; /* a device is on pci.N */
    bool has_xhci, has_ehci, has_ahci;
    bool scsi_controllers[8];
};

/* A text or a number of the configuration; NULL, or the fallback, if the key is not set. */
const char *vm_build_text(const struct vm_build *build, const char *key);
long long vm_build_number(const struct vm_build *build, const char *key, long long fallback);

struct vm_version vm_build_version(const struct vm_build *build); /* of QEMU */
bool vm_build_machine_at_least(const struct vm_build *build, unsigned major, unsigned minor, unsigned pve);

/* Adds an option and its value. Either may be NULL. */
void vm_build_add(struct vm_build *build, enum vm_section section, const char *option, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));
void vm_build_add_machine_option(struct vm_build *build, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A part of an option's value, by value. */
struct vm_part {
    char text[48];
};

/* ",bus=pci.0,addr=0x12": where the device is in the guest (vm/address.h). The bridge to it will be added. */
struct vm_part vm_build_address(struct vm_build *build, const char *id);

/* ",bootindex=100", or "". */
struct vm_part vm_build_bootindex(const struct vm_build *build, const char *device);

/* What QEMU is told of a volume: its path, unless it is handed the file. The caller frees. */
int vm_build_volume(const struct vm_build *build, const struct vm_file *volume, char **ret,
                    struct error *err);

/* "path=RUN/100.qga" of a socket's name "qga", unless QEMU is handed the socket. The caller frees. */
int vm_build_socket(const struct vm_build *build, const char *name, char **ret, struct error *err);

/* The same of the socket of a VM's TPM. */
int vm_build_tpm(const struct vm_build *build, const struct vm_file *file, char **ret, struct error *err);

/* A comma in a value is doubled. The caller frees. */
char *vm_command_escape(const char *value);

int vm_build_read_machine(struct vm_build *build, struct error *err);
int vm_build_read_boot(struct vm_build *build, struct error *err);
int vm_build_read_hostpci(struct vm_build *build, struct error *err);
int vm_build_add_smbios(struct vm_build *build, struct error *err);
int vm_build_add_firmware(struct vm_build *build, struct error *err);
int vm_build_add_cpu(struct vm_build *build, struct error *err);
int vm_build_add_memory(struct vm_build *build, struct error *err);
int vm_build_add_display(struct vm_build *build, struct error *err);
int vm_build_add_usb(struct vm_build *build, struct error *err);
int vm_build_add_channels(struct vm_build *build, struct error *err);
int vm_build_add_tpm(struct vm_build *build, struct error *err);
int vm_build_add_disks(struct vm_build *build, struct error *err);
int vm_build_add_nets(struct vm_build *build, struct error *err);
int vm_build_add_machine(struct vm_build *build, struct error *err);
int vm_build_add_hostpci(struct vm_build *build, struct error *err);
void vm_build_add_buses(struct vm_build *build);
int vm_build_add_arguments(struct vm_build *build, struct error *err);

/* A disk of the configuration, from disk.c to backend.c. */
struct vm_build_disk {
    char key[32];
    enum { VM_IDE, VM_SATA, VM_SCSI, VM_VIRTIO } bus;
    unsigned index;
    const json_t *values;
    char *file; /* NULL: an empty CD-ROM drive */
    char *name; /* of the file, for QEMU: see vm_build_volume */
    bool cdrom;
    bool host_drive; /* the CD-ROM drive of the host */
};
int vm_build_add_backend(struct vm_build *build, const struct vm_build_disk *disk, struct error *err);

/* The models that are made here of one that QEMU has; NULL behind the last one. */
const char *vm_cpu_own_model(size_t index);
/* "GenuineIntel" or "AuthenticAMD"; NULL for a model that has the host's. */
const char *vm_cpu_vendor(const char *model);

#endif
