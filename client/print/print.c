/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints replies for people and for programs. */
#include "client/print/print.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/memory.h"
#include "client/print/cell.h"
#include "client/print/report.h"
#include "schema/openapi.h"
#include "schema/validate.h"

/* Nobody can use a larger table, and a server could make us build one of any size. */
#define CELLS_LIMIT ((size_t)4 << 20)

static const char *const format_names[] = {
    [PRINT_TEXT] = "text", [PRINT_JSON] = "json", [PRINT_JSON_PRETTY] = "json-pretty", [PRINT_YAML] = "yaml"};

int print_format_parse(const char *name, enum print_format *ret, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(format_names); i++) {
        if (strcmp(name, format_names[i]) != 0)
            continue;
        *ret = (enum print_format)i;
        return 0;
    }
    return error_set(err, ERROR_INVALID, "--output-format must be text, json, json-pretty or yaml, not '%s'",
                     name);
}

struct table_style print_style_of(FILE *stream)
{
    const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");
    struct table_style style = {.unicode = cell_is_utf8()};
    struct winsize size;

    if (!isatty(fileno(stream)))
        return style;
    style.terminal = true;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0)
        style.width = size.ws_col;
    style.colour =
        (no_colour == NULL || no_colour[0] == '\0') && terminal != NULL && strcmp(terminal, "dumb") != 0;
    return style;
}

/* Adds to the ordered set `names` the declared names that `object` has; for an indexed name (net[n]), every
 * one that it has. */
static void add_declared(const struct schema *properties, const json_t *object, json_t *names)
{
    SCHEMA_FOREACH(p, properties) {
        if (p->count == 0 && json_object_get(object, p->name) != NULL)
            json_object_set_new(names, p->name, json_true());
        for (unsigned i = 0; i < p->count; i++) {
            autofree char *name = xasprintf("%.*s%u", (int)strcspn(p->name, "["), p->name, i);
            if (json_object_get(object, name) != NULL)
                json_object_set_new(names, name, json_true());
        }
    }
}

/* The keys of an object, the declared ones first. */
static json_t *ordered_keys(const struct schema *schema, const json_t *object)
{
    json_t *names = json_object();

    add_declared(schema != NULL ? schema->properties : NULL, object, names);
    json_object_update_missing(names, (json_t *)object);
    return names;
}

/* How a member is declared; NULL if it is not. */
static const struct schema *find_member(const struct schema *schema, const char *name)
{
    return schema != NULL && schema->properties != NULL ? schema_find(schema->properties, name) : NULL;
}

/* Whether the list gets a table of its own on a terminal, because its items are objects. */
static bool is_rows(const json_t *value, const struct table_style *style)
{
    return style->terminal && json_is_object(json_array_get(value, 0));
}

static bool is_words(const json_t *list)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item) {
        if (json_is_array(item) || json_is_object(item))
            return false;
    }
    return json_is_array(list);
}

/* On a terminal a list of words is written as in a sentence; a program gets it as JSON. */
static char *cell_of_member(const json_t *value, const struct table_style *style)
{
    struct text words = {0};
    const json_t *item;
    size_t i;

    if (!style->terminal || !is_words(value))
        return cell_of_value(value);
    json_array_foreach(value, i, item) {
        autofree char *word = cell_of_value(item);
        text_printf(&words, "%s%s", i > 0 ? ", " : "", word);
    }
    return text_take(&words);
}

/* Adds a row for each member. On a terminal the members of an object in it have rows of their own, named
 * like "boot-loader.file". */
static void add_members(const char *prefix, const json_t *object, const struct schema *schema,
                        const struct table_style *style, json_t *rows)
{
    autojson json_t *keys = ordered_keys(schema, object);
    const char *key;
    json_t *unused;

    json_object_foreach(keys, key, unused) {
        json_t *value = json_object_get(object, key);
        autofree char *name = xasprintf("%s%s", prefix, key);
        autofree char *inner = xasprintf("%s.", name);
        if (style->terminal && prefix[0] == '\0' && json_object_size(value) > 0)
            add_members(inner, value, find_member(schema, key), style, rows);
        else if (!is_rows(value, style))
            json_object_set(rows, name, value);
    }
}

static void draw_members(const json_t *object, const struct schema *schema, const struct table_style *style,
                         struct text *ret)
{
    autojson json_t *rows = json_object();
    const char *key;
    json_t *value;
    size_t row = 0;

    add_members("", object, schema, style, rows);
    if (json_object_size(rows) == 0 && json_object_size(object) > 0)
        return;
    autotable struct table table = table_new(2, json_object_size(rows) + 1);
    table_set(&table, 0, 0, xstrdup("key"));
    table_set(&table, 0, 1, xstrdup("value"));
    json_object_foreach(rows, key, value) {
        table_set(&table, ++row, 0, cell_escape(key));
        table_set(&table, row, 1, cell_of_member(value, style));
    }
    table_draw(&table, style, ret);
}

/* The keys of all rows, in order; NULL if a row is not an object, or if the table would be too large. */
static json_t *find_columns(const json_t *rows, const struct schema *schema)
{
    autojson json_t *all = json_object();
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        if (!json_is_object(row) || json_object_size(all) > CELLS_LIMIT / (json_array_size(rows) + 1))
            return NULL;
        json_object_update_missing(all, (json_t *)row);
    }
    if (json_object_size(all) * (json_array_size(rows) + 1) > CELLS_LIMIT)
        return NULL;
    return ordered_keys(schema, all);
}

static bool is_numeric(const json_t *rows, const char *key)
{
    bool some = false;
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        const json_t *value = json_object_get(row, key);
        if (value != NULL && !json_is_null(value) && !json_is_number(value))
            return false;
        some = some || json_is_number(value);
    }
    return some;
}

static void draw_rows(const json_t *rows, const json_t *columns, const struct table_style *style,
                      struct text *ret)
{
    autotable struct table table = table_new(json_object_size(columns), json_array_size(rows) + 1);
    size_t column = 0;
    const char *key;
    json_t *unused;

    json_object_foreach((json_t *)columns, key, unused) {
        const json_t *row;
        size_t i;
        table.right[column] = is_numeric(rows, key);
        table.judged[column] = strcmp(key, "verdict") == 0;
        table_set(&table, 0, column, cell_escape(key));
        json_array_foreach(rows, i, row)
            table_set(&table, i + 1, column, cell_of_value(json_object_get(row, key)));
        column++;
    }
    table_drop_empty(&table);
    table_draw(&table, style, ret);
}

const char *print_explain_empty(const json_t *value, const struct schema *returns)
{
    if (!json_is_array(value) || json_array_size(value) > 0)
        return NULL;
    return returns != NULL && returns->empty != NULL ? returns->empty : "The list is empty.";
}

static void draw_list(const json_t *list, const struct schema *schema, const struct table_style *style,
                      struct text *ret)
{
    autojson json_t *columns = find_columns(list, schema != NULL ? schema->items : NULL);
    const json_t *item;
    size_t i;

    if (json_array_size(list) == 0 && style->terminal)
        text_printf(ret, "%s\n", print_explain_empty(list, schema));
    if (json_array_size(list) == 0)
        return;
    if (columns != NULL) {
        draw_rows(list, columns, style, ret);
        return;
    }
    json_array_foreach(list, i, item) {
        autofree char *cell = cell_of_value(item);
        text_printf(ret, "%s\n", cell);
    }
}

/* The members, and below them a table for each list of objects. */
static void draw_object(const json_t *object, const struct schema *schema, const struct table_style *style,
                        struct text *ret)
{
    autojson json_t *keys = ordered_keys(schema, object);
    const char *key;
    json_t *unused;

    draw_members(object, schema, style, ret);
    json_object_foreach(keys, key, unused) {
        const json_t *value = json_object_get(object, key);
        autofree char *name = cell_escape(key);
        if (!is_rows(value, style))
            continue;
        text_printf(ret, "%s%s:\n", ret->length > 0 ? "\n" : "", name);
        draw_list(value, find_member(schema, key), style, ret);
    }
}

static void draw_report(const json_t *reply, const struct schema *schema, const struct table_style *style,
                        struct text *ret)
{
    autojson json_t *rest = report_draw(reply, style, ret);

    if (json_object_size(rest) == 0)
        return;
    text_append(ret, "\n");
    draw_object(rest, schema, style, ret);
}

static char *print_text(const json_t *value, const struct schema *returns, const struct table_style *style)
{
    struct text text = {0};

    if (json_is_array(value)) {
        draw_list(value, returns, style, &text);
    } else if (report_matches(value)) {
        draw_report(value, returns, style, &text);
    } else if (json_is_object(value)) {
        draw_object(value, returns, style, &text);
    } else if (json_is_string(value)) {
        cell_escape_lines(json_string_value(value), "", &text);
    } else if (!json_is_null(value)) {
        autofree char *cell = cell_of_value(value);
        text_printf(&text, "%s\n", cell);
    }
    return text_take(&text);
}

static char *print_json(const json_t *value, size_t flags)
{
    autofree char *dump = json_dumps(value, flags | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

    return xasprintf("%s\n", dump);
}

char *print_value(const json_t *value, const struct schema *returns, enum print_format format,
                  const struct table_style *style)
{
    switch (format) {
    case PRINT_JSON:
        return print_json(value, JSON_COMPACT);
    case PRINT_JSON_PRETTY:
        return print_json(value, JSON_INDENT(3));
    case PRINT_YAML:
        return openapi_to_yaml(value);
    case PRINT_TEXT:
        break;
    }
    return print_text(value, returns, style);
}
