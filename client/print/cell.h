/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cells: text made fit for a terminal, and measured in its columns.
 *
 * What comes from a server may hold anything. A cell holds only what the locale can show: control characters
 * become \n, \t, \x1b or \u009b, so that nobody moves the cursor or changes a title. Widths are those of
 * wcwidth(3), so setlocale(LC_CTYPE, "") comes first; without it everything beyond ASCII is escaped. */
#ifndef HOSTPCI_CLIENT_PRINT_CELL_H
#define HOSTPCI_CLIENT_PRINT_CELL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* A safe copy of UTF-8 text, which the caller frees. Invalid bytes become \xNN. */
char *cell_escape(const char *text);

/* Adds the lines of a text, each a safe copy after `indent`. */
void cell_escape_lines(const char *text, const char *indent, struct text *ret);

/* A value in one line: a string as it is (escaped), a number, 1 or 0 for booleans, "" for null or NULL,
 * compact JSON for arrays and objects. The caller frees it. */
char *cell_of_value(const json_t *value);

/* The columns that an escaped text takes. */
size_t cell_width(const char *cell);

/* The bytes of `cell` that fit into `limit` columns (at least one character), broken after a blank or a comma
 * when there is one beyond the first third; *ret_width gets their columns without blanks at the end. */
size_t cell_break(const char *cell, size_t limit, size_t *ret_width);

/* What makes a terminal show a word that judges (a verdict, a severity, a use, how it goes) in its colour;
 * "" for any other word. */
const char *cell_colour(const char *word);

/* Adds the first `length` bytes of a cell without the blanks at their end, after `type`: "" or a sequence
 * such as cell_colour gives, which is ended then. */
void cell_draw(const char *cell, size_t length, const char *type, struct text *ret);

/* Adds a cell, and a line end, in lines of at most `width` columns (0: one line); all but the first begin
 * with `indent` blanks more. */
void cell_wrap(const char *cell, size_t width, size_t indent, const char *type, struct text *ret);

/* Whether the locale shows UTF-8. */
bool cell_is_utf8(void);

#endif
