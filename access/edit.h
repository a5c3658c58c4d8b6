/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits: changes of documents for which nobody named a revision, so that a change that came between is no
 * reason to fail. */
#ifndef HOSTPCI_ACCESS_EDIT_H
#define HOSTPCI_ACCESS_EDIT_H

#include <jansson.h>

#include "base/error.h"
#include "storage/storage.h"

/* object_read of a "user", "group" or "role"; one that does not exist is told in Proxmox's words. */
int edit_read(struct storage *storage, const char *kind, const char *id, json_t **ret, int64_t *ret_revision,
              struct error *err);

/* Reads what it needs and adds to the set what that becomes, with the revisions that were read. */
typedef int edit_function(struct storage *storage, void *context, struct change_set *set, struct error *err);

/* Calls it and commits the set; anew, some dozens of times, while others change the same documents. */
int edit_run(struct storage *storage, edit_function *build, void *context, struct error *err);

#endif
