/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A mount namespace in which the broker can write only where it must. */
#include "broker/daemon/mounts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/paths.h"

const char *const mounts_writable[] = {
    "/run/faillock",            /* where pam_faillock counts failed logins */
    "/etc/mdevctl.d",           /* the files of persistent mediated devices: hardware/slice/mdevctl.h */
    "/etc/modprobe.d",          /* the host's settings: hostpci.conf */
    "/etc/modules-load.d",      /* the same */
    "/etc/default",             /* the kernel's command line: GRUB's default file */
    "/etc/kernel",              /* the same: cmdline, of systemd-boot */
    "/etc/sysfs.conf",          /* what is taken over from there: broker/worker/take_over.h */
    "/etc/sysfs.d",             /* the same */
    "/var/lib/hostpci-storage", /* the storage `local`; another --storage-dir is one of `own` */
    "/usr/share/kvm",           /* where the ROMs are saved that VMs use; another --rom-dir is one of `own` */
    NULL,
};

/* As they are: ProtectSystem=strict leaves them out, too, and the device nodes are those of DevicePolicy. */
static const char *const kept[] = {"/" SYS,     "/" PROC,    "/dev/kmsg",   "/dev/null",
                                   "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};

/* The controllers of NVMe drives, for hardware/slice/nvme.h; those that come later stay closed. */
#define MOST_DRIVES 64

/* Programs may expect that they can write to the latter two. */
static const struct {
    const char *path, *options;
} emptied[] = {
    {"/home", "mode=0555,size=4k"}, {"/root", "mode=0555,size=4k"},     {"/run/user", "mode=0555,size=4k"},
    {"/tmp", "mode=1777,size=16m"}, {"/var/tmp", "mode=1777,size=16m"},
};

/* A part of the tree as it was, which is put over the same part of the restricted one. */
struct part {
    char *path;
    int tree;
};

struct parts {
    struct part list[MOUNTS_OWN + COUNT_OF(kept) + COUNT_OF(mounts_writable) + MOST_DRIVES];
    size_t count;
};

static void release_parts(struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        free(parts->list[i].path);
        close(parts->list[i].tree);
    }
}

/* False, and errno. A path that does not exist needs no exception. */
static bool keep(struct parts *parts, const char *path)
{
    char *real = realpath(path, NULL);
    int tree =
        real == NULL ? -1 : open_tree(AT_FDCWD, real, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

    if (tree < 0) {
        free(real);
        return errno == ENOENT;
    }
    parts->list[parts->count++] = (struct part){real, tree};
    return true;
}

static bool keep_drives(struct parts *parts)
{
    struct dirent **entries = NULL;
    int count = scandir("/dev", &entries, NULL, versionsort);
    bool kept_all = true;

    for (int i = 0, drives = 0; i < count; i++) {
        unsigned long long number;
        if (text_starts_with(entries[i]->d_name, "nvme") &&
            text_to_number(entries[i]->d_name + strlen("nvme"), 10, UINT16_MAX, &number) &&
            drives++ < MOST_DRIVES) {
            autofree char *path = xasprintf("/dev/%s", entries[i]->d_name);
            kept_all = kept_all && keep(parts, path);
        }
        free(entries[i]);
    }
    free(entries);
    return kept_all;
}

static bool keep_all(struct parts *parts, const char *const own[static MOUNTS_OWN])
{
    for (size_t i = 0; i < COUNT_OF(kept); i++)
        if (!keep(parts, kept[i]))
            return false;
    for (const char *const *path = mounts_writable; *path != NULL; path++)
        if (!keep(parts, *path))
            return false;
    for (size_t i = 0; i < MOUNTS_OWN; i++)
        if (own[i] != NULL && !keep(parts, own[i]))
            return false;
    return keep_drives(parts);
}

static bool set(const char *path, unsigned long long attributes, unsigned long long propagation)
{
    struct mount_attr attr = {.attr_set = attributes, .propagation = propagation};

    return mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &attr, sizeof(attr)) == 0;
}

/* A folder in which something of ours lies cannot be emptied. */
static bool holds_part(const struct parts *parts, const char *folder)
{
    size_t length = strlen(folder);

    for (size_t i = 0; i < parts->count; i++)
        if (strncmp(parts->list[i].path, folder, length) == 0 && parts->list[i].path[length] == '/')
            return true;
    return false;
}

static int empty_folders(const struct parts *parts, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(emptied); i++) {
        struct stat status;
        if (lstat(emptied[i].path, &status) != 0 || !S_ISDIR(status.st_mode) ||
            holds_part(parts, emptied[i].path))
            continue;
        if (mount("tmpfs", emptied[i].path, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, emptied[i].options) !=
            0)
            return error_set_errno(err, errno, "cannot hide '%s' from the broker", emptied[i].path);
    }
    return 0;
}

static int put_back(const struct parts *parts, struct error *err)
{
    for (size_t i = 0; i < parts->count; i++)
        if (move_mount(parts->list[i].tree, "", AT_FDCWD, parts->list[i].path, MOVE_MOUNT_F_EMPTY_PATH) != 0)
            return error_set_errno(err, errno, "cannot keep '%s' as it is for the broker",
                                   parts->list[i].path);
    if (!set("/" SYS "/fs/cgroup", MOUNT_ATTR_RDONLY, 0) && errno != ENOENT && errno != EINVAL)
        return error_set_errno(err, errno, "cannot close the control groups to the broker");
    return 0;
}

static bool root_is_private(void)
{
    autofree char *line = NULL;
    size_t space = 0;
    char folder[8], propagation[32];
    FILE *file = fopen("/" PROC_OWN_MOUNTS, "re");
    bool private = false;

    while (file != NULL && !private && getline(&line, &space, file) > 0)
    private = sscanf(line, "%*s %*s %*s %*s %7s %*s %31s", folder, propagation) == 2 &&
              strcmp(folder, "/") == 0 && strcmp(propagation, "-") == 0;
    if (file != NULL)
        fclose(file);
    return private;
}

/* A file system that the host unmounts must be unmounted for the broker, too: its disk may be the next thing
 * that is taken away. Systemd lets mounts be shared from the boot on; other inits do not. */
static bool follow_host(void)
{
    if (root_is_private()) {
        if (!set("/", 0, MS_SHARED))
            return false;
        log_info(
            "the mounts of this host are shared now (mount --make-rshared /), so that the broker follows "
            "when one is unmounted");
    }
    return unshare(CLONE_NEWNS) == 0 && set("/", 0, MS_SLAVE);
}

int mounts_restrict(const char *const own[static MOUNTS_OWN], struct error *err)
{
    __attribute__((cleanup(release_parts))) struct parts parts = {.count = 0};
    autofree char *here = getcwd(NULL, 0);

    if (own[0] == NULL) /* as ConfigurationDirectory of the unit does: later it could not be made */
        mkdir("/etc/mdevctl.d", 0755);
    if (!follow_host() || !keep_all(&parts, own) ||
        !set("/", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID, 0)) {
        log_warning(
            "the broker can write to all files of this host and open its devices, since they cannot be "
            "closed to it: %s",
            strerror(errno));
        return 0;
    }
    if (empty_folders(&parts, err) != 0 || put_back(&parts, err) != 0)
        return -1;
    /* the same folder once more, since the parts lie over what was there */
    if (here == NULL || chdir(here) != 0)
        return chdir("/") == 0 ? 0 : error_set_errno(err, errno, "cannot enter '/'");
    return 0;
}
