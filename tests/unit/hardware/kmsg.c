/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's log from now on. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#include "base/memory.h"
#include "hardware/kmsg.h"
#include "tests/unit/hardware/fixture.h"

static void say(const struct tree *tree, const char *records)
{
    autofree char *path = sysroot_join(tree->sysroot, "dev/kmsg");
    autofile FILE *log = fopen(path, "a");

    cr_assert_not_null(log);
    fputs(records, log);
}

Test(kmsg, tells_what_came_since_about_a_device)
{
    autotree struct tree tree;
    autotext struct text lines = {0};

    tree_make(&tree);
    tree_write(&tree, "dev/kmsg", "6,1,0,-;pci 0000:01:00.0: before\n");
    autoclose int fd = kmsg_follow(tree.sysroot);
    cr_assert_geq(fd, 0);
    say(&tree, "4,2,10,-;vfio-pci 0000:01:00.0: probe failed\n SUBSYSTEM=pci\n DEVICE=+pci:0000:01:00.0\n"
               "6,3,11,-;usb 1-2: new device\n6,4,12,-;pcieport 0000:01:00.1: \x1b[31mred\n");
    kmsg_read_about(fd, "0000:01:00.", 10, &lines);
    cr_assert_str_eq(text_string(&lines),
                     "vfio-pci 0000:01:00.0: probe failed\npcieport 0000:01:00.1: ?[31mred\n");
    text_release(&lines);
    kmsg_read_about(fd, "0000:01:00.", 10, &lines);
    cr_assert_str_eq(text_string(&lines), "");
}

Test(kmsg, that_cannot_be_read_tells_nothing)
{
    autotree struct tree tree;
    autotext struct text lines = {0};

    tree_make(&tree);
    cr_assert_eq(kmsg_follow(tree.sysroot), -ENOENT);
    kmsg_read_about(-ENOENT, "x", 10, &lines);
    cr_assert_str_eq(text_string(&lines), "");
}
