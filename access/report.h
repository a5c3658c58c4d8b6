/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What somebody may do, for people and user interfaces to see. Nothing here decides anything. */
#ifndef HOSTPCI_ACCESS_REPORT_H
#define HOSTPCI_ACCESS_REPORT_H

#include <jansson.h>

#include "access/access.h"

/* "joe@pve" or "joe@pve!ci", who must exist: "no such user ('u')", "no such token 't' for user 'u'". */
int report_find(struct access *access, const char *name, struct identity *ret, struct error *err);

/* {path: {privilege: 1 if paths below inherit it, else 0}}. With `path` it is that path alone, as it was
 * written. With NULL it is the usual paths and all that lie on the way to an ACL entry, without those where
 * nothing is held. */
int report_permissions(struct access *access, const struct identity *who, const char *path, json_t **ret,
                       struct error *err);

/* {vms: {privilege: 1}, access, storage, nodes, sdn, dc, mapping}, Proxmox's `cap`: for each part of the user
 * interface the privileges that concern it and are held somewhere in it. */
int report_interface_privileges(struct access *access, const struct identity *who, json_t **ret,
                                struct error *err);

#endif
