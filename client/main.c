/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hostpci: one program for the daemon and its client. Called as `qm` or `pvesh`, it behaves as Proxmox VE's
 * program of that name does. */
#include <locale.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "broker/daemon/broker.h"
#include "broker/image/image.h"
#include "broker/machine/supervisor.h"
#include "client/shell/options.h"
#include "client/shell/qm.h"
#include "client/shell/shell.h"
#include "client/shell/short.h"
#include "client/transfer/transfer.h"
#include "server/daemon/serve.h"

static int show_help(int argc, char **argv);

/* Every command. The functions get their own arguments; argv[0] is the name. */
static const struct command {
    const char *name;
    const char *arguments;
    const char *text;
    unsigned scope; /* of the options that the help describes */
    int (*run)(int argc, char **argv);
} commands[] = {
    {"serve", "[OPTION]...", "run the daemon (hostpci serve --help)", 0, serve_main},
    {"broker", "[OPTION]...", "run its privileged half, which changes the host (hostpci broker --help)", 0,
     broker_main},
    {"supervise", "FOLDER", "an internal command: the parent of a VM's QEMU", 0, supervisor_main},
    {"image", "ORDER", "an internal command: qemu-img on a disk of the storage", 0, image_main},
    {"devices", "", "list the devices by IOMMU group, and whether they can be passed through",
     OPTIONS_TARGET | OPTIONS_FORMAT, short_run},
    {"why", "ID", "tell whether a device can be passed through, and if not, why and what to do",
     OPTIONS_TARGET | OPTIONS_FORMAT, short_run},
    {"doctor", "", "check the host; exit status 0: all is well, 1: warnings, 2: errors",
     OPTIONS_TARGET | OPTIONS_FORMAT, short_run},
    {"detach", "ID [--group]", "take a device from the host, so that a VM can have it",
     OPTIONS_TARGET | OPTIONS_FORMAT | OPTIONS_GROUP, short_run},
    {"attach", "ID [--group]", "give a device back to the host, with the driver that it had",
     OPTIONS_TARGET | OPTIONS_FORMAT | OPTIONS_GROUP, short_run},
    {"vfs", "ID N", "set the number of a function's virtual functions", OPTIONS_TARGET | OPTIONS_FORMAT,
     short_run},
    {"map", "NAME ID", "make a mapping of a device, or add it to one", OPTIONS_TARGET | OPTIONS_FORMAT,
     short_run},
    {"watch", "", "show what changes as it happens: devices, tasks, VMs, mappings, reservations",
     OPTIONS_TARGET | OPTIONS_FORMAT, shell_watch},
    {"get", "PATH [--NAME VALUE]...", "read a path", OPTIONS_TARGET | OPTIONS_FORMAT, shell_get},
    {"create", "PATH [--NAME VALUE]...", "create something", OPTIONS_TARGET | OPTIONS_FORMAT, shell_create},
    {"set", "PATH [--NAME VALUE]...", "change something", OPTIONS_TARGET | OPTIONS_FORMAT, shell_set},
    {"delete", "PATH [--NAME VALUE]...", "remove something", OPTIONS_TARGET | OPTIONS_FORMAT, shell_delete},
    {"ls", "PATH", "list the children, and what they allow: D ls, r get, w set, c create, d delete",
     OPTIONS_TARGET, shell_list},
    {"fix", "CHECK", "show what a check has found, and make the call that puts it right",
     OPTIONS_TARGET | OPTIONS_FORMAT | OPTIONS_FIX | OPTIONS_YES, shell_fix},
    {"usage", "PATH", "show the parameters of a path", OPTIONS_USAGE, shell_usage},
    {"qm", "VERB VMID...", "manage virtual machines (hostpci qm help)", 0, qm_main},
    {"import", "DIR|FILE",
     "import from Proxmox VE's files, or driverctl's and others': DIR is a copy of /etc/pve or /etc",
     OPTIONS_TARGET | OPTIONS_YES, transfer_import},
    {"export", "DIR", "write mappings, users and VMs as Proxmox VE's files into a new folder", OPTIONS_TARGET,
     transfer_export},
    {"backup", "FILE", "back up the daemon's database, also while it runs", OPTIONS_STATE, shell_backup},
    {"rotate-keys", "[--now]", "make new keys for tickets; the old ones stay valid for two hours",
     OPTIONS_STATE | OPTIONS_KEYS, shell_rotate_keys},
    {"checks", "", "list all checks of a host, a device and a VM's start", 0, shell_checks},
    {"openapi", "", "print the whole API as OpenAPI 3.1", 0, shell_openapi},
    {"version", "[--verbose]", "print the version of this program", OPTIONS_VERSION, shell_version},
    {"help", "[COMMAND]", "show this page, or the options of a command", 0, show_help},
};

/* pvesh has only the commands that take a path. */
static bool is_offered(const struct command *command)
{
    return strcmp(shell_program, "pvesh") != 0 || command->run == show_help ||
           text_starts_with(command->arguments, "PATH");
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(commands); i++)
        if (strcmp(commands[i].name, name) == 0 && is_offered(&commands[i]))
            return &commands[i];
    return NULL;
}

static bool is_daemon(const struct command *command)
{
    return command->run == serve_main || command->run == broker_main || command->run == supervisor_main ||
           command->run == image_main;
}

static bool explains_itself(const struct command *command)
{
    return is_daemon(command) || command->run == qm_main;
}

static int show_overview(void)
{
    autotext struct text text = {0};

    text_append(&text,
                "hostpci " VERSION ": PCI passthrough on this host, with a Proxmox VE compatible API\n\n");
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        autofree char *call = xasprintf("%s %s", commands[i].name, commands[i].arguments);
        if (is_offered(&commands[i]))
            text_printf(&text, "  %s %-30s %s\n", shell_program, call, commands[i].text);
    }
    text_append(&text, "\nOptions of get, create, set, delete and ls:\n");
    options_describe(OPTIONS_TARGET | OPTIONS_FORMAT, &text);
    text_append(&text, "\nStart with:\n");
    if (strcmp(shell_program, "pvesh") != 0)
        text_printf(&text, "  %s doctor\n  %s devices\n", shell_program, shell_program);
    text_printf(&text,
                "  %s ls /nodes/localhost/hardware\n"
                "  %s get /nodes/localhost/hardware/pci\n"
                "  %s usage /cluster/mapping/pci\n",
                shell_program, shell_program, shell_program);
    return shell_write(text_string(&text));
}

static int show_command(const struct command *command)
{
    autotext struct text text = {0};

    text_printf(&text, "%s %s %s\n  %s\n", shell_program, command->name, command->arguments, command->text);
    options_describe(command->scope, &text);
    return shell_write(text_string(&text));
}

static int refuse_command(const char *name)
{
    struct error err;

    error_set(&err, ERROR_INVALID, "there is no command '%s'; `%s help` lists them", name, shell_program);
    return shell_complain(&err);
}

static int show_help(int argc, char **argv)
{
    if (argc < 2 || shell_asks_for_help(argv[1]))
        return show_overview();
    const struct command *command = find_command(argv[1]);
    if (command == NULL)
        return refuse_command(argv[1]);
    static char help[] = "--help";
    char *arguments[] = {argv[1], help, NULL};
    return explains_itself(command) ? command->run(2, arguments) : show_command(command);
}

/* The program may be called by a symbolic link. */
static void take_name(const char *path)
{
    static const char *const names[] = {"qm", "pvesh"};
    const char *slash = path != NULL ? strrchr(path, '/') : NULL, *name = slash != NULL ? slash + 1 : path;

    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (name != NULL && strcmp(name, names[i]) == 0)
            shell_program = names[i];
}

int main(int argc, char **argv)
{
    memory_guard_json();
    take_name(argv[0]);
    if (strcmp(shell_program, "qm") == 0) {
        setlocale(LC_CTYPE, "");
        return qm_main(argc, argv);
    }
    if (argc < 2 || shell_asks_for_help(argv[1]))
        return show_overview();
    const struct command *command = find_command(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    if (command == NULL)
        return refuse_command(argv[1]);
    if (is_daemon(command))
        return command->run(argc - 1, argv + 1);
    setlocale(LC_CTYPE, ""); /* not LC_ALL: numbers in JSON and YAML have a point everywhere */
    if (argc > 2 && shell_asks_for_help(argv[argc - 1]) && !explains_itself(command))
        return show_command(command);
    return command->run(argc - 1, argv + 1);
}
