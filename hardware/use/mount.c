/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which block devices are mounted, swapped to or open.
 * Sources: proc_pid_mountinfo(5), proc_swaps(5), fs/btrfs/sysfs.c of the Linux kernel. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/use/block.h"

#define MOST_TEXT   (8U << 20)
#define MOST_POOLS  64
#define MOST_FIELDS 12

struct mount {
    const char *device; /* "8:1" */
    const char *folder;
    const char *type;
    char *source;
};

void mounted_add(struct mounted *mounted, const char *folder, const char *evidence)
{
    if (strcmp(folder, "/") == 0 || mounted->evidence.length == 0) {
        text_release(&mounted->evidence);
        text_append(&mounted->evidence, evidence);
    }
    use_mounts_add(&mounted->on, folder);
}

void mounted_merge(struct mounted *mounted, const struct mounted *more)
{
    if (mounted->evidence.length == 0 || (more->on.root && !mounted->on.root)) {
        text_release(&mounted->evidence);
        text_append(&mounted->evidence, text_string(&more->evidence));
    }
    use_mounts_merge(&mounted->on, &more->on);
}

void mounted_release(struct mounted *mounted)
{
    use_mounts_release(&mounted->on);
    text_release(&mounted->evidence);
}

/* Replaces escapes such as "\040", a blank, in place. */
static void unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; to++) {
        unsigned code;
        if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3 && sscanf(from + 1, "%3o", &code) == 1 &&
            code >= ' ' && code < 0x7f) {
            *to = (char)code;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue" */
static bool parse_mount(char *line, struct mount *ret)
{
    char *fields[MOST_FIELDS] = {NULL};
    size_t count = 0;
    char *rest = strstr(line, " - ");

    if (rest == NULL)
        return false;
    *rest = '\0';
    rest += strlen(" - ");
    while (count < 5 && (fields[count] = strsep(&line, " ")) != NULL)
        count++;
    const char *type = strsep(&rest, " ");
    char *source = strsep(&rest, " ");
    if (count < 5 || source == NULL)
        return false;
    unescape(fields[4]);
    unescape(source);
    *ret = (struct mount){.device = fields[2], .folder = fields[4], .type = type, .source = source};
    return true;
}

static struct block_node *find_by_number(const struct block_graph *graph, const char *number)
{
    struct host_path path = path_below(SYS_DEV_BLOCK, number, NULL);
    char name[NAME_MAX];

    if (text_starts_with(number, "0:") || strchr(number, '/') != NULL ||
        sysfs_read_link_name(graph->uses->root, path.text, name, sizeof(name)) < 0)
        return NULL;
    return block_find(graph, name);
}

static void mount_node(struct block_node *node, const struct mount *mount, const char *evidence)
{
    if (node != NULL)
        mounted_add(&node->mounted, mount->folder, evidence);
}

/* A file system over several devices has no device number; bcachefs lists them all: "/dev/sda:/dev/sdb". */
static void add_mount(struct block_graph *graph, struct mount *mount, const char *evidence)
{
    struct block_node *node = find_by_number(graph, mount->device);
    char *rest = mount->source;

    if (node != NULL || !text_starts_with(mount->source, "/dev/")) {
        mount_node(node, mount, evidence);
        return;
    }
    for (const char *source; (source = strsep(&rest, ":")) != NULL;)
        mount_node(block_find(graph, source), mount, evidence);
}

/* The pool is the first part of a ZFS file system's name. */
static size_t add_pool_mount(struct zfs_pool *pools, size_t count, const struct mount *mount,
                             const char *evidence)
{
    size_t length = strcspn(mount->source, "/"), i = 0;

    if (length >= sizeof(pools[0].name))
        return count;
    while (i < count && (strncmp(pools[i].name, mount->source, length) != 0 || pools[i].name[length] != '\0'))
        i++;
    if (i == MOST_POOLS)
        return count;
    snprintf(pools[i].name, sizeof(pools[i].name), "%.*s", (int)length, mount->source);
    mounted_add(&pools[i].mounted, mount->folder, evidence);
    return i == count ? count + 1 : count;
}

/* The mounts of process 1 are the host's; those of its services and containers are in find_elsewhere(). */
static char *read_mounts(const struct block_graph *graph, const char **ret_file)
{
    static const char *const files[] = {PROC_INIT_MOUNTS, PROC_OWN_MOUNTS};
    char *text = NULL;
    int result = -ENOENT;

    for (size_t i = 0; i < COUNT_OF(files) && result < 0; i++) {
        *ret_file = files[i];
        result = sysfs_read_whole(graph->uses->root, files[i], MOST_TEXT, &text);
    }
    if (result < 0)
        use_note(graph->uses, *ret_file, result);
    return text;
}

/* /sys/fs/btrfs has a folder for each file system that is mounted in any namespace. */
static void share_btrfs_mounts(struct block_graph *graph, const char *uuid)
{
    struct host_path folder = path_below(SYS_BTRFS, uuid, "devices");
    autofree char *evidence = xasprintf("/%s", folder.text);
    autolist char **names = NULL;
    struct mounted all = {0};

    if (sysfs_list(graph->uses->root, folder.text, &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++) {
        const struct block_node *node = block_find(graph, *name);
        if (node != NULL)
            mounted_merge(&all, &node->mounted);
    }
    for (char **name = names; *name != NULL; name++) {
        struct block_node *node = block_find(graph, *name);
        if (node != NULL && node->mounted.evidence.length == 0 && all.evidence.length > 0)
            mounted_merge(&node->mounted, &all);
        else if (node != NULL && all.evidence.length == 0)
            block_use(node, USE_ACTIVE, evidence, "belongs to a mounted btrfs file system");
    }
    mounted_release(&all);
}

static void find_btrfs(struct block_graph *graph)
{
    autolist char **names = NULL;

    if (use_list_folder(graph->uses, SYS_BTRFS, &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++)
        share_btrfs_mounts(graph, *name);
}

static void mount_elsewhere(struct block_node *node, const struct mount *mount,
                            const struct mount_space *space, const char *line)
{
    if (node == NULL || node->elsewhere != NULL || node->mounted.evidence.length > 0)
        return;
    node->elsewhere = space;
    autofree char *evidence = xasprintf("/%s: %s", path_of_process(space->pid, "mountinfo").text, line);
    block_use(node, USE_ACTIVE, evidence, "is mounted on %s in the mount namespace of %s (pid %d)",
              mount->folder, space->process, space->pid);
}

/* What the host has unmounted may be mounted still where a container, or a service whose mounts are private,
 * got a copy; the file system on it is as alive as before. */
static void find_elsewhere(struct block_graph *graph, const struct mount_space *space)
{
    autofree char *text = NULL;
    int result =
        sysfs_read_whole(graph->uses->root, path_of_process(space->pid, "mountinfo").text, MOST_TEXT, &text);
    char *rest = text;

    if (result == -ENOENT || result == -EINVAL) /* the process has ended meanwhile */
        return;
    if (result < 0)
        use_note(graph->uses, path_of_process(space->pid, "mountinfo").text, result);
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        autofree char *whole = xstrdup(line);
        struct mount mount;
        if (!parse_mount(line, &mount))
            continue;
        struct block_node *node = find_by_number(graph, mount.device);
        char *sources = mount.source;
        if (node == NULL && text_starts_with(mount.source, "/dev/"))
            for (const char *source; (source = strsep(&sources, ":")) != NULL;)
                mount_elsewhere(block_find(graph, source), &mount, space, whole);
        mount_elsewhere(node, &mount, space, whole);
    }
}

static void weigh_mounts(struct block_node *node)
{
    const struct use_mounts *on = &node->mounted.on;

    if (on->root || on->count > 0)
        block_weigh(node, on->root ? USE_CRITICAL : USE_ACTIVE, text_string(&node->mounted.evidence));
}

void block_find_mounts(struct block_graph *graph)
{
    const char *file = NULL;
    autofree char *text = read_mounts(graph, &file);
    autofree struct zfs_pool *pools = xcalloc(MOST_POOLS, sizeof(pools[0]));
    size_t pool_count = 0;
    char *rest = text;

    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        autofree char *evidence = xasprintf("/%s: %s", file, line);
        struct mount mount;
        if (!parse_mount(line, &mount))
            continue;
        if (strcmp(mount.type, "zfs") == 0)
            pool_count = add_pool_mount(pools, pool_count, &mount, evidence);
        else
            add_mount(graph, &mount, evidence);
    }
    for (size_t i = 0; i < graph->uses->space_count; i++)
        find_elsewhere(graph, &graph->uses->spaces[i]);
    find_btrfs(graph);
    for (size_t i = 0; i < graph->count; i++)
        weigh_mounts(&graph->nodes[i]);
    block_find_pools(graph, pools, pool_count);
    for (size_t i = 0; i < pool_count; i++)
        mounted_release(&pools[i].mounted);
}

/* "/dev/sda2  partition  2097148  0  -2" below a heading; a swap file lies in a file system that is mounted.
 */
void block_find_swap(struct block_graph *graph)
{
    autofree char *text = NULL;
    int result = sysfs_read_whole(graph->uses->root, PROC_SWAPS, MOST_TEXT, &text);
    char *rest = text;

    if (result < 0 && result != -ENOENT)
        use_note(graph->uses, PROC_SWAPS, result);
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        autofree char *evidence = xasprintf("/" PROC_SWAPS ": %s", line);
        line[strcspn(line, " \t")] = '\0';
        unescape(line);
        struct block_node *node = block_find(graph, line);
        if (node != NULL)
            block_use(node, USE_ACTIVE, evidence, "carries swap space");
    }
}

void block_find_openers(struct block_graph *graph)
{
    const struct host_uses *uses = graph->uses;

    size_t next = 0;

    for (const char *name; (name = use_next_node(uses, &next)) != NULL;) {
        autotext struct text who = {0}, evidence = {0};
        struct block_node *node = block_find(graph, name);
        if (node == NULL || !use_describe_openers(uses, name, &who, &evidence))
            continue;
        block_use(node, USE_ACTIVE, text_string(&evidence), "is open in %s", text_string(&who));
    }
}
