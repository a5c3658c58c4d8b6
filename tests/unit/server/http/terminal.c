/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a terminal's client sends. */
#include "server/http/terminal.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"

#define LINE "joe@pve:PVEVNC:1"

static bool decode(struct terminal *terminal, const char *bytes, struct text *typed)
{
    return terminal_decode(terminal, LINE, bytes, strlen(bytes), typed);
}

/* After its line. */
static bool is_taken(const char *bytes)
{
    struct terminal terminal = {0};
    autotext struct text typed = {0};

    return decode(&terminal, LINE "\n", &typed) && decode(&terminal, bytes, &typed);
}

Test(terminal, takes_what_is_typed_in_any_pieces)
{
    static const char all[] = LINE "\n0:5:hello21:80:24:0:0:0:2:2:20:1:\n";
    struct terminal terminal = {0};
    autotext struct text typed = {0};

    for (size_t i = 0; i + 1 < sizeof(all); i++) {
        cr_expect_eq(terminal_is_proven(&terminal), i > strlen(LINE));
        cr_assert(terminal_decode(&terminal, LINE, &all[i], 1, &typed), "%zu", i);
    }
    cr_expect_str_eq(text_string(&typed), "hello2:\n");
}

Test(terminal, refuses_another_line)
{
    static const char *const wrong[] = {"\n", "joe@pve:PVEVNC:2", LINE "1", LINE "\r\n", "ann@pve:"};

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct terminal terminal = {0};
        autotext struct text typed = {0};
        cr_expect_not(decode(&terminal, wrong[i], &typed), "%s", wrong[i]);
        cr_expect_not(terminal_is_proven(&terminal));
    }
}

Test(terminal, refuses_what_is_no_frame)
{
    static const char *const wrong[] = {
        "3",     "\n",     "0:-1:",       "0:x:",    "05:hello",
        "0:5 :", "1:80;",  "0:1000001:x", "180:24:", "0:99999999999999999999:",
        "1:a:1", "0:1:ab", "2:"};

    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        cr_expect_not(is_taken(wrong[i]), "%s", wrong[i]);
    cr_expect(is_taken("0:1000000:x"));
}
