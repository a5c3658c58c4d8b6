/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control group of a VM without a unit. */
#include "broker/machine/control_group.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "broker/program.h"
#include "hardware/paths.h"

#define TOP     "/" SYS_CGROUP
#define LOOKS   100 /* at a group whose last process is about to end */
#define LOOK_NS 20000000L

static char *name_group(const char *folder, const char *file)
{
    const char *slash = strrchr(folder, '/');

    return xasprintf(TOP "/hostpci-vm@%s.service%s", slash != NULL ? slash + 1 : folder, file);
}

static void write_word(const char *path, const char *word)
{
    autoclose int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t ignored = fd >= 0 ? write(fd, word, strlen(word)) : -1;

    (void)ignored;
}

/* A controller that is not there, or that others have, only makes less known. */
void control_group_make(const char *folder)
{
    static const char *const controllers[] = {"+memory", "+io"};
    autofree char *path = name_group(folder, "");

    if (program_has_manager() || access(TOP "/cgroup.controllers", F_OK) != 0)
        return;
    for (size_t i = 0; i < COUNT_OF(controllers); i++)
        write_word(TOP "/cgroup.subtree_control", controllers[i]);
    mkdir(path, 0755);
}

void control_group_join(const char *folder)
{
    autofree char *path = name_group(folder, "/cgroup.procs");

    write_word(path, "0");
}

void control_group_remove(const char *folder)
{
    const struct timespec nap = {.tv_nsec = LOOK_NS};
    autofree char *path = name_group(folder, ""), *end = name_group(folder, "/cgroup.kill");

    write_word(end, "1");
    for (unsigned looks = 0; rmdir(path) != 0 && errno == EBUSY && looks < LOOKS; looks++)
        nanosleep(&nap, NULL);
}
