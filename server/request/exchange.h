/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An exchange is one request and its reply, as in RFC 9110. This is the straight line from the one to the
 * other: decode, route, authenticate, check the permission, check the node, validate, run the handler, reply.
 * Nothing here knows how bytes come and go; that is server/http/callbacks.h.
 *
 * An exchange belongs to the thread that serves it, until it is paused; then to whoever is going to resume
 * it. */
#ifndef HOSTPCI_SERVER_REQUEST_EXCHANGE_H
#define HOSTPCI_SERVER_REQUEST_EXCHANGE_H

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "api/request.h"
#include "base/text.h"
#include "server/request/budget.h"
#include "server/request/cache.h"
#include "server/request/coalesce.h"
#include "server/request/gather.h"
#include "server/request/pool.h"
#include "server/request/reply.h"
#include "server/request/route.h"
#include "server/request/throttle.h"
#include "server/request/upload.h"

/* The other end of a connection. */
struct peer {
    bool local; /* it is connected to the Unix socket, and uid is known */
    uid_t uid;
    char address[INET6_ADDRSTRLEN];
    char network[INET6_ADDRSTRLEN]; /* whoever comes from there is counted together; not "" */
};

/* Whether the kernel says that it is root, or the user who started the daemon. */
bool peer_is_root(const struct peer *peer, uid_t owner);

/* What all requests share, and what lives as long as the daemon. */
struct server {
    struct service *service;
    struct routes routes;
    uid_t owner; /* the uid that started the daemon: root@pam on the local socket */
    struct reply_cache *cache;
    struct coalescer coalescer;
    struct gatherer gatherer;
    struct worker_pool *workers;
    struct worker_pool *logins; /* for what tries or makes a password, which takes long on purpose */
    struct throttle *throttle;
    struct budget bodies;
    atomic_uint uploads; /* that go on now */
    const char *const
        *origins; /* of pages of other servers that may call this one; NULL, or ends with NULL */
};

#define EXCHANGE_UPLOADS    8                  /* at once; root on this host may always */
#define EXCHANGE_SMALL_BODY ((size_t)8 * 1024) /* that everybody may send */

struct exchange {
    struct server *server;
    const struct peer *peer;
    long long started; /* by clock_microseconds */

    /* the request as it was sent; uri and body are ours, the rest is borrowed */
    const char *method;
    char *uri;
    const char *authorization, *content_type;    /* headers, NULL if they were not sent */
    const char *known_tags, *encodings, *origin; /* If-None-Match, Accept-Encoding, Origin */
    const char *cookie, *csrf_token;             /* Cookie, CSRFPreventionToken */
    struct text body;                            /* gone once it is decoded */
    size_t body_limit;                           /* how long it may be, after exchange_admit_body */
    struct identity sender;                      /* whose body it is, if it may be large */
    struct budget_part reserved;                 /* for a large body */
    struct upload *upload;                       /* a file that the body holds; NULL: there is none */

    struct decoded decoded;
    struct cached_reply *cached;  /* what the cache has for this URI, if anything */
    struct request request;       /* its params are those of decoded, or of cached */
    struct reply reply;           /* empty (status 0) until there is one */
    char *login_failure;          /* why a login failed, for the log alone; NULL: it did not */
    struct exchange *next_waiter; /* while it waits for a reply that another request makes */
    struct gathered *gathered;    /* while others wait for its reply: server/request/gather.h */

    /* How to go on later, set by the owner. pause() is called before another thread may call resume(). */
    void (*pause)(struct exchange *exchange);
    void (*resume)(struct exchange *exchange);
    void *connection;
    bool paused; /* pause() was called since exchange_serve was */
};

/* Answers the request. Afterwards there is a reply, or the exchange is paused. When it is resumed, there is a
 * reply, too; or there is none, and exchange_serve must be called once more, which goes on where it stopped.
 */
void exchange_serve(struct exchange *exchange);

/* Called when the headers are there and a body follows, `length` bytes or (~0) nobody knows how many. It
 * judges the credential: only a caller with a valid one may send more than a few KiB. Afterwards the body may
 * be collected up to body_limit; or there is a reply, or the exchange is paused and is resumed with one. */
void exchange_admit_body(struct exchange *exchange, unsigned long long length);

/* The same for a body that holds a file. False, and nothing has happened, if the endpoint takes none: then it
 * is a body like any other. */
bool exchange_admit_file(struct exchange *exchange, unsigned long long length);

/* Whether the caller is known: its credential was found to be valid. */
bool exchange_is_proven(const struct exchange *exchange);

/* Pauses the exchange unless it is paused already. */
void exchange_pause(struct exchange *exchange);

/* Makes an error the reply, instead of serving the request. */
void exchange_refuse(struct exchange *exchange, const struct error *err);

/* The origin that the reply must name: that of the request if it is a configured one, else NULL. */
const char *exchange_allowed_origin(const struct exchange *exchange);

/* Writes the access line, and the audit line of a change, to the log. */
void exchange_log(const struct exchange *exchange, bool delivered);

void exchange_release(struct exchange *exchange);

#endif
