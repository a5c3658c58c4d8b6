/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device nodes, and the state of a TPM, that belong to a VM's user while it runs. */
#include "broker/machine/nodes.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

#define GROUPS  "/dev/vfio/"
#define LOOKS   100
#define LOOK_NS 50000000L

static uid_t user_of(const json_t *order)
{
    return (uid_t)json_integer_value(json_object_get(order, "uid"));
}

/* With O_PATH, which needs no permission for the device itself. A plain file is a volume in a folder that is
 * root's, and must have no other name. */
static int open_node(const char *node, struct stat *ret)
{
    int fd = open(node, O_PATH | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -1;
    if (fstat(fd, ret) == 0 && (S_ISCHR(ret->st_mode) || (S_ISREG(ret->st_mode) && ret->st_nlink == 1)))
        return fd;
    close(fd);
    errno = ENODEV;
    return -1;
}

static int give(const char *node, uid_t owner, struct error *err)
{
    struct stat found;
    autoclose int fd = open_node(node, &found);

    if (fd >= 0 && fchownat(fd, "", owner, (gid_t)-1, AT_EMPTY_PATH) == 0)
        return 0;
    return error_set_errno(err, errno, "'%s' cannot be given to user %u", node, owner);
}

static bool is_given(const char *node, uid_t user)
{
    struct stat found;
    autoclose int fd = open_node(node, &found);

    return fd >= 0 && user != 0 && found.st_uid == user;
}

/* One that another VM has is not taken from it. */
static int check_free(const char *node, uid_t user, struct error *err)
{
    struct stat found;
    autoclose int fd = open_node(node, &found);

    if (fd < 0 || found.st_uid == 0 || found.st_uid == user)
        return 0;
    return error_set(
        err, ERROR_CONFLICT,
        "'%s' belongs to user %u: another virtual machine has it, or give it back with `chown root %s`", node,
        found.st_uid, node);
}

int nodes_give(const json_t *order, struct error *err)
{
    const json_t *node;
    size_t i;

    if (user_of(order) == 0) /* QEMU runs as the user who started it */
        return 0;
    json_array_foreach(json_object_get(order, "own"), i, node)
        if (check_free(json_string_value(node), user_of(order), err) != 0 ||
            give(json_string_value(node), user_of(order), err) != 0)
            return -1;
    return 0;
}

int nodes_take_back(const json_t *order, struct error *err)
{
    const json_t *node;
    int result = 0;
    size_t i;

    json_array_foreach(json_object_get(order, "own"), i, node)
        if (is_given(json_string_value(node), user_of(order)) && give(json_string_value(node), 0, err) != 0 &&
            is_given(json_string_value(node), user_of(order)))
            result = -1;
    return result;
}

bool nodes_are_given(const json_t *order)
{
    const json_t *node;
    size_t i;

    json_array_foreach(json_object_get(order, "own"), i, node)
        if (is_given(json_string_value(node), user_of(order)))
            return true;
    return false;
}

static bool is_open(const char *node)
{
    autoclose int fd = open(node, O_RDWR | O_CLOEXEC);

    return fd < 0 && errno == EBUSY;
}

int nodes_wait_until_closed(const json_t *order, struct error *err)
{
    const struct timespec nap = {.tv_nsec = LOOK_NS};
    const json_t *node;
    unsigned looks = 0;
    size_t i;

    json_array_foreach(json_object_get(order, "own"), i, node) {
        const char *path = json_string_value(node);
        for (; text_starts_with(path, GROUPS) && is_open(path); looks++) {
            if (looks >= LOOKS)
                return error_set(
                    err, ERROR_BUSY,
                    "QEMU says that it has given the device up, and still has '%s' open: the device "
                    "goes back when the VM has ended",
                    path);
            nanosleep(&nap, NULL);
        }
    }
    return 0;
}
