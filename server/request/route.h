/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From method and path to the endpoint. */
#ifndef HOSTPCI_SERVER_REQUEST_ROUTE_H
#define HOSTPCI_SERVER_REQUEST_ROUTE_H

#include "schema/endpoint.h"
#include "server/request/request.h"

struct routes {
    const struct endpoint *const *table;
    size_t count;
    const char *node; /* this node's name: {node} given as "localhost" becomes it */
};

/* Finds the endpoint and adds what its path captures to decoded->params. A literal segment beats a captured
 * one. ERROR_NO_METHOD "Method 'M /path' not implemented"; ERROR_INVALID if a captured parameter was also
 * sent, with another value. Captured values are not checked here: they are parameters like others. */
int route_find(const struct routes *routes, struct decoded *decoded, const struct endpoint **ret,
               struct error *err);

/* What may be done with the path, as Allow says it: "GET, HEAD, PUT, OPTIONS"; NULL if it is none. The caller
 * frees it. */
char *route_list_methods(const struct routes *routes, const char *path);

/* ERROR_NO_HOST if the request names a node that is not this one. */
int route_check_node(const struct routes *routes, const struct endpoint *endpoint, const json_t *params,
                     struct error *err);

#endif
