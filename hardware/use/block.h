/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's block devices, and what is stacked on what: partitions on disks, RAID arrays and volumes on
 * partitions. For block.c, disk.c, mount.c and zfs.c.
 *
 * A node of the graph is an entry of /sys/class/block. What uses a node directly (a mount, swap, a process)
 * belongs to that node, and a disk is in use when any node above it is. Sources:
 * Documentation/ABI/testing/sysfs-block and Documentation/filesystems/proc.rst of the Linux kernel. */
#ifndef HOSTPCI_HARDWARE_USE_BLOCK_H
#define HOSTPCI_HARDWARE_USE_BLOCK_H

#include "hardware/use/parts.h"

/* Where a file system is mounted, and the line that says so; if one of the places is /, the line of that. */
struct mounted {
    struct use_mounts on;
    struct text evidence;
};

struct block_node {
    const char *name; /* in the graph's names */
    struct use_owners owners;
    bool partition;
    bool stacked; /* on other nodes, but it is not a partition: md, dm, bcache, ... */
    bool usb;
    size_t *above; /* the nodes that are stacked on it */
    size_t above_count;
    struct mounted mounted;
    const struct mount_space
        *elsewhere; /* where it is mounted, if only in a namespace other than the host's own; else NULL */
    enum use_weight weight; /* of its direct uses, mounts among them */
    struct text does;       /* the others: "carries swap space" */
    struct text evidence;   /* of the heaviest */
};

struct block_graph {
    struct host_uses *uses;
    char **names;
    struct block_node *nodes; /* in the order of the names */
    size_t count;
};

/* NULL if there is none. `name` is one of /sys/class/block, or a path below /dev, /dev/mapper included. */
struct block_node *block_find(const struct block_graph *graph, const char *name);

/* A file of the node, relative to its folder: as sysfs_read. */
int block_read(const struct block_graph *graph, const struct block_node *node, const char *file, char *buffer,
               size_t size);

/* Adds a direct use of the node; its text continues the sentence "disk sda". */
void block_use(struct block_node *node, enum use_weight weight, const char *evidence, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for a use without a text of its own. */
void block_weigh(struct block_node *node, enum use_weight weight, const char *evidence);

void mounted_add(struct mounted *mounted, const char *folder, const char *evidence);
void mounted_merge(struct mounted *mounted, const struct mounted *more);
void mounted_release(struct mounted *mounted);

/* These find what is used directly. Mounts come last, because a ZFS pool of unknown disks is assumed to have
 * those that nothing else uses. */
void block_find_swap(struct block_graph *graph);
void block_find_openers(struct block_graph *graph);
void block_find_mounts(struct block_graph *graph);

/* A pool of ZFS, and where its file systems are mounted. */
struct zfs_pool {
    char name[256];
    struct mounted mounted;
};
void block_find_pools(struct block_graph *graph, struct zfs_pool *pools, size_t count);

/* Adds a use for each disk that hangs on a PCI function, from all that was found above it. */
void block_report(const struct block_graph *graph);

#endif
