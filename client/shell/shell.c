/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that talk to a daemon. */
#include "client/shell/shell.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/request.h"
#include "base/memory.h"
#include "client/print/cell.h"
#include "client/print/print.h"
#include "client/shell/follow.h"
#include "client/shell/lookup.h"

const char *shell_program = "hostpci";

int shell_write(const char *text)
{
    struct error err;

    if (fputs(text, stdout) != EOF && fflush(stdout) == 0)
        return SHELL_DONE;
    error_set_errno(&err, errno, "cannot write to standard output");
    return shell_complain(&err);
}

bool shell_asks_for_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

/* Prints one line. The text is escaped, since it may come from a server. */
static void complain_line(const char *before, const char *text)
{
    autofree char *safe = cell_escape(text);

    fprintf(stderr, "%s%s\n", before, safe);
}

int shell_complain(const struct error *err)
{
    bool colour = print_style_of(stderr).colour;
    autofree char *before =
        xasprintf("%s%s:%s ", colour ? "\033[31m" : "", shell_program, colour ? "\033[0m" : "");

    complain_line(before, err->message);
    return err->kind == ERROR_INVALID   ? SHELL_MISUSED
           : err->kind == ERROR_NO_HOST ? SHELL_UNREACHABLE
                                        : SHELL_FAILED;
}

int shell_parse_path(int argc, char **argv, unsigned scope, enum method method, struct options *ret,
                     char **ret_path, struct error *err)
{
    autooptions struct options options = {0};

    if (options_parse(argc, argv, scope, method, &options, err) != 0)
        return -1;
    if (options.argument == NULL)
        return error_set(err, ERROR_INVALID, "'%s' needs a path, such as /nodes/localhost/hardware/pci",
                         argv[0]);
    if (strchr(options.argument, '?') != NULL)
        return error_set(err, ERROR_INVALID, "write parameters as --NAME VALUE, not in the path '%s'",
                         options.argument);
    *ret_path = xasprintf("%s%s", options.argument[0] == '/' ? "" : "/", options.argument);
    *ret = options;
    options = (struct options){0};
    return 0;
}

/* Prints what is wrong with a parameter. Some of Proxmox's texts have several lines, and end with a line
 * feed. */
static void complain_parameter(const char *name, const json_t *reason)
{
    autofree char *copy = json_is_string(reason) ? xstrdup(json_string_value(reason)) : cell_of_value(reason);
    autofree char *first = xasprintf("  %s: ", name);
    const char *before = first;
    char *rest = text_trim(copy);

    for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
        complain_line(before, line);
        before = "    ";
    }
}

/* Suggests what the user can try next. */
static void print_hint(const struct call_reply *reply, const struct call_target *target,
                       const struct shell_call *call)
{
    char abilities[LOOKUP_ABILITIES_SIZE];

    lookup_abilities(endpoint_table, endpoint_count, call->path, abilities);
    bool known = strcmp(abilities, "-----") != 0;
    if ((reply->status == 400 || reply->status == 501) && known && call->help != NULL)
        fprintf(stderr, "`%s` shows the parameters.\n", call->help);
    else if ((reply->status == 400 || reply->status == 501) && known)
        fprintf(stderr, "`%s usage %s` shows the parameters.\n", shell_program, call->path);
    else if (reply->status == 501)
        fputs("`hostpci ls /` shows what there is.\n", stderr);
    else if (reply->status == 401 && target->token == NULL)
        fputs("Give a token with --token USER@REALM!ID=SECRET or in HOSTPCI_TOKEN. On the local socket, root "
              "and the "
              "user who started the daemon need none.\n",
              stderr);
}

int shell_refuse(const struct call_reply *reply, const struct call_target *target,
                 const struct shell_call *call)
{
    struct error err;
    const char *name;
    json_t *reason;

    error_set(&err, ERROR_FAILED, "%s", reply->message);
    int status = shell_complain(&err);
    json_object_foreach(reply->errors, name, reason)
        complain_parameter(name, reason);
    print_hint(reply, target, call);
    return status;
}

int shell_request(const struct options *options, const struct shell_call *call)
{
    autoreply struct call_reply reply = {0};
    enum print_format format;
    struct error err;

    if (print_format_parse(options->format, &format, &err) != 0 ||
        call_send(&options->target, call->method, call->path, options->parameters, options->count, &reply,
                  &err) != 0)
        return shell_complain(&err);
    if (reply.status < 200 || reply.status > 299)
        return shell_refuse(&reply, &options->target, call);
    const struct endpoint *endpoint =
        lookup_endpoint(endpoint_table, endpoint_count, call->method, call->path);
    const char *returned = endpoint != NULL ? endpoint->returns.format : NULL;
    bool begins_task =
        returned != NULL && strcmp(returned, "pve-task-upid") == 0 && json_is_string(reply.data);
    bool ended;
    int status = begins_task && !options->no_wait
                     ? follow_task(&options->target, json_string_value(reply.data),
                                   format == PRINT_TEXT ? stdout : stderr, &ended)
                     : SHELL_DONE;
    if (begins_task && !options->no_wait && format == PRINT_TEXT)
        return status;
    struct table_style style = print_style_of(stdout);
    style.no_border = options->no_border;
    style.no_header = options->no_header;
    const struct schema *returns = endpoint != NULL ? &endpoint->returns : NULL;
    autofree char *text = call->print != NULL && format == PRINT_TEXT
                              ? call->print(reply.data, &style)
                              : print_value(reply.data, returns, format, &style);
    int written = shell_write(text);
    const char *empty = print_explain_empty(reply.data, returns);
    if (empty != NULL && call->print == NULL && format == PRINT_TEXT && !style.terminal)
        fprintf(stderr, "%s\n", empty);
    if (status != SHELL_DONE || written != SHELL_DONE)
        return status != SHELL_DONE ? status : written;
    return call->judge != NULL ? call->judge(reply.data) : SHELL_DONE;
}

int shell_confirm(const struct options *options, const char *what)
{
    struct error err;
    char answer[16] = "";

    if (options->yes)
        return SHELL_DONE;
    if (!isatty(STDIN_FILENO)) {
        error_set(&err, ERROR_INVALID,
                  "cannot ask whether to %s, because standard input is not a terminal; --yes does it without "
                  "asking",
                  what);
        return shell_complain(&err);
    }
    fprintf(stderr, "%c%s? [y/N] ", toupper((unsigned char)what[0]), what + 1);
    if (fgets(answer, sizeof(answer), stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y'))
        return SHELL_DONE;
    error_set(&err, ERROR_FAILED, "nothing was changed");
    return shell_complain(&err);
}

static int request(int argc, char **argv, enum method method)
{
    autooptions struct options options = {0};
    autofree char *path = NULL;
    struct error err;

    if (shell_parse_path(argc, argv, OPTIONS_TARGET | OPTIONS_FORMAT, method, &options, &path, &err) != 0)
        return shell_complain(&err);
    return shell_request(&options, &(const struct shell_call){.method = method, .path = path});
}

int shell_get(int argc, char **argv)
{
    return request(argc, argv, METHOD_GET);
}

int shell_create(int argc, char **argv)
{
    return request(argc, argv, METHOD_POST);
}

int shell_set(int argc, char **argv)
{
    return request(argc, argv, METHOD_PUT);
}

int shell_delete(int argc, char **argv)
{
    return request(argc, argv, METHOD_DELETE);
}

static int write_children(const json_t *rows, const char *path, const char *key)
{
    autotext struct text text = {0};
    const json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        autofree char *name = cell_of_value(json_object_get(row, key));
        autofree char *child = xasprintf("%s/%s", path, name);
        char abilities[LOOKUP_ABILITIES_SIZE];
        if (name[0] == '\0')
            continue;
        lookup_abilities(endpoint_table, endpoint_count, child, abilities);
        text_printf(&text, "%s  %s\n", abilities, name);
    }
    return shell_write(text_string(&text));
}

/* Prints the children that the daemon lists, or those in the table of endpoints if the path has no list. */
int shell_list(int argc, char **argv)
{
    autooptions struct options options = {0};
    autofree char *path = NULL;
    autoreply struct call_reply reply = {0};
    struct error err;

    if (shell_parse_path(argc, argv, OPTIONS_TARGET, METHOD_COUNT, &options, &path, &err) != 0)
        return shell_complain(&err);
    const char *key = lookup_child_key(endpoint_table, endpoint_count, path);
    autojson json_t *known = lookup_children(endpoint_table, endpoint_count, path);
    if (key == NULL && json_array_size(known) > 0)
        return write_children(known, path, "name");
    if (key == NULL) {
        error_set(&err, ERROR_INVALID, "'%s' has no children; `hostpci usage %s` shows what it takes", path,
                  path);
        return shell_complain(&err);
    }
    if (call_send(&options.target, METHOD_GET, path, NULL, 0, &reply, &err) != 0)
        return shell_complain(&err);
    if (reply.status < 200 || reply.status > 299)
        return shell_refuse(&reply, &options.target,
                            &(const struct shell_call){.method = METHOD_GET, .path = path});
    return write_children(reply.data, path, key);
}
