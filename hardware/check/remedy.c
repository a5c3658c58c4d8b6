/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A remedy: the lines to type, and the call of the API that does the same. */
#include "hardware/check/remedy.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/shell.h"

void remedy_release(struct remedy *remedy)
{
    text_release(&remedy->lines);
    json_decref(remedy->action);
    *remedy = (struct remedy){0};
}

static const char *method_of(const char *verb)
{
    static const struct {
        const char *verb, *method;
    } methods[] = {{"get", "GET"}, {"create", "POST"}, {"set", "PUT"}, {"delete", "DELETE"}};

    for (size_t i = 0; i < COUNT_OF(methods); i++)
        if (strcmp(methods[i].verb, verb) == 0)
            return methods[i].method;
    abort();
}

static void append_parameter(struct text *lines, const char *name, const json_t *value)
{
    text_printf(lines, " --%s ", name);
    if (json_is_string(value))
        shell_quote(lines, json_string_value(value));
    else
        text_printf(lines, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

/* A list is given as the same name again and again. */
static void append_line(struct text *lines, const char *verb, const char *path, json_t *parameters)
{
    const char *name;
    json_t *value, *item;
    size_t i;

    text_printf(lines, "hostpci %s ", verb);
    shell_quote(lines, path);
    json_object_foreach(parameters, name, value) {
        if (!json_is_array(value))
            append_parameter(lines, name, value);
        json_array_foreach(value, i, item)
            append_parameter(lines, name, item);
    }
    text_append(lines, "\n");
}

/* Nothing is to be typed so far; a comment is not. */
static bool is_first(const struct text *lines)
{
    for (const char *line = text_string(lines); *line != '\0'; line += strcspn(line, "\n") + 1)
        if (*line != '#')
            return false;
    return true;
}

static void offer(struct remedy *remedy, const char *verb, const char *path, json_t *parameters)
{
    if (remedy->action == NULL && is_first(&remedy->lines))
        remedy->action =
            json_pack("{s:s, s:s, s:O}", "method", method_of(verb), "path", path, "parameters", parameters);
}

void remedy_add_call(struct remedy *remedy, const char *verb, json_t *parameters, const char *path, ...)
{
    autojson json_t *taken = parameters;
    va_list arguments;

    va_start(arguments, path);
    autofree char *whole = xvasprintf(path, arguments);
    va_end(arguments);
    offer(remedy, verb, whole, taken);
    append_line(&remedy->lines, verb, whole, taken);
}

void remedy_offer_call(struct remedy *remedy, const char *verb, json_t *parameters, const char *path, ...)
{
    autojson json_t *taken = parameters;
    va_list arguments;

    va_start(arguments, path);
    autofree char *whole = xvasprintf(path, arguments);
    va_end(arguments);
    offer(remedy, verb, whole, taken);
}

void remedy_add_reboot(struct remedy *remedy)
{
    remedy_offer_call(remedy, "create", json_pack("{s:s}", "command", "reboot"), REMEDY_NODE "/status");
    text_append(&remedy->lines, "reboot\n");
}
