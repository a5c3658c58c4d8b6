/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies for people and for programs.
 *
 * text: a list of objects is a table, an object with checks a report (client/print/report.h), any other
 * object a table of keys and values, a list of other things one a line, a scalar itself, null nothing.
 * Columns and keys come in the order in which the endpoint declares them, then those it does not declare;
 * columns that are empty in every row are left out. json, json-pretty, yaml: the whole value. */
#ifndef HOSTPCI_CLIENT_PRINT_PRINT_H
#define HOSTPCI_CLIENT_PRINT_PRINT_H

#include <jansson.h>
#include <stdio.h>

#include "base/error.h"
#include "client/print/table.h"
#include "schema/endpoint.h"

enum print_format { PRINT_TEXT, PRINT_JSON, PRINT_JSON_PRETTY, PRINT_YAML };

int print_format_parse(const char *name, enum print_format *ret, struct error *err);

/* What the stream can show: box lines in a UTF-8 locale; on a terminal its width, and bold type unless
 * NO_COLOR is set. */
struct table_style print_style_of(FILE *stream);

/* `returns` is the endpoint's declaration; NULL if it is not known. The caller frees the text. */
char *print_value(const json_t *value, const struct schema *returns, enum print_format format,
                  const struct table_style *style);

#endif
