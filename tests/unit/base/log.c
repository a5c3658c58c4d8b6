/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of the log, which anybody may have had a say in. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

static void expect_line(const char *message, const char *line)
{
    char written[256] = "";
    int ends[2], before = dup(STDERR_FILENO);

    unsetenv("JOURNAL_STREAM");
    cr_assert_eq(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    log_info("%s", message);
    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[1]);
    cr_assert_gt(read(ends[0], written, sizeof(written) - 1), 0);
    close(ends[0]);
    cr_expect_str_eq(written, line, "%s", written);
}

Test(log, shows_what_could_steer_a_terminal_or_forge_a_line)
{
    static const struct {
        const char *message, *line;
    } cases[] = {
        {"plain, with \"quotes\" and \\", "plain, with \"quotes\" and \\\n"},
        {"a\nb\rc\td\x7f", "a\\x0ab\\x0dc\\x09d\\x7f\n"},
        {"\x1b[31mred", "\\x1b[31mred\n"},
        {"grün, 日本, \xf0\x9f\x98\x80", "grün, 日本, \xf0\x9f\x98\x80\n"},
        {"\xc2\x9b"
         "31m",
         "\\xc2\\x9b"
         "31m\n"}, /* CSI, as one character */
        {"\x9b"
         "31m",
         "\\x9b"
         "31m\n"},                             /* and as one byte */
        {"\xc3(", "\\xc3(\n"},                 /* not UTF-8 */
        {"\xc0\x8a", "\\xc0\\x8a\n"},          /* a newline, too long */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80\n"}, /* a surrogate */
        {"a\xe2\x80\xae"
         "b\xe2\x80\xa8"
         "c\xd8\x9c",
         "a\\xe2\\x80\\xae"
         "b\\xe2\\x80\\xa8"
         "c\\xd8\\x9c\n"}, /* right to left, a line's end, a mark */
        {"cut: \xe6\x97", "cut: \\xe6\\x97\n"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        expect_line(cases[i].message, cases[i].line);
}
