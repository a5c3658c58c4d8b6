/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that comes in the body of a request, as multipart/form-data, and goes to the disk as it comes: never
 * more of it is in memory than what came last.
 *
 * It is written to the folder `upload` of the storage, which is the daemon's, under a name that nobody can
 * guess, and is gone with the request unless its handler takes it (request->file, api/request.h). Fields
 * before it become parameters: those with a value of a few bytes. The file part is called `filename`; what
 * its own filename is, without folders and with a '_' for anything but [a-zA-Z0-9_.-], is the parameter.
 *
 * Writing may wait for the disk, and with it the other connections of the same thread. */
#ifndef HOSTPCI_SERVER_REQUEST_UPLOAD_H
#define HOSTPCI_SERVER_REQUEST_UPLOAD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define UPLOAD_FOLDER "upload"

struct upload;

/* Makes the file, in `store`, the folder of the storage. */
int upload_begin(const char *store, struct upload **ret, struct error *err);

/* A piece of a part, in order: `filename` is NULL for a field, `offset` counts from the part's beginning.
 * What goes wrong is kept for upload_finish. */
void upload_add(struct upload *upload, const char *name, const char *filename, const char *data,
                unsigned long long offset, size_t length);

/* When the body is there: adds the parameters. An error if a part could not be kept, or there was no file. */
int upload_finish(struct upload *upload, json_t *params, struct error *err);

const char *upload_name(const struct upload *upload); /* of the file in the folder */

/* Removes the file unless `taken`. Takes NULL. */
void upload_free(struct upload *upload, bool taken);

/* Removes what an earlier daemon left in the folder. */
void upload_sweep(const char *store);

#endif
