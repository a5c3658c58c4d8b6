/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Displays, sound cards and programs. Sources: Documentation/ABI/testing/sysfs-class-drm and
 * Documentation/sound/designs/procfile.rst of the Linux kernel. */
#include "tests/hosts/use.h"

static void write_class(const char *folder, const char *class, const char *name)
{
    tree_make_folder(folder);
    tree_link(path("%s/subsystem", folder).text, path("sys/class/%s", class).text);
    tree_link(path("sys/class/%s/%s", class, name).text, folder);
}

void display_write(const char *folder, unsigned number, bool console)
{
    struct path card = path("card%u", number), render = path("renderD%u", 128 + number);
    write_class(path("%s/drm/%s", folder, card.text).text, "drm", card.text);
    write_class(path("%s/drm/%s", folder, render.text).text, "drm", render.text);
    if (!console)
        return;
    write_class(path("%s/graphics/fb0", folder).text, "graphics", "fb0");
    tree_write("sys/class/vtconsole/vtcon0/name", MODE_READ, "(S) dummy device\n");
    tree_write("sys/class/vtconsole/vtcon0/bind", MODE_CHANGE, "0\n");
    tree_write("sys/class/vtconsole/vtcon1/name", MODE_READ, "(M) frame buffer device\n");
    tree_write("sys/class/vtconsole/vtcon1/bind", MODE_CHANGE, "1\n");
}

void sound_write(const char *folder, unsigned number, unsigned pid)
{
    struct path card = path("card%u", number);
    struct path status = path("proc/asound/%s/pcm0p/sub0/status", card.text);
    write_class(path("%s/sound/%s", folder, card.text).text, "sound", card.text);
    tree_write(path("proc/asound/%s/id", card.text).text, MODE_READ, "Audio\n");
    if (pid)
        tree_write(status.text, MODE_READ, "state: RUNNING\nowner_pid   : %u\ntrigger_time: 9871.123456789\n",
                   pid);
    else
        tree_write(status.text, MODE_READ, "closed\n");
}

void process_write(unsigned pid, const char *name, const char *node)
{
    struct path own = path("proc/%u", pid);
    tree_write(path("%s/comm", own.text).text, MODE_CHANGE, "%s\n", name);
    tree_link_raw(path("%s/fd/0", own.text).text, "/dev/null");
    if (node)
        tree_link_raw(path("%s/fd/17", own.text).text, node);
}
