/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that QEMU gets open. */
#include "broker/machine/files.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* A second time it is made anew. */
Test(broker_files, rom_is_a_copy_that_its_reader_finds_by_name)
{
    autotree struct tree tree = {0};
    struct files files = {.count = 0};
    struct stat made;
    struct error err;

    tree_make(&tree);
    tree_write(&tree, "card.rom", "\x55\xaa");
    autofree char *from = xasprintf("%s/card.rom", tree.path), *path = xasprintf("%s/100.rom", tree.path);
    autojson json_t *order = json_pack("{s:i, s:[{s:s, s:s, s:s}]}", "uid", (int)getuid(), "files", "kind",
                                       "rom", "path", path, "from", from);
    for (unsigned i = 0; i < 2; i++)
        cr_assert_eq(files_open(order, &files, &err), 0, "%s", err.message);
    cr_assert_eq(files.count, 0);
    cr_assert_eq(stat(path, &made), 0);
    cr_expect(made.st_size == 2 && (made.st_mode & 07777) == 0440, "%o", (unsigned)made.st_mode);
    cr_assert_eq(unlink(from), 0);
    cr_assert_eq(files_open(order, &files, &err), -1);
    cr_expect_not_null(strstr(err.message, "romfile: "), "%s", err.message);
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
