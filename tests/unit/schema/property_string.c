/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Property strings: one value that holds keys and values. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "schema/property_string.h"

static const struct schema device = {
    .type = SCHEMA_STRING,
    .default_key = "host",
    .property_string = PROPERTIES({.name = "host", .type = SCHEMA_STRING},
                                  {.name = "rombar", .type = SCHEMA_BOOLEAN, .optional = true},
                                  {.name = "count", .type = SCHEMA_INTEGER, .optional = true},
                                  {.name = "args", .type = SCHEMA_STRING, .optional = true}),
};

static void assert_parses(const char *string, const char *expected)
{
    autojson json_t *values = NULL;
    struct error err = {0};

    cr_expect_eq(property_string_parse(&device, string, &values, &err), 0, "%s: %s", string, err.message);
    autofree char *got = json_dumps(values, JSON_COMPACT | JSON_SORT_KEYS);
    cr_expect_str_eq(got, expected, "%s gives %s", string, got);
}

static void assert_fails(const char *string, const char *expected)
{
    json_t *values = NULL;
    struct error err = {0};

    cr_expect_eq(property_string_parse(&device, string, &values, &err), -1, "%s", string);
    cr_expect_null(values);
    cr_expect_str_eq(err.message, expected, "%s: %s", string, err.message);
}

Test(property_string, keys_in_any_order)
{
    assert_parses("host=a,count=5", "{\"count\":5,\"host\":\"a\"}");
    assert_parses("count=5,host=a", "{\"count\":5,\"host\":\"a\"}");
}

Test(property_string, a_bare_value_is_the_default_key)
{
    assert_parses("02:00,rombar=0", "{\"host\":\"02:00\",\"rombar\":0}");
}

Test(property_string, a_value_may_hold_equals_signs)
{
    assert_parses("a,args=x=y=z", "{\"args\":\"x=y=z\",\"host\":\"a\"}");
}

Test(property_string, more_words_are_booleans_inside)
{
    static const char *const on[] = {"1", "on", "ON", "yes", "True"}, *const off[] = {"0", "off", "No",
                                                                                      "FALSE"};

    for (size_t i = 0; i < COUNT_OF(on); i++) {
        autofree char *string = xasprintf("a,rombar=%s", on[i]);
        assert_parses(string, "{\"host\":\"a\",\"rombar\":1}");
    }
    for (size_t i = 0; i < COUNT_OF(off); i++) {
        autofree char *string = xasprintf("a,rombar=%s", off[i]);
        assert_parses(string, "{\"host\":\"a\",\"rombar\":0}");
    }
}

Test(property_string, what_is_wrong_is_told)
{
    assert_fails("", "host: property is missing and it is not optional");
    assert_fails("a,b", "duplicate key in comma-separated list property: host");
    assert_fails("a,host=b", "duplicate key in comma-separated list property: host");
    assert_fails("a,count=1,count=1", "duplicate key in comma-separated list property: count");
    assert_fails("a,x=1",
                 "x: property is not defined in schema and the schema does not allow additional properties");
    assert_fails("a,count=x", "count: type check ('integer') failed - got 'x'");
    assert_fails("a,rombar=maybe", "rombar: type check ('boolean') failed - got 'maybe'");
    assert_fails("a,args=\xff", "args: value is not valid UTF-8");
}

Test(property_string, printing_is_canonical)
{
    autojson json_t *values =
        json_pack("{s:s, s:i, s:i, s:s}", "host", "a", "rombar", 1, "count", 5, "args", "z");
    autofree char *string = property_string_print(&device, values);

    cr_assert_str_eq(string, "a,args=z,count=5,rombar=1");
}

Test(property_string, what_is_printed_parses_to_the_same)
{
    static const char *const strings[] = {"a", "a,rombar=0", "rombar=on,host=b,args=c=d", "count=-3,host=x"};

    for (size_t i = 0; i < COUNT_OF(strings); i++) {
        autojson json_t *values = NULL, *again = NULL;
        struct error err;
        cr_assert_eq(property_string_parse(&device, strings[i], &values, &err), 0);
        autofree char *printed = property_string_print(&device, values);
        cr_assert_eq(property_string_parse(&device, printed, &again, &err), 0);
        cr_expect(json_equal(values, again), "%s", strings[i]);
    }
}

static const struct schema card = {
    .type = SCHEMA_STRING,
    .default_key = "model",
    .property_string = PROPERTIES(
        {.name = "model", .type = SCHEMA_STRING, .values = VALUES("virtio", "e1000")},
        {.name = "address", .type = SCHEMA_STRING, .optional = true, .pattern = "[0-9a-f]+"},
        {.name = "virtio", .type = SCHEMA_STRING, .optional = true, .alias = "address", .key_alias = "model"},
        {.name = "mac", .type = SCHEMA_STRING, .optional = true, .alias = "address"},
        {.name = "rate", .type = SCHEMA_NUMBER, .optional = true}),
};

static char *print_again(const char *string)
{
    autojson json_t *values = NULL;
    struct error err = {0};

    return property_string_parse(&card, string, &values, &err) == 0 ? property_string_print(&card, values)
                                                                    : xstrdup(err.message);
}

Test(property_string, an_alias_is_stored_under_the_key_that_it_stands_for)
{
    static const char *const rows[][2] = {
        {"e1000,mac=ab", "e1000,address=ab"},
        {"virtio=ab,rate=10", "virtio=ab,rate=10"},
        {"model=virtio,mac=ab,rate=1.5", "virtio=ab,rate=1.5"},
        {"mac=ab,virtio=cd", "duplicate key in comma-separated list property: address"},
        {"e1000,virtio=cd", "duplicate key in comma-separated list property: model"},
        {"virtio=xy", "address: value does not match the regex pattern"},
        {"mac=ab", "model: property is missing and it is not optional"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autofree char *got = print_again(rows[i][0]);
        cr_expect_str_eq(got, rows[i][1], "%s: %s", rows[i][0], got);
    }
}
