/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decodes what carries parameters: percent escapes, forms and JSON. */
#include "server/request/decode.h"

#include <string.h>

#include "base/memory.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *decode_percent(const char *text, size_t length, bool plus_is_blank, size_t *ret_length)
{
    char *result = xcalloc(length + 1, 1);
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        int high = text[i] == '%' && i + 2 < length ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;

        if (low >= 0) {
            result[used++] = (char)(high << 4 | low);
            i += 2;
        } else {
            result[used++] = plus_is_blank && text[i] == '+' ? ' ' : text[i];
        }
    }
    *ret_length = used;
    return result;
}

int decode_text(const char *text, size_t length, bool plus_is_blank, const char *what, json_t **ret,
                struct error *err)
{
    size_t decoded_length;
    autofree char *decoded = decode_percent(text, length, plus_is_blank, &decoded_length);

    if (memchr(decoded, '\0', decoded_length) != NULL)
        return error_set(err, ERROR_UNREADABLE, "%s holds a NUL byte (%%00), which is never valid", what);
    json_t *string = json_stringn(decoded, decoded_length);
    if (string == NULL)
        return error_set(err, ERROR_UNREADABLE, "%s is not valid UTF-8", what);
    *ret = string;
    return 0;
}

static int add_value(json_t *params, const char *name, json_t *value, struct error *err)
{
    json_t *present = json_object_get(params, name);

    if (present == NULL && json_object_size(params) >= DECODE_NAME_LIMIT) {
        json_decref(value);
        return error_set(err, ERROR_UNREADABLE, "more than %d parameters", DECODE_NAME_LIMIT);
    }
    if (json_is_array(present))
        json_array_append_new(present, value);
    else if (present != NULL)
        json_object_set_new(params, name, json_pack("[O, o]", present, value));
    else
        json_object_set_new(params, name, value);
    return 0;
}

static int add_pair(const char *pair, size_t length, json_t *params, struct error *err)
{
    const char *equals = memchr(pair, '=', length);
    autojson json_t *name = NULL;
    json_t *value = NULL;

    if (equals == NULL)
        return 0;
    const char *start = equals + 1;
    size_t value_length = (size_t)(pair + length - start);
    const char *second = memchr(start, '=', value_length);
    if (second != NULL)
        value_length = (size_t)(second - start);
    if (decode_text(pair, (size_t)(equals - pair), true, "the name of a parameter", &name, err) != 0)
        return -1;
    if (strcmp(json_string_value(name), "_dc") == 0)
        return 0;
    if (decode_text(start, value_length, true, "the value of a parameter", &value, err) != 0)
        return error_prefix(err, "parameter '%.60s': ", json_string_value(name));
    return add_value(params, json_string_value(name), value, err);
}

static int refuse_values(const char *what, struct error *err)
{
    return error_set(err, ERROR_UNREADABLE, "%s holds more than %d values", what, DECODE_VALUE_LIMIT);
}

static size_t pair_length(const char *pair, const char *end)
{
    const char *stop = pair;

    while (stop < end && *stop != '&' && *stop != ';')
        stop++;
    return (size_t)(stop - pair);
}

int decode_form(const char *form, size_t length, json_t *params, struct error *err)
{
    const char *end = form + length;
    unsigned count = 0;

    for (const char *pair = form; pair < end; pair += pair_length(pair, end) + 1)
        if (memchr(pair, '=', pair_length(pair, end)) != NULL && ++count > DECODE_VALUE_LIMIT)
            return refuse_values("the form", err);
    for (const char *pair = form; pair < end; pair += pair_length(pair, end) + 1)
        if (add_pair(pair, pair_length(pair, end), params, err) != 0)
            return -1;
    return 0;
}

/* What parsing a JSON text would make. */
struct shape {
    unsigned values;
    int depth; /* of its deepest value */
};

/* A value follows each bracket and each comma. */
static struct shape measure(const char *body, size_t length)
{
    struct shape shape = {.values = 1};
    int depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < length; i++) {
        if (quoted && body[i] == '\\')
            i++;
        else if (body[i] == '"')
            quoted = !quoted;
        else if (quoted)
            continue;
        else if (body[i] == ',')
            shape.values++;
        else if (body[i] == '{' || body[i] == '[') {
            shape.values++;
            shape.depth = ++depth > shape.depth ? depth : shape.depth;
        } else if (body[i] == '}' || body[i] == ']')
            depth--;
    }
    return shape;
}

int decode_json(const char *body, size_t length, json_t **ret, struct error *err)
{
    autojson json_t *value = NULL;
    json_error_t reason;

    const struct shape shape = measure(body, length);
    if (shape.depth > DECODE_DEPTH_LIMIT)
        return error_set(err, ERROR_UNREADABLE, "the JSON body is nested deeper than %d levels",
                         DECODE_DEPTH_LIMIT);
    if (shape.values > DECODE_VALUE_LIMIT)
        return refuse_values("the JSON body", err);
    value = json_loadb(body, length, JSON_REJECT_DUPLICATES, &reason);
    if (value == NULL)
        return error_set(err, ERROR_UNREADABLE, "the JSON body is malformed at line %d, column %d: %s",
                         reason.line, reason.column, reason.text);
    if (!json_is_object(value))
        return error_set(err, ERROR_UNREADABLE, "the JSON body must be an object of parameters");
    if (json_object_size(value) > DECODE_NAME_LIMIT)
        return error_set(err, ERROR_UNREADABLE, "more than %d parameters", DECODE_NAME_LIMIT);
    *ret = TAKE(value);
    return 0;
}
