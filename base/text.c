/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A string that grows, and string predicates. */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void reserve(struct text *text, size_t more)
{
    size_t needed = text->length + more + 1;

    if (needed <= text->space)
        return;
    size_t space = text->space * 2 > needed ? text->space * 2 : needed;
    text->data = xrealloc(text->data, space, 1);
    text->space = space;
}

void text_append_bytes(struct text *text, const void *bytes, size_t count)
{
    reserve(text, count);
    memcpy(text->data + text->length, bytes, count);
    text->length += count;
    text->data[text->length] = '\0';
}

void text_append(struct text *text, const char *string)
{
    text_append_bytes(text, string, strlen(string));
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length > 0) {
        reserve(text, (size_t)length);
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void text_append_real(struct text *text, double number)
{
    char digits[32];

    snprintf(digits, sizeof(digits), "%.15g", number);
    if (strtod(digits, NULL) != number)
        snprintf(digits, sizeof(digits), "%.17g", number);
    text_append(text, digits);
}

const char *text_string(const struct text *text)
{
    return text->data != NULL ? text->data : "";
}

char *text_take(struct text *text)
{
    reserve(text, 0);
    text->data[text->length] = '\0';
    char *data = TAKE(text->data);
    *text = (struct text){0};
    return data;
}

void text_release(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}

bool text_starts_with(const char *string, const char *prefix)
{
    return strncmp(string, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *string, const char *suffix)
{
    size_t length = strlen(string), ending = strlen(suffix);

    return length >= ending && strcmp(string + length - ending, suffix) == 0;
}

bool text_to_number(const char *string, int base, unsigned long long limit, unsigned long long *ret)
{
    char *end;

    /* strtoull alone would accept blanks, a sign and "0x" */
    if (!(base == 16 ? isxdigit((unsigned char)string[0]) : isdigit((unsigned char)string[0])))
        return false;
    if (base == 16 && string[1] != '\0' && !isxdigit((unsigned char)string[1]))
        return false;
    errno = 0;
    unsigned long long number = strtoull(string, &end, base);
    if (errno != 0 || *end != '\0' || number > limit)
        return false;
    *ret = number;
    return true;
}

char *text_trim(char *string)
{
    while (isspace((unsigned char)*string))
        string++;
    size_t length = strlen(string);
    while (length > 0 && isspace((unsigned char)string[length - 1]))
        length--;
    string[length] = '\0';
    return string;
}

/* U+2028 and U+2029, which end a line, and the marks that change the order in which text is shown: U+061C,
 * U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069. */
static bool reorders(const unsigned char *c)
{
    if (c[0] == 0xd8)
        return c[1] == 0x9c;
    if (c[0] != 0xe2)
        return false;
    return (c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae))) ||
           (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9);
}

size_t text_printable_length(const char *string)
{
    const unsigned char *c = (const unsigned char *)string;
    size_t length = c[0] < 0x80 ? 1 : c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;

    if (c[0] < 0x20 || c[0] == 0x7f || (c[0] >= 0x80 && c[0] < 0xc2) || c[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    /* C1 controls, overlong encodings, surrogates, beyond U+10FFFF */
    if ((c[0] == 0xc2 && c[1] < 0xa0) || (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
        (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
        return 0;
    return reorders(c) ? 0 : length;
}
