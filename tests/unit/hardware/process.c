/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process uses: the kernel's texts. */
#include "hardware/process.h"

#include <criterion/criterion.h>
#include <unistd.h>

#include "hardware/paths.h"
#include "tests/unit/hardware/fixture.h"

#define STAT                                                                                                 \
    "4321 (a) (b S 9) S 1 4321 4321 0 -1 138412352 9000 0 3 0 250 50 0 0 20 0 4 0 %s 900000000 1000 "        \
    "18446744073709551615 1 1 0 0 0 0 0 4096 17642 0 0 0 17 1 0 0 0 0 0"

static void stat_is(const char *start, long long uptime)
{
    struct process_usage usage;
    char text[512];

    snprintf(text, sizeof(text), STAT, start);
    cr_assert(process_parse_usage(text, &usage), "%s", text);
    cr_expect_eq(usage.cpu, 3000 * 100 / sysconf(_SC_CLK_TCK));
    cr_expect_eq(usage.memory, 1000LL * sysconf(_SC_PAGESIZE));
    cr_expect_eq(usage.uptime, uptime * 100 / sysconf(_SC_CLK_TCK));
}

Test(process, stat_is_read_behind_the_name_whatever_that_holds)
{
    stat_is("500000", 5000);
    stat_is("0", 0);
}

Test(process, stat_of_another_form_is_none)
{
    static const char *const texts[] = {"", "1", "1 (a) S",
                                        "1 a S 1 1 1 0 0 0 0 0 0 0 1 1 0 0 0 0 0 0 1 1 1"};
    struct process_usage usage;

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        cr_expect_not(process_parse_usage(texts[i], &usage), "%s", texts[i]);
}

Test(process, group_is_that_of_the_second_version)
{
    char mixed[] = "12:devices:/a\n0::/system.slice/hostpci-vm@100.service\n", old[] = "1:name=systemd:/x\n",
         root[] = "0::/\n";

    cr_expect_str_eq(process_parse_group(mixed), "system.slice/hostpci-vm@100.service");
    cr_expect_null(process_parse_group(old));
    cr_expect_null(process_parse_group(root));
}

Test(process, bytes_of_all_disks_are_one_sum)
{
    const char *text = "8:0 rbytes=100 wbytes=7 rios=1 wios=1 dbytes=0 dios=0\n"
                       "259:0 rbytes=23 wbytes=5 rios=1 wios=1 dbytes=0 dios=0\n";

    cr_expect_eq(process_sum_key(text, "rbytes"), 123);
    cr_expect_eq(process_sum_key(text, "wbytes"), 12);
    cr_expect_eq(process_sum_key("", "rbytes"), 0);
}

Test(process, pressure_is_that_of_the_last_10_seconds)
{
    const char *text = "some avg10=1.50 avg60=0.20 avg300=0.00 total=9\nfull avg10=0.25 avg60=0.00 total=1";

    cr_expect_float_eq(process_parse_pressure(text, "some"), 1.5, 1e-9);
    cr_expect_float_eq(process_parse_pressure(text, "full"), 0.25, 1e-9);
    cr_expect_lt(process_parse_pressure("", "some"), 0);
    cr_expect_lt(process_parse_pressure("awesome avg10=3", "some"), 0);
}

#define GROUP SYS_CGROUP "/system.slice/hostpci-vm@100.service"

Test(process, group_of_another_name_is_shared_with_others)
{
    struct tree tree;
    struct group_usage usage;

    tree_make(&tree);
    tree_write(&tree, PROC "/7/cgroup", "0::/system.slice/hostpci-vm@100.service\n");
    tree_write(&tree, GROUP "/memory.current", "4096\n");
    tree_write(&tree, GROUP "/cpu.pressure", "some avg10=2.00 avg60=0.00 avg300=0.00 total=1\n");
    cr_expect(process_read_group(tree.sysroot, 7, "hostpci-vm@100.service", &usage));
    cr_expect_eq(usage.memory, 4096);
    cr_expect_eq(usage.read, -1);
    cr_expect_float_eq(usage.cpu[0], 2, 1e-9);
    cr_expect_lt(usage.io[0], 0);
    cr_expect_not(process_read_group(tree.sysroot, 7, "hostpci-vm@101.service", &usage));
    cr_expect_not(process_read_group(tree.sysroot, 8, "hostpci-vm@100.service", &usage));
    tree_remove(&tree);
}
