/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Named formats of strings, and patterns. A format is a row of the table in format.c. */
#ifndef HOSTPCI_SCHEMA_FORMAT_H
#define HOSTPCI_SCHEMA_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* ERROR_INVALID "invalid format - ..." if the value does not have the format. The name must be known, which
 * is asserted. A name that ends with "-list" accepts a list of values, separated by commas, semicolons or
 * blanks. */
int format_check(const char *name, const char *value, struct error *err);
bool format_is_known(const char *name);

/* Matches a PCRE2 pattern against the whole value. Patterns must be constants, since each is compiled only
 * once and found again by its address. A pattern that does not compile is a bug, and aborts. A value that
 * exhausts the match limit does not match. */
bool format_matches_pattern(const char *pattern, const char *value, size_t length);

/* The parts of a list, without empty ones, as a NULL-terminated array that format_free_list frees. */
char **format_split_list(const char *list);
void format_free_list(char ***list);
#define autosplit __attribute__((cleanup(format_free_list)))

#endif
