/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds out who sends a request. */
#include "server/request/authenticate.h"

#include <string.h>

#include "base/memory.h"
#include "server/request/credential.h"

static bool needs_csrf_token(const struct exchange *exchange, const struct endpoint *endpoint)
{
    if (strcmp(exchange->method, "GET") == 0 || strcmp(exchange->method, "HEAD") == 0)
        return false;
    return endpoint == NULL || endpoint->admit_file == NULL || exchange->csrf_token != NULL ||
           exchange_is_of_foreign_page(exchange);
}

bool peer_is_root(const struct peer *peer, uid_t owner)
{
    return peer->local && (peer->uid == 0 || peer->uid == owner);
}

static int authenticate_peer(const struct exchange *exchange, struct identity *ret, struct error *err)
{
    if (!peer_is_root(exchange->peer, exchange->server->owner))
        return error_set(err, ERROR_UNAUTHENTICATED, "No ticket");
    *ret = (struct identity){.user = "root@pam"};
    return 0;
}

int authenticate_caller(const struct exchange *exchange, const struct endpoint *endpoint,
                        struct identity *ret, struct error *err)
{
    struct access *access = exchange->server->service->access;
    autofree char *shown = NULL;

    switch (credential_find(exchange->cookie, exchange->authorization, &shown)) {
    case CREDENTIAL_TICKET:
        return access_authenticate_ticket(access, shown, needs_csrf_token(exchange, endpoint),
                                          exchange->csrf_token, ret, err);
    case CREDENTIAL_TOKEN:
        return access_authenticate_token(access, shown, ret, err);
    case CREDENTIAL_NONE:
        break;
    }
    return authenticate_peer(exchange, ret, err);
}

bool authenticate_is_by_token(const struct exchange *exchange)
{
    autofree char *shown = NULL;

    return credential_find(exchange->cookie, exchange->authorization, &shown) == CREDENTIAL_TOKEN;
}

bool authenticate_is_tried(const struct exchange *exchange)
{
    autofree char *shown = NULL;

    return credential_find(exchange->cookie, exchange->authorization, &shown) != CREDENTIAL_NONE;
}
