/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci fix`: makes the call that does what the remedy of a finding says. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "client/print/print.h"
#include "client/print/report.h"
#include "client/shell/shell.h"
#include "hardware/check/check.h"
#include "passthrough/preflight/preflight.h"
#include "schema/format.h"
#include "vm/keys.h"

/* The path that reports the findings: of the host, a device or a VM. */
static char *path_of(const struct options *options, struct error *err)
{
    unsigned long long vmid;
    struct error ignored;

    if (options->device != NULL && options->vmid != NULL) {
        error_set(err, ERROR_INVALID, "--device and --vmid exclude each other: give only one of them");
        return NULL;
    }
    if (options->device != NULL && format_check("pci-id", options->device, &ignored) != 0) {
        error_set(err, ERROR_INVALID, "'%s' is not a PCI id, such as 0000:01:00.0", options->device);
        return NULL;
    }
    if (options->vmid != NULL && !text_to_number(options->vmid, 10, VM_ID_MAX, &vmid)) {
        error_set(err, ERROR_INVALID, "'%s' is not a VMID", options->vmid);
        return NULL;
    }
    return options->device != NULL ? xasprintf("/nodes/localhost/hardware/pci/%s/status", options->device)
           : options->vmid != NULL ? xasprintf("/nodes/localhost/qemu/%s/preflight", options->vmid)
                                   : xstrdup("/nodes/localhost/hardware/iommu");
}

static void find_scopes(const struct check *const *const *lists, const char *id, bool ret[static 3])
{
    CHECK_FOREACH(check, lists)
    if (strcmp(check->id, id) == 0)
        ret[check->scope] = true;
}

/* Whether the check is one of what the user means: a VM's start passes on what all others find. */
static int check_argument(const struct options *options, struct error *err)
{
    enum check_scope meant = options->device != NULL ? CHECK_DEVICE
                             : options->vmid != NULL ? CHECK_VM
                                                     : CHECK_HOST;
    bool known[] = {[CHECK_HOST] = false, [CHECK_DEVICE] = false, [CHECK_VM] = false};

    find_scopes(check_lists, options->argument, known);
    find_scopes(preflight_check_lists, options->argument, known);
    if (!known[CHECK_HOST] && !known[CHECK_DEVICE] && !known[CHECK_VM])
        return error_set(err, ERROR_INVALID, "there is no check '%s'; `%s checks` lists them",
                         options->argument, shell_program);
    if (known[meant] || meant == CHECK_VM)
        return 0;
    if (known[CHECK_HOST])
        return error_set(err, ERROR_INVALID, "'%s' is a check of the host: leave --device out",
                         options->argument);
    if (known[CHECK_DEVICE])
        return error_set(err, ERROR_INVALID,
                         "'%s' is a check of a device: say which with --device ID; `%s devices` lists them",
                         options->argument, shell_program);
    return error_set(err, ERROR_INVALID, "'%s' is a check of a VM's start: say which with --vmid VMID",
                     options->argument);
}

/* The check's findings that are a problem, or that have an action anyway. */
static json_t *list_findings(const json_t *reply, const char *id)
{
    json_t *list = json_array(), *finding;
    size_t i;

    json_array_foreach(json_object_get(reply, "checks"), i, finding)
        if (strcmp(json_text(finding, "id"), id) == 0 &&
            (strcmp(json_text(finding, "severity"), "ok") != 0 || json_object_get(finding, "action") != NULL))
            json_array_append(list, finding);
    return list;
}

/* Prints the finding, after its `number` (from 1) unless that is 0. */
static int show(const json_t *finding, size_t number)
{
    struct table_style style = print_style_of(stdout);
    autotext struct text text = {0};

    if (number > 0)
        text_printf(&text, "--number %zu", number);
    report_draw_finding(finding, &style, &text);
    return shell_write(text_string(&text));
}

/* The finding that the user means; NULL, with the exit status, if there is none or more than one. */
static const json_t *choose(const json_t *list, const struct options *options, int *ret_status)
{
    size_t count = json_array_size(list), i;
    unsigned long long number = 1;
    const json_t *finding;
    struct error err;

    if (options->number != NULL && (!text_to_number(options->number, 10, count, &number) || number == 0)) {
        error_set(&err, ERROR_INVALID, "--number must be from 1 to %zu, not '%s'", count, options->number);
        *ret_status = shell_complain(&err);
        return NULL;
    }
    if (count == 1 || options->number != NULL)
        return json_array_get(list, (size_t)number - 1);
    json_array_foreach(list, i, finding)
        show(finding, i + 1);
    error_set(&err, ERROR_INVALID, "%s found %zu things: choose one with --number", options->argument, count);
    *ret_status = shell_complain(&err);
    return NULL;
}

static int make_call(struct options *options, const json_t *action)
{
    const char *method = json_text(action, "method");
    struct shell_call call = {.method = method_find(method), .path = json_text(action, "path")};
    struct error err;

    if (call.method == METHOD_COUNT || call.path[0] != '/') {
        error_set(&err, ERROR_FAILED, "the server's action is not a call of the API: '%s %s'", method,
                  call.path);
        return shell_complain(&err);
    }
    options_add_all(options, json_object_get(action, "parameters"));
    return shell_request(options, &call);
}

static int fix(struct options *options, const json_t *finding)
{
    const json_t *action = json_object_get(finding, "action");
    int status = show(finding, 0);
    struct error err;

    if (action == NULL) {
        error_set(&err, ERROR_FAILED, "no call of the API puts this right%s",
                  json_object_get(finding, "remedy") != NULL ? ": type what the remedy says" : "");
        return shell_complain(&err);
    }
    if (status == SHELL_DONE)
        status = shell_confirm(options, "make this call");
    return status == SHELL_DONE ? make_call(options, action) : status;
}

int shell_fix(int argc, char **argv)
{
    autooptions struct options options = {0};
    autoreply struct call_reply reply = {0};
    struct error err;
    int status = SHELL_FAILED;

    if (options_parse(argc, argv, OPTIONS_TARGET | OPTIONS_FORMAT | OPTIONS_FIX | OPTIONS_YES, METHOD_COUNT,
                      &options, &err) != 0)
        return shell_complain(&err);
    if (options.argument == NULL) {
        error_set(&err, ERROR_INVALID, "'%s' needs the name of a check, as a report has it in brackets",
                  argv[0]);
        return shell_complain(&err);
    }
    autofree char *path = path_of(&options, &err);
    if (path == NULL || check_argument(&options, &err) != 0 ||
        call_send(&options.target, METHOD_GET, path, NULL, 0, &reply, &err) != 0)
        return shell_complain(&err);
    if (reply.status < 200 || reply.status > 299)
        return shell_refuse(&reply, &options.target,
                            &(const struct shell_call){.method = METHOD_GET, .path = path});
    autojson json_t *list = list_findings(reply.data, options.argument);
    autofree char *nothing = xasprintf("%s has found nothing to put right here.\n", options.argument);
    if (json_array_size(list) == 0)
        return shell_write(nothing);
    const json_t *finding = choose(list, &options, &status);
    return finding != NULL ? fix(&options, finding) : status;
}
