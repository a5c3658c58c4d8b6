/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Quoting words for a shell. */
#include "base/shell.h"

#include <string.h>

#include "base/memory.h"

/* Characters that mean nothing to a shell; a word with any other is quoted. */
#define PLAIN_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_"

static bool is_text(const char *word)
{
    autojson json_t *string = json_string(word); /* NULL if it is not UTF-8 */

    for (; *word != '\0'; word++)
        if ((unsigned char)*word < ' ' || *word == 0x7f)
            return false;
    return string != NULL;
}

/* Writes $'...', which bash reads, and every shell that follows POSIX of 2024. */
static void quote_bytes(struct text *text, const char *word)
{
    text_append(text, "$'");
    for (; *word != '\0'; word++)
        if (*word == '\'' || *word == '\\')
            text_printf(text, "\\%c", *word);
        else if (*word < ' ' || *word > '~')
            text_printf(text, "\\%03o", (unsigned char)*word);
        else
            text_append_bytes(text, word, 1);
    text_append(text, "'");
}

void shell_quote(struct text *text, const char *word)
{
    if (!is_text(word)) {
        quote_bytes(text, word);
        return;
    }
    if (word[0] != '\0' && word[strspn(word, PLAIN_CHARACTERS)] == '\0') {
        text_append(text, word);
        return;
    }
    text_append(text, "'");
    for (; *word != '\0'; word++)
        if (*word == '\'')
            text_append(text, "'\\''");
        else
            text_append_bytes(text, word, 1);
    text_append(text, "'");
}
