/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/vfio, on a made host behind which a kernel is played. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"

#define VFIO "/nodes/" NODE "/hardware/vfio"

static void start(void)
{
    START(.host = "golden", .kernel = true);
    host_write("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n");
}

TestSuite(vfio, .init = start, .timeout = 120);

static void runs(json_t *upid)
{
    task_succeeds(json_string_value(upid));
}

DAEMON_TEST(vfio, settings_are_shown_changed_and_given_up)
{
    const json_t *before = get(VFIO, NULL);
    cr_assert_not(has(before, "softdep"));
    cr_assert_str_eq(text_of(member(before, "boot-loader"), "name"), "grub");
    cr_assert_str_eq(text_of(member(before, "boot-loader"), "line"), "quiet");

    json_t *upid = put(VFIO, "softdep", "nouveau", "options", "vfio-pci enable_sriov=1",
                       "allow-unsafe-interrupts", "1", "modules", "vfio-pci", "kernel",
                       "intel_iommu=on iommu=pt", "digest", text_of(before, "digest"), NULL);
    runs(upid);
    const json_t *after = get(VFIO, NULL);
    cr_assert_str_eq(text_of(after, "softdep"), "nouveau");
    cr_assert_str_eq(text_of(after, "modules"), "vfio-pci");
    cr_assert_eq(number_of(after, "allow-unsafe-interrupts"), 1);
    is_json(member(after, "options"), "['vfio-pci enable_sriov=1']");
    is_json(member(after, "kernel"), "['intel_iommu=on','iommu=pt']");
    cr_assert_str_eq(text_of(member(after, "boot-loader"), "line"), "quiet intel_iommu=on iommu=pt");
    cr_assert_neq(strcmp(text_of(before, "digest"), text_of(after, "digest")), 0);

    upid = put(VFIO, "ids", "8086:1572", "digest", text_of(before, "digest"), NULL);
    task_fails(json_string_value(upid), "detected modified configuration");
    runs(put(VFIO, "delete", "softdep,modules,allow-unsafe-interrupts,options", "kernel-remove",
             "intel_iommu iommu", NULL));
    const json_t *last = get(VFIO, NULL);
    is_json(member(last, "kernel"), "[]");
    cr_assert_str_eq(text_of(last, "digest"), text_of(before, "digest"), "no trace is left");
}

/* What another file or the running kernel's command line says about the same stands beside it, in modprobe's
 * order. */
DAEMON_TEST(vfio, who_else_says_so_and_who_wins)
{
    host_write("etc/modprobe.d/zz.conf", "options vfio-pci disable_vga=0\nblacklist nouveau\n");
    host_write("proc/cmdline", "BOOT_IMAGE=/vmlinuz quiet vfio-pci.disable_vga=1\n");
    host_write("sys/module/vfio_pci/parameters/disable_vga", "N\n");
    runs(put(VFIO, "disable-vga", "1", NULL));
    const json_t *now = get(VFIO, NULL), *effective = member(now, "effective");
    static const char *const sources[] = {"/etc/modprobe.d/hostpci.conf, line 2",
                                          "/etc/modprobe.d/zz.conf, line 1", "/proc/cmdline"};
    size_t found = 0;
    for (size_t i = 0; i < json_array_size(effective); i++) {
        const json_t *entry = json_array_get(effective, i);
        if (strcmp(text_of(entry, "name"), "vfio-pci.disable_vga") != 0)
            continue;
        cr_assert_lt(found, 3);
        cr_assert_str_eq(text_of(entry, "source"), sources[found]);
        cr_assert_eq(number_of(entry, "kept"), found == 0);
        found++;
    }
    cr_assert_eq(found, 3);
    cr_assert(has_row(effective, "value", "nouveau"));
    cr_assert_eq(number_of(now, "reboot-needed"), 1);
    contains(json_string_value(json_array_get(member(now, "reasons"), 0)), "disable-vga is to be 1");
}

DAEMON_TEST(vfio, file_that_somebody_changed_is_a_problem)
{
    host_write("etc/modprobe.d/hostpci.conf", "install nouveau /bin/true\n");
    const json_t *now = get(VFIO, NULL);
    contains(json_string_value(json_array_get(member(now, "problems"), 0)),
             "line 1 of '/etc/modprobe.d/hostpci.conf'");
    json_t *upid = put(VFIO, "disable-vga", "1", NULL);
    task_fails(json_string_value(upid), "changed that file by hand");
}
