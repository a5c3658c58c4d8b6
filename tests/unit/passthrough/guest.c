/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where QEMU says that the guest's devices are. The whole list is tested by tests/api/qemu_devices.c. */
#include "passthrough/guest.h"

#include <criterion/criterion.h>

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/storage/fixture.h"

/* Shortened from an answer of QEMU 7.2 to query-pci. */
Test(passthrough_guest, addresses_are_those_of_query_pci_behind_bridges_too)
{
    autojson json_t *buses = fixture_json(
        "[{'bus':0,'devices':["
        "{'bus':0,'slot':0,'function':0,'qdev_id':''},"
        "{'bus':0,'slot':28,'function':1,'qdev_id':'ich9-pcie-port-2','pci_bridge':{'bus':{'number':0,"
        "'secondary':2,'subordinate':2},'devices':["
        "{'bus':2,'slot':0,'function':0,'qdev_id':'hostpci1.0'},"
        "{'bus':2,'slot':0,'function':1,'qdev_id':'hostpci1.1'}]}},"
        "{'bus':0,'slot':31,'function':2,'qdev_id':'ahci0'}]}]");
    autojson json_t *addresses = guest_read_addresses(buses);

    cr_expect_eq(json_object_size(addresses), 4);
    cr_expect_str_eq(json_text(addresses, "hostpci1.0"), "0000:02:00.0");
    cr_expect_str_eq(json_text(addresses, "hostpci1.1"), "0000:02:00.1");
    cr_expect_str_eq(json_text(addresses, "ahci0"), "0000:00:1f.2");
}

Test(passthrough_guest, an_answer_of_another_form_has_no_addresses)
{
    static const char *const answers[] = {"[]", "{}", "[1,null]", "[{'devices':[{'bus':'a'},7]}]"};

    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        autojson json_t *buses = fixture_json(answers[i]), *addresses = guest_read_addresses(buses);
        cr_expect_eq(json_object_size(addresses), 0, "%s", answers[i]);
    }
}
