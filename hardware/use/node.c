/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Serial consoles, watchdogs, and device nodes of other kinds that processes have open.
 * Sources: Documentation/ABI/testing/sysfs-class-watchdog and fs/proc/consoles.c of the Linux kernel. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/use/parts.h"

/* Which class in /sys a node below /dev belongs to; the last part of its path is the name there. */
static const struct {
    const char *prefix;
    const char *class;
    enum use_kind kind;
    const char *text;
} kinds[] = {
    {"infiniband/uverbs", "infiniband_verbs", USE_NETWORK, "RDMA device"},
    {"ptp", "ptp", USE_NETWORK, "clock"},
    {"accel/accel", "accel", USE_OTHER, "accelerator"},
    {"ttyS", "tty", USE_OTHER, "serial port"},
    {"watchdog", "watchdog", USE_OTHER, "watchdog"},
    {"video", "video4linux", USE_OTHER, "video device"},
    {"uio", "uio", USE_OTHER, "device"},
    {"mei", "mei", USE_OTHER, "management engine"},
};

static void report_node(struct host_uses *uses, const char *node, size_t kind)
{
    autotext struct text who = {0}, evidence = {0};
    const char *slash = strrchr(node, '/');
    const char *name = slash != NULL ? slash + 1 : node;
    struct host_path folder = path_below(SYS_CLASS, kinds[kind].class, NULL);
    struct use_owners owners;

    if (use_find_owners(uses, folder.text, name, &owners) &&
        use_describe_openers(uses, node, &who, &evidence))
        use_add(uses, &owners,
                (struct host_use){.kind = kinds[kind].kind,
                                  .weight = USE_ACTIVE,
                                  .name = name,
                                  .node = node,
                                  .evidence = text_string(&evidence)},
                "%s %s is open in %s", kinds[kind].text, name, text_string(&who));
}

static void find_open(struct host_uses *uses)
{
    size_t next = 0;

    for (const char *node; (node = use_next_node(uses, &next)) != NULL;)
        for (size_t kind = 0; kind < COUNT_OF(kinds); kind++)
            if (text_starts_with(node, kinds[kind].prefix))
                report_node(uses, node, kind);
}

/* "ttyS4                -W- (EC p a)    4:68" */
static void find_consoles(struct host_uses *uses)
{
    struct use_owners owners;
    char text[4096];
    char *rest = text;

    int result = sysfs_read(uses->root, PROC_CONSOLES, text, sizeof(text));
    if (result < 0 && result != -ENOENT)
        use_note(uses, PROC_CONSOLES, result);
    if (result < 0)
        return;
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        autofree char *evidence = xasprintf("/" PROC_CONSOLES ": %s", line);
        line[strcspn(line, " ")] = '\0';
        if (*line != '\0' && strchr(line, '/') == NULL && use_find_owners(uses, SYS_CLASS_TTY, line, &owners))
            use_add(uses, &owners,
                    (struct host_use){
                        .kind = USE_OTHER, .weight = USE_ACTIVE, .name = line, .evidence = evidence},
                    "the kernel's messages go to its serial port %s", line);
    }
}

static void find_watchdogs(struct host_uses *uses)
{
    autolist char **names = NULL;
    struct use_owners owners;
    char state[32];

    if (use_list_folder(uses, SYS_CLASS_WATCHDOG, &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++) {
        struct host_path file = path_below(SYS_CLASS_WATCHDOG, *name, "state");
        if (!use_find_owners(uses, SYS_CLASS_WATCHDOG, *name, &owners) ||
            sysfs_read(uses->root, file.text, state, sizeof(state)) < 0)
            continue;
        autofree char *evidence = xasprintf("/%s: %s", file.text, state);
        bool active = strcmp(state, "active") == 0;
        struct host_use use = {
            .kind = USE_OTHER, .weight = active ? USE_ACTIVE : USE_IDLE, .name = *name, .evidence = evidence};
        use_add(uses, &owners, use, "the host's watchdog %s is %s", *name,
                active ? "running: the host is reset when nobody feeds it" : "stopped");
    }
}

void use_find_nodes(struct host_uses *uses)
{
    find_open(uses);
    find_consoles(uses);
    find_watchdogs(uses);
}
