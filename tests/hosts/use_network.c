/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network interfaces. */
#include "tests/hosts/use.h"

#include <string.h>
#include <unistd.h>

enum { UP = 0x1003, DOWN = 0x1002 };

struct path interface_write(const char *folder, const char *name, bool up)
{
    struct path own = folder ? path("%s/net/%s", folder, name) : path("sys/devices/virtual/net/%s", name);
    int fd = tree_open_folder(own.text);
    tree_put(fd, "flags", MODE_CHANGE, "0x%x\n", up ? UP : DOWN);
    tree_put(fd, "operstate", MODE_READ, up ? "up\n" : "down\n");
    tree_put(fd, "address", MODE_READ, "02:00:5e:10:00:01\n");
    tree_put(fd, "mtu", MODE_CHANGE, "1500\n");
    tree_put(fd, "type", MODE_READ, "1\n");
    close(fd);
    if (folder)
        tree_link(path("%s/device", own.text).text, folder);
    tree_link(path("%s/subsystem", own.text).text, "sys/class/net");
    tree_link(path("sys/class/net/%s", name).text, own.text);
    return own;
}

void interface_set_up(const char *name)
{
    struct path own = tree_follow(path("sys/class/net/%s", name).text);
    tree_replace(path("%s/flags", own.text).text, "0x%x\n", UP);
    tree_replace(path("%s/operstate", own.text).text, "up\n");
}

void interface_put_under(const char *name, const char *master, const char *mark)
{
    struct path own = tree_follow(path("sys/class/net/%s", name).text);
    struct path above = tree_follow(path("sys/class/net/%s", master).text);
    tree_make_folder(path("%s/%s", own.text, mark).text);
    tree_link(path("%s/master", own.text).text, above.text);
    tree_link(path("%s/upper_%s", own.text, master).text, above.text);
    tree_link(path("%s/lower_%s", above.text, name).text, own.text);
}
