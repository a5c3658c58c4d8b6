/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must be true of each finding's action, whoever found it. */
#include "tests/unit/action.h"

#include <criterion/criterion.h>
#include <string.h>
#include <wordexp.h>

#include "api/request.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "client/shell/lookup.h"
#include "schema/path.h"
#include "schema/validate.h"

static void add_captures(const struct endpoint *endpoint, const char *path, json_t *parameters)
{
    const char *declared = endpoint->path;
    struct path_capture part;

    while (path_next_capture(&declared, &path, &part)) {
        autofree char *name = xstrndup(part.name, part.name_length);
        json_object_set_new(parameters, name, json_stringn(part.value, part.value_length));
    }
}

static void expect_accepted(const char *about, const json_t *check, const json_t *action)
{
    const char *id = json_text(check, "id"), *path = json_text(action, "path");
    enum method method = method_find(json_text(action, "method"));
    autojson json_t *parameters = json_deep_copy(json_object_get(action, "parameters")), *errors = NULL;
    struct error err;

    cr_expect(method != METHOD_COUNT, "%s, %s: %s", about, id, json_text(action, "method"));
    const struct endpoint *endpoint = lookup_endpoint(endpoint_table, endpoint_count, method, path);
    cr_assert_not_null(endpoint, "%s, %s: there is no %s %s", about, id, json_text(action, "method"), path);
    cr_assert(json_is_object(parameters), "%s, %s", about, id);
    add_captures(endpoint, path, parameters);
    int status = validate_parameters(endpoint->parameters, parameters, &errors, &err);
    autofree char *text = json_dumps(errors, JSON_ENCODE_ANY);
    cr_expect_eq(status, 0, "%s, %s: %s: %s", about, id, path, text);
}

/* The first line that is no comment; "" if there is none. */
static char *first_to_type(const char *remedy)
{
    while (*remedy == '#') {
        remedy += strcspn(remedy, "\n");
        remedy += *remedy == '\n';
    }
    return xstrndup(remedy, strcspn(remedy, "\n"));
}

/* What only shows something may have an action, and need not. */
static bool is_call(const char *line)
{
    return text_starts_with(line, "hostpci create ") || text_starts_with(line, "hostpci set ") ||
           text_starts_with(line, "hostpci delete ") || text_starts_with(line, "hostpci qm set ");
}

/* Each value as the command line has it. */
static json_t *to_strings(const json_t *parameters)
{
    json_t *strings = json_object(), *value;
    const char *name;

    json_object_foreach((json_t *)(uintptr_t)parameters, name, value)
        json_object_set_new(strings, name,
                            json_is_integer(value)
                                ? json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value))
                                : json_incref(value));
    return strings;
}

/* "set PATH --NAME VALUE..." or "qm set VMID -NAME VALUE...". A name that is repeated makes a list. */
static json_t *action_of_line(const char *line)
{
    bool qm = text_starts_with(line, "hostpci qm ");
    json_t *parameters = json_object();
    wordexp_t words;

    cr_assert_eq(wordexp(line, &words, WRDE_NOCMD | WRDE_UNDEF), 0, "%s", line);
    char **word = words.we_wordv + (qm ? 2 : 1);
    const char *method = strcmp(word[0], "create") == 0 ? "POST"
                         : strcmp(word[0], "set") == 0  ? "PUT"
                         : strcmp(word[0], "get") == 0  ? "GET"
                                                        : "DELETE";
    autofree char *path = qm ? xasprintf("/nodes/localhost/qemu/%s/config", word[1]) : xstrdup(word[1]);
    for (word += 2; word[0] != NULL; word += 2) {
        const char *name = word[0] + strspn(word[0], "-");
        json_t *before = json_object_get(parameters, name);
        if (json_is_array(before))
            json_array_append_new(before, json_string(word[1]));
        else if (before != NULL)
            json_object_set_new(parameters, name, json_pack("[O, s]", before, word[1]));
        else
            json_object_set_new(parameters, name, json_string(word[1]));
    }
    wordfree(&words);
    return json_pack("{s:s, s:s, s:o}", "method", method, "path", path, "parameters", parameters);
}

static void expect_same(const char *about, const json_t *check, const char *line, const json_t *action)
{
    autojson json_t *typed = action_of_line(line), *called = json_copy((json_t *)(uintptr_t)action);

    json_object_set_new(called, "parameters", to_strings(json_object_get(action, "parameters")));
    autofree char *text = json_dumps(called, 0);
    cr_expect(json_equal(typed, called), "%s, %s: %s is not %s", about, json_text(check, "id"), line, text);
}

void expect_action(const char *about, const json_t *check)
{
    const json_t *action = json_object_get(check, "action");
    autofree char *line = first_to_type(json_text(check, "remedy"));

    cr_expect(action != NULL || !is_call(line), "%s, %s: no action for: %s", about, json_text(check, "id"),
              line);
    if (action == NULL)
        return;
    expect_accepted(about, check, action);
    if (is_call(line) || text_starts_with(line, "hostpci get "))
        expect_same(about, check, line, action);
}
