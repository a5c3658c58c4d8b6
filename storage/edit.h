/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits: read, change, commit, and start again if somebody else was faster.
 *
 * An edit is for a change that is wanted whatever others did to the document in the meantime. A caller who
 * must not overwrite a change that he has not seen compares digests in the edit. */
#ifndef HOSTPCI_STORAGE_EDIT_H
#define HOSTPCI_STORAGE_EDIT_H

#include <stdbool.h>

#include "base/error.h"
#include "storage/storage.h"

/* Reads what it needs and adds the changed documents to the set, with the revisions that it read. If it
 * fails, the edit fails. It may be called many times for one edit. */
typedef int edit_function(struct storage *storage, void *context, struct change_set *set, struct error *err);

/* Calls `build` and commits the set, and does so again while a document in it is no longer at its expected
 * revision. Gives up after a hundred attempts, with the ERROR_CONFLICT of the last. */
int edit_run(struct storage *storage, edit_function *build, void *context, struct error *err);

/* The same for what is not a change set. The attempt sets *overtaken if it failed because somebody else was
 * faster; any other failure is final. */
typedef int edit_attempt(void *context, bool *overtaken, struct error *err);
int edit_retry(edit_attempt *attempt, void *context, struct error *err);

#endif
