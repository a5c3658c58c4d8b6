/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters: what is accepted, what it becomes, and what the user is told otherwise. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "schema/validate.h"

static const struct schema declared[] = {
    {.name = "name", .type = SCHEMA_STRING, .format = "pve-configid"},
    {.name = "count", .type = SCHEMA_INTEGER, .optional = true, .range = RANGE(1, 10)},
    {.name = "share", .type = SCHEMA_NUMBER, .optional = true, .range = AT_LEAST(0)},
    {.name = "on", .type = SCHEMA_BOOLEAN, .optional = true},
    {.name = "kind", .type = SCHEMA_STRING, .optional = true, .values = VALUES("vm", "node")},
    {.name = "hex", .type = SCHEMA_STRING, .optional = true, .pattern = "0x[0-9a-f]{4}", .max_length = 8},
    {.name = "list", .type = SCHEMA_STRING, .optional = true, .format = "pve-configid-list"},
    {.name = "map",
     .type = SCHEMA_ARRAY,
     .optional = true,
     .max_items = 3,
     .items = ITEMS(.type = SCHEMA_INTEGER)},
    {.name = "net[n]", .type = SCHEMA_STRING, .optional = true, .count = 4},
    {.name = "vmid",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .format = "pve-vmid",
     .range = RANGE(100, 999999999)},
    {.name = NULL},
};

/* The text about a field, "" if there is none. */
static char complaint[512];

static const char *check(const char *json, const char *field, json_t **ret)
{
    autojson json_t *params = json_loads(json, JSON_ALLOW_NUL, NULL), *errors = NULL;
    struct error err = {0};

    cr_assert_not_null(params, "%s", json);
    int result = validate_parameters(declared, params, &errors, &err);
    cr_assert_eq(result == 0, errors == NULL);
    if (result != 0)
        cr_assert_str_eq(err.message, "Parameter verification failed.");
    const char *text = json_string_value(json_object_get(errors, field));
    snprintf(complaint, sizeof(complaint), "%s", text != NULL ? text : "");
    if (ret != NULL)
        *ret = json_incref(params);
    return complaint;
}

static void assert_becomes(const char *json, const char *field, const char *expected)
{
    json_t *params = NULL;

    cr_expect_str_eq(check(json, field, &params), "", "%s: %s", json, complaint);
    autofree char *got = json_dumps(json_object_get(params, field), JSON_ENCODE_ANY);
    cr_expect_str_eq(got != NULL ? got : "nothing", expected, "%s gives %s", json, got);
    json_decref(params);
}

static void assert_refused(const char *json, const char *field, const char *expected)
{
    cr_expect_str_eq(check(json, field, NULL), expected, "%s: %s", json, complaint);
}

Test(validate, values_become_their_declared_type)
{
    assert_becomes("{\"name\":\"ab\",\"count\":\"7\"}", "count", "7");
    assert_becomes("{\"name\":\"ab\",\"count\":\"+7\"}", "count", "7");
    assert_becomes("{\"name\":\"ab\",\"count\":7}", "count", "7");
    assert_becomes("{\"name\":\"ab\",\"share\":\"1e3\"}", "share", "1000.0");
    assert_becomes("{\"name\":\"ab\",\"share\":\".5\"}", "share", "0.5");
    assert_becomes("{\"name\":\"ab\",\"on\":\"1\"}", "on", "1");
    assert_becomes("{\"name\":\"ab\",\"on\":true}", "on", "1");
    assert_becomes("{\"name\":\"ab\",\"on\":0}", "on", "0");
    assert_becomes("{\"name\":\"ab\",\"kind\":\"vm\"}", "kind", "\"vm\"");
    assert_becomes("{\"name\":\"ab\",\"net3\":5}", "net3", "\"5\"");
}

Test(validate, null_is_as_if_it_were_not_sent)
{
    assert_becomes("{\"name\":\"ab\",\"count\":null}", "count", "nothing");
    assert_refused("{\"name\":null}", "name", "property is missing and it is not optional");
}

Test(validate, a_scalar_for_an_array_is_an_array_of_one)
{
    assert_becomes("{\"name\":\"ab\",\"map\":\"5\"}", "map", "[5]");
    assert_becomes("{\"name\":\"ab\",\"map\":[\"5\",6]}", "map", "[5, 6]");
}

Test(validate, an_array_for_a_list_is_joined_with_commas)
{
    assert_becomes("{\"name\":\"ab\",\"list\":[\"aa\",\"bb\"]}", "list", "\"aa,bb\"");
    assert_becomes("{\"name\":\"ab\",\"list\":\"aa; bb\"}", "list", "\"aa; bb\"");
}

Test(validate, each_field_has_its_own_text)
{
    assert_refused("{}", "name", "property is missing and it is not optional");
    assert_refused("{\"name\":\"ab\",\"other\":1}", "other",
                   "property is not defined in schema and the schema does not allow additional properties");
    assert_refused("{\"name\":\"ab\",\"count\":\"x\"}", "count", "type check ('integer') failed - got 'x'");
    assert_refused("{\"name\":\"ab\",\"count\":\"1.5\"}", "count",
                   "type check ('integer') failed - got '1.5'");
    assert_refused("{\"name\":\"ab\",\"count\":\"\"}", "count", "type check ('integer') failed - got ''");
    assert_refused("{\"name\":\"ab\",\"count\":0}", "count", "value must have a minimum value of 1");
    assert_refused("{\"name\":\"ab\",\"count\":11}", "count", "value must have a maximum value of 10");
    assert_refused("{\"name\":\"ab\",\"count\":\"99999999999999999999\"}", "count",
                   "type check ('integer') failed - got '99999999999999999999'");
    assert_refused("{\"name\":\"ab\",\"share\":\"1e999\"}", "share",
                   "type check ('number') failed - got '1e999'");
    assert_refused("{\"name\":\"ab\",\"on\":\"yes\"}", "on", "type check ('boolean') failed - got 'yes'");
    assert_refused("{\"name\":\"ab\",\"on\":\"True\"}", "on", "type check ('boolean') failed - got 'True'");
    assert_refused("{\"name\":\"ab\",\"kind\":\"x\"}", "kind",
                   "value 'x' does not have a value in the enumeration 'vm, node'");
    assert_refused("{\"name\":\"ab\",\"hex\":\"0x12\"}", "hex", "value does not match the regex pattern");
    assert_refused("{\"name\":\"ab\",\"hex\":\"0x12345678\"}", "hex", "value may only be 8 characters long");
    assert_refused("{\"name\":\"9b\"}", "name", "invalid format - invalid configuration ID\n");
    assert_refused("{\"name\":\"ab\\n\"}", "name", "invalid format - invalid configuration ID\n");
    assert_refused("{\"name\":[\"ab\"]}", "name", "type check ('string') failed - got ARRAY");
    assert_refused("{\"name\":{}}", "name", "type check ('string') failed - got HASH");
    assert_refused("{\"name\":\"ab\\u0000c\"}", "name", "value contains a NUL character");
    assert_refused("{\"name\":\"ab\",\"map\":[1,\"x\"]}", "map[1]",
                   "type check ('integer') failed - got 'x'");
    assert_refused("{\"name\":\"ab\",\"map\":[1,2,3,4]}", "map",
                   "array has 4 entries, at most 3 are allowed");
    assert_refused("{\"name\":\"ab\",\"list\":\"aa,9\"}", "list",
                   "invalid format - invalid configuration ID\n");
}

Test(validate, indexed_names_have_a_limit_and_one_spelling)
{
    const char *undeclared =
        "property is not defined in schema and the schema does not allow additional properties";

    assert_becomes("{\"name\":\"ab\",\"net0\":\"x\"}", "net0", "\"x\"");
    assert_refused("{\"name\":\"ab\",\"net4\":\"x\"}", "net4", undeclared);
    assert_refused("{\"name\":\"ab\",\"net00\":\"x\"}", "net00", undeclared);
    assert_refused("{\"name\":\"ab\",\"net\":\"x\"}", "net", undeclared);
    assert_refused("{\"name\":\"ab\",\"net[n]\":\"x\"}", "net[n]", undeclared);
    assert_refused("{\"name\":\"ab\",\"net-1\":\"x\"}", "net-1", undeclared);
}

/* It may be part of a path that privileges are asked for: what they are asked for is what is used. */
Test(validate, a_number_with_a_format_has_one_spelling)
{
    static const char *const others[] = {"0100", "+100", "00100"};

    assert_becomes("{\"name\":\"ab\",\"vmid\":\"100\"}", "vmid", "100");
    assert_becomes("{\"name\":\"ab\",\"vmid\":100}", "vmid", "100");
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        autofree char *json = xasprintf("{\"name\":\"ab\",\"vmid\":\"%s\"}", others[i]);
        assert_refused(json, "vmid", "invalid format - value does not look like a valid VM ID\n");
    }
    assert_refused("{\"name\":\"ab\",\"vmid\":99}", "vmid", "value must have a minimum value of 100");
}

Test(validate, all_that_is_wrong_is_told_at_once)
{
    autojson json_t *params = json_pack("{s:s, s:s, s:s}", "count", "x", "on", "y", "z", ""), *errors = NULL;
    struct error err;

    cr_assert_eq(validate_parameters(declared, params, &errors, &err), -1);
    cr_assert_eq(json_object_size(errors), 4);
}

static const struct schema row = {
    .type = SCHEMA_OBJECT,
    .properties = PROPERTIES({.name = "id", .type = SCHEMA_STRING}, {.name = "on", .type = SCHEMA_BOOLEAN},
                             {.name = "n", .type = SCHEMA_INTEGER, .optional = true}),
};
static const struct schema list = {.type = SCHEMA_ARRAY, .items = &row};

Test(validate, a_reply_must_be_as_declared)
{
    static const struct {
        const char *reply;
        const char *problem;
    } cases[] = {
        {"[]", ""},
        {"[{\"id\":\"a\",\"on\":1}]", ""},
        {"{}", ": is not of type array"},
        {"[{\"id\":\"a\",\"on\":true}]", "[0].on.: is not of type boolean"},
        {"[{\"id\":\"a\",\"on\":2}]", "[0].on.: is not of type boolean"},
        {"[{\"id\":\"a\"}]", "[0].on: missing"},
        {"[{\"id\":\"a\",\"on\":0,\"x\":1}]", "[0].x: not declared"},
        {"[{\"id\":1,\"on\":0}]", "[0].id.: is not of type string"},
        {"[{\"id\":\"a\",\"on\":0,\"n\":\"5\"}]", "[0].n.: is not of type integer"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autojson json_t *reply = json_loads(cases[i].reply, 0, NULL);
        struct error err = {0};
        validate_reply(&list, reply, &err);
        cr_expect_str_eq(err.message, cases[i].problem, "%s: %s", cases[i].reply, err.message);
    }
}

static int run_nothing(struct request *request, json_t **ret, struct error *err)
{
    (void)request, (void)ret, (void)err;
    return 0;
}

static const struct {
    struct endpoint endpoint;
    const char *problem;
} tables[] = {
    {{.path = "/a", .text = "t", .run = run_nothing}, ""},
    {{.path = "/a", .run = run_nothing}, "endpoint GET /a: no text"},
    {{.path = "/a", .text = "t"}, "endpoint GET /a: needs either run or index_key"},
    {{.path = "/{id}", .text = "t", .run = run_nothing},
     "endpoint GET /{id}: {id} is not declared as a mandatory parameter"},
    {{.path = "/a",
      .text = "t",
      .run = run_nothing,
      .parameters = PROPERTIES({.name = "x", .type = SCHEMA_STRING, .format = "nonsense"})},
     "endpoint GET /a: x: unknown format 'nonsense'"},
    {{.path = "/a", .text = "t", .run = run_nothing, .returns = {.type = SCHEMA_OBJECT}},
     "endpoint GET /a: an object without properties"},
};

Test(validate, the_table_of_endpoints_is_checked)
{
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        const struct endpoint *table[] = {&tables[i].endpoint};
        struct error err = {0};
        validate_table(table, 1, &err);
        cr_expect_str_eq(err.message, tables[i].problem, "%zu: %s", i, err.message);
    }
    const struct endpoint *twice[] = {&tables[0].endpoint, &tables[0].endpoint};
    struct error err = {0};
    validate_table(twice, 2, &err);
    cr_expect_str_eq(err.message, "endpoint GET /a: declared twice");
}
