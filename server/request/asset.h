/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files outside /api2, which anybody may read: the page at "/", and the description of the API.
 *
 * The files of the page (web/) are part of the binary. openapi.json and openapi.yaml are made from the
 * declarations of all endpoints when they are first asked for, and live as long as the process. /novnc/ is
 * the package novnc, where it is installed: its modules are read from its folder each time. */
#ifndef HOSTPCI_SERVER_REQUEST_ASSET_H
#define HOSTPCI_SERVER_REQUEST_ASSET_H

#include <stdbool.h>

#include "server/request/reply.h"

/* `path` is the URI as it was sent, up to the query. NULL if there is no such file. */
const struct reply_file *asset_find(const char *path, size_t length);

/* Answers GET and HEAD for one of the files. False, without a reply, for everything else. `known_tags` is the
 * value of If-None-Match, or NULL. */
bool asset_serve(const char *method, const char *uri, const char *known_tags, struct reply *ret);

#endif
