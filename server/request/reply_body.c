/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The body of a reply: bytes, their tag, and the bytes compressed. */
#include "server/request/reply_body.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/hash.h"
#include "base/memory.h"

/* When a text of this size or more is freed, its memory is given back to the system. */
#define LARGE     ((size_t)256 * 1024)
#define TAG_SIZE  (sizeof("W/\"\"") + SHA1_HEX_SIZE)
#define GZIP_BITS (MAX_WBITS + 16) /* zlib's way to ask for gzip's header */

struct reply_body {
    atomic_uint references;
    const char *bytes;
    size_t length;
    char *text; /* the same, if it is ours to free; else NULL */
    pthread_mutex_t
        mutex; /* guards what follows, which is made when it is first asked for, and never changes then */
    char tag[TAG_SIZE];
    unsigned char *packed;
    size_t packed_length;
};

struct reply_body *reply_body_borrow(const char *bytes, size_t length)
{
    struct reply_body *body = xcalloc(1, sizeof(*body));

    body->references = 1;
    body->bytes = bytes;
    body->length = length;
    pthread_mutex_init(&body->mutex, NULL);
    return body;
}

struct reply_body *reply_body_new(char *text, size_t length)
{
    struct reply_body *body = reply_body_borrow(text, length);

    body->text = text;
    return body;
}

struct reply_body *reply_body_share(struct reply_body *body)
{
    atomic_fetch_add(&body->references, 1);
    return body;
}

void reply_body_release(struct reply_body *body)
{
    if (body == NULL || atomic_fetch_sub(&body->references, 1) > 1)
        return;
    bool large = body->text != NULL && body->length >= LARGE;
    pthread_mutex_destroy(&body->mutex);
    free(body->text);
    free(body->packed);
    free(body);
    if (large)
        malloc_trim(0);
}

const char *reply_body_bytes(const struct reply_body *body)
{
    return body->bytes;
}

size_t reply_body_length(const struct reply_body *body)
{
    return body->length;
}

const void *reply_body_packed(const struct reply_body *body, size_t *ret_length)
{
    *ret_length = body->packed_length;
    return body->packed;
}

const char *reply_body_tag(struct reply_body *body)
{
    char hash[SHA1_HEX_SIZE];

    pthread_mutex_lock(&body->mutex);
    if (body->tag[0] == '\0') {
        hash_sha1(body->bytes, body->length, hash);
        snprintf(body->tag, sizeof(body->tag), "W/\"%s\"", hash);
    }
    pthread_mutex_unlock(&body->mutex);
    return body->tag;
}

/* The quickest level is enough: it makes JSON ten times smaller. */
static void pack(struct reply_body *body)
{
    z_stream stream = {.next_in = (z_const Bytef *)(uintptr_t)body->bytes, .avail_in = (uInt)body->length};

    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, GZIP_BITS, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
        abort(); /* no memory */
    size_t space = deflateBound(&stream, body->length);
    unsigned char *packed = xcalloc(space, 1);
    stream.next_out = packed;
    stream.avail_out = (uInt)space;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        abort(); /* cannot happen: there is room */
    body->packed_length = stream.total_out;
    body->packed = xrealloc(packed, body->packed_length, 1);
    deflateEnd(&stream);
}

bool reply_body_pack(struct reply_body *body)
{
    if (body->length <= REPLY_PACK_LENGTH || body->length > UINT32_MAX)
        return false;
    pthread_mutex_lock(&body->mutex);
    if (body->packed == NULL)
        pack(body);
    pthread_mutex_unlock(&body->mutex);
    return true;
}
