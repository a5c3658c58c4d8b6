/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is made from the declarations: usage texts, indexes, YAML and the OpenAPI document. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "schema/openapi.h"
#include "schema/usage.h"

static int run_nothing(struct request *request, json_t **ret, struct error *err)
{
    (void)request, (void)ret, (void)err;
    return 0;
}

static const struct endpoint top = {.path = "/pots", .text = "Lists the pots.", .index_key = "name"};
static const struct endpoint one = {
    .method = METHOD_PUT,
    .path = "/pots/{id}/tea",
    .text = "Makes tea.",
    .permission = ALLOW_PRIVILEGE("/pots/{id}", "Pot.Use"),
    .parameters = PROPERTIES({.name = "id", .type = SCHEMA_STRING},
                             {.name = "sugar", .type = SCHEMA_BOOLEAN, .optional = true, .fallback = "0"},
                             {.name = "kind", .type = SCHEMA_STRING, .values = VALUES("green", "black")}),
    .run = run_nothing,
};
static const struct endpoint *const table[] = {&top, &one};

Test(usage, shows_how_to_call_and_what_each_parameter_is)
{
    autotext struct text text = {0};

    cr_assert(usage_print(table, 2, "/pots/a/tea", METHOD_COUNT, false, &text));
    cr_assert_not_null(strstr(text.data, "hostpci set /pots/{id}/tea [--sugar <1|0>] --kind <green|black>\n"),
                       "%s", text.data);
    cr_assert_not_null(strstr(text.data, "Makes tea."));
    cr_assert_not_null(strstr(text.data, "--kind <green|black>  (required)"));
    cr_assert_not(usage_print(table, 2, "/pots/a/tea", METHOD_GET, false, &text));
    cr_assert_not(usage_print(table, 2, "/cups", METHOD_COUNT, false, &text));
}

Test(usage, children_are_static_segments_once)
{
    static const struct endpoint again = {.path = "/pots/{id}", .text = "", .run = run_nothing};
    static const struct endpoint *const more[] = {&top, &one, &again};
    autojson json_t *root = usage_list_children(more, 3, "/", "subdir");
    autojson json_t *pots = usage_list_children(more, 3, "/pots", "name");
    autojson json_t *pot = usage_list_children(more, 3, "/pots/{id}", "method");
    autojson json_t *lists = json_pack("[OOO]", root, pots, pot);
    autofree char *all = json_dumps(lists, JSON_COMPACT);

    cr_assert_str_eq(all, "[[{\"subdir\":\"pots\"}],[],[{\"method\":\"tea\"}]]", "%s", all);
}

Test(yaml, strings_that_look_like_something_else_are_quoted)
{
    autojson json_t *value = json_pack("{s:s, s:s, s:s, s:i, s:b, s:[], s:s, s:n}", "a", "yes", "b", "1.0",
                                       "c", "plain", "d", 1, "e", 1, "f", "0x", "two\nlines\n", "g");
    autofree char *yaml = openapi_to_yaml(value);

    cr_assert_str_eq(
        yaml, "a: \"yes\"\nb: \"1.0\"\nc: plain\nd: 1\ne: true\nf: []\n\"0x\": |\n  two\n  lines\ng: null\n",
        "%s", yaml);
}

static const struct endpoint cups = {
    .method = METHOD_PUT,
    .path = "/cups",
    .text = "Fills cups.",
    .parameters = PROPERTIES({.name = "cup[n]", .type = SCHEMA_STRING, .optional = true, .count = 3}),
    .returns = {.type = SCHEMA_NULL},
    .run = run_nothing,
};

/* A name with an index is no name of a property: each index has its own, and all share a schema. */
Test(openapi, indexed_names_are_enumerated)
{
    static const struct endpoint *const cupboard[] = {&cups};
    autojson json_t *document = openapi_describe(cupboard, 1, "1");
    const json_t *schema = NULL, *token = NULL, *csrf = NULL;
    const char *type = NULL;

    cr_assert_eq(json_unpack(document, "{s:{s:{s:{s:{s:{s:{s:{s:o}}}}, s:[{s:o}, {s:o}]}}}, s:{s:{s:{s:s}}}}",
                             "paths", "/cups", "put", "requestBody", "content", "application/json", "schema",
                             "properties", &schema, "security", "token", &token, "csrf", &csrf, "components",
                             "schemas", "cupN", "type", &type),
                 0);
    autofree char *properties = json_dumps(schema, JSON_COMPACT);
    cr_assert_str_eq(properties, "{\"cup0\":{\"$ref\":\"#/components/schemas/cupN\"},"
                                 "\"cup1\":{\"$ref\":\"#/components/schemas/cupN\"},"
                                 "\"cup2\":{\"$ref\":\"#/components/schemas/cupN\"}}");
    cr_assert_str_eq(type, "string");
}

Test(openapi, describes_every_operation)
{
    autojson json_t *document = openapi_describe(table, 2, "1");
    const json_t *put =
        json_object_get(json_object_get(json_object_get(document, "paths"), "/pots/{id}/tea"), "put");
    const char *permission = NULL, *id = NULL, *captured = NULL, *kind = NULL;

    cr_assert_eq(json_unpack((json_t *)put, "{s:s, s:s, s:[{s:s}], s:{s:{s:{s:{s:{s:{s:s}}}}}}}",
                             "description", &permission, "operationId", &id, "parameters", "name", &captured,
                             "requestBody", "content", "application/json", "schema", "properties", "kind",
                             "type", &kind),
                 0);
    cr_assert_not_null(strstr(permission, "Permission: Pot.Use on /pots/{id}."));
    cr_assert_str_eq(id, "put_pots_id_tea");
    cr_assert_str_eq(captured, "id");
    cr_assert_str_eq(kind, "string");
}
