/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connections of a listening socket: how many there are, from where, and how long each may take.
 *
 * libmicrohttpd's own timeout begins anew with every byte, so that a client which sends a byte now and then
 * keeps its place for ever; and it does not look at a client that closed in the middle of a request. So each
 * connection has a deadline of ours. What is late, and what waits for a peer that is gone, is shut down; then
 * libmicrohttpd closes it.
 *
 * A network (server/http/peer.h) has at most a quarter of the places. When all are taken, a newcomer gets the
 * place of whoever has waited longest without a request that is being answered: of those without a valid
 * credential first, and of these from the network that has most connections. So strangers can take no place
 * from a caller who has proved himself.
 *
 * Thread-safe. The times are by clock_microseconds. */
#ifndef HOSTPCI_SERVER_HTTP_CONNECTIONS_H
#define HOSTPCI_SERVER_HTTP_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "server/http/peer.h"

#define CONNECTIONS_HEAD_SECONDS  10   /* from accept(2) to the end of the first head */
#define CONNECTIONS_IDLE_SECONDS  30   /* from the end of a reply to the end of the next head */
#define CONNECTIONS_BODY_SECONDS  10   /* for a body, and more for each byte that has come */
#define CONNECTIONS_REPLY_SECONDS 30   /* for a reply, and more for each of its bytes */
#define CONNECTIONS_BYTES         4096 /* take a second of the slowest client that is waited for */

struct connections;

enum connection_phase {
    CONNECTION_WAITS,   /* for a head; also before the first one, and during the handshake of TLS */
    CONNECTION_BODY,    /* its body is being received */
    CONNECTION_ANSWERS, /* its request is being answered: there is no deadline */
    CONNECTION_REPLY,   /* its reply is being sent */
};

/* Lies in the connection's context. Only connections.c looks into it. */
struct connection {
    struct connections *all;
    struct connection *next, *previous;
    struct origin *origin; /* its network, and how many others there are from there */
    int fd;
    bool proven, cut;
    enum connection_phase phase;
    long long since, deadline; /* 0: none */
    long long suspected;       /* the deadline at which its peer was found to be gone; 0: it was not */
};

struct connections *connections_new(unsigned limit);
void connections_free(struct connections *all); /* takes NULL; nothing may be left in it */

/* Adds a connection that waits for its first head. It is shut down at once if its network has its share
 * already, unless it is `proven` by the kernel; if there are too many now, another one is. The descriptor
 * must stay open until connections_remove. */
void connections_add(struct connections *all, struct connection *connection, int fd,
                     const struct network *network, bool proven);
void connections_remove(struct connection *connection);

/* It is in this phase, and has so many seconds since that began, and more for each byte; CONNECTION_ANSWERS
 * has no end. */
void connections_enter(struct connection *connection, enum connection_phase phase, unsigned seconds,
                       size_t bytes);

/* Its caller has shown a valid credential. */
void connections_prove(struct connection *connection);

/* Shuts down what is late at `now`, and what was found without a peer in two calls. Called now and then. */
void connections_cut_late(struct connections *all, long long now);

/* Shuts down what is neither being answered nor sent a reply. */
void connections_cut_waiting(struct connections *all);

#endif
