/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A string that grows, and string predicates.
 *
 * A text begins as `struct text text = {0}` or `autotext struct text text = {0}`. Its `data` is NULL until
 * something is added and NUL-terminated from then on; text_string() is never NULL. */
#ifndef HOSTPCI_BASE_TEXT_H
#define HOSTPCI_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *data;
    size_t length;
    size_t space;
};

void text_append(struct text *text, const char *string);
void text_append_bytes(struct text *text, const void *bytes, size_t count);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* With the fewest digits that read back as the same number: 0.1 stays 0.1. */
void text_append_real(struct text *text, double number);
const char *text_string(const struct text *text);

/* Hands the string to the caller, who frees it, and leaves the text empty. */
char *text_take(struct text *text) __attribute__((returns_nonnull));
void text_release(struct text *text);
#define autotext __attribute__((cleanup(text_release)))

bool text_starts_with(const char *string, const char *prefix);
bool text_ends_with(const char *string, const char *suffix);

/* Accepts only an unsigned number in base 10 or 16 up to `limit`, without sign, blanks or 0x. */
bool text_to_number(const char *string, int base, unsigned long long limit, unsigned long long *ret);

/* The length in bytes of the character that the string begins with; 0 if that is a control character (also
 * one of U+0080 to U+009F), the end, or not UTF-8. */
size_t text_printable_length(const char *string);

/* Trims white space from both ends, in place, and returns the new beginning. */
char *text_trim(char *string);

#endif
