/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index of every level: what lies below a path, one row a child. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"

#define METHODS                                                                                              \
    "[{'method':'mdev'},{'method':'status'},{'method':'driver'},{'method':'reset'},{'method':'power'},"      \
    "{'method':'sriov'},{'method':'rom'},{'method':'map'}]"

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(index, .init = start, .timeout = 120);

DAEMON_TEST(index, lists_the_children_of_every_level)
{
    is_json(get("/", NULL), "[{'subdir':'version'},{'subdir':'cluster'},{'subdir':'metrics'},"
                            "{'subdir':'nodes'},{'subdir':'storage'},{'subdir':'pools'},"
                            "{'subdir':'access'}]");
    is_json(get("/cluster", NULL),
            "[{'name':'status'},{'name':'log'},{'name':'events'},{'name':'metrics'},{'name':'resources'},"
            "{'name':'nextid'},{'name':'tasks'},"
            "{'name':'options'},{'name':'ha'},{'name':'mapping'}]");
    is_json(get("/cluster/ha", NULL), "[{'id':'resources'}]");
    is_json(get("/cluster/mapping", NULL), "[{'name':'pci'},{'name':'usb'}]");
    is_json(get("/nodes/" NODE, NULL),
            "[{'name':'version'},{'name':'status'},{'name':'tasks'},"
            "{'name':'subscription'},{'name':'time'},{'name':'network'},{'name':'apt'},{'name':'syslog'},{'"
            "name':'journal'},"
            "{'name':'capabilities'},{'name':'rrddata'},{'name':'replication'},{'name':'startall'},"
            "{'name':'stopall'},{'name':'qemu'},"
            "{'name':'hardware'},{'name':'storage'}]");
    is_json(get("/nodes/" NODE "/apt", NULL), "[{'id':'repositories'}]");
    is_json(get("/nodes/" NODE "/storage/local", NULL),
            "[{'subdir':'status'},{'subdir':'content'},{'subdir':'upload'}]");
    is_json(get("/nodes/" NODE "/capabilities", NULL), "[{'name':'qemu'}]");
    is_json(get("/nodes/" NODE "/capabilities/qemu", NULL),
            "[{'name':'machines'},{'name':'cpu'},{'name':'cpu-flags'}]");
    is_json(get("/nodes/" NODE "/hardware", NULL),
            "[{'type':'pci'},{'type':'iommu'},{'type':'mdev'},{'type':'vfio'},{'type':'usb'}]");
    is_json(get("/nodes/" NODE "/hardware/pci/0000:01:00.0", NULL), METHODS);
    is_json(get("/nodes/" NODE "/qemu/100/firewall", NULL),
            "[{'name':'rules'},{'name':'aliases'},{'name':'ipset'},{'name':'refs'},{'name':'options'}]");
    is_json(get("/nodes/" NODE "/qemu/100/status", NULL),
            "[{'subdir':'current'},{'subdir':'start'},{'subdir':'stop'},{'subdir':'shutdown'},{'subdir':'"
            "reboot'},{'subdir':'reset'},{'subdir':'suspend'},{'subdir':'resume'}]");
    is_json(get("/nodes/" NODE "/qemu/100/agent", NULL),
            "[{'name':'get-osinfo'},{'name':'info'},{'name':'network-get-interfaces'},{'name':'ping'}]");
    is_json(get("/access", NULL),
            "[{'subdir':'users'},{'subdir':'groups'},{'subdir':'roles'},{'subdir':'acl'},"
            "{'subdir':'domains'},{'subdir':'ticket'},{'subdir':'vncticket'},{'subdir':'session'},{'subdir':'"
            "password'},"
            "{'subdir':'permissions'}]");
}

/* As in Proxmox, the name of a mapping stands in the same place as a PCI id. */
DAEMON_TEST(index, of_a_device_is_there_by_its_mapping_and_without_domain_too)
{
    is_json(get("/nodes/" NODE "/hardware/pci/gpu", NULL), METHODS);
    is_json(get("/nodes/" NODE "/hardware/pci/01:00.0", NULL), METHODS);
}
