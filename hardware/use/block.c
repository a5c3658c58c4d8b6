/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The graph of block devices: reading it, and finding one. */
#include "hardware/use/block.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"

#define MOST_NODES 32768

static struct block_node *find_exactly(const struct block_graph *graph, const char *name)
{
    size_t low = 0, high = graph->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(graph->names[middle], name);
        if (order == 0)
            return &graph->nodes[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* /dev/mapper has the names of device-mapper devices; /sys calls them dm-0, dm-1 and so on. */
static struct block_node *find_mapped(const struct block_graph *graph, const char *name)
{
    char mapped[256];

    for (size_t i = 0; i < graph->count; i++)
        if (text_starts_with(graph->names[i], "dm-") &&
            block_read(graph, &graph->nodes[i], "dm/name", mapped, sizeof(mapped)) > 0 &&
            strcmp(mapped, name) == 0)
            return &graph->nodes[i];
    return NULL;
}

struct block_node *block_find(const struct block_graph *graph, const char *name)
{
    if (text_starts_with(name, "/dev/"))
        name += strlen("/dev/");
    if (text_starts_with(name, "mapper/"))
        return find_mapped(graph, name + strlen("mapper/"));
    return find_exactly(graph, name);
}

int block_read(const struct block_graph *graph, const struct block_node *node, const char *file, char *buffer,
               size_t size)
{
    struct host_path path = path_below(SYS_CLASS_BLOCK, node->name, file);

    return sysfs_read(graph->uses->root, path.text, buffer, size);
}

void block_use(struct block_node *node, enum use_weight weight, const char *evidence, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    autofree char *use = xvasprintf(format, arguments);
    va_end(arguments);
    text_printf(&node->does, "%s%s", node->does.length > 0 ? ", " : "", use);
    block_weigh(node, weight, evidence);
}

void block_weigh(struct block_node *node, enum use_weight weight, const char *evidence)
{
    if (weight <= node->weight)
        return;
    node->weight = weight;
    text_release(&node->evidence);
    text_append(&node->evidence, evidence);
}

static void put_above(struct block_graph *graph, struct block_node *below, struct block_node *above)
{
    size_t index = (size_t)(above - graph->nodes);

    for (size_t i = 0; i < below->above_count; i++)
        if (below->above[i] == index)
            return;
    below->above = xrealloc(below->above, below->above_count + 1, sizeof(below->above[0]));
    below->above[below->above_count++] = index;
}

/* The folder of a partition is in that of its disk. */
static bool put_on_disk(struct block_graph *graph, struct block_node *node, char *target)
{
    char *slash = strrchr(target, '/');

    if (slash == NULL)
        return false;
    *slash = '\0';
    const char *parent = strrchr(target, '/');
    struct block_node *disk = parent != NULL ? find_exactly(graph, parent + 1) : NULL;
    *slash = '/';
    if (disk == NULL || disk == node)
        return false;
    node->partition = true;
    put_above(graph, disk, node);
    return true;
}

static void put_on_slaves(struct block_graph *graph, struct block_node *node)
{
    struct host_path path = path_below(SYS_CLASS_BLOCK, node->name, "slaves");
    autolist char **slaves = NULL;

    if (sysfs_list(graph->uses->root, path.text, &slaves) < 0)
        return;
    for (char **slave = slaves; *slave != NULL; slave++) {
        struct block_node *below = find_exactly(graph, *slave);
        if (below == NULL)
            continue;
        node->stacked = true;
        put_above(graph, below, node);
    }
}

/* With multipath, nvme1n2 is a namespace of subsystem 1, and nvme1c3n2 the hidden disk by which controller 3
 * reaches it. */
static void put_below_namespace(struct block_graph *graph, struct block_node *path)
{
    unsigned subsystem, controller, number;
    char name[64];

    if (sscanf(path->name, "nvme%9uc%9un%9u", &subsystem, &controller, &number) != 3)
        return;
    snprintf(name, sizeof(name), "nvme%un%u", subsystem, number);
    struct block_node *space = find_exactly(graph, name);
    if (space == NULL)
        return;
    space->stacked = true;
    put_above(graph, path, space);
}

/* A kernel that does not show the hidden disks still shows which controllers a subsystem has. */
static void own_by_controllers(struct block_graph *graph, struct block_node *node, char *target)
{
    autolist char **names = NULL;
    char *subsystem = strstr(target, "/nvme-subsystem/");
    char link[PATH_MAX];

    if (subsystem == NULL)
        return;
    subsystem += strlen("/nvme-subsystem/");
    subsystem[strcspn(subsystem, "/")] = '\0';
    struct host_path folder = path_below(SYS_CLASS_NVME_SUBSYSTEM, subsystem, NULL);
    if (sysfs_list(graph->uses->root, folder.text, &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++) {
        struct host_path path = path_below(SYS_CLASS_NVME, *name, NULL);
        if (text_starts_with(*name, "nvme") &&
            sysfs_read_link(graph->uses->root, path.text, link, sizeof(link)) >= 0)
            use_add_owners(graph->uses, link, &node->owners);
    }
}

/* There are many loop and RAM disks, and none of them stands on another block device. */
static bool can_be_stacked(const char *name)
{
    return !text_starts_with(name, "loop") && !text_starts_with(name, "ram") &&
           !text_starts_with(name, "zram");
}

static void read_node(struct block_graph *graph, struct block_node *node)
{
    struct host_path path = path_below(SYS_CLASS_BLOCK, node->name, NULL);
    char target[PATH_MAX];

    if (sysfs_read_link(graph->uses->root, path.text, target, sizeof(target)) < 0 ||
        put_on_disk(graph, node, target))
        return;
    node->usb = strstr(target, "/usb") != NULL;
    if (use_add_owners(graph->uses, target, &node->owners))
        put_below_namespace(graph, node);
    else if (strstr(target, "/nvme-subsystem/") != NULL)
        own_by_controllers(graph, node, target);
    else if (can_be_stacked(node->name))
        put_on_slaves(graph, node);
}

/* A namespace that was found above hidden disks is used through them, and so is every other stacked device.
 */
static void disown_namespaces(struct block_graph *graph)
{
    for (size_t i = 0; i < graph->count; i++)
        if (graph->nodes[i].stacked)
            graph->nodes[i].owners.count = 0;
}

static void release_graph(struct block_graph *graph)
{
    for (size_t i = 0; i < graph->count; i++) {
        struct block_node *node = &graph->nodes[i];
        free(node->above);
        mounted_release(&node->mounted);
        text_release(&node->does);
        text_release(&node->evidence);
    }
    free(graph->nodes);
    sysfs_free_list(&graph->names);
}

void use_find_block(struct host_uses *uses)
{
    struct block_graph graph = {.uses = uses};
    int count = sysfs_list(uses->root, SYS_CLASS_BLOCK, &graph.names);

    if (count < 0) {
        use_note(uses, SYS_CLASS_BLOCK, count);
        return;
    }
    if (count > MOST_NODES)
        use_note_reason(uses, SYS_CLASS_BLOCK, "there are more block devices than are read");
    graph.count = count > MOST_NODES ? MOST_NODES : (size_t)count;
    graph.nodes = xcalloc(graph.count, sizeof(graph.nodes[0]));
    for (size_t i = 0; i < graph.count; i++)
        graph.nodes[i].name = graph.names[i];
    for (size_t i = 0; i < graph.count; i++)
        read_node(&graph, &graph.nodes[i]);
    disown_namespaces(&graph);
    block_find_swap(&graph);
    block_find_openers(&graph);
    block_find_mounts(&graph);
    block_report(&graph);
    release_graph(&graph);
}
