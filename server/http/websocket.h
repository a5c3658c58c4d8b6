/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frames of a WebSocket (RFC 6455), the server's side. Pure: no sockets.
 *
 * A message's borders and kind mean nothing here: the payloads are one stream of bytes. Frames of a client
 * must be masked; they may be fragmented, and have at most WEBSOCKET_FRAME_LIMIT bytes. No more is kept than
 * a frame's head and the payload of one control frame. */
#ifndef HOSTPCI_SERVER_HTTP_WEBSOCKET_H
#define HOSTPCI_SERVER_HTTP_WEBSOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define WEBSOCKET_FRAME_LIMIT ((uint64_t)128 * 1024)
#define WEBSOCKET_HEAD_LIMIT  14
#define WEBSOCKET_CONTROL     125
#define WEBSOCKET_ACCEPT_SIZE 29

/* Zeroed before the first byte. */
struct websocket {
    uint8_t head[WEBSOCKET_HEAD_LIMIT], control[WEBSOCKET_CONTROL];
    size_t head_length, control_length;
    uint64_t left, position; /* of the frame's payload */
    bool in_payload, in_message, closed;
};

/* Takes what a client sent: payload is added to *payload, and what is to be answered at once (pongs, whole
 * frames) to *answer. False if it breaks the protocol: the connection is of no use then. `closed` is set by
 * a close frame, after which nothing is taken. */
bool websocket_decode(struct websocket *websocket, const uint8_t *bytes, size_t length, struct text *payload,
                      struct text *answer);

/* Adds one binary frame, unmasked. */
void websocket_encode(const void *bytes, size_t length, struct text *frame);

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key. */
void websocket_accept(const char *key, char ret[static WEBSOCKET_ACCEPT_SIZE]);

#endif
