/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forms and JSON bodies: what becomes of them, and what is refused. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "server/request/decode.h"

/* The parameters as JSON with ' for ", or the error's text. */
static char shown[4096];

static const char *show(int result, const json_t *params, const struct error *err)
{
    if (result != 0) {
        cr_assert_eq(err->kind, ERROR_UNREADABLE);
        snprintf(shown, sizeof(shown), "%s", err->message);
        return shown;
    }
    autofree char *json = json_dumps(params, JSON_COMPACT);
    snprintf(shown, sizeof(shown), "%s", json);
    for (char *c = shown; *c != '\0'; c++)
        *c = *c == '"' ? '\'' : *c;
    return shown;
}

static const char *form(const char *text)
{
    autojson json_t *params = json_object();
    struct error err;

    return show(decode_form(text, strlen(text), params, &err), params, &err);
}

static const char *body(const char *text)
{
    autojson json_t *params = NULL;
    struct error err;

    int result = decode_json(text, strlen(text), &params, &err);
    cr_assert_eq(result == 0, params != NULL);
    return show(result, params, &err);
}

Test(server_decode, form)
{
    static const char *const cases[][2] = {
        {"", "{}"},
        {"&&;", "{}"},
        {"a=1&b=2;c=3", "{'a':'1','b':'2','c':'3'}"},
        {"a=x+y%20z%2B", "{'a':'x y z+'}"},
        {"a%20b=1", "{'a b':'1'}"},
        {"unset&set=", "{'set':''}"},
        {"a=b=c", "{'a':'b'}"},
        {"a=b%3Dc", "{'a':'b=c'}"},
        {"a=1&a=2&a=3", "{'a':['1','2','3']}"},
        {"a=&a=", "{'a':['','']}"},
        {"_dc=1698&a=1", "{'a':'1'}"},
        {"a=%C3%A4\xc3\xa4", "{'a':'\xc3\xa4\xc3\xa4'}"},
        {"a=100%&b=%zz%4", "{'a':'100%','b':'%zz%4'}"},
        {"=1", "{'':'1'}"},
        {"a=%00", "parameter 'a': the value of a parameter holds a NUL byte (%00), which is never valid"},
        {"a%00b=1", "the name of a parameter holds a NUL byte (%00), which is never valid"},
        {"a=%ff", "parameter 'a': the value of a parameter is not valid UTF-8"},
        {"a=\xed\xa0\x80", "parameter 'a': the value of a parameter is not valid UTF-8"},
        {"%ff=1", "the name of a parameter is not valid UTF-8"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_expect_str_eq(form(cases[i][0]), cases[i][1], "%s: %s", cases[i][0], shown);
}

Test(server_decode, form_with_too_many_names)
{
    autotext struct text many = {0};

    for (int i = 0; i < DECODE_NAME_LIMIT; i++)
        text_printf(&many, "n%d=1&", i);
    autojson json_t *params = json_object();
    struct error err;
    cr_assert_eq(decode_form(many.data, many.length, params, &err), 0);
    cr_assert_eq(decode_form("n0=2", 4, params, &err), 0, "a known name may still be repeated");
    cr_assert_eq(decode_form("x=1", 3, params, &err), -1);
    cr_assert_str_eq(err.message, "more than 1024 parameters");
}

Test(server_decode, form_with_many_repeats_is_one_array)
{
    autotext struct text many = {0};
    autojson json_t *params = json_object();
    struct error err;

    for (int i = 0; i < DECODE_VALUE_LIMIT; i++)
        text_append(&many, "a=1&");
    cr_assert_eq(decode_form(many.data, many.length, params, &err), 0);
    cr_assert_eq(json_array_size(json_object_get(params, "a")), DECODE_VALUE_LIMIT);
}

Test(server_decode, json)
{
    static const char *const cases[][2] = {
        {"{}", "{}"},
        {"{\"a\":1,\"b\":[\"x\"],\"c\":{\"d\":null}}", "{'a':1,'b':['x'],'c':{'d':null}}"},
        {"{\"a\":\"[[[[{{{\\\"[\"}", "{'a':'[[[[{{{\\'['}"},
        {"[]", "the JSON body must be an object of parameters"},
        {"{\"a\":1}x", "the JSON body is malformed at line 1, column 8: end of file expected near 'x'"},
        {"{\"a\":1,\"a\":2}",
         "the JSON body is malformed at line 1, column 10: duplicate object key near ''a''"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        body(cases[i][0]);
        for (char *c = shown; *c != '\0'; c++)
            *c = *c == '"' ? '\'' : *c;
        cr_expect_str_eq(shown, cases[i][1], "%s: %s", cases[i][0], shown);
    }
    cr_expect(strstr(body("\"text\""), "malformed") != NULL);
    cr_expect(strstr(body("{\"a\":\"\\u0000\"}"), "malformed") != NULL);
    cr_expect(strstr(body("{\"a\":\"\xff\"}"), "malformed") != NULL);
    cr_expect(strstr(body("{\"a\":99999999999999999999}"), "too big integer") != NULL);
}

/* The body's own object is the first level. */
static const char *nested(int levels)
{
    autotext struct text text = {0};

    text_append(&text, "{\"a\":");
    for (int i = 1; i < levels; i++)
        text_append(&text, "[");
    for (int i = 1; i < levels; i++)
        text_append(&text, "]");
    text_append(&text, levels > 1 ? "}" : "1}");
    return body(text.data);
}

Test(server_decode, json_nested)
{
    cr_expect(text_starts_with(nested(1), "{"));
    cr_expect(text_starts_with(nested(DECODE_DEPTH_LIMIT), "{"), "%s", shown);
    cr_expect_str_eq(nested(DECODE_DEPTH_LIMIT + 1), "the JSON body is nested deeper than 32 levels");
    cr_expect_str_eq(nested(10000), "the JSON body is nested deeper than 32 levels");
}
