/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block devices, what is stacked on them, and mounts. */
#include "tests/hosts/use.h"

#include <unistd.h>

struct path block_write(const char *folder, const char *name, const char *number)
{
    struct path own = path("%s/%s", folder ? folder : "sys/devices/virtual/block", name);
    int fd = tree_open_folder(own.text);
    tree_put(fd, "dev", MODE_READ, "%s\n", number);
    tree_put(fd, "size", MODE_READ, "1953525168\n");
    tree_put(fd, "ro", MODE_READ, "0\n");
    close(fd);
    tree_make_folder(path("%s/holders", own.text).text);
    tree_make_folder(path("%s/slaves", own.text).text);
    tree_link(path("%s/subsystem", own.text).text, "sys/class/block");
    tree_link(path("sys/class/block/%s", name).text, own.text);
    tree_link(path("sys/dev/block/%s", number).text, own.text);
    return own;
}

struct path block_write_partition(const char *disk, const char *name, const char *number, unsigned n)
{
    struct path own = block_write(disk, name, number);
    tree_write(path("%s/partition", own.text).text, MODE_READ, "%u\n", n);
    return own;
}

void block_put_on(const char *above, const char *below)
{
    struct path upper = tree_follow(path("sys/class/block/%s", above).text);
    struct path lower = tree_follow(path("sys/class/block/%s", below).text);
    tree_link(path("%s/slaves/%s", upper.text, below).text, lower.text);
    tree_link(path("%s/holders/%s", lower.text, above).text, upper.text);
}

void block_map(const char *name, const char *mapped, const char *uuid)
{
    struct path own = tree_follow(path("sys/class/block/%s", name).text);
    tree_write(path("%s/dm/name", own.text).text, MODE_READ, "%s\n", mapped);
    tree_write(path("%s/dm/uuid", own.text).text, MODE_READ, "%s\n", uuid);
}

void mount_write(const char *number, const char *folder, const char *type, const char *source)
{
    static unsigned next = 30;
    tree_append("proc/1/mountinfo", "%u 1 %s / %s rw,relatime shared:%u - %s %s rw\n", next, number, folder,
                next, type, source);
    next++;
    tree_append("proc/mounts", "%s %s %s rw,relatime 0 0\n", source, folder, type);
}
