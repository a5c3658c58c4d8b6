/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store as files. */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

#define MOST_DISKS    1000 /* of one VM */
#define QCOW2_SIZE_AT 24   /* a big-endian number: docs/interop/qcow2.txt of QEMU */

static const char *const folders[] = {"", "/images", "/template", "/template/iso"};

/* Whoever it was before: the daemon may have another user now. What is in it is swept by the daemon. */
static int prepare_uploads(const char *folder, uid_t user, struct error *err)
{
    autofree char *path = xasprintf("%s/upload", folder);

    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, errno, "--storage-dir: cannot make '%s'", path);
    autoclose int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return error_set_errno(err, errno, "--storage-dir: cannot enter '%s'", path);
    if (status.st_uid != user && fchown(fd, user, (gid_t)-1) != 0)
        return error_set_errno(err, errno, "--storage-dir: cannot give '%s' to the daemon's user", path);
    return 0;
}

int store_prepare(const char *folder, uid_t user, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        autofree char *path = xasprintf("%s%s", folder, folders[i]);
        if (access(path, F_OK) == 0)
            continue;
        if (file_make_folder(path, 0755, err) != 0)
            return error_prefix(err, "--storage-dir: ");
        if (chmod(path, 0755) != 0) /* whatever the umask is */
            return error_set_errno(err, errno, "--storage-dir: cannot open '%s' to all", path);
    }
    return prepare_uploads(folder, user, err);
}

static int open_how(int folder, const char *path, int flags, unsigned long long resolve)
{
    const struct open_how how = {.flags = (unsigned long long)flags, .resolve = resolve};

    return (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
}

int store_open_beneath(const char *folder, const char *place, int flags)
{
    autoclose int at = open_how(AT_FDCWD, folder, O_PATH | O_DIRECTORY | O_CLOEXEC, RESOLVE_NO_SYMLINKS);

    /* not to wait for the other end of a pipe, before it is known to be none; openat2 takes no such flag with
     * O_PATH */
    int more = (flags & O_PATH) != 0 ? O_CLOEXEC : O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    return at < 0 ? -1 : open_how(at, place, flags | more, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

static int check_file(int file, const char *id, struct error *err)
{
    struct stat status;

    if (fstat(file, &status) != 0)
        return error_set_errno(err, errno, "cannot examine the volume '%s'", id);
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_FORBIDDEN, "volume '%s' is no plain file", id);
    if (status.st_nlink != 1)
        return error_set(err, ERROR_FORBIDDEN,
                         "volume '%s' has %lu names (hard links), of which others may lie anywhere", id,
                         (unsigned long)status.st_nlink);
    return 0;
}

int store_open(const char *folder, const struct vm_volume *volume, int flags, int *ret, struct error *err)
{
    autofree char *id = vm_volume_print(volume), *place = vm_volume_place(volume);
    int file = store_open_beneath(folder, place, flags);

    if (file < 0 && errno == ENOENT)
        return error_set(err, ERROR_NOT_FOUND, "volume '%s' does not exist", id);
    if (file < 0 && errno == ELOOP)
        return error_set(err, ERROR_FORBIDDEN,
                         "volume '%s' is a link, or lies below one: put the file itself there", id);
    if (file < 0)
        return error_set_errno(err, errno, "cannot open the volume '%s'", id);
    if (check_file(file, id, err) != 0) {
        close(file);
        return -1;
    }
    *ret = file;
    return 0;
}

/* The folder that the volume lies in, and its name there. */
static int open_parent(const char *folder, const struct vm_volume *volume, bool make, int *ret,
                       struct error *err)
{
    autofree char *place = vm_volume_place(volume), *id = vm_volume_print(volume);

    *strrchr(place, '/') = '\0';
    if (make && volume->content == VM_CONTENT_IMAGES) {
        autoclose int images = store_open_beneath(folder, "images", O_RDONLY | O_DIRECTORY);
        /* whatever the umask is */
        if (images >= 0 && mkdirat(images, place + strlen("images/"), 0755) == 0 &&
            fchmodat(images, place + strlen("images/"), 0755, 0) != 0)
            return error_set_errno(err, errno, "cannot open '%s/%s' to all", folder, place);
    }
    int fd = store_open_beneath(folder, place, O_RDONLY | O_DIRECTORY);
    if (fd < 0 && errno == ENOENT && !make)
        return error_set(err, ERROR_NOT_FOUND, "volume '%s' does not exist", id);
    if (fd < 0)
        return error_set_errno(err, errno, "cannot enter '%s/%s'", folder, place);
    *ret = fd;
    return 0;
}

int store_create(const char *folder, const struct vm_volume *volume, struct error *err)
{
    autofree char *id = vm_volume_print(volume);
    autoclose int parent = -1;

    if (open_parent(folder, volume, true, &parent, err) != 0)
        return -1;
    autoclose int file =
        openat(parent, volume->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0 && errno == EEXIST)
        return error_set(err, ERROR_CONFLICT, "disk image '%s' already exists", id);
    if (file < 0)
        return error_set_errno(err, errno, "cannot make the volume '%s'", id);
    return fsync(parent) == 0 ? 0 : error_set_errno(err, errno, "cannot make the volume '%s'", id);
}

int store_remove(const char *folder, const struct vm_volume *volume, struct error *err)
{
    autofree char *id = vm_volume_print(volume), *place = vm_volume_place(volume);
    autoclose int parent = -1;

    if (open_parent(folder, volume, false, &parent, err) != 0)
        return -1;
    if (unlinkat(parent, volume->name, 0) != 0)
        return errno == ENOENT ? error_set(err, ERROR_NOT_FOUND, "volume '%s' does not exist", id)
                               : error_set_errno(err, errno, "cannot remove the volume '%s'", id);
    fsync(parent);
    if (volume->content == VM_CONTENT_IMAGES) {
        autoclose int images = store_open_beneath(folder, "images", O_RDONLY | O_DIRECTORY);
        *strrchr(place, '/') = '\0';
        unlinkat(images, place + strlen("images/"), AT_REMOVEDIR); /* unless there are others in it */
    }
    return 0;
}

static bool is_taken(const char *folder, long long vmid, unsigned number)
{
    static const char *const endings[] = {"raw", "qcow2"};

    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        autofree char *place = xasprintf("images/%lld/vm-%lld-disk-%u.%s", vmid, vmid, number, endings[i]);
        autoclose int file = store_open_beneath(folder, place, O_PATH);
        if (file >= 0 || errno != ENOENT)
            return true;
    }
    return false;
}

int store_find_name(const char *folder, long long vmid, const char *format, struct vm_volume *ret,
                    struct error *err)
{
    for (unsigned number = 0; number < MOST_DISKS; number++) {
        autofree char *name = xasprintf("vm-%lld-disk-%u.%s", vmid, number, format);
        if (!is_taken(folder, vmid, number) && vm_volume_name(vmid, name, ret))
            return 0;
    }
    return error_set(err, ERROR_FAILED,
                     "VM %lld has %d disks in the storage '" VM_STORE "': more are not made", vmid,
                     MOST_DISKS);
}

uint64_t store_read_size(int file, const char *format)
{
    struct stat status;
    uint8_t bytes[8];
    uint64_t size = 0;

    if (strcmp(format, "qcow2") == 0 &&
        pread(file, bytes, sizeof(bytes), QCOW2_SIZE_AT) == (ssize_t)sizeof(bytes)) {
        for (size_t i = 0; i < sizeof(bytes); i++)
            size = size << 8 | bytes[i];
        return size <= INT64_MAX ? size : INT64_MAX;
    }
    return fstat(file, &status) == 0 ? (uint64_t)status.st_size : 0;
}

int store_measure(const char *folder, struct store_space *ret, struct error *err)
{
    struct statvfs space;

    if (statvfs(folder, &space) != 0)
        return error_set_errno(err, errno, "the folder '%s' of the storage '" VM_STORE "'", folder);
    uint64_t unit = space.f_frsize;
    *ret = (struct store_space){.total = unit * space.f_blocks,
                                .used = unit * (space.f_blocks - space.f_bfree),
                                .available = unit * space.f_bavail};
    return 0;
}
