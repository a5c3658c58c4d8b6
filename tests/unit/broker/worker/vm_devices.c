/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations vm_start and vm_stop: what happens to a VM's devices of the host. The tests' broker has no QEMU,
 * so that each start fails after everything was taken; what a VM that runs has is written down by hand. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "broker/program.h"
#include "broker/worker/vm_devices.h"
#include "broker/worker/vm_nodes.h"
#include "tests/unit/broker/testbed.h"
#include "tests/unit/hardware/use/fixture.h"

#define START(hostpci0, assigned)                                                                            \
    "{'vmid': 100, 'config': {'memory': '64', 'kvm': 0, 'hostpci0': '" hostpci0                              \
    "'}, 'assigned': {'hostpci0': " assigned "}}"
#define STOP  "{'vmid': 100, 'how': 'ended', 'timeout': 0}"
#define LOOKS 2000
#define UUID  "00000000-0000-0000-0000-000000000100"
#define TYPE  "nvidia-63"
#define CLAIM(id, driver, more)                                                                              \
    "{\"id\": \"" id "\", \"vendor\": 5197, \"device\": 43016, \"driver\": \"" driver                        \
    "\", \"override\": \"\", \"wanted\": \"vfio-pci\", \"wanted-override\": \"vfio-pci\"" more "}"

/* Its broker finds no program of ours that would start QEMU. */
static void make(struct testbed *testbed)
{
    testbed_make_host(testbed);
    program_root = testbed->tree.path;
    testbed_start_broker(testbed);
}

/* The broker itself may be cleaning up meanwhile: a record without a process is a VM that has ended. */
static void nothing_is_left(struct testbed *testbed)
{
    testbed_wait_until_idle(testbed);
    autofree char *folder = xasprintf("%s/run/vm/100", testbed->tree.path);

    cr_expect_neq(access(folder, F_OK), 0, "'%s' is left", folder);
    expect_nothing_open(testbed);
}

Test(vm_devices, go_back_when_the_start_fails)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_fail(&testbed, "vm_start", START("02:00.0", "{'ids': ['" DISK "']}"), "start failed");
    expect_log(&testbed, DISK " (nvme): is given to the VM; nothing is known to use it");
    expect_log(&testbed, DISK ": has vfio-pci, had nvme");
    expect_log(&testbed, DISK ": is back with nvme");
    cr_expect_eq(kernel_resets(DISK), 1);
    expect_binding(DISK, "nvme", "");
    nothing_is_left(&testbed);
}

#define START_TWO                                                                                            \
    "{'vmid': 100, 'config': {'memory': '64', 'kvm': 0, 'hostpci0': '02:00.0', 'hostpci1': '03:00.0'}, "     \
    "'assigned': {'hostpci0': {'ids': ['" DISK "']}, 'hostpci1': {'ids': ['" NETWORK "']}}}"

/* Starts a VM with the disk, from which the kernel does not return, and the network card. */
static struct testbed_call *start_two_and_hang(struct testbed *testbed)
{
    kernel_set_fault(&(struct kernel_fault){
        .access = SYSFS_WRITE, .path = "nvme/unbind", .first = 1, .until = testbed_until(testbed)});
    struct testbed_call *call = testbed_begin(testbed, "vm_start", START_TWO);
    cr_assert(testbed_wait_for_hang(call), "nothing hangs");
    return call;
}

static void expect_failure(struct testbed_call *call, const char *message)
{
    struct error err = {.message = ""};
    autojson json_t *result = testbed_end(call, &err);

    cr_expect(result == NULL && strstr(err.message, message) != NULL, "'%s' should have '%s'", err.message,
              message);
}

static void wait_for_driver(const char *id, const char *driver)
{
    unsigned looks = 0;

    while (strcmp(kernel_driver(id), driver) != 0 && looks++ < LOOKS)
        usleep(10000);
    cr_assert_str_eq(kernel_driver(id), driver, "%s", id);
}

/* A driver that takes its time holds up nobody of another group, before the start and on the way back. */
Test(vm_devices, of_different_groups_are_taken_side_by_side)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    struct testbed_call *call = start_two_and_hang(&testbed);
    wait_for_driver(NETWORK, "vfio-pci");
    cr_expect(kernel_fault_hangs());
    testbed_let_go(&testbed);
    expect_failure(call, "start failed");
    cr_expect_eq(kernel_resets(DISK), 1);
    expect_binding(DISK, "nvme", "");
    expect_binding(NETWORK, "e1000e", "");
    nothing_is_left(&testbed);
}

/* What has begun is waited for, and all goes back. The disk may have begun or not when the network card
 * fails. */
Test(vm_devices, go_back_when_one_of_another_group_fails)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    kernel_refuse(NETWORK, "vfio-pci");
    struct testbed_call *call = testbed_begin(&testbed, "vm_start", START_TWO);
    expect_failure(call, "vfio-pci did not take the device");
    cr_expect_eq(kernel_resets(DISK), 0);
    expect_binding(DISK, "nvme", "");
    expect_binding(NETWORK, "e1000e", "");
    nothing_is_left(&testbed);
}

/* All threads of the worker have gone before anything goes back. */
Test(vm_devices, go_back_when_the_worker_dies_while_one_hangs)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    struct testbed_call *call = start_two_and_hang(&testbed);
    wait_for_driver(NETWORK, "vfio-pci");
    cr_assert_eq(kill(testbed_worker(&testbed), SIGKILL), 0);
    expect_failure(call, "interrupted");
    expect_binding(DISK, "nvme", "");
    expect_binding(NETWORK, "e1000e", "");
    nothing_is_left(&testbed);
}

Test(vm_devices, are_refused_as_operation_driver_refuses_them)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_fail(&testbed, "vm_start", START("05:00.0", "{'ids': ['" ALONE "']}"), "is in no IOMMU group");
    testbed_fail(&testbed, "vm_start", START("00:01.0", "{'ids': ['" PORT "']}"), "is a bridge");
    testbed_fail(&testbed, "vm_start", START("09:00.0", "{'ids': ['0000:09:00.0']}"), "no PCI device found");
    testbed_fail(&testbed, "vm_start", START("02:00.0", "{'ids': ['../x']}"), "is not a PCI id");
    testbed_fail(&testbed, "vm_start", START("02:00.0,mdev=x", "{'ids': ['" DISK "'], 'uuid': '../x'}"),
                 "no mediated device");
    testbed_fail(&testbed, "vm_start",
                 "{'vmid': 100, 'config': {}, 'assigned': {'hostpci3': {'ids': ['" DISK "']}}}",
                 "the configuration has no hostpci3");
    expect_binding(DISK, "nvme", "");
    nothing_is_left(&testbed);
}

Test(vm_devices, that_are_in_use_are_refused_with_the_evidence)
{
    static const char start[] = START("02:00.0", "{'ids': ['" DISK "']}");
    autotestbed struct testbed testbed;

    make(&testbed);
    host_add_disk(&testbed.tree, "nvme0n1", "259:0", DISK_FOLDER);
    tree_write(&testbed.tree, "proc/1/mountinfo", "36 27 259:0 / /mnt/data rw - ext4 /dev/nvme0n1 rw\n");
    testbed_fail(&testbed, "vm_start", start,
                 "what the host uses is not given to the VM: " DISK " (nvme): disk");
    tree_write(&testbed.tree, "proc/1/mountinfo", "27 1 259:0 / / rw - ext4 /dev/nvme0n1 rw\n");
    testbed_fail(&testbed, "vm_start", start, "what the host cannot run without is never given to the VM");
    expect_binding(DISK, "nvme", "");
    tree_write(&testbed.tree, "proc/1/mountinfo", "22 27 0:21 / /proc rw,relatime - proc proc rw\n");
    kernel_put(DISK, "vfio-pci", "vfio-pci");
    host_open(&testbed.tree, 50, "qemu-system-x86\n", "/dev/vfio/2");
    testbed_fail(&testbed, "vm_start", start, "qemu-system-x86");
    cr_expect_eq(kernel_resets(DISK), 0);
    nothing_is_left(&testbed);
}

static void write_record(const struct testbed *testbed, const char *record)
{
    tree_write(&testbed->tree, "run/vm/100/machine", record);
}

Test(vm_devices, go_back_after_the_end_where_that_is_asked_for)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    testbed_do(&testbed, "driver", "{'id': '" DISK "', 'driver': 'vfio'}",
               "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    write_record(&testbed, "{\"vmid\": 100, \"functions\": [" CLAIM(DISK, "nvme", "") "]}");
    testbed_do(&testbed, "vm_stop", STOP, "{}");
    expect_binding(DISK, "vfio-pci", "vfio-pci");
    nothing_is_left(&testbed);
    write_record(&testbed, "{\"vmid\": 100, \"functions\": [" CLAIM(DISK, "nvme", ", \"reattach\": 1") "]}");
    testbed_do(&testbed, "vm_stop", STOP, "{}");
    expect_log(&testbed, DISK ": is back with nvme");
    expect_binding(DISK, "nvme", "");
    testbed_fail(&testbed, "driver", "{'id': '" DISK "', 'driver': 'restore'}", "it is not known what");
    nothing_is_left(&testbed);
}

Test(vm_devices, that_are_mediated_are_created_and_removed)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    kernel_add_mdev_type(SCREEN, TYPE, 2);
    testbed_fail(&testbed, "vm_start",
                 START("01:00.0,mdev=" TYPE, "{'ids': ['" SCREEN "'], 'uuid': '" UUID "'}"), "start failed");
    expect_log(&testbed, "the mediated device " UUID " was created, of type " TYPE);
    expect_log(&testbed, "the mediated device " UUID " was removed");
    cr_expect_str_empty(kernel_mdev(UUID));
    expect_binding(SCREEN, "nouveau", "");
    nothing_is_left(&testbed);
}

/* It is somebody else's, who may want it after the VM. */
Test(vm_devices, mediated_device_that_was_there_stays)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    kernel_add_mdev_type(SCREEN, TYPE, 2);
    json_decref(
        testbed_ask(&testbed, "mdev-create", "{'id': '" SCREEN "', 'type': '" TYPE "', 'uuid': '" UUID "'}"));
    testbed_fail(&testbed, "vm_start",
                 START("01:00.0,mdev=" TYPE, "{'ids': ['" SCREEN "'], 'uuid': '" UUID "'}"), "start failed");
    cr_expect_str_eq(kernel_mdev(UUID), TYPE);
    nothing_is_left(&testbed);
}

Test(vm_devices, that_are_mediated_go_after_the_end)
{
    autotestbed struct testbed testbed;

    make(&testbed);
    kernel_add_mdev_type(SCREEN, TYPE, 2);
    json_decref(
        testbed_ask(&testbed, "mdev-create", "{'id': '" SCREEN "', 'type': '" TYPE "', 'uuid': '" UUID "'}"));
    write_record(&testbed, "{\"vmid\": 100, \"functions\": [], \"mediated\": [{\"parent\": \"" SCREEN
                           "\", \"uuid\": \"" UUID "\", \"type\": \"" TYPE "\"}]}");
    testbed_do(&testbed, "vm_stop", STOP, "{}");
    cr_expect_str_empty(kernel_mdev(UUID));
    nothing_is_left(&testbed);
}

static void expect_order(const struct sysroot *sysroot, const char *arguments, const char *order)
{
    autojson json_t *parsed = json_loads(arguments, 0, NULL);
    autovmdevices struct vm_devices devices = {.mediated = NULL};
    struct worker worker = {.sysroot = sysroot, .arguments = parsed};
    autojson json_t *made = json_pack("{s:[]}", "own");
    struct error err;

    cr_assert_not_null(parsed, "%s", arguments);
    cr_assert_eq(vm_devices_find(&worker, &devices, &err), 0, "%s", err.message);
    vm_devices_add_order(&worker, &devices, made);
    if (vm_nodes_add(&worker, made, &err) == 0)
        expect_json(json_incref(made), order);
    else
        cr_expect_str_eq(err.message, order);
}

#define TWO                                                                                                  \
    "\"hostpci0\": \"01:00\", \"hostpci1\": \"02:00.0\"}, \"assigned\": {\"hostpci0\": {\"ids\": [\"" SCREEN \
    "\", \"" SOUND "\"]}, \"hostpci1\": {\"ids\": [\"" DISK "\"]}}}"

/* 512 MiB of the guest, twice where it has an IOMMU and two groups, and 1 GiB. */
Test(vm_devices, let_qemu_lock_what_they_may_write_to)
{
    autotestbed struct testbed testbed;
    struct sysroot *sysroot;
    struct error err;

    testbed_make_host(&testbed);
    cr_assert_eq(sysroot_open(testbed.tree.path, &sysroot, &err), 0);
    expect_order(sysroot, "{\"config\": {\"memory\": \"64\"}}", "{'own': []}");
    expect_order(sysroot, "{\"config\": {\"memory\": \"64\", " TWO,
                 "{'lock': 1140850688, 'own': ['/dev/vfio/1', '/dev/vfio/2']}");
    expect_order(sysroot, "{\"config\": {" TWO,
                 "{'lock': 1610612736, 'own': ['/dev/vfio/1', '/dev/vfio/2']}");
    expect_order(sysroot, "{\"config\": {\"machine\": \"q35,viommu=intel\", " TWO,
                 "{'lock': 2147483648, 'own': ['/dev/vfio/1', '/dev/vfio/2']}");
    sysroot_close(sysroot);
}

static void add_usb(const struct testbed *testbed, const char *bus, const char *path, const char *number,
                    const char *product)
{
    const char *const files[][2] = {{"busnum", bus},      {"devpath", path},      {"devnum", number},
                                    {"idVendor", "046d"}, {"idProduct", product}, {"bDeviceClass", "00"},
                                    {"speed", "12"}};

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        autofree char *file = xasprintf("sys/bus/usb/devices/%s-%s/%s", bus, path, files[i][0]);
        autofree char *line = xasprintf("%s\n", files[i][1]);
        tree_write(&testbed->tree, file, line);
    }
}

/* By a port, by what it is, by a mapping; one that is not plugged in is not there. */
Test(vm_devices, of_usb_and_serial_ports_are_nodes_of_the_users_own)
{
    autotestbed struct testbed testbed;
    struct sysroot *sysroot;
    struct error err;

    testbed_make_host(&testbed);
    add_usb(&testbed, "1", "2.3", "7", "c077");
    add_usb(&testbed, "2", "1", "12", "c52b");
    cr_assert_eq(sysroot_open(testbed.tree.path, &sysroot, &err), 0);
    expect_order(sysroot, "{\"config\": {\"usb0\": \"host=1-2.3\", \"usb1\": \"0x046D:0xC52B\"}}",
                 "{'own': ['/dev/bus/usb/001/007', '/dev/bus/usb/002/012']}");
    expect_order(
        sysroot,
        "{\"config\": {\"usb0\": \"mapping=mouse\", \"usb1\": \"1-2\"}, \"usb\": {\"usb0\": \"2-1\"}}",
        "{'own': ['/dev/bus/usb/002/012']}");
    expect_order(sysroot, "{\"config\": {\"serial0\": \"socket\"}}", "{'own': []}");
    expect_order(sysroot, "{\"config\": {\"serial0\": \"/dev/null\"}}",
                 "serial0: '/dev/null' is not a serial port of the host, such as /dev/ttyS0 or /dev/ttyUSB0");
    expect_order(sysroot, "{\"config\": {\"serial1\": \"/dev/ttyNone\"}}",
                 "serial1: '/dev/ttyNone' does not exist");
    sysroot_close(sysroot);
}
