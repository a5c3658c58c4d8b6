/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at replies. */
#include "tests/api/look.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"

json_t *member(const json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    autofree char *text = value == NULL ? json_dumps(object, JSON_ENCODE_ANY) : NULL;

    cr_assert_not_null(value, "no '%s' in %s", name, text);
    return value;
}

const char *text_of(const json_t *object, const char *name)
{
    const json_t *value = member(object, name);

    cr_assert(json_is_string(value), "'%s' is no string", name);
    return json_string_value(value);
}

long long number_of(const json_t *object, const char *name)
{
    const json_t *value = member(object, name);

    cr_assert(json_is_integer(value), "'%s' is no integer", name);
    return json_integer_value(value);
}

bool has(const json_t *object, const char *name)
{
    return json_object_get(object, name) != NULL;
}

static json_t *find_row(const json_t *list, const char *name, const char *value)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item) {
        const char *text = json_string_value(json_object_get(item, name));
        if (text != NULL && strcmp(text, value) == 0)
            return item;
    }
    return NULL;
}

json_t *row(const json_t *list, const char *name, const char *value)
{
    json_t *found = find_row(list, name, value);
    autofree char *text = found == NULL ? json_dumps(list, JSON_ENCODE_ANY) : NULL;

    cr_assert_not_null(found, "no row with %s '%s' in %s", name, value, text);
    return found;
}

bool has_row(const json_t *list, const char *name, const char *value)
{
    return find_row(list, name, value) != NULL;
}

void is_json(const json_t *value, const char *expected)
{
    autofree char *quoted = xstrdup(expected), *got = NULL;
    json_error_t reason;

    for (char *c = quoted; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    autojson json_t *wanted = json_loads(quoted, JSON_DECODE_ANY, &reason);
    cr_assert_not_null(wanted, "the expectation is not JSON: %s in %s", reason.text, quoted);
    got = json_dumps(value, JSON_ENCODE_ANY);
    cr_assert(json_equal(value, wanted), "got %s, not %s", got, quoted);
}
