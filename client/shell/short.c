/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The short commands for people: each makes one call of the API. */
#include "client/shell/short.h"

#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "base/json.h"
#include "base/memory.h"
#include "client/print/cell.h"
#include "client/shell/shell.h"
#include "schema/format.h"

#define DEVICES       "/nodes/localhost/hardware/pci"
#define NO_ID         0 /* of id_at */
#define ARGUMENTS_MAX 2

static char *print_devices(const json_t *data, const struct table_style *style);
static int judge_host(const json_t *data);

static const struct call {
    const char *name;
    enum method method;
    int id_at;         /* which argument is the PCI id, from 1 */
    bool by_slot;      /* a PCI id without a function means the whole device */
    bool by_group;     /* --group means the whole IOMMU group */
    const char *below; /* the rest of the path, below the device; the whole path if there is none */
    const char *arguments[ARGUMENTS_MAX]; /* the parameters that the arguments give; NULL for the PCI id */
    const char *parameter, *value;        /* what is always given */
    char *(*print)(const json_t *data, const struct table_style *style);
    int (*judge)(const json_t *data);
} calls[] = {
    {.name = "devices",
     .method = METHOD_GET,
     .below = DEVICES,
     .parameter = "verdict",
     .value = "1",
     .print = print_devices},
    {.name = "why", .method = METHOD_GET, .below = "/status", .id_at = 1},
    {.name = "doctor", .method = METHOD_GET, .below = "/nodes/localhost/hardware/iommu", .judge = judge_host},
    {.name = "detach",
     .method = METHOD_PUT,
     .below = "/driver",
     .id_at = 1,
     .parameter = "driver",
     .value = "vfio",
     .by_slot = true,
     .by_group = true},
    {.name = "attach",
     .method = METHOD_PUT,
     .below = "/driver",
     .id_at = 1,
     .parameter = "driver",
     .value = "restore",
     .by_slot = true,
     .by_group = true},
    {.name = "vfs", .method = METHOD_PUT, .below = "/sriov", .id_at = 1, .arguments = {NULL, "numvfs"}},
    {.name = "map",
     .method = METHOD_POST,
     .below = "/map",
     .id_at = 2,
     .arguments = {"mapping", NULL},
     .by_slot = true},
};

static const struct call *find_call(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        if (strcmp(calls[i].name, name) == 0)
            return &calls[i];
    return NULL;
}

static int count_arguments(const struct call *call)
{
    int count = call->id_at;

    while (count < ARGUMENTS_MAX && call->arguments[count] != NULL)
        count++;
    return count;
}

/* A group's number stands once, before its first device. */
static char *group_cell(const json_t *row, json_int_t before)
{
    json_int_t group = json_integer_value(json_object_get(row, "iommugroup"));

    return group == before ? xstrdup("") : group < 0 ? xstrdup("none") : xasprintf("%lld", (long long)group);
}

static char *name_cell(const json_t *row)
{
    autofree char *vendor = cell_of_value(json_object_get(row, "vendor_name"));
    autofree char *device = cell_of_value(json_object_get(row, "device_name"));
    autofree char *ids = xasprintf("%s:%s", json_text(row, "vendor"), json_text(row, "device"));

    return vendor[0] == '\0' && device[0] == '\0' ? cell_escape(ids) : xasprintf("%s %s", vendor, device);
}

static int compare_groups(const void *a, const void *b)
{
    const json_t *const *left = a, *const *right = b;
    json_int_t first = json_integer_value(json_object_get(*left, "iommugroup"));
    json_int_t second = json_integer_value(json_object_get(*right, "iommugroup"));

    return first != second ? (first > second) - (first < second)
                           : strcmp(json_text(*left, "id"), json_text(*right, "id"));
}

static char *print_devices(const json_t *data, const struct table_style *style)
{
    static const char *const columns[] = {"group", "id", "verdict", "driver", "name"};
    struct text text = {0};
    size_t count = json_array_size(data);
    autofree const json_t **rows = xcalloc(count + 1, sizeof(*rows));
    autotable struct table table = table_new(COUNT_OF(columns), count + 1);
    json_int_t before = -2;

    for (size_t i = 0; i < count; i++)
        rows[i] = json_array_get(data, i);
    qsort(rows, count, sizeof(*rows), compare_groups);
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        table_set(&table, 0, i, xstrdup(columns[i]));
    for (size_t i = 0; i < count; i++) {
        table_set(&table, i + 1, 0, group_cell(rows[i], before));
        for (size_t column = 1; column < 4; column++)
            table_set(&table, i + 1, column, cell_of_value(json_object_get(rows[i], columns[column])));
        table_set(&table, i + 1, 4, name_cell(rows[i]));
        before = json_integer_value(json_object_get(rows[i], "iommugroup"));
    }
    table.right[0] = table.judged[2] = true;
    table_draw(&table, style, &text);
    if (style->terminal && count > 0)
        text_printf(&text, "`%s why ID` says what passing a device through takes.\n", shell_program);
    return text_take(&text);
}

/* For scripts: whether the host's checks found nothing, something to look at, or an error. */
static int judge_host(const json_t *data)
{
    int status = SHELL_DONE;
    const json_t *finding;
    size_t i;

    json_array_foreach(json_object_get(data, "checks"), i, finding) {
        if (strcmp(json_text(finding, "severity"), "error") == 0)
            return SHORT_ERRORS;
        if (strcmp(json_text(finding, "severity"), "warning") == 0)
            status = SHORT_WARNINGS;
    }
    return status;
}

/* The function 0 of a device that is named without a function. */
static int parse_id(const char *text, char **ret, bool *ret_slot, struct error *err)
{
    struct error ignored;

    *ret_slot = strchr(text, '.') == NULL;
    autofree char *id = xasprintf("%s%s", text, *ret_slot ? ".0" : "");
    if (format_check("pci-id", id, &ignored) != 0)
        return error_set(err, ERROR_INVALID, "'%s' is not a PCI id, such as 01:00.0 or 0000:01:00.0", text);
    *ret = TAKE(id);
    return 0;
}

/* Adds the parameters that the command stands for. */
static void add_parameters(const struct call *call, char **argv, bool slot, struct options *options)
{
    for (int i = 0; i < ARGUMENTS_MAX; i++)
        if (call->arguments[i] != NULL)
            options_add(options, call->arguments[i], argv[i + 1]);
    if (call->parameter != NULL && !options_has(options, call->parameter))
        options_add(options, call->parameter, call->value);
    if (call->by_slot && !options_has(options, "scope") && (options->group || slot))
        options_add(options, "scope", options->group ? "group" : "device");
}

static int check_arguments(const struct call *call, int argc, char **argv, struct error *err)
{
    int given = 0;

    while (given + 1 < argc && argv[given + 1][0] != '-')
        given++;
    if (given >= count_arguments(call))
        return 0;
    return error_set(err, ERROR_INVALID,
                     given + 1 < argc
                         ? "the arguments of '%s' come before its options; `%s help %s` names them"
                         : "'%s' needs more arguments; `%s help %s` names them",
                     call->name, shell_program, call->name);
}

/* The command line of the call by its path: its name, the path, and the options. */
static int parse(const struct call *call, int argc, char **argv, char *path, struct options *ret,
                 struct error *err)
{
    int after = 1 + count_arguments(call), count = 0;
    autofree char **line = xcalloc((size_t)argc + 2, sizeof(char *));

    line[count++] = argv[0];
    line[count++] = path;
    for (int i = after; i < argc; i++)
        line[count++] = argv[i];
    return options_parse(count, line, OPTIONS_TARGET | OPTIONS_FORMAT | (call->by_group ? OPTIONS_GROUP : 0),
                         call->method, ret, err);
}

int short_run(int argc, char **argv)
{
    const struct call *call = find_call(argv[0]);
    autooptions struct options options = {0};
    autofree char *id = NULL;
    bool slot = false;
    struct error err;

    if (check_arguments(call, argc, argv, &err) != 0 ||
        (call->id_at != NO_ID && parse_id(argv[call->id_at], &id, &slot, &err) != 0))
        return shell_complain(&err);
    autofree char *path = id != NULL ? xasprintf(DEVICES "/%s%s", id, call->below) : xstrdup(call->below);
    if (parse(call, argc, argv, path, &options, &err) != 0)
        return shell_complain(&err);
    add_parameters(call, argv, slot, &options);
    return shell_request(
        &options, &(const struct shell_call){
                      .method = call->method, .path = path, .print = call->print, .judge = call->judge});
}
