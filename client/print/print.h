/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints replies for people and for programs.
 *
 * As text, a list of objects becomes a table, an object with checks a report (client/print/report.h), any
 * other object a table of keys and values, and any other list one line for each item. Columns and keys are in
 * the order in which the endpoint declares them, followed by those that it does not declare. Columns that are
 * empty in every row are left out. An empty list prints nothing, except that a terminal gets a sentence which
 * says what it is empty of. The other formats show the whole value. */
#ifndef HOSTPCI_CLIENT_PRINT_PRINT_H
#define HOSTPCI_CLIENT_PRINT_PRINT_H

#include <jansson.h>
#include <stdio.h>

#include "base/error.h"
#include "client/print/table.h"
#include "schema/endpoint.h"

enum print_format { PRINT_TEXT, PRINT_JSON, PRINT_JSON_PRETTY, PRINT_YAML };

int print_format_parse(const char *name, enum print_format *ret, struct error *err);

/* What the stream can show: box characters in a UTF-8 locale; if it is a terminal, also its width, and
 * colours unless NO_COLOR is set. */
struct table_style print_style_of(FILE *stream);

/* `returns` is the endpoint's declaration; NULL if it is not known. The caller frees the text. */
char *print_value(const json_t *value, const struct schema *returns, enum print_format format,
                  const struct table_style *style);

/* The sentence about an empty list; NULL about anything else. A caller whose output is no terminal shows it
 * beside the output, where a script that counts lines does not count it. */
const char *print_explain_empty(const json_t *value, const struct schema *returns);

#endif
