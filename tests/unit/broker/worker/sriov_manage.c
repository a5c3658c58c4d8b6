/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation sriov where NVIDIA's sriov-manage changes the count. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "broker/program.h"
#include "tests/unit/broker/testbed.h"

#define FIRST      "0000:03:10.0"
#define SECOND     "0000:03:10.2"
#define SET(count) "{'id': '" NETWORK "', 'numvfs': " #count "}"

static void expect_vfs(unsigned count, bool autoprobe)
{
    cr_expect_eq(kernel_vfs(NETWORK), count, "it has %u, not %u", kernel_vfs(NETWORK), count);
    cr_expect_eq(kernel_autoprobe(NETWORK), autoprobe);
}

/* Does what NVIDIA's program does to the files: it makes both virtual functions, or removes them. */
#define SRIOV_MANAGE                                                                                         \
    "#!/bin/sh -e\n"                                                                                         \
    "cd \"${0%/usr/*}\"\n"                                                                                   \
    "echo \"$*\" >> ran\n"                                                                                   \
    "cd sys/bus/pci/devices\n"                                                                               \
    "rm -rf " FIRST " " SECOND " $2/virtfn*\n"                                                               \
    "[ $1 = -e ] || { echo 0 > $2/sriov_numvfs; exit; }\n"                                                   \
    "n=0\n"                                                                                                  \
    "for vf in " FIRST " " SECOND "; do\n"                                                                   \
    "    mkdir $vf\n"                                                                                        \
    "    ln -s ../$2 $vf/physfn\n"                                                                           \
    "    ln -s ../../../../kernel/iommu_groups/4$n $vf/iommu_group\n"                                        \
    "    ln -s ../$vf $2/virtfn$n\n"                                                                         \
    "    n=$((n + 1))\n"                                                                                     \
    "done\n"                                                                                                 \
    "echo $n > $2/sriov_numvfs\n"

/* NULL: it is not installed. */
static void make_nvidia(struct testbed *testbed, const char *script)
{
    testbed_make_host(testbed);
    program_root = testbed->tree.path;
    if (script != NULL) {
        autofree char *path = xasprintf("%s/usr/lib/nvidia/sriov-manage", testbed->tree.path);
        tree_write(&testbed->tree, "usr/lib/nvidia/sriov-manage", script);
        cr_assert_eq(chmod(path, 0755), 0);
    }
    testbed_start_broker(testbed);
    kernel_add_sriov(
        NETWORK, &(struct kernel_sriov){
                     .total = 2, .offset = 128, .stride = 2, .device = 0x2231, .group = 40, .driver = ""});
    kernel_add_driver("nvidia");
    kernel_put(NETWORK, "nvidia", "");
}

static void expect_ran(const struct testbed *testbed, const char *expected)
{
    autofree char *path = xasprintf("%s/ran", testbed->tree.path), *text = NULL;
    struct error err;

    if (file_read(path, 4096, &text, NULL, &err) != 0)
        text = xstrdup("");
    cr_expect_str_eq(text, expected);
}

Test(broker_sriov_manage, nvidias_own_program_makes_them)
{
    autotestbed struct testbed testbed;

    make_nvidia(&testbed, SRIOV_MANAGE);
    testbed_do(&testbed, "sriov", SET(2), "{'before': 0, 'numvfs': 2}");
    expect_log(&testbed, "run `sriov-manage -e " NETWORK "`");
    expect_ran(&testbed, "-e " NETWORK "\n");
    expect_vfs(2, false);
    expect_nothing_open(&testbed);
}

Test(broker_sriov_manage, nvidias_own_program_removes_them)
{
    autotestbed struct testbed testbed;

    make_nvidia(&testbed, SRIOV_MANAGE);
    kernel_put_vfs(NETWORK, 2);
    testbed_do(&testbed, "sriov", SET(0), "{'before': 2, 'numvfs': 0}");
    expect_ran(&testbed, "-d " NETWORK "\n");
    expect_vfs(0, true);
    expect_nothing_open(&testbed);
}

Test(broker_sriov_manage, refuses_a_count_that_nvidias_program_cannot_make)
{
    autotestbed struct testbed testbed;

    make_nvidia(&testbed, SRIOV_MANAGE);
    testbed_fail(&testbed, "sriov", SET(1), "value 1 is neither 0 nor 2: sriov-manage");
    expect_ran(&testbed, "");
    expect_vfs(0, true);
    expect_nothing_open(&testbed);
}

static void expect_nothing_made(const char *script, const char *error)
{
    autotestbed struct testbed testbed;

    make_nvidia(&testbed, script);
    testbed_fail(&testbed, "sriov", SET(2), error);
    expect_vfs(0, true);
    expect_nothing_open(&testbed);
}

Test(broker_sriov_manage, goes_back_if_nvidias_program_fails)
{
    expect_nothing_made("#!/bin/sh\nexit 1\n", "ended with status 1; " NETWORK " has 0 virtual functions");
}

Test(broker_sriov_manage, looks_whether_nvidias_program_did_it)
{
    expect_nothing_made("#!/bin/sh\nexit 0\n",
                        "says that it worked, but " NETWORK " has 0 virtual functions");
}

Test(broker_sriov_manage, writes_the_count_where_nvidias_program_is_not_there)
{
    autotestbed struct testbed testbed;

    make_nvidia(&testbed, NULL);
    testbed_do(&testbed, "sriov", SET(1), "{'before': 0, 'numvfs': 1}");
    expect_vfs(1, false);
    expect_nothing_open(&testbed);
}
