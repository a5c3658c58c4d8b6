/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xterm.js's framing. */
#include "server/http/terminal.h"

#define COLONS_OF_SIZE 3

static bool take_line(struct terminal *terminal, const char *line, char byte)
{
    char expected = line[terminal->position++];

    if (byte != (expected != '\0' ? expected : '\n'))
        return false;
    if (expected == '\0')
        terminal->state = TERMINAL_KIND;
    return true;
}

static bool take_kind(struct terminal *terminal, char byte)
{
    terminal->left = 0;
    terminal->colons = byte == '0' ? 1 : COLONS_OF_SIZE;
    if (byte != '2')
        terminal->state = byte == '0' ? TERMINAL_COUNT : TERMINAL_SIZE;
    return byte >= '0' && byte <= '2';
}

/* ":LENGTH:" */
static bool take_count(struct terminal *terminal, char byte)
{
    if (byte == ':' && terminal->colons-- == 0)
        terminal->state = terminal->left > 0 ? TERMINAL_BYTES : TERMINAL_KIND;
    else if (byte != ':')
        terminal->left = terminal->left * 10 + (size_t)(byte - '0');
    return byte == ':' ||
           (byte >= '0' && byte <= '9' && terminal->colons == 0 && terminal->left <= TERMINAL_LENGTH_LIMIT);
}

/* ":COLUMNS:ROWS:" */
static bool take_size(struct terminal *terminal, char byte)
{
    if (byte == ':' && --terminal->colons == 0)
        terminal->state = TERMINAL_KIND;
    return byte == ':' || (byte >= '0' && byte <= '9' && terminal->colons < COLONS_OF_SIZE);
}

static bool take_bytes(struct terminal *terminal, char byte, struct text *typed)
{
    text_append_bytes(typed, &byte, 1);
    if (--terminal->left == 0)
        terminal->state = TERMINAL_KIND;
    return true;
}

static bool take(struct terminal *terminal, const char *line, char byte, struct text *typed)
{
    switch (terminal->state) {
    case TERMINAL_LINE:
        return take_line(terminal, line, byte);
    case TERMINAL_KIND:
        return take_kind(terminal, byte);
    case TERMINAL_COUNT:
        return take_count(terminal, byte);
    case TERMINAL_SIZE:
        return take_size(terminal, byte);
    default:
        return take_bytes(terminal, byte, typed);
    }
}

bool terminal_decode(struct terminal *terminal, const char *line, const char *bytes, size_t length,
                     struct text *typed)
{
    for (size_t i = 0; i < length; i++)
        if (!take(terminal, line, bytes[i], typed))
            return false;
    return true;
}

bool terminal_is_proven(const struct terminal *terminal)
{
    return terminal->state != TERMINAL_LINE;
}
