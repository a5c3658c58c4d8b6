/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests: what the client reads from a table of endpoints. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "client/shell/lookup.h"

#define LIST_OF(property)                                                                                    \
    {.type = SCHEMA_ARRAY,                                                                                   \
     .items = ITEMS(.type = SCHEMA_OBJECT, .properties = PROPERTIES({.name = (property)}))}

static const struct endpoint root = {.method = METHOD_GET, .path = "/", .index_key = "subdir"};
static const struct endpoint version = {
    .method = METHOD_GET, .path = "/version", .returns = {.type = SCHEMA_OBJECT}};
static const struct endpoint nodes = {.method = METHOD_GET, .path = "/nodes", .returns = LIST_OF("node")};
static const struct endpoint devices = {
    .method = METHOD_GET, .path = "/nodes/{node}/hardware/pci", .returns = LIST_OF("id")};
static const struct endpoint status = {.method = METHOD_GET,
                                       .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/status",
                                       .returns = {.type = SCHEMA_OBJECT}};
static const struct endpoint create = {.method = METHOD_POST, .path = "/mapping"};
static const struct endpoint update = {.method = METHOD_PUT, .path = "/mapping/{id}"};
static const struct endpoint delete = {.method = METHOD_DELETE, .path = "/mapping/{id}"};

static const struct endpoint *const table[] = {&root,   &version, &nodes,  &devices,
                                               &status, &create,  &update, &delete};

static const char *abilities(const char *path)
{
    static char letters[LOOKUP_ABILITIES_SIZE];

    lookup_abilities(table, COUNT_OF(table), path, letters);
    return letters;
}

Test(client_lookup, an_endpoint_is_found_by_method_and_path)
{
    cr_expect_eq(lookup_endpoint(table, COUNT_OF(table), METHOD_GET, "nodes/n1/hardware/pci/"), &devices);
    cr_expect_eq(lookup_endpoint(table, COUNT_OF(table), METHOD_PUT, "/mapping/gpu"), &update);
    cr_expect_null(lookup_endpoint(table, COUNT_OF(table), METHOD_GET, "/mapping/gpu"));
    cr_expect_null(lookup_endpoint(table, COUNT_OF(table), METHOD_GET, "/nowhere"));
}

Test(client_lookup, abilities_are_five_letters)
{
    cr_expect_str_eq(abilities("/"), "Dr---");
    cr_expect_str_eq(abilities("/version"), "-r---");
    cr_expect_str_eq(abilities("/nodes/n1"), "D----");
    cr_expect_str_eq(abilities("/mapping"), "D--c-");
    cr_expect_str_eq(abilities("/mapping/gpu"), "--w-d");
    cr_expect_str_eq(abilities("/nowhere"), "-----");
}

Test(client_lookup, children_are_named_by_a_property_of_the_rows)
{
    cr_expect_str_eq(lookup_child_key(table, COUNT_OF(table), "/"), "subdir", "an index says which");
    cr_expect_str_eq(lookup_child_key(table, COUNT_OF(table), "/nodes"), "node", "the captured name");
    cr_expect_str_eq(lookup_child_key(table, COUNT_OF(table), "/nodes/n1/hardware/pci"), "id",
                     "id otherwise");
}

Test(client_lookup, what_is_no_list_has_no_children)
{
    cr_expect_null(lookup_child_key(table, COUNT_OF(table), "/version"));
    cr_expect_null(lookup_child_key(table, COUNT_OF(table), "/mapping"));
}

Test(client_lookup, a_path_without_a_list_has_the_children_of_the_table)
{
    autojson json_t *children = lookup_children(table, COUNT_OF(table), "/nodes/n1");
    autojson json_t *expected = json_pack("[{s:s}]", "name", "hardware");
    autojson json_t *captured = lookup_children(table, COUNT_OF(table), "/mapping");
    autojson json_t *expected_captured = json_pack("[{s:s}]", "name", "{id}");
    autojson json_t *none = lookup_children(table, COUNT_OF(table), "/version");

    cr_expect(json_equal(children, expected));
    cr_expect(json_equal(captured, expected_captured));
    cr_expect_eq(json_array_size(none), 0);
}
