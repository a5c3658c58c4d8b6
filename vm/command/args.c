/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user's own arguments (key args), split as a shell does: blanks separate words, quotes and backslashes
 * keep them together. Nothing is expanded. */
#include <string.h>

#include "base/text.h"
#include "vm/command/parts.h"

#define BLANKS " \t\r\n"

/* Appends the text between the quote at *at and the closing one, and moves *at past that. False if there
 * is no closing one. */
static bool take_quoted(const char **at, struct text *word)
{
    char quote = *(*at)++;

    for (; **at != '\0' && **at != quote; (*at)++) {
        if (quote == '"' && **at == '\\' && ((*at)[1] == '"' || (*at)[1] == '\\'))
            (*at)++;
        text_append_bytes(word, *at, 1);
    }
    if (**at == '\0')
        return false;
    (*at)++;
    return true;
}

static bool take_word(const char **at, struct text *word)
{
    while (**at != '\0' && strchr(BLANKS, **at) == NULL) {
        if (**at == '\'' || **at == '"') {
            if (!take_quoted(at, word))
                return false;
            continue;
        }
        if (**at == '\\' && (*at)[1] != '\0')
            (*at)++;
        text_append_bytes(word, (*at)++, 1);
    }
    return true;
}

int vm_build_add_arguments(struct vm_build *build, struct error *err)
{
    const char *at = vm_build_text(build, "args");

    for (; at != NULL && *(at += strspn(at, BLANKS)) != '\0';) {
        autotext struct text word = {0};
        if (!take_word(&at, &word))
            return error_set_field(err, "args", "args: a quote is not closed");
        vm_build_add(build, VM_TAIL, text_string(&word), NULL);
    }
    return 0;
}
