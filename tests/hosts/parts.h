/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions that write a host's parts. Folders are paths in the tree ("sys/devices/pci0000:00"). */
#ifndef HOSTPCI_TESTS_HOSTS_PARTS_H
#define HOSTPCI_TESTS_HOSTS_PARTS_H

#include "tests/hosts/host.h"

/* PCI ids, as text and as numbers. */
struct address {
    unsigned domain, bus, device, function;
};

struct address address_parse(const char *id);
struct path address_format(struct address address);
struct path address_of_vf(const struct pci_function *physical, unsigned index);

/* Writes one function with its own folder in FOLDER, all links to it, its driver, its group, its slot and its
 * VFs. */
void function_write(const struct machine *machine, const struct pci_function *function, const char *folder);
bool function_is_bridge(const struct pci_function *function);

/* Removes all traces of a function that is unplugged: first the links to it, then its folder. */
void function_remove(const char *id);

/* The first 256 bytes of configuration space. Sources: PCI Local Bus 3.0, chapter 6; PCI Express Base, 7.5.
 */
enum { CONFIG_SIZE = 256 };
void config_fill(const struct pci_function *function, uint8_t config[static CONFIG_SIZE]);

/* IOMMU units, and the links that make the function in FOLDER a member of its group and unit. */
void iommu_write_units(const struct machine *machine);
void iommu_write_member(const struct machine *machine, const struct pci_function *function,
                        const char *folder);

/* The links between the function in FOLDER and its driver, which is made if missing; and modules.alias. */
void driver_write_binding(const char *driver, const char *id, const char *folder);
void driver_write_aliases(const char *release);

/* /proc, CPUs and NUMA nodes; the CPUs of a node (-1: all) in the form of local_cpulist and local_cpus;
 * pci.ids. */
void machine_write(const struct machine *machine, const char *name);
struct path machine_cpu_list(const struct machine *machine, int node);
struct path machine_cpu_mask(const struct machine *machine, int node);
void names_write(void);

/* The firmware and what the kernel makes of it: ACPI tables, interrupts, the log. */
void firmware_write(const struct machine *machine);
void log_append(const char *format, ...)
    __attribute__((format(printf, 1, 2))); /* a line, without its newline */

/* Kernel modules. module_load returns the module's folder, for its parameters. */
struct path module_load(const char *name);
void module_unload(const char *name);
void module_write_lists(const char *release); /* modules.dep, modules.builtin */

/* A type of mediated devices that the function PARENT can create. */
struct mdev_type {
    const char *type; /* "i915-GVTg_V5_4" */
    const char *name; /* NULL: the file is missing, as with GVT-g before 6.1 */
    const char *description;
    unsigned available;
};

void mdev_write_type(const struct host *host, const char *parent, const struct mdev_type *type);
void mdev_write_instance(const struct host *host, const char *parent, const char *type, const char *uuid,
                         int group);

#endif
