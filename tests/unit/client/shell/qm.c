/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests: `hostpci qm`: its command line, the file form, and what it prints. */
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "client/shell/qm.h"
#include "client/shell/shell.h"

static char path[64];

static void prepare(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    snprintf(path, sizeof(path), "/tmp/hostpci-client-qm-%d", getpid());
}

static void tidy(void)
{
    unlink(path);
}

TestSuite(client_qm, .init = prepare, .fini = tidy);

static void expect(char *(*print)(const json_t *, const struct table_style *), const char *json,
                   const char *expected)
{
    autojson json_t *data = json_loads(json, JSON_DECODE_ANY, NULL);
    autofree char *printed = print(data, &(const struct table_style){0});

    cr_assert_not_null(data);
    cr_expect_str_eq(printed, expected, "got:\n%s", printed);
}

Test(client_qm, the_list_is_in_order_of_the_numbers_and_has_no_lines)
{
    expect(qm_print_list,
           "[{\"vmid\": 1000, \"name\": \"games\", \"status\": \"running\", \"maxmem\": 17179869184,"
           "  \"maxdisk\": 34359738368, \"pid\": 4242},"
           " {\"vmid\": 100, \"name\": \"guest\", \"status\": \"stopped\", \"maxmem\": 536870912, "
           "\"maxdisk\": 0}]",
           "VMID  NAME   STATUS   MEM(MB)  BOOTDISK(GB)   PID\n"
           " 100  guest  stopped      512          0.00     0\n"
           "1000  games  running    16384         32.00  4242\n");
    expect(qm_print_list, "[]", "VMID  NAME  STATUS  MEM(MB)  BOOTDISK(GB)  PID\n");
    expect(qm_print_list, "null", "VMID  NAME  STATUS  MEM(MB)  BOOTDISK(GB)  PID\n");
}

Test(client_qm, a_status_is_one_word_for_scripts)
{
    expect(qm_print_status, "{\"status\": \"running\", \"pid\": 7}", "status: running\n");
}

Test(client_qm, devices_have_a_line_for_each_function_and_for_what_is_missing)
{
    expect(
        qm_print_devices,
        "[{\"key\": \"hostpci0\", \"functions\": [{\"host\": \"0000:01:00.0\", \"guest\": \"0000:02:00.0\", "
        "\"ids\": \"10de:2484\"}, {\"host\": \"0000:01:00.1\", \"guest\": \"0000:02:00.1\", \"ids\": "
        "\"10de:228b\"}], \"rom\": \"own\"}, {\"key\": \"hostpci2\", \"functions\": [], \"rom\": \"none\", "
        "\"reason\": \"no PCI device found for '0000:09:00.0'\"}]",
        "+----------+--------------+--------------+-----------+------+---------------------------------------"
        "-+\n"
        "| KEY      | HOST         | GUEST        | IDS       | ROM  | REASON                                "
        " |\n"
        "+==========+==============+==============+===========+======+======================================="
        "=+\n"
        "| hostpci0 | 0000:01:00.0 | 0000:02:00.0 | 10de:2484 | own  |                                       "
        " |\n"
        "| hostpci0 | 0000:01:00.1 | 0000:02:00.1 | 10de:228b | own  |                                       "
        " |\n"
        "| hostpci2 |              |              |           | none | no PCI device found for "
        "'0000:09:00.0' |\n"
        "+----------+--------------+--------------+-----------+------+---------------------------------------"
        "-+\n");
}

Test(client_qm, a_configuration_is_printed_as_its_file)
{
    expect(
        qm_print_config,
        "{\"name\": \"guest\", \"hostpci0\": \"02:00,pcie=1\", \"cores\": 4, \"description\": \"a card\\nfor "
        "games\", \"digest\": \"da39a3ee5e6b4b0d3255bfef95601890afd80709\"}",
        "#a card\n"
        "#for games\n"
        "cores: 4\n"
        "hostpci0: 02:00,pcie=1\n"
        "name: guest\n");
    expect(qm_print_config, "{}", "");
    expect(qm_print_config, "{\"name\": [1, null]}", "name: [1,null]\n");
}

Test(client_qm, pending_changes_stand_below_what_is_there_now)
{
    expect(
        qm_print_pending,
        "[{\"key\": \"cores\", \"value\": \"4\"}, {\"key\": \"hostpci0\", \"value\": \"02:00\", \"pending\": "
        "\"00:02.0\"}, {\"key\": \"hostpci1\", \"pending\": \"02:00\"}, {\"key\": \"name\", \"value\": "
        "\"a\\u001b\", \"delete\": 1}, {\"key\": \"digest\", \"value\": \"da39\"}]",
        "cur cores: 4\n"
        "cur hostpci0: 02:00\n"
        "new hostpci0: 00:02.0\n"
        "new hostpci1: 02:00\n"
        "cur name: a\\x1b\n"
        "del name\n");
}

static void write_file(const char *text)
{
    struct error err;

    cr_assert_eq(file_replace(path, text, strlen(text), 0600, &err), 0, "%s", err.message);
}

/* name=value for each parameter, a line each. */
static char *read_for(struct options *options, bool create)
{
    struct text text = {0};
    struct error err;

    options->file = path;
    cr_assert_eq(qm_read_file(options, create, &err), 0, "%s", err.message);
    for (size_t i = 0; i < options->count; i++)
        text_printf(&text, "%s=%s\n", options->parameters[i].name, options->parameters[i].value);
    return text_take(&text);
}

static char *read_with(struct options *options)
{
    return read_for(options, false);
}

Test(client_qm, a_file_gives_parameters)
{
    autooptions struct options options = {0};

    write_file("# a card\ncores: 4\nhostpci0: 00:02.0\nmeta: creation-qemu=7.2.0,ctime=1767000000\n");
    autofree char *parameters = read_with(&options);
    cr_expect_not_null(strstr(parameters, "description="));
    cr_expect_not_null(strstr(parameters, "cores=4\n"));
    cr_expect_not_null(strstr(parameters, "hostpci0=00:02.0\n"));
    cr_expect_null(strstr(parameters, "meta"), "a VM keeps its origin");
}

Test(client_qm, a_new_vm_gets_the_origin_that_the_file_tells)
{
    autooptions struct options options = {0};

    write_file("meta: creation-qemu=7.2.0,ctime=1767000000\n");
    autofree char *parameters = read_for(&options, true);
    cr_expect_str_eq(parameters, "meta=creation-qemu=7.2.0,ctime=1767000000\n");
}

Test(client_qm, what_the_file_plans_is_what_it_says)
{
    autooptions struct options options = {0};

    write_file("cores: 4\nmemory: 512\nname: a\n\n[PENDING]\ndelete: name\nmemory: 1024\n");
    autofree char *parameters = read_with(&options);
    cr_expect_not_null(strstr(parameters, "memory=1024\n"));
    cr_expect_null(strstr(parameters, "name="));
}

Test(client_qm, the_command_line_is_stronger_than_the_file)
{
    autooptions struct options options = {0};

    write_file("cores: 4\nmemory: 512\n");
    options_add(&options, "memory", "1024");
    autofree char *parameters = read_with(&options);
    cr_expect_not_null(strstr(parameters, "memory=1024\n"));
    cr_expect_not_null(strstr(parameters, "cores=4\n"));
    cr_expect_eq(options.count, 2);
}

Test(client_qm, what_is_not_understood_in_a_file_is_told_with_its_line)
{
    autooptions struct options options = {0};

    cr_redirect_stderr();
    write_file("cores: 4\ncolour: red\n");
    autofree char *parameters = read_with(&options);
    fflush(stderr);
    cr_expect_str_eq(parameters, "cores=4\n");
    autofile FILE *told = cr_get_redirected_stderr();
    char line[256] = "";
    cr_assert_not_null(fgets(line, sizeof(line), told));
    autofree char *before = xasprintf("hostpci: %s: line 2: ", path);
    cr_expect(text_starts_with(line, before), "%s", line);
    cr_expect_not_null(strstr(line, "colour"));
}

Test(client_qm, a_file_that_is_not_there_is_an_error)
{
    autooptions struct options options = {.file = "/nonexistent"};
    struct error err;

    cr_expect_eq(qm_read_file(&options, false, &err), -1);
    cr_expect_not_null(strstr(err.message, "/nonexistent"));
}

static int run(const char *first, const char *second, const char *third)
{
    char *argv[] = {(char *)"qm", (char *)first, (char *)second, (char *)third, NULL};
    int argc = 1;

    while (argv[argc] != NULL)
        argc++;
    int status = qm_main(argc, argv);
    fflush(stdout);
    fflush(stderr);
    return status;
}

Test(client_qm, the_number_of_the_vm_comes_first)
{
    cr_redirect_stderr();
    cr_expect_eq(run("set", "-onboot", NULL), SHELL_MISUSED);
    cr_expect_eq(run("config", "99", NULL), SHELL_MISUSED);
    cr_expect_eq(run("config", "../100", NULL), SHELL_MISUSED);
    cr_assert_stderr_eq_str("hostpci: the VMID must come first: hostpci qm set VMID [-NAME VALUE]...\n"
                            "hostpci: '99' is not a VMID, which is a number from 100 to 999999999\n"
                            "hostpci: '../100' is not a VMID, which is a number from 100 to 999999999\n");
}

Test(client_qm, it_says_the_name_it_was_called_by)
{
    cr_redirect_stderr();
    shell_program = "qm";
    cr_expect_eq(run("frob", NULL, NULL), SHELL_MISUSED);
    cr_assert_stderr_eq_str("qm: there is no verb 'frob'; `qm help` lists them\n");
}

Test(client_qm, help_names_the_verbs_and_a_verb_its_keys)
{
    cr_redirect_stdout();
    cr_expect_eq(run("help", NULL, NULL), SHELL_DONE);
    cr_expect_eq(run("set", "--help", NULL), SHELL_DONE);
    autofile FILE *told = cr_get_redirected_stdout();
    char text[65536] = "";
    size_t length = fread(text, 1, sizeof(text) - 1, told);
    text[length] = '\0';
    cr_expect_not_null(strstr(text, "  hostpci qm destroy VMID "));
    cr_expect_not_null(strstr(text, "hostpci qm set VMID [-NAME VALUE]...\n"));
    cr_expect_not_null(strstr(text, "--hostpci[n] "));
    cr_expect_not_null(strstr(text, "--file FILE "));
}

Test(client_qm, without_a_daemon_it_says_so)
{
    cr_redirect_stderr();
    setenv("HOSTPCI_SOCKET", "/nonexistent/socket", 1);
    unsetenv("HOSTPCI_SERVER");
    cr_expect_eq(run("config", "100", NULL), SHELL_UNREACHABLE);
}
