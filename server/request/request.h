/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decodes a request: turns method, path, query and body as they were sent into path segments and one JSON
 * object. Pure.
 *
 * The rules are Proxmox's:
 * - The path is percent-decoded before it is split at slashes. Empty segments do not count. It begins with
 * /api2/json or /api2/extjs. "." and ".." are refused.
 * - A body is a form unless its type is application/json; GET and DELETE have none. A parameter in the query
 * replaces one of the same name in the body. */
#ifndef HOSTPCI_SERVER_REQUEST_REQUEST_H
#define HOSTPCI_SERVER_REQUEST_REQUEST_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"
#include "schema/endpoint.h"

#define REQUEST_BODY_LIMIT     ((size_t)512 * 1024)
#define REQUEST_LENGTH_UNKNOWN (~0ULL) /* of a chunked body */
#define REQUEST_SEGMENT_LIMIT  16

enum format { FORMAT_JSON, FORMAT_EXTJS };

struct decoded {
    enum method method; /* HEAD counts as GET */
    enum format format;
    char *path;  /* decoded and normalised, without the prefix: "/nodes/pve1" */
    char *split; /* the same, cut into the segments */
    const char *segments[REQUEST_SEGMENT_LIMIT];
    size_t segment_count;
    json_t *params; /* an object */
};

/* `uri` is raw, with its query. content_type may be NULL. Errors: ERROR_NO_METHOD for another method, format
 * or an unexpected body, ERROR_MEDIA_TYPE, ERROR_TOO_LARGE, ERROR_UNREADABLE. */
int request_decode(const char *method, const char *uri, const char *content_type, const char *body,
                   size_t length, struct decoded *ret, struct error *err);
void decoded_release(struct decoded *decoded);

/* The format in which even an error must be sent; json if the URI does not name a known one. */
enum format request_format(const char *uri);

#endif
