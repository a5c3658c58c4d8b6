/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks of the storage `local`: made with a VM or by themselves, taken from it, made larger, removed. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "broker/call.h"
#include "passthrough/index.h"
#include "storage/local.h"
#include "storage/storage.h"
#include "task/upid.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define CONTENT "/nodes/" NODE "/storage/local/content"
#define VM      QEMU "/100"
#define DISK    CONTENT "/local:100/vm-100-disk-0.raw"
#define CONFIG  VM "/config"
#define JOE     "joe@pve"
#define GIB     (1LL << 30)

static void start(void)
{
    if (geteuid() != 0)
        cr_skip_test("a broker is started by root");
    START(.host = "workstation");
}

TestSuite(store_disk, .init = start, .timeout = 240);

static const char *end_of(const json_t *upid)
{
    return vm_task_end(json_string_value(upid));
}

/* An image's file is root's alone, whoever wrote to it. */
static void is_file(const char *name, long long size)
{
    autofree char *path = xasprintf("%s/images/100/%s", daemon_store(), name);
    struct stat status;

    cr_assert_eq(stat(path, &status), 0, "%s", path);
    cr_expect_eq(status.st_uid, 0);
    cr_expect_eq(status.st_mode & 07777, 0600);
    if (size >= 0)
        cr_expect_eq(status.st_size, size);
    cr_expect_lt(status.st_blocks * 512LL, 16 << 20, "the disk was written to");
}

static void nothing_is_left(void)
{
    is_json(get(CONTENT, NULL), "[]");
    autofree char *path = xasprintf("%s/images/100", daemon_store());
    cr_expect_neq(access(path, F_OK), 0);
}

static long long size_of(const char *id)
{
    return number_of(row(get(CONTENT, NULL), "volid", id), "size");
}

DAEMON_TEST(store_disk, are_made_with_their_vm_and_go_with_it)
{
    vm_create("100", "scsi0", "local:32", "scsi1", "local:0.5,format=qcow2,discard=on", NULL);
    const json_t *config = get(CONFIG, NULL);
    cr_expect_str_eq(text_of(config, "scsi0"), "local:100/vm-100-disk-0.raw,size=32G");
    cr_expect_str_eq(text_of(config, "scsi1"), "local:100/vm-100-disk-1.qcow2,discard=on,size=512M");
    cr_expect_str_eq(text_of(config, "boot"), "order=scsi0");
    is_file("vm-100-disk-0.raw", 32 * GIB);
    is_file("vm-100-disk-1.qcow2", -1);
    cr_expect_eq(size_of("local:100/vm-100-disk-1.qcow2"), GIB / 2);
    cr_expect_eq(number_of(get(VM "/status/current", NULL), "maxdisk"), 32 * GIB);
    cr_expect_str_eq(end_of(delete (VM, NULL)), "OK");
    nothing_is_left();
}

DAEMON_TEST(store_disk, are_made_by_a_change_and_wait_for_it)
{
    vm_create("100", NULL);
    put(CONFIG, "scsi0", "local:1", NULL);
    cr_expect_str_eq(text_of(get(CONFIG, NULL), "scsi0"), "local:100/vm-100-disk-0.raw,size=1G");
    const json_t *upid = post(CONFIG, "virtio0", "local:2", NULL);
    cr_expect_str_eq(end_of(upid), "OK");
    cr_expect(has_row(vm_task_log(json_string_value(upid)), "t",
                      "virtio0: successfully created disk 'local:100/vm-100-disk-1.raw,size=2G'"));
    cr_expect_eq(json_array_size(get(CONTENT, "vmid", "100", NULL)), 2);
}

DAEMON_TEST(store_disk, hold_the_variables_of_the_firmware)
{
    if (access("/usr/share/OVMF/OVMF_VARS_4M.ms.fd", R_OK) != 0 || access("/usr/bin/qemu-img", X_OK) != 0)
        cr_skip_test("the packages ovmf and qemu-utils are not installed");
    vm_create("100", "bios", "ovmf", "efidisk0", "local:1,efitype=4m,pre-enrolled-keys=1", NULL);
    cr_expect_str_eq(text_of(get(CONFIG, NULL), "efidisk0"),
                     "local:100/vm-100-disk-0.raw,efitype=4m,pre-enrolled-keys=1,size=528K");
    is_file("vm-100-disk-0.raw", 540672);
    put(CONFIG, "efidisk0", "local:1,efitype=4m,format=qcow2", NULL);
    const json_t *config = get(CONFIG, NULL);
    cr_expect_str_eq(text_of(config, "efidisk0"), "local:100/vm-100-disk-1.qcow2,efitype=4m,size=528K");
    cr_expect_str_eq(text_of(config, "unused0"), "local:100/vm-100-disk-0.raw");
    cr_expect_eq(size_of("local:100/vm-100-disk-1.qcow2"), 540672);
}

DAEMON_TEST(store_disk, leave_nothing_when_the_vm_cannot_come)
{
    wrong_parameter("balloon", "balloon value too large (must be smaller than assigned memory)", "POST", QEMU,
                    "vmid", "100", "scsi0", "local:1", "memory", "512", "balloon", "1024", NULL);
    nothing_is_left();
    wrong_parameter("scsi0", "a disk of the storage 'local' is raw or qcow2, not vmdk", "POST", QEMU, "vmid",
                    "100", "scsi0", "local:1,format=vmdk", NULL);
    wrong_parameter("scsi0", "'local:0': the size of a disk must be above 0 and at most 131072 GiB", "POST",
                    QEMU, "vmid", "100", "scsi0", "local:0", NULL);
    wrong_parameter("scsi0",
                    "'local:99999999999999999999': the size of a disk must be above 0 and at most 131072 GiB",
                    "POST", QEMU, "vmid", "100", "scsi0", "local:99999999999999999999", NULL);
    wrong_parameter("ide2", "a disc cannot be made: name one, such as local:iso/NAME.iso, or none", "POST",
                    QEMU, "vmid", "100", "ide2", "local:1,media=cdrom", NULL);
    wrong_parameter("scsi0", "unable to parse volume ID 'local:1e3'", "POST", QEMU, "vmid", "100", "scsi0",
                    "local:1e3", NULL);
    nothing_is_left();
}

/* The second cannot be made, so that the first goes, too. */
DAEMON_TEST(store_disk, are_made_all_or_none)
{
    autofree char *images = xasprintf("%s/images", daemon_store()), *aside = xasprintf("%s.aside", images);

    vm_create("100", NULL);
    cr_assert_eq(rename(images, aside), 0);
    const json_t *upid = post(CONFIG, "scsi0", "local:1", "scsi1", "local:1", NULL);
    cr_expect_str_neq(end_of(upid), "OK");
    cr_assert_eq(rename(aside, images), 0);
    cr_expect_not(has(get(CONFIG, NULL), "scsi0"));
    nothing_is_left();
}

DAEMON_TEST(store_disk, that_are_taken_from_a_vm_are_unused_until_they_are_removed)
{
    vm_create("100", "scsi0", "local:1", "scsi1", "local:1", "ide2", "none", NULL);
    put(CONFIG, "delete", "scsi0,ide2", NULL);
    const json_t *config = get(CONFIG, NULL);
    cr_expect_str_eq(text_of(config, "unused0"), "local:100/vm-100-disk-0.raw");
    cr_expect_not(has(config, "unused1"));
    put(VM "/unlink", "idlist", "scsi1", NULL);
    cr_expect_str_eq(text_of(get(CONFIG, NULL), "unused1"), "local:100/vm-100-disk-1.raw");
    put(CONFIG, "sata0", "local:100/vm-100-disk-1.raw", NULL);
    cr_expect_not(has(get(CONFIG, NULL), "unused1"));
    cr_expect_eq(json_array_size(get(CONTENT, NULL)), 2);
    put(CONFIG, "delete", "unused0", NULL);
    cr_expect_not(has(get(CONFIG, NULL), "unused0"));
    cr_expect_eq(json_array_size(get(CONTENT, NULL)), 1);
    put(VM "/unlink", "idlist", "sata0", "force", "1", NULL);
    cr_expect_not(has(get(CONFIG, NULL), "unused0"));
    nothing_is_left();
}

DAEMON_TEST(store_disk, are_made_larger_and_never_smaller)
{
    vm_create("100", "scsi0", "local:1", "scsi1", "local:1,format=qcow2", "scsi2", "/srv/a.raw", "ide2",
              "none", NULL);
    cr_expect_str_eq(end_of(put(VM "/resize", "disk", "scsi0", "size", "+1.5G", NULL)), "OK");
    cr_expect_str_eq(text_of(get(CONFIG, NULL), "scsi0"), "local:100/vm-100-disk-0.raw,size=2560M");
    is_file("vm-100-disk-0.raw", 5 * GIB / 2);
    cr_expect_str_eq(end_of(put(VM "/resize", "disk", "scsi1", "size", "3G", NULL)), "OK");
    cr_expect_eq(size_of("local:100/vm-100-disk-1.qcow2"), 3 * GIB);
    cr_expect_str_eq(end_of(put(VM "/resize", "disk", "scsi1", "size", "3G", NULL)), "OK");
    cr_expect_str_eq(end_of(put(VM "/resize", "disk", "scsi1", "size", "1G", NULL)),
                     "shrinking disks is not supported");
    cr_expect_str_eq(end_of(put(VM "/resize", "disk", "scsi9", "size", "1G", NULL)),
                     "disk 'scsi9' does not exist");
    cr_expect_str_eq(end_of(put(VM "/resize", "disk", "ide2", "size", "1G", NULL)),
                     "you can't resize a cdrom");
    cr_expect_str_eq(end_of(put(VM "/resize", "disk", "scsi1", "size", "+999999T", NULL)),
                     "a disk has at most 131072 GiB");
    const char *end = end_of(put(VM "/resize", "disk", "scsi2", "size", "1G", NULL));
    cr_expect_not_null(strstr(end, "'/srv/a.raw' is not a volume of the storage 'local'"), "%s", end);
}

/* As a guest may have written it over its disk: an image whose data is on top of a file of the host. */
DAEMON_TEST(store_disk, whose_header_names_another_file_are_left_alone)
{
    static const unsigned char offset[] = {0, 0, 0, 0, 0, 0, 0x10, 0}, length[] = {0, 0, 0, 11};

    vm_create("100", "scsi0", "local:1,format=qcow2", NULL);
    autofree char *path = xasprintf("%s/images/100/vm-100-disk-0.qcow2", daemon_store());
    autoclose int file = open(path, O_WRONLY | O_CLOEXEC);
    cr_assert_eq(pwrite(file, offset, sizeof(offset), 8), (ssize_t)sizeof(offset));
    cr_assert_eq(pwrite(file, length, sizeof(length), 16), (ssize_t)sizeof(length));
    cr_assert_eq(pwrite(file, "/etc/passwd", 11, 0x1000), 11);
    const json_t *upid = put(VM "/resize", "disk", "scsi0", "size", "2G", NULL);
    cr_expect_str_neq(end_of(upid), "OK");
    cr_expect(has_row(vm_task_log(json_string_value(upid)), "t",
                      "hostpci: the volume 'vm-100-disk-0.qcow2' has a backing file"));
    cr_expect_eq(size_of("local:100/vm-100-disk-0.qcow2"), GIB);
    cr_expect_str_eq(text_of(get(CONFIG, NULL), "scsi0"), "local:100/vm-100-disk-0.qcow2,size=1G");
}

DAEMON_TEST(store_disk, are_made_and_removed_without_a_vm)
{
    const json_t *id = post(CONTENT, "vmid", "100", "filename", "vm-100-data.qcow2", "size", "2G", NULL);
    cr_expect_str_eq(json_string_value(id), "local:100/vm-100-data.qcow2");
    fails(500, "disk image 'local:100/vm-100-data.qcow2' already exists", "POST", CONTENT, "vmid", "100",
          "filename", "vm-100-data.qcow2", "size", "2G", NULL);
    post(CONTENT, "vmid", "100", "filename", "vm-100-disk-0.raw", "size", "64", NULL);
    is_file("vm-100-disk-0.raw", 65536);
    const json_t *volume = get(CONTENT "/local:100/vm-100-data.qcow2", NULL);
    cr_expect_eq(number_of(volume, "size"), 2 * GIB);
    cr_expect_str_eq(text_of(volume, "format"), "qcow2");
    cr_expect_str_eq(text_of(get(CONTENT "/100%2Fvm-100-disk-0.raw", NULL), "format"), "raw");
    cr_expect_str_eq(end_of(delete (CONTENT "/local:100%2Fvm-100-data.qcow2", NULL)), "OK");
    const json_t *nothing = delete (CONTENT "/local:100/vm-100-disk-0.raw", "delay", "30", NULL);
    cr_expect(json_is_null(nothing));
    fails(500, "volume 'local:100/vm-100-disk-0.raw' does not exist", "GET",
          CONTENT "/local:100/vm-100-disk-0.raw", NULL);
    fails(500, "volume 'local:100/vm-100-disk-0.raw' does not exist", "DELETE",
          CONTENT "/local:100/vm-100-disk-0.raw", NULL);
    wrong_parameter("volume", "storage ID mismatch (other != local)\n", "GET", CONTENT "/other:100/x.raw",
                    NULL);
    nothing_is_left();
}

DAEMON_TEST(store_disk, have_no_names_that_lead_elsewhere)
{
    static const char *const names[] = {
        "../../../etc/shadow", "vm-101-disk-0.raw", "vm-100-disk-0", "x.raw",
        "vm-100-a b.raw",      "vm-100-a,b.raw",    ".vm-100-a.raw", "vm-100-.raw"};

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        autofree char *text =
            xasprintf("'%s' is not the name of a disk: use vm-100-NAME.raw or .qcow2", names[i]);
        wrong_parameter("filename", text, "POST", CONTENT, "vmid", "100", "filename", names[i], "size", "1G",
                        NULL);
    }
    wrong_parameter("format", "'vm-100-a.raw' is of the format raw by its name", "POST", CONTENT, "vmid",
                    "100", "filename", "vm-100-a.raw", "size", "1G", "format", "qcow2", NULL);
    wrong_parameter("size", "a disk has at least 1 KiB and at most 131072 GiB", "POST", CONTENT, "vmid",
                    "100", "filename", "vm-100-a.raw", "size", "99999999999999999G", NULL);
    fails(400, "unable to parse volume ID 'local:100/vm-101-disk-0.raw'", "DELETE",
          CONTENT "/local:100/vm-101-disk-0.raw", NULL);
    fails(400, "unable to parse volume ID 'local:iso/..%2f..'", "DELETE", CONTENT "/local:iso%2F..%252f..",
          NULL);
    nothing_is_left();
}

/* A disk of the VM that it does not name stays, unless it is asked for. */
DAEMON_TEST(store_disk, that_a_vm_does_not_name_stay_unless_asked_for)
{
    vm_create("100", "scsi0", "local:1", NULL);
    vm_create("101", "scsi0", "local:1", NULL);
    post(CONTENT, "vmid", "100", "filename", "vm-100-data.raw", "size", "1M", NULL);
    post(CONTENT, "vmid", "101", "filename", "vm-101-data.raw", "size", "1M", NULL);
    cr_expect_str_eq(end_of(delete (VM, "purge", "1", NULL)), "OK");
    cr_expect_eq(json_array_size(get(CONTENT, "vmid", "100", NULL)), 1);
    cr_expect_str_eq(end_of(delete (QEMU "/101", "destroy-unreferenced-disks", "1", NULL)), "OK");
    cr_expect_eq(json_array_size(get(CONTENT, "vmid", "101", NULL)), 0);
    cr_expect_eq(json_array_size(get(CONTENT, NULL)), 1);
}

/* A task of a daemon that was killed after the broker had made its disk, and before the VM named it. */
static char *leave_unfinished(void)
{
    struct upid upid = {.pid = 99, .process_start = 500, .start = 1000};
    autofree char *path = xasprintf("%s/hostpci.db", daemon_state());
    char *text = xcalloc(1, UPID_SIZE);
    struct storage *storage;
    struct error err;

    snprintf(upid.node, sizeof(upid.node), "%s", NODE);
    snprintf(upid.type, sizeof(upid.type), "qmconfig");
    snprintf(upid.id, sizeof(upid.id), "100");
    snprintf(upid.user, sizeof(upid.user), "root@pam");
    upid_format(&upid, text);
    struct broker *broker = broker_new(daemon_run());
    autojson json_t *made = NULL;
    cr_assert_eq(broker_call(broker, "volume_make", text,
                             json_pack("{s:i, s:[{s:s, s:i}]}", "vmid", 100, "disks", "format", "raw", "size",
                                       1 << 20),
                             NULL, NULL, &made, &err),
                 0, "%s", err.message);
    broker_free(broker);
    cr_expect_eq(json_array_size(get(CONTENT, NULL)), 2);
    daemon_kill();
    cr_assert_eq(storage_open(path, passthrough_index, &storage, &err), 0, "%s", err.message);
    const struct local_task task = {99, text, "qmconfig", "100", "root@pam", 1000};
    cr_assert_eq(local_begin_task(storage, &task, &err), 0, "%s", err.message);
    storage_close(storage);
    return text;
}

DAEMON_TEST(store_disk, that_a_killed_daemon_had_made_for_nothing_go)
{
    vm_create("100", "scsi0", "local:1", NULL);
    autofree char *upid = leave_unfinished();
    daemon_start_again();
    cr_expect_not_null(strstr(vm_task_end(upid), "interrupted by a restart of hostpci"));
    const json_t *left = get(CONTENT, NULL);
    cr_assert_eq(json_array_size(left), 1);
    cr_expect_str_eq(text_of(json_array_get(left, 0), "volid"), "local:100/vm-100-disk-0.raw");
}

DAEMON_TEST(store_disk, take_the_rights_of_the_storage)
{
    static const char space[] = "Permission check failed (/storage/local, Datastore.AllocateSpace)";

    vm_create("100", "scsi0", "local:1", NULL);
    account_create(JOE, NULL);
    account_grant("/vms/100", "PVEVMAdmin", "users", JOE);
    account_enter(JOE);
    fails(403, space, "PUT", CONFIG, "scsi1", "local:1", NULL);
    fails(403, space, "PUT", VM "/unlink", "idlist", "scsi0", "force", "1", NULL);
    fails(403, space, "POST", CONTENT, "vmid", "100", "filename", "vm-100-a.raw", "size", "1M", NULL);
    fails(403, "Permission check failed (/storage/local, Datastore.Allocate)", "DELETE",
          CONTENT "/local:100/vm-100-disk-0.raw", NULL);
    put(CONFIG, "delete", "scsi0", NULL);
    fails(403, space, "PUT", CONFIG, "delete", "unused0", NULL);
    account_grant("/storage/local", "PVEDatastoreUser", "users", JOE);
    account_enter(JOE);
    put(CONFIG, "scsi1", "local:1", "delete", "unused0", NULL);
    const json_t *seen = get(CONTENT, NULL);
    cr_assert_eq(json_array_size(seen), 1);
    cr_expect_str_eq(text_of(json_array_get(seen, 0), "volid"), "local:100/vm-100-disk-1.raw");
}

DAEMON_TEST(store_disk, are_made_in_the_storage_of_the_whole_request)
{
    wrong_parameter("storage", "storage 'tank' does not exist: the only one here is 'local'", "POST", QEMU,
                    "vmid", "100", "storage", "tank", "scsi0", "1", NULL);
    vm_create("100", "storage", "local", "scsi0", "1,format=qcow2", "scsi1", "local:1", NULL);
    const json_t *config = get(CONFIG, NULL);
    cr_expect_str_eq(text_of(config, "scsi0"), "local:100/vm-100-disk-0.qcow2,size=1G");
    cr_expect_str_eq(text_of(config, "scsi1"), "local:100/vm-100-disk-1.raw,size=1G");
    wrong_parameter("scsi2", "unable to parse volume ID '1'", "PUT", CONFIG, "scsi2", "1", NULL);
}

/* Whatever the client says, which may be old. */
DAEMON_TEST(store_disk, that_are_named_have_their_true_size)
{
    vm_create("100", NULL);
    post(CONTENT, "vmid", "100", "filename", "vm-100-data.raw", "size", "3G", NULL);
    put(CONFIG, "scsi0", "local:100/vm-100-data.raw,discard=on,size=1G", NULL);
    cr_expect_str_eq(text_of(get(CONFIG, NULL), "scsi0"), "local:100/vm-100-data.raw,discard=on,size=3G");
}

DAEMON_TEST(store_disk, have_no_attributes_of_backups)
{
    vm_create("100", "scsi0", "local:1", NULL);
    is_json(put(DISK, "notes", "", "protected", "0", NULL), "null");
    wrong_parameter("notes",
                    "only backups have notes, and 'local:100/vm-100-disk-0.raw' is none: leave this out",
                    "PUT", DISK, "notes", "mine", NULL);
    wrong_parameter("protected",
                    "only backups have protected, and 'local:100/vm-100-disk-0.raw' is none: leave this out",
                    "PUT", DISK, "protected", "1", NULL);
    fails(500, "volume 'local:100/vm-100-none.raw' does not exist", "PUT",
          CONTENT "/local:100/vm-100-none.raw", NULL);
}
