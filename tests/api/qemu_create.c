/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POST /nodes/{node}/qemu: virtual machines made as clients make them. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "passthrough/index.h"
#include "storage/local.h"
#include "task/upid.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define VM  QEMU "/100"
#define JOE "joe@pve"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(qemu_create, .init = start, .timeout = 120);

static bool has_line(const json_t *log, const char *text)
{
    json_t *line;
    size_t i;

    json_array_foreach(log, i, line)
        if (strstr(text_of(line, "t"), text) != NULL)
            return true;
    return false;
}

/* Gives joe@pve these privileges, and calls as him from now on. */
static void be_joe(const char *path, const char *role)
{
    account_create(JOE, NULL);
    if (role != NULL)
        account_grant(path, role, "users", JOE);
    account_enter(JOE);
}

static void make_role(const char *role, const char *privileges)
{
    post("/access/roles", "roleid", role, "privs", privileges, NULL);
}

DAEMON_TEST(qemu_create, is_a_task_of_that_vm)
{
    const char *text = json_string_value(post(QEMU, "vmid", "100", "name", "web", NULL));
    struct upid upid;

    cr_assert(upid_parse(text, &upid), "%s", text);
    cr_assert_str_eq(upid.type, "qmcreate");
    cr_assert_str_eq(upid.id, "100");
    cr_assert_str_eq(upid.user, "root@pam");
    cr_assert_str_eq(vm_task_end(text), "OK");
    cr_assert_str_eq(text_of(get(VM "/config", NULL), "name"), "web");
}

DAEMON_TEST(qemu_create, log_tells_what_was_added)
{
    autofree char *upid = xstrdup(json_string_value(
        post(QEMU, "vmid", "100", "scsi0", "/srv/a.raw", "net0", "virtio,bridge=vmbr0", NULL)));

    cr_assert_str_eq(vm_task_end(upid), "OK");
    const json_t *log = vm_task_log(upid), *config = get(VM "/config", NULL);
    cr_assert(has_line(log, "boot: order=scsi0;net0"));
    cr_assert(has_line(log, "smbios1: uuid="));
    cr_assert(has_line(log, "vmgenid: "));
    cr_assert(has_line(log, "meta: "));
    cr_assert_not(has_line(log, "scsi0: "), "that was sent");
    cr_assert(has_line(log, text_of(config, "net0")), "with the address that was made up");
    cr_assert_eq(strncmp(text_of(config, "net0"), "virtio=BC:24:11:", strlen("virtio=BC:24:11:")), 0);
}

DAEMON_TEST(qemu_create, id_is_taken_once)
{
    vm_create("100", NULL);
    fails(500, "unable to create VM 100 - VM 100 already exists on node '" NODE "'", "POST", QEMU, "vmid",
          "100", NULL);
    wrong_parameter("vmid", "property is missing and it is not optional", "POST", QEMU, NULL);
    wrong_parameter("vmid", "value must have a minimum value of 100", "POST", QEMU, "vmid", "99", NULL);
    wrong_parameter("vmid", "value must have a maximum value of 999999999", "POST", QEMU, "vmid",
                    "1000000000", NULL);
}

/* Two requests at once: their tasks decide. */
DAEMON_TEST(qemu_create, id_is_taken_once_by_two_at_the_same_time)
{
    enum { COUNT = 8 };
    autofree char *upids[COUNT] = {NULL};
    int begun = 0, created = 0;

    for (int i = 0; i < COUNT; i++) {
        const struct reply *reply = CALL(.method = "POST", .path = QEMU, .body = "vmid=100");
        if (reply->status == 200)
            upids[begun++] = xstrdup(json_string_value(reply->data));
    }
    for (int i = 0; i < begun; i++) {
        const char *end = vm_task_end(upids[i]);
        created += strcmp(end, "OK") == 0;
        if (strcmp(end, "OK") != 0)
            cr_assert_str_eq(end, "unable to create VM 100 - VM 100 already exists on node '" NODE "'");
        free(upids[i]);
        upids[i] = NULL;
    }
    cr_assert_eq(created, 1);
}

/* The reply reports what is wrong, and nothing is made. */
DAEMON_TEST(qemu_create, refuses_wrong_values_before_the_task)
{
    wrong_parameter("colour",
                    "property is not defined in schema and the schema does not allow additional "
                    "properties",
                    "POST", QEMU, "vmid", "100", "colour", "red", NULL);
    wrong_parameter("cores", "type check ('integer') failed - got 'many'", "POST", QEMU, "vmid", "100",
                    "cores", "many", NULL);
    wrong_parameter("onboot", "type check ('boolean') failed - got 'yes'", "POST", QEMU, "vmid", "100",
                    "onboot", "yes", NULL);
    cr_assert_eq(CALL(.method = "POST", .path = QEMU, .body = "vmid=100&hostpci0=somewhere")->status, 400);
    cr_assert_eq(CALL(.method = "POST", .path = QEMU, .body = "vmid=100&hostpci16=01:00.0")->status, 400);
    cr_assert_eq(CALL(.method = "POST", .path = QEMU, .body = "vmid=100&memory=512&balloon=1024")->status,
                 400);
    is_json(get(QEMU, NULL), "[]");
    is_json(get("/nodes/" NODE "/tasks", NULL), "[]");
}

/* Storage pools, pools, backups and clusters are not here; clients send such parameters empty or 0, too. */
DAEMON_TEST(qemu_create, refuses_what_is_not_here_but_not_its_absence)
{
    static const char *const sent[][2] = {
        {"archive", "local:backup/a.vma"},
        {"pool", "people"},
        {"storage", "tank"},
        {"import-working-storage", "local"},
        {"force", "1"},
        {"ha-managed", "1"},
        {"live-restore", "1"},
        {"unique", "1"},
    };
    static const char *const nothing[][2] = {
        {"archive", ""}, {"pool", ""},        {"storage", ""},       {"import-working-storage", ""},
        {"force", "0"},  {"ha-managed", "0"}, {"live-restore", "0"}, {"start", "0"},
        {"unique", "0"}, {"bwlimit", "0"},
    };

    for (size_t i = 0; i < COUNT_OF(sent); i++) {
        autofree char *form = xasprintf("vmid=100&%s=%s", sent[i][0], sent[i][1]);
        const struct reply *reply = CALL(.method = "POST", .path = QEMU, .body = form);
        cr_expect_eq(reply->status, 400, "%s: %s", form, reply->body);
        cr_expect(has(reply->errors, sent[i][0]), "%s: %s", form, reply->body);
    }
    for (size_t i = 0; i < COUNT_OF(nothing); i++) {
        autofree char *vmid = xasprintf("%zu", 100 + i);
        vm_create(vmid, nothing[i][0], nothing[i][1], NULL);
    }
}

DAEMON_TEST(qemu_create, volume_in_a_storage_pool_is_refused_with_what_to_do)
{
    const struct reply *reply =
        CALL(.method = "POST", .path = QEMU, .body = "vmid=100&scsi0=local-lvm:vm-100-disk-0");

    cr_assert_eq(reply->status, 400, "%s", reply->body);
    cr_assert_not_null(strstr(text_of(reply->errors, "scsi0"), "absolute path"), "%s", reply->body);
}

DAEMON_TEST(qemu_create, needs_to_allocate_the_id)
{
    be_joe("/vms/200", "PVEVMAdmin");
    fails(403, "Permission check failed (/vms/100, VM.Allocate)", "POST", QEMU, "vmid", "100", NULL);
    vm_create("200", "cores", "2", NULL);
}

/* Each key that is sent takes its privilege. */
DAEMON_TEST(qemu_create, needs_the_privilege_of_each_key)
{
    make_role("Allocator", "VM.Allocate");
    be_joe("/vms", "Allocator");
    vm_create("100", NULL);
    fails(403, "Permission check failed (/vms/101, VM.Config.CPU)", "POST", QEMU, "vmid", "101", "cores", "2",
          NULL);
    fails(403, "Permission check failed (/vms/101, VM.Config.Options)", "POST", QEMU, "vmid", "101", "name",
          "web", NULL);
}

/* "hostpci mapping=: Mapping.Use on /mapping/pci/ID + VM.Config.HWType; host=: root@pam only" */
DAEMON_TEST(qemu_create, devices_of_the_host_are_for_root_and_mappings_for_their_users)
{
    post("/cluster/mapping/pci", "id", "gpu", "map", "node=" NODE ",path=0000:01:00.0,id=10de:2484", NULL);
    be_joe("/", "PVEVMAdmin");
    fails(500, "only root can set 'hostpci0' config for non-mapped devices", "POST", QEMU, "vmid", "100",
          "hostpci0", "01:00.0", NULL);
    fails(403, "Permission check failed (/mapping/pci/gpu, Mapping.Use)", "POST", QEMU, "vmid", "100",
          "hostpci0", "mapping=gpu", NULL);
    account_grant("/mapping/pci/gpu", "PVEMappingUser", "users", JOE);
    account_enter(JOE);
    vm_create("100", "hostpci0", "mapping=gpu", NULL);
    fails(500,
          "only root can set 'hostpci0' config for non-mapped devices: set mapping=gpu, which has "
          "0000:01:00.0",
          "POST", QEMU, "vmid", "101", "hostpci0", "01:00.0,pcie=1", NULL);
    fails(500,
          "only root can set 'hostpci1' config for non-mapped devices: set mapping=gpu, which has "
          "0000:01:00",
          "POST", QEMU, "vmid", "101", "hostpci1", "01:00", NULL);
    fails(500, "only root can set 'hostpci0' config for non-mapped devices", "POST", QEMU, "vmid", "101",
          "hostpci0", "02:00", NULL);
    fails(500, "only root can set 'args' config", "POST", QEMU, "vmid", "101", "args", "-S", NULL);
}

/* "Root token != root@pam" */
DAEMON_TEST(qemu_create, token_of_root_is_not_root)
{
    const json_t *token = post("/access/users/root@pam/token/ci", "privsep", "0", NULL);
    autofree char *credential = xasprintf("%s=%s", text_of(token, "full-tokenid"), text_of(token, "value"));

    call_with_token(credential);
    vm_create("100", "cores", "2", NULL);
    fails(500, "only root can set 'hostpci0' config for non-mapped devices", "POST", QEMU, "vmid", "101",
          "hostpci0", "01:00.0", NULL);
}

/* As the web interface's window sends it, with a slash at the end, and as go-proxmox does. */
DAEMON_TEST(qemu_create, takes_forms_and_json)
{
    CALL(.method = "POST", .path = QEMU "/", .content_type = "application/x-www-form-urlencoded",
         .body = "vmid=100&name=web&ostype=l26&memory=2048&net0=virtio%2Cbridge%3Dvmbr0");
    const struct reply *reply =
        CALL(.method = "POST", .path = QEMU, .content_type = "application/json",
             .body = "{\"vmid\":101,\"cores\":2,\"onboot\":true,\"memory\":\"2048\",\"node\":\"" NODE "\"}");
    cr_assert_str_eq(vm_task_end(json_string_value(reply->data)), "OK");
    const json_t *config = get(QEMU "/101/config", NULL);
    cr_assert_eq(number_of(config, "cores"), 2);
    cr_assert_eq(number_of(config, "onboot"), 1);
    cr_assert_str_eq(text_of(config, "memory"), "2048");
}

/* The task of a daemon that was killed: whether the VM is there tells how it ended. */
static char *leave_unfinished(int number, const char *type, const char *id)
{
    struct upid upid = {.pid = (uint32_t)number, .process_start = 500, .start = 1000};
    autofree char *path = xasprintf("%s/hostpci.db", daemon_state());
    char *text = xcalloc(1, UPID_SIZE);
    struct storage *storage;
    struct error err;

    snprintf(upid.node, sizeof(upid.node), "%s", NODE);
    snprintf(upid.type, sizeof(upid.type), "%s", type);
    snprintf(upid.id, sizeof(upid.id), "%s", id);
    snprintf(upid.user, sizeof(upid.user), "root@pam");
    upid_format(&upid, text);
    cr_assert_eq(storage_open(path, passthrough_index, &storage, &err), 0, "%s", err.message);
    cr_assert_eq(
        local_begin_task(storage, &(const struct local_task){number, text, type, id, "root@pam", 1000}, &err),
        0, "%s", err.message);
    storage_close(storage);
    return text;
}

DAEMON_TEST(qemu_create, after_a_crash_the_vm_tells_how_its_task_ended)
{
    vm_create("100", NULL);
    daemon_kill();
    autofree char *created = leave_unfinished(11, "qmcreate", "100");
    autofree char *lost = leave_unfinished(12, "qmcreate", "101");
    autofree char *destroyed = leave_unfinished(13, "qmdestroy", "102");
    autofree char *kept = leave_unfinished(14, "qmdestroy", "100");
    daemon_start_again();
    cr_assert_str_eq(vm_task_end(created), "OK");
    cr_assert_str_eq(vm_task_end(destroyed), "OK");
    cr_assert_str_eq(vm_task_end(lost), "interrupted by a restart of hostpci before anything was changed");
    cr_assert_str_eq(vm_task_end(kept), "interrupted by a restart of hostpci before anything was changed");
}
