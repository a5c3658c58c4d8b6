/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks of the host and of devices share: evidence and remedies. For the files of this folder. */
#ifndef HOSTPCI_HARDWARE_CHECK_PARTS_H
#define HOSTPCI_HARDWARE_CHECK_PARTS_H

#include "hardware/check/check.h"

/* What each file declares. */
extern check_list checks_iommu, checks_kernel, checks_host, checks_use, checks_group, checks_driver,
    checks_device, checks_display, checks_sriov, checks_mdev;

/* Add lines to type that put a parameter on the kernel's command line, or replace one by another (or by ""),
 * and reboot. The file is that of the host's boot loader: etc/kernel/cmdline (systemd-boot,
 * proxmox-boot-tool) or etc/default/grub. */
void remedy_add_parameter(const struct facts *facts, struct text *remedy, const char *parameter);
void remedy_replace_parameter(const struct facts *facts, struct text *remedy, const char *old,
                              const char *new);

/* Adds the line to type that binds a function to another driver; `arguments` is "auto", "vfio-pci --scope
 * group". */
void remedy_set_driver(struct text *remedy, const char *id, const char *arguments);

/* The last lines after a change in modprobe.d. */
#define REMEDY_REBOOT    "reboot\n"
#define REMEDY_INITRAMFS "update-initramfs -u -k all\n"

/* "/proc/cmdline: ..." */
void evidence_cmdline(const struct facts *facts, struct text *evidence);

/* "/etc/modprobe.d/vfio.conf, line 3: options vfio-pci ids=..." */
void evidence_setting(const struct setting *setting, struct text *evidence);

/* A file of the device: "/sys/bus/pci/devices/0000:01:00.0/FILE: ..." */
void evidence_file(const struct subject *subject, struct text *evidence, const char *file, const char *held);

/* Adds the lines of the kernel log that hold `first` (and `second`, unless NULL) to the evidence, at most 5
 * in all; returns whether there was one. */
bool evidence_log(struct facts *facts, struct text *evidence, const char *first, const char *second);

/* One of the regions in the device's file `resource`, by its line: 0 to 5 are the BARs, 6 is the ROM, 7 to 12
 * are the BARs of all virtual functions. False if it is not in use. Sources as in hardware/pci/resource.h. */
struct region {
    unsigned long long start, size, flags;
};
bool read_region(const struct subject *subject, unsigned line, struct region *ret);

/* "0000:01:00.1 (snd_hda_intel)" */
void append_device(struct text *text, const struct pci_device *device);

/* Adds a comma, unless the text is empty. */
void append_comma(struct text *text);

/* The functions of the subject's group, the subject among them. */
struct members members_of(const struct subject *subject);

/* The function has virtual functions: how many is added to the evidence, and to the remedy what removes them.
 * None of its files is read, since the scan of host uses has counted them. */
bool has_virtual_functions(const struct subject *subject, const struct pci_device *device,
                           struct text *evidence, struct text *remedy);

/* The host itself uses the function: more than a VM that has it. */
bool host_needs(const struct subject *subject, const struct pci_device *device);

/* The kernel module of the driver that is bound; false if there is none, or it is built in. */
bool driver_module(const struct subject *subject, char *module, size_t size);

/* The device is listed in an option "ids" of vfio-pci, in a file (*setting) or on the command line (NULL). */
bool device_has_ids(const struct subject *subject, const struct setting **setting);

#endif
