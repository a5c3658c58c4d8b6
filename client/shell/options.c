/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of the client's commands. */
#include "client/shell/options.h"

#include <stdlib.h>
#include <string.h>

#include "api/request.h"
#include "base/memory.h"
#include "client/shell/lookup.h"
#include "schema/validate.h"

struct option {
    const char *name;
    unsigned scope;
    const char *value; /* what the help calls it; NULL: the option is a switch */
    size_t offset;     /* in struct options, of a const char *, or of the bool of a switch */
    const char *variable;
    const char *fallback;
    const char *text;
};

static const struct option table[] = {
    {"output-format", OPTIONS_FORMAT, "FORMAT", offsetof(struct options, format), NULL, "text",
     "text, json, json-pretty or yaml"},
    {"noborder", OPTIONS_FORMAT, NULL, offsetof(struct options, no_border), NULL, NULL,
     "draw tables without borders"},
    {"noheader", OPTIONS_FORMAT, NULL, offsetof(struct options, no_header), NULL, NULL,
     "draw tables without their header"},
    {"no-wait", OPTIONS_FORMAT, NULL, offsetof(struct options, no_wait), NULL, NULL,
     "print the name of a task and return, instead of waiting for its end"},
    {"socket", OPTIONS_TARGET, "PATH", offsetof(struct options, target.socket), "HOSTPCI_SOCKET", CALL_SOCKET,
     "the daemon's local socket"},
    {"server", OPTIONS_TARGET, "URL", offsetof(struct options, target.server), "HOSTPCI_SERVER", NULL,
     "call another host instead: https://HOST:PORT"},
    {"token", OPTIONS_TARGET, "TOKEN", offsetof(struct options, target.token), "HOSTPCI_TOKEN", NULL,
     "your API token: USER@REALM!ID=SECRET"},
    {"cacert", OPTIONS_TARGET, "FILE", offsetof(struct options, target.cacert), NULL, NULL,
     "trust the certificates in this file instead of the system's"},
    {"fingerprint", OPTIONS_TARGET, "SHA256", offsetof(struct options, target.fingerprint), NULL, NULL,
     "trust this certificate only (`hostpci get /nodes` shows it as ssl_fingerprint)"},
    {"insecure", OPTIONS_TARGET, NULL, offsetof(struct options, target.insecure), NULL, NULL,
     "trust any certificate"},
    {"verbose", OPTIONS_USAGE, NULL, offsetof(struct options, verbose), NULL, NULL,
     "also describe the reply"},
    {"verbose", OPTIONS_VERSION, NULL, offsetof(struct options, verbose), NULL, NULL,
     "also tell the versions of kernel, compiler and libraries"},
    {"command", OPTIONS_USAGE, "COMMAND", offsetof(struct options, command), NULL, NULL,
     "describe only get, create, set or delete"},
    {"state-dir", OPTIONS_STATE, "DIR", offsetof(struct options, state_dir), NULL, CALL_STATE_DIR,
     "the folder of the daemon's state"},
    {"now", OPTIONS_KEYS, NULL, offsetof(struct options, now), NULL, NULL,
     "discard the old keys: every ticket ends at once, and everybody has to log in again"},
    {"device", OPTIONS_FIX, "ID", offsetof(struct options, device), NULL, NULL,
     "a finding about this device, and not about the host"},
    {"vmid", OPTIONS_FIX, "VMID", offsetof(struct options, vmid), NULL, NULL,
     "a finding about the start of this VM"},
    {"number", OPTIONS_FIX, "N", offsetof(struct options, number), NULL, NULL,
     "which one, where the check has found several things"},
    {"yes", OPTIONS_YES, NULL, offsetof(struct options, yes), NULL, NULL, "do it without asking"},
    {"group", OPTIONS_GROUP, NULL, offsetof(struct options, group), NULL, NULL,
     "all devices of its IOMMU group except bridges (as --scope group)"},
    {"file", OPTIONS_FILE, "FILE", offsetof(struct options, file), NULL, NULL,
     "set what this file holds, in the form that config prints; -: standard input"},
};

void options_release(struct options *options)
{
    for (size_t i = 0; i < options->count; i++) {
        free(options->parameters[i].name);
        free(options->parameters[i].value);
    }
    free(options->parameters);
    *options = (struct options){0};
}

void options_add(struct options *options, const char *name, const char *value)
{
    options->parameters = xrealloc(options->parameters, options->count + 1, sizeof(struct call_parameter));
    options->parameters[options->count++] = (struct call_parameter){xstrdup(name), xstrdup(value)};
}

static void add_value(struct options *options, const char *name, const json_t *value)
{
    autofree char *number = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);

    options_add(options, name, number != NULL ? number : json_string_value(value));
}

void options_add_all(struct options *options, const json_t *parameters)
{
    json_t *value, *item;
    const char *name;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)parameters, name, value) {
        if (!json_is_array(value))
            add_value(options, name, value);
        json_array_foreach(value, i, item)
            add_value(options, name, item);
    }
}

bool options_has(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->parameters[i].name, name) == 0)
            return true;
    return false;
}

/* The command line, and how far it was parsed. */
struct parser {
    int argc;
    char **argv;
    int next;
    unsigned scope;
    enum method method;
    struct options *options;
};

static const struct option *find_option(unsigned scope, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if ((table[i].scope & scope) != 0 && strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static void *field_of(struct options *options, const struct option *option)
{
    return (char *)options + option->offset;
}

/* The argument after --NAME; NULL if there is none, or if it looks like another option. */
static const char *next_value(struct parser *parser, const char *stop)
{
    if (parser->next >= parser->argc || text_starts_with(parser->argv[parser->next], stop))
        return NULL;
    return parser->argv[parser->next++];
}

static int refuse_missing_value(const char *name, struct error *err)
{
    return error_set(err, ERROR_INVALID, "--%s needs a value (if it begins with --, write --%s=VALUE)", name,
                     name);
}

static int take_option(struct parser *parser, const struct option *option, const char *value,
                       struct error *err)
{
    if (option->value == NULL) {
        if (value != NULL)
            return error_set(err, ERROR_INVALID, "--%s takes no value", option->name);
        *(bool *)field_of(parser->options, option) = true;
        return 0;
    }
    if (value == NULL)
        value = next_value(parser, "--");
    if (value == NULL)
        return refuse_missing_value(option->name, err);
    *(const char **)field_of(parser->options, option) = value;
    return 0;
}

static bool is_boolean(const struct parser *parser, const char *name)
{
    const char *path = parser->options->argument;
    const struct endpoint *endpoint =
        path != NULL ? lookup_endpoint(endpoint_table, endpoint_count, parser->method, path) : NULL;
    const struct schema *schema = endpoint != NULL ? schema_find(endpoint->parameters, name) : NULL;

    return schema != NULL && schema->type == SCHEMA_BOOLEAN;
}

static int take_parameter(struct parser *parser, const char *name, const char *value, struct error *err)
{
    struct options *options = parser->options;
    bool boolean = is_boolean(parser, name);

    if (value == NULL)
        value = next_value(parser, boolean ? "-" : "--");
    if (value == NULL && boolean)
        value = "1";
    if (value == NULL)
        return refuse_missing_value(name, err);
    options_add(options, name, value);
    return 0;
}

static int take_dashed(struct parser *parser, const char *argument, struct error *err)
{
    const char *start = argument + strspn(argument, "-");
    autofree char *name = xstrndup(start, strcspn(start, "="));
    const char *value = start[strlen(name)] == '=' ? start + strlen(name) + 1 : NULL;
    const struct option *option = find_option(parser->scope, name);

    if (option != NULL)
        return take_option(parser, option, value, err);
    if (parser->method == METHOD_COUNT || name[0] == '\0')
        return error_set(err, ERROR_INVALID, "'%s' has no option '%s'", parser->argv[0], argument);
    return take_parameter(parser, name, value, err);
}

static int take_argument(struct parser *parser, const char *argument, struct error *err)
{
    if (parser->options->argument != NULL)
        return error_set(err, ERROR_INVALID,
                         "'%s' is one argument too many after '%s'; write parameters as --NAME VALUE",
                         argument, parser->options->argument);
    parser->options->argument = argument;
    return 0;
}

/* Fills in from the environment, or with the default, what the command line does not give. A socket on the
 * command line takes precedence over a server in the environment. */
static int fill_in(unsigned scope, struct options *options, struct error *err)
{
    bool local = options->target.socket != NULL;

    if (local && options->target.server != NULL)
        return error_set(err, ERROR_INVALID,
                         "--socket and --server exclude each other: give only one of them");
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const char **field = field_of(options, &table[i]);
        if (table[i].value == NULL || (table[i].scope & scope) == 0 || *field != NULL)
            continue;
        const char *given = table[i].variable != NULL ? getenv(table[i].variable) : NULL;
        *field = given != NULL && given[0] != '\0' ? given : table[i].fallback;
    }
    if (local)
        options->target.server = NULL;
    return 0;
}

int options_parse(int argc, char **argv, unsigned scope, enum method method, struct options *ret,
                  struct error *err)
{
    autooptions struct options options = {0};
    struct parser parser = {
        .argc = argc, .argv = argv, .next = 1, .scope = scope, .method = method, .options = &options};

    while (parser.next < argc) {
        const char *argument = argv[parser.next++];
        bool dashed = argument[0] == '-' && argument[1] != '\0';
        if ((dashed ? take_dashed : take_argument)(&parser, argument, err) != 0)
            return -1;
    }
    if (fill_in(scope, &options, err) != 0)
        return -1;
    *ret = options;
    options = (struct options){0};
    return 0;
}

void options_describe(unsigned scope, struct text *ret)
{
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if ((table[i].scope & scope) == 0)
            continue;
        autofree char *name =
            xasprintf("--%s %s", table[i].name, table[i].value != NULL ? table[i].value : "");
        text_printf(ret, "  %-24s %s", name, table[i].text);
        if (table[i].fallback != NULL)
            text_printf(ret, " (default: %s)", table[i].fallback);
        if (table[i].variable != NULL)
            text_printf(ret, " [%s]", table[i].variable);
        text_append(ret, "\n");
    }
}
