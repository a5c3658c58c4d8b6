/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci/{pci-id-or-mapping}/status: one device whole. */
#include <criterion/criterion.h>

#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/look.h"

#define PCI "/nodes/" NODE "/hardware/pci"

TestSuite(pci_status, .timeout = 120);

DAEMON_TEST(pci_status, of_a_graphics_card)
{
    START(.host = "workstation");
    const json_t *card = get(PCI "/0000:01:00.0/status", NULL);

    cr_assert_str_eq(text_of(card, "driver"), "nouveau");
    cr_assert_str_eq(text_of(card, "revision"), "0xa1");
    cr_assert_str_eq(text_of(card, "slot"), "1");
    cr_assert_str_eq(text_of(card, "power-state"), "D0");
    cr_assert_eq(number_of(card, "boot-vga"), 1);
    is_json(member(card, "modules"), "['nouveau','nvidiafb']");
    is_json(member(card, "peers"), "['0000:00:01.0','0000:01:00.1']");
    is_json(member(card, "reset-methods"), "['bus']");
    is_json(member(card, "link"),
            "{'speed':'2.5 GT/s PCIe','max-speed':'16.0 GT/s PCIe','width':16,'max-width':16}");
    is_json(json_array_get(member(card, "resources"), 0),
            "{'name':'bar0','start':'0xde000000','size':16777216,'type':'mem32'}");
    is_json(json_array_get(member(card, "resources"), 1),
            "{'name':'bar1','start':'0xc0000000','size':268435456,'type':'mem64','prefetchable':1}");
    is_json(member(card, "rom"), "{'size':131072,'shadow':1}");
    cr_assert_not(has(card, "numa-node"), "the machine has one node");
    cr_assert_not(has(card, "driver-override"));
    cr_assert_not(has(card, "sriov"));
}

DAEMON_TEST(pci_status, of_physical_and_virtual_functions)
{
    START(.host = "sriov");
    const json_t *port = get(PCI "/0000:3b:00.0/status", NULL);
    is_json(member(port, "sriov"), "{'totalvfs':64,'numvfs':32,'offset':16,'stride':1,'vf-device':'0x154c',"
                                   "'drivers-autoprobe':1}");
    cr_assert_eq(json_object_size(member(port, "virtfns")), 32);
    cr_assert_str_eq(text_of(member(port, "virtfns"), "virtfn8"), "0000:3b:03.0");
    cr_assert_eq(number_of(port, "numa-node"), 0);

    const json_t *function = get(PCI "/0000:3b:02.1/status", NULL);
    cr_assert_str_eq(text_of(function, "physfn"), "0000:3b:00.0");
    cr_assert_str_eq(text_of(function, "driver"), "iavf");
    cr_assert_not(has(get(PCI "/0000:3b:02.3/status", NULL), "driver"), "bound to none");

    const json_t *empty = get(PCI "/0000:d8:00.0/status", NULL);
    cr_assert_eq(number_of(member(empty, "sriov"), "totalvfs"), 128);
    cr_assert_eq(number_of(member(empty, "sriov"), "numvfs"), 0);
    cr_assert_eq(number_of(empty, "numa-node"), 1);
    cr_assert_str_eq(text_of(get(PCI "/0000:d9:00.0/status", NULL), "driver-override"), "vfio-pci");
}

#define CARD "sys/bus/pci/devices/0000:01:00.0/"

DAEMON_TEST(pci_status, of_a_newer_kernel_has_more)
{
    START(.host = "workstation");
    host_write(CARD "aer_dev_correctable", "RxErr 0\nBadTLP 3\nTOTAL_ERR_COR 3\n");
    host_write(CARD "serial_number", "00-80-ee-00-00-00-11-22\n");
    host_write(CARD "vfio-dev/vfio0/dev", "511:0\n");
    host_write("sys/bus/pci/devices/0000:00:01.0/reset_subordinate", "");
    const json_t *card = get(PCI "/0000:01:00.0/status", NULL);
    is_json(member(card, "errors"), "[{'severity':'correctable','name':'BadTLP','count':3}]");
    cr_assert_str_eq(text_of(card, "serial-number"), "00-80-ee-00-00-00-11-22");
    is_json(member(card, "vfio-dev"), "{'name':'vfio0','cdev':'/dev/vfio/devices/vfio0'}");
    cr_assert_eq(number_of(get(PCI "/0000:00:01.0/status", NULL), "reset-subordinate"), 1);
}

DAEMON_TEST(pci_status, takes_an_id_without_domain_but_no_mapping)
{
    START(.host = "workstation");
    cr_assert_str_eq(text_of(get(PCI "/02:00.0/status", NULL), "id"), "0000:02:00.0");
    cr_assert_str_eq(text_of(get(PCI "/0000:00:1F.6/status", NULL), "id"), "0000:00:1f.6");
    wrong_parameter("pci-id-or-mapping", "invalid format - value is not a PCI id such as 0000:01:00.0\n",
                    "GET", PCI "/gpu/status", NULL);
    fails(500, "no PCI device found for '0000:7f:00.0'", "GET", PCI "/7f:00.0/status", NULL);
}

DAEMON_TEST(pci_status, names_the_mappings_of_the_device_alone_or_as_a_whole)
{
    START(.host = "workstation");
    post("/cluster/mapping/pci", "id", "gpu", "map", "node=" NODE ",path=0000:01:00,id=10de:2484", NULL);
    post("/cluster/mapping/pci", "id", "sound", "map", "node=" NODE ",path=0000:01:00.1,id=10de:228b", NULL);
    post("/cluster/mapping/pci", "id", "elsewhere", "map", "node=pve9,path=0000:01:00.0,id=10de:2484", NULL);
    is_json(member(get(PCI "/0000:01:00.0/status", NULL), "mappings"), "['gpu']");
    is_json(member(get(PCI "/0000:01:00.1/status", NULL), "mappings"), "['gpu','sound']");
    is_json(member(get(PCI "/0000:02:00.0/status", NULL), "mappings"), "[]");
}
