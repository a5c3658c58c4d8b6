/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls by name and value, with what they must come to. */
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <stdarg.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"

static void add_escaped(struct text *form, const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);

    text_append(form, escaped);
    curl_free(escaped);
}

static void make_form(va_list parameters, struct text *ret)
{
    const char *name;

    while ((name = va_arg(parameters, const char *)) != NULL) {
        const char *value = va_arg(parameters, const char *);
        cr_assert_not_null(value, "parameter '%s' without a value", name);
        text_append(ret, ret->length > 0 ? "&" : "");
        add_escaped(ret, name);
        text_append(ret, "=");
        add_escaped(ret, value);
    }
}

static const struct reply *send_form(const char *method, const char *path, va_list parameters)
{
    autotext struct text form = {0};
    bool in_query = strcmp(method, "GET") == 0 || strcmp(method, "DELETE") == 0;

    make_form(parameters, &form);
    if (!in_query)
        return CALL(.method = method, .path = path, .body = text_string(&form),
                    .content_type = "application/x-www-form-urlencoded");
    autofree char *uri = xasprintf("%s%s%s", path, form.length > 0 ? "?" : "", text_string(&form));
    return CALL(.method = method, .path = uri);
}

static json_t *succeed(const char *method, const char *path, va_list parameters)
{
    const struct reply *reply = send_form(method, path, parameters);

    cr_assert_eq(reply->status, 200, "%s %s: %u %s\n%s", method, path, reply->status, reply->phrase,
                 reply->body);
    return reply->data;
}

#define DEFINE_CALL(name, method)                                                                            \
    json_t *name(const char *path, ...)                                                                      \
    {                                                                                                        \
        va_list parameters;                                                                                  \
                                                                                                             \
        va_start(parameters, path);                                                                          \
        json_t *data = succeed(method, path, parameters);                                                    \
        va_end(parameters);                                                                                  \
        return data;                                                                                         \
    }

DEFINE_CALL(get, "GET")
DEFINE_CALL(post, "POST")
DEFINE_CALL(put, "PUT")
DEFINE_CALL(delete, "DELETE")

static void check_message(const struct reply *reply, const char *message)
{
    autofree char *line = xasprintf("%s\n", message);

    if (reply->status == 401)
        cr_assert_str_eq(reply->phrase, message);
    else
        cr_assert_str_eq(json_string_value(json_object_get(reply->json, "message")), line);
}

void fails(unsigned status, const char *message, const char *method, const char *path, ...)
{
    va_list parameters;

    va_start(parameters, path);
    const struct reply *reply = send_form(method, path, parameters);
    va_end(parameters);
    cr_assert_eq(reply->status, status, "%s %s: %u %s\n%s", method, path, reply->status, reply->phrase,
                 reply->body);
    check_message(reply, message);
}

void wrong_parameter(const char *name, const char *text, const char *method, const char *path, ...)
{
    va_list parameters;

    va_start(parameters, path);
    const struct reply *reply = send_form(method, path, parameters);
    va_end(parameters);
    cr_assert_eq(reply->status, 400, "%s %s: %u %s\n%s", method, path, reply->status, reply->phrase,
                 reply->body);
    check_message(reply, "Parameter verification failed.");
    const char *got = json_string_value(json_object_get(reply->errors, name));
    cr_assert_not_null(got, "no error about '%s' in %s", name, reply->body);
    cr_assert_str_eq(got, text);
    cr_assert_eq(json_object_size(reply->errors), 1, "%s", reply->body);
}
