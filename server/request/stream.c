/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies in which events are sent as they come. */
#include "server/request/stream.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "api/events.h"
#include "base/memory.h"
#include "server/request/authenticate.h"
#include "server/request/exchange.h"

#define RETRY_MS 3000 /* how long a browser waits before it connects again */
#define COMMENT  ": nothing new\n\n"

struct stream {
    struct stream *next;
    struct exchange *exchange;
    struct text text; /* what is being sent; only its reader looks into it */
    size_t sent;
    /* guarded by the mutex of all */
    bool paused, woken, comments, ended;
    long long next_comment; /* 0: not known yet */
};

struct streams {
    pthread_mutex_t mutex; /* guards what follows */
    struct stream *first;
    bool stopping;
};

struct streams *streams_new(void)
{
    struct streams *streams = xcalloc(1, sizeof(*streams));

    pthread_mutex_init(&streams->mutex, NULL);
    return streams;
}

void streams_free(struct streams *streams)
{
    if (streams == NULL)
        return;
    pthread_mutex_destroy(&streams->mutex);
    free(streams);
}

/* With the mutex held. */
static int check_places(const struct exchange *exchange, struct error *err)
{
    const char *user = exchange->request.caller.user;
    unsigned all = 0, own = 0;

    for (const struct stream *other = exchange->server->streams->first; other != NULL; other = other->next) {
        all++;
        own += strcmp(other->exchange->request.caller.user, user) == 0;
    }
    if (all >= STREAMS_LIMIT)
        return error_set(err, ERROR_BUSY, "%d streams of events are open already: try again later",
                         STREAMS_LIMIT);
    if (own >= STREAMS_OF_ONE && !peer_is_root(exchange->peer, exchange->server->owner))
        return error_set(err, ERROR_BUSY, "%s has %d streams of events open already: close one first", user,
                         STREAMS_OF_ONE);
    return 0;
}

/* A client that named no event is told at once which one it has seen, for when it connects again. */
static void greet(struct stream *stream)
{
    const struct request *request = &stream->exchange->request;

    text_printf(&stream->text, "retry: %d\n", RETRY_MS);
    if (request->last_event[0] == '\0')
        text_printf(&stream->text, "id: %s\n", request->mark);
    text_append(&stream->text, "\n");
}

int stream_begin(struct exchange *exchange, struct error *err)
{
    struct streams *streams = exchange->server->streams;

    pthread_mutex_lock(&streams->mutex);
    int result = check_places(exchange, err);
    if (result == 0) {
        struct stream *stream = xcalloc(1, sizeof(*stream));
        *stream = (struct stream){.next = streams->first, .exchange = exchange};
        greet(stream);
        exchange->stream = streams->first = stream;
    }
    pthread_mutex_unlock(&streams->mutex);
    return result;
}

void stream_end(struct exchange *exchange)
{
    struct streams *streams = exchange->server->streams;
    struct stream *stream = TAKE(exchange->stream);

    if (stream == NULL)
        return;
    pthread_mutex_lock(&streams->mutex);
    struct stream **at = &streams->first;
    while (*at != stream)
        at = &(*at)->next;
    *at = stream->next;
    pthread_mutex_unlock(&streams->mutex);
    text_release(&stream->text);
    free(stream);
}

static ssize_t take_text(struct stream *stream, char *bytes, size_t size)
{
    size_t left = stream->text.length - stream->sent, count = left < size ? left : size;

    memcpy(bytes, text_string(&stream->text) + stream->sent, count);
    stream->sent += count;
    if (stream->sent == stream->text.length) {
        text_release(&stream->text);
        stream->sent = 0;
    }
    return (ssize_t)count;
}

/* Notes that whatever came so far is being looked at. False: the stream ends. */
static bool begin_look(struct streams *streams, struct stream *stream)
{
    pthread_mutex_lock(&streams->mutex);
    bool goes_on = !stream->ended && !streams->stopping;
    if (stream->comments)
        text_append(&stream->text, COMMENT);
    stream->woken = stream->comments = false;
    pthread_mutex_unlock(&streams->mutex);
    return goes_on;
}

/* False: something came after begin_look. Whoever resumes needs the mutex, too, so it is paused before that.
 */
static bool pause_stream(struct streams *streams, struct stream *stream)
{
    pthread_mutex_lock(&streams->mutex);
    bool nothing = !stream->woken && !stream->ended && !streams->stopping;
    if (nothing) {
        stream->paused = true;
        stream->exchange->pause(stream->exchange);
    }
    pthread_mutex_unlock(&streams->mutex);
    return nothing;
}

ssize_t stream_read(struct exchange *exchange, char *bytes, size_t size)
{
    struct streams *streams = exchange->server->streams;
    struct stream *stream = exchange->stream;
    struct identity same;
    struct error ended;

    if (stream->sent > 0)
        return take_text(stream, bytes, size);
    do {
        if (!begin_look(streams, stream))
            return -1;
        events_take(&exchange->request, &stream->text);
        if (stream->text.length > 0)
            return authenticate_caller(exchange, exchange->request.endpoint, &same, &ended) == 0
                       ? take_text(stream, bytes, size)
                       : -1;
    } while (!pause_stream(streams, stream));
    return 0;
}

/* With the mutex held. */
static void resume(struct stream *stream)
{
    stream->woken = true;
    if (stream->paused)
        stream->exchange->resume(stream->exchange);
    stream->paused = false;
}

void streams_wake(void *all)
{
    struct streams *streams = all;

    pthread_mutex_lock(&streams->mutex);
    for (struct stream *stream = streams->first; stream != NULL; stream = stream->next)
        resume(stream);
    pthread_mutex_unlock(&streams->mutex);
}

void streams_look(struct streams *streams, long long now)
{
    pthread_mutex_lock(&streams->mutex);
    for (struct stream *stream = streams->first; stream != NULL; stream = stream->next) {
        if (stream->next_comment == 0)
            stream->next_comment = now + STREAM_COMMENT_SECONDS * 1000LL;
        stream->comments |= now >= stream->next_comment;
        stream->ended |= stream->paused && stream->exchange->is_left(stream->exchange);
        if (stream->comments)
            stream->next_comment = now + STREAM_COMMENT_SECONDS * 1000LL;
        if (stream->comments || stream->ended)
            resume(stream);
    }
    pthread_mutex_unlock(&streams->mutex);
}

void streams_stop(struct streams *streams)
{
    pthread_mutex_lock(&streams->mutex);
    streams->stopping = true;
    for (struct stream *stream = streams->first; stream != NULL; stream = stream->next)
        resume(stream);
    pthread_mutex_unlock(&streams->mutex);
}
