/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Access to the host's files: errors are errnos, and no content does harm. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "tests/unit/hardware/fixture.h"

Test(sysroot, is_a_folder_that_exists)
{
    struct sysroot *sysroot = NULL;
    struct error err;

    cr_assert_eq(sysroot_open("/no/such/folder", &sysroot, &err), -1);
    cr_assert_str_eq(err.message,
                     "cannot use '/no/such/folder' as the host's root folder: No such file or directory");
    cr_assert_null(sysroot);
    cr_assert_eq(sysroot_open("/dev/null", &sysroot, &err), -1);
    cr_assert_not_null(strstr(err.message, "Not a directory"));
}

Test(sysroot, knows_the_real_host_however_it_is_spelled)
{
    autotree struct tree tree;
    struct sysroot *host;
    struct error err;

    tree_make(&tree);
    cr_assert_not(sysroot_is_host(tree.sysroot));
    cr_assert_eq(sysroot_open("/proc/..", &host, &err), 0);
    cr_assert(sysroot_is_host(host));
    autofree char *path = sysroot_join(host, "sys/bus");
    cr_assert_str_eq(path, "/sys/bus");
    sysroot_close(host);
}

Test(sysfs, reads_a_file_without_its_last_newline)
{
    autotree struct tree tree;
    char text[32];

    tree_make(&tree);
    tree_write(&tree, "sys/a", "0x10de\n");
    tree_write(&tree, "sys/two", "one\ntwo\n\n");
    tree_write(&tree, "sys/empty", "");
    cr_assert_eq(sysfs_read(sysroot_fd(tree.sysroot), "sys/a", text, sizeof(text)), 6);
    cr_assert_str_eq(text, "0x10de");
    cr_assert_eq(sysfs_read(sysroot_fd(tree.sysroot), "sys/two", text, sizeof(text)), 8);
    cr_assert_str_eq(text, "one\ntwo\n");
    cr_assert_eq(sysfs_read(sysroot_fd(tree.sysroot), "sys/empty", text, sizeof(text)), 0);
    cr_assert_str_eq(text, "");
}

Test(sysfs, says_by_errno_what_cannot_be_read)
{
    autotree struct tree tree;
    char text[8];

    tree_make(&tree);
    int root = sysroot_fd(tree.sysroot);
    tree_write(&tree, "sys/seven", "1234567");
    tree_write(&tree, "sys/eight", "12345678");
    cr_assert_eq(sysfs_read(root, "sys/none", text, sizeof(text)), -ENOENT);
    cr_assert_eq(sysfs_read(root, "sys", text, sizeof(text)), -EISDIR);
    cr_assert_eq(sysfs_read(root, "sys/seven", text, sizeof(text)), 7);
    cr_assert_eq(sysfs_read(root, "sys/eight", text, sizeof(text)), -EFBIG);
    cr_assert_eq(sysfs_open_folder(root, "sys/seven"), -ENOTDIR);
}

Test(sysfs, makes_text_of_any_bytes)
{
    autotree struct tree tree;
    char text[32];

    tree_make(&tree);
    tree_write_bytes(&tree, "sys/wild", "a\0b\xff\xc3.\x1b[1m\t\x7f\n", 13);
    cr_assert_eq(sysfs_read(sysroot_fd(tree.sysroot), "sys/wild", text, sizeof(text)), 12);
    cr_assert_str_eq(text, "a?b??.?[1m\t?");
}

Test(sysfs, does_not_wait_for_a_pipe, .timeout = 60)
{
    autotree struct tree tree;
    char text[8];

    tree_make(&tree);
    autofree char *pipe_path = sysroot_join(tree.sysroot, "pipe");
    cr_assert_eq(mkfifo(pipe_path, 0644), 0);
    cr_assert_eq(sysfs_read(sysroot_fd(tree.sysroot), "pipe", text, sizeof(text)), 0);
}

Test(sysfs, reads_long_files_up_to_a_limit)
{
    autotree struct tree tree;
    autofree char *large = xcalloc(100001, 1), *text = NULL;

    tree_make(&tree);
    memset(large, 'x', 100000);
    tree_write(&tree, "proc/large", large);
    cr_assert_eq(sysfs_read_whole(sysroot_fd(tree.sysroot), "proc/large", 99999, &text), -EFBIG);
    cr_assert_null(text);
    cr_assert_eq(sysfs_read_whole(sysroot_fd(tree.sysroot), "proc/large", 100000, &text), 100000);
    cr_assert_str_eq(text, large);
}

Test(sysfs, reads_numbers_as_the_kernel_writes_them)
{
    static const struct {
        const char *text;
        int result;
        long long number;
    } cases[] = {
        {"0\n", 0, 0},
        {"-1\n", 0, -1},
        {"010\n", 0, 10},
        {"0x030000\n", 0, 0x30000},
        {"9223372036854775807\n", 0, 9223372036854775807LL},
        {"9223372036854775808\n", -EINVAL, 0},
        {"", -EINVAL, 0},
        {"-\n", -EINVAL, 0},
        {"--1\n", -EINVAL, 0},
        {"0x\n", -EINVAL, 0},
        {"12 13\n", -EINVAL, 0},
        {"twelve\n", -EINVAL, 0},
    };
    autotree struct tree tree;

    tree_make(&tree);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        long long number = 0;
        tree_write(&tree, "number", cases[i].text);
        int result = sysfs_read_number(sysroot_fd(tree.sysroot), "number", &number);
        cr_expect_eq(result, cases[i].result, "'%s' gave %d", cases[i].text, result);
        cr_expect_eq(number, cases[i].number, "'%s' is %lld", cases[i].text, number);
    }
}

Test(sysfs, takes_the_last_component_of_a_link)
{
    autotree struct tree tree;
    char name[8];

    tree_make(&tree);
    int root = sysroot_fd(tree.sysroot);
    tree_link(&tree, "driver", "../../bus/pci/drivers/nouveau");
    tree_link(&tree, "short", "nvme");
    tree_link(&tree, "long", "drivers/longname");
    tree_write(&tree, "file", "nvme");
    cr_assert_eq(sysfs_read_link_name(root, "driver", name, sizeof(name)), 7);
    cr_assert_str_eq(name, "nouveau");
    cr_assert_eq(sysfs_read_link_name(root, "short", name, sizeof(name)), 4);
    cr_assert_str_eq(name, "nvme");
    cr_assert_eq(sysfs_read_link_name(root, "long", name, sizeof(name)), -ENAMETOOLONG);
    cr_assert_eq(sysfs_read_link_name(root, "file", name, sizeof(name)), -EINVAL);
    cr_assert_eq(sysfs_read_link_name(root, "none", name, sizeof(name)), -ENOENT);
    cr_assert_str_eq(name, "nvme");
}

Test(sysfs, lists_folders_sorted_and_without_names_that_no_reply_can_hold)
{
    autotree struct tree tree;
    autolist char **names = NULL;

    tree_make(&tree);
    tree_write(&tree, "folder/b", "");
    tree_write(&tree, "folder/a", "");
    tree_write(&tree, "folder/c\n", "");
    tree_write(&tree, "folder/\xff", "");
    tree_link(&tree, "folder/0", "nowhere");
    cr_assert_eq(sysfs_list(sysroot_fd(tree.sysroot), "folder", &names), 3);
    cr_assert_str_eq(names[0], "0");
    cr_assert_str_eq(names[1], "a");
    cr_assert_str_eq(names[2], "b");
    cr_assert_null(names[3]);
    cr_assert_eq(sysfs_list(sysroot_fd(tree.sysroot), "none", &names), -ENOENT);
}
