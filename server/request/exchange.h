/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request and its reply, and the steps between them: decode, route, authenticate, permission, node,
 * validate, run, reply. Knows nothing of how bytes come and go; server/http/http.c does that. */
#ifndef HOSTPCI_SERVER_REQUEST_EXCHANGE_H
#define HOSTPCI_SERVER_REQUEST_EXCHANGE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "api/request.h"
#include "base/text.h"
#include "server/request/cache.h"
#include "server/request/pool.h"
#include "server/request/reply.h"
#include "server/request/route.h"
#include "server/request/throttle.h"

/* Who is at the other end of a connection. */
struct peer {
    bool local; /* through the Unix socket: uid is known */
    uid_t uid;
    char address[INET6_ADDRSTRLEN];
    bool unread; /* it was answered before its body was read: see server/http/lingering_close.h */
};

/* What all requests share. */
struct server {
    struct service *service;
    struct routes routes;
    uid_t owner; /* the uid that started the daemon: root@pam on the local socket */
    struct reply_cache *cache;
    struct worker_pool *workers;
    struct throttle *throttle;
    const char *const *origins; /* of pages of other servers that may call this one; ends with NULL */
};

struct exchange {
    struct server *server;
    const struct peer *peer;
    struct timespec started;

    /* as it was sent; borrowed but for uri and body */
    const char *method;
    char *uri;
    const char *authorization, *content_type;    /* headers; NULL: not sent */
    const char *known_tags, *encodings, *origin; /* If-None-Match, Accept-Encoding, Origin */
    const char *cookie, *csrf_token;             /* Cookie, CSRFPreventionToken */
    struct text body;

    struct decoded decoded;
    struct cached_reply *cached; /* what was kept for this URI, if anything */
    struct request request;      /* its params are those of decoded, or kept */
    struct reply reply;          /* empty (status 0) until there is one */
    char *login_failure;         /* why a login failed, for the log alone; NULL: it did not */

    /* How to go on later: set by the owner. pause() is called before another thread may call resume(). */
    void (*pause)(struct exchange *exchange);
    void (*resume)(struct exchange *exchange);
    void *connection;
    bool paused; /* pause() was called; only for the thread that called exchange_serve */
};

/* Answers the request: afterwards there is a reply, or the exchange was paused and there is one when it is
 * resumed. */
void exchange_serve(struct exchange *exchange);

/* Answers with an error instead, before or without exchange_serve. */
void exchange_refuse(struct exchange *exchange, const struct error *err);

/* The origin to be named in the reply: the request's, if it is a configured one, else NULL. */
const char *exchange_allowed_origin(const struct exchange *exchange);

/* The access line, and the audit line of a change. */
void exchange_log(const struct exchange *exchange, bool delivered);

void exchange_release(struct exchange *exchange);

#endif
