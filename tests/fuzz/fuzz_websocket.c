/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a client sends as frames: it is taken or refused the same whether it comes at once or byte by byte,
 * and no more is made of it than came. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct websocket whole = {0}, parts = {0};
    autotext struct text payload = {0}, answer = {0}, other = {0}, ignored = {0};
    bool good = websocket_decode(&whole, data, size, &payload, &answer), same = true;

    for (size_t i = 0; i < size && same; i++)
        same = websocket_decode(&parts, data + i, 1, &other, &ignored);
    if (good != same || payload.length + answer.length > size || payload.length != other.length ||
        (payload.length > 0 && memcmp(payload.data, other.data, payload.length) != 0))
        abort();
    return 0;
}
