/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may change a VM's configuration: what PUT and POST answer. Every key is tested in
 * tests/unit/api/qemu/access.c. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define CONFIG QEMU "/100/config"
#define JOE    "joe@pve"

static const char needs_mapping[] = "Permission check failed (/mapping/pci/gpu, Mapping.Use)";
static const char needs_root[] = "only root can set 'hostpci0' config for non-mapped devices";

static void start(void)
{
    START(.host = "workstation");
    vm_create("100", "memory", "2048", NULL);
    account_create(JOE, NULL);
}

TestSuite(qemu_access, .init = start, .timeout = 120);

static void grant(const char *path, const char *role)
{
    account_grant(path, role, "users", JOE);
}

/* The exit status of the task that POST begins; it is read by root. */
static const char *post_and_wait(const char *key, const char *value)
{
    autofree char *upid = xstrdup(json_string_value(post(CONFIG, key, value, NULL)));

    call_with_token(NULL);
    const char *end = vm_task_end(upid);
    account_enter(JOE);
    return end;
}

DAEMON_TEST(qemu_access, reading_needs_vm_audit)
{
    account_enter(JOE);
    fails(403, "Permission check failed (/vms/100, VM.Audit)", "GET", CONFIG, NULL);
    grant("/vms/100", "PVEAuditor");
    account_enter(JOE);
    get(CONFIG, NULL);
}

DAEMON_TEST(qemu_access, changing_needs_one_of_the_config_privileges_at_all)
{
    static const char text[] =
        "Permission check failed (/vms/100, VM.Config.Disk|VM.Config.CDROM|VM.Config.CPU|VM.Config.Memory|"
        "VM.Config.Network|VM.Config.HWType|VM.Config.Options|VM.Config.Cloudinit)";

    grant("/vms/100", "PVEAuditor");
    account_enter(JOE);
    fails(403, text, "PUT", CONFIG, "memory", "1024", NULL);
    fails(403, text, "POST", CONFIG, "memory", "1024", NULL);
}

DAEMON_TEST(qemu_access, each_key_needs_its_own)
{
    grant("/vms/100", "PVEVMUser");
    account_enter(JOE);
    put(CONFIG, "ide2", "none,media=cdrom", "ciuser", "joe", NULL);
    fails(403, "Permission check failed (/vms/100, VM.Config.Memory)", "PUT", CONFIG, "memory", "1024",
          "ide2", "none", NULL);
    fails(403, "Permission check failed (/vms/100, VM.Config.Memory)", "POST", CONFIG, "memory", "1024",
          NULL);
    fails(403, "Permission check failed (/vms/100, VM.Config.Memory)", "PUT", CONFIG, "delete", "memory",
          NULL);
    fails(403, "Permission check failed (/vms/100, VM.Config.Memory)", "PUT", CONFIG, "revert", "memory",
          NULL);
    fails(500, "only root can set 'args' config", "PUT", CONFIG, "args", "-s", NULL);
    fails(500, "only root can set 'args' config", "POST", CONFIG, "args", "-s", NULL);
    wrong_parameter("skiplock", "Only root may use this option.", "PUT", CONFIG, "ide2", "none", "skiplock",
                    "1", NULL);
    cr_assert_str_eq(text_of(get(CONFIG, NULL), "memory"), "2048");
}

DAEMON_TEST(qemu_access, put_tells_who_may_not_give_a_device)
{
    grant("/vms/100", "PVEVMAdmin");
    account_enter(JOE);
    fails(403, needs_mapping, "PUT", CONFIG, "hostpci0", "mapping=gpu", NULL);
    fails(500, needs_root, "PUT", CONFIG, "hostpci0", "01:00.0", NULL);
    grant("/mapping/pci/gpu", "PVEMappingUser");
    account_enter(JOE);
    put(CONFIG, "hostpci0", "mapping=gpu,pcie=1", NULL);
    wrong_parameter("hostpci0", "only root can set romfile", "PUT", CONFIG, "hostpci0",
                    "mapping=gpu,romfile=gpu.rom", NULL);
    put(CONFIG, "delete", "hostpci0", NULL);
    cr_assert_not(has(get(CONFIG, NULL), "hostpci0"));
}

/* "For POST config, hostpci denial appears in the task, not HTTP." */
DAEMON_TEST(qemu_access, post_lets_the_task_tell)
{
    grant("/vms/100", "PVEVMAdmin");
    account_enter(JOE);
    cr_assert_str_eq(post_and_wait("hostpci0", "mapping=gpu"), needs_mapping);
    cr_assert_str_eq(post_and_wait("hostpci0", "01:00.0"), needs_root);
    cr_assert_str_eq(post_and_wait("net0", "virtio,bridge=vmbr0"),
                     "Permission check failed (/sdn/zones/localnetwork/vmbr0, SDN.Use)");
    const json_t *upid = post(CONFIG, "hostpci0", "01:00.0", "background_delay", "5", NULL);
    cr_assert(json_is_string(upid), "it did not end well");
    wrong_parameter("hostpci0", "Either 'host' or 'mapping' must be set.", "POST", CONFIG, "hostpci0",
                    "pcie=1", NULL);
    cr_assert_not(has(get(CONFIG, NULL), "hostpci0"));
}

/* Privileges are asked for at the path as it was sent. */
DAEMON_TEST(qemu_access, another_spelling_of_the_number_is_no_way_around)
{
    static const char *const spellings[] = {"0100", "+100", "%2B100", "00100"};
    const char *text = "invalid format - value does not look like a valid VM ID\n";

    grant("/vms", "PVEVMAdmin");
    grant("/vms/100", "NoAccess");
    account_enter(JOE);
    fails(403, "Permission check failed (/vms/100, VM.Audit)", "GET", CONFIG, NULL);
    for (size_t i = 0; i < COUNT_OF(spellings); i++) {
        autofree char *vm = xasprintf(QEMU "/%s", spellings[i]), *config = xasprintf("%s/config", vm);
        wrong_parameter("vmid", text, "GET", config, NULL);
        wrong_parameter("vmid", text, "PUT", config, "name", "x", NULL);
        wrong_parameter("vmid", text, "DELETE", vm, NULL);
    }
}

/* Others can neither remove nor replace what root gave to a VM. */
DAEMON_TEST(qemu_access, old_value_counts_too)
{
    grant("/vms/100", "PVEVMAdmin");
    grant("/mapping", "PVEMappingUser");
    put(CONFIG, "hostpci0", "01:00.0", NULL);
    account_enter(JOE);
    fails(500, needs_root, "PUT", CONFIG, "delete", "hostpci0", NULL);
    fails(500, needs_root, "PUT", CONFIG, "hostpci0", "mapping=gpu", NULL);
    cr_assert_str_eq(text_of(get(CONFIG, NULL), "hostpci0"), "01:00.0");
}

/* Trap 7 of the wire contract. */
DAEMON_TEST(qemu_access, token_of_root_is_not_root)
{
    const json_t *created = post("/access/users/root@pam/token/ci", "privsep", "0", NULL);
    autofree char *credential =
        xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value"));

    account_grant("/", "Administrator", "tokens", "root@pam!ci");
    put(CONFIG, "hostpci0", "01:00.0", "args", "-s", NULL);
    call_with_token(credential);
    put(CONFIG, "memory", "1024", NULL);
    fails(500, needs_root, "PUT", CONFIG, "hostpci0", "01:00.1", NULL);
    fails(500, "only root can set 'args' config", "PUT", CONFIG, "delete", "args", NULL);
    wrong_parameter("skiplock", "Only root may use this option.", "PUT", CONFIG, "memory", "512", "skiplock",
                    "1", NULL);
}

DAEMON_TEST(qemu_access, creation_asks_the_same)
{
    grant("/vms/101", "PVEVMAdmin");
    account_enter(JOE);
    fails(500, needs_root, "POST", QEMU, "vmid", "101", "hostpci0", "01:00.0", NULL);
    fails(403, needs_mapping, "POST", QEMU, "vmid", "101", "hostpci0", "mapping=gpu", NULL);
    fails(500, "only root can set 'args' config", "POST", QEMU, "vmid", "101", "args", "-s", NULL);
}
