/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a terminal's client sends, in xterm.js's framing: first a line of its own, then "0:LENGTH:BYTES" for
 * what is typed, "1:COLUMNS:ROWS:" and "2" to keep the connection alive. A serial port has no size, so that
 * is dropped. Pure: no sockets. */
#ifndef HOSTPCI_SERVER_HTTP_TERMINAL_H
#define HOSTPCI_SERVER_HTTP_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

#define TERMINAL_LENGTH_LIMIT 1000000 /* of the bytes in one frame; they are not kept */

/* Zeroed before the first byte. */
struct terminal {
    enum { TERMINAL_LINE, TERMINAL_KIND, TERMINAL_COUNT, TERMINAL_BYTES, TERMINAL_SIZE } state;
    size_t position; /* in the line */
    size_t left;     /* of a count's bytes */
    int colons;      /* that a size still has */
};

/* Takes what the client sent; what was typed is added to *typed. `line` is what it must say first, without
 * the line's end. False if it says something else, or breaks the framing. */
bool terminal_decode(struct terminal *terminal, const char *line, const char *bytes, size_t length,
                     struct text *typed);

/* Whether it has said its line. */
bool terminal_is_proven(const struct terminal *terminal);

#endif
