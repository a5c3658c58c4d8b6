/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a network card's physical function does for each of its virtual functions: the settings that
 * `ip link set IFACE vf N` makes, through rtnetlink. Sources: include/uapi/linux/if_link.h (IFLA_VFINFO_LIST)
 * and do_setvfinfo() in net/core/rtnetlink.c of the Linux kernel.
 *
 * Settings are an object, of which the driver knows not all:
 *   mac         "52:54:00:12:34:56"
 *   vlan        0 (none) to 4094; qos 0 to 7; proto "802.1q" or "802.1ad"
 *   min-tx-rate, max-tx-rate   in Mbit/s; 0: no limit
 *   trust, spoofchk, query-rss   0 or 1
 *   link-state  "auto", "enable" or "disable" */
#ifndef HOSTPCI_HARDWARE_SLICE_VF_LINK_H
#define HOSTPCI_HARDWARE_SLICE_VF_LINK_H

#include <jansson.h>

#include "hardware/pci/inventory.h"

#define VF_MAC_SIZE 18

/* The settings that are made with one message, by the names of the object above; ends with NULL. */
struct vf_group {
    const char *name; /* of the first member, and in messages */
    const char *members[4];
};
extern const struct vf_group vf_groups[];

/* The network interface of a physical function; the name is "" and the index 0 if it has none. */
struct vf_interface {
    char name[64];
    int index;
};
struct vf_interface vf_interface_find(const struct sysroot *sysroot, struct pci_address physical);

/* Waits, eight seconds at most, until an interface that is up has a link again: some drivers (igb) lose it
 * when virtual functions are made, and take no rates without one. */
void vf_interface_wait(const struct sysroot *sysroot, const struct vf_interface *interface);

/* [settings], by index, of the virtual functions that exist. ERROR_FAILED if the kernel does not provide
 * them. */
int vf_link_read(const struct sysroot *sysroot, const struct vf_interface *interface, json_t **ret,
                 struct error *err);

/* Makes one group's settings, of which those that `settings` does not have are taken from `now`. For the
 * broker's workers. The error says what the driver refused and what to do. */
int vf_link_write(const struct sysroot *sysroot, const struct vf_interface *interface, unsigned vf,
                  const struct vf_group *group, const json_t *settings, const json_t *now, struct error *err);

/* ERROR_FAILED unless the kernel has these settings, {N: settings}, as far as it tells them: it may take some
 * without effect. One call for all, since a card may be asked for each of its virtual functions. */
int vf_link_check(const struct sysroot *sysroot, const struct vf_interface *interface, const json_t *settings,
                  struct error *err);

/* An address for a virtual function that always gets the same one on this host: made of the host's machine
 * id, the physical function and the index, locally administered. False if the host has no machine id. */
bool vf_link_make_mac(const struct sysroot *sysroot, struct pci_address physical, unsigned vf,
                      char mac[static VF_MAC_SIZE]);

/* The door to netlink: each returns 0 or a negative errno. Tests put another one in its place; without that a
 * sysroot other than / has none. */
struct vf_door {
    int (*read)(int interface, json_t **ret);
    int (*write)(int interface, unsigned vf, const char *group, const json_t *settings);
};
extern const struct vf_door vf_netlink;
extern const struct vf_door *vf_door; /* NULL: vf_netlink, of the host itself */

#endif
