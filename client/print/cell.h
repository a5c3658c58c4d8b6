/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cells: text that is safe for a terminal, and measured in its columns.
 *
 * A server may send anything. A cell holds only what the locale can show; control characters are escaped as
 * \n, \t, \x1b or \u009b, so that no text can move the cursor or change the terminal's title. Widths are
 * those of wcwidth(3), so setlocale(LC_CTYPE, "") must have been called; without it everything but ASCII is
 * escaped. */
#ifndef HOSTPCI_CLIENT_PRINT_CELL_H
#define HOSTPCI_CLIENT_PRINT_CELL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* A safe copy of UTF-8 text, which the caller frees. Invalid bytes become \xNN. */
char *cell_escape(const char *text);

/* Adds safe copies of the lines of a text, each indented by `indent`. Lines may also end with \r\n, as those
 * of QEMU's monitor do. */
void cell_escape_lines(const char *text, const char *indent, struct text *ret);

/* A value on one line: a string as it is (escaped), a number, 1 or 0 for booleans, "" for null or NULL,
 * compact JSON for arrays and objects. The caller frees it. */
char *cell_of_value(const json_t *value);

/* The number of columns that a cell takes. */
size_t cell_width(const char *cell);

/* The number of bytes of `cell` that fit into `limit` columns, at least one character. The break is after a
 * blank or a comma if there is one beyond the first third. *ret_width is the width of these bytes without
 * the blanks at their end. */
size_t cell_break(const char *cell, size_t limit, size_t *ret_width);

/* The escape sequence for the colour of a judgement, such as a verdict or a severity; "" for any other word.
 */
const char *cell_colour(const char *word);

/* Adds the first `length` bytes of a cell without the blanks at their end. `type` is "" or an escape sequence
 * such as cell_colour returns, which applies to these bytes only. */
void cell_draw(const char *cell, size_t length, const char *type, struct text *ret);

/* Adds a cell in lines of at most `width` columns (0: on one line); all lines but the first are indented by
 * `indent` blanks. */
void cell_wrap(const char *cell, size_t width, size_t indent, const char *type, struct text *ret);

/* Whether the locale shows UTF-8. */
bool cell_is_utf8(void);

#endif
