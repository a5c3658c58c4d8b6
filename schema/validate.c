/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Validates values against their schema, and converts them to their declared types. */
#include "schema/validate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "schema/property_string.h"

#define INTEGER_PATTERN "[+-]?[0-9]{1,18}"
#define NUMBER_PATTERN  "[+-]?(?=[0-9]|\\.[0-9])[0-9]*(?:\\.[0-9]*)?(?:[Ee][+-]?[0-9]+)?"

static const char *const type_names[] = {
    [SCHEMA_NULL] = "null",     [SCHEMA_STRING] = "string",   [SCHEMA_INTEGER] = "integer",
    [SCHEMA_NUMBER] = "number", [SCHEMA_BOOLEAN] = "boolean", [SCHEMA_ARRAY] = "array",
    [SCHEMA_OBJECT] = "object",
};

const char *const method_names[METHOD_COUNT] = {"GET", "POST", "PUT", "DELETE"};

enum method method_find(const char *name)
{
    enum method method = 0;

    while (method < METHOD_COUNT && strcmp(method_names[method], name) != 0)
        method++;
    return method;
}

const char *schema_type_name(enum schema_type type)
{
    return type_names[type];
}

/* "hostpci[n]" with count 16 stands for the names hostpci0 to hostpci15, without leading zeros. */
static bool matches_indexed(const struct schema *schema, const char *name)
{
    size_t stem = strcspn(schema->name, "[");
    unsigned long long index;

    if (schema->count == 0 || strncmp(schema->name, name, stem) != 0)
        return false;
    const char *digits = name + stem;
    if (digits[0] == '0' && digits[1] != '\0')
        return false;
    return text_to_number(digits, 10, schema->count - 1, &index);
}

const struct schema *schema_row(const struct schema *at)
{
    while (at != NULL && at->name == NULL)
        at = at->more;
    return at;
}

const struct schema *schema_find(const struct schema *list, const char *name)
{
    SCHEMA_FOREACH(schema, list)
        if (schema->name[0] == name[0] &&
            (strcmp(schema->name, name) == 0 ? schema->count == 0 : matches_indexed(schema, name)))
            return schema;
    return NULL;
}

/* A scalar as the string that would be sent in a form; NULL for arrays, objects and null. */
static char *scalar_string(const json_t *value)
{
    if (json_is_string(value))
        return xstrdup(json_string_value(value));
    if (json_is_boolean(value))
        return xstrdup(json_is_true(value) ? "1" : "0");
    return json_is_number(value) ? json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) : NULL;
}

static int refuse_type(const struct schema *schema, const json_t *value, struct error *err)
{
    autofree char *string = scalar_string(value);

    if (string == NULL)
        return error_set(err, ERROR_INVALID, "type check ('%s') failed - got %s", type_names[schema->type],
                         json_is_array(value) ? "ARRAY" : "HASH");
    return error_set(err, ERROR_INVALID, "type check ('%s') failed - got '%s'", type_names[schema->type],
                     string);
}

static void replace(json_t **value, json_t *with)
{
    json_decref(*value);
    *value = with;
}

static bool matches(const char *pattern, const char *string)
{
    return format_matches_pattern(pattern, string, strlen(string));
}

/* Converts *value to the declared type; false if that is impossible. */
static bool convert(const struct schema *schema, json_t **value)
{
    autofree char *string = scalar_string(*value);

    if (string == NULL)
        return schema->type == SCHEMA_OBJECT && json_is_object(*value);
    switch (schema->type) {
    case SCHEMA_STRING:
        if (!json_is_string(*value))
            replace(value, json_string(string));
        return true;
    case SCHEMA_INTEGER:
        if (!matches(INTEGER_PATTERN, string))
            return false;
        replace(value, json_integer(strtoll(string, NULL, 10)));
        return true;
    case SCHEMA_NUMBER:
        if (!matches(NUMBER_PATTERN, string) || !isfinite(strtod(string, NULL)))
            return false;
        replace(value, json_real(strtod(string, NULL)));
        return true;
    case SCHEMA_BOOLEAN:
        if (strcmp(string, "1") != 0 && strcmp(string, "0") != 0)
            return false;
        replace(value, json_integer(string[0] == '1'));
        return true;
    case SCHEMA_NULL:
    case SCHEMA_ARRAY:
    case SCHEMA_OBJECT:
        break;
    }
    return false;
}

static int check_range(const struct schema *schema, const json_t *value, struct error *err)
{
    double number = json_number_value(value);

    if (schema->range != NULL && number < schema->range->minimum)
        return error_set(err, ERROR_INVALID, "value must have a minimum value of %.16g",
                         schema->range->minimum);
    if (schema->range != NULL && number > schema->range->maximum)
        return error_set(err, ERROR_INVALID, "value must have a maximum value of %.16g",
                         schema->range->maximum);
    return 0;
}

static int check_enumeration(const struct schema *schema, const char *string, struct error *err)
{
    autotext struct text all = {0};

    if (schema->values == NULL)
        return 0;
    for (const char *const *allowed = schema->values; *allowed != NULL; allowed++)
        if (strcmp(*allowed, string) == 0)
            return 0;
    for (const char *const *allowed = schema->values; *allowed != NULL; allowed++)
        text_printf(&all, "%s%s", all.length > 0 ? ", " : "", *allowed);
    return error_set(err, ERROR_INVALID, "value '%s' does not have a value in the enumeration '%s'", string,
                     text_string(&all));
}

static int check_property_string(const struct schema *schema, const char *name, const char *string,
                                 struct error *err)
{
    if (property_string_check(schema, name, string, err) == 0)
        return 0;
    return error_set(err, ERROR_INVALID, "invalid format - format error\n%s\n", err->message);
}

static int check_string(const struct schema *schema, const char *name, const json_t *value, struct error *err)
{
    const char *string = json_string_value(value);
    size_t limit = schema->max_length != 0 ? schema->max_length : SCHEMA_STRING_LIMIT;

    if (json_string_length(value) < schema->min_length)
        return error_set(err, ERROR_INVALID, "value must be at least %zu characters long",
                         schema->min_length);
    if (json_string_length(value) > limit)
        return error_set(err, ERROR_INVALID, "value may only be %zu characters long", limit);
    if (strlen(string) != json_string_length(value))
        return error_set(err, ERROR_INVALID, "value contains a NUL character");
    if (check_enumeration(schema, string, err) != 0)
        return -1;
    if (schema->pattern != NULL && !matches(schema->pattern, string))
        return error_set(err, ERROR_INVALID, "value does not match the regex pattern");
    if (schema->format != NULL && format_check(schema->format, string, err) != 0)
        return -1;
    return schema->property_string != NULL ? check_property_string(schema, name, string, err) : 0;
}

/* Joins with commas a list that was sent as a repeated parameter, as if it had been sent as one string. */
static json_t *join(const json_t *array)
{
    autotext struct text joined = {0};
    size_t i;
    json_t *item;

    json_array_foreach(array, i, item) {
        autofree char *string = scalar_string(item);
        text_printf(&joined, "%s%s", i > 0 ? "," : "", string != NULL ? string : "");
    }
    return json_string(text_string(&joined));
}

static int validate_items(const struct schema *schema, const char *name, json_t *array, struct error *err)
{
    size_t limit = schema->max_items != 0 ? schema->max_items : SCHEMA_ARRAY_LIMIT;

    if (json_array_size(array) > limit)
        return error_set(err, ERROR_INVALID, "array has %zu entries, at most %zu are allowed",
                         json_array_size(array), limit);
    for (size_t i = 0; i < json_array_size(array); i++) {
        autofree char *item_name = xasprintf("%s[%zu]", name, i);
        json_t *item = json_incref(json_array_get(array, i));
        if (validate_value(schema->items, item_name, &item, err) != 0) {
            json_decref(item);
            snprintf(err->field, sizeof(err->field), "[%zu]", i);
            return -1;
        }
        json_array_set_new(array, i, item);
    }
    return 0;
}

int validate_value(const struct schema *schema, const char *name, json_t **value, struct error *err)
{
    if (schema->type == SCHEMA_ARRAY) {
        if (!json_is_array(*value))
            *value = json_pack("[o]", *value);
        return validate_items(schema, name, *value, err);
    }
    if (json_is_array(*value) && schema->type == SCHEMA_STRING && schema->format != NULL &&
        text_ends_with(schema->format, "-list"))
        replace(value, join(*value));
    autofree char *sent = scalar_string(*value);
    if (!convert(schema, value))
        return refuse_type(schema, *value, err);
    if (schema->type == SCHEMA_STRING)
        return check_string(schema, name, *value, err);
    if (check_range(schema, *value, err) != 0)
        return -1;
    /* Permissions are checked before values are validated, on a path with the value as it was sent. So a
     * number must be spelled as its format says: otherwise /vms/0100 would be checked, and VM 100 used. */
    if (schema->type == SCHEMA_INTEGER && schema->format != NULL)
        return format_check(schema->format, sent, err);
    return 0;
}

/* Adds the error text for a parameter. For an item of an array, err->field is its index. */
static void add_error(json_t *errors, const char *name, const struct error *err)
{
    bool item = err->field[0] == '[';
    autofree char *key = xasprintf("%s%s", name, item ? err->field : "");

    /* values are UTF-8, but a message in which one was cut need not be */
    if (json_object_set_new(errors, key, json_string(err->message)) != 0)
        json_object_set_new(errors, key, json_string("invalid value"));
}

static void validate_given(const struct schema *parameters, json_t *params, json_t *errors)
{
    const char *name;
    json_t *given;
    void *next;

    json_object_foreach_safe(params, next, name, given) {
        const struct schema *schema = schema_find(parameters, name);
        struct error err = {0};
        if (json_is_null(given)) {
            json_object_del(params, name);
            continue;
        }
        if (schema == NULL) {
            error_set(
                &err, ERROR_INVALID,
                "property is not defined in schema and the schema does not allow additional properties");
            add_error(errors, name, &err);
            continue;
        }
        json_t *value = json_incref(given);
        if (validate_value(schema, name, &value, &err) != 0) {
            add_error(errors, name, &err);
            json_decref(value);
        } else {
            json_object_set_new(params, name, value);
        }
    }
}

int validate_parameters(const struct schema *parameters, json_t *params, json_t **ret_errors,
                        struct error *err)
{
    autojson json_t *errors = json_object();

    validate_given(parameters, params, errors);
    SCHEMA_FOREACH(schema, parameters)
        if (!schema->optional && json_object_get(params, schema->name) == NULL)
            json_object_set_new(errors, schema->name,
                                json_string("property is missing and it is not optional"));
    if (json_object_size(errors) == 0)
        return 0;
    *ret_errors = TAKE(errors);
    return error_set(err, ERROR_INVALID, "Parameter verification failed.");
}
