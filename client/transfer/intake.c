/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an import will do. */
#include "client/transfer/intake.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/request.h"
#include "base/json.h"
#include "base/memory.h"
#include "client/print/cell.h"
#include "client/shell/lookup.h"
#include "schema/path.h"
#include "schema/validate.h"

const char *const intake_stage_names[INTAKE_STAGES] = {[INTAKE_DEVICES] = "Devices of this host",
                                                       [INTAKE_MAPPINGS] = "Mappings",
                                                       [INTAKE_ACCESS] = "Users and permissions",
                                                       [INTAKE_VMS] = "Virtual machines"};

void intake_release(struct intake *intake)
{
    json_decref(intake->steps);
    json_decref(intake->left_out);
    json_decref(intake->known);
    *intake = (struct intake){0};
}

static void learn(struct intake *intake, const char *list, const char *name)
{
    json_t *names = json_object_get(intake->known, list);

    if (names == NULL) {
        names = json_object();
        json_object_set_new(intake->known, list, names);
    }
    json_object_set_new(names, name, json_integer(1));
}

int intake_ask(const struct intake *intake, const char *path, json_t **ret, struct error *err)
{
    autoreply struct call_reply reply = {0};

    if (call_send(intake->target, METHOD_GET, path, NULL, 0, &reply, err) != 0)
        return -1;
    if (reply.status < 200 || reply.status > 299)
        return error_set(err, ERROR_FAILED, "%s", reply.message);
    *ret = reply.data != NULL ? json_incref(reply.data) : json_null();
    return 0;
}

bool intake_knows(const struct intake *intake, const char *list, const char *name)
{
    return json_object_get(json_object_get(intake->known, list), name) != NULL;
}

/* Which members of a row name it; more than one are joined by blanks. */
static const struct known_list {
    const char *list;
    const char *keys[3];
} lists[] = {
    {INTAKE_PCI_MAPPINGS, {"id"}}, {INTAKE_USB_MAPPINGS, {"id"}}, {INTAKE_USERS, {"userid"}},
    {INTAKE_GROUPS, {"groupid"}},  {INTAKE_ROLES, {"roleid"}},    {INTAKE_ACL, {"path", "ugid", "roleid"}},
    {INTAKE_RESOURCES, {"vmid"}},  {INTAKE_VOLUMES, {"volid"}},
};

static void learn_row(struct intake *intake, const struct known_list *list, const json_t *row)
{
    autotext struct text name = {0};

    for (size_t i = 0; i < COUNT_OF(list->keys) && list->keys[i] != NULL; i++) {
        const json_t *value = json_object_get(row, list->keys[i]);
        autofree char *part = cell_of_value(value);
        if (value == NULL)
            return; /* a node among the resources has no VMID */
        text_printf(&name, "%s%s", i > 0 ? " " : "", part);
    }
    learn(intake, list->list, text_string(&name));
}

static void learn_tokens(struct intake *intake, const json_t *user)
{
    const json_t *token;
    size_t i;

    json_array_foreach(json_object_get(user, "tokens"), i, token) {
        autofree char *id = xasprintf("%s!%s", json_text(user, "userid"), json_text(token, "tokenid"));
        learn(intake, INTAKE_TOKENS, id);
    }
}

static int learn_list(const struct call_target *target, const struct known_list *list, struct intake *intake,
                      struct error *err)
{
    static char full[] = "full", yes[] = "1";
    bool users = strcmp(list->list, INTAKE_USERS) == 0;
    const struct call_parameter parameters[] = {{full, yes}};
    autoreply struct call_reply reply = {0};
    const json_t *row;
    size_t i;

    if (call_send(target, METHOD_GET, list->list, parameters, users, &reply, err) != 0)
        return -1;
    if (reply.status < 200 || reply.status > 299)
        return error_set(err, ERROR_FAILED, "cannot ask what is there already (%s): %s", list->list,
                         reply.message);
    json_array_foreach(reply.data, i, row) {
        learn_row(intake, list, row);
        learn_tokens(intake, row);
    }
    return 0;
}

int intake_begin(const struct call_target *target, struct intake *ret, struct error *err)
{
    autointake struct intake intake = {
        .target = target, .steps = json_array(), .left_out = json_array(), .known = json_object()};

    for (size_t i = 0; i < COUNT_OF(lists); i++)
        if (learn_list(target, &lists[i], &intake, err) != 0)
            return -1;
    *ret = intake;
    intake = (struct intake){0};
    return 0;
}

char *intake_next_line(struct intake_source *source, char **rest)
{
    char *line = strsep(rest, "\n");

    if (line == NULL)
        return NULL;
    line[strcspn(line, "\r")] = '\0';
    source->line++;
    return line;
}

void intake_leave_out(const struct intake_source *source, const char *format, ...)
{
    autotext struct text text = {0};
    char reason[2048];
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    text_printf(&text, "%s: ", source->name);
    if (source->line > 0)
        text_printf(&text, "line %u: ", source->line);
    /* texts of schemas end with a line feed, and those of property strings have several lines */
    char *rest = text_trim(reason);
    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n"))
        text_printf(&text, "%s%s", line, rest != NULL ? "; " : "");
    autofree char *safe = cell_escape(text_string(&text));
    json_array_append_new(source->intake->left_out, json_string(safe));
}

json_t *intake_call(enum method method, const char *path, json_t *parameters)
{
    return json_pack("{s:s, s:s, s:o}", "method", method_names[method], "path", path, "parameters",
                     parameters != NULL ? parameters : json_object());
}

/* Leaves optional parameters out that the endpoint refuses. Whether the call can be made with the rest. */
static bool settle_parameters(const struct intake_source *source, const struct intake_step *step,
                              const struct endpoint *endpoint)
{
    json_t *parameters = json_object_get(step->make, "parameters"), *value;
    struct error err;
    const char *name;
    void *next;

    json_object_foreach_safe(parameters, next, name, value) {
        const struct schema *schema = schema_find(endpoint->parameters, name);
        autojson json_t *copy = json_deep_copy(value);
        if (schema == NULL)
            error_set(&err, ERROR_INVALID, "hostpci has no such setting");
        else if (validate_value(schema, name, &copy, &err) == 0)
            continue;
        if (schema != NULL && !schema->optional) {
            intake_leave_out(source, "%s: %s: %s", step->what, name, err.message);
            return false;
        }
        intake_leave_out(source, "%s of %s: %s", name, step->what, err.message);
        json_object_del(parameters, name);
    }
    return true;
}

/* NULL if nothing is missing. */
static const char *find_missing(const struct intake_step *step, const struct endpoint *endpoint)
{
    const json_t *parameters = json_object_get(step->make, "parameters");

    SCHEMA_FOREACH(row, endpoint->parameters) {
        if (!row->optional && json_object_get(parameters, row->name) == NULL &&
            !path_captures(endpoint->path, row->name))
            return row->name;
    }
    return NULL;
}

/* What the path itself names: a user, a token. */
static bool check_captured(const struct intake_source *source, const struct intake_step *step,
                           const struct endpoint *endpoint)
{
    const char *declared = endpoint->path, *given = json_text(step->make, "path");
    struct path_capture captured;
    struct error err;

    while (path_next_capture(&declared, &given, &captured)) {
        autofree char *name = xstrndup(captured.name, captured.name_length);
        autojson json_t *value = json_stringn(captured.value, captured.value_length);
        const struct schema *schema = schema_find(endpoint->parameters, name);
        if (schema == NULL || strcmp(json_string_value(value), "localhost") == 0 ||
            validate_value(schema, name, &value, &err) == 0)
            continue;
        intake_leave_out(source, "%s: %s: %s", step->what, name, err.message);
        return false;
    }
    return true;
}

static bool check_step(const struct intake_source *source, const struct intake_step *step)
{
    const struct endpoint *endpoint =
        lookup_endpoint(endpoint_table, endpoint_count, method_find(json_text(step->make, "method")),
                        json_text(step->make, "path"));

    if (step->list != NULL && intake_knows(source->intake, step->list, step->name)) {
        intake_leave_out(source, "%s: is there already, and stays as it is", step->what);
        return false;
    }
    const char *missing = endpoint != NULL ? find_missing(step, endpoint) : NULL;
    if (endpoint != NULL && missing == NULL)
        return check_captured(source, step, endpoint) && settle_parameters(source, step, endpoint);
    if (endpoint == NULL)
        intake_leave_out(source, "%s: hostpci does not take this name", step->what);
    else
        intake_leave_out(source, "%s: it has no %s", step->what, missing);
    return false;
}

bool intake_add(struct intake_source *source, struct intake_step *step)
{
    autofree char *what = step->what;
    autojson json_t *make = step->make, *undo = step->undo != NULL ? step->undo : json_null();

    if (!check_step(source, step))
        return false;
    if (step->list != NULL)
        learn(source->intake, step->list, step->name);
    json_array_append_new(source->intake->steps, json_pack("{s:i, s:s, s:O, s:O}", "stage", (int)step->stage,
                                                           "what", what, "make", make, "undo", undo));
    return true;
}

void intake_describe(const struct intake *intake, struct text *ret)
{
    json_int_t stage = INTAKE_STAGES;
    const json_t *step, *line;
    size_t i;

    json_array_foreach(intake->steps, i, step) {
        json_int_t its = json_integer_value(json_object_get(step, "stage"));
        autofree char *what = cell_escape(json_text(step, "what"));
        if (its != stage)
            text_printf(ret, "%s:\n", intake_stage_names[its]);
        text_printf(ret, "  %s\n", what);
        stage = its;
    }
    if (json_array_size(intake->left_out) > 0)
        text_append(ret, "Left out:\n");
    json_array_foreach(intake->left_out, i, line)
        text_printf(ret, "  %s\n", json_string_value(line));
}
