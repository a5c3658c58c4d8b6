/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decodes what carries parameters: percent escapes, forms and JSON. Pure.
 *
 * Every JSON string that comes out is UTF-8 without NUL bytes. Errors: ERROR_UNREADABLE. */
#ifndef HOSTPCI_SERVER_REQUEST_DECODE_H
#define HOSTPCI_SERVER_REQUEST_DECODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define DECODE_DEPTH_LIMIT 32
#define DECODE_NAME_LIMIT  1024 /* of parameters with different names */
#define DECODE_VALUE_LIMIT 8192 /* of values in all, which are counted before any is made */

/* Percent-decodes a piece, which the caller frees; it ends with a NUL byte, and may hold others. A % that two
 * hexadecimal digits do not follow stands for itself, as in Proxmox. */
char *decode_percent(const char *text, size_t length, bool plus_is_blank, size_t *ret_length);

/* The same as a JSON string. `what` names the piece in errors. */
int decode_text(const char *text, size_t length, bool plus_is_blank, const char *what, json_t **ret,
                struct error *err);

/* Adds the pairs of a query or form to `params`, an object. Pairs are separated by & or ; and + is a blank.
 * `k` alone is ignored, `k=` is the empty string, a second unescaped = ends the value, a repeated name makes
 * an array, and `_dc` is dropped. */
int decode_form(const char *form, size_t length, json_t *params, struct error *err);

/* One object, nested at most DECODE_DEPTH_LIMIT deep, without duplicate names. Depth and number of values are
 * counted before parsing, because each byte that opens an object costs 100 bytes of memory. */
int decode_json(const char *body, size_t length, json_t **ret, struct error *err);

#endif
