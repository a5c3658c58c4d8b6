/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that QEMU gets open. */
#include "broker/machine/files.h"

#include <criterion/criterion.h>
#include <fcntl.h>

#include "base/memory.h"
#include "tests/unit/hardware/fixture.h"

/* The flags of the two descriptors of a volume that may be written to. */
static void read_flags(bool direct, int ret[static 2])
{
    autotree struct tree tree = {0};
    struct files files = {.count = 0};
    struct error err;

    tree_make(&tree);
    tree_write(&tree, "disk.raw", "");
    autofree char *path = xasprintf("%s/disk.raw", tree.path);
    autojson json_t *order =
        json_pack("{s:[{s:s, s:s, s:s, s:b, s:[i, i]}]}", "files", "kind", "volume", "path", path, "below",
                  tree.path, "direct", (int)direct, "numbers", FILES_FIRST, FILES_FIRST + 1);
    cr_assert_eq(files_open(order, &files, &err), 0, "%s", err.message);
    cr_assert_eq(files.count, 2);
    for (size_t i = 0; i < 2; i++)
        ret[i] = fcntl(files.list[i].descriptor, F_GETFL) & (O_ACCMODE | O_DIRECT | O_NONBLOCK);
    files_release(&files);
}

/* QEMU takes the descriptor of a set that has these flags, and no other. */
Test(broker_files, of_a_volume_are_open_as_qemu_wants_them)
{
    int flags[2];

    read_flags(false, flags);
    cr_expect_eq(flags[0], O_RDONLY);
    cr_expect_eq(flags[1], O_RDWR);
    read_flags(true, flags);
    cr_expect_eq(flags[0], O_RDONLY | O_DIRECT);
    cr_expect_eq(flags[1], O_RDWR | O_DIRECT);
}
