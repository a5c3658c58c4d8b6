/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs that get devices of the lab's machine, from the API's start to their stop: tests/lab/topology/default
 * after tests/lab/setup-default. Their QEMU runs inside that machine. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/guest.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/lab/running.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define CARD      "0000:03:00.0"
#define FIRST     "0000:02:00.0" /* two functions of one card, in one group */
#define SECOND    "0000:02:00.1"
#define CARD_ID   0x10d3 /* of an e1000e */
#define ROOT      0
#define LOCK      "1140850688" /* the guest's 64 MiB and 1 GiB */
#define FIRST_UID 1900000000u

TestSuite(lab_vm, .init = lab_start, .timeout = 600);
TestSuite(lab_vm_plug, .init = lab_start, .timeout = 600);

static void create(const char *hostpci0)
{
    vm_create("100", "kvm", "0", "memory", "64", "vga", "none", "cpu", "qemu64", "hostpci0", hostpci0, NULL);
}

static void ends(const char *verb, const char *end)
{
    autofree char *path = xasprintf(QEMU "/100/status/%s", verb);
    autofree char *upid = xstrdup(json_string_value(post(path, NULL, NULL)));
    const char *found = vm_task_end(upid);
    autofree char *log = json_dumps(vm_task_log(upid), JSON_COMPACT);

    cr_assert_str_eq(found, end, "%s: %s", found, log);
}

static uid_t owner_of_group(const char *id)
{
    autofree char *link = xasprintf("/sys/bus/pci/devices/%s/iommu_group", id);
    char target[256] = "";
    struct stat node = {0};

    cr_assert_gt(readlink(link, target, sizeof(target) - 1), 0);
    autofree char *path = xasprintf("/dev/vfio%s", strrchr(target, '/'));
    cr_assert_eq(stat(path, &node), 0, "%s", path);
    return node.st_uid;
}

static void may_lock(pid_t pid, const char *bytes)
{
    autofree char *path = xasprintf("/proc/%d/limits", (int)pid), *text = NULL;
    struct error err;

    cr_assert_eq(file_read(path, 65536, &text, NULL, &err), 0, "%s", err.message);
    const char *line = strstr(text, "Max locked memory");
    cr_assert_not_null(line);
    line += strlen("Max locked memory");
    line += strspn(line, " ");
    cr_assert_eq(strncmp(line, bytes, strlen(bytes)), 0, "%.60s", line);
}

/* Who takes the card from the VM is told who has it. */
static void names_qemu(const char *id)
{
    autofree char *pid = xasprintf("(pid %d)", (int)running_pid());

    MOVE_FAILS(pid, id, "auto");
}

LAB_TEST(lab_vm, gets_a_card_and_its_stop_gives_it_back)
{
    create(CARD ",reattach=1");
    ends("start", "OK");
    cr_assert_str_eq(machine_driver(CARD), "vfio-pci");
    cr_assert_eq(running_count(CARD_ID), 1);
    cr_assert_geq(owner_of_group(CARD), FIRST_UID);
    may_lock(running_pid(), LOCK);
    names_qemu(CARD);
    ends("stop", "OK");
    running_ends();
    cr_assert_str_eq(machine_driver(CARD), "e1000e");
    cr_assert_str_eq(machine_override(CARD), "");
}

LAB_TEST(lab_vm, that_is_killed_gives_its_card_back)
{
    create(CARD ",reattach=1");
    ends("start", "OK");
    cr_assert_eq(kill(running_pid(), SIGKILL), 0);
    running_ends();
    machine_wait_driver(CARD, "e1000e");
    lab_broker_becomes_idle();
    ends("start", "OK");
    ends("stop", "OK");
    running_ends();
}

static pid_t supervisor_of_vm(void)
{
    autofree char *path = xasprintf("%s/vm/100/pid", daemon_run());
    autojson json_t *file = json_load_file(path, 0, NULL);

    return (pid_t)json_integer_value(json_object_get(file, "supervisor"));
}

/* With its supervisor QEMU dies, and nobody is left who would make the group's node root's again. */
LAB_TEST(lab_vm, whose_supervisor_is_killed_leaves_no_node_to_its_user)
{
    create(CARD);
    ends("start", "OK");
    cr_assert_geq(owner_of_group(CARD), FIRST_UID);
    pid_t supervisor = supervisor_of_vm();
    cr_assert_gt(supervisor, 1);
    cr_assert_eq(kill(supervisor, SIGKILL), 0);
    running_ends();
    cr_assert_eq(owner_of_group(CARD), ROOT);
    ends("start", "OK");
    ends("stop", "OK");
    running_ends();
    MOVE(CARD, "restore");
}

LAB_TEST(lab_vm, leaves_a_card_that_is_not_to_be_reattached_with_vfio)
{
    create(CARD);
    ends("start", "OK");
    ends("stop", "OK");
    running_ends();
    cr_assert_str_eq(machine_driver(CARD), "vfio-pci");
    cr_assert_eq(owner_of_group(CARD), ROOT);
    put(QEMU "/100/config", "hostpci0", CARD ",driver=keep", NULL);
    ends("start", "OK");
    cr_assert_eq(running_count(CARD_ID), 1);
    ends("stop", "OK");
    running_ends();
    MOVE(CARD, "restore");
    cr_assert_str_eq(machine_driver(CARD), "e1000e");
}

LAB_TEST(lab_vm, gets_all_functions_of_a_card)
{
    create("0000:02:00,reattach=1");
    ends("start", "OK");
    cr_assert_eq(running_count(CARD_ID), 2);
    ends("stop", "OK");
    running_ends();
    cr_assert_str_eq(machine_driver(FIRST), "e1000e");
    cr_assert_str_eq(machine_driver(SECOND), "e1000e");
}

/* QEMU refuses its arguments after everything was taken. */
LAB_TEST(lab_vm, that_does_not_start_has_its_card_given_back)
{
    create(CARD);
    put(QEMU "/100/config", "args", "-device nothing-like-that", NULL);
    ends("start", "start failed: QEMU exited with code 1");
    running_ends();
    cr_assert_str_eq(machine_driver(CARD), "e1000e");
    cr_assert_str_eq(machine_override(CARD), "");
}

#define CONFIG QEMU "/100/config"

/* A file that only root can read, and no ROM for this card, which QEMU does not look at. */
LAB_TEST(lab_vm, gets_a_romfile_that_is_roots_alone)
{
    RUN("sh", "-c",
        "mkdir -p /usr/share/kvm && cd /usr/share/kvm && umask 077 && head -c 65536 /dev/zero >card.rom");
    create(CARD ",reattach=1,romfile=card.rom");
    ends("start", "OK");
    cr_assert_eq(running_count(CARD_ID), 1);
    ends("stop", "OK");
    running_ends();
}

static unsigned long long free_pages(void)
{
    autofree char *text = NULL;
    struct error err;

    cr_assert_eq(file_read("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", 64, &text, NULL, &err),
                 0, "%s", err.message);
    return strtoull(text, NULL, 10);
}

LAB_TEST(lab_vm, whose_memory_is_huge_pages_gives_them_back)
{
    machine_write("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "40");
    cr_assert_eq(free_pages(), 40);
    create(CARD ",reattach=1");
    put(CONFIG, "numa", "1", "hugepages", "2", NULL);
    ends("start", "OK");
    cr_assert_eq(free_pages(), 8);
    cr_assert_eq(running_count(CARD_ID), 1);
    ends("stop", "OK");
    running_ends();
    cr_assert_eq(free_pages(), 40);
}

/* A VM that is started with pci in `hotplug`, and a guest that gives up what it is asked for. */
static void start_obliging(const char *machine)
{
    guest_create(&guest_of_eject);
    autofree char *disk = xasprintf("%s/images/guest.raw,cache=writeback", daemon_state());
    put(CONFIG, "ide0", disk, "hotplug", "pci", "cpu", "qemu64", "machine", machine, NULL);
    ends("start", "OK");
}

static const json_t *current(void)
{
    return get(CONFIG, "current", "1", NULL);
}

/* A change that does not come about stays pending, and says why. */
static void stays_pending(const char *body, const char *reason)
{
    const struct reply *reply = CALL(.method = "PUT", .path = CONFIG, .body = body);

    cr_assert_eq(reply->status, 400, "%s", reply->body);
    cr_assert_not_null(strstr(reply->body, "hotplug problem - "), "%s", reply->body);
    cr_assert_not_null(strstr(reply->body, reason), "%s", reply->body);
}

LAB_TEST(lab_vm_plug, card_comes_and_goes_while_the_vm_runs)
{
    start_obliging("pc");
    pid_t pid = running_pid();
    for (unsigned i = 0; i < 2; i++) {
        put(CONFIG, "hostpci0", CARD ",reattach=1", NULL);
        cr_assert_str_eq(text_of(current(), "hostpci0"), CARD ",reattach=1");
        cr_assert_str_eq(machine_driver(CARD), "vfio-pci");
        cr_assert_eq(running_count(CARD_ID), 1);
        cr_assert_geq(owner_of_group(CARD), FIRST_UID);
        may_lock(pid, LOCK);
        names_qemu(CARD);
        put(CONFIG, "delete", "hostpci0", NULL);
        cr_assert_not(has(current(), "hostpci0"));
        cr_assert_eq(running_count(CARD_ID), 0);
        cr_assert_str_eq(machine_driver(CARD), "e1000e");
        lab_broker_becomes_idle();
    }
    cr_assert_eq(running_pid(), pid, "it ran all the time");
    ends("stop", "OK");
    running_ends();
}

LAB_TEST(lab_vm_plug, card_of_two_functions_is_given_back_after_a_kill)
{
    start_obliging("pc");
    put(CONFIG, "hostpci0", "0000:02:00,reattach=1", "hostpci1", CARD, NULL);
    cr_assert_eq(running_count(CARD_ID), 3);
    put(CONFIG, "delete", "hostpci1", NULL);
    cr_assert_eq(running_count(CARD_ID), 2);
    cr_assert_str_eq(machine_driver(CARD), "vfio-pci");
    cr_assert_eq(owner_of_group(CARD), ROOT);
    cr_assert_geq(owner_of_group(FIRST), FIRST_UID);
    cr_assert_eq(kill(running_pid(), SIGKILL), 0);
    running_ends();
    machine_wait_driver(FIRST, "e1000e");
    machine_wait_driver(SECOND, "e1000e");
    MOVE(CARD, "restore");
}

LAB_TEST(lab_vm_plug, what_qemu_refuses_is_undone)
{
    start_obliging("pc");
    stays_pending("hostpci0=" CARD ",romfile%3Dnone-such.rom", "romfile");
    cr_assert_not(has(current(), "hostpci0"));
    cr_assert_str_eq(machine_driver(CARD), "e1000e");
    lab_broker_becomes_idle();
    ends("stop", "OK");
    running_ends();
}

/* The card stays where it is, and goes back at the end. */
LAB_TEST(lab_vm_plug, guest_that_does_not_answer_keeps_its_card)
{
    vm_create("100", "kvm", "0", "memory", "64", "vga", "none", "cpu", "qemu64", "hotplug", "pci", "hostpci0",
              CARD ",reattach=1", NULL);
    ends("start", "OK");
    stays_pending("delete=hostpci0", "the guest has not given up hostpci0");
    cr_assert_str_eq(text_of(current(), "hostpci0"), CARD ",reattach=1");
    cr_assert_eq(number_of(row(get(QEMU "/100/pending", NULL), "key", "hostpci0"), "delete"), 1);
    cr_assert_eq(running_count(CARD_ID), 1);
    ends("stop", "OK");
    running_ends();
    cr_assert_str_eq(machine_driver(CARD), "e1000e");
}

/* How many functions of the host QEMU has; below a port its buses show them when the firmware has numbered
 * them. */
static unsigned count_in_qemu(void)
{
    autojson json_t *list = running_ask("qom-list", json_pack("{s:s}", "path", "/machine/peripheral"));
    unsigned count = 0;
    const json_t *row;
    size_t i;

    json_array_foreach(list, i, row)
        count += strncmp(json_text(row, "name"), "hostpci", 7) == 0;
    return count;
}

/* Of the ports that a VM without pci in `hotplug` would not have, and of those that it has; with and without
 * a change of driver. */
LAB_TEST(lab_vm_plug, cards_come_to_ports_of_q35_and_go)
{
    MOVE(CARD, "vfio-pci");
    start_obliging("q35");
    put(CONFIG, "hostpci0", CARD ",pcie=1,driver=keep", "hostpci9", "0000:02:00,pcie=1,reattach=1", NULL);
    cr_assert_eq(count_in_qemu(), 3);
    put(CONFIG, "delete", "hostpci0", NULL);
    cr_assert_eq(count_in_qemu(), 2);
    cr_assert_str_eq(machine_driver(CARD), "vfio-pci");
    put(CONFIG, "delete", "hostpci9", NULL);
    cr_assert_eq(count_in_qemu(), 0);
    cr_assert_str_eq(machine_driver(FIRST), "e1000e");
    ends("stop", "OK");
    running_ends();
    MOVE(CARD, "restore");
}

/* A copy of the descriptor by which QEMU has a card, in a process that ends with QEMU: as a QEMU that says
 * that it has given the card up, and has not. */
static void keep_open(pid_t qemu)
{
    autofree char *folder = xasprintf("/proc/%d/fd", (int)qemu);
    DIR *files = opendir(folder);
    const struct dirent *entry;
    int found = -1;

    cr_assert_not_null(files);
    while ((entry = readdir(files)) != NULL) {
        autofree char *path = xasprintf("%s/%s", folder, entry->d_name);
        char target[64] = "";
        if (readlink(path, target, sizeof(target) - 1) > 0 && strstr(target, "vfio-device") != NULL)
            found = (int)strtol(entry->d_name, NULL, 10);
    }
    closedir(files);
    int process = (int)syscall(SYS_pidfd_open, qemu, 0);
    cr_assert(found >= 0 && process >= 0);
    int copy = (int)syscall(SYS_pidfd_getfd, process, found, 0);
    cr_assert_geq(copy, 0);
    if (fork() == 0) {
        poll(&(struct pollfd){.fd = process, .events = POLLIN}, 1, -1);
        _exit(0);
    }
    close(copy);
    close(process);
}

/* The kernel would wait for QEMU's end. */
LAB_TEST(lab_vm_plug, card_that_qemu_keeps_open_goes_back_with_its_end)
{
    start_obliging("pc");
    put(CONFIG, "hostpci0", CARD ",reattach=1", NULL);
    keep_open(running_pid());
    stays_pending("delete=hostpci0", "still has '/dev/vfio/");
    cr_assert_eq(running_count(CARD_ID), 0);
    cr_assert_str_eq(machine_driver(CARD), "vfio-pci");
    put(CONFIG, "hostpci1", "0000:02:00,reattach=1", NULL);
    put(CONFIG, "delete", "hostpci1", NULL);
    ends("stop", "OK");
    running_ends();
    cr_assert_str_eq(machine_driver(CARD), "e1000e");
    cr_assert_str_eq(machine_override(CARD), "");
}

/* Its request is lost with it, the broker goes on, and who asks again gets what was asked for. */
LAB_TEST(lab_vm_plug, daemon_that_is_killed_meanwhile_can_be_asked_again)
{
    start_obliging("pc");
    lab_broker_end();
    lab_broker_start(6);
    autofree char *upid = xstrdup(json_string_value(post(CONFIG, "hostpci0", CARD ",reattach=1", NULL)));
    cr_assert(lab_broker_stops(upid));
    daemon_kill();
    lab_broker_continue();
    daemon_start_again();
    lab_broker_becomes_idle();
    put(CONFIG, "hostpci0", CARD ",reattach=1", NULL);
    cr_assert_str_eq(text_of(current(), "hostpci0"), CARD ",reattach=1");
    cr_assert_eq(running_count(CARD_ID), 1);
    put(CONFIG, "delete", "hostpci0", NULL);
    cr_assert_str_eq(machine_driver(CARD), "e1000e");
    ends("stop", "OK");
    running_ends();
}
