/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci/{id}/sriov: which virtual functions a device has and could have, and giving it
 * others, on a made host behind which a kernel is played. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/broker.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"
#include "tests/api/reservation.h"
#include "tests/api/vm.h"
#include "tests/hosts/kernel.h"

#define PCI    "/nodes/" NODE "/hardware/pci"
#define CARD   "0000:d8:00.0" /* has no virtual functions yet */
#define PORT   "0000:3b:00.0" /* has 32, some with drivers of the host */
#define FIRST  "0000:d8:01.0"
#define SECOND "0000:d8:01.1"

static void start_sriov(void)
{
    START(.host = "sriov", .kernel = true);
    kernel_set_vf_driver(CARD, "iavf", 200);
}

TestSuite(sriov, .init = start_sriov, .timeout = 120);

static const json_t *sriov_of(const char *id)
{
    autofree char *path = xasprintf(PCI "/%s/sriov", id);

    return get(path, NULL);
}

/* `persistent`: NULL if it is not given. */
static void set(const char *id, const char *count, const char *persistent)
{
    autofree char *path = xasprintf(PCI "/%s/sriov", id);
    const json_t *reply = persistent == NULL ? put(path, "numvfs", count, NULL)
                                             : put(path, "numvfs", count, "persistent", persistent, NULL);
    autofree char *upid = xstrdup(json_string_value(reply));

    contains(upid, ":pcisriov:");
    task_succeeds(upid);
}

/* Also those that do not exist yet, so that a mapping can name them. */
DAEMON_TEST(sriov, shows_all_virtual_functions_that_a_device_could_have)
{
    const json_t *sriov = sriov_of(CARD), *vfs = member(sriov, "vfs");

    cr_assert_eq(number_of(sriov, "total"), 128);
    cr_assert_eq(number_of(sriov, "now"), 0);
    cr_assert_not(has(sriov, "kept"));
    cr_assert_eq(number_of(sriov, "offset"), 8);
    cr_assert_eq(number_of(sriov, "stride"), 1);
    cr_assert_str_eq(text_of(sriov, "vf-device"), "0x1889");
    cr_assert_eq(json_array_size(vfs), 128);
    is_json(json_array_get(vfs, 0), "{'index':0,'id':'" FIRST "','exists':0}");
    sriov = sriov_of(PORT);
    cr_assert_eq(number_of(sriov, "now"), 32);
    is_json(json_array_get(member(sriov, "vfs"), 2),
            "{'index':2,'id':'0000:3b:02.2','exists':1,'group':18,'driver':'vfio-pci'}");
}

DAEMON_TEST(sriov, makes_virtual_functions_and_removes_them)
{
    set(CARD, "2", NULL);
    cr_assert_eq(number_of(sriov_of(CARD), "now"), 2);
    cr_assert_str_eq(text_of(row(get(PCI, NULL), "id", SECOND), "physfn"), CARD);
    cr_assert_eq(number_of(row(member(sriov_of(CARD), "vfs"), "id", SECOND), "exists"), 1);
    cr_assert_not(has(row(member(sriov_of(CARD), "vfs"), "id", SECOND), "driver"), "it stays free for a VM");
    set(CARD, "0", NULL);
    cr_assert_eq(number_of(sriov_of(CARD), "now"), 0);
}

DAEMON_TEST(sriov, is_kept_until_it_is_forgotten)
{
    set(CARD, "2", "1");
    cr_assert_eq(number_of(sriov_of(CARD), "kept"), 2);
    set(CARD, "0", "0");
    cr_assert_not(has(sriov_of(CARD), "kept"));
}

DAEMON_TEST(sriov, refuses_what_cannot_be_before_there_is_a_task)
{
    wrong_parameter("numvfs", "value 129 is too large: " CARD " can have 128 virtual functions", "PUT",
                    PCI "/" CARD "/sriov", "numvfs", "129", NULL);
    fails(500,
          "0000:03:00.0 can have no virtual functions: either the device has no SR-IOV, or it is switched "
          "off in "
          "the firmware setup (BIOS/UEFI) or in the card's own settings",
          "PUT", PCI "/0000:03:00.0/sriov", "numvfs", "1", NULL);
    fails(500, "no PCI device found for '0000:77:00.0'", "PUT", PCI "/0000:77:00.0/sriov", "numvfs", "1",
          NULL);
}

#define OF_VM   "0000:3b:02.2" /* of PORT's */
#define HALF_OF "0000:3b:02.3"

/* The kernel knows of a VM's function only once its process has opened it, which no process here does. */
static void run_vms(void)
{
    daemon_stop();
    reservation_put(101, &(const struct reservation){.device = OF_VM, .key = "hostpci0"});
    reservation_put(102, &(const struct reservation){.device = "6f7a66b4-4a2e-4f0a-8d43-1a86b6b7e0aa",
                                                     .key = "hostpci0",
                                                     .parent = HALF_OF,
                                                     .type = "half"});
    daemon_start_again();
}

DAEMON_TEST(sriov, with_virtual_functions_that_vms_have_keeps_their_number)
{
    static const char *const others[] = {"0", "1", "33"};

    run_vms();
    for (size_t i = 0; i < COUNT_OF(others); i++)
        fails(503,
              "changing the number of virtual functions removes all that " PORT
              " has, but VMs have some of them: " OF_VM " by VMID '101', " HALF_OF
              " by VMID '102': stop these VMs first",
              "PUT", PCI "/" PORT "/sriov", "numvfs", others[i], NULL);
    reservation_end(101);
    fails(503,
          "changing the number of virtual functions removes all that " PORT
          " has, but VMs have some of them: " HALF_OF " by VMID '102': stop these VMs first",
          "PUT", PCI "/" PORT "/sriov", "numvfs", "0", NULL);
    cr_assert_eq(number_of(sriov_of(PORT), "now"), 32);
    reservation_end(102);
    contains(json_string_value(put(PCI "/" PORT "/sriov", "numvfs", "0", NULL)), ":pcisriov:");
}

/* Those stay with their VMs. */
DAEMON_TEST(sriov, changes_what_leaves_the_number_alone_while_vms_run)
{
    run_vms();
    set(PORT, "32", NULL);
    autofree char *upid = xstrdup(json_string_value(put(PCI "/" PORT "/sriov", "persistent", "0", NULL)));
    task_succeeds(upid);
}

/* The card's driver comes late. The VM cannot start in any case, but only after that. */
DAEMON_TEST(sriov, that_is_kept_is_there_before_vms_start)
{
    set(CARD, "2", "1");
    set(CARD, "0", NULL);
    vm_create("100", "onboot", "1", "hostpci0", "ff:1f.7", NULL);
    broker_kill();
    kernel_put(CARD, "", "");
    broker_start_again();
    contains(text_of(sriov_of(CARD), "kept-waits"), "only a driver makes virtual functions");
    contains(text_of(member(get(PCI "/" CARD "/status", NULL), "state"), "persistent-waits"),
             "only a driver makes virtual functions");
    autofree char *upid = xstrdup(json_string_value(post("/nodes/" NODE "/startall", NULL)));
    task_says(upid, "Waiting for the persistent settings of " CARD " (sriov)");
    MOVE(CARD, "auto");
    task_says(upid, "Starting VM 100");
    autofree char *end = task_end(upid);
    cr_expect_str_eq(end, "WARNINGS: 1");
    cr_expect_eq(number_of(sriov_of(CARD), "now"), 2);
    cr_expect_not(has(sriov_of(CARD), "kept-waits"));
}

/* The remedy makes what a VM's configuration names already, and is made for each start of the host. */
DAEMON_TEST(sriov, that_a_vm_names_and_is_not_there_is_made_by_the_remedy)
{
    vm_create("100", "hostpci0", SECOND, NULL);
    const json_t *found =
        row(member(get("/nodes/" NODE "/qemu/100/preflight", NULL), "checks"), "id", "device-chosen");
    contains(text_of(found, "evidence"),
             "it would be virtual function 1 of " CARD ", which has 0 of at most 128");
    is_json(member(found, "action"), "{'method':'PUT','path':'/nodes/" NODE "/hardware/pci/" CARD
                                     "/sriov','parameters':{'numvfs':4,'persistent':1}}");
    vm_create("101", "hostpci0", "0000:d8:01.7", NULL);
    found = row(member(get("/nodes/" NODE "/qemu/101/preflight", NULL), "checks"), "id", "device-chosen");
    cr_expect_eq(number_of(member(member(found, "action"), "parameters"), "numvfs"), 8);
    set(CARD, "2", "1");
    found = row(member(get("/nodes/" NODE "/qemu/101/preflight", NULL), "checks"), "id", "device-chosen");
    contains(text_of(found, "remedy"), "# this removes the 2 that there are, and makes them again:\n");
    kernel_put(CARD, "", "");
    found = row(member(get("/nodes/" NODE "/qemu/101/preflight", NULL), "checks"), "id", "device-chosen");
    cr_expect_str_eq(text_of(member(found, "action"), "path"),
                     "/nodes/" NODE "/hardware/pci/" CARD "/driver");
    vm_create("102", "hostpci0", "0000:77:00.0", NULL);
    found = row(member(get("/nodes/" NODE "/qemu/102/preflight", NULL), "checks"), "id", "device-chosen");
    contains(text_of(found, "remedy"), "# choose another of the host's devices");
}
