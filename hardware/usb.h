/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's USB devices, as /nodes/{node}/hardware/usb lists them. */
#ifndef HOSTPCI_HARDWARE_USB_H
#define HOSTPCI_HARDWARE_USB_H

#include <jansson.h>

#include "hardware/sysfs.h"

/* [{busnum, devnum, class, level, port, vendid, prodid, speed, usbpath?, manufacturer?, product?, serial?}],
 * root hubs included, sorted by bus and device number. The vendor and product ids are four hexadecimal digits
 * without 0x; speed is in Mbit/s. usbpath names the ports from the root hub on, such as "4.1"; a root hub has
 * none. level is the number of hubs above, and port the last of the ports, counted from 0, both as in the
 * kernel's usb/devices. Source: Documentation/ABI/testing/sysfs-bus-usb of the Linux kernel. */
int usb_list(const struct sysroot *sysroot, json_t **ret, struct error *err);

#endif
