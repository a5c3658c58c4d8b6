/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An exchange is one request and its reply, as in RFC 9110. This module goes from the one to the other:
 * decode, route, authenticate, check the permission, check the node, validate, run the handler, reply. It
 * knows nothing about how bytes are received and sent; that is server/http/callbacks.h.
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
#include "server/request/stream.h"
#include "server/request/throttle.h"
#include "server/request/upload.h"

/* The other end of a connection. */
struct peer {
    bool local; /* it is connected to the Unix socket, and uid is known */
    uid_t uid;
    char address[INET6_ADDRSTRLEN];
    char network[INET6_ADDRSTRLEN]; /* all peers of a network are counted together; not "" */
};

/* Whether the peer is root, or the user who started the daemon, as the kernel says. */
bool peer_is_root(const struct peer *peer, uid_t owner);

/* What all requests share. It lives as long as the daemon. */
struct server {
    struct service *service;
    struct routes routes;
    uid_t owner; /* the uid that started the daemon: root@pam on the local socket */
    struct reply_cache *cache;
    struct coalescer coalescer;
    struct gatherer gatherer;
    struct worker_pool *workers;
    struct worker_pool *logins; /* for requests that hash a password, which is slow by design */
    struct throttle *throttle;
    struct streams *streams;
    struct budget bodies;
    struct forwarder *forwarder;  /* to other nodes; NULL outside of a cluster */
    struct worker_pool *forwards; /* for calls of other nodes */
    atomic_uint uploads;          /* in progress */
    const char *const *origins; /* of other servers' pages that may call this one; NULL, or ends with NULL */
};

#define EXCHANGE_UPLOADS    8                  /* at the same time; root on this host is not limited */
#define EXCHANGE_SMALL_BODY ((size_t)8 * 1024) /* which needs no credential */

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
    const char *host, *upgrade;                  /* Host, Upgrade */
    const char *accept, *last_event;             /* Accept, Last-Event-ID */
    const char *forwarded;                       /* PVEDisableProxy: another node has sent it */
    const char *websocket_key, *websocket_version, *websocket_protocol; /* Sec-WebSocket-... */
    struct text body;                                                   /* released once it is decoded */
    size_t body_limit;           /* how long it may be, after exchange_admit_body */
    struct identity sender;      /* who sends the body, if that may be large */
    struct budget_part reserved; /* for a large body */
    struct upload *upload;       /* a file that the body holds; NULL: there is none */

    struct decoded decoded;
    json_t *target;               /* the node that answers it (cluster/member.h); NULL: this one */
    struct cached_reply *cached;  /* what the cache has for this URI, if anything */
    struct request request;       /* its params are those of decoded, or of cached */
    struct stream *stream;        /* of a reply that goes on; NULL: it does not */
    struct reply reply;           /* empty (status 0) until there is one */
    char *login_failure;          /* why a login failed, only for the log; NULL: it did not */
    struct exchange *next_waiter; /* while it waits for a reply that another request makes */
    struct gathered *gathered;    /* while others wait for its reply: server/request/gather.h */

    /* Set by the owner. pause() is always called before another thread may call resume(). */
    void (*pause)(struct exchange *exchange);
    void (*resume)(struct exchange *exchange);
    bool (*is_left)(const struct exchange *exchange); /* whether the client has hung up */
    void *connection;
    bool paused; /* pause() was called after exchange_serve */
};

/* Answers the request. Afterwards there is a reply, or the exchange is paused. When it is resumed, either
 * there is a reply, or exchange_serve must be called again, which goes on where it stopped. */
void exchange_serve(struct exchange *exchange);

/* To be called when the headers have been received and a body of `length` bytes (REQUEST_LENGTH_UNKNOWN: how
 * long is not known) follows. It checks the credential: only a caller with a valid one may send more than
 * EXCHANGE_SMALL_BODY. Afterwards the body may be collected up to body_limit; or there is a reply; or the
 * exchange is paused and will be resumed with one. */
void exchange_admit_body(struct exchange *exchange, unsigned long long length);

/* The same for a body that holds a file. False, and nothing has happened, if the endpoint takes none: then it
 * is a body like any other. */
bool exchange_admit_file(struct exchange *exchange, unsigned long long length);

/* Whether the caller's credential was found to be valid. */
bool exchange_is_proven(const struct exchange *exchange);

/* Pauses the exchange unless it is paused already. */
void exchange_pause(struct exchange *exchange);

/* Whether the caller may call the endpoint; it becomes request.caller. */
int exchange_check_caller(struct exchange *exchange, const struct endpoint *endpoint, const json_t *params,
                          struct error *err);

/* Replies with an error instead of serving the request. */
void exchange_refuse(struct exchange *exchange, const struct error *err);

/* The same with the errors of parameters (may be NULL); who is not let in gets no body, and perhaps later. */
void exchange_refuse_unprepared(struct exchange *exchange, const struct error *err, const json_t *errors);

/* The origin that the reply must name: the request's, if that is configured, else NULL. */
const char *exchange_allowed_origin(const struct exchange *exchange);
/* Whether a browser sent it for a page that is neither ours nor configured. */
bool exchange_is_of_foreign_page(const struct exchange *exchange);

/* Writes the access line, and the audit line of a change, to the log. */
void exchange_log(const struct exchange *exchange, bool delivered);

void exchange_release(struct exchange *exchange);

#endif
