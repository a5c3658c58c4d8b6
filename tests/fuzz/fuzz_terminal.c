/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a terminal's client sends: it is taken or refused the same whether it comes at once or byte by byte,
 * and no more is typed than came. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/http/terminal.h"

#define LINE "u:t"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct terminal whole = {0}, parts = {0};
    autotext struct text typed = {0}, other = {0};
    bool good = terminal_decode(&whole, LINE, (const char *)data, size, &typed), same = true;

    for (size_t i = 0; i < size && same; i++)
        same = terminal_decode(&parts, LINE, (const char *)data + i, 1, &other);
    if (good != same || typed.length > size || typed.length != other.length ||
        terminal_is_proven(&whole) != terminal_is_proven(&parts) ||
        (typed.length > 0 && memcmp(typed.data, other.data, typed.length) != 0) ||
        (typed.length > 0 && (size < sizeof(LINE) || memcmp(data, LINE "\n", sizeof(LINE)) != 0)))
        abort();
    return 0;
}
