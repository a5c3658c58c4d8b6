/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Realms: pam has the users of the host, pve those that only hostpci knows. Both always exist. */
#ifndef HOSTPCI_ACCESS_REALM_H
#define HOSTPCI_ACCESS_REALM_H

#include <jansson.h>

#include "base/error.h"
#include "storage/storage.h"

/* [{realm, type, comment, default?: 1}] */
int realm_list(struct storage *storage, json_t **ret, struct error *err);
/* {type, comment, default?, digest}; "realm 'r' does not exist". */
int realm_read(struct storage *storage, const char *id, json_t **ret, struct error *err);

/* `settings` holds those that were sent: comment, default (1 takes it from the other realm), delete (a list
 * of these two) and digest. */
int realm_update(struct storage *storage, const char *id, const json_t *settings, struct error *err);

/* Both always refuse, in Proxmox's words: there are no other realms, and these two cannot be deleted. */
int realm_create(const char *id, const char *type, struct error *err);
int realm_delete(const char *id, struct error *err);

#endif
