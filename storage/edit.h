/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits: read, change, commit, and begin again when somebody else was faster.
 *
 * An edit is for a change that is wanted whatever the document has become meanwhile. Whoever must not write
 * over a change that he has not seen compares digests in it. */
#ifndef HOSTPCI_STORAGE_EDIT_H
#define HOSTPCI_STORAGE_EDIT_H

#include <stdbool.h>

#include "base/error.h"
#include "storage/storage.h"

/* Reads what it needs and adds to the set what that becomes, with the revisions that it read. A failure of
 * this function is final. It may be called many times for one edit. */
typedef int edit_function(struct storage *storage, void *context, struct change_set *set, struct error *err);

/* Calls `build` and commits the set, again while a document in it is not at its expected revision any more.
 * Gives up after a hundred attempts, with the ERROR_CONFLICT of the last. */
int edit_run(struct storage *storage, edit_function *build, void *context, struct error *err);

/* The same for what is not a change set. The attempt sets *overtaken if it failed because somebody else was
 * faster; any other failure is final. */
typedef int edit_attempt(void *context, bool *overtaken, struct error *err);
int edit_retry(edit_attempt *attempt, void *context, struct error *err);

#endif
