/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frames of a WebSocket; the examples are those of RFC 6455. */
#include "server/http/websocket.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"

#define HELLO "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"

static bool decode(struct websocket *websocket, const char *bytes, size_t length, struct text *payload,
                   struct text *answer)
{
    return websocket_decode(websocket, (const uint8_t *)bytes, length, payload, answer);
}

static void is_refused(const char *bytes, size_t length)
{
    struct websocket websocket = {0};
    autotext struct text payload = {0}, answer = {0};

    cr_expect_not(decode(&websocket, bytes, length, &payload, &answer));
}

Test(websocket, takes_frames_in_any_pieces)
{
    struct websocket websocket = {0};
    autotext struct text payload = {0}, answer = {0};

    for (size_t i = 0; i + 1 < sizeof(HELLO); i++)
        cr_assert(decode(&websocket, &HELLO[i], 1, &payload, &answer));
    cr_expect_str_eq(text_string(&payload), "Hello");
    cr_assert(decode(&websocket, HELLO, sizeof(HELLO) - 1, &payload, &answer));
    cr_expect_str_eq(text_string(&payload), "HelloHello");
    cr_expect_eq(answer.length, 0);
}

Test(websocket, takes_fragments_with_a_ping_between_them)
{
    struct websocket websocket = {0};
    autotext struct text payload = {0}, answer = {0};

    cr_assert(
        decode(&websocket, "\x02\x81\0\0\0\0a\x89\x81\0\0\0\0p\x80\x81\0\0\0\0b", 21, &payload, &answer));
    cr_expect_str_eq(text_string(&payload), "ab");
    cr_expect_str_eq(text_string(&answer), "\x8a\x01p");
    cr_assert(decode(&websocket, "\x88\x80\0\0\0\0\x82", 7, &payload, &answer));
    cr_expect(websocket.closed);
}

Test(websocket, refuses_what_breaks_the_protocol)
{
    is_refused("\x82\x01", 2);                              /* no mask */
    is_refused("\xc2\x80\0\0\0\0", 6);                      /* a reserved bit */
    is_refused("\x80\x80\0\0\0\0", 6);                      /* nothing to go on with */
    is_refused("\x02\x80\0\0\0\0\x82\x80\0\0\0\0", 12);     /* a message in another */
    is_refused("\x09\x80\0\0\0\0", 6);                      /* a ping in pieces */
    is_refused("\x89\xfe\0\x7e\0\0\0\0", 8);                /* a ping of 126 bytes */
    is_refused("\x82\xff\0\0\0\0\0\x02\0\x01\0\0\0\0", 14); /* 128 KiB and one byte */
    is_refused("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14);
}

Test(websocket, frames_have_the_shortest_length)
{
    static const size_t lengths[] = {0, 125, 126, 65535, 65536}, heads[] = {2, 2, 4, 4, 10};

    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        autofree char *bytes = xcalloc(1, lengths[i] + 1);
        autotext struct text frame = {0};
        websocket_encode(bytes, lengths[i], &frame);
        cr_expect_eq(frame.length, heads[i] + lengths[i]);
    }
}
