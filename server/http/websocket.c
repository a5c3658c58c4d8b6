/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frames of a WebSocket. */
#include "server/http/websocket.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* of RFC 6455 */
#define FIN  0x80
#define MASK 0x80

enum { CONTINUATION, TEXT, BINARY, CLOSE = 8, PING, PONG };

static uint8_t opcode_of(const struct websocket *websocket)
{
    return websocket->head[0] & 0x0f;
}

/* How long the head is, as far as that is known. */
static size_t find_head_length(const struct websocket *websocket)
{
    uint8_t length = websocket->head_length >= 2 ? websocket->head[1] & 0x7f : 0;

    return websocket->head_length < 2 ? 2 : 2 + (length == 126 ? 2U : length == 127 ? 8U : 0U) + 4;
}

static uint64_t read_length(const struct websocket *websocket)
{
    size_t short_length = websocket->head[1] & 0x7f, count = short_length == 126 ? 2 : 8;
    uint64_t length = 0;

    if (short_length < 126)
        return short_length;
    for (size_t i = 0; i < count; i++)
        length = length << 8 | websocket->head[2 + i];
    return length;
}

static void add_frame(uint8_t opcode, const void *bytes, size_t length, struct text *frame)
{
    uint8_t head[10] = {FIN | opcode, (uint8_t)length};
    size_t size = 2;

    if (length > 125) {
        size_t count = length > 0xffff ? 8 : 2;
        head[1] = count == 8 ? 127 : 126;
        for (size_t i = 0; i < count; i++)
            head[2 + i] = (uint8_t)((uint64_t)length >> (8 * (count - 1 - i)));
        size += count;
    }
    text_append_bytes(frame, head, size);
    text_append_bytes(frame, bytes, length);
}

void websocket_encode(const void *bytes, size_t length, struct text *frame)
{
    add_frame(BINARY, bytes, length, frame);
}

/* Whether a frame with this head may come now. */
static bool begin_frame(struct websocket *websocket)
{
    uint8_t opcode = opcode_of(websocket);
    bool last = (websocket->head[0] & FIN) != 0, control = opcode >= CLOSE;

    websocket->left = read_length(websocket);
    websocket->position = 0;
    websocket->control_length = 0;
    websocket->in_payload = true;
    if ((websocket->head[0] & 0x70) != 0 || opcode > PONG || (opcode > BINARY && opcode < CLOSE) ||
        websocket->left > WEBSOCKET_FRAME_LIMIT)
        return false;
    if (control)
        return last && websocket->left <= WEBSOCKET_CONTROL;
    if ((opcode == CONTINUATION) != websocket->in_message)
        return false;
    websocket->in_message = !last;
    return true;
}

static void end_frame(struct websocket *websocket, struct text *answer)
{
    if (opcode_of(websocket) == PING)
        add_frame(PONG, websocket->control, websocket->control_length, answer);
    websocket->closed = opcode_of(websocket) == CLOSE;
    websocket->in_payload = false;
    websocket->head_length = 0;
}

static void take_payload(struct websocket *websocket, uint8_t byte, struct text *payload)
{
    const uint8_t *mask = websocket->head + websocket->head_length - 4;
    uint8_t plain = byte ^ mask[websocket->position++ % 4];

    websocket->left--;
    if (opcode_of(websocket) >= CLOSE)
        websocket->control[websocket->control_length++] = plain;
    else
        text_append_bytes(payload, &plain, 1);
}

bool websocket_decode(struct websocket *websocket, const uint8_t *bytes, size_t length, struct text *payload,
                      struct text *answer)
{
    for (size_t i = 0; i < length && !websocket->closed; i++) {
        if (websocket->in_payload) {
            take_payload(websocket, bytes[i], payload);
        } else {
            websocket->head[websocket->head_length++] = bytes[i];
            if (websocket->head_length == 2 && (bytes[i] & MASK) == 0)
                return false;
            if (websocket->head_length < find_head_length(websocket))
                continue;
            if (!begin_frame(websocket))
                return false;
        }
        if (websocket->left == 0)
            end_frame(websocket, answer);
    }
    return true;
}

void websocket_accept(const char *key, char ret[static WEBSOCKET_ACCEPT_SIZE])
{
    autofree char *joined = xasprintf("%s" GUID, key);
    unsigned char hash[20];
    gnutls_datum_t code, plain = {hash, sizeof(hash)};

    if (gnutls_hash_fast(GNUTLS_DIG_SHA1, joined, strlen(joined), hash) != 0 ||
        gnutls_base64_encode2(&plain, &code) != 0 || code.size != WEBSOCKET_ACCEPT_SIZE - 1)
        abort();
    memcpy(ret, code.data, code.size);
    ret[code.size] = '\0';
    gnutls_free(code.data);
}
