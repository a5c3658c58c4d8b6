/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that need no daemon. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "access/keys.h"
#include "api/request.h"
#include "base/memory.h"
#include "client/shell/shell.h"
#include "hardware/check/check.h"
#include "passthrough/preflight/preflight.h"
#include "schema/openapi.h"
#include "schema/usage.h"
#include "storage/storage.h"

static int parse_command(const char *name, enum method *ret, struct error *err)
{
    static const char *const commands[METHOD_COUNT] = {
        [METHOD_GET] = "get", [METHOD_POST] = "create", [METHOD_PUT] = "set", [METHOD_DELETE] = "delete"};

    *ret = METHOD_COUNT;
    if (name == NULL)
        return 0;
    for (size_t i = 0; i < METHOD_COUNT; i++)
        if (strcmp(commands[i], name) == 0)
            *ret = (enum method)i;
    if (*ret != METHOD_COUNT)
        return 0;
    return error_set(err, ERROR_INVALID, "--command must be get, create, set or delete, not '%s'", name);
}

int shell_usage(int argc, char **argv)
{
    autooptions struct options options = {0};
    autofree char *path = NULL;
    autotext struct text text = {0};
    enum method method;
    struct error err;

    if (shell_parse_path(argc, argv, OPTIONS_USAGE, METHOD_COUNT, &options, &path, &err) != 0 ||
        parse_command(options.command, &method, &err) != 0)
        return shell_complain(&err);
    if (!usage_print(endpoint_table, endpoint_count, path, method, options.verbose, &text)) {
        error_set(&err, ERROR_INVALID, "there is no %s%s'%s'; `hostpci ls /` shows what there is",
                  options.command != NULL ? options.command : "", options.command != NULL ? " of " : "",
                  path);
        return shell_complain(&err);
    }
    return shell_write(text_string(&text));
}

/* For commands that take options, but no argument. */
static int parse_alone(int argc, char **argv, unsigned scope, struct options *options, struct error *err)
{
    if (options_parse(argc, argv, scope, METHOD_COUNT, options, err) != 0)
        return -1;
    return options->argument == NULL ? 0 : error_set(err, ERROR_INVALID, "'%s' takes no argument", argv[0]);
}

static int refuse_arguments(int argc, char **argv, struct error *err)
{
    autooptions struct options options = {0};

    return parse_alone(argc, argv, 0, &options, err);
}

int shell_checks(int argc, char **argv)
{
    struct error err;

    if (refuse_arguments(argc, argv, &err) != 0)
        return shell_complain(&err);
    check_print_documentation(stdout, preflight_check_lists);
    return shell_write("");
}

int shell_openapi(int argc, char **argv)
{
    struct error err;

    if (refuse_arguments(argc, argv, &err) != 0)
        return shell_complain(&err);
    autojson json_t *document = openapi_describe(endpoint_table, endpoint_count, VERSION);
    autofree char *yaml = openapi_to_yaml(document);
    return shell_write(yaml);
}

static int check_state_folder(const char *folder, struct error *err)
{
    if (access(folder, F_OK) == 0 || errno != ENOENT)
        return 0;
    return error_set(err, ERROR_NOT_FOUND,
                     "there is no state folder '%s'; if the daemon has another one, give it with --state-dir",
                     folder);
}

int shell_backup(int argc, char **argv)
{
    autooptions struct options options = {0};
    struct error err;

    if (options_parse(argc, argv, OPTIONS_STATE, METHOD_COUNT, &options, &err) != 0)
        return shell_complain(&err);
    if (options.argument == NULL) {
        error_set(&err, ERROR_INVALID, "'%s' needs the name of the file to write", argv[0]);
        return shell_complain(&err);
    }
    autofree char *database = xasprintf("%s/hostpci.db", options.state_dir);
    if (check_state_folder(options.state_dir, &err) != 0 ||
        storage_backup_file(database, options.argument, &err) != 0)
        return shell_complain(&err);
    return SHELL_DONE;
}

int shell_rotate_keys(int argc, char **argv)
{
    autooptions struct options options = {0};
    struct error err;

    if (parse_alone(argc, argv, OPTIONS_STATE | OPTIONS_KEYS, &options, &err) != 0 ||
        check_state_folder(options.state_dir, &err) != 0 ||
        (options.now ? keys_replace(options.state_dir, &err) : keys_rotate(options.state_dir, &err)) != 0)
        return shell_complain(&err);
    return SHELL_DONE;
}
