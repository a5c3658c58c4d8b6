/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the documents of this room. */
#ifndef HOSTPCI_ACCESS_DOCUMENT_H
#define HOSTPCI_ACCESS_DOCUMENT_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "storage/storage.h"

/* object_read of a "user", "group" or "role", with Proxmox's words for one that does not exist. */
int access_read_document(struct storage *storage, const char *kind, const char *id, json_t **ret,
                         int64_t *ret_revision, struct error *err);

/* Refuses one more document of the kind when there are as many as there can be. There is a limit because they
 * are all in memory for everybody's requests. */
int access_check_room(struct storage *storage, const char *kind, struct error *err);

/* Gives a user's document another epoch, which invalidates all earlier tickets. */
void access_end_logins(json_t *user);

#endif
