/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci qm`: manages virtual machines with the command line of Proxmox VE's qm. */
#include "client/shell/qm.h"

#include <string.h>

#include "api/request.h"
#include "base/memory.h"
#include "client/shell/monitor.h"
#include "client/shell/shell.h"
#include "client/shell/terminal.h"
#include "schema/usage.h"
#include "vm/keys.h"

#define LIST     "/nodes/localhost/qemu"
#define NUMBER   "VMID"
#define CHANGE   "VMID [-NAME VALUE]..."
#define TERMINAL "/termproxy"
#define MONITOR  "/monitor"

enum vmid_role { VMID_IN_PATH, VMID_IS_PARAMETER, VMID_NONE };

static const struct verb {
    const char *name;
    const char *arguments;
    const char *text;
    enum method method;
    enum vmid_role vmid;
    const char *below; /* the rest of the path, after the VMID */
    bool file;
    char *(*print)(const json_t *data, const struct table_style *style);
} verbs[] = {
    {"list", "", "list the VMs of this node", METHOD_GET, VMID_NONE, "", false, qm_print_list},
    {"create", CHANGE, "create a VM", METHOD_POST, VMID_IS_PARAMETER, "", true, NULL},
    {"set", CHANGE, "change keys, and remove those of -delete KEY,...; all others stay", METHOD_PUT,
     VMID_IN_PATH, "/config", true, NULL},
    {"config", NUMBER, "show the configuration for the next start (-current: of the last one)", METHOD_GET,
     VMID_IN_PATH, "/config", false, qm_print_config},
    {"pending", NUMBER, "show the configuration and the changes that wait for the next start", METHOD_GET,
     VMID_IN_PATH, "/pending", false, qm_print_pending},
    {"preflight", NUMBER, "show what a start would do now, and whatever prevents it", METHOD_GET,
     VMID_IN_PATH, "/preflight", false, NULL},
    {"devices", NUMBER, "tell which device in the guest is which device of the host", METHOD_GET,
     VMID_IN_PATH, "/devices", false, qm_print_devices},
    {"showcmd", NUMBER, "show the command line of QEMU", METHOD_GET, VMID_IN_PATH, "/showcmd", false, NULL},
    {"status", "VMID [-verbose]", "tell whether the VM runs, and what it uses", METHOD_GET, VMID_IN_PATH,
     "/status/current", false, qm_print_status},
    {"start", NUMBER, "start the VM", METHOD_POST, VMID_IN_PATH, "/status/start", false, NULL},
    {"stop", NUMBER, "stop the VM at once, as if its power was cut", METHOD_POST, VMID_IN_PATH,
     "/status/stop", false, NULL},
    {"shutdown", NUMBER, "press the power button and wait for the guest to power off", METHOD_POST,
     VMID_IN_PATH, "/status/shutdown", false, NULL},
    {"reboot", NUMBER, "shut the VM down and start it again, with what is pending", METHOD_POST, VMID_IN_PATH,
     "/status/reboot", false, NULL},
    {"reset", NUMBER, "reset the VM, as its button would", METHOD_POST, VMID_IN_PATH, "/status/reset", false,
     NULL},
    {"suspend", NUMBER, "halt the processors", METHOD_POST, VMID_IN_PATH, "/status/suspend", false, NULL},
    {"resume", NUMBER, "let a suspended VM go on", METHOD_POST, VMID_IN_PATH, "/status/resume", false, NULL},
    {"monitor", "VMID [-command TEXT]",
     "run a command of QEMU's monitor, or those that are typed until `quit`", METHOD_POST, VMID_IN_PATH,
     MONITOR, false, NULL},
    {"terminal", "VMID [-serial SERIAL]", "use a serial port of the VM on this terminal; Ctrl-O leaves it",
     METHOD_POST, VMID_IN_PATH, TERMINAL, false, NULL},
    {"destroy", NUMBER, "remove the VM", METHOD_DELETE, VMID_IN_PATH, "", false, NULL},
};

static const char *program_name(void)
{
    return strcmp(shell_program, "qm") == 0 ? "qm" : "hostpci qm";
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static unsigned scope_of(const struct verb *verb)
{
    return OPTIONS_TARGET | OPTIONS_FORMAT | (verb->file ? OPTIONS_FILE : 0);
}

static char *path_of(const struct verb *verb, const char *vmid)
{
    return xasprintf(LIST "%s%s%s", verb->vmid == VMID_IN_PATH ? "/" : "",
                     verb->vmid == VMID_IN_PATH ? vmid : "", verb->below);
}

static int show_overview(void)
{
    autotext struct text text = {0};

    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        autofree char *call = xasprintf("%s %s", verbs[i].name, verbs[i].arguments);
        text_printf(&text, "  %s %-30s %s\n", program_name(), call, verbs[i].text);
    }
    text_printf(&text,
                "\nNAME is a key of the configuration: -NAME VALUE, --NAME VALUE or --NAME=VALUE;\n"
                "`%s help set` lists the keys. Options of all verbs:\n",
                program_name());
    options_describe(OPTIONS_TARGET | OPTIONS_FORMAT, &text);
    text_append(&text, "Options of create and set:\n");
    options_describe(OPTIONS_FILE, &text);
    text_printf(&text,
                "\nStart with:\n"
                "  %s create 100 -name vm1 -machine q35 -memory 4096\n"
                "  %s set 100 -hostpci0 01:00,pcie=on\n"
                "  %s preflight 100\n",
                program_name(), program_name(), program_name());
    return shell_write(text_string(&text));
}

/* Prints the parameters of the endpoint, too, without the first line of `usage`, which names the path. */
static int show_verb(const struct verb *verb)
{
    autofree char *path = path_of(verb, NUMBER);
    autotext struct text text = {0}, usage = {0};

    text_printf(&text, "%s %s %s\n", program_name(), verb->name, verb->arguments);
    if (usage_print(endpoint_table, endpoint_count, path, verb->method, false, &usage))
        text_append(&text, strchr(text_string(&usage), '\n') + 1);
    options_describe(scope_of(verb), &text);
    return shell_write(text_string(&text));
}

static int refuse_verb(const char *name)
{
    struct error err;

    error_set(&err, ERROR_INVALID, "there is no verb '%s'; `%s help` lists them", name, program_name());
    return shell_complain(&err);
}

static int check_vmid(const struct verb *verb, const char *vmid, struct error *err)
{
    unsigned long long number;

    if (vmid != NULL && text_to_number(vmid, 10, VM_ID_MAX, &number) && number >= VM_ID_MIN)
        return 0;
    if (vmid == NULL || vmid[0] == '-')
        return error_set(err, ERROR_INVALID, "the VMID must come first: %s %s %s", program_name(), verb->name,
                         verb->arguments);
    return error_set(err, ERROR_INVALID, "'%s' is not a VMID, which is a number from %d to %d", vmid,
                     VM_ID_MIN, VM_ID_MAX);
}

/* Makes a command line that names the path: the verb, the path, the VMID if the endpoint takes it as a
 * parameter, and the rest. argv[0] is the verb. */
static char **translate(const struct verb *verb, int argc, char **argv, char *path, int *ret_argc)
{
    static char parameter[] = "--vmid";
    int rest = verb->vmid == VMID_NONE ? 1 : 2, count = 0;
    char **translated = xcalloc((size_t)argc + 4, sizeof(char *));

    translated[count++] = argv[0];
    translated[count++] = path;
    if (verb->vmid == VMID_IS_PARAMETER) {
        translated[count++] = parameter;
        translated[count++] = argv[1];
    }
    for (int i = rest; i < argc; i++)
        translated[count++] = argv[i];
    *ret_argc = count;
    return translated;
}

/* -verbose is no parameter of the endpoint, but says how the answer is printed. Takes it out. */
static bool take_verbose(const struct verb *verb, int *argc, char **argv)
{
    int last = *argc - 1;

    if (verb->print != qm_print_status || last < 2 ||
        (strcmp(argv[last], "-verbose") != 0 && strcmp(argv[last], "--verbose") != 0))
        return false;
    *argc = last;
    return true;
}

/* argv[0] is the verb. */
static int run(const struct verb *verb, int argc, char **argv)
{
    autooptions struct options options = {0};
    autofree char *path = NULL;
    bool verbose = take_verbose(verb, &argc, argv);
    int count;
    struct error err;

    if (verb->vmid != VMID_NONE && check_vmid(verb, argc > 1 ? argv[1] : NULL, &err) != 0)
        return shell_complain(&err);
    autofree char *given = path_of(verb, argv[1]);
    autofree char **translated = translate(verb, argc, argv, given, &count);
    if (shell_parse_path(count, translated, scope_of(verb), verb->method, &options, &path, &err) != 0 ||
        (options.file != NULL && qm_read_file(&options, verb->method == METHOD_POST, &err) != 0))
        return shell_complain(&err);
    autofree char *help = xasprintf("%s help %s", program_name(), verb->name);
    const struct shell_call call = {.method = verb->method,
                                    .path = path,
                                    .help = help,
                                    .print = verbose ? qm_print_status_whole : verb->print};
    if (strcmp(verb->below, TERMINAL) == 0) {
        autofree char *vm = xasprintf(LIST "/%s", argv[1]);
        return terminal_run(&options, &call, vm);
    }
    if (strcmp(verb->below, MONITOR) == 0 && !options_has(&options, "command"))
        return monitor_run(&options, &call, argv[1]);
    return shell_request(&options, &call);
}

int qm_main(int argc, char **argv)
{
    bool help = argc > 1 && strcmp(argv[1], "help") == 0;
    const char *name = help ? argv[2] : argv[1];

    if (name == NULL || shell_asks_for_help(name))
        return show_overview();
    const struct verb *verb = find_verb(name);
    if (verb == NULL)
        return refuse_verb(name);
    return help || shell_asks_for_help(argv[argc - 1]) ? show_verb(verb) : run(verb, argc - 1, argv + 1);
}
