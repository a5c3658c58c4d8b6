/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qemu-img on one volume of the store. */
#include "broker/image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/denial.h"
#include "base/exec.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "broker/machine/machine.h"
#include "store/store.h"
#include "vm/image.h"

#define ORDER_LIMIT 8192
#define TARGET_FD   3
#define TARGET      "/dev/fd/3"
#define WORDS       12

/* Above those of machines, so that no QEMU runs as the same user. */
#define UID_BASE (MACHINE_UID_BASE + MACHINE_UID_COUNT)

static const struct {
    int resource;
    rlim_t limit;
} limits[] = {
    {RLIMIT_AS, (rlim_t)4 << 30},
    {RLIMIT_CPU, 300},
    {RLIMIT_NOFILE, 64},
    {RLIMIT_CORE, 0},
};

struct image {
    json_t *order;
    struct vm_volume volume;
    int file;
    char size[32];
};

static void fill_arguments(const struct image *image, const char *argv[static WORDS])
{
    const char *work = json_text(image->order, "work"), *template = json_text(image->order, "template");
    const char *format = image->volume.format;
    const char *const create[] = {"qemu-img", "create", "-q", "-f", format, TARGET, image->size, NULL};
    const char *const copy[] = {"qemu-img", "convert", "-f", "raw", "-O", format, template, TARGET, NULL};
    const char *const resize[] = {"qemu-img", "resize", "-q", "-f", format, TARGET, image->size, NULL};

    if (strcmp(work, "create") == 0)
        memcpy(argv, create, sizeof(create));
    else if (strcmp(work, "copy") == 0)
        memcpy(argv, copy, sizeof(copy));
    else
        memcpy(argv, resize, sizeof(resize));
}

/* What it writes may be as large as the disk, and what an image has beside that. */
static bool limit(const struct image *image)
{
    rlim_t bytes = (rlim_t)strtoull(image->size, NULL, 10);
    struct rlimit largest = {.rlim_cur = bytes + bytes / 64 + ((rlim_t)64 << 20)};

    largest.rlim_max = largest.rlim_cur;
    for (size_t i = 0; i < COUNT_OF(limits); i++)
        if (setrlimit(limits[i].resource, &(struct rlimit){limits[i].limit, limits[i].limit}) != 0)
            return false;
    return setrlimit(RLIMIT_FSIZE, &largest) == 0;
}

static bool become(uid_t uid)
{
    return uid == 0 ||
           (setgroups(0, NULL) == 0 && setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0);
}

_Noreturn static void run(const struct image *image, uid_t uid, pid_t parent)
{
    static const char *const environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C", NULL};
    const char *argv[WORDS] = {NULL};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct error err = {.message = ""};

    fill_arguments(image, argv);
    if (dup2(null, STDIN_FILENO) >= 0 && dup2(image->file, TARGET_FD) >= 0 && become(uid) &&
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
        getppid() == parent && denial_load(denial_common, denial_common_count, EPERM, &err) == 0) {
        fcntl(TARGET_FD, F_SETFD, 0); /* dup2 of a descriptor onto itself keeps its flag */
        close_range(TARGET_FD + 1, UINT_MAX, 0);
        if (limit(image)) /* at last: this process may need more memory than qemu-img does */
            execve(IMAGE_PROGRAM, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)environment);
    }
    dprintf(STDERR_FILENO, "cannot start " IMAGE_PROGRAM ": %s\n",
            err.message[0] != '\0' ? err.message : strerror(errno));
    _exit(EXIT_FAILURE);
}

static int run_and_wait(const struct image *image, uid_t uid, struct error *err)
{
    pid_t parent = getpid(), pid = fork();
    int status;

    if (pid == 0)
        run(image, uid, parent);
    if (pid < 0)
        return error_set_errno(err, errno, "cannot start " IMAGE_PROGRAM);
    TEMP_FAILURE_RETRY(waitpid(pid, &status, 0));
    return exec_judge(IMAGE_PROGRAM, status, err);
}

/* Makes root the owner again, whatever has happened. */
static int take_back(const struct image *image, bool root, struct error *err)
{
    if (root && (fchown(image->file, 0, 0) != 0 || fchmod(image->file, 0600) != 0))
        return error_set_errno(err, errno, "the volume cannot be taken back from qemu-img's user");
    return fsync(image->file) == 0 ? 0
                                   : error_set_errno(err, errno, "the volume cannot be written to the disk");
}

/* What the header says was perhaps written by a guest: qemu-img is not to look at other files for it. */
static int check_header(const struct image *image, struct error *err)
{
    struct error why;

    if (vm_image_check(image->file, image->volume.format, &why) == 0)
        return 0;
    return error_set(err, ERROR_FORBIDDEN, "the volume '%s' %s", image->volume.name, why.message);
}

static int work(const struct image *image, struct error *err)
{
    bool root = geteuid() == 0;
    uid_t uid = root ? UID_BASE + (uid_t)getpid() % MACHINE_UID_COUNT : 0;
    struct error late;

    if (check_header(image, err) != 0)
        return -1;
    if (root && fchown(image->file, uid, uid) != 0)
        return error_set_errno(err, errno, "the volume cannot be given to qemu-img's user");
    int result = run_and_wait(image, uid, err);
    if (take_back(image, root, &late) == 0)
        return result;
    *err = late;
    return -1;
}

/* The daemon, whose folder it is, is not trusted with what it says: a plain file without other names. */
static int open_upload(const struct image *image, int *ret, struct error *err)
{
    const char *name = json_text(image->order, "upload");
    autofree char *place = xasprintf("upload/%s", name);
    autoclose int file = strchr(name, '/') == NULL && name[0] != '.'
                             ? store_open_beneath(json_text(image->order, "store"), place, O_RDONLY)
                             : -1;
    struct stat status;

    if (file < 0 || fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || status.st_nlink != 1)
        return error_set(err, ERROR_NOT_FOUND, "'%.100s' is not an uploaded file", name);
    *ret = file;
    file = -1;
    return 0;
}

static int take(const struct image *image, struct error *err)
{
    const char *store = json_text(image->order, "store");
    autofree char *place = vm_volume_place(&image->volume),
                  *from = xasprintf("upload/%s", json_text(image->order, "upload"));
    autoclose int folder = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC), file = -1;

    if (folder < 0 || open_upload(image, &file, err) != 0)
        return folder < 0 ? error_set_errno(err, errno, "cannot enter '%s'", store) : -1;
    if ((geteuid() == 0 && fchown(file, 0, 0) != 0) || fchmod(file, 0644) != 0 || fsync(file) != 0 ||
        renameat(folder, from, folder, place) != 0)
        return error_set_errno(err, errno, "cannot move the file to '%s/%s'", store, place);
    return 0;
}

static int read_order(const char *path, struct image *image, struct error *err)
{
    autofree char *text = NULL;

    if (file_read(path, ORDER_LIMIT, &text, NULL, err) != 0)
        return -1;
    image->order = json_loads(text, 0, NULL);
    if (image->order == NULL || vm_volume_parse(json_text(image->order, "volume"), &image->volume, err) != 0)
        return error_set(err, ERROR_INVALID, "'%s' is not an order", path);
    snprintf(image->size, sizeof(image->size), "%" JSON_INTEGER_FORMAT,
             json_integer_value(json_object_get(image->order, "size")));
    if (strcmp(json_text(image->order, "work"), "take") == 0)
        return 0;
    return store_open(json_text(image->order, "store"), &image->volume, O_RDWR, &image->file, err);
}

int image_main(int argc, char **argv)
{
    struct image image = {.file = -1};
    struct error err;

    if (argc != 2 || argv[1][0] != '/') {
        log_error("usage: hostpci image ORDER (an internal command)");
        return EXIT_FAILURE;
    }
    umask(0077);
    int result = read_order(argv[1], &image, &err);
    if (result == 0)
        result = image.file < 0 ? take(&image, &err) : work(&image, &err);
    if (result != 0)
        printf("%s\n", err.message);
    json_decref(image.order);
    if (image.file >= 0)
        close(image.file);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
