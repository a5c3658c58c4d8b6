/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the guest finds the devices of a command line. */
#include "vm/command/layout.h"

#include <criterion/criterion.h>

#include "base/json.h"
#include "base/memory.h"
#include "schema/format.h"
#include "tests/unit/vm/fixture.h"

static json_t *layout_of(const char *name)
{
    autocase struct vm_case given;
    autosplit char **arguments = NULL;
    struct error err;

    vm_case_read(name, &given);
    cr_assert_eq(vm_command_build(&given.command, &arguments, &err), 0, "%s: %s", name, err.message);
    return vm_command_layout(arguments);
}

static void is_at(const json_t *layout, const char *id, const char *address)
{
    cr_expect_str_eq(json_text_or(layout, id, "nowhere"), address, "%s", id);
}

/* What SeaBIOS made of the buses of these command lines in QEMU 7.2, as query-pci told afterwards. */
Test(vm_layout, of_a_pc_counts_the_bridges_in_order_of_their_slots)
{
    autojson json_t *layout = layout_of("hostpci-pci");

    is_at(layout, "hostpci0", "0000:00:10.0");
    is_at(layout, "hostpci3", "0000:00:1c.0");
    is_at(layout, "pci.1", "0000:00:1e.0");
    is_at(layout, "hostpci4", "0000:02:0d.0");
    is_at(layout, "hostpci15", "0000:02:18.0");
}

Test(vm_layout, of_q35_counts_late_ports_before_the_fixed_ones)
{
    autojson json_t *layout = layout_of("hostpci-pcie-late-ports");

    is_at(layout, "ich9-pcie-port-6", "0000:00:10.1");
    is_at(layout, "hostpci5", "0000:02:00.0");
    is_at(layout, "ich9-pcie-port-15", "0000:00:11.2");
    is_at(layout, "hostpci14", "0000:04:00.0");
    is_at(layout, "ich9-pcie-port-1", "0000:00:1c.0");
    is_at(layout, "pci.2", "0000:09:03.0");
}

/* A port that is free for a device keeps no other from its address. */
Test(vm_layout, with_ports_for_what_comes_later_stays_as_it_is)
{
    autojson json_t *few = layout_of("hostpci-pcie-late-ports"), *all = layout_of("hostpci-hotplug");

    is_at(all, "ich9-pcie-port-6", json_text(few, "ich9-pcie-port-6"));
    is_at(all, "ich9-pcie-port-16", "0000:00:11.3");
    is_at(all, "vga", json_text(few, "vga"));
}

Test(vm_layout, of_several_functions_has_each)
{
    autojson json_t *layout = layout_of("hostpci-functions-pcie");

    is_at(layout, "hostpci0.0", "0000:01:00.0");
    is_at(layout, "hostpci0.1", "0000:01:00.1");
}

Test(vm_layout, leaves_out_what_is_nowhere)
{
    char device[] = "-device", lost[] = "e1000,id=a,bus=pci.9,addr=0x1", placeless[] = "virtio-iommu-pci",
         wrong[] = "e1000,id=b,bus=pci.0,addr=20", odd[] = "e1000,id=c,bus=pci.0,addr=1x",
         right[] = "e1000,id=d,bus=pci.0,addr=1f.0x7";
    autojson json_t *layout = vm_command_layout(
        (char *const[]){device, lost, device, placeless, device, wrong, device, odd, device, right, NULL});

    cr_expect_eq(json_object_size(layout), 1);
    is_at(layout, "d", "0000:00:1f.7");
}

/* Bridges that name each other would be a circle. */
Test(vm_layout, ends_whatever_the_bridges_say)
{
    char device[] = "-device", one[] = "pci-bridge,id=pci.0,bus=pci.0,addr=1",
         two[] = "pci-bridge,id=b,bus=pci.0,addr=2", three[] = "pci-bridge,id=pci.0,bus=b,addr=1";
    autojson json_t *layout =
        vm_command_layout((char *const[]){device, one, device, two, device, three, NULL});

    cr_expect_eq(json_object_size(layout), 2);
}
