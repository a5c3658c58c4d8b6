/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation host-settings: what is written, what is refused, and the way back from everywhere. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "broker/program.h"
#include "tests/unit/broker/testbed.h"
#include "tests/unit/hardware/use/fixture.h"

#define MODPROBE "etc/modprobe.d/hostpci.conf"
#define MODULES  "etc/modules-load.d/hostpci.conf"
#define GRUB     "etc/default/grub"
#define OLD_LINE "GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT='quiet'\n"
#define NEW_LINE "GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT='quiet intel_iommu=on'\n"
#define HEADER   "# Written by hostpci: change it with `hostpci set /nodes/localhost/hardware/vfio`.\n"
#define NEW_ALL  HEADER "options vfio-pci ids=10de:2484\nblacklist nouveau\n"
#define CHANGE                                                                                               \
    "{'ids': '10de:2484', 'blacklist': 'nouveau', 'modules': 'vfio-pci', 'kernel': 'intel_iommu=on', "       \
    "'force': 1}"

/* NULL: there is no such file. */
static char *content(const struct testbed *testbed, const char *file)
{
    autofree char *path = xasprintf("%s/%s", testbed->tree.path, file);
    char *text = NULL;
    struct error err;

    return file_read(path, 65536, &text, NULL, &err) == 0 ? text : NULL;
}

static bool is(const struct testbed *testbed, const char *file, const char *expected)
{
    autofree char *text = content(testbed, file);

    return text == NULL || expected == NULL ? text == expected : strcmp(text, expected) == 0;
}

static void expect(const struct testbed *testbed, const char *file, const char *expected)
{
    autofree char *text = content(testbed, file);

    cr_expect(is(testbed, file, expected), "%s is '%s'", file, text != NULL ? text : "(none)");
}

static void install(const struct testbed *testbed, const char *program, const char *script)
{
    autofree char *path = xasprintf("%s/%s", testbed->tree.path, program);

    tree_write(&testbed->tree, program, script);
    cr_assert_eq(chmod(path, 0755), 0);
}

/* Each program notes that it ran, with what there was then. */
static void make(struct testbed *testbed)
{
    testbed_make_host(testbed);
    tree_write(&testbed->tree, GRUB, OLD_LINE);
    tree_write(&testbed->tree, "etc/modprobe.d/other.conf", "options vfio-pci disable_vga=0\n");
    program_root = testbed->tree.path;
    install(
        testbed, "usr/sbin/update-initramfs",
        "#!/bin/sh\ncd \"${0%/usr/*}\"\ncat etc/modprobe.d/hostpci.conf > initramfs 2>/dev/null\nexit 0\n");
    install(testbed, "usr/sbin/update-grub", "#!/bin/sh\ncd \"${0%/usr/*}\"\ncp etc/default/grub grub.cfg\n");
}

static void expect_old(const struct testbed *testbed)
{
    expect(testbed, MODPROBE, NULL);
    expect(testbed, MODULES, NULL);
    expect(testbed, GRUB, OLD_LINE);
    expect_nothing_open(testbed);
}

static void expect_new(const struct testbed *testbed)
{
    expect(testbed, MODPROBE, NEW_ALL);
    expect(testbed, MODULES, HEADER "vfio-pci\n");
    expect(testbed, GRUB, NEW_LINE);
    expect_nothing_open(testbed);
}

static void expect_no_drafts(const struct testbed *testbed)
{
    expect(testbed, MODPROBE SYSFS_NEW, NULL);
    expect(testbed, MODULES SYSFS_NEW, NULL);
    expect(testbed, GRUB SYSFS_NEW, NULL);
}

Test(host_settings, are_written_made_effective_and_removed_without_a_trace)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_start_broker(&testbed);
    testbed_do(&testbed, "host-settings", CHANGE, "{}");
    expect_new(&testbed);
    expect(&testbed, "initramfs", NEW_ALL);
    expect(&testbed, "grub.cfg", NEW_LINE);
    expect_log(&testbed, "the kernel's command line was: quiet\n");
    expect_log(&testbed, "run `update-initramfs -u -k all`");
    expect_log(&testbed, "a reboot is needed, because " SCREEN " (10de:2484) is to be with vfio-pci");
    testbed_do(&testbed, "host-settings", CHANGE, "{}");
    expect_log(&testbed, "like this already");
    testbed_do(&testbed, "host-settings",
               "{'delete': 'ids,blacklist,modules', 'kernel-remove': 'intel_iommu'}", "{}");
    expect_old(&testbed);
    expect(&testbed, "initramfs", "");
    expect(&testbed, "grub.cfg", OLD_LINE);
    expect(&testbed, "etc/modprobe.d/other.conf", "options vfio-pci disable_vga=0\n");
}

Test(host_settings, reach_each_kernel_that_has_its_modules)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    tree_write(&testbed.tree, "proc/cmdline", "initrd=\\EFI\\debian\\initrd.img quiet\n");
    tree_write(&testbed.tree, "etc/kernel/cmdline", "quiet\n");
    tree_write(&testbed.tree, "boot/vmlinuz-6.12.57+deb13-amd64", "MZ");
    tree_write(&testbed.tree, "boot/vmlinuz-linux", "MZ");
    tree_write(&testbed.tree, "boot/vmlinuz-6.12.57+deb13-amd64.old", "MZ");
    tree_write(&testbed.tree, "lib/modules/6.12.57+deb13-amd64/modules.dep", "");
    install(&testbed, "usr/bin/kernel-install",
            "#!/bin/sh\ncd \"${0%/usr/*}\"\necho \"$2\" >> kernels\n[ -e \"lib/modules/$2\" ]\n");
    testbed_start_broker(&testbed);
    testbed_do(&testbed, "host-settings", "{'kernel': 'intel_iommu=on'}", "{}");
    expect(&testbed, "kernels", "6.12.57+deb13-amd64\n");
}

Test(host_settings, that_are_not_named_stay)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_start_broker(&testbed);
    testbed_do(&testbed, "host-settings", "{'ids': '10de:2484', 'disable-vga': 1, 'force': 1}", "{}");
    testbed_do(&testbed, "host-settings",
               "{'options': ['nouveau modeset=0'], 'softdep': 'nouveau', 'refresh': 0}", "{}");
    expect(&testbed, MODPROBE,
           HEADER
           "options vfio-pci ids=10de:2484\noptions vfio-pci disable_vga=1\noptions nouveau modeset=0\n"
           "softdep nouveau pre: vfio-pci\n");
    cr_expect(strstr(text_string(&testbed.log), "update-initramfs") == NULL);
}

Test(host_settings, that_are_wrong_change_nothing)
{
    static const struct {
        const char *arguments, *message;
    } cases[] = {
        {"{'ids': '10de'}", "'10de' is not VENDOR:DEVICE"},
        {"{'blacklist': 'ext4'}", "'ext4' is neither a module of VFIO nor"},
        {"{'kernel': 'init=sh'}", "'init=sh' cannot be set here; parameters that can: "},
        {"{'kernel-remove': 'quiet'}", "'quiet' cannot be set here"},
        {"{'delete': 'install'}", "there is no setting 'install'"},
        {"{'delete': 'ids', 'ids': '10de:2484'}", "at once"},
        {"{'options': ['nouveau a=1\\ninstall x /bin/sh']}", "options"},
        {"{'digest': '1234', 'ids': '10de:2484'}", "detected modified configuration"},
    };
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_start_broker(&testbed);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        testbed_fail(&testbed, "host-settings", cases[i].arguments, cases[i].message);
        expect_old(&testbed);
    }
    tree_write(&testbed.tree, MODPROBE, HEADER "install nouveau /bin/true\n");
    testbed_fail(&testbed, "host-settings", "{'ids': '10de:2484'}", "line 2 of '/" MODPROBE "'");
    tree_delete(&testbed.tree, MODPROBE);
    tree_write(&testbed.tree, GRUB, "GRUB_CMDLINE_LINUX_DEFAULT=\"$X\"\n");
    testbed_fail(&testbed, "host-settings", "{'kernel': 'iommu=pt'}", "line 1 of '/" GRUB "'");
    tree_delete(&testbed.tree, GRUB);
    testbed_fail(&testbed, "host-settings", "{'kernel': 'iommu=pt', 'ids': '10de:2484'}", "by hand");
    expect(&testbed, MODPROBE, NULL);
    tree_link(&testbed.tree, MODPROBE, "/etc/passwd");
    testbed_fail(&testbed, "host-settings", "{'ids': '10de:2484'}", "hostpci.conf'");
}

Test(host_settings, that_would_keep_the_host_from_starting_are_refused)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    host_add_disk(&testbed.tree, "nvme0n1", "259:0", DISK_FOLDER "/nvme/nvme0");
    tree_write(&testbed.tree, "proc/1/mountinfo", "25 1 259:0 / / rw - ext4 /dev/nvme0n1 rw\n");
    testbed_start_broker(&testbed);
    testbed_fail(&testbed, "host-settings", "{'ids': '144d:a808', 'force': 1}",
                 "the host would not start with");
    testbed_fail(&testbed, "host-settings", "{'blacklist': 'nvme', 'force': 1}", DISK);
    testbed_fail(&testbed, "host-settings",
                 "{'kernel': 'rd.driver.pre=vfio-pci vfio-pci.ids=10de:2484,144d:a808', 'force': 1}",
                 "the host would not start with '144d:a808'");
    testbed_fail(&testbed, "host-settings", "{'kernel': 'vfio_pci.ids=ffffffff:ffffffff', 'force': 1}",
                 "'ffffffff:ffffffff' of vfio_pci.ids is not VENDOR:DEVICE");
    expect_old(&testbed);
    testbed_do(&testbed, "host-settings", "{'kernel': 'vfio_pci.ids=10de:2484', 'force': 1}", "{}");
    expect(&testbed, GRUB, "GRUB_TIMEOUT=5\nGRUB_CMDLINE_LINUX_DEFAULT='quiet vfio_pci.ids=10de:2484'\n");
}

/* What is longer than what can be read would be refused from then on, whatever is asked for. */
Test(host_settings, that_could_not_be_read_again_are_refused)
{
    autotestbed struct testbed testbed;
    autotext struct text options = {0};

    make(&testbed);
    testbed_start_broker(&testbed);
    text_append(&options, "{'force': 1, 'options': [");
    for (unsigned i = 0; i < 50; i++)
        text_printf(&options, "%s'nouveau a%u=%0400d'", i > 0 ? ", " : "", i, 0);
    text_append(&options, "]}");
    testbed_fail(&testbed, "host-settings", options.data, "16384 is the most");
    expect_old(&testbed);
}

Test(host_settings, a_file_keeps_its_mode)
{
    autotestbed struct testbed testbed;
    struct stat status;

    make(&testbed);
    autofree char *path = xasprintf("%s/" GRUB, testbed.tree.path);
    cr_assert_eq(chmod(path, 0600), 0);
    testbed_start_broker(&testbed);
    testbed_do(&testbed, "host-settings", CHANGE, "{}");
    cr_assert_eq(stat(path, &status), 0);
    cr_expect_eq(status.st_mode & ALLPERMS, 0600, "%o", (unsigned)status.st_mode);
}

/* The driver of its disk is no module. */
Test(host_settings, of_other_devices_are_none_of_the_root_disks)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    host_add_disk(&testbed.tree, "nvme0n1", "259:0", DISK_FOLDER "/nvme/nvme0");
    tree_write(&testbed.tree, "proc/1/mountinfo", "25 1 259:0 / / rw - ext4 /dev/nvme0n1 rw\n");
    testbed_start_broker(&testbed);
    testbed_do(&testbed, "host-settings", CHANGE, "{}");
    expect_new(&testbed);
    testbed_do(&testbed, "host-settings", "{'ids': '10de:2484', 'delete': 'blacklist,modules', 'force': 1}",
               "{}");
    testbed_do(&testbed, "host-settings", "{'delete': 'ids'}", "{}");
    expect(&testbed, MODPROBE, NULL);
}

Test(host_settings, are_put_back_when_a_program_fails)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    install(&testbed, "usr/sbin/update-grub", "#!/bin/sh\necho no room >&2\nexit 1\n");
    testbed_start_broker(&testbed);
    testbed_fail(&testbed, "host-settings", CHANGE, "update-grub' ended with status 1");
    expect_log(&testbed, "update-grub: no room");
    expect_old(&testbed);
    expect(&testbed, "initramfs", "");
}

/* A file that somebody else changes meanwhile is his. */
Test(host_settings, what_others_write_meanwhile_stays)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    install(&testbed, "usr/sbin/update-grub",
            "#!/bin/sh\ncd \"${0%/usr/*}\"\necho '# mine' >> etc/default/grub\nexit 1\n");
    testbed_start_broker(&testbed);
    testbed_fail(&testbed, "host-settings", CHANGE, "'/" GRUB "' is as somebody else left it");
    expect(&testbed, MODPROBE, NULL);
    expect_nothing_open(&testbed);
}

Test(host_settings, fault_of_each_access, .timeout = 300)
{
    static const int errors[] = {EIO, ENOSPC, EROFS, EACCES};
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_start_broker(&testbed);
    for (int after = 0; after < 2; after++)
        for (enum sysfs_access kind = 0; kind < SYSFS_ACCESSES; kind++) {
            bool reached = true;
            for (unsigned first = 1; reached; first++) {
                struct kernel_fault fault = {.access = kind,
                                             .path = "etc/",
                                             .first = first,
                                             .error = errors[first % COUNT_OF(errors)],
                                             .after = after != 0};
                struct error err = {.message = ""};
                if (after != 0 && kind != SYSFS_WRITE)
                    break;
                kernel_set_fault(&fault);
                autojson json_t *result = testbed_try(&testbed, "host-settings", CHANGE, &err);
                reached = kernel_fault_count() >= first;
                kernel_set_fault(NULL);
                cr_expect(is(&testbed, MODPROBE, NULL) || is(&testbed, MODPROBE, NEW_ALL));
                if (result == NULL)
                    expect_old(&testbed);
                else
                    expect_new(&testbed);
                expect_no_drafts(&testbed);
                json_decref(testbed_ask(
                    &testbed, "host-settings",
                    "{'delete': 'ids,blacklist,modules', 'kernel-remove': 'intel_iommu', 'refresh': 0}"));
            }
        }
}

enum victim { WORKER, BROKER, BOTH_OF_THEM };

/* False if the operation has fewer steps. */
static bool kill_at(unsigned step, enum victim victim)
{
    autotestbed struct testbed testbed;
    struct error err = {.message = ""};

    make(&testbed);
    testbed.stop_at = step;
    testbed_start_broker(&testbed);
    struct testbed_call *call = testbed_begin(&testbed, "host-settings", CHANGE);
    bool stopped = testbed_wait_for_stop(&testbed, call);
    if (stopped) {
        pid_t worker = testbed_worker(&testbed);
        if (victim != BROKER)
            cr_assert_eq(kill(worker, SIGKILL), 0);
        testbed.stop_at = 0;
        if (victim == WORKER) {
            cr_assert_eq(kill(testbed.broker, SIGCONT), 0);
        } else {
            testbed_stop_broker(&testbed, SIGKILL);
            testbed_start_broker(&testbed);
        }
    }
    autojson json_t *result = testbed_end(call, &err);
    if (stopped) {
        cr_expect(result == NULL && strstr(err.message, "interrupted; host ") != NULL, "step %u: '%s'", step,
                  err.message);
        expect_old(&testbed);
        expect_no_drafts(&testbed);
        autofree char *made = content(&testbed, "initramfs"), *grub = content(&testbed, "grub.cfg");
        cr_expect(made == NULL || made[0] == '\0', "step %u: the initramfs has the new files", step);
        cr_expect(grub == NULL || strcmp(grub, OLD_LINE) == 0, "step %u: grub.cfg has the new line", step);
    }
    return stopped;
}

static void kill_at_each(enum victim victim)
{
    unsigned step = 1;

    while (kill_at(step, victim))
        step++;
    cr_expect_gt(step, 5, "there are only %u steps", step - 1);
}

Test(host_settings, kill_of_the_worker_at_each_step, .timeout = 120)
{
    kill_at_each(WORKER);
}

Test(host_settings, kill_of_both_at_each_step, .timeout = 120)
{
    kill_at_each(BROKER);
    kill_at_each(BOTH_OF_THEM);
}
