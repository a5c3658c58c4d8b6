/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log: a line for each event on standard error. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"

void log_line(enum log_level level, const char *format, ...)
{
    autotext struct text line = {0};
    char message[4096];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (getenv("JOURNAL_STREAM") != NULL)
        text_printf(&line, "<%d>", (int)level);
    else if (level != LOG_LEVEL_INFO)
        text_append(&line, level == LOG_LEVEL_ERROR ? "error: " : "warning: ");
    for (const char *c = message; *c != '\0';) {
        size_t length = text_printable_length(c);
        if (length > 0)
            text_append_bytes(&line, c, length);
        else
            text_printf(&line, "\\x%02x", (unsigned char)*c);
        c += length > 0 ? length : 1;
    }
    text_append(&line, "\n");
    /* a single write keeps the lines of several threads whole; a failure cannot be reported anywhere */
    if (write(STDERR_FILENO, line.data, line.length) < 0)
        return;
}
