/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that anybody may read, outside /api2: the page at "/" and the description of the API.
 *
 * The page's files (web/) are part of the binary. openapi.json and openapi.yaml are made from the
 * declarations of all endpoints when one of them is first asked for, and kept until the process ends. */
#ifndef HOSTPCI_SERVER_REQUEST_ASSET_H
#define HOSTPCI_SERVER_REQUEST_ASSET_H

#include <stdbool.h>

#include "server/request/reply.h"

/* `path` is as it was sent, up to the query. NULL: there is no such file. */
const struct reply_file *asset_find(const char *path, size_t length);

/* Answers GET and HEAD of one of the files; false, and no reply, for everything else. `known_tags` is the
 * value of If-None-Match, or NULL. */
bool asset_serve(const char *method, const char *uri, const char *known_tags, struct reply *ret);

#endif
