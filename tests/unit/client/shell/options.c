/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests: the client's command line. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/memory.h"
#include "client/shell/options.h"

#define ALL (OPTIONS_TARGET | OPTIONS_FORMAT)

static int parse(enum method method, unsigned scope, struct options *ret, struct error *err, ...)
{
    char name[] = "command", *argv[16] = {name};
    int argc = 1;
    va_list args;

    va_start(args, err);
    while (argc < 15 && (argv[argc] = va_arg(args, char *)) != NULL)
        argc++;
    va_end(args);
    return options_parse(argc, argv, scope, method, ret, err);
}
#define PARSE(method, scope, ...) parse(method, scope, &options, &err, __VA_ARGS__, NULL)

static void expect_parameter(const struct options *options, size_t i, const char *name, const char *value)
{
    cr_assert_lt(i, options->count);
    cr_expect_str_eq(options->parameters[i].name, name);
    cr_expect_str_eq(options->parameters[i].value, value);
}

static void clear_environment(void)
{
    unsetenv("HOSTPCI_SOCKET");
    unsetenv("HOSTPCI_SERVER");
    unsetenv("HOSTPCI_TOKEN");
}

TestSuite(client_options, .init = clear_environment);

Test(client_options, what_is_not_ours_is_a_parameter)
{
    autooptions struct options options = {0};
    struct error err;

    cr_assert_eq(PARSE(METHOD_POST, ALL, "/cluster/mapping/pci", "--id", "gpu",
                       "--map=node=n1,path=0000:01:00.0", "-map", "b", "--output-format", "json",
                       "--description", "-1"),
                 0);
    cr_expect_str_eq(options.argument, "/cluster/mapping/pci");
    cr_expect_str_eq(options.format, "json");
    cr_expect_eq(options.count, 4);
    expect_parameter(&options, 0, "id", "gpu");
    expect_parameter(&options, 1, "map", "node=n1,path=0000:01:00.0");
    expect_parameter(&options, 2, "map", "b");
    expect_parameter(&options, 3, "description", "-1");
}

Test(client_options, an_empty_value_is_a_value)
{
    autooptions struct options options = {0};
    struct error err;

    cr_assert_eq(PARSE(METHOD_PUT, ALL, "/x", "--a", "", "--b="), 0);
    expect_parameter(&options, 0, "a", "");
    expect_parameter(&options, 1, "b", "");
}

Test(client_options, a_boolean_parameter_may_stand_alone)
{
    autooptions struct options options = {0};
    struct error err;

    cr_assert_eq(PARSE(METHOD_GET, ALL, "/nodes/n1/hardware/pci", "--verbose", "--noborder"), 0);
    expect_parameter(&options, 0, "verbose", "1");
    cr_expect(options.no_border);
}

Test(client_options, a_boolean_parameter_takes_its_value_too)
{
    autooptions struct options options = {0};
    struct error err;

    cr_assert_eq(PARSE(METHOD_GET, ALL, "nodes/n1/hardware/pci", "--verbose", "0"), 0);
    expect_parameter(&options, 0, "verbose", "0");
}

Test(client_options, mistakes_are_explained)
{
    autooptions struct options options = {0};
    struct error err;

    cr_expect_eq(PARSE(METHOD_PUT, ALL, "/x", "--description", "--id"), -1);
    cr_expect_str_eq(err.message,
                     "--description needs a value (if it begins with --, write --description=VALUE)");
    cr_expect_eq(PARSE(METHOD_PUT, ALL, "/x", "/y"), -1);
    cr_expect_str_eq(err.message,
                     "'/y' is one argument too many after '/x'; write parameters as --NAME VALUE");
    cr_expect_eq(PARSE(METHOD_COUNT, OPTIONS_USAGE, "/x", "--id", "a"), -1);
    cr_expect_str_eq(err.message, "'command' has no option '--id'");
    cr_expect_eq(PARSE(METHOD_PUT, ALL, "/x", "--insecure=1"), -1);
    cr_expect_str_eq(err.message, "--insecure takes no value");
    cr_expect_eq(PARSE(METHOD_GET, ALL, "/x", "--", "y"), -1);
    cr_expect_eq(err.kind, ERROR_INVALID);
}

Test(client_options, the_local_socket_is_the_default)
{
    autooptions struct options options = {0};
    struct error err;

    cr_assert_eq(PARSE(METHOD_GET, ALL, "/x"), 0);
    cr_expect_str_eq(options.target.socket, "/run/hostpci/hostpci.sock");
    cr_expect_null(options.target.server);
    cr_expect_null(options.target.token);
    cr_expect_str_eq(options.format, "text");
}

Test(client_options, the_environment_names_a_server_and_a_token)
{
    autooptions struct options options = {0};
    struct error err;

    setenv("HOSTPCI_SERVER", "https://pve1:8006", 1);
    setenv("HOSTPCI_TOKEN", "root@pam!a=b", 1);
    cr_assert_eq(PARSE(METHOD_GET, ALL, "/x", "--token", "root@pam!c=d"), 0);
    cr_expect_str_eq(options.target.server, "https://pve1:8006");
    cr_expect_str_eq(options.target.token, "root@pam!c=d", "an option is stronger");
}

Test(client_options, a_socket_on_the_command_line_beats_a_server_in_the_environment)
{
    autooptions struct options options = {0};
    struct error err;

    setenv("HOSTPCI_SERVER", "https://pve1:8006", 1);
    cr_assert_eq(PARSE(METHOD_GET, ALL, "/x", "--socket", "/tmp/s"), 0);
    cr_expect_str_eq(options.target.socket, "/tmp/s");
    cr_expect_null(options.target.server);
}

Test(client_options, socket_and_server_together_are_refused)
{
    autooptions struct options options = {0};
    struct error err;

    cr_expect_eq(PARSE(METHOD_GET, ALL, "/x", "--socket", "/tmp/s", "--server", "https://a"), -1);
    cr_expect_str_eq(err.message, "--socket and --server exclude each other: give only one of them");
}

Test(client_options, usage_keeps_verbose_for_itself)
{
    autooptions struct options options = {0};
    struct error err;

    cr_assert_eq(
        PARSE(METHOD_COUNT, OPTIONS_USAGE, "/nodes/n1/hardware/pci", "--verbose", "--command", "get"), 0);
    cr_expect(options.verbose);
    cr_expect_str_eq(options.command, "get");
    cr_expect_eq(options.count, 0);
}

Test(client_options, the_help_has_every_option_of_a_command)
{
    autotext struct text text = {0};

    options_describe(OPTIONS_STATE, &text);
    cr_expect_str_eq(
        text_string(&text),
        "  --state-dir DIR          the folder of the daemon's state (default: /var/lib/hostpci)\n");
}
