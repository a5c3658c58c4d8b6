/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text: a string that grows.
 *
 * Starts as `struct text text = {0}` (or `autotext struct text text = {0}`). `data` is NULL until something
 * was added, and NUL-terminated from then on; text_string() is never NULL. */
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
/* 0.1 as it was typed, and never less than what reads back as the same number. */
void text_append_real(struct text *text, double number);
const char *text_string(const struct text *text);

/* Hands the string over to the caller, who frees it; the text is empty afterwards. */
char *text_take(struct text *text) __attribute__((returns_nonnull));
void text_release(struct text *text);
#define autotext __attribute__((cleanup(text_release)))

bool text_starts_with(const char *string, const char *prefix);
bool text_ends_with(const char *string, const char *suffix);

/* A whole unsigned number without sign or blanks, at most `limit`; base 10 or 16 (then without 0x). */
bool text_to_number(const char *string, int base, unsigned long long limit, unsigned long long *ret);

/* Cuts blanks (also line ends) off both ends, in place; returns the first that is left. */
char *text_trim(char *string);

#endif
