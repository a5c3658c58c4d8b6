/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of `hostpci serve`: command line, file, defaults and refusals. */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "server/daemon/settings.h"
#include "tests/unit/storage/fixture.h"

/* Reads `serve` with up to six further arguments, NULL at the end. */
static int read_settings(struct settings *ret, struct error *err, ...)
{
    char *argv[8] = {(char *)"serve"};
    int argc = 1;
    va_list list;

    va_start(list, err);
    while ((argv[argc] = va_arg(list, char *)) != NULL)
        argc++;
    va_end(list);
    return settings_read(argc, argv, ret, err);
}

#define autosettings __attribute__((cleanup(settings_release)))

Test(server_settings, defaults)
{
    autosettings struct settings settings = {0};
    char host[256] = "";
    struct error err;

    gethostname(host, sizeof(host) - 1);
    host[strcspn(host, ".")] = '\0';
    cr_assert_eq(read_settings(&settings, &err, NULL), 0, "%s", err.message);
    cr_expect_str_eq(settings.listen[0], "https://0.0.0.0:8006");
    cr_expect_null(settings.listen[1]);
    cr_expect_str_eq(settings.state_dir, "/var/lib/hostpci");
    cr_expect_str_eq(settings.broker_dir, "/var/lib/hostpci-broker");
    cr_expect_str_eq(settings.user, "hostpci");
    cr_expect_str_eq(settings.run_dir, "/run/hostpci");
    cr_expect_str_eq(settings.socket, "/run/hostpci/hostpci.sock");
    cr_expect_str_eq(settings.sysroot, "/");
    cr_expect_str_eq(settings.node, host);
    cr_expect_null(settings.inventory);
    cr_expect_geq(settings.thread_count, 1);
    cr_expect_eq(settings.login_day_count, 30);
    cr_expect_str_eq(settings.qemu, "/usr/bin/qemu-system-x86_64");
    cr_expect_str_eq(settings.rom_dir, "/usr/share/kvm");
    cr_expect_str_eq(settings.volume_dirs[0], "/var/lib/hostpci/images");
    cr_expect_null(settings.volume_dirs[1]);
}

Test(server_settings, paths_of_virtual_machines)
{
    autosettings struct settings settings = {0};
    struct error err;

    cr_assert_eq(read_settings(&settings, &err, "--qemu=/opt/qemu", "--rom-dir=/roms//",
                               "--volume-dir=/srv/a/", "--volume-dir", "/", NULL),
                 0, "%s", err.message);
    cr_expect_str_eq(settings.qemu, "/opt/qemu");
    cr_expect_str_eq(settings.rom_dir, "/roms");
    cr_expect_str_eq(settings.volume_dirs[0], "/srv/a");
    cr_expect_str_eq(settings.volume_dirs[1], "/");
    cr_expect_null(settings.volume_dirs[2]);
}

Test(server_settings, default_volume_dir_is_an_absolute_path)
{
    autosettings struct settings settings = {0};
    autofree char *here = get_current_dir_name(), *images = xasprintf("%s/a/images", here);
    struct error err;

    cr_assert_eq(read_settings(&settings, &err, "--state-dir", "a", NULL), 0, "%s", err.message);
    cr_expect_str_eq(settings.volume_dirs[0], images);
}

Test(server_settings, command_line)
{
    autosettings struct settings settings = {0};
    struct error err;

    cr_assert_eq(read_settings(&settings, &err, "--listen", "https://[::]:1", "--listen=http://[::1]:2",
                               "--run-dir=/r", "--threads=3", "--login-days=7", NULL),
                 0, "%s", err.message);
    cr_expect_str_eq(settings.listen[0], "https://[::]:1");
    cr_expect_str_eq(settings.listen[1], "http://[::1]:2");
    cr_expect_null(settings.listen[2]);
    cr_expect_str_eq(settings.socket, "/r/hostpci.sock");
    cr_expect_eq(settings.thread_count, 3);
    cr_expect_eq(settings.login_day_count, 7);
}

static char *write_file(const struct fixture *fixture, const char *text)
{
    char *path = xasprintf("%s/config", fixture->folder);
    struct error err;

    cr_assert_eq(file_replace(path, text, strlen(text), 0600, &err), 0, "%s", err.message);
    return path;
}

Test(server_settings, file_and_command_line_that_wins)
{
    autosettings struct settings settings = {0};
    autofixture struct fixture fixture;
    struct error err;

    fixture_make(&fixture);
    autofree char *path = write_file(&fixture, "# a comment\n\n node = pve7 \nlisten=https://127.0.0.1:1\n"
                                               "listen = https://127.0.0.1:2\ninventory = fresh\n");
    cr_assert_eq(read_settings(&settings, &err, "--config", path, "--inventory", "cached", NULL), 0, "%s",
                 err.message);
    cr_expect_str_eq(settings.node, "pve7");
    cr_expect_str_eq(settings.listen[1], "https://127.0.0.1:2");
    cr_expect_str_eq(settings.inventory, "cached");
}

/* The error of a file, which begins with its path. */
static void expect_refused_file(const char *text, const char *expected)
{
    struct settings settings = {0};
    autofixture struct fixture fixture;
    struct error err;

    fixture_make(&fixture);
    autofree char *path = write_file(&fixture, text);
    autofree char *message = xasprintf("'%s' %s", path, expected);
    cr_assert_eq(read_settings(&settings, &err, "--config", path, NULL), -1);
    cr_expect_str_eq(err.message, message);
}

Test(server_settings, file_that_is_wrong)
{
    expect_refused_file("node = a\nnonsense\n", "line 2: 'nonsense' is not of the form name = value");
    expect_refused_file("nod = a\n", "line 1: there is no setting 'nod'; `hostpci serve --help` lists them");
    expect_refused_file("\nnode =\n", "line 2: node needs a value: NAME");
    expect_refused_file("config = x\n", "line 1: there is no setting 'config'; `hostpci serve --help` lists "
                                        "them");
}

static void expect_refused(const char *expected, const char *name, const char *value)
{
    struct settings settings = {0};
    struct error err;

    cr_assert_eq(read_settings(&settings, &err, name, value, NULL), -1, "%s %s", name, value);
    cr_expect_str_eq(err.message, expected);
    cr_expect_null(settings.node, "outputs stay untouched");
}

Test(server_settings, wrong_values)
{
    expect_refused("unknown option '--nodes'; `hostpci serve --help` lists them", "--nodes", NULL);
    expect_refused("option '--node' needs a value", "--node", NULL);
    expect_refused("--node needs a value: NAME", "--node", "");
    expect_refused("'serve' is not an option; `hostpci serve --help` lists them", "serve", NULL);
    expect_refused("'a_b' cannot be a node's name (letters, digits and inner hyphens): give another one with "
                   "--node",
                   "--node", "a_b");
    expect_refused("inventory must be 'cached' or 'fresh', not 'x'", "--inventory", "x");
    expect_refused("qemu must be an absolute path, not 'qemu'", "--qemu", "qemu");
    expect_refused("rom-dir must be an absolute path, not './rom'", "--rom-dir", "./rom");
    expect_refused("volume-dir must be an absolute path, not 'images/'", "--volume-dir", "images/");
    expect_refused("threads must be a number from 1 to 64, not '0'", "--threads", "0");
    expect_refused("threads must be a number from 1 to 64, not '65'", "--threads", "65");
    expect_refused("login-days must be a number from 1 to 3650, not '0'", "--login-days", "0");
    expect_refused("login-days must be a number from 1 to 3650, not 'x'", "--login-days", "x");
    expect_refused(
        "cors must be an origin such as https://ops.example.org or http://10.0.0.5:8080, in lower case and "
        "without a path, not 'https://ops.example.org/'",
        "--cors", "https://ops.example.org/");
    expect_refused(
        "cors must be an origin such as https://ops.example.org or http://10.0.0.5:8080, in lower case and "
        "without a path, not '*'",
        "--cors", "*");
    expect_refused("--config: cannot open '/nowhere': No such file or directory", "--config", "/nowhere");
}

Test(server_settings, help_names_every_option)
{
    static const char *const names[] = {"config",     "node",       "listen",     "socket",  "state-dir",
                                        "run-dir",    "user",       "broker-dir", "sysroot", "inventory",
                                        "threads",    "cors",       "qemu",       "rom-dir", "volume-dir",
                                        "login-days", "storage-dir"};
    autosettings struct settings settings = {0};
    autotext struct text help = {0};
    struct error err;

    cr_assert_eq(read_settings(&settings, &err, "--help", NULL), 0, "%s", err.message);
    cr_assert(settings.help);
    settings_print_help(&help);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        autofree char *option = xasprintf("\n  --%s ", names[i]);
        cr_expect_not_null(strstr(help.data, option), "%s", names[i]);
    }
}
