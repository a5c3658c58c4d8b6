/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a reply carries: bytes, their tag, and what they are packed into. */
#include "server/request/reply_body.h"

#include <malloc.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/hash.h"
#include "base/memory.h"

/* From here on the memory of the text is given back to the system when it goes. */
#define LARGE     ((size_t)256 * 1024)
#define TAG_SIZE  (sizeof("W/\"\"") + SHA1_HEX_SIZE)
#define GZIP_BITS (MAX_WBITS + 16) /* zlib's way to ask for gzip's header */

struct reply_body {
    atomic_uint references;
    const char *bytes;
    size_t length;
    char *text;            /* the same, if they are ours */
    pthread_mutex_t mutex; /* guards the making of what follows, which never changes afterwards */
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

size_t reply_body_packed_length(const struct reply_body *body)
{
    return body->packed_length;
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

/* At the quickest level: JSON shrinks to a tenth with it already. */
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
        abort(); /* the bound was none */
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

static void release(void *body)
{
    reply_body_release(body);
}

struct MHD_Response *reply_body_respond(struct reply_body *body, bool packed)
{
    const void *bytes = packed ? (const void *)body->packed : body->bytes;
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        packed ? body->packed_length : body->length, (void *)(uintptr_t)bytes, release,
        reply_body_share(body));

    if (response == NULL)
        abort(); /* no memory */
    return response;
}
