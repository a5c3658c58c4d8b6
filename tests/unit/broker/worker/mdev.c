/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations mdev-create and mdev-remove: mediated devices, the files that keep them, and vGPUs. */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/unit/broker/client.h"
#include "tests/unit/hardware/use/fixture.h"

#define TYPE             "nouveau-small"
#define LARGE            "nouveau-large"
#define UUID             "11111111-2222-3333-4444-555555555555"
#define OTHER            "66666666-7777-8888-9999-aaaaaaaaaaaa"
#define FILES            "etc/mdevctl.d/" SCREEN

#define CREATE           "{'id': '" SCREEN "', 'type': '" TYPE "', 'uuid': '" UUID "'}"
#define CREATE_FOREVER   "{'id': '" SCREEN "', 'type': '" TYPE "', 'uuid': '" UUID "', 'persistent': 1}"
#define REMOVE           "{'id': '" SCREEN "', 'uuid': '" UUID "'}"

#define VGPU             "0000:06:00.1" /* two functions of one card */
#define SIBLING          "0000:06:00.2"
#define BECOME(id, type) "{'id': '" id "', 'type': '" type "'}"

static void make(struct testbed *testbed)
{
    testbed_make_host(testbed);
    kernel_add_mdev_type(SCREEN, TYPE, 2);
    kernel_add_mdev_type(SCREEN, LARGE, 1);
    testbed_start_broker(testbed);
}

static void add_vgpu(const struct testbed *testbed, const char *id)
{
    autofree char *link = xasprintf("sys/bus/pci/devices/%s/physfn", id);
    autofree char *vendor = xasprintf("sys/bus/pci/devices/%s/vendor", id);
    autofree char *device = xasprintf("sys/bus/pci/devices/%s/device", id);

    tree_add_function(&testbed->tree, id, "nvidia", "30200", "10DE:26B9", "10DE:1851");
    tree_link(&testbed->tree, link, "../0000:06:00.0");
    tree_write(&testbed->tree, vendor, "0x10de\n");
    tree_write(&testbed->tree, device, "0x26b9\n");
    kernel_add_vgpu(id);
}

static void make_card(struct testbed *testbed)
{
    testbed_make_host(testbed);
    tree_add_function(&testbed->tree, "0000:06:00.0", "nvidia", "30200", "10DE:26B9", "10DE:1851");
    add_vgpu(testbed, VGPU);
    add_vgpu(testbed, SIBLING);
    testbed_start_broker(testbed);
}

/* NULL: there is none. To be freed. */
static char *read_file(const struct testbed *testbed, const char *uuid)
{
    autofree char *path = xasprintf("%s/" FILES "/%s", testbed->tree.path, uuid);
    char *text = NULL;
    struct error err;

    return file_read(path, 65536, &text, NULL, &err) == 0 ? text : NULL;
}

static void expect_file(const struct testbed *testbed, const char *uuid, const char *text)
{
    autofree char *found = read_file(testbed, uuid);

    if (text == NULL)
        cr_expect_null(found, "%s", found);
    else
        cr_expect(found != NULL && strcmp(found, text) == 0, "'%s', not '%s'", found, text);
}

#define KEPT(start) "{\n  \"mdev_type\": \"" TYPE "\",\n  \"start\": \"" start "\",\n  \"attrs\": []\n}\n"

Test(mdev_change, creates_and_removes)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "mdev-create", CREATE,
               "{'parent': '" SCREEN "', 'type': '" TYPE "', 'uuid': '" UUID "', 'created': true}");
    cr_expect_str_eq(kernel_mdev(UUID), TYPE);
    cr_expect_eq(kernel_mdevs_left(SCREEN, TYPE), 1);
    expect_log(&testbed, "the mediated device " UUID " was created, of type " TYPE);
    expect_file(&testbed, UUID, NULL);
    testbed_do(&testbed, "mdev-remove", REMOVE, "{'parent': '" SCREEN "', 'type': '" TYPE "'}");
    cr_expect_str_empty(kernel_mdev(UUID));
    cr_expect_eq(kernel_mdevs_left(SCREEN, TYPE), 2);
    testbed_fail(&testbed, "mdev-remove", REMOVE, SCREEN " has no mediated device '" UUID "'");
    expect_nothing_open(&testbed);
}

Test(mdev_change, makes_a_uuid_if_none_is_given_and_takes_upper_case)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    autojson json_t *made = testbed_ask(&testbed, "mdev-create", "{'id': '" SCREEN "', 'type': '" TYPE "'}");
    const char *uuid = json_string_value(json_object_get(made, "uuid"));
    cr_assert_eq(strlen(uuid), 36);
    cr_expect_str_eq(kernel_mdev(uuid), TYPE);
    json_decref(testbed_ask(&testbed, "mdev-create",
                            "{'id': '" SCREEN "', 'type': '" TYPE
                            "', 'uuid': '66666666-7777-8888-9999-AAAAAAAAAAAA'}"));
    cr_expect_str_eq(kernel_mdev(OTHER), TYPE);
    expect_nothing_open(&testbed);
}

Test(mdev_change, finds_what_was_asked_for_there_already)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    json_decref(testbed_ask(&testbed, "mdev-create", CREATE));
    testbed_do(&testbed, "mdev-create", CREATE,
               "{'parent': '" SCREEN "', 'type': '" TYPE "', 'uuid': '" UUID "', 'created': false}");
    expect_log(&testbed, "the mediated device " UUID " exists already, of type " TYPE);
    cr_expect_eq(kernel_mdevs_left(SCREEN, TYPE), 1);
}

Test(mdev_change, refuses_another_one_of_the_same_uuid_and_names_both)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    kernel_add_mdev_type(NETWORK, TYPE, 1);
    json_decref(testbed_ask(&testbed, "mdev-create", CREATE));
    testbed_fail(&testbed, "mdev-create", "{'id': '" SCREEN "', 'type': '" LARGE "', 'uuid': '" UUID "'}",
                 "the mediated device '" UUID "' exists already, of type '" TYPE "' at '" SCREEN
                 "', and not of '" LARGE "' at '" SCREEN "': remove it first, or choose another UUID");
    testbed_fail(&testbed, "mdev-create", "{'id': '" NETWORK "', 'type': '" TYPE "', 'uuid': '" UUID "'}",
                 "of type '" TYPE "' at '" SCREEN "', and not of '" TYPE "' at '" NETWORK "'");
    testbed_fail(&testbed, "mdev-remove", "{'id': '" NETWORK "', 'uuid': '" UUID "'}",
                 "has no mediated device");
    expect_nothing_open(&testbed);
}

Test(mdev_change, refuses_types_that_there_are_not_and_those_of_which_none_is_left)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_fail(&testbed, "mdev-create", BECOME(SCREEN, "no-such"),
                 SCREEN " has no type 'no-such' of mediated devices; it has " LARGE ", " TYPE);
    testbed_fail(&testbed, "mdev-create", BECOME(DISK, TYPE), DISK " cannot create mediated devices");
    testbed_fail(&testbed, "mdev-create", BECOME(SCREEN, "../x"), "type: invalid format");
    testbed_fail(&testbed, "mdev-create", "{'id': '" SCREEN "', 'type': '" TYPE "', 'uuid': '1234'}",
                 "uuid: invalid format");
    json_decref(testbed_ask(&testbed, "mdev-create", BECOME(SCREEN, LARGE)));
    testbed_fail(&testbed, "mdev-create", BECOME(SCREEN, LARGE),
                 SCREEN " has no instance of '" LARGE "' left: remove a mediated device of it (hostpci get "
                        "/nodes/localhost/hardware/mdev lists them), or choose a type that is left: " TYPE
                        " (2 left)");
    expect_nothing_open(&testbed);
}

/* Each errno of the kernel has a remedy of its own, and leaves nothing behind. */
Test(mdev_change, says_what_the_kernels_errors_mean)
{
    static const struct {
        int error;
        const char *text;
    } rows[] = {
        {EEXIST, "(EEXIST): somebody else made a mediated device of this UUID"},
        {EINVAL, "(EINVAL): the kernel does not take the UUID"},
        {ENODEV, "(ENODEV): the parent's driver is being unloaded"},
        {EUSERS, "(EUSERS): no instance of this type is left"},
        {ENOSPC, "(ENOSPC): the parent has no room left"},
        {ENOMEM, "(ENOMEM): the host or the device has too little memory"},
        {EIO, "(EIO): the parent's driver failed"},
        {EBUSY, "(EBUSY): the parent's driver is busy"},
        {EOPNOTSUPP, "(EOPNOTSUPP): the parent's driver cannot create this type"},
    };
    autotestbed struct testbed testbed;

    make(&testbed);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        kernel_set_fault(&(struct kernel_fault){.access = SYSFS_WRITE,
                                                .path = "create",
                                                .first = 1,
                                                .error = rows[i].error,
                                                .after = i % 2 == 1});
        testbed_fail(&testbed, "mdev-create", CREATE, rows[i].text);
        cr_expect_str_empty(kernel_mdev(UUID));
        cr_expect_eq(kernel_mdevs_left(SCREEN, TYPE), 2);
    }
    expect_nothing_open(&testbed);
}

/* As with kernels before 5.16 without the module vfio_mdev. */
Test(mdev_change, removes_again_what_no_vm_could_have)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    kernel_set_fault(&(struct kernel_fault){
        .access = SYSFS_LINK, .path = "iommu_group", .first = 1, .last = 9, .error = ENOENT});
    testbed_fail(&testbed, "mdev-create", CREATE,
                 "type `modprobe vfio_mdev`, then try again; " SCREEN
                 " is back without the mediated device " UUID);
    cr_expect_str_empty(kernel_mdev(UUID));
    expect_nothing_open(&testbed);
}

Test(mdev_change, does_not_remove_what_is_in_use)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    json_decref(testbed_ask(&testbed, "mdev-create", CREATE));
    host_open(&testbed.tree, 50, "qemu-system-x86\n", "/dev/vfio/500");
    testbed_fail(
        &testbed, "mdev-remove", REMOVE,
        "what is in use is not removed: " SCREEN ": mediated device " UUID
        " is given to qemu-system-x86 (pid 50) (/proc/50/fd: /dev/vfio/500): stop the virtual machine");
    testbed_do(&testbed, "describe-mdev", "{}", "{'holders': {'" UUID "': 'qemu-system-x86 (pid 50)'}}");
    cr_expect_str_eq(kernel_mdev(UUID), TYPE);
    expect_nothing_open(&testbed);
}

/* The kernel waits for as long as somebody has it; others go on meanwhile. */
Test(mdev_change, waits_alone_for_a_kernel_that_does_not_return)
{
    autotestbed struct testbed testbed;
    struct error err = {.message = ""};

    make(&testbed);
    json_decref(testbed_ask(&testbed, "mdev-create", CREATE));
    kernel_set_fault(&(struct kernel_fault){
        .access = SYSFS_WRITE, .path = "/remove", .first = 1, .until = testbed_until(&testbed)});
    struct testbed_call *call = testbed_begin(&testbed, "mdev-remove", REMOVE);
    cr_assert(testbed_wait_for_hang(call));
    testbed_fail(&testbed, "mdev-create", BECOME(SCREEN, TYPE), "is being changed by another operation");
    json_decref(testbed_ask(&testbed, "driver", "{'id': '" DISK "', 'driver': 'vfio-pci'}"));
    testbed_let_go(&testbed);
    autojson json_t *result = testbed_end(call, &err);
    cr_assert_not_null(result, "%s", err.message);
    cr_expect_str_empty(kernel_mdev(UUID));
    expect_nothing_open(&testbed);
}

Test(mdev_change, keeps_in_mdevctls_file)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    json_decref(testbed_ask(&testbed, "mdev-create", CREATE));
    json_decref(testbed_ask(&testbed, "mdev-create", CREATE_FOREVER));
    expect_file(&testbed, UUID, KEPT("auto"));
    json_decref(testbed_ask(&testbed, "mdev-remove", "{'id': '" SCREEN "', 'uuid': '" UUID "', 'keep': 1}"));
    expect_file(&testbed, UUID, KEPT("auto"));
    cr_expect_str_empty(kernel_mdev(UUID));
    testbed_fail(&testbed, "mdev-create", "{'id': '" SCREEN "', 'type': '" LARGE "', 'uuid': '" UUID "'}",
                 "is kept with type '" TYPE "' in /" FILES "/" UUID ", and not with '" LARGE "'");
    json_decref(testbed_ask(&testbed, "mdev-create", CREATE));
    expect_file(&testbed, UUID, KEPT("auto"));
    json_decref(testbed_ask(&testbed, "mdev-remove", REMOVE));
    expect_file(&testbed, UUID, NULL);
    autofree char *folder = xasprintf("%s/" FILES, testbed.tree.path);
    cr_expect_eq(access(folder, F_OK), -1, "the empty folder goes, too");
    expect_nothing_open(&testbed);
}

#define FOREIGN                                                                                              \
    "{\n  \"note\": \"caf\\u00e9\",\n  \"start\": \"manual\",\n  \"attrs\": [\n    {\n      \"weight\": "    \
    "\"7\"\n    }\n  ],\n  \"mdev_type\": \"" TYPE "\"\n}\n"

/* One that mdevctl wrote, and somebody has added to. */
Test(mdev_change, keeps_order_and_unknown_keys_of_a_file_and_applies_its_attributes)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    tree_write(&testbed.tree, FILES "/" UUID, FOREIGN);
    json_decref(testbed_ask(&testbed, "mdev-create", CREATE_FOREVER));
    autofree char *weight = xasprintf("%s/sys/bus/mdev/devices/" UUID "/weight", testbed.tree.path);
    autofree char *value = NULL, *text = read_file(&testbed, UUID);
    struct error err;
    cr_assert_eq(file_read(weight, 100, &value, NULL, &err), 0);
    cr_expect_str_eq(value, "7");
    cr_expect_str_eq(text,
                     "{\n  \"note\": \"caf\xc3\xa9\",\n  \"start\": \"auto\",\n  \"attrs\": [\n    {\n      "
                     "\"weight\": \"7\"\n    }\n  ],\n  \"mdev_type\": \"" TYPE "\"\n}\n");
}

Test(mdev_change, undoes_when_an_attribute_is_refused)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    tree_write(&testbed.tree, FILES "/" UUID,
               "{\"mdev_type\": \"" TYPE "\", \"attrs\": [{\"weight\": \"heavy\"}]}");
    testbed_fail(&testbed, "mdev-create", CREATE, "the driver refuses the value: correct it in its file");
    cr_expect_str_empty(kernel_mdev(UUID));
    tree_write(&testbed.tree, FILES "/" UUID,
               "{\"mdev_type\": \"" TYPE "\", \"attrs\": [{\"../../x\": \"1\"}]}");
    testbed_fail(&testbed, "mdev-create", CREATE, "attrs in '");
    tree_write(&testbed.tree, FILES "/" UUID, "{");
    testbed_fail(&testbed, "mdev-create", CREATE, "is not JSON: line 1");
    expect_nothing_open(&testbed);
}

Test(mdev_change, forgets_the_file_of_a_device_that_is_not_there)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    tree_write(&testbed.tree, "etc/mdevctl.d/0000:77:00.0/" UUID,
               "{\"mdev_type\": \"x-1\", \"start\": \"auto\"}");
    json_decref(testbed_ask(&testbed, "mdev-remove", "{'id': '0000:77:00.0', 'uuid': '" UUID "'}"));
    testbed_fail(&testbed, "mdev-remove", "{'id': '0000:77:00.0', 'uuid': '" UUID "'}",
                 "has no mediated device");
    expect_nothing_open(&testbed);
}

Test(mdev_change, makes_vgpus_by_nvidias_own_interface)
{
    autotestbed struct testbed testbed;

    make_card(&testbed);
    testbed_do(&testbed, "mdev-create", BECOME(VGPU, "nvidia-1147"),
               "{'parent': '" VGPU "', 'type': 'nvidia-1147', 'created': true}");
    cr_expect_eq(kernel_vgpu(VGPU), 1147);
    testbed_do(&testbed, "mdev-create", BECOME(VGPU, "nvidia-1147"),
               "{'parent': '" VGPU "', 'type': 'nvidia-1147', 'created': false}");
    testbed_fail(&testbed, "mdev-create", BECOME(VGPU, "nvidia-1145"),
                 VGPU " is a vGPU of type 'nvidia-1147' already, and not of 'nvidia-1145': remove it first");
    testbed_fail(&testbed, "mdev-create", BECOME(SIBLING, "nvidia-1155"),
                 SIBLING
                 " cannot become a vGPU of type 'nvidia-1155' now: the card's memory is shared by its "
                 "vGPUs, now " VGPU " (nvidia-1147)");
    testbed_fail(&testbed, "mdev-create", "{'id': '" SIBLING "', 'type': 'nvidia-1147', 'uuid': '" UUID "'}",
                 "leave uuid out");
    testbed_do(&testbed, "mdev-remove", "{'id': '" VGPU "'}",
               "{'parent': '" VGPU "', 'type': 'nvidia-1147'}");
    cr_expect_eq(kernel_vgpu(VGPU), 0);
    testbed_fail(&testbed, "mdev-remove", "{'id': '" VGPU "'}", VGPU " is not a vGPU");
    json_decref(testbed_ask(&testbed, "mdev-create", BECOME(SIBLING, "nvidia-1155")));
    expect_nothing_open(&testbed);
}

Test(mdev_change, keeps_a_vgpu_in_use)
{
    autotestbed struct testbed testbed;

    make_card(&testbed);
    tree_link(&testbed.tree, "sys/bus/pci/devices/" VGPU "/iommu_group",
              "../../../../kernel/iommu_groups/40");
    json_decref(testbed_ask(&testbed, "mdev-create", BECOME(VGPU, "nvidia-1147")));
    host_open(&testbed.tree, 50, "qemu-system-x86\n", "/dev/vfio/40");
    testbed_fail(&testbed, "mdev-remove", "{'id': '" VGPU "'}", "what is in use is not removed: " VGPU);
    cr_expect_eq(kernel_vgpu(VGPU), 1147);
    testbed_do(&testbed, "describe-mdev", "{}", "{'holders': {'" VGPU "': 'qemu-system-x86 (pid 50)'}}");
}

static void restart(struct testbed *testbed)
{
    testbed_stop_broker(testbed, SIGTERM);
    testbed_start_broker(testbed);
    testbed_wait_until_idle(testbed);
}

/* Of what there is at the broker's start, what it made itself goes, unless it is kept or in use. */
Test(mdev_change, removes_its_own_leftovers_when_the_broker_starts)
{
    static const char foreign[] = "00000000-0000-0000-0000-000000000100";
    autotestbed struct testbed testbed;

    make(&testbed);
    kernel_add_mdev_type(SCREEN, "four", 4);
    kernel_put_mdev(SCREEN, "four", foreign);
    json_decref(
        testbed_ask(&testbed, "mdev-create", "{'id': '" SCREEN "', 'type': 'four', 'uuid': '" UUID "'}"));
    json_decref(testbed_ask(&testbed, "mdev-create",
                            "{'id': '" SCREEN "', 'type': 'four', 'uuid': '" OTHER "', 'persistent': 1}"));
    restart(&testbed);
    cr_expect_str_empty(kernel_mdev(UUID));
    cr_expect_str_eq(kernel_mdev(OTHER), "four");
    cr_expect_str_eq(kernel_mdev(foreign), "four");
    expect_nothing_open(&testbed);
}

Test(mdev_change, keeps_its_leftovers_that_somebody_uses)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    json_decref(testbed_ask(&testbed, "mdev-create", CREATE));
    host_open(&testbed.tree, 50, "qemu-system-x86\n", "/dev/vfio/500");
    restart(&testbed);
    cr_expect_str_eq(kernel_mdev(UUID), TYPE);
    autofree char *log = client_follow(&testbed, "leftover:" SCREEN, NULL);
    cr_expect(strstr(log, "the mediated device " UUID ", which is left over, stays: what is in use") != NULL,
              "%s", log);
    tree_delete(&testbed.tree, "proc/50/fd/7");
    restart(&testbed);
    cr_expect_str_empty(kernel_mdev(UUID));
    expect_nothing_open(&testbed);
}

/* Somebody removed and made it again; and another's, which was found there, is not taken for ours. */
Test(mdev_change, knows_which_ones_are_its_own)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    kernel_put_mdev(SCREEN, TYPE, UUID);
    json_decref(testbed_ask(&testbed, "mdev-create", CREATE));
    restart(&testbed);
    cr_expect_str_eq(kernel_mdev(UUID), TYPE);
    json_decref(testbed_ask(&testbed, "mdev-remove", REMOVE));
    json_decref(testbed_ask(&testbed, "mdev-create", CREATE));
    json_decref(testbed_ask(&testbed, "mdev-remove", REMOVE));
    kernel_put_mdev(SCREEN, TYPE, UUID);
    restart(&testbed);
    cr_expect_str_eq(kernel_mdev(UUID), TYPE);
    expect_nothing_open(&testbed);
}

Test(mdev_change, removes_a_vgpu_that_is_left_over)
{
    autotestbed struct testbed testbed;

    make_card(&testbed);
    json_decref(testbed_ask(&testbed, "mdev-create", BECOME(VGPU, "nvidia-1147")));
    json_decref(testbed_ask(&testbed, "mdev-create",
                            "{'id': '" SIBLING "', 'type': 'nvidia-1147', 'persistent': 1}"));
    restart(&testbed);
    cr_expect_eq(kernel_vgpu(VGPU), 0);
    cr_expect_eq(kernel_vgpu(SIBLING), 1147);
    expect_nothing_open(&testbed);
}

#define FILE_OF(type, start)                                                                                 \
    "{\"mdev_type\": \"" type "\", \"start\": \"" start "\", \"attrs\": [{\"weight\": \"5\"}]}"

Test(mdev_change, starts_what_is_kept_when_the_broker_does)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    tree_write(&testbed.tree, FILES "/" UUID, FILE_OF(TYPE, "auto"));
    tree_write(&testbed.tree, FILES "/" OTHER, FILE_OF(TYPE, "manual"));
    tree_write(&testbed.tree, FILES "/00000000-0000-0000-0000-000000000001", FILE_OF("gone", "auto"));
    tree_write(&testbed.tree, FILES "/00000000-0000-0000-0000-000000000002", "{");
    tree_write(&testbed.tree, "etc/mdevctl.d/0000:77:00.0/" OTHER, FILE_OF(TYPE, "auto"));
    tree_write(&testbed.tree, "etc/mdevctl.d/" DISK "/" OTHER, FILE_OF(TYPE, "auto"));
    restart(&testbed);
    cr_expect_str_eq(kernel_mdev(UUID), TYPE);
    cr_expect_str_empty(kernel_mdev(OTHER));
    cr_expect_eq(kernel_mdevs_left(SCREEN, TYPE), 1);
    expect_nothing_open(&testbed);
    restart(&testbed); /* it exists now */
    cr_expect_eq(kernel_mdevs_left(SCREEN, TYPE), 1);
    testbed_fail(&testbed, "mdev-start", "{'id': '" SCREEN "'}",
                 "1 of 2 mediated devices of " SCREEN " could not be created: " SCREEN " has no type 'gone'");
    expect_log(&testbed, "the mediated device 00000000-0000-0000-0000-000000000001 is not created");
    json_decref(testbed_ask(&testbed, "mdev-start", "{'id': '" DISK "'}"));
    expect_log(&testbed, DISK ": its driver offers no mediated devices now; they are created when it does");
}

/* By mdevctl's udev rule, for example. */
Test(mdev_change, does_not_mind_who_was_faster)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    kernel_set_fault(&(struct kernel_fault){
        .access = SYSFS_WRITE, .path = "create", .first = 1, .error = EEXIST, .after = true});
    json_decref(testbed_ask(&testbed, "mdev-create", CREATE));
    cr_expect_str_eq(kernel_mdev(UUID), TYPE);
    expect_nothing_open(&testbed);
}

Test(mdev_change, makes_kept_vgpus_when_the_broker_starts)
{
    autotestbed struct testbed testbed;

    make_card(&testbed);
    json_decref(
        testbed_ask(&testbed, "mdev-create", "{'id': '" VGPU "', 'type': 'nvidia-1147', 'persistent': 1}"));
    json_decref(testbed_ask(&testbed, "mdev-remove", "{'id': '" VGPU "', 'keep': 1}"));
    cr_expect_eq(kernel_vgpu(VGPU), 0);
    restart(&testbed);
    cr_expect_eq(kernel_vgpu(VGPU), 1147);
    json_decref(testbed_ask(&testbed, "mdev-remove", "{'id': '" VGPU "'}"));
    restart(&testbed);
    cr_expect_eq(kernel_vgpu(VGPU), 0);
}

/* The broker itself reads all files when it starts, and waits for nobody. */
Test(mdev_change, does_not_wait_for_a_file_that_is_none, .timeout = 60)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    tree_write(&testbed.tree, FILES "/" UUID, "");
    tree_delete(&testbed.tree, FILES "/" UUID);
    autofree char *pipe = xasprintf("%s/" FILES "/" UUID, testbed.tree.path);
    cr_assert_eq(mkfifo(pipe, 0600), 0);
    restart(&testbed);
    testbed_fail(&testbed, "mdev-create", CREATE, "is not JSON: line 1");
    expect_nothing_open(&testbed);
}

/* Nobody could get rid of it otherwise: the type can be one that the card's driver has no more. */
Test(mdev_change, forgets_a_kept_vgpu_that_is_not_there)
{
    autotestbed struct testbed testbed;

    make_card(&testbed);
    json_decref(
        testbed_ask(&testbed, "mdev-create", "{'id': '" VGPU "', 'type': 'nvidia-1147', 'persistent': 1}"));
    json_decref(testbed_ask(&testbed, "mdev-remove", "{'id': '" VGPU "', 'keep': 1}"));
    testbed_fail(&testbed, "mdev-remove", "{'id': '" VGPU "', 'keep': 1}", VGPU " is not a vGPU");
    testbed_do(&testbed, "mdev-remove", "{'id': '" VGPU "'}", "{'parent': '" VGPU "', 'type': ''}");
    testbed_fail(&testbed, "mdev-remove", "{'id': '" VGPU "'}", VGPU " is not a vGPU");
    restart(&testbed);
    cr_expect_eq(kernel_vgpu(VGPU), 0);
    expect_nothing_open(&testbed);
}
