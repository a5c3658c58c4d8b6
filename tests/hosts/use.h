/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host uses its functions for: disks and what is stacked on them, network interfaces, displays, USB,
 * sound, programs. Each is written below the folder of the function that it belongs to, with the links that
 * the kernel makes. Sources: Documentation/ABI/testing/sysfs-{block,class-net,bus-usb} of the Linux kernel,
 * proc(5). */
#ifndef HOSTPCI_TESTS_HOSTS_USE_H
#define HOSTPCI_TESTS_HOSTS_USE_H

#include "tests/hosts/tree.h"

/* A disk below the folder ("0000:02:00.0/nvme/nvme0") or, with NULL, one that is stacked on others: md0,
 * dm-0; and partition N of a disk. `number` is "259:0". Both return the new folder. */
struct path block_write_partition(const char *disk, const char *name, const char *number, unsigned n);
struct path block_write(const char *folder, const char *name, const char *number);
void block_put_on(const char *above, const char *below);
void block_map(const char *name, const char *mapped,
               const char *uuid); /* of device-mapper: /dev/mapper/MAPPED */

/* Adds a line to the tables of mounts. A file system without a device has a number such as "0:25". */
void mount_write(const char *number, const char *folder, const char *type, const char *source);

/* An interface below a function's folder or, with NULL, one that only software made (a bridge, a bond). */
struct path interface_write(const char *folder, const char *name, bool up);
void interface_set_up(const char *name);
void interface_put_under(const char *name, const char *master,
                         const char *mark); /* "brport", "bonding_slave" */

/* A graphics card's devices card0 and renderD128, and the framebuffer fb0 with the text console if `console`.
 */
void display_write(const char *folder, unsigned number, bool console);

/* A device with one interface on a port, "1-2", or on a hub's port, "1-4.1"; the first digit is the bus. */
struct usb_device {
    const char *product;
    unsigned class, protocol; /* of its interface */
    unsigned number;          /* 0: 2 */
    const char *ids;          /* NULL: "1d6b:0104" */
    const char *speed;        /* in Mbit/s; NULL: "480" */
    const char *serial, *manufacturer;
};
void usb_write(const char *folder, const char *port, const struct usb_device *device);
/* The root hub of a controller's bus. */
void usb_write_root(const char *folder, unsigned bus, const char *speed);

/* A card with one stream for playback, which is closed if `pid` is 0. */
void sound_write(const char *folder, unsigned number, unsigned pid);

/* A program and one device node that it has open ("/dev/vfio/12"). */
void process_write(unsigned pid, const char *name, const char *node);

#endif
