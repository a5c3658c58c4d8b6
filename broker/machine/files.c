/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that QEMU gets open. */
#include "broker/machine/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <linux/openat2.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/store.h"
#include "vm/image.h"

#define COPY_LIMIT ((size_t)16 * 1024 * 1024)

int files_add(struct files *files, int number, int descriptor, struct error *err)
{
    if (files->count >= FILES_LIMIT || number < FILES_MONITOR || number >= FILES_FIRST + FILES_LIMIT) {
        close(descriptor);
        return error_set(err, ERROR_FAILED, "QEMU cannot be handed more than %d files", FILES_LIMIT);
    }
    files->list[files->count++] = (struct file){number, descriptor};
    return 0;
}

void files_release(struct files *files)
{
    for (size_t i = 0; i < files->count; i++)
        close(files->list[i].descriptor);
    files->count = 0;
}

static int number_at(const json_t *file, size_t index)
{
    return (int)json_integer_value(json_array_get(json_object_get(file, "numbers"), index));
}

static void name_open(int fd, char ret[static PATH_MAX])
{
    autofree char *link = xasprintf("/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, ret, PATH_MAX - 1);

    ret[length > 0 ? length : 0] = '\0';
}

/* A folder for volumes may be inside one of the daemon's, which could replace it by a link to any other. */
static int name_folder(const char *path, char ret[static PATH_MAX], struct error *err)
{
    const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS};
    autoclose int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

    if (fd < 0 && errno == ELOOP)
        return error_set(err, ERROR_FORBIDDEN,
                         "the folder for volumes '%s' is a link, or lies below one: give --volume-dir the "
                         "path without it",
                         path);
    if (fd < 0)
        return error_set_errno(err, errno, "cannot enter the folder for volumes '%s'", path);
    name_open(fd, ret);
    return 0;
}

/* Checks where the open file is now, not where its name led a moment ago. */
static int check_place(int fd, const json_t *file, struct error *err)
{
    const char *below = json_text(file, "below"), *path = json_text(file, "path");
    char folder[PATH_MAX], real[PATH_MAX];
    struct error why;

    if (name_folder(below, folder, err) != 0)
        return -1;
    name_open(fd, real);
    if (!file_is_below(real, folder))
        return error_set(err, ERROR_FORBIDDEN, "'%s' does not lie in '%s' any more, but is '%s'", path, below,
                         real);
    if (vm_image_check(fd, json_text_or(file, "format", "raw"), &why) != 0)
        return error_set(err, ERROR_FORBIDDEN, "'%s' cannot be used: it %s", path, why.message);
    return 0;
}

/* In the store, no link is followed; elsewhere it is the open file that counts (check_place). */
static int open_named(const json_t *file, int flags)
{
    const char *path = json_text(file, "path"), *below = json_text(file, "below");

    if (!json_is_true(json_object_get(file, "beneath")))
        return open(path, flags);
    if (!file_is_below(path, below)) {
        errno = EXDEV;
        return -1;
    }
    return store_open_beneath(below, path + strlen(below) + 1, flags & ~O_EXCL);
}

/* For reading, or for both. */
static int open_checked(const json_t *file, bool writes, int *ret, struct error *err)
{
    const char *path = json_text(file, "path");
    struct stat found;
    /* not to wait for the other end of a pipe, before it is known to be none; O_EXCL says of a block device
     * that the host may not mount it, and fails where it has */
    int fd = open_named(file, (writes ? O_RDWR | O_EXCL : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0 && errno == EBUSY)
        return error_set(err, ERROR_CONFLICT,
                         "'%s' is in use by this host or another VM: it is mounted, swapped to, stacked or "
                         "open; `lsblk %s` shows what is on it",
                         path, path);
    if (fd < 0)
        return error_set_errno(err, errno, "cannot open '%s'", path);
    if (fstat(fd, &found) != 0 || !(S_ISREG(found.st_mode) || S_ISBLK(found.st_mode))) {
        close(fd);
        return error_set(err, ERROR_FAILED, "'%s' is neither a file nor a block device", path);
    }
    if (check_place(fd, file, err) != 0) {
        close(fd);
        return -1;
    }
    int direct = json_is_true(json_object_get(file, "direct")) ? O_DIRECT : 0;
    if (fcntl(fd, F_SETFL, (fcntl(fd, F_GETFL) & ~O_NONBLOCK) | direct) != 0) {
        close(fd);
        return error_set(err, ERROR_FAILED,
                         "'%s' lies on a file system that cannot do without the host's cache: give the disk "
                         "cache=writeback, or move it",
                         path);
    }
    *ret = fd;
    return 0;
}

int files_open_volume(const json_t *file, int *ret, struct error *err)
{
    return open_checked(file, false, ret, err);
}

static int open_volume(const json_t *file, size_t index, struct files *files, struct error *err)
{
    int fd = -1;

    if (open_checked(file, index > 0, &fd, err) != 0)
        return -1;
    return files_add(files, number_at(file, index), fd, err);
}

static int open_volumes(const json_t *file, struct files *files, struct error *err)
{
    for (size_t i = 0; i < json_array_size(json_object_get(file, "numbers")); i++)
        if (open_volume(file, i, files, err) != 0)
            return -1;
    return 0;
}

/* Nobody else can replace the file, since the folder is root's. */
static int open_copy(const json_t *file, struct files *files, struct error *err)
{
    static const int modes[] = {O_RDONLY, O_RDWR};
    const char *path = json_text(file, "path");
    autofree char *content = NULL;
    size_t length;

    if (file_read(json_text(file, "from"), COPY_LIMIT, &content, &length, err) != 0 ||
        file_create(path, content, length, 0600, err) != 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        int fd = open(path, modes[i] | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
            return error_set_errno(err, errno, "cannot open '%s'", path);
        if (files_add(files, number_at(file, i), fd, err) != 0)
            return -1;
    }
    return 0;
}

/* QEMU has read what was there before. */
static int make_rom(const json_t *file, gid_t reader, struct error *err)
{
    const char *path = json_text(file, "path");
    autofree char *content = NULL;
    size_t length;

    unlink(path);
    if (file_read(json_text(file, "from"), COPY_LIMIT, &content, &length, err) != 0 ||
        file_create(path, content, length, 0440, err) != 0)
        return error_prefix(err, "romfile: ");
    if (reader != 0 && lchown(path, (uid_t)-1, reader) != 0) /* otherwise QEMU is our own user */
        return error_set_errno(err, errno, "cannot let group %u read '%s'", reader, path);
    return 0;
}

int files_make_roms(const json_t *files, const json_t *order, struct error *err)
{
    gid_t reader = (gid_t)json_integer_value(json_object_get(order, "uid"));
    const json_t *file;
    size_t i;

    json_array_foreach(files, i, file)
        if (strcmp(json_text(file, "kind"), "rom") == 0 && make_rom(file, reader, err) != 0)
            return -1;
    return 0;
}

static int open_random(const json_t *file, struct files *files, struct error *err)
{
    const char *path = json_text(file, "path");
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return error_set_errno(err, errno, "cannot open '%s'", path);
    return files_add(files, number_at(file, 0), fd, err);
}

static int open_socket(const json_t *file, struct files *files, struct error *err)
{
    const char *path = json_text(file, "path");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return error_set_errno(err, errno, "cannot make a socket");
    if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
        sizeof(address.sun_path)) {
        close(fd);
        return error_set(err, ERROR_FAILED,
                         "'%s' is too long for the name of a socket: choose a shorter --run-dir", path);
    }
    if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 4) != 0) {
        int reason = errno;
        close(fd);
        return error_set_errno(err, reason, "cannot make the socket '%s'", path);
    }
    return files_add(files, number_at(file, 0), fd, err);
}

static int open_queue(const json_t *file, unsigned queues, size_t index, struct files *files,
                      struct error *err)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", json_text(file, "path"));
    if (queues > 1)
        request.ifr_flags |= IFF_MULTI_QUEUE;
    if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0) {
        int reason = errno;
        if (fd >= 0)
            close(fd);
        return error_set_errno(err, reason, "cannot make the interface '%s'", json_text(file, "path"));
    }
    return files_add(files, number_at(file, index), fd, err);
}

static int open_vhost(const json_t *file, size_t index, struct files *files, struct error *err)
{
    int fd = open("/dev/vhost-net", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return error_set_errno(err, errno, "cannot open '/dev/vhost-net'; `modprobe vhost_net` may help");
    return files_add(files, number_at(file, index), fd, err);
}

/* The kernel removes the interface when its last descriptor is closed. */
static int join_bridge(const char *interface, const char *bridge, struct error *err)
{
    autoclose int any = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_ifindex = (int)if_nametoindex(interface)};

    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", bridge);
    if (any < 0 || ioctl(any, SIOCBRADDIF, &request) != 0)
        return error_set_errno(err, errno, "cannot connect '%s' to the bridge '%s'", interface, bridge);
    memset(&request, 0, sizeof(request));
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
    request.ifr_flags = IFF_UP;
    if (ioctl(any, SIOCSIFFLAGS, &request) != 0)
        return error_set_errno(err, errno, "cannot switch '%s' on", interface);
    return 0;
}

static int open_tap(const json_t *file, struct files *files, struct error *err)
{
    size_t numbers = json_array_size(json_object_get(file, "numbers"));
    bool vhost = json_is_true(json_object_get(file, "vhost"));
    unsigned queues = (unsigned)(vhost ? numbers / 2 : numbers);

    for (size_t i = 0; i < queues; i++)
        if (open_queue(file, queues, i, files, err) != 0)
            return -1;
    for (size_t i = queues; i < numbers; i++)
        if (open_vhost(file, i, files, err) != 0)
            return -1;
    return join_bridge(json_text(file, "path"), json_text(file, "bridge"), err);
}

static const struct kind {
    const char *name;
    int (*open)(const json_t *file, struct files *files, struct error *err);
} kinds[] = {{"volume", open_volumes},
             {"copy", open_copy},
             {"random", open_random},
             {"socket", open_socket},
             {"tap", open_tap}};

int files_open(const json_t *order, struct files *files, struct error *err)
{
    const json_t *file;
    size_t i;

    json_array_foreach(json_object_get(order, "files"), i, file) {
        for (size_t kind = 0; kind < COUNT_OF(kinds); kind++)
            if (strcmp(json_text(file, "kind"), kinds[kind].name) == 0 &&
                kinds[kind].open(file, files, err) != 0)
                return -1;
    }
    return files_make_roms(json_object_get(order, "files"), order, err);
}

bool files_place(const struct files *files, int *kept)
{
    const int above = FILES_FIRST + FILES_LIMIT;
    int moved[FILES_LIMIT];
    unsigned next = STDERR_FILENO + 1;

    *kept = fcntl(*kept, F_DUPFD_CLOEXEC, above);
    for (size_t i = 0; i < files->count; i++) { /* out of the way of each other */
        moved[i] = fcntl(files->list[i].descriptor, F_DUPFD_CLOEXEC, above);
        if (moved[i] < 0)
            return false;
    }
    close_range(next, (unsigned)above - 1, 0);
    for (size_t i = 0; i < files->count; i++)
        if (dup2(moved[i], files->list[i].number) < 0)
            return false;
    return *kept >= 0;
}
