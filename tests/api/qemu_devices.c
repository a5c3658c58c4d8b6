/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /nodes/{node}/qemu/{vmid}/devices: which device of the guest is which device of the host. The guest's
 * addresses come from command lines for the real QEMU of the package qemu-system-x86. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define VM      QEMU "/100"
#define DEVICES VM "/devices"

static void start(void)
{
    START(.host = "golden");
}

TestSuite(qemu_devices, .init = start, .timeout = 120);

static const json_t *device(const char *key)
{
    return row(get(DEVICES, NULL), "key", key);
}

DAEMON_TEST(qemu_devices, of_a_vm_without_any_is_empty)
{
    vm_create("100", NULL);
    is_json(get(DEVICES, NULL), "[]");
}

DAEMON_TEST(qemu_devices, tells_where_the_guest_will_find_each_function)
{
    vm_create("100", "machine", "q35", "hostpci0", "01:00,pcie=1", "hostpci1", "04:00.0", NULL);
    const json_t *functions = member(device("hostpci0"), "functions");
    cr_assert_eq(json_array_size(functions), 2);
    cr_expect_str_eq(text_of(json_array_get(functions, 0), "host"), "0000:01:00.0");
    cr_expect_str_eq(text_of(json_array_get(functions, 0), "guest"), "0000:01:00.0");
    cr_expect_str_eq(text_of(json_array_get(functions, 1), "host"), "0000:01:00.1");
    cr_expect_str_eq(text_of(json_array_get(functions, 1), "guest"), "0000:01:00.1");
    /* pci.0 of q35 is behind four ports and a bridge */
    functions = member(device("hostpci1"), "functions");
    cr_expect_str_eq(text_of(json_array_get(functions, 0), "guest"), "0000:06:11.0");
    cr_expect_str_eq(text_of(json_array_get(functions, 0), "ids"), "144d:a808");
    cr_expect_str_eq(text_of(device("hostpci1"), "rom"), "own");
}

DAEMON_TEST(qemu_devices, of_a_pc_are_on_its_root_bus)
{
    vm_create("100", "hostpci3", "04:00.0", NULL);
    is_json(get(DEVICES, NULL),
            "[{'key':'hostpci3','rom':'own','functions':[{'host':'0000:04:00.0','guest':"
            "'0000:00:1c.0','ids':'144d:a808','subsystem-ids':'144d:a801','link':{'speed':"
            "'8.0 GT/s PCIe','max-speed':'8.0 GT/s PCIe','width':4,'max-width':4}}]}]");
}

DAEMON_TEST(qemu_devices, have_the_ids_and_the_rom_that_the_guest_sees)
{
    vm_create("100", "hostpci0", "04:00.0,vendor-id=0x8086,sub-device-id=0x0001,rombar=0", NULL);
    const json_t *function = json_array_get(member(device("hostpci0"), "functions"), 0);
    cr_expect_str_eq(text_of(function, "ids"), "8086:a808");
    cr_expect_str_eq(text_of(function, "subsystem-ids"), "144d:0001");
    cr_expect_str_eq(text_of(device("hostpci0"), "rom"), "none");
    put(VM "/config", "hostpci0", "04:00.0,romfile=card.rom", NULL);
    cr_expect_str_eq(text_of(device("hostpci0"), "rom"), "card.rom");
}

DAEMON_TEST(qemu_devices, tell_why_one_is_missing_and_show_the_others)
{
    vm_create("100", "hostpci0", "09:00.0", "hostpci1", "04:00.0", NULL);
    is_json(member(device("hostpci0"), "functions"), "[]");
    cr_expect_str_eq(text_of(device("hostpci0"), "reason"), "no PCI device found for '0000:09:00.0'");
    const json_t *other = json_array_get(member(device("hostpci1"), "functions"), 0);
    cr_expect_str_eq(text_of(other, "host"), "0000:04:00.0");
    cr_expect_not(has(other, "guest"));
    cr_expect_str_eq(text_of(device("hostpci1"), "reason"),
                     "the guest's addresses are not known: no PCI device found for '0000:09:00.0'");
}

DAEMON_TEST(qemu_devices, of_a_mapping_is_the_one_that_a_start_would_choose)
{
    post("/cluster/mapping/pci", "id", "disk", "map",
         "node=" NODE ",path=0000:04:00.0,id=144d:a808,subsystem-id=144d:a801,iommugroup=11", NULL);
    vm_create("100", "hostpci0", "mapping=disk", NULL);
    cr_expect_str_eq(text_of(device("hostpci0"), "mapping"), "disk");
    cr_expect_str_eq(text_of(json_array_get(member(device("hostpci0"), "functions"), 0), "host"),
                     "0000:04:00.0");
}

/* What a running VM has, and not what a pending change would choose; no broker knows where it is. */
DAEMON_TEST(qemu_devices, of_a_running_vm_are_those_that_it_has)
{
    vm_create("100", "hostpci0", "01:00.0", NULL);
    vm_run(100);
    put(VM "/config", "hostpci0", "04:00.0", NULL);
    const json_t *function = json_array_get(member(device("hostpci0"), "functions"), 0);
    cr_expect_str_eq(text_of(function, "host"), "0000:01:00.0");
    cr_expect_not(has(function, "guest"));
    cr_expect(
        text_starts_with(text_of(device("hostpci0"), "reason"), "the guest's addresses are not known: "));
}

DAEMON_TEST(qemu_devices, of_a_missing_vm_is_an_error)
{
    fails(500, "Configuration file 'nodes/" NODE "/qemu-server/100.conf' does not exist", "GET", DEVICES,
          NULL);
}

DAEMON_TEST(qemu_devices, are_for_who_may_see_the_vm)
{
    vm_needs_audit(DEVICES);
    is_json(get(DEVICES, NULL), "[]");
}
