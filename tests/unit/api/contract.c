/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our declarations beside Proxmox VE's: for every method names, types, optionality, defaults, enumerations,
 * limits, formats, property strings, permission and the properties of replies.
 *
 * tests/contract/contract.json has Proxmox's, tests/contract/differences each difference with its reason: one
 * that is not there fails the test, and so does one that is there and no longer exists. */
#include <criterion/criterion.h>
#include <fnmatch.h>
#include <string.h>

#include "api/request.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/unit/api/contract_describe.h"

#define FILE_LIMIT ((size_t)1 << 20)

/* Lines "METHOD /path place", and what is otherwise there. */
struct differences {
    json_t *found; /* {line: what} */
    const char *method;
};

/* "missing" or "added" where only one of them has it. */
static void differ(const struct differences *differences, const char *place, const json_t *theirs,
                   const json_t *ours)
{
    const char *kind = theirs != NULL && ours == NULL   ? " missing"
                       : theirs == NULL && ours != NULL ? " added"
                                                        : "";
    autofree char *line = xasprintf("%s %s%s", differences->method, place, kind);
    autofree char *contract =
        theirs != NULL ? json_dumps(theirs, JSON_ENCODE_ANY | JSON_COMPACT) : xstrdup("-");
    autofree char *declared = ours != NULL ? json_dumps(ours, JSON_ENCODE_ANY | JSON_COMPACT) : xstrdup("-");
    autofree char *text = xasprintf("contract %.300s, ours %.300s", contract, declared);

    json_object_set_new(differences->found, line, json_string(text));
}

static void compare_schema(const struct differences *differences, const char *place, const json_t *theirs,
                           const json_t *ours, bool reply);

/* {name: schema}: of parameters, of a property string's keys, of a reply. A reply may have more. */
static void compare_names(const struct differences *differences, const char *place, const json_t *theirs,
                          const json_t *ours, bool reply)
{
    const char *name;
    json_t *schema;

    json_object_foreach((json_t *)(uintptr_t)theirs, name, schema) {
        autofree char *below = xasprintf("%s.%s", place, name);
        if (json_object_get(ours, name) == NULL)
            differ(differences, below, schema, NULL);
        else
            compare_schema(differences, below, schema, json_object_get(ours, name), reply);
    }
    json_object_foreach((json_t *)(uintptr_t)ours, name, schema) {
        autofree char *below = xasprintf("%s.%s", place, name);
        if (!reply && json_object_get(theirs, name) == NULL)
            differ(differences, below, NULL, schema);
    }
}

static bool is_optional(const json_t *schema)
{
    return json_integer_value(json_object_get(schema, "optional")) == 1;
}

/* Of a reply our declaration may promise more: what is optional there is always sent. */
static void compare_optional(const struct differences *differences, const char *place, const json_t *theirs,
                             const json_t *ours, bool reply)
{
    autofree char *below = xasprintf("%s.optional", place);

    autojson json_t *a = json_boolean(is_optional(theirs)), *b = json_boolean(is_optional(ours));

    if (a != b && !(reply && is_optional(theirs)))
        differ(differences, below, a, b);
}

/* Both are matched against the whole value, so anchors and groups around it mean nothing; \d is [0-9]. */
static char *plain_pattern(const char *pattern)
{
    struct text text = {0};

    while (*pattern != '\0') {
        size_t marks = text_starts_with(pattern, "(?^:") ? 4 : text_starts_with(pattern, "(?:") ? 3 : 1;
        if (text_starts_with(pattern, "\\d")) {
            text_append(&text, "[0-9]");
            marks = 2;
        } else if (strchr("()^$", *pattern) == NULL || text_starts_with(pattern, "^\\s")) {
            text_append_bytes(&text, pattern, 1);
        }
        pattern += marks;
    }
    return text_take(&text);
}

static bool is_same_pattern(const json_t *theirs, const json_t *ours)
{
    if (theirs == NULL || ours == NULL)
        return false;
    autofree char *a = plain_pattern(json_string_value(theirs)), *b = plain_pattern(json_string_value(ours));
    return strcmp(a, b) == 0;
}

static void compare_value(const struct differences *differences, const char *place, const char *key,
                          const json_t *theirs, const json_t *ours)
{
    const json_t *a = json_object_get(theirs, key), *b = json_object_get(ours, key);
    autofree char *below = xasprintf("%s%s%s", place, place[0] != '\0' ? "." : "", key);

    if ((a == NULL && b == NULL) || (a != NULL && b != NULL && json_equal(a, b)) ||
        (strcmp(key, "pattern") == 0 && is_same_pattern(a, b)))
        return;
    differ(differences, below, a, b);
}

/* Of a reply our declaration may say more than the contract does: a format, a limit. */
static void compare_values(const struct differences *differences, const char *place, const json_t *theirs,
                           const json_t *ours, bool reply)
{
    static const char *const keys[] = {"type",    "format",      "default",   "enum",
                                       "minimum", "maximum",     "minLength", "maxLength",
                                       "pattern", "default_key", "alias",     "keyAlias"};

    compare_optional(differences, place, theirs, ours, reply);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const json_t *value = json_object_get(theirs, keys[i]);
        bool is_list = json_is_object(value) && json_is_object(json_object_get(ours, keys[i]));
        if (!is_list && (value != NULL || !reply))
            compare_value(differences, place, keys[i], theirs, ours);
    }
}

static void compare_schema(const struct differences *differences, const char *place, const json_t *theirs,
                           const json_t *ours, bool reply)
{
    static const char *const below[] = {"properties", "format"};
    const json_t *items = json_object_get(theirs, "items");
    autofree char *of_items = xasprintf("%s[]", place);

    compare_values(differences, place, theirs, ours, reply);
    for (size_t i = 0; i < COUNT_OF(below); i++) {
        const json_t *names = json_object_get(theirs, below[i]), *declared = json_object_get(ours, below[i]);
        if (json_is_object(names) && (json_is_object(declared) || strcmp(below[i], "properties") == 0))
            compare_names(differences, place, names, declared, reply);
    }
    if (items != NULL)
        compare_schema(differences, of_items, items, json_object_get(ours, "items"), reply);
}

static void compare_method(const struct differences *differences, const json_t *theirs,
                           const struct endpoint *endpoint)
{
    static const char *const keys[] = {"permissions", "proxyto", "allowtoken"};
    autojson json_t *ours = contract_describe(endpoint);

    compare_names(differences, "parameters", json_object_get(theirs, "parameters"),
                  json_object_get(ours, "parameters"), false);
    compare_schema(differences, "returns", json_object_get(theirs, "returns"),
                   json_object_get(ours, "returns"), true);
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        compare_value(differences, "", keys[i], theirs, ours);
}

static const struct endpoint *find_endpoint(const char *method)
{
    for (size_t i = 0; i < endpoint_count; i++) {
        autofree char *name =
            xasprintf("%s %s", method_names[endpoint_table[i]->method], endpoint_table[i]->path);
        if (strcmp(name, method) == 0)
            return endpoint_table[i];
    }
    return NULL;
}

static json_t *find_differences(void)
{
    struct differences differences = {json_object(), NULL};
    autofree char *text = NULL;
    json_error_t reason;
    json_t *method;
    struct error err;

    cr_assert_eq(file_read("tests/contract/contract.json", FILE_LIMIT, &text, NULL, &err), 0, "%s",
                 err.message);
    autojson json_t *contract = json_loads(text, JSON_REJECT_DUPLICATES, &reason);
    cr_assert_not_null(contract, "%s", reason.text);
    json_object_foreach(contract, differences.method, method) {
        const struct endpoint *endpoint = find_endpoint(differences.method);
        if (endpoint == NULL)
            differ(&differences, "missing", NULL, NULL);
        else
            compare_method(&differences, method, endpoint);
    }
    return differences.found;
}

/* "METHOD /path place: reason", with * for anything; the first that fits. Those that fit once are marked. */
static bool is_explained(json_t *reasons, const char *line)
{
    const char *pattern;
    json_t *used;

    json_object_foreach(reasons, pattern, used)
        if (fnmatch(pattern, line, 0) == 0) {
            json_object_set_new(reasons, pattern, json_true());
            return true;
        }
    return false;
}

static json_t *read_reasons(void)
{
    json_t *reasons = json_object();
    autofree char *text = NULL;
    struct error err;

    cr_assert_eq(file_read("tests/contract/differences", FILE_LIMIT, &text, NULL, &err), 0, "%s",
                 err.message);
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
        char *colon = strstr(line, ": ");
        if (line[0] == '#' || line[0] == '\0')
            continue;
        cr_assert_not_null(colon, "no reason: %s", line);
        *colon = '\0';
        cr_assert_neq(colon[2], '\0', "no reason: %s", line);
        json_object_set_new(reasons, line, json_false());
    }
    return reasons;
}

Test(contract, differences_have_a_reason)
{
    autojson json_t *found = find_differences(), *reasons = read_reasons();
    const char *line;
    json_t *what;

    json_object_foreach(found, line, what)
        cr_expect(is_explained(reasons, line), "%s: %s", line, json_string_value(what));
    json_object_foreach(reasons, line, what)
        cr_expect(json_is_true(what), "tests/contract/differences: no such difference: %s", line);
}
