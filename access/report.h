/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What somebody may do, for people and user interfaces. Nothing here decides about a request. */
#ifndef HOSTPCI_ACCESS_REPORT_H
#define HOSTPCI_ACCESS_REPORT_H

#include <jansson.h>

#include "access/access.h"

/* "joe@pve" or "joe@pve!ci", who must exist: "no such user ('u')", "no such token 't' for user 'u'". */
int report_find(struct access *access, const char *name, struct identity *ret, struct error *err);

/* {path: {privilege: 1 if paths below inherit it, else 0}}: of `path` only, spelled as given; or with NULL of
 * the usual paths and of all on the way to an ACL entry, except for those without any privilege. */
int report_permissions(struct access *access, const struct identity *who, const char *path, json_t **ret,
                       struct error *err);

/* {vms: {privilege: 1}, access, storage, nodes, sdn, dc, mapping}, Proxmox's `cap`: for each part of the user
 * interface the privileges that concern it, as far as they are held on some path in it. */
int report_interface_privileges(struct access *access, const struct identity *who, json_t **ret,
                                struct error *err);

#endif
