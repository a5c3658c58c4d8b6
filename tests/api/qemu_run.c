/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs that really run, in software emulation: these tests need the package qemu-system-x86. Their guest
 * does no more than power off when the power button is pressed. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/guest.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"
#include "tests/api/shell.h"
#include "tests/api/vm.h"

#define VM      QEMU "/100"
#define SECONDS 60

static pid_t process; /* of the last QEMU; 0: none */

static void start(void)
{
    START(.host = NULL);
    guest_create(&guest_of_button);
}

/* A test that fails leaves no QEMU behind. */
static void tidy(void)
{
    if (process > 1)
        kill(process, SIGKILL);
}

TestSuite(qemu_run, .init = start, .fini = tidy, .timeout = 240);

static const json_t *current(void)
{
    return get(VM "/status/current", NULL);
}

/* The VM's process is remembered as long as it has one. */
static void look(void)
{
    const json_t *row = current();

    process = has(row, "pid") ? (pid_t)number_of(row, "pid") : 0;
}

/* The end of the task that the verb with a parameter (NULL: none) begins. */
static const char *end_with(const char *verb, const char *name, const char *value)
{
    autofree char *path = xasprintf(VM "/status/%s", verb);
    const char *end = vm_task_end(json_string_value(post(path, name, value, NULL)));

    look();
    return end;
}

static const char *end_of(const char *verb)
{
    return end_with(verb, NULL, NULL);
}

static void is_running(bool yes)
{
    cr_expect_str_eq(text_of(current(), "status"), yes ? "running" : "stopped");
}

/* Waits until the guest listens to the power button: until then a press of it is lost. */
static void wait_for_guest(void)
{
    double end = machine_slept() + SECONDS;

    for (;;) {
        const char *told = json_string_value(post(VM "/monitor", "command", "i /h 0x602", NULL));
        if (strstr(told, "= 0x0100") != NULL)
            return;
        cr_assert_lt(machine_slept(), end, "the guest does not boot: %s", told);
        machine_sleep(100);
    }
}

/* Waits until the VM has another process than that one. */
static void wait_for_other(pid_t old)
{
    double end = machine_slept() + SECONDS;

    for (look(); process == 0 || process == old; look()) {
        cr_assert_lt(machine_slept(), end, "the VM does not start again");
        machine_sleep(50);
    }
}

DAEMON_TEST(qemu_run, starts_tells_what_it_uses_and_stops)
{
    cr_expect_str_eq(end_of("start"), "OK");
    const json_t *now = current();
    cr_expect_str_eq(text_of(now, "status"), "running");
    cr_expect_str_eq(text_of(now, "qmpstatus"), "running");
    cr_expect_gt(number_of(now, "pid"), 1);
    cr_expect_gt(number_of(now, "mem"), 1 << 20);
    cr_expect_str_eq(text_of(row(get(QEMU, NULL), "name", "VM 100"), "status"), "running");
    cr_expect_str_eq(end_of("start"), "VM 100 already running");
    fails(500, "VM 100 is running - destroy failed", "DELETE", VM, NULL);
    cr_expect_str_eq(end_of("stop"), "OK");
    is_running(false);
    cr_expect_str_eq(end_of("stop"), "OK");
}

/* The same guest on a disk of the storage, with a disc in its drive. */
DAEMON_TEST(qemu_run, starts_from_a_disk_of_the_storage)
{
    autofree char *folder = xasprintf("%s/images/100", daemon_store()),
                  *disk = xasprintf("%s/vm-100-disk-0.raw", folder),
                  *disc = xasprintf("%s/template/iso/a.iso", daemon_store()),
                  *guest = xasprintf("%s/images/guest.raw", daemon_state()), *bytes = NULL;
    struct error err;
    cr_assert_eq(file_make_folder(folder, 0755, &err), 0, "%s", err.message);
    cr_assert_eq(file_read(guest, GUEST_DISK_SIZE, &bytes, NULL, &err), 0, "%s", err.message);
    cr_assert_eq(file_create(disk, bytes, GUEST_DISK_SIZE, 0600, &err), 0, "%s", err.message);
    cr_assert_eq(file_create(disc, bytes, GUEST_DISK_SIZE, 0600, &err), 0, "%s", err.message);
    put(VM "/config", "ide0", "local:100/vm-100-disk-0.raw", "ide2", "local:iso/a.iso,media=cdrom", NULL);
    const json_t *showcmd = get(VM "/showcmd", NULL);
    cr_expect_not_null(strstr(json_string_value(showcmd), disk), "%s", json_string_value(showcmd));
    cr_expect_eq(number_of(get(VM "/preflight", NULL), "startable"), 1);
    cr_expect_str_eq(end_of("start"), "OK");
    wait_for_guest();
    cr_expect_str_eq(end_of("shutdown"), "OK");
}

/* A client makes the disks; the guest is put onto the first. They grow while it runs. */
DAEMON_TEST(qemu_run, starts_from_a_disk_that_a_client_made)
{
    put(VM "/config", "ide0", "local:1", "scsi0", "local:1,format=qcow2", NULL);
    autofree char *disk = xasprintf("%s/images/100/vm-100-disk-0.raw", daemon_store()),
                  *other = xasprintf("%s/images/100/vm-100-disk-1.qcow2", daemon_store()),
                  *guest = xasprintf("%s/images/guest.raw", daemon_state()), *sector = NULL;
    struct stat status;
    struct error err;
    autoclose int file = open(disk, O_WRONLY | O_CLOEXEC);
    cr_assert_eq(file_read(guest, GUEST_DISK_SIZE, &sector, NULL, &err), 0, "%s", err.message);
    cr_assert_eq(pwrite(file, sector, 512, 0), 512);
    cr_expect_str_eq(end_of("start"), "OK");
    wait_for_guest();
    const char *upid = json_string_value(put(VM "/resize", "disk", "ide0", "size", "2G", NULL));
    cr_expect_str_eq(vm_task_end(upid), "OK");
    upid = json_string_value(put(VM "/resize", "disk", "scsi0", "size", "+3G", NULL));
    cr_expect_str_eq(vm_task_end(upid), "OK");
    const json_t *config = get(VM "/config", NULL);
    cr_expect_str_eq(text_of(config, "ide0"), "local:100/vm-100-disk-0.raw,size=2G");
    cr_expect_str_eq(text_of(config, "scsi0"), "local:100/vm-100-disk-1.qcow2,size=4G");
    cr_expect_eq(
        number_of(get("/nodes/" NODE "/storage/local/content/100/vm-100-disk-1.qcow2", NULL), "size"),
        4LL << 30);
    cr_assert_eq(stat(disk, &status), 0);
    cr_expect_eq(status.st_size, 2LL << 30);
    put(VM "/unlink", "idlist", "scsi0", NULL);
    cr_expect_not(has(get(VM "/config", NULL), "unused0"), "it is not taken from a VM that runs");
    const json_t *removal = delete ("/nodes/" NODE "/storage/local/content/100/vm-100-disk-1.qcow2", NULL);
    const char *end = vm_task_end(json_string_value(removal));
    cr_expect_not_null(strstr(end, "VM 100 runs, and may have its volume"), "%s", end);
    cr_expect_str_eq(end_of("stop"), "OK");
    cr_expect_str_eq(end_of("start"), "OK");
    cr_expect_str_eq(text_of(get(VM "/config", NULL), "unused0"), "local:100/vm-100-disk-1.qcow2");
    cr_expect_str_eq(end_of("stop"), "OK");
    cr_expect_str_eq(vm_task_end(json_string_value(delete (VM, NULL))), "OK");
    cr_expect(access(disk, F_OK) != 0 && access(other, F_OK) != 0);
}

/* By what QEMU tells of its drives: the size of the disc. QEMU 10 has another name for a drive after a
 * change. */
static void has_disc(const char *file)
{
    const char *told = json_string_value(post(VM "/monitor", "command", "info block -v", NULL));

    cr_expect_not_null(strstr(told, file), "%s", told);
}

/* The disc that the guest sees is another one at once; what QEMU may not have stays pending. */
DAEMON_TEST(qemu_run, gets_another_disc_while_it_runs)
{
    autofree char *first = xasprintf("%s/template/iso/a.iso", daemon_store()),
                  *second = xasprintf("%s/template/iso/b.iso", daemon_store()),
                  *linked = xasprintf("%s/template/iso/c.iso", daemon_store()), *data = xcalloc(1, 98304);
    struct error err;
    cr_assert_eq(file_create(first, data, 32768, 0600, &err), 0, "%s", err.message);
    cr_assert_eq(file_create(second, data, 98304, 0600, &err), 0, "%s", err.message);
    cr_assert_eq(file_create(linked, data, 2048, 0600, &err), 0, "%s", err.message);
    put(VM "/config", "ide2", "local:iso/a.iso,media=cdrom", NULL);
    cr_expect_str_eq(end_of("start"), "OK");
    has_disc("(32768 bytes)");
    for (unsigned i = 0; i < 3; i++) {
        const char *disc =
            i % 2 == 0 ? "local:iso/b.iso,media=cdrom,size=96K" : "local:iso/a.iso,media=cdrom,size=32K";
        put(VM "/config", "ide2", disc, NULL);
        has_disc(i % 2 == 0 ? "(98304 bytes)" : "(32768 bytes)");
        cr_expect_str_eq(text_of(get(VM "/config", "current", "1", NULL), "ide2"), disc);
    }
    put(VM "/config", "ide2", "none,media=cdrom", NULL);
    has_disc("[not inserted]");
    cr_expect_str_eq(text_of(get(VM "/config", "current", "1", NULL), "ide2"), "none,media=cdrom");
    put(VM "/config", "cdrom", "local:iso/a.iso", NULL);
    has_disc("(32768 bytes)");
    cr_assert_eq(unlink(linked), 0);
    cr_assert_eq(symlink(second, linked), 0);
    fails(403, "volume 'local:iso/c.iso' is a link, or lies below one: put the file itself there", "PUT",
          VM "/config", "ide2", "local:iso/c.iso,media=cdrom", NULL);
    has_disc("(32768 bytes)");
    cr_expect_str_eq(end_of("stop"), "OK");
}

/* What was replaced by a link after it was set is not opened. */
DAEMON_TEST(qemu_run, does_not_start_from_a_link_in_the_storage)
{
    autofree char *folder = xasprintf("%s/images/100", daemon_store()),
                  *disk = xasprintf("%s/vm-100-disk-0.raw", folder),
                  *guest = xasprintf("%s/images/guest.raw", daemon_state());
    struct error err;
    cr_assert_eq(file_make_folder(folder, 0755, &err), 0, "%s", err.message);
    cr_assert_eq(file_create(disk, "", 0, 0600, &err), 0, "%s", err.message);
    put(VM "/config", "ide0", "local:100/vm-100-disk-0.raw", NULL);
    cr_assert_eq(unlink(disk), 0);
    cr_assert_eq(symlink(guest, disk), 0);
    const char *end = end_of("start");
    cr_expect_not_null(strstr(end, "Too many levels of symbolic links"), "%s", end);
    cr_assert_eq(unlink(disk), 0);
    cr_assert_eq(link(guest, disk), 0);
    end = end_of("start");
    cr_expect_not_null(strstr(end, "has 2 names (hard links)"), "%s", end);
    is_running(false);
}

DAEMON_TEST(qemu_run, is_suspended_resumed_and_reset)
{
    cr_expect_str_eq(end_of("start"), "OK");
    cr_expect_str_eq(end_of("suspend"), "OK");
    const char *told = json_string_value(post(VM "/monitor", "command", "info status", NULL));
    cr_expect_not_null(strstr(told, "paused"), "%s", told);
    cr_expect_str_eq(end_of("resume"), "OK");
    told = json_string_value(post(VM "/monitor", "command", "info status", NULL));
    cr_expect_not_null(strstr(told, "running"), "%s", told);
    cr_expect_str_eq(end_of("reset"), "OK");
    is_running(true);
    cr_expect_str_eq(end_of("stop"), "OK");
}

/* An empty line is nothing, and what is refused does not end it. */
DAEMON_TEST(qemu_run, is_told_lines_of_its_monitor_until_quit)
{
    cr_expect_str_eq(end_of("start"), "OK");
    shell_start();
    autofree char *printed =
        shell_type("printf ' info status \\n\\ninfo name\\nquit\\nsystem_reset\\n' | hostpci qm monitor 100");
    cr_expect_str_eq(printed, "VM status: running\nvm100\n");
    is_running(true);
    autofree char *one = shell_type("hostpci qm monitor 100 -command 'info status'");
    cr_expect_str_eq(one, "VM status: running\n");
    cr_expect_str_eq(end_of("stop"), "OK");
}

DAEMON_TEST(qemu_run, powers_off_when_it_is_asked_to)
{
    cr_expect_str_eq(end_of("start"), "OK");
    wait_for_guest();
    cr_expect_str_eq(end_of("shutdown"), "OK");
    is_running(false);
    cr_expect_str_eq(end_of("shutdown"), "OK");
}

DAEMON_TEST(qemu_run, that_does_not_power_off_runs_on_unless_forced)
{
    put(VM "/config", "delete", "ide0,boot", NULL);
    cr_expect_str_eq(end_of("start"), "OK");
    cr_expect_str_eq(end_with("shutdown", "timeout", "1"), "VM quit/powerdown failed - got timeout");
    is_running(true);
    cr_expect_str_eq(end_with("reboot", "timeout", "1"), "VM quit/powerdown failed - got timeout");
    is_running(true);
    const char *upid = json_string_value(post(VM "/status/shutdown", "timeout", "1", "forceStop", "1", NULL));
    cr_expect_str_eq(vm_task_end(upid), "OK");
    look();
    is_running(false);
}

/* The guest would never power off, and the shutdown would wait for an hour. */
DAEMON_TEST(qemu_run, a_stop_overrules_a_shutdown_that_waits)
{
    static const char *const overrules[] = {"1", "0"};

    put(VM "/config", "delete", "ide0,boot", NULL);
    for (size_t i = 0; i < COUNT_OF(overrules); i++) {
        cr_expect_str_eq(end_of("start"), "OK");
        autofree char *waits =
            xstrdup(json_string_value(post(VM "/status/shutdown", "timeout", "3600", NULL)));
        cr_expect_str_eq(end_with("stop", "overrule-shutdown", overrules[i]), "OK");
        is_running(false);
        cr_expect_str_eq(vm_task_end(waits), "OK");
    }
}

DAEMON_TEST(qemu_run, reboots_with_what_is_pending_in_a_process_of_its_own)
{
    cr_expect_str_eq(end_of("start"), "OK");
    pid_t first = process;
    wait_for_guest();
    put(VM "/config", "memory", "96", NULL);
    cr_expect_str_eq(text_of(get(VM "/config", "current", "1", NULL), "memory"), "64");
    cr_expect_str_eq(end_of("reboot"), "OK");
    wait_for_other(first);
    cr_expect_str_eq(text_of(get(VM "/config", "current", "1", NULL), "memory"), "96");
    cr_expect(has_row(get("/nodes/" NODE "/tasks", "typefilter", "qmstart", "source", "all", NULL), "user",
                      "root@pam"));
    double end = machine_slept() + SECONDS;
    while (strcmp(text_of(current(), "qmpstatus"), "running") != 0 && machine_slept() < end)
        machine_sleep(50);
    cr_expect_str_eq(end_of("stop"), "OK");
    is_running(false);
}

static void copy_file(const char *from, const char *to)
{
    autofree char *content = NULL;
    struct error err;
    size_t length;

    cr_assert_eq(file_read(from, 1 << 20, &content, &length, &err), 0, "%s: install the package ovmf",
                 err.message);
    cr_assert_eq(file_replace(to, content, length, 0600, &err), 0, "%s", err.message);
}

/* The task of the end of a VM that nobody asked for. */
static const char *wait_for_cleanup(void)
{
    double end = machine_slept() + SECONDS;

    for (;;) {
        const json_t *tasks = get("/nodes/" NODE "/tasks", "typefilter", "qmcleanup", "source", "all", NULL);
        if (json_array_size(tasks) > 0)
            return text_of(json_array_get(tasks, 0), "upid");
        cr_assert_lt(machine_slept(), end, "no task tells of the end");
        machine_sleep(100);
    }
}

DAEMON_TEST(qemu_run, that_is_killed_is_stopped_and_a_task_says_why)
{
    cr_expect_str_eq(end_of("start"), "OK");
    cr_assert_gt(process, 1);
    kill(process, SIGKILL);
    const char *upid = wait_for_cleanup();
    cr_expect_str_eq(vm_task_end(upid), "OK");
    cr_expect(has_row(vm_task_log(upid), "t", "QEMU was killed by signal 9"));
    look();
    is_running(false);
    cr_expect_str_eq(end_of("start"), "OK");
    cr_expect_str_eq(end_of("stop"), "OK");
    cr_expect_eq(
        json_array_size(get("/nodes/" NODE "/tasks", "typefilter", "qmcleanup", "source", "all", NULL)), 1);
}

/* Without a disk for its variables the firmware has a copy of them, which goes with the VM. */
DAEMON_TEST(qemu_run, with_ovmf_starts_with_and_without_a_disk_for_its_variables)
{
    static const char *const types[] = {"efitype=4m", "efitype=4m,pre-enrolled-keys=1"};
    autofree char *vars = xasprintf("%s/images/vars.raw", daemon_state());
    autofree char *copy = xasprintf("%s/vm/100/100-ovmf.fd", daemon_run());

    put(VM "/config", "bios", "ovmf", "machine", "q35", "memory", "256", NULL);
    cr_expect_str_eq(end_of("start"), "WARNINGS: 1");
    is_running(true);
    cr_expect_eq(access(copy, F_OK), 0);
    const char *told = json_string_value(post(VM "/monitor", "command", "info block", NULL));
    cr_expect(strstr(told, "efidisk0") != NULL, "%s", told);
    cr_expect_str_eq(end_of("stop"), "OK");
    cr_expect_neq(access(copy, F_OK), 0);
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        autofree char *value = xasprintf("%s,%s", vars, types[i]);
        copy_file("/usr/share/OVMF/OVMF_VARS_4M.fd", vars);
        put(VM "/config", "efidisk0", value, NULL);
        cr_expect_str_eq(end_of("start"), "OK");
        is_running(true);
        cr_expect_str_eq(end_of("stop"), "OK");
    }
}

/* Which QEMU's user cannot open by itself. */
DAEMON_TEST(qemu_run, with_the_hardware_s_random_numbers_is_handed_them_open)
{
    autoclose int source = open("/dev/hwrng", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (source < 0)
        cr_skip_test("this machine has no /dev/hwrng");
    put(VM "/config", "rng0", "source=/dev/hwrng", NULL);
    cr_expect_str_eq(end_of("start"), "OK");
    is_running(true);
    cr_expect_str_eq(end_of("stop"), "OK");
}

/* A VM that cannot be started is created with a warning. */
DAEMON_TEST(qemu_run, is_started_by_its_creation)
{
    const char *upid = json_string_value(post(QEMU, "vmid", "101", "lock", "backup", "start", "1", NULL));
    cr_expect_str_eq(vm_task_end(upid), "WARNINGS: 1");
    cr_expect(has_row(vm_task_log(upid), "t", "WARN: VM is locked (backup)"));
    upid = json_string_value(
        post(QEMU, "vmid", "102", "kvm", "0", "memory", "64", "vga", "none", "start", "1", NULL));
    cr_expect_str_eq(vm_task_end(upid), "OK");
    cr_expect(has_row(vm_task_log(upid), "t", "Execute autostart"));
    const json_t *started = get(QEMU "/102/status/current", NULL);
    cr_expect_str_eq(text_of(started, "status"), "running");
    process = has(started, "pid") ? (pid_t)number_of(started, "pid") : 0;
    upid = json_string_value(post(QEMU "/102/status/stop", NULL));
    cr_expect_str_eq(vm_task_end(upid), "OK");
    process = 0;
}

/* Up in the order of startup, and down in reverse; VM 101 has no onboot. */
DAEMON_TEST(qemu_run, all_go_up_and_down_in_their_order)
{
    put(VM "/config", "onboot", "1", "startup", "order=1,up=0", NULL);
    vm_create("101", "kvm", "0", "memory", "64", "vga", "none", NULL);
    vm_create("102", "kvm", "0", "onboot", "1", "startup", "order=0,up=0", "hostpci0", "ff:1f.7", NULL);
    const char *upid = json_string_value(post("/nodes/" NODE "/startall", NULL));
    cr_expect_str_eq(vm_task_end(upid), "WARNINGS: 1");
    look();
    const json_t *log = vm_task_log(upid);
    cr_expect_str_eq(text_of(json_array_get(log, 0), "t"), "Starting VM 102");
    cr_expect_str_eq(text_of(json_array_get(log, 1), "t"),
                     "WARN: Starting VM 102 failed: no PCI device found for '0000:ff:1f.7'");
    cr_expect_str_eq(text_of(json_array_get(log, 2), "t"), "Starting VM 100");
    is_running(true);
    cr_expect_str_eq(text_of(get(QEMU "/101/status/current", NULL), "status"), "stopped");
    wait_for_guest();
    upid = json_string_value(post("/nodes/" NODE "/stopall", "timeout", "30", NULL));
    cr_expect_str_eq(vm_task_end(upid), "OK");
    look();
    cr_expect_str_eq(text_of(json_array_get(vm_task_log(upid), 0), "t"),
                     "Stopping VM 100 (timeout = 30 seconds)");
    is_running(false);
}
