/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests: how replies are printed. */
#include <criterion/criterion.h>
#include <locale.h>

#include "base/memory.h"
#include "client/print/print.h"

static const struct schema devices = {
    .type = SCHEMA_ARRAY,
    .items = ITEMS(.type = SCHEMA_OBJECT, .properties = PROPERTIES({.name = "id", .type = SCHEMA_STRING},
                                                                   {.name = "group", .type = SCHEMA_INTEGER},
                                                                   {.name = "name", .type = SCHEMA_STRING}))};

static const struct schema version = {
    .type = SCHEMA_OBJECT,
    .properties = PROPERTIES({.name = "version", .type = SCHEMA_STRING}, {.name = "virtfn[n]", .count = 8})};

static void utf8(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
}

static void expect_format(const char *json, const struct schema *returns, enum print_format format,
                          struct table_style style, const char *expected)
{
    autojson json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    cr_assert_not_null(value);
    autofree char *printed = print_value(value, returns, format, &style);

    cr_expect_str_eq(printed, expected, "got:\n%s", printed);
}

static void expect(const char *json, const struct schema *returns, const char *expected)
{
    expect_format(json, returns, PRINT_TEXT, (struct table_style){0}, expected);
}

TestSuite(client_print, .init = utf8);

Test(client_print, a_list_of_objects_is_a_table_in_the_declared_order)
{
    expect("[{\"name\":\"GPU\",\"more\":\"x\",\"id\":\"0000:01:00.0\",\"group\":7},"
           " {\"id\":\"0000:02:00.0\",\"group\":-1}]",
           &devices,
           "+--------------+-------+------+------+\n"
           "| id           | group | name | more |\n"
           "+==============+=======+======+======+\n"
           "| 0000:01:00.0 |     7 | GPU  | x    |\n"
           "| 0000:02:00.0 |    -1 |      |      |\n"
           "+--------------+-------+------+------+\n");
}

Test(client_print, columns_that_are_empty_everywhere_are_left_out)
{
    expect("[{\"id\":\"a\",\"group\":null,\"name\":\"\"}]", &devices,
           "+----+\n"
           "| id |\n"
           "+====+\n"
           "| a  |\n"
           "+----+\n");
}

Test(client_print, an_object_is_a_table_of_keys_and_values)
{
    expect("{\"extra\":[1],\"virtfn1\":\"b\",\"virtfn0\":\"a\",\"version\":\"9.2\"}", &version,
           "+---------+-------+\n"
           "| key     | value |\n"
           "+=========+=======+\n"
           "| version | 9.2   |\n"
           "| virtfn0 | a     |\n"
           "| virtfn1 | b     |\n"
           "| extra   | [1]   |\n"
           "+---------+-------+\n");
}

Test(client_print, scalars_are_themselves_and_null_is_nothing)
{
    expect("\"100\"", NULL, "100\n");
    expect("\"one\\ntwo\\n\"", NULL, "one\ntwo\n");
    expect("\"a\\u001b[1mb\"", NULL, "a\\x1b[1mb\n");
    expect("1", NULL, "1\n");
    expect("null", NULL, "");
    expect("[]", &devices, "");
}

Test(client_print, other_lists_are_one_item_a_line)
{
    expect("[\"a\", 2, {\"b\": 3}]", NULL, "a\n2\n{\"b\":3}\n");
}

/* A script that counts lines must not count a sentence. */
Test(client_print, an_empty_list_is_explained_on_a_terminal_alone)
{
    static const struct schema explained = {.type = SCHEMA_ARRAY, .empty = "There are no cups."};
    struct table_style terminal = {.terminal = true};

    expect_format("[]", &explained, PRINT_TEXT, terminal, "There are no cups.\n");
    expect_format("[]", NULL, PRINT_TEXT, terminal, "The list is empty.\n");
    expect_format("[]", &explained, PRINT_TEXT, (struct table_style){0}, "");
    expect_format("[]", &explained, PRINT_JSON, terminal, "[]\n");
}

Test(client_print, only_an_empty_list_has_an_explanation)
{
    static const struct schema explained = {.type = SCHEMA_ARRAY, .empty = "There are no cups."};
    autojson json_t *none = json_array(), *one = json_pack("[s]", "a"), *object = json_object();

    cr_expect_str_eq(print_explain_empty(none, &explained), "There are no cups.");
    cr_expect_str_eq(print_explain_empty(none, NULL), "The list is empty.");
    cr_expect_null(print_explain_empty(one, &explained));
    cr_expect_null(print_explain_empty(object, NULL));
}

Test(client_print, borders_and_header_can_be_left_out)
{
    struct table_style style = {.no_border = true};

    expect_format("[{\"id\":\"a\",\"name\":\"first\"},{\"id\":\"bb\",\"name\":\"x\"}]", &devices, PRINT_TEXT,
                  style,
                  "id  name\n"
                  "a   first\n"
                  "bb  x\n");
    style.no_header = true;
    expect_format("[{\"id\":\"a\",\"name\":\"first\"}]", &devices, PRINT_TEXT, style, "a  first\n");
}

Test(client_print, a_utf8_locale_gets_box_lines)
{
    expect_format("[{\"id\":\"é\"}]", &devices, PRINT_TEXT, (struct table_style){.unicode = true},
                  "┌────┐\n"
                  "│ id │\n"
                  "╞════╡\n"
                  "│ é  │\n"
                  "└────┘\n");
}

Test(client_print, on_a_terminal_long_cells_are_wrapped)
{
    expect_format("[{\"id\":\"a\",\"name\":\"one two three four five\"},{\"id\":\"b\",\"name\":\"x\"},"
                  " {\"id\":\"c\"}]",
                  &devices, PRINT_TEXT, (struct table_style){.width = 22},
                  "+----+---------------+\n"
                  "| id | name          |\n"
                  "+====+===============+\n"
                  "| a  | one two three |\n"
                  "|    | four five     |\n"
                  "+----+---------------+\n"
                  "| b  | x             |\n"
                  "| c  |               |\n"
                  "+----+---------------+\n");
}

Test(client_print, columns_that_do_not_fit_are_named)
{
    expect_format(
        "[{\"id\":\"0000:01:00.0\",\"group\":1,\"name\":\"a long name of it\",\"more\":\"anything\"}]",
        &devices, PRINT_TEXT, (struct table_style){.width = 26},
        "+--------------+-------+\n"
        "| id           | group |\n"
        "+==============+=======+\n"
        "| 0000:01:00.0 |     1 |\n"
        "+--------------+-------+\n"
        "No room for: name, more\n"
        "(--output-format\n"
        "json-pretty shows all)\n");
}

Test(client_print, every_width_is_kept_to)
{
    autojson json_t *value = json_pack("[{s:s, s:i, s:s}]", "id", "0000:01:00.0", "group", 12, "name",
                                       "カード with a rather long name, in several words");

    for (size_t width = 5; width < 90; width++) {
        struct table_style style = {.width = width};
        autofree char *printed = print_value(value, &devices, PRINT_TEXT, &style);
        cr_expect_leq(strcspn(printed, "\n"), width, "%zu columns:\n%s", width, printed);
    }
}

Test(client_print, a_terminal_shows_the_header_bold)
{
    expect_format("[{\"id\":\"a\"}]", &devices, PRINT_TEXT,
                  (struct table_style){.colour = true, .no_border = true}, "\033[1mid\033[0m\na\n");
}

Test(client_print, a_terminal_shows_verdicts_in_their_colours)
{
    expect_format("[{\"id\":\"ready\",\"verdict\":\"ready\"},{\"id\":\"b\",\"verdict\":\"blocked\"}]", NULL,
                  PRINT_TEXT, (struct table_style){.colour = true, .no_border = true, .no_header = true},
                  "ready  \033[32mready\033[0m\nb      \033[31mblocked\033[0m\n");
}

Test(client_print, a_sentence_gets_room_before_the_columns_behind_it)
{
    expect_format(
        "[{\"id\":\"0000:01:00.0\",\"group\":1,\"name\":\"The IOMMU is off because the kernel was told so"
        " on its command line.\",\"more\":\"0000:02:00.0\",\"rest\":\"0000:03:00.0\"}]",
        &devices, PRINT_TEXT, (struct table_style){.width = 72},
        "+--------------+-------+--------------------------------+--------------+\n"
        "| id           | group | name                           | more         |\n"
        "+==============+=======+================================+==============+\n"
        "| 0000:01:00.0 |     1 | The IOMMU is off because the   | 0000:02:00.0 |\n"
        "|              |       | kernel was told so on its      |              |\n"
        "|              |       | command line.                  |              |\n"
        "+--------------+-------+--------------------------------+--------------+\n"
        "No room for: rest (--output-format json-pretty shows all)\n");
}

Test(client_print, a_reply_with_countless_columns_is_not_made_into_a_table)
{
    autojson json_t *rows = json_array();
    for (int i = 0; i < 4000; i++) {
        autofree char *name = xasprintf("k%d", i);
        json_array_append_new(rows, json_pack("{s:i}", name, i));
    }
    struct table_style style = {0};
    autofree char *printed = print_value(rows, NULL, PRINT_TEXT, &style);

    cr_expect(strncmp(printed, "{\"k0\":0}\n{\"k1\":1}\n", 18) == 0);
}

Test(client_print, programs_get_all_of_it)
{
    const char *json = "{\"id\": \"a\", \"list\": [1, null]}";

    expect_format(json, NULL, PRINT_JSON, (struct table_style){0}, "{\"id\":\"a\",\"list\":[1,null]}\n");
    expect_format(json, NULL, PRINT_JSON_PRETTY, (struct table_style){0},
                  "{\n   \"id\": \"a\",\n   \"list\": [\n      1,\n      null\n   ]\n}\n");
    expect_format("null", NULL, PRINT_JSON, (struct table_style){0}, "null\n");
}

Test(client_print, formats_go_by_name)
{
    enum print_format format = PRINT_TEXT;
    struct error err;

    cr_expect_eq(print_format_parse("yaml", &format, &err), 0);
    cr_expect_eq(format, PRINT_YAML);
    cr_expect_eq(print_format_parse("xml", &format, &err), -1);
    cr_expect_eq(err.kind, ERROR_INVALID);
    cr_expect_eq(format, PRINT_YAML, "a failure changes nothing");
}

static const struct schema settings = {
    .type = SCHEMA_OBJECT,
    .properties =
        PROPERTIES({.name = "ids", .type = SCHEMA_STRING},
                   {.name = "loader",
                    .type = SCHEMA_OBJECT,
                    .properties = PROPERTIES({.name = "name", .type = SCHEMA_STRING},
                                             {.name = "file", .type = SCHEMA_STRING})},
                   {.name = "effective",
                    .type = SCHEMA_ARRAY,
                    .items = ITEMS(.type = SCHEMA_OBJECT,
                                   .properties = PROPERTIES({.name = "name", .type = SCHEMA_STRING},
                                                            {.name = "value", .type = SCHEMA_STRING}))})};

#define SETTINGS                                                                                             \
    "{\"effective\":[{\"value\":\"1\",\"name\":\"a.b\"},{\"name\":\"c\\u001b\",\"value\":\"\"}],"            \
    "\"loader\":{\"file\":\"/etc/default/grub\",\"name\":\"grub\"},\"kernel\":[\"iommu=pt\",\"quiet\"],"     \
    "\"ids\":\"10de:2484\",\"reasons\":[]}"

Test(client_print, what_a_member_holds_has_rows_and_tables_of_its_own_on_a_terminal)
{
    expect_format(SETTINGS, &settings, PRINT_TEXT, (struct table_style){.terminal = true},
                  "+-------------+-------------------+\n"
                  "| key         | value             |\n"
                  "+=============+===================+\n"
                  "| ids         | 10de:2484         |\n"
                  "| loader.name | grub              |\n"
                  "| loader.file | /etc/default/grub |\n"
                  "| kernel      | iommu=pt, quiet   |\n"
                  "| reasons     |                   |\n"
                  "+-------------+-------------------+\n"
                  "\n"
                  "effective:\n"
                  "+-------+-------+\n"
                  "| name  | value |\n"
                  "+=======+=======+\n"
                  "| a.b   | 1     |\n"
                  "| c\\x1b |       |\n"
                  "+-------+-------+\n");
}

Test(client_print, only_lists_need_no_table_of_members)
{
    expect_format("{\"effective\":[{\"name\":\"a\"}]}", &settings, PRINT_TEXT,
                  (struct table_style){.terminal = true},
                  "effective:\n"
                  "+------+\n"
                  "| name |\n"
                  "+======+\n"
                  "| a    |\n"
                  "+------+\n");
}

Test(client_print, a_program_gets_what_a_member_holds_as_json)
{
    expect("{\"kernel\":[\"iommu=pt\",\"quiet\"]}", &settings,
           "+--------+----------------------+\n"
           "| key    | value                |\n"
           "+========+======================+\n"
           "| kernel | [\"iommu=pt\",\"quiet\"] |\n"
           "+--------+----------------------+\n");
}
