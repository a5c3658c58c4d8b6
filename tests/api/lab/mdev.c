/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mediated devices of a real kernel: tests/lab/topology/mdev after tests/lab/setup-mdev. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/guest.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define PCI    "/nodes/" NODE "/hardware/pci"
#define MDEV   "/nodes/" NODE "/hardware/mdev"

#define PARENT "0000:00:02.0"
#define CARD   "0000:01:00.0"
#define SMALL  "lab_mdev-small" /* of eight parts it takes one */
#define LARGE  "lab_mdev-large" /* four */
#define UUID   "11111111-2222-3333-4444-555555555555"
#define OTHER  "11111111-2222-3333-4444-666666666666"
static const char definition_file[] = "/etc/mdevctl.d/" PARENT "/" UUID;

TestSuite(lab_mdev, .init = lab_start, .timeout = 600);

/* `uuid` and `persistent` may be NULL. */
static char *begin(const char *type, const char *uuid, const char *persistent)
{
    static const char path[] = PCI "/" PARENT "/mdev";

    return xstrdup(json_string_value(
        uuid == NULL         ? post(path, "type", type, NULL)
        : persistent == NULL ? post(path, "type", type, "uuid", uuid, NULL)
                             : post(path, "type", type, "uuid", uuid, "persistent", persistent, NULL)));
}

static void create(const char *type, const char *uuid, const char *persistent)
{
    autofree char *upid = begin(type, uuid, persistent);

    task_succeeds(upid);
}

static void create_fails(const char *text, const char *type, const char *uuid)
{
    autofree char *upid = begin(type, uuid, NULL);

    task_fails(upid, text);
}

static char *begin_delete(const char *uuid)
{
    autofree char *path = xasprintf(MDEV "/%s", uuid);

    return xstrdup(json_string_value(delete (path, NULL)));
}

static void remove_all(void)
{
    autojson json_t *list = json_incref(get(MDEV, NULL));
    const json_t *mdev;
    size_t i;

    json_array_foreach(list, i, mdev) {
        autofree char *upid = begin_delete(text_of(mdev, "uuid"));
        task_succeeds(upid);
    }
    is_json(get(MDEV, NULL), "[]");
}

static long long left_of(const char *type)
{
    return number_of(row(get(PCI "/" PARENT "/mdev", NULL), "type", type), "available");
}

/* The kernel's own folder of it. */
static bool exists(const char *uuid)
{
    autofree char *path = xasprintf("/sys/bus/mdev/devices/%s", uuid);

    return access(path, F_OK) == 0;
}

LAB_TEST(lab_mdev, types_are_those_of_the_driver)
{
    is_json(get(PCI "/" PARENT "/mdev", NULL),
            "[{'type':'" LARGE "','name':'Large part','available':2,'description':'parts: 4 of 8'},"
            "{'type':'" SMALL "','name':'Small part','available':8,'description':'parts: 1 of 8'}]");
    is_json(get(PCI "/" CARD "/mdev", NULL), "[]");
    cr_expect_eq(number_of(row(get(PCI, "pci-class-blacklist", "", NULL), "id", PARENT), "mdev"), 1);
}

LAB_TEST(lab_mdev, is_created_once_and_keeps_its_type)
{
    create(SMALL, UUID, NULL);
    cr_expect(exists(UUID));
    is_json(get(MDEV, NULL), "[{'id':'" UUID "','uuid':'" UUID "','parent':'" PARENT "','type':'" SMALL "',"
                             "'state':'active'}]");
    cr_expect_eq(left_of(SMALL), 7);
    cr_expect_eq(left_of(LARGE), 1);
    create(SMALL, UUID, NULL);
    cr_expect_eq(left_of(SMALL), 7, "it is the same");
    create_fails("exists already, of type '" SMALL "'", LARGE, UUID);
    cr_expect_eq(left_of(SMALL), 7);
    remove_all();
    cr_expect_not(exists(UUID));
    cr_expect_eq(left_of(SMALL), 8);
    fails(500, "no mediated device '" UUID "' exists, and none is kept in /etc/mdevctl.d", "DELETE",
          MDEV "/" UUID, NULL);
}

LAB_TEST(lab_mdev, without_a_uuid_gets_one_of_its_own)
{
    create(LARGE, NULL, NULL);
    create(LARGE, NULL, NULL);
    const json_t *list = get(MDEV, NULL);
    cr_assert_eq(json_array_size(list), 2);
    cr_expect(exists(text_of(json_array_get(list, 0), "uuid")));
    cr_expect(exists(text_of(json_array_get(list, 1), "uuid")));
    create_fails("has no instance of '" LARGE "' left", LARGE, NULL);
    create_fails("has no instance of '" SMALL "' left", SMALL, UUID);
    cr_expect_not(exists(UUID));
    remove_all();
}

/* /dev/vfio/GROUP */
static char *group_file(const char *uuid)
{
    autofree char *link = xasprintf("/sys/bus/mdev/devices/%s/iommu_group", uuid);
    char target[256] = "";

    cr_assert_gt(readlink(link, target, sizeof(target) - 1), 0, "%s", link);
    return xasprintf("/dev/vfio%s", strrchr(target, '/'));
}

LAB_TEST(lab_mdev, that_a_process_has_open_is_not_removed)
{
    create(SMALL, UUID, NULL);
    create(SMALL, OTHER, NULL);
    autofree char *file = group_file(UUID), *pid = xasprintf("%d", (int)getpid());
    int fd = open(file, O_RDWR | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s", file);
    const json_t *mdev = row(get(MDEV, NULL), "id", UUID);
    contains(text_of(mdev, "holder"), pid);
    cr_expect_not(has(row(get(MDEV, NULL), "id", OTHER), "holder"));
    autofree char *upid = begin_delete(UUID);
    task_fails(upid, "what is in use is not removed");
    autofree char *log = task_text(upid);
    contains(log, pid);
    cr_expect(exists(UUID));
    MOVE_FAILS(pid, PARENT, "none"); /* that would remove it */
    cr_expect(exists(UUID));
    autofree char *other = begin_delete(OTHER);
    task_succeeds(other);
    close(fd);
    remove_all();
}

/* Unbinding the driver removes the mediated devices; they come again with it. */
LAB_TEST(lab_mdev, that_is_kept_comes_again_with_the_driver)
{
    double end;

    create(LARGE, UUID, "1");
    cr_expect_eq(access(definition_file, F_OK), 0);
    RUN("grep", "-q", LARGE, definition_file);
    cr_expect_eq(number_of(row(get(MDEV, NULL), "id", UUID), "persistent"), 1);
    create(SMALL, OTHER, NULL);

    MOVE(PARENT, "none");
    cr_expect_not(exists(UUID));
    is_json(get(MDEV, NULL), "[{'id':'" UUID "','uuid':'" UUID "','parent':'" PARENT "','type':'" LARGE "',"
                             "'state':'defined','persistent':1}]");
    MOVE(PARENT, "restore");
    end = machine_slept() + 60;
    while (!exists(UUID)) {
        cr_assert_lt(machine_slept(), end, "it does not come again");
        machine_sleep(200);
    }
    cr_expect_not(exists(OTHER), "it is not kept");
    create(LARGE, UUID, "0");
    cr_expect_neq(access(definition_file, F_OK), 0);
    remove_all();
}

static void vm_does(const char *verb)
{
    autofree char *path = xasprintf(QEMU "/100/status/%s", verb);
    autofree char *upid = xstrdup(json_string_value(post(path, NULL, NULL)));
    const char *end = vm_task_end(upid);
    autofree char *log = json_dumps(vm_task_log(upid), JSON_COMPACT);

    cr_assert_str_eq(end, "OK", "%s: %s", verb, log);
}

/* It is made for a hostpciN that the VM is started with, or gets later, and removed with that. */
LAB_TEST(lab_mdev, comes_to_a_vm_with_its_start_or_while_it_runs)
{
    static const char value[] = PARENT ",mdev=" SMALL;
    long long left = left_of(SMALL);

    guest_create(&guest_of_eject);
    autofree char *disk = xasprintf("%s/images/guest.raw,cache=writeback", daemon_state());
    put(QEMU "/100/config", "ide0", disk, "hotplug", "pci", "cpu", "qemu64", "hostpci0", value, NULL);
    vm_does("start");
    cr_assert_eq(left_of(SMALL), left - 1);
    put(QEMU "/100/config", "hostpci1", value, NULL);
    cr_assert_eq(left_of(SMALL), left - 2);
    put(QEMU "/100/config", "delete", "hostpci0", NULL);
    cr_assert_eq(left_of(SMALL), left - 1);
    vm_does("stop");
    lab_broker_becomes_idle();
    cr_assert_eq(left_of(SMALL), left);
    is_json(get(MDEV, NULL), "[]");
}
