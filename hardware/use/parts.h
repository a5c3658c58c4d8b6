/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files behind hardware/use/use.h share: the uses themselves, how a use is given to the functions
 * that it hangs on, and the device nodes that processes have open.
 *
 * Each use_find_* function looks at one kind of device, once for the whole host, and adds what it finds. None
 * of them can fail: what cannot be read is noted and left out. They only read, through hardware/sysfs.h, and
 * cost a few system calls for each block device, interface, card or process, and none for a PCI function. */
#ifndef HOSTPCI_HARDWARE_USE_PARTS_H
#define HOSTPCI_HARDWARE_USE_PARTS_H

#include <stdbool.h>

#include "base/text.h"
#include "hardware/use/use.h"

struct function_uses {
    struct host_use *list; /* the heaviest first */
    size_t count;
};

struct open_node {
    char *node; /* below /dev: "vfio/12" */
    int pid;
    char process[32];
};

/* A mount namespace, and the first process that is in it. */
struct mount_space {
    char id[32]; /* "mnt:[4026531841]" */
    int pid;
    char process[32];
};

struct host_uses {
    int root; /* the sysroot's descriptor; borrowed, for the time of the scan */
    const struct inventory *inventory;
    struct function_uses *functions; /* one a function of the inventory, in its order */
    json_t *unreadable;
    struct open_node *open; /* sorted by node, then pid */
    size_t open_count;
    struct mount_space *spaces; /* in the order of the processes */
    size_t space_count;
    bool sees_all_processes; /* false: somebody may have open what is not in `open` */
};

/* The functions that a device hangs on. That is one in most cases, but a disk behind Intel's VMD hangs on its
 * own function and on the VMD, and a multipath NVMe namespace on each of its controllers. */
#define USE_MOST_OWNERS 8
struct use_owners {
    const struct pci_device *functions[USE_MOST_OWNERS];
    size_t count;
};

/* Adds the functions in the target of a link from sys/class or sys/bus
 * ("../../devices/pci0000:00/0000:00:02.0/virtio1/block/vda") to the owners; false if there is none. */
bool use_add_owners(const struct host_uses *uses, const char *target, struct use_owners *owners);

/* Replaces *ret by the owners of FOLDER/NAME, such a link ("sys/class/drm", "card0"). */
bool use_find_owners(const struct host_uses *uses, const char *folder, const char *name,
                     struct use_owners *ret);

struct use_owners use_own(const struct pci_device *function); /* that one alone */

/* Gives each owner a copy of the use, with the text as what it `does`; `function` and `does` need not be set,
 * texts may be NULL, and runs of blanks in the evidence become one blank. */
void use_add(struct host_uses *uses, const struct use_owners *owners, struct host_use use, const char *format,
             ...) __attribute__((format(printf, 4, 5)));

/* One of the folders, or /. */
void use_mounts_add(struct use_mounts *mounts, const char *folder);
void use_mounts_merge(struct use_mounts *mounts, const struct use_mounts *more);
void use_mounts_release(struct use_mounts *mounts);

/* The same as sysfs_list(), but notes a folder that exists and cannot be read. */
int use_list_folder(struct host_uses *uses, const char *folder, char ***ret);

/* Notes a file that could not be read, and why. `error` is a negative errno, `file` a path as in sysfs.h. */
void use_note(struct host_uses *uses, const char *file, int error);
void use_note_reason(struct host_uses *uses, const char *file, const char *reason);

/* The next of the nodes that are open, each once, or NULL after the last one. Starts with *at 0. */
const char *use_next_node(const struct host_uses *uses, size_t *at);

/* Who has /dev/NODE open: "qemu-system-x86 (pid 12), bash (pid 30) and 2 more", and in `evidence` the first
 * of them: "/proc/12/fd: /dev/vfio/12". False: nobody, as far as we know. */
bool use_describe_openers(const struct host_uses *uses, const char *node, struct text *who,
                          struct text *evidence);

/* The first process that has /dev/NODE open: its id, and its name, which belongs to `uses`; 0: nobody known.
 */
int use_first_opener(const struct host_uses *uses, const char *node, const char **process);

void use_read_processes(struct host_uses *uses); /* first: the others ask for what it found */
void use_find_block(struct host_uses *uses);
void use_find_network(struct host_uses *uses);
void use_find_display(struct host_uses *uses);
void use_find_usb(struct host_uses *uses);
void use_find_sound(struct host_uses *uses);
void use_find_nodes(struct host_uses *uses); /* consoles, watchdogs and device nodes of no other kind */
void use_find_vfio(struct host_uses *uses);
void use_find_sriov(struct host_uses *uses); /* last: from what was found for the virtual functions */

#endif
