/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests: cells show any text safely, and their width is known. */
#include <criterion/criterion.h>
#include <locale.h>

#include "base/memory.h"
#include "client/print/cell.h"

static void utf8(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
}

static void expect_escape(const char *text, const char *expected)
{
    autofree char *cell = cell_escape(text);

    cr_expect_str_eq(cell, expected);
}

TestSuite(client_cell, .init = utf8);

Test(client_cell, readable_text_stays_as_it_is)
{
    expect_escape("Navi 21 [Radeon] – é カード", "Navi 21 [Radeon] – é カード");
}

Test(client_cell, control_characters_do_not_reach_the_terminal)
{
    expect_escape("a\nb\tc", "a\\nb\\tc");
    expect_escape("\033]0;title\007", "\\x1b]0;title\\x07");
    expect_escape("\x7f", "\\x7f");
    expect_escape("\xc2\x9b"
                  "31m",
                  "\\u009b31m");
}

Test(client_cell, marks_that_turn_the_direction_of_text_are_shown)
{
    expect_escape("a\u202eb", "a\\u202eb");
}

Test(client_cell, bytes_that_are_not_utf8_are_shown_one_by_one)
{
    expect_escape("\xff\xc3", "\\xff\\xc3");
    expect_escape("\xc0\xaf", "\\xc0\\xaf");          /* '/' in two bytes */
    expect_escape("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* half of a surrogate pair */
}

Test(client_cell, outside_a_utf8_locale_only_ascii_is_shown)
{
    setlocale(LC_CTYPE, "C");
    expect_escape("caf\u00e9", "caf\\u00e9");
}

Test(client_cell, width_counts_columns_not_bytes)
{
    cr_expect_eq(cell_width("abc"), 3);
    cr_expect_eq(cell_width("é"), 1);
    cr_expect_eq(cell_width("e\u0301"), 1, "a combining accent takes no column");
    cr_expect_eq(cell_width("カード"), 6, "two columns each");
}

Test(client_cell, values_become_one_line)
{
    static const struct {
        const char *json;
        const char *cell;
    } cases[] = {
        {"null", ""},
        {"true", "1"},
        {"0", "0"},
        {"-17", "-17"},
        {"0.1", "0.1"},
        {"\"two\\nlines\"", "two\\nlines"},
        {"[{\"id\": \"x\", \"ok\": [1, 2]}]", "[{\"id\":\"x\",\"ok\":[1,2]}]"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autojson json_t *value = json_loads(cases[i].json, JSON_DECODE_ANY, NULL);
        autofree char *cell = cell_of_value(value);
        cr_expect_str_eq(cell, cases[i].cell);
    }
}

static void expect_break(const char *cell, size_t limit, size_t bytes, size_t width)
{
    size_t got = 0;

    cr_expect_eq(cell_break(cell, limit, &got), bytes, "'%s' at %zu", cell, limit);
    cr_expect_eq(got, width, "'%s' at %zu: %zu columns", cell, limit, got);
}

Test(client_cell, long_cells_break_between_words)
{
    expect_break("fits", 4, 4, 4);
    expect_break("one two three", 9, 8, 7);
    expect_break("one two three", 7, 8, 7);
    expect_break("[1,2,3,4]", 6, 5, 5);
}

Test(client_cell, words_that_are_too_long_break_anywhere_between_characters)
{
    expect_break("AAAAAAAAAA", 4, 4, 4);
    expect_break("a AAAAAAAAAAAAAA", 12, 12, 12);
    expect_break("カード", 3, strlen("カ"), 2);
    expect_break("カ", 1, strlen("カ"), 2);
}

Test(client_cell, lines_are_escaped_one_by_one)
{
    autotext struct text text = {0};

    cell_escape_lines("one\n\ntwo\033\nthree", "> ", &text);
    cr_expect_str_eq(text_string(&text), "> one\n> \n> two\\x1b\n> three\n");
}

Test(client_cell, only_words_that_judge_have_a_colour)
{
    cr_expect_str_eq(cell_colour("ready"), "\033[32m");
    cr_expect_str_eq(cell_colour("warning"), "\033[33m");
    cr_expect_str_eq(cell_colour("critical"), "\033[31m");
    cr_expect_str_eq(cell_colour("idle"), "");
    cr_expect_str_eq(cell_colour(""), "");
}

Test(client_cell, lines_may_end_as_those_of_a_terminal_do)
{
    autotext struct text text = {0};

    cell_escape_lines("one\r\nt\rwo\r\nthree\r", "", &text);
    cr_expect_str_eq(text_string(&text), "one\nt\\x0dwo\nthree\\x0d\n");
}
