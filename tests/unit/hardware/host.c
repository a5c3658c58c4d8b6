/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host itself, from /proc. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/host.h"
#include "hardware/host_cpu.h"
#include "tests/unit/hardware/fixture.h"

static json_t *describe(const struct tree *tree)
{
    struct error err;
    json_t *host;

    cr_assert_eq(host_describe(tree->sysroot, &host, &err), 0);
    return host;
}

static json_t *describe_cpus(const char *cpuinfo)
{
    autofree char *text = xstrdup(cpuinfo);

    return host_cpu_describe(text);
}

Test(host, tells_kernel_load_and_memory)
{
    autotree struct tree tree;

    tree_make(&tree);
    tree_write(&tree, "proc/sys/kernel/ostype", "Linux\n");
    tree_write(&tree, "proc/sys/kernel/osrelease", "6.1.0-28-amd64\n");
    tree_write(&tree, "proc/sys/kernel/version", "#1 SMP Debian 6.1.119-1\n");
    tree_write(&tree, "proc/sys/kernel/arch", "x86_64\n");
    tree_write(&tree, "proc/uptime", "9876.54 70000.00\n");
    tree_write(&tree, "proc/loadavg", "0.25 0.13 12.08 1/345 6789\n");
    tree_write(&tree, "proc/stat", "cpu  50 10 20 800 100 5 5 10 3 0\ncpu0 50 10 20 800 100 5 5 10 3 0\n");
    tree_write(&tree, "proc/meminfo",
               "MemTotal:       1000 kB\nMemFree:         300 kB\nMemAvailable:    600 kB\n"
               "SwapTotal:       500 kB\nSwapFree:        200 kB\n");
    tree_write(&tree, "sys/kernel/mm/ksm/pages_sharing", "3\n");
    autojson json_t *host = describe(&tree);
    expect_member(host, "kversion", "'Linux 6.1.0-28-amd64 #1 SMP Debian 6.1.119-1'");
    expect_member(host, "current-kernel",
                  "{'sysname': 'Linux', 'release': '6.1.0-28-amd64', 'version': '#1 SMP Debian 6.1.119-1',"
                  " 'machine': 'x86_64'}");
    expect_member(host, "uptime", "9876");
    expect_member(host, "loadavg", "['0.25', '0.13', '12.08']");
    expect_member(host, "cpu", "0.1");
    expect_member(host, "wait", "0.1");
    expect_member(host, "memory", "{'total': 1024000, 'used': 409600, 'free': 307200, 'available': 614400}");
    expect_member(host, "swap", "{'total': 512000, 'used': 307200, 'free': 204800}");
    cr_assert_geq(json_integer_value(json_object_get(json_object_get(host, "ksm"), "shared")), 3 * 4096);
    cr_assert_gt(json_integer_value(json_object_get(json_object_get(host, "rootfs"), "total")), 0);
}

Test(host, leaves_out_what_cannot_be_read)
{
    autotree struct tree tree;

    tree_make(&tree);
    autojson json_t *host = describe(&tree);
    cr_assert_not_null(json_object_get(host, "rootfs"));
    json_object_del(host, "rootfs");
    expect_json(json_incref(host), "{'boot-info': {'mode': 'legacy-bios'}}");
}

Test(host, survives_nonsense)
{
    static const char *const files[] = {"proc/uptime",  "proc/loadavg", "proc/stat",
                                        "proc/meminfo", "proc/cpuinfo", "sys/kernel/mm/ksm/pages_sharing"};
    static const char *const texts[] = {"",
                                        "cpu",
                                        "cpu -1 -1 -1 -1",
                                        "nan inf",
                                        "MemTotal: x\nMemTotal:",
                                        "9223372036854775807\n",
                                        "MemTotal: 99999999999999999999999 kB\n",
                                        ":\n::\n\n:",
                                        "processor\n"};
    autotree struct tree tree;

    tree_make(&tree);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        for (size_t j = 0; j < COUNT_OF(files); j++)
            tree_write(&tree, files[j], texts[i]);
        autojson json_t *host = describe(&tree);
        autofree char *text = json_dumps(host, 0);
        cr_expect_not_null(text);
        expect_member(host, "memory", NULL);
        expect_member(host, "cpuinfo", NULL);
    }
}

Test(host, knows_secure_boot)
{
    static const char variable[] = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    autotree struct tree tree;

    tree_make(&tree);
    tree_write_bytes(&tree, variable, "\x06\0\0\0\x01", 5);
    autojson json_t *on = describe(&tree);
    expect_member(on, "boot-info", "{'mode': 'efi', 'secureboot': 1}");
    tree_write_bytes(&tree, variable, "\x06\0\0\0\0", 5);
    autojson json_t *off = describe(&tree);
    expect_member(off, "boot-info", "{'mode': 'efi', 'secureboot': 0}");
    tree_write_bytes(&tree, variable, "\x06\0\0", 3);
    autojson json_t *unknown = describe(&tree);
    expect_member(unknown, "boot-info", "{'mode': 'efi'}");
}

Test(host, counts_threads_cores_and_sockets)
{
    autotree struct tree tree;

    tree_make_host(&tree, "workstation");
    autojson json_t *host = describe(&tree);
    const json_t *cpus = json_object_get(host, "cpuinfo");
    expect_member(cpus, "cpus", "8");
    expect_member(cpus, "cores", "4");
    expect_member(cpus, "sockets", "1");
    expect_member(cpus, "hvm", "'1'");
    expect_member(cpus, "vendor", "'GenuineIntel'");
}

Test(cpus, with_the_same_core_number_in_two_sockets_are_two_cores)
{
    autojson json_t *cpus = describe_cpus("processor : 0\nphysical id : 0\ncore id : 0\n\n"
                                          "processor : 1\nphysical id : 1\ncore id : 0\n\n"
                                          "processor : 2\nphysical id : 1\ncore id : 0\n\n");
    expect_member(cpus, "cpus", "3");
    expect_member(cpus, "cores", "2");
    expect_member(cpus, "sockets", "2");
}

Test(cpus, that_tell_little_are_counted)
{
    autojson json_t *cpus =
        describe_cpus("processor\t: 0\nBogoMIPS\t: 50.00\n\nprocessor\t: 1\nBogoMIPS\t: 50.00\n");
    expect_member(cpus, "cpus", "2");
    expect_member(cpus, "cores", "2");
    expect_member(cpus, "sockets", "1");
    expect_member(cpus, "model", "''");
    expect_member(cpus, "hvm", "'0'");
}

/* The flag must be a whole word. */
Test(cpus, can_virtualise_when_a_flag_says_so)
{
    static const struct {
        const char *flags, *hvm;
    } cases[] = {
        {"flags : fpu vmx sse\n", "'1'"},
        {"flags : svm\n", "'1'"},
        {"flags : fpu svm_lock avmx\n", "'0'"},
        {"flags :\n", "'0'"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autofree char *text = xasprintf("processor : 0\n%s", cases[i].flags);
        autojson json_t *cpus = host_cpu_describe(text);
        expect_member(cpus, "hvm", cases[i].hvm);
    }
}
