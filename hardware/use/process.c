/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which device nodes processes have open, and which mount namespaces they are in: the links in /proc/PID/fd
 * and /proc/PID/ns/mnt, which only root may read of others. Sources: proc_pid_fd(5), mount_namespaces(7). */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/use/parts.h"

#define MOST_PROCESSES 65536
#define MOST_FILES     262144 /* looked at, of all processes */
#define MOST_NODES     8192   /* remembered */
#define MOST_SPACES    4096   /* mount namespaces */
#define MOST_NAMED     3      /* processes in one text */

/* What nearly every process has open and says nothing about hardware. */
static const char *const ignored[] = {"null", "zero", "random", "urandom", "tty",
                                      "pts/", "ptmx", "shm/",   "fuse"};

struct reading {
    struct host_uses *uses;
    int proc;
    size_t space;
    size_t files;
    size_t processes;
    size_t hidden; /* processes whose descriptors may not be read */
};

static bool is_ignored(const char *node)
{
    for (size_t i = 0; i < COUNT_OF(ignored); i++)
        if (text_ends_with(ignored[i], "/") ? text_starts_with(node, ignored[i])
                                            : strcmp(node, ignored[i]) == 0)
            return true;
    return false;
}

static bool has_node(const struct host_uses *uses, int pid, const char *node)
{
    for (size_t i = uses->open_count; i > 0 && uses->open[i - 1].pid == pid; i--)
        if (strcmp(uses->open[i - 1].node, node) == 0)
            return true;
    return false;
}

static void read_name(const struct reading *reading, int pid, char *name, size_t size)
{
    char path[32];

    snprintf(path, sizeof(path), "%d/comm", pid);
    if (sysfs_read(reading->proc, path, name, size) <= 0)
        snprintf(name, size, "a process");
}

static void add_node(struct reading *reading, int pid, const char *node)
{
    struct host_uses *uses = reading->uses;

    if (uses->open_count == MOST_NODES || has_node(uses, pid, node))
        return;
    if (uses->open_count == reading->space) {
        reading->space = reading->space != 0 ? reading->space * 2 : 64;
        uses->open = xrealloc(uses->open, reading->space, sizeof(uses->open[0]));
    }
    struct open_node *added = &uses->open[uses->open_count++];
    *added = (struct open_node){.node = xstrdup(node), .pid = pid};
    read_name(reading, pid, added->process, sizeof(added->process));
}

static void read_space(struct reading *reading, int pid)
{
    struct host_uses *uses = reading->uses;
    struct mount_space space = {.pid = pid};
    char path[32];

    snprintf(path, sizeof(path), "%d/ns/mnt", pid);
    if (sysfs_read_link(reading->proc, path, space.id, sizeof(space.id)) < 0)
        return;
    for (size_t i = uses->space_count; i-- > 0;)
        if (strcmp(uses->spaces[i].id, space.id) == 0)
            return;
    if (uses->space_count == MOST_SPACES) {
        use_note_reason(uses, PROC "/*/ns/mnt", "there are more mount namespaces than are read");
        return;
    }
    if ((uses->space_count & (uses->space_count - 1)) == 0)
        uses->spaces = xrealloc(uses->spaces, uses->space_count * 2 + 1, sizeof(uses->spaces[0]));
    read_name(reading, pid, space.process, sizeof(space.process));
    uses->spaces[uses->space_count++] = space;
}

/* A process that has ended meanwhile has nothing open, and neither have the kernel's own, which are most. */
static void read_process(struct reading *reading, int pid)
{
    autolist char **names = NULL;
    char path[32], target[PATH_MAX];

    snprintf(path, sizeof(path), "%d/fd", pid);
    int result = sysfs_list(reading->proc, path, &names);
    autoclose int folder = result > 0 ? sysfs_open_folder(reading->proc, path) : -1;
    for (char **name = names; folder >= 0 && result >= 0 && *name != NULL && reading->files < MOST_FILES;
         name++) {
        result = sysfs_read_link(folder, *name, target, sizeof(target));
        reading->files++;
        if (result >= 0 && text_starts_with(target, "/dev/") && !is_ignored(target + strlen("/dev/")))
            add_node(reading, pid, target + strlen("/dev/"));
        if (result == -ENOENT || result == -ENAMETOOLONG)
            result = 0;
    }
    reading->hidden += result == -EACCES || result == -EPERM;
}

static int compare_open(const void *a, const void *b)
{
    const struct open_node *first = a, *second = b;
    int order = strcmp(first->node, second->node);

    return order != 0 ? order : (first->pid > second->pid) - (first->pid < second->pid);
}

static void note_hidden(const struct reading *reading, bool sees_first)
{
    struct host_uses *uses = reading->uses;

    if (reading->processes == 0)
        use_note(uses, PROC "/*/fd", -ENOENT);
    else if (!sees_first)
        use_note_reason(uses, PROC, "root needed: other users' processes are hidden (hidepid)");
    if (reading->hidden > 0) {
        autofree char *reason = xasprintf("root needed: %zu of %zu processes do not show what they have open",
                                          reading->hidden, reading->processes);
        use_note_reason(uses, PROC "/*/fd", reason);
    }
    if (reading->files >= MOST_FILES || reading->processes >= MOST_PROCESSES ||
        uses->open_count == MOST_NODES)
        use_note_reason(uses, PROC "/*/fd", "there is more than was read");
}

void use_read_processes(struct host_uses *uses)
{
    autolist char **names = NULL;
    autoclose int proc = sysfs_open_folder(uses->root, PROC);
    struct reading reading = {.uses = uses, .proc = proc};
    int result = proc < 0 ? proc : sysfs_list(proc, ".", &names);
    bool sees_first = false;
    unsigned long long pid;

    if (result < 0) {
        use_note(uses, PROC, result);
        return;
    }
    for (char **name = names; *name != NULL && reading.processes < MOST_PROCESSES; name++) {
        if (!text_to_number(*name, 10, INT_MAX, &pid))
            continue;
        reading.processes++;
        sees_first |= pid == 1;
        read_process(&reading, (int)pid);
        read_space(&reading, (int)pid);
    }
    if (uses->open_count > 0)
        qsort(uses->open, uses->open_count, sizeof(uses->open[0]), compare_open);
    uses->sees_all_processes = sees_first && reading.hidden == 0 && reading.files < MOST_FILES &&
                               reading.processes < MOST_PROCESSES && uses->open_count < MOST_NODES;
    note_hidden(&reading, sees_first);
}

const char *use_next_node(const struct host_uses *uses, size_t *at)
{
    size_t first = *at;

    if (first >= uses->open_count)
        return NULL;
    while (*at < uses->open_count && strcmp(uses->open[*at].node, uses->open[first].node) == 0)
        (*at)++;
    return uses->open[first].node;
}

static size_t find_first(const struct host_uses *uses, const char *node)
{
    size_t low = 0, high = uses->open_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(uses->open[middle].node, node) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool use_describe_openers(const struct host_uses *uses, const char *node, struct text *who,
                          struct text *evidence)
{
    size_t first = find_first(uses, node), count = 0;

    for (; first + count < uses->open_count; count++) {
        const struct open_node *open = &uses->open[first + count];
        if (strcmp(open->node, node) != 0)
            break;
        if (count == 0)
            text_printf(evidence, "/%s: /dev/%s", path_of_process(open->pid, "fd").text, node);
        if (count < MOST_NAMED)
            text_printf(who, "%s%s (pid %d)", count > 0 ? ", " : "", open->process, open->pid);
    }
    if (count > MOST_NAMED)
        text_printf(who, " and %zu more", count - MOST_NAMED);
    return count > 0;
}

int use_first_opener(const struct host_uses *uses, const char *node, const char **process)
{
    size_t first = find_first(uses, node);

    if (first == uses->open_count || strcmp(uses->open[first].node, node) != 0)
        return 0;
    *process = uses->open[first].process;
    return uses->open[first].pid;
}
