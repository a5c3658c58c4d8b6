/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connections of a listening socket: how many there are, from where, and how long each may take.
 *
 * libmicrohttpd's own timeout restarts on every byte, so that a client which sends a byte now and then keeps
 * its connection for ever; nor does it notice a client that hangs up in the middle of a request. So each
 * connection has a deadline of ours. A connection that is late, or whose peer is gone, is shut down; then
 * libmicrohttpd closes it.
 *
 * A network (server/http/peer.h) may have at most a quarter of all connections. When there are too many, a
 * new connection evicts the one that has been idle longest, where one whose request is being answered is not
 * idle. Connections without a valid credential go first, and of these the ones from the network that has
 * most. So strangers cannot evict a caller who is authenticated.
 *
 * Thread-safe. The times are by clock_microseconds. */
#ifndef HOSTPCI_SERVER_HTTP_CONNECTIONS_H
#define HOSTPCI_SERVER_HTTP_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "server/http/peer.h"

#define CONNECTIONS_HEAD_SECONDS  10   /* from accept(2) to the end of the first head */
#define CONNECTIONS_IDLE_SECONDS  30   /* from the end of a reply to the end of the next head */
#define CONNECTIONS_BODY_SECONDS  10   /* for a body, plus time for each byte received */
#define CONNECTIONS_REPLY_SECONDS 30   /* for a reply, plus time for each of its bytes */
#define CONNECTIONS_BYTES         4096 /* bytes per second of the slowest client that is tolerated */

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
    struct origin *origin; /* its network, and how many connections that has */
    int fd;
    bool proven, cut;
    enum connection_phase phase;
    long long since, deadline; /* 0: none */
    long long suspected;       /* its deadline when its peer was found to be gone; 0: the peer is there */
};

struct connections *connections_new(unsigned limit);
void connections_free(struct connections *all); /* takes NULL; nothing may be left in it */

/* Adds a connection that waits for its first head. If its network has its share already, it is shut down at
 * once, unless it is `proven` by the kernel; if there are too many connections now, another one is. The
 * descriptor must stay open until connections_remove. */
void connections_add(struct connections *all, struct connection *connection, int fd,
                     const struct network *network, bool proven);
void connections_remove(struct connection *connection);

/* Enters `phase`. Its deadline is `seconds` from the beginning of the phase, plus time for `bytes`;
 * CONNECTION_ANSWERS has none. */
void connections_enter(struct connection *connection, enum connection_phase phase, unsigned seconds,
                       size_t bytes);

/* The caller calls this when the connection has shown a valid credential. */
void connections_prove(struct connection *connection);

/* Shuts down the connections that are late at `now`, and those whose peer was found to be gone in two
 * consecutive calls. Call it periodically. */
void connections_cut_late(struct connections *all, long long now);

/* Shuts down the connections that are neither being answered nor sent a reply. */
void connections_cut_waiting(struct connections *all);

#endif
