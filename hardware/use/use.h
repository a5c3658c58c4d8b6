/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the host uses its PCI functions for: what it would lose if one were detached.
 *
 * One scan reads the host-wide lists (block devices and what is stacked and mounted on them, network
 * interfaces with addresses, routes, bridges and bonds, displays and their clients, USB, sound, vfio users)
 * and gives each use to the function that its device hangs on; looking up a function costs nothing after
 * that. Nothing is ever changed.
 *
 * A use is a record. Its sentence and its remedy are made from the record, each by one function here; nobody
 * takes a sentence apart. */
#ifndef HOSTPCI_HARDWARE_USE_USE_H
#define HOSTPCI_HARDWARE_USE_USE_H

#include <jansson.h>

#include "base/text.h"
#include "hardware/pci/inventory.h"

enum use_kind {
    USE_BLOCK,
    USE_NETWORK,
    USE_DISPLAY,
    USE_USB,
    USE_SRIOV,
    USE_SOUND,
    USE_VFIO,
    USE_OTHER,
    USE_KINDS,
};
extern const char *const use_kind_names[USE_KINDS]; /* "block", ... */

enum use_weight {
    USE_NONE, /* nothing is known to use it */
    USE_IDLE, /* there is a device that nobody uses: a disk that is not mounted, an interface that is down */
    USE_ACTIVE,   /* detaching it takes something from the host */
    USE_CRITICAL, /* it holds the root file system and is never detached */
};
#define USE_WEIGHTS (USE_CRITICAL + 1)
extern const char *const use_weight_names[USE_WEIGHTS]; /* "idle", ... */

/* Where the file systems of a disk are mounted. */
#define USE_MOST_FOLDERS 8
struct use_mounts {
    bool root;                       /* one of them on / */
    size_t count;                    /* of the other folders; `folders` has the first of them */
    char *folders[USE_MOST_FOLDERS]; /* in the order in which they were mounted */
};

struct host_use {
    enum use_kind kind;
    enum use_weight weight;
    const struct pci_device *function; /* the one that it hangs on */
    const char *name;                  /* of the kernel's device: "nvme0n1", "eth0", "card0" */
    const char *does;                  /* the sentence, or what of it the fields below do not say; "" */
    const char *evidence;              /* a file, and what it contained */
    bool console;                      /* of a display: the host's text console is shown on it */
    bool boot_framebuffer;             /* the same: it is the firmware's */
    const char *node;         /* below /dev, that a process has open; NULL: none. Only while adding */
    int pid;                  /* of the first such process, or of one that has it mounted; 0: none known */
    const char *process;      /* its name; "" */
    bool usb;                 /* of a disk: it is plugged in at USB */
    struct use_mounts mounts; /* of a disk */
    const char *through;      /* of a disk: what stands between it and the use; "" */
};

struct host_uses;

/* What cannot be read is left out and named in host_uses_unreadable. The inventory must outlive the uses. */
int host_uses_scan(const struct sysroot *sysroot, const struct inventory *inventory, struct host_uses **ret,
                   struct error *err);
void host_uses_free(struct host_uses *uses); /* takes NULL */
void cleanup_host_uses(struct host_uses **uses);
#define autohostuses __attribute__((cleanup(cleanup_host_uses)))

/* The uses of one function, the heaviest first; returns how many. Borrowed, as is all that is in them. */
size_t host_uses_of(const struct host_uses *uses, struct pci_address address, const struct host_use **ret);

/* The weight of the heaviest. */
enum use_weight host_uses_weigh(const struct host_uses *uses, struct pci_address address);

/* Adds the sentence: "disk sda carries a file system mounted on /srv, through sda1". It has no full stop. */
void host_use_describe(const struct host_use *use, struct text *ret);

/* What ends an active use: adds advice in words to one text, and to the other what to type, quoted for a
 * shell: lines, without the end of the last one. Either may stay as it is, not both. */
void host_use_remedy(const struct host_use *use, struct text *advice, struct text *command);

/* A line of proc/iomem is the firmware's framebuffer: its memory, or one of the drivers that draw there. */
bool use_is_boot_framebuffer(const char *name);

/* [{file, reason}]: what could not be read, and why (root needed, hidden by lockdown, ...). Borrowed. */
const json_t *host_uses_unreadable(const struct host_uses *uses);

#endif
