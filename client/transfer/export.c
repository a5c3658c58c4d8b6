/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci export`: reads everything by the API, and then writes it as Proxmox VE's files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "client/shell/shell.h"
#include "client/transfer/formats.h"
#include "client/transfer/transfer.h"

/* What the caller may not see, the server leaves out of its lists. */
static int read_list(const struct call_target *target, const char *path, json_t **ret, struct error *err)
{
    static char full[] = "full", yes[] = "1";
    const struct call_parameter parameters[] = {{full, yes}};
    autoreply struct call_reply reply = {0};

    if (call_send(target, METHOD_GET, path, parameters, strcmp(path, INTAKE_USERS) == 0, &reply, err) != 0)
        return -1;
    if (reply.status < 200 || reply.status > 299 || !json_is_array(reply.data))
        return error_set(err, ERROR_FAILED, "cannot read %s: %s", path, reply.message);
    *ret = json_incref(reply.data);
    return 0;
}

static void add_file(json_t *files, const char *name, const char *text)
{
    json_object_set_new(files, name, json_string(text));
}

static int add_mappings(const struct call_target *target, const char *list, const char *name, json_t *files,
                        struct error *err)
{
    autojson json_t *mappings = NULL;

    if (read_list(target, list, &mappings, err) != 0)
        return -1;
    autofree char *text = mapping_file_print(mappings);
    add_file(files, name, text);
    return 0;
}

static int add_users(const struct call_target *target, json_t *files, struct error *err)
{
    autojson json_t *users = NULL, *groups = NULL, *roles = NULL, *acl = NULL;

    if (read_list(target, INTAKE_USERS, &users, err) != 0 ||
        read_list(target, INTAKE_GROUPS, &groups, err) != 0 ||
        read_list(target, INTAKE_ROLES, &roles, err) != 0 || read_list(target, INTAKE_ACL, &acl, err) != 0)
        return -1;
    autofree char *text = user_file_print(users, groups, roles, acl);
    add_file(files, "user.cfg", text);
    return 0;
}

static int add_vms(const struct call_target *target, json_t *files, struct error *err)
{
    autojson json_t *vms = NULL;
    const json_t *vm;
    size_t i;

    if (read_list(target, "/nodes/localhost/qemu", &vms, err) != 0)
        return -1;
    json_array_foreach(vms, i, vm) {
        json_int_t vmid = json_integer_value(json_object_get(vm, "vmid"));
        autofree char *path = xasprintf("/nodes/localhost/qemu/%" JSON_INTEGER_FORMAT "/pending", vmid);
        autofree char *name = xasprintf("qemu-server/%" JSON_INTEGER_FORMAT ".conf", vmid);
        autojson json_t *pending = NULL;
        if (read_list(target, path, &pending, err) != 0)
            return -1;
        autofree char *text = vm_file_print(pending);
        add_file(files, name, text);
    }
    return 0;
}

/* The folder must be new, so that no file of another export stays in it. */
static int write_files(const char *folder, const json_t *files, struct error *err)
{
    static const char *const below[] = {"mapping", "qemu-server"};
    json_t *text;
    const char *name;

    if (mkdir(folder, 0700) != 0)
        return error_set_errno(err, errno, "cannot make the folder '%s'", folder);
    for (size_t i = 0; i < COUNT_OF(below); i++) {
        autofree char *path = xasprintf("%s/%s", folder, below[i]);
        if (file_make_folder(path, 0700, err) != 0)
            return -1;
    }
    json_object_foreach((json_t *)(uintptr_t)files, name, text) {
        autofree char *path = xasprintf("%s/%s", folder, name);
        if (file_create(path, json_string_value(text), json_string_length(text), 0600, err) != 0)
            return -1;
    }
    return 0;
}

int transfer_export(int argc, char **argv)
{
    autooptions struct options options = {0};
    autojson json_t *files = json_object();
    struct error err;

    if (options_parse(argc, argv, OPTIONS_TARGET, METHOD_COUNT, &options, &err) != 0)
        return shell_complain(&err);
    if (options.argument == NULL) {
        error_set(&err, ERROR_INVALID, "'%s' needs the name of a folder, which it makes", argv[0]);
        return shell_complain(&err);
    }
    if (add_mappings(&options.target, INTAKE_PCI_MAPPINGS, "mapping/pci.cfg", files, &err) != 0 ||
        add_mappings(&options.target, INTAKE_USB_MAPPINGS, "mapping/usb.cfg", files, &err) != 0 ||
        add_users(&options.target, files, &err) != 0 || add_vms(&options.target, files, &err) != 0 ||
        write_files(options.argument, files, &err) != 0)
        return shell_complain(&err);
    autofree char *done =
        xasprintf("%s has %zu files. Passwords, secrets of tokens and cipassword are not in "
                  "them: the server shows them to nobody.\n",
                  options.argument, json_object_size(files));
    return shell_write(done);
}
