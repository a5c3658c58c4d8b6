/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci qm`: virtual machines with the command line of Proxmox VE's qm. */
#include "client/shell/qm.h"

#include <string.h>

#include "api/request.h"
#include "base/memory.h"
#include "client/shell/shell.h"
#include "schema/usage.h"
#include "vm/keys.h"

#define LIST   "/nodes/localhost/qemu"
#define NUMBER "VMID"
#define CHANGE "VMID [-NAME VALUE]..."

enum place { IN_PATH, AS_PARAMETER, NOWHERE }; /* of the VMID */

static const struct verb {
    const char *name;
    const char *arguments;
    const char *text;
    enum method method;
    enum place vmid;
    const char *below; /* the VM's path */
    bool file;
    char *(*print)(const json_t *data, const struct table_style *style);
} verbs[] = {
    {"list", "", "every VM here", METHOD_GET, NOWHERE, "", false, qm_print_list},
    {"create", CHANGE, "a new VM", METHOD_POST, AS_PARAMETER, "", true, NULL},
    {"set", CHANGE, "change some keys, -delete KEY,... others; the rest stays", METHOD_PUT, IN_PATH,
     "/config", true, NULL},
    {"config", NUMBER, "what its next start takes (-current: its last one took)", METHOD_GET, IN_PATH,
     "/config", false, qm_print_config},
    {"pending", NUMBER, "the same with what waits for the next start", METHOD_GET, IN_PATH, "/pending", false,
     qm_print_pending},
    {"preflight", NUMBER, "what a start would do now, and all that stands against it", METHOD_GET, IN_PATH,
     "/preflight", false, NULL},
    {"showcmd", NUMBER, "the command line of QEMU", METHOD_GET, IN_PATH, "/showcmd", false, NULL},
    {"destroy", NUMBER, "remove it", METHOD_DELETE, IN_PATH, "", false, NULL},
};

static const char *called(void)
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
    return xasprintf(LIST "%s%s%s", verb->vmid == IN_PATH ? "/" : "", verb->vmid == IN_PATH ? vmid : "",
                     verb->below);
}

static int show_overview(void)
{
    autotext struct text text = {0};

    for (size_t i = 0; i < COUNT_OF(verbs); i++) {
        autofree char *call = xasprintf("%s %s", verbs[i].name, verbs[i].arguments);
        text_printf(&text, "  %s %-30s %s\n", called(), call, verbs[i].text);
    }
    text_printf(&text,
                "\nNames are the keys of a configuration: -NAME VALUE, --NAME VALUE or --NAME=VALUE;\n"
                "`%s help set` lists them. Options of all:\n",
                called());
    options_describe(OPTIONS_TARGET | OPTIONS_FORMAT, &text);
    text_append(&text, "Of create and set:\n");
    options_describe(OPTIONS_FILE, &text);
    text_printf(&text,
                "\nStart with:\n"
                "  %s create 100 -name guest -machine q35 -memory 4096\n"
                "  %s set 100 -hostpci0 01:00,pcie=on\n"
                "  %s preflight 100\n",
                called(), called(), called());
    return shell_write(text_string(&text));
}

/* With the endpoint's parameters; what `usage` says in its first line is said here in other words. */
static int show_verb(const struct verb *verb)
{
    autofree char *path = path_of(verb, NUMBER);
    autotext struct text text = {0}, usage = {0};

    text_printf(&text, "%s %s %s\n", called(), verb->name, verb->arguments);
    if (usage_print(endpoint_table, endpoint_count, path, verb->method, false, &usage))
        text_append(&text, strchr(text_string(&usage), '\n') + 1);
    options_describe(scope_of(verb), &text);
    return shell_write(text_string(&text));
}

static int refuse_verb(const char *name)
{
    struct error err;

    error_set(&err, ERROR_INVALID, "there is no command '%s'; `%s help` lists them", name, called());
    return shell_complain(&err);
}

static int check_vmid(const struct verb *verb, const char *vmid, struct error *err)
{
    unsigned long long number;

    if (vmid != NULL && text_to_number(vmid, 10, VM_ID_MAX, &number) && number >= VM_ID_MIN)
        return 0;
    if (vmid == NULL || vmid[0] == '-')
        return error_set(err, ERROR_INVALID, "the VM's number comes first: %s %s %s", called(), verb->name,
                         verb->arguments);
    return error_set(err, ERROR_INVALID, "'%s' is not a VM's number, which is %d to %d", vmid, VM_ID_MIN,
                     VM_ID_MAX);
}

/* The command line that says the same with a path: the verb, the path, the VMID as a parameter where it is
 * one, and what came after it. argv[0] is the verb. */
static char **translate(const struct verb *verb, int argc, char **argv, char *path, int *ret_argc)
{
    static char parameter[] = "--vmid";
    int rest = verb->vmid == NOWHERE ? 1 : 2, count = 0;
    char **translated = xcalloc((size_t)argc + 4, sizeof(char *));

    translated[count++] = argv[0];
    translated[count++] = path;
    if (verb->vmid == AS_PARAMETER) {
        translated[count++] = parameter;
        translated[count++] = argv[1];
    }
    for (int i = rest; i < argc; i++)
        translated[count++] = argv[i];
    *ret_argc = count;
    return translated;
}

/* argv[0] is the verb. */
static int run(const struct verb *verb, int argc, char **argv)
{
    autooptions struct options options = {0};
    autofree char *path = NULL;
    int count;
    struct error err;

    if (verb->vmid != NOWHERE && check_vmid(verb, argc > 1 ? argv[1] : NULL, &err) != 0)
        return shell_complain(&err);
    autofree char *given = path_of(verb, argv[1]);
    autofree char **translated = translate(verb, argc, argv, given, &count);
    if (shell_parse_path(count, translated, scope_of(verb), verb->method, &options, &path, &err) != 0 ||
        (options.file != NULL && qm_read_file(&options, &err) != 0))
        return shell_complain(&err);
    autofree char *help = xasprintf("%s help %s", called(), verb->name);
    const struct shell_call call = {
        .method = verb->method, .path = path, .help = help, .wait = true, .print = verb->print};
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
