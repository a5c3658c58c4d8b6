/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci import`: finds the files, reads them into an intake, asks, and makes it. */
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "client/shell/shell.h"
#include "client/transfer/formats.h"
#include "client/transfer/run.h"
#include "client/transfer/transfer.h"

#define FILE_LIMIT   ((size_t)4 << 20)
#define INTAKE_LIMIT 10000 /* steps */

/* Every file that is known, of other tools and of Proxmox VE's /etc/pve, in the order in which they are
 * imported. */
static const struct kind {
    const char *pattern; /* below the folder */
    void (*read)(struct intake_source *source);
    const char *reason; /* why it is left out, if it is not read */
} kinds[] = {
    {"sysfs.conf", sysfs_file_read, NULL},
    {"sysfs.d/*.conf", sysfs_file_read, NULL},
    {"driverctl.d/pci-*", driverctl_file_read, NULL},
    {"systemd/network/*.link", link_file_read, NULL},
    {"mdevctl.d/*/*-*-*-*-*", mdevctl_file_read, NULL},
    {"mapping/pci.cfg", mapping_file_read_pci, NULL},
    {"mapping/usb.cfg", mapping_file_read_usb, NULL},
    {"mapping/directory.cfg", NULL, "hostpci does not share folders with VMs"},
    {"user.cfg", user_file_read, NULL},
    {"priv/shadow.cfg", NULL,
     "passwords are not carried over; `hostpci set /access/password --userid NAME@pve --password ...` sets "
     "them"},
    {"priv/token.cfg", NULL, "secrets of tokens are not carried over; the tokens get new ones"},
    {"priv/tfa.cfg", NULL, "hostpci knows no second factor"},
    {"domains.cfg", NULL,
     "realms are not carried over; `hostpci usage /access/domains` shows those there are"},
    {"qemu-server/*.conf", vm_file_read, NULL},
    {"nodes/*/qemu-server/*.conf", vm_file_read_elsewhere, NULL},
    {"lxc/*.conf", NULL, "hostpci has no containers"},
    {"nodes/*/lxc/*.conf", NULL, "hostpci has no containers"},
    {"storage.cfg", NULL, "hostpci has one storage, `local`; upload the disks of the VMs to it"},
    {"datacenter.cfg", NULL, "hostpci has no settings of a datacenter"},
    {"firewall/*.fw", NULL, "hostpci has no firewall"},
    {"sdn/*.cfg", NULL, "hostpci configures no networks"},
    {"ha/*.cfg", NULL, "hostpci has no high availability"},
    {"corosync.conf", NULL, "hostpci forms no cluster by corosync"},
    {"replication.cfg", NULL, "hostpci does not replicate disks"},
    {"jobs.cfg", NULL, "hostpci runs no jobs by a timetable"},
    {"vzdump.cron", NULL, "hostpci runs no jobs by a timetable"},
};

static int read_file(const struct kind *kind, const char *path, const char *name, struct intake *intake,
                     struct error *err)
{
    struct intake_source source = {.intake = intake, .name = name, .path = path};
    autofree char *text = NULL;
    struct error reason;

    if (kind->read == NULL) {
        intake_leave_out(&source, "%s", kind->reason);
        return 0;
    }
    if (file_read(path, FILE_LIMIT, &text, &source.length, &reason) != 0)
        intake_leave_out(&source, "%s", reason.message);
    else if (memchr(text, '\0', source.length) != NULL)
        intake_leave_out(&source, "it is not text: it contains a NUL byte");
    else {
        source.text = text;
        kind->read(&source);
    }
    if (json_array_size(intake->steps) <= INTAKE_LIMIT)
        return 0;
    return error_set(err, ERROR_TOO_LARGE,
                     "this has more than %d things to import: import its files one by one", INTAKE_LIMIT);
}

/* A pattern of glob(3) that means this path and no other. The caller frees. */
static char *quote(const char *path)
{
    struct text text = {0};

    for (; *path != '\0'; path++)
        text_printf(&text, "%s%c", strchr("*?[\\", *path) != NULL ? "\\" : "", *path);
    return text_take(&text);
}

/* The pattern as it is below the folder, which may be one that it names: /etc/driverctl.d. */
static const char *below(const char *folder, const char *pattern)
{
    for (const char *slash = strrchr(pattern, '/'); slash != NULL;
         slash = memrchr(pattern, '/', (size_t)(slash - pattern))) {
        autofree char *names = xasprintf("*/%.*s", (int)(slash - pattern), pattern);
        if (fnmatch(names, folder, 0) == 0)
            return slash + 1;
    }
    return pattern;
}

static int read_matches(const struct kind *kind, const char *folder, struct intake *intake, size_t *ret_found,
                        struct error *err)
{
    autofree char *quoted = quote(folder),
                  *pattern = xasprintf("%s/%s", quoted, below(folder, kind->pattern));
    glob_t found;
    int status = 0;

    if (glob(pattern, 0, NULL, &found) != 0)
        return 0;
    for (size_t i = 0; i < found.gl_pathc && status == 0; i++)
        status = read_file(kind, found.gl_pathv[i], found.gl_pathv[i] + strlen(folder) + 1, intake, err);
    *ret_found += found.gl_pathc;
    globfree(&found);
    return status;
}

/* Messages about the folder say `argument`, as the user called it. */
static int read_folder(const char *folder, const char *argument, struct intake *intake, struct error *err)
{
    size_t found = 0;

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (read_matches(&kinds[i], folder, intake, &found, err) != 0)
            return -1;
    if (found > 0)
        return 0;
    return error_set(err, ERROR_INVALID,
                     "there is nothing in '%s' that can be imported; a folder like Proxmox VE's /etc/pve has "
                     "mapping/pci.cfg, user.cfg or qemu-server/100.conf, and /etc may have sysfs.conf, "
                     "driverctl.d, mdevctl.d or systemd/network",
                     argument);
}

/* A file alone is known by its name, and better by its folder, too. */
static const struct kind *find_kind(const char *path)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        autofree char *pattern = xasprintf("*/%s", kinds[i].pattern);
        if (fnmatch(pattern, path, 0) == 0)
            return &kinds[i];
    }
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const char *end = strrchr(kinds[i].pattern, '/');
        if (fnmatch(end != NULL ? end + 1 : kinds[i].pattern, strrchr(path, '/') + 1, 0) == 0)
            return &kinds[i];
    }
    return NULL;
}

static int read_one(const char *path, struct intake *intake, struct error *err)
{
    const struct kind *kind = find_kind(path);

    if (kind != NULL)
        return read_file(kind, path, strrchr(path, '/') + 1, intake, err);
    return error_set(err, ERROR_INVALID,
                     "cannot tell from its name what '%s' holds: it must be pci.cfg, usb.cfg, user.cfg, "
                     "VMID.conf, sysfs.conf, pci-ID of driverctl, UUID of mdevctl or NAME.link",
                     path);
}

static int make_intake(const struct options *options, struct intake *ret, struct error *err)
{
    autofree char *path = realpath(options->argument, NULL);
    struct stat status;

    if (path == NULL || stat(path, &status) != 0)
        return error_set(err, ERROR_INVALID, "there is no file or folder '%s'", options->argument);
    if (intake_begin(&options->target, ret, err) != 0)
        return -1;
    return S_ISDIR(status.st_mode) ? read_folder(path, options->argument, ret, err)
                                   : read_one(path, ret, err);
}

int transfer_import(int argc, char **argv)
{
    autooptions struct options options = {0};
    autointake struct intake intake = {0};
    autotext struct text text = {0};
    struct error err;

    if (options_parse(argc, argv, OPTIONS_TARGET | OPTIONS_YES, METHOD_COUNT, &options, &err) != 0)
        return shell_complain(&err);
    if (options.argument == NULL) {
        error_set(&err, ERROR_INVALID,
                  "'%s' needs a folder, such as a copy of /etc/pve or of /etc/driverctl.d, or a file of one",
                  argv[0]);
        return shell_complain(&err);
    }
    if (make_intake(&options, &intake, &err) != 0)
        return shell_complain(&err);
    size_t count = json_array_size(intake.steps);
    intake_describe(&intake, &text);
    if (count == 0)
        text_append(&text, "There is nothing to import.\n");
    int status = shell_write(text_string(&text));
    if (status != SHELL_DONE || count == 0)
        return status;
    status = shell_confirm(&options, "import this");
    return status == SHELL_DONE ? run_intake(&options.target, &intake) : status;
}
