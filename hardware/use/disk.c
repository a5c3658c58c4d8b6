/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each disk carries: everything in use that can be reached from it through partitions, RAID arrays,
 * volumes and multipath devices. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/use/block.h"

#define MOST_DEPTH 16

enum visit { VISIT_NEW, VISIT_UNUSED, VISIT_USED };

struct walk {
    const struct block_graph *graph;
    const struct block_node *disk;
    const struct block_node *way[MOST_DEPTH]; /* from the disk on */
    size_t depth;
    unsigned char *visits; /* one a node */
};

/* The kinds of device-mapper devices, by how their dm/uuid begins. One that only passes on is no use of the
 * disk below it. */
static const struct {
    const char *prefix;
    const char *text;
    bool passes_on;
} mapped[] = {
    {"LVM-", "LVM volume", false},           {"CRYPT-", "encrypted device", false},
    {"mpath-", "multipath device", true},    {"part", "partition", true},
    {"DMRAID-", "firmware RAID set", false}, {"", "device-mapper device", false},
};

static bool describe_mapped(const struct walk *walk, const struct block_node *node, struct text *ret)
{
    char uuid[256] = "", name[256] = "";
    size_t i = 0;

    block_read(walk->graph, node, "dm/uuid", uuid, sizeof(uuid));
    if (block_read(walk->graph, node, "dm/name", name, sizeof(name)) <= 0)
        snprintf(name, sizeof(name), "%.200s", node->name);
    while (!text_starts_with(uuid, mapped[i].prefix))
        i++;
    text_printf(ret, "%s %s", mapped[i].text, name);
    return !mapped[i].passes_on;
}

static bool describe_array(const struct walk *walk, const struct block_node *node, struct text *ret)
{
    char state[64] = "";

    text_printf(ret, "RAID array %s", node->name);
    block_read(walk->graph, node, "md/array_state", state, sizeof(state));
    return strcmp(state, "inactive") != 0 && strcmp(state, "clear") != 0;
}

/* Adds the node's name for people. False if the node alone, with nobody using it, is no use of what is below.
 */
static bool describe_node(const struct walk *walk, const struct block_node *node, struct text *ret)
{
    if (text_starts_with(node->name, "dm-"))
        return describe_mapped(walk, node, ret);
    if (text_starts_with(node->name, "md") && !node->partition)
        return describe_array(walk, node, ret);
    text_append(ret, node->name);
    return node->stacked && !text_starts_with(node->name, "nvme");
}

/* "sda2, RAID array md0 and LVM volume vg-root"; `last` is left out when the use names it. */
static void describe_way(const struct walk *walk, size_t last, struct text *ret)
{
    for (size_t i = 1; i < last; i++) {
        text_append(ret, i == 1 ? "" : i + 1 == last ? " and " : ", ");
        describe_node(walk, walk->way[i], ret);
    }
}

static void report(const struct walk *walk, struct host_use use, const char *does, size_t last)
{
    autotext struct text way = {0};

    describe_way(walk, last, &way);
    use.kind = USE_BLOCK;
    use.name = walk->disk->name;
    use.usb = walk->disk->usb;
    use.through = text_string(&way);
    use_add(walk->graph->uses, &walk->disk->owners, use, "%s", does);
}

/* Nothing above it is in use, but the node itself was put together by the host. */
static bool report_stacked(const struct walk *walk, const struct block_node *node)
{
    autotext struct text name = {0};

    if (!node->stacked || !describe_node(walk, node, &name))
        return false;
    autofree char *does = xasprintf("carries the %s, which is active but not mounted", text_string(&name));
    autofree char *evidence = xasprintf("/%s", path_below(SYS_CLASS_BLOCK, node->name, "slaves").text);
    report(walk, (struct host_use){.weight = USE_ACTIVE, .evidence = evidence}, does, walk->depth - 1);
    return true;
}

/* Reports what uses the node or anything above it; true if there is such a use. */
static bool visit(struct walk *walk, size_t index)
{
    const struct block_node *node = &walk->graph->nodes[index];
    bool used = node->weight > USE_NONE;

    if (walk->visits[index] != VISIT_NEW)
        return walk->visits[index] == VISIT_USED;
    if (walk->depth == MOST_DEPTH)
        return false;
    walk->visits[index] = VISIT_UNUSED;
    walk->way[walk->depth++] = node;
    if (used)
        report(walk,
               (struct host_use){.weight = node->weight,
                                 .evidence = text_string(&node->evidence),
                                 .mounts = node->mounted.on,
                                 .pid = node->elsewhere != NULL ? node->elsewhere->pid : 0,
                                 .process = node->elsewhere != NULL ? node->elsewhere->process : NULL},
               text_string(&node->does), walk->depth);
    for (size_t i = 0; i < node->above_count; i++)
        used |= visit(walk, node->above[i]);
    if (!used)
        used = report_stacked(walk, node);
    walk->depth--;
    walk->visits[index] = used ? VISIT_USED : VISIT_UNUSED;
    return used;
}

void block_report(const struct block_graph *graph)
{
    autofree unsigned char *visits = xcalloc(graph->count, 1);

    for (size_t i = 0; i < graph->count; i++) {
        struct walk walk = {.graph = graph, .disk = &graph->nodes[i], .visits = visits};
        if (walk.disk->owners.count == 0)
            continue;
        memset(visits, VISIT_NEW, graph->count);
        autofree char *evidence = xasprintf("/%s", path_below(SYS_CLASS_BLOCK, walk.disk->name, NULL).text);
        if (!visit(&walk, i))
            report(&walk, (struct host_use){.weight = USE_IDLE, .evidence = evidence},
                   "is not in use: nothing on it is mounted, swapped to, stacked or open", 0);
    }
}
