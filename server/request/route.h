/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the endpoint for a method and a path. */
#ifndef HOSTPCI_SERVER_REQUEST_ROUTE_H
#define HOSTPCI_SERVER_REQUEST_ROUTE_H

#include "schema/endpoint.h"
#include "server/request/request.h"

struct routes {
    const struct endpoint *const *table;
    size_t count;
    const char *node; /* this node's name, which replaces "localhost" as {node} */
};

/* Finds the endpoint, and adds what its path captures to decoded->params. If two paths match, the one that
 * has a literal segment where the other captures takes precedence. Errors: ERROR_NO_METHOD "Method 'M /path'
 * not implemented"; ERROR_INVALID if a captured parameter was also sent, with another value. Captured values
 * are not validated here. */
int route_find(const struct routes *routes, struct decoded *decoded, const struct endpoint **ret,
               struct error *err);

/* The methods of a path, as the header Allow lists them: "GET, HEAD, PUT, OPTIONS"; NULL if no endpoint has
 * that path. The caller frees it. */
char *route_list_methods(const struct routes *routes, const char *path);

/* ERROR_NO_HOST if the request names a node that is not this one. */
int route_check_node(const struct routes *routes, const struct endpoint *endpoint, const json_t *params,
                     struct error *err);

#endif
