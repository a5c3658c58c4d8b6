/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which disks belong to imported pools of ZFS. Neither /sys nor /proc says so, but what udev found on the
 * partitions does (run/udev/data/b8:1 has "E:ID_FS_TYPE=zfs_member" and "E:ID_FS_LABEL=tank"). Where udev
 * does not, every disk that nobody else uses may be one of the pool's, and is taken for one. Sources:
 * zpoolconcepts(7), proc/spl/kstat/zfs of OpenZFS, systemd-udevd(8), libblkid's zfs_member. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/use/block.h"

#define MOST_POOLS 64
#define MOST_TEXT  65536

struct pool {
    const char *name;
    const struct use_mounts *mounts; /* NULL: none of its file systems is */
    bool found;                      /* at least one of its disks is known */
};

/* The value of "E:KEY=value" in the text, NULL if it is not there; the caller frees it. */
static char *find_property(const char *text, const char *key)
{
    autofree char *start = xasprintf("\nE:%s=", key);
    const char *value = strstr(text, start);

    if (value == NULL)
        return NULL;
    value += strlen(start);
    return xstrndup(value, strcspn(value, "\n"));
}

static char *read_label(const struct block_graph *graph, const struct block_node *node, char **ret_file)
{
    autofree char *text = NULL;
    char number[32];

    if (block_read(graph, node, "dev", number, sizeof(number)) <= 0 || strchr(number, '/') != NULL)
        return NULL;
    autofree char *file = xasprintf("run/udev/data/b%s", number);
    if (sysfs_read_whole(graph->uses->root, file, MOST_TEXT, &text) < 0)
        return NULL;
    autofree char *type = find_property(text, "ID_FS_TYPE");
    if (type == NULL || strcmp(type, "zfs_member") != 0)
        return NULL;
    *ret_file = TAKE(file);
    return find_property(text, "ID_FS_LABEL");
}

static void use_by_pool(struct block_node *node, const struct pool *pool, const char *file)
{
    bool root = pool->mounts != NULL && pool->mounts->root;
    autofree char *evidence = xasprintf("/%s: zfs_member %s", file, pool->name);

    block_use(node, root ? USE_CRITICAL : USE_ACTIVE, evidence, "belongs to the ZFS pool %s%s", pool->name,
              root ? ", which holds the root file system" : "");
}

static bool can_be_member(const struct block_node *node)
{
    static const char *const never[] = {"loop", "ram", "zram", "zd", "sr", "fd"};

    for (size_t i = 0; i < COUNT_OF(never); i++)
        if (text_starts_with(node->name, never[i]))
            return false;
    return node->above_count == 0;
}

static void find_members(struct block_graph *graph, struct pool *pools, size_t count)
{
    for (size_t i = 0; i < graph->count; i++) {
        struct block_node *node = &graph->nodes[i];
        autofree char *file = NULL, *label = NULL;
        if (!can_be_member(node))
            continue;
        label = read_label(graph, node, &file);
        for (size_t j = 0; j < count && label != NULL; j++)
            if (strcmp(label, pools[j].name) == 0) {
                pools[j].found = true;
                use_by_pool(node, &pools[j], file);
            }
    }
}

/* The pool is imported, but its disks are unknown: better to suspect a disk too many than one too few. */
static void suspect_disks(struct block_graph *graph, const struct pool *pool)
{
    struct host_path file = path_below(PROC_ZFS, pool->name, NULL);
    autofree char *evidence = xasprintf("/%s", file.text);

    use_note_reason(graph->uses, file.text,
                    "which disks belong to this ZFS pool is unknown without udev's data in /run/udev/data: "
                    "see 'zpool status'");
    for (size_t i = 0; i < graph->count; i++) {
        struct block_node *node = &graph->nodes[i];
        if (can_be_member(node) && node->weight == USE_NONE)
            block_use(node, USE_ACTIVE, evidence, "may belong to the ZFS pool %s, see 'zpool status'",
                      pool->name);
    }
}

static const struct use_mounts *find_mounts(const struct zfs_pool *mounted, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(mounted[i].name, name) == 0)
            return &mounted[i].mounted.on;
    return NULL;
}

void block_find_pools(struct block_graph *graph, struct zfs_pool *mounted, size_t mounted_count)
{
    autolist char **names = NULL;
    struct pool pools[MOST_POOLS];
    size_t count = 0;

    if (use_list_folder(graph->uses, PROC_ZFS, &names) < 0)
        return;
    for (char **name = names; *name != NULL && count < MOST_POOLS; name++) {
        struct host_path state = path_below(PROC_ZFS, *name, "state");
        if (sysfs_exists(graph->uses->root, state.text))
            pools[count++] = (struct pool){*name, find_mounts(mounted, mounted_count, *name), false};
    }
    if (count > 0)
        find_members(graph, pools, count);
    for (size_t i = 0; i < count; i++)
        if (!pools[i].found)
            suspect_disks(graph, &pools[i]);
}
