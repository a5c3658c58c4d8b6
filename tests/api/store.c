/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The storage `local`: what it tells of itself, and the volumes in it. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define STORAGE "/nodes/" NODE "/storage"
#define CONTENT STORAGE "/local/content"
#define CONFIG  QEMU "/100/config"
#define JOE     "joe@pve"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(store, .init = start, .timeout = 120);

/* A file of the store that root put there by hand. */
static void put_file(const char *place, const char *text)
{
    autofree char *path = xasprintf("%s/%s", daemon_store(), place), *folder = xstrdup(path);

    *strrchr(folder, '/') = '\0';
    cr_assert(mkdir(folder, 0755) == 0 || access(folder, F_OK) == 0, "%s", folder);
    autoclose int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0, "%s", path);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

DAEMON_TEST(store, tells_how_full_it_is)
{
    autofree char *config =
        xasprintf("[{'storage':'local','type':'dir','content':'images,iso','path':'%s','digest':'%s'}]",
                  daemon_store(), text_of(get("/storage/local", NULL), "digest"));
    is_json(get("/storage", NULL), config);
    is_json(get("/storage", "type", "lvm", NULL), "[]");
    const json_t *row = json_array_get(get(STORAGE, "content", "images", "format", "1", NULL), 0);
    cr_expect_str_eq(text_of(row, "storage"), "local");
    cr_expect_eq(number_of(row, "active"), 1);
    cr_expect_gt(number_of(row, "total"), number_of(row, "avail"));
    is_json(member(row, "formats"), "{'supported':['raw','qcow2'],'default':'raw'}");
    is_json(member(row, "format"), "[{'raw':1,'qcow2':1},'raw']");
    is_json(get(STORAGE, "content", "backup", NULL), "[]");
    is_json(get(STORAGE, "storage", "other", NULL), "[]");
    cr_expect_eq(json_array_size(get(STORAGE, "storage", "local", "enabled", "1", NULL)), 1);
    const json_t *state = get(STORAGE "/local/status", NULL);
    cr_expect_str_eq(text_of(state, "type"), "dir");
    cr_expect_gt(number_of(state, "avail"), 0);
    const json_t *resource = json_array_get(get("/cluster/resources", "type", "storage", NULL), 0);
    cr_expect_str_eq(text_of(resource, "status"), "available");
    cr_expect_eq(number_of(resource, "maxdisk"), number_of(state, "total"));
}

DAEMON_TEST(store, is_the_only_one)
{
    wrong_parameter("storage", "No such storage.", "GET", STORAGE "/other/status", NULL);
    fails(500, "storage 'other' does not exist", "GET", STORAGE "/other/content", NULL);
    fails(500, "storage 'other' does not exist", "GET", "/storage/other", NULL);
    wrong_parameter("content", "invalid format - invalid content type 'discs'\n", "GET", STORAGE, "content",
                    "discs", NULL);
    fails(501, "Method 'POST /storage' not implemented", "POST", "/storage", "storage", "nfs", "type", "nfs",
          NULL);
}

DAEMON_TEST(store, lists_its_volumes_in_order)
{
    is_json(get(CONTENT, NULL), "[]");
    put_file("images/100/vm-100-disk-1.raw", "disk");
    put_file("images/101/vm-101-disk-0.raw", "");
    put_file("images/100/vm-101-disk-0.raw", "");
    put_file("images/100/notes.txt", "");
    put_file("template/iso/B.iso", "a disc");
    put_file("template/iso/a.iso", "");
    const json_t *all = get(CONTENT, NULL);
    static const char *const ids[] = {"local:100/vm-100-disk-1.raw", "local:101/vm-101-disk-0.raw",
                                      "local:iso/a.iso", "local:iso/B.iso"};
    cr_assert_eq(json_array_size(all), COUNT_OF(ids));
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        cr_expect_str_eq(text_of(json_array_get(all, i), "volid"), ids[i]);
    const json_t *disk = row(all, "volid", ids[0]), *disc = row(all, "volid", ids[3]);
    cr_expect_eq(number_of(disk, "vmid"), 100);
    cr_expect_eq(number_of(disk, "size"), 4);
    cr_expect_str_eq(text_of(disc, "format"), "iso");
    cr_expect_eq(number_of(disc, "size"), 6);
    cr_expect_not(has(disc, "vmid"));
    cr_expect_eq(json_array_size(get(CONTENT, "content", "iso", NULL)), 2);
    cr_expect_eq(json_array_size(get(CONTENT, "vmid", "101", NULL)), 1);
    cr_expect_eq(json_array_size(get(CONTENT, "content", "backup", NULL)), 0);
}

DAEMON_TEST(store, is_seen_by_who_may_use_it)
{
    put_file("images/100/vm-100-disk-0.raw", "");
    put_file("images/101/vm-101-disk-0.raw", "");
    put_file("template/iso/a.iso", "");
    account_create(JOE, NULL);
    account_enter(JOE);
    is_json(get("/storage", NULL), "[]");
    is_json(get(STORAGE, NULL), "[]");
    is_json(get("/cluster/resources", "type", "storage", NULL), "[]");
    fails(403, "Permission check failed (/storage/local, Datastore.Audit|Datastore.AllocateSpace)", "GET",
          CONTENT, NULL);
    fails(403, "Permission check failed (/storage/local, Datastore.Allocate)", "GET", "/storage/local", NULL);
    account_grant("/storage/local", "PVEDatastoreUser", "users", JOE);
    account_grant("/vms/101", "PVEVMAdmin", "users", JOE);
    account_enter(JOE);
    cr_expect_eq(json_array_size(get("/storage", NULL)), 1);
    cr_expect_eq(json_array_size(get(STORAGE, NULL)), 1);
    const json_t *seen = get(CONTENT, NULL);
    cr_assert_eq(json_array_size(seen), 2);
    cr_expect(has_row(seen, "volid", "local:101/vm-101-disk-0.raw"));
    cr_expect(has_row(seen, "volid", "local:iso/a.iso"));
}

/* What a user may set as a VM's disk; the names that lead elsewhere are in tests/unit/vm/volume.c. */
DAEMON_TEST(store, gives_a_vm_its_own_disks_and_no_other_file)
{
    static const char secret[] = "Permission check failed (/storage/local, Datastore.Audit)";

    put_file("images/100/vm-100-disk-0.raw", "");
    put_file("images/101/vm-101-disk-0.raw", "");
    put_file("template/iso/a.iso", "");
    vm_create("100", NULL);
    account_create(JOE, NULL);
    account_grant("/vms/100", "PVEVMAdmin", "users", JOE);
    account_enter(JOE);
    put(CONFIG, "scsi0", "local:100/vm-100-disk-0.raw", NULL);
    cr_expect_str_eq(text_of(get(CONFIG, NULL), "scsi0"), "local:100/vm-100-disk-0.raw,size=0");
    fails(403, secret, "PUT", CONFIG, "scsi1", "local:101/vm-101-disk-0.raw", NULL);
    fails(403, secret, "PUT", CONFIG, "scsi1", "local:101/vm-101-disk-9.raw", NULL);
    fails(403,
          "Permission check failed (/storage/local, "
          "Datastore.Allocate|Datastore.AllocateSpace|Datastore.Audit)",
          "PUT", CONFIG, "ide2", "local:iso/a.iso,media=cdrom", NULL);
    account_grant("/storage/local", "PVEDatastoreUser", "users", JOE);
    account_enter(JOE);
    put(CONFIG, "ide2", "local:iso/a.iso,media=cdrom", NULL);
    fails(403, "Permission check failed (/vms/101, VM.Config.Disk)", "PUT", CONFIG, "scsi1",
          "local:101/vm-101-disk-0.raw", NULL);
    account_grant("/vms/101", "PVEVMAdmin", "users", JOE);
    account_enter(JOE);
    put(CONFIG, "scsi1", "local:101/vm-101-disk-0.raw", NULL);
    fails(500, "volume 'local:100/vm-100-disk-9.raw' does not exist", "PUT", CONFIG, "scsi2",
          "local:100/vm-100-disk-9.raw", NULL);
    wrong_parameter("scsi2", "unable to parse volume ID 'local:101/vm-100-disk-0.raw'", "PUT", CONFIG,
                    "scsi2", "local:101/vm-100-disk-0.raw", NULL);
    wrong_parameter("scsi2", "unable to parse volume ID 'local:../../etc/shadow'", "PUT", CONFIG, "scsi2",
                    "local:../../etc/shadow", NULL);
}
