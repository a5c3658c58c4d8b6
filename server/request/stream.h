/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams: replies that have no end, in which the events that the caller may see are sent as they come.
 *
 * A stream with nothing to send is paused, and costs nothing. It is resumed by the next event, by a comment
 * each STREAM_COMMENT_SECONDS, which shows proxies and clients that it is alive, and when its client has
 * left. It ends when the caller's credential is good no longer, which is looked at before anything is sent,
 * and when the daemon stops.
 *
 * One user, with all tokens, has at most STREAMS_OF_ONE; root on this host is not limited. Thread-safe. */
#ifndef HOSTPCI_SERVER_REQUEST_STREAM_H
#define HOSTPCI_SERVER_REQUEST_STREAM_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

#define STREAMS_LIMIT          256
#define STREAMS_OF_ONE         16
#define STREAM_COMMENT_SECONDS 15

struct exchange;
struct streams;

struct streams *streams_new(void);
void streams_free(struct streams *streams); /* takes NULL; there must be no stream any more */

/* Makes the reply a stream of what comes after exchange->request.mark. */
int stream_begin(struct exchange *exchange, struct error *err);
/* The next bytes: > 0; 0: there are none, and the exchange is paused; -1: the stream ends. To be called by
 * the thread that sends the reply. */
ssize_t stream_read(struct exchange *exchange, char *bytes, size_t size);
void stream_end(struct exchange *exchange); /* of an exchange that may have none */

/* To be called after each event; `streams` is a void pointer for event_begin. */
void streams_wake(void *streams);
/* To be called each second or so. */
void streams_look(struct streams *streams, long long now);
/* Ends all streams, also those that begin later. */
void streams_stop(struct streams *streams);

#endif
