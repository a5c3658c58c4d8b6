/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks of the host and of devices share: evidence and remedies. For the files of this folder. */
#ifndef HOSTPCI_HARDWARE_CHECK_PARTS_H
#define HOSTPCI_HARDWARE_CHECK_PARTS_H

#include "hardware/check/check.h"

/* What each file declares. */
extern check_list checks_iommu, checks_interrupts, checks_kernel, checks_options, checks_log, checks_host,
    checks_use, checks_group, checks_driver, checks_device, checks_display, checks_sriov, checks_owner,
    checks_mdev;

enum effect {
    EFFECT_NEEDED, /* something does not work without it: reboot */
    EFFECT_LATER,  /* it is only nicer: at the next boot */
};

/* Add lines to type that put a parameter on the kernel's command line, or replace one by another (or by "").
 * The file is that of the boot loader that started the host: etc/default/grub where the running command line
 * has GRUB's BOOT_IMAGE=, else etc/kernel/cmdline (systemd-boot, proxmox-boot-tool). What the file has
 * already, or has not, is left as it is. */
void remedy_add_parameter(const struct facts *facts, struct remedy *remedy, const char *parameter);
void remedy_prefer_parameter(const struct facts *facts, struct remedy *remedy, const char *parameter);
void remedy_replace_parameter(const struct facts *facts, struct remedy *remedy, const char *old,
                              const char *new, enum effect effect);

/* Add lines to type that change what an admin has set in files. None of them counts lines, so that one can be
 * typed after another; a file is added to, never written over. Each changes only lines about the module that
 * it means, and in them only the option; what is written over several lines is told in words. */
/* Sets a module's option: where it is set already, else in etc/modprobe.d/NAME.conf. */
void remedy_set_option(const struct facts *facts, struct remedy *remedy, const char *module,
                       const char *option, const char *value, const char *name);
/* Has the module loaded at boot by etc/modules-load.d/NAME.conf, or that early by the initramfs. */
void remedy_load_at_boot(const struct facts *facts, struct remedy *remedy, const char *module,
                         const char *name);
void remedy_load_early(const struct facts *facts, struct remedy *remedy, const char *module);
/* Writes the line of options or a softdep anew, after its module. */
void remedy_rewrite_line(const struct setting *setting, struct remedy *remedy, const char *value);
/* Adds an id to the line that sets ids of vfio-pci. */
void remedy_append_id(const struct setting *setting, struct remedy *remedy, unsigned vendor, unsigned device);
/* Offers the call that adds words to lists that hostpci keeps, {ids, blacklist, softdep, modules}, which are
 * taken. */
void remedy_offer_kept(const struct facts *facts, struct remedy *remedy, json_t *words);
/* Adds the call that takes from such a list the words that leave. False, and nothing is added, if the setting
 * (NULL: none) is in a file of somebody else. */
bool remedy_take_from_kept(const struct facts *facts, const struct setting *setting, struct remedy *remedy,
                           const char *list, bool (*leaves)(const void *context, const char *word),
                           const void *context);
/* Adds the last lines of a change in modprobe.d: a new initramfs, and a reboot. */
void remedy_refresh(struct remedy *remedy);
void remedy_refresh_by(struct remedy *remedy, const char *command); /* that makes the initramfs */
/* Removes an option, with its line if that has no other. */
void remedy_remove_option(const struct setting *setting, struct remedy *remedy, const char *option);
/* Removes the line of a blacklist, an install command or a sysfs.conf setting. */
void remedy_remove_line(const struct setting *setting, struct remedy *remedy);

/* Adds the call that binds a function to another driver: {driver, scope?, persistent?}, which is taken. */
void remedy_set_driver(struct remedy *remedy, const char *id, json_t *parameters);

/* Adds the call that detaches the subject now, with all others of its group that have to be; nothing if
 * something stands in the way. */
void remedy_take(const struct subject *subject, struct remedy *remedy);

/* Room for a list of ids, of which vfio-pci takes 1023 characters. */
#define IDS_SIZE 65536

/* The last lines after a change in modprobe.d. */
#define REMEDY_REBOOT    "reboot\n"
#define REMEDY_INITRAMFS "update-initramfs -u -k all\n"
#define REMEDY_KERNEL    "apt install linux-image-$(dpkg --print-architecture)\n"

/* "/proc/cmdline: ...". Of a long one only what stands around the parameter that decides, or, where that is
 * missing, the beginning; NULL: no single one does. */
void evidence_cmdline(const struct facts *facts, struct text *evidence, const char *parameter);

/* Adds the text, or of a longer one those bytes that stand around `at`, with dots for what is left out. */
void append_excerpt(struct text *text, const char *from, size_t length, size_t at);

/* "/etc/modprobe.d/vfio.conf, line 3: options vfio-pci ids=..." */
void evidence_setting(const struct setting *setting, struct text *evidence);

/* A file of the device: "/sys/bus/pci/devices/0000:01:00.0/FILE: ..." */
void evidence_file(const struct subject *subject, struct text *evidence, const char *file, const char *held);

/* Lines of the kernel log that hold `first`, and `second` unless that is NULL. */
struct log_pattern {
    const char *first, *second;
};

/* Adds the lines of the kernel log that match one of the patterns and, unless `id` is NULL, name that
 * function, to the evidence. Lines that differ in numbers only are shown once, with how often they came; of
 * different ones the first 5. Returns which pattern the first line matched, or -1 if there is no line. */
int evidence_log_lines(struct facts *facts, struct text *evidence, const struct log_pattern *patterns,
                       size_t count, const char *id);

/* The same with one pattern; returns whether there was a line. */
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

/* The function has virtual functions: how many is added to the evidence, and to the remedy (may be NULL) what
 * removes them. None of its files is read, since the scan of host uses has counted them. */
bool has_virtual_functions(const struct subject *subject, const struct pci_device *device,
                           struct text *evidence, struct remedy *remedy);

/* The host itself uses the function: more than a VM that has it. */
bool host_needs(const struct subject *subject, const struct pci_device *device);

/* The kernel module of the driver that is bound; false if there is none, or it is built in. */
bool driver_module(const struct subject *subject, char *module, size_t size);

/* Adds what gives this host, which is itself a VM, an IOMMU. */
void remedy_viommu(const struct facts *facts, struct remedy *remedy);

/* Adds what shows lines of the kernel log about the IOMMU. */
void remedy_see_log(const struct facts *facts, struct remedy *remedy);

/* The device is listed in an option "ids" of vfio-pci, in a file (*setting) or on the command line (NULL). */
bool device_has_ids(const struct subject *subject, const struct setting **setting);

#endif
