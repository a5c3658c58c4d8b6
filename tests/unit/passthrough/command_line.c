/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a command line takes from the host: the processor's vendor, bridges' MTU, what USB mappings stand
 * for. What becomes of a configuration is in tests/golden/vm. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/host.h"
#include "hardware/network.h"
#include "passthrough/command_line.h"
#include "schema/format.h"
#include "tests/unit/hardware/fixture.h"
#include "tests/unit/storage/fixture.h"
#include "tests/unit/vm/fixture.h"

TestSuite(passthrough_command, .timeout = 120);

struct place {
    struct tree tree;
    struct fixture fixture;
    struct storage *storage;
    struct vm_features *qemu;
    struct command_line_host host;
};

static const struct vm_paths paths = {
    .qemu = "/usr/bin/qemu-system-x86_64", .run = "/run/vm", .rom = "/rom", .ovmf = "/ovmf"};

static void open_place(struct place *place, const char *host)
{
    if (host != NULL)
        tree_make_host(&place->tree, host);
    else
        tree_make(&place->tree);
    fixture_make(&place->fixture);
    place->storage = fixture_open(place->fixture.path);
    place->qemu = vm_fake_qemu("7.2");
    place->host = (struct command_line_host){.storage = place->storage,
                                             .sysroot = place->tree.sysroot,
                                             .node = "n1",
                                             .qemu = place->qemu,
                                             .paths = &paths};
}

static void close_place(struct place *place)
{
    vm_features_free(place->qemu);
    storage_close(place->storage);
    fixture_remove(&place->fixture);
    tree_remove(&place->tree);
}
#define autoplace __attribute__((cleanup(close_place)))

/* The command line of a VM with that configuration (JSON with ' for "), or why there is none. */
static char *build(const struct place *place, const char *config)
{
    autojson json_t *values = fixture_json(config);
    struct assignments none = {0};
    autosplit char **arguments = NULL;
    struct error err;

    if (command_line_build(&place->host, 100, values, &none, &arguments, &err) != 0)
        return xasprintf("error: %s", err.message);
    return vm_command_quote(arguments);
}

static void has(const struct place *place, const char *config, const char *part)
{
    autofree char *line = build(place, config);

    cr_expect_not_null(strstr(line, part), "%s is not in: %s", part, line);
}

static void has_not(const struct place *place, const char *config, const char *part)
{
    autofree char *line = build(place, config);

    cr_expect_null(strstr(line, part), "%s is in: %s", part, line);
}

static void fails(const struct place *place, const char *config, const char *message)
{
    autofree char *line = build(place, config), *expected = xasprintf("error: %s", message);

    cr_expect_str_eq(line, expected);
}

Test(passthrough_command, card_takes_its_bridges_mtu)
{
    autoplace struct place place;

    open_place(&place, NULL);
    tree_write(&place.tree, "sys/class/net/vmbr0/mtu", "9000\n");
    has(&place, "{'net0': 'virtio,bridge=vmbr0'}", ",host_mtu=9000");
    has(&place, "{'net31': 'virtio,bridge=vmbr0'}", ",host_mtu=9000");
    has(&place, "{'net0': 'virtio,bridge=vmbr0,mtu=1300'}", ",host_mtu=1300");
    has_not(&place, "{'net0': 'virtio,bridge=vmbr1'}", "host_mtu");
    has_not(&place, "{'net0': 'virtio'}", "host_mtu");
}

Test(passthrough_command, name_of_a_bridge_is_never_a_path)
{
    static const char *const names[] = {"", ".", "..", "../vmbr0", "vmbr0/../vmbr0", "a-name-of-16-chr"};
    autoplace struct place place;

    open_place(&place, NULL);
    tree_write(&place.tree, "sys/class/net/vmbr0/mtu", "1500\n");
    tree_write(&place.tree, "sys/class/net/a-name-of-16-chr/mtu", "1500\n");
    tree_write(&place.tree, "sys/class/vmbr0/mtu", "1500\n");
    tree_write(&place.tree, "sys/class/net/mtu", "1500\n");
    cr_expect_eq(bridge_mtu(place.tree.sysroot, "vmbr0"), 1500);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        cr_expect_eq(bridge_mtu(place.tree.sysroot, names[i]), 0, "%s", names[i]);
}

Test(passthrough_command, mtu_that_is_none_is_unknown)
{
    autoplace struct place place;

    open_place(&place, NULL);
    tree_write(&place.tree, "sys/class/net/a/mtu", "-1\n");
    tree_write(&place.tree, "sys/class/net/b/mtu", "many\n");
    tree_write(&place.tree, "sys/class/net/c/mtu", "99999999999\n");
    cr_expect_eq(bridge_mtu(place.tree.sysroot, "a"), 0);
    cr_expect_eq(bridge_mtu(place.tree.sysroot, "b"), 0);
    cr_expect_eq(bridge_mtu(place.tree.sysroot, "c"), 0);
}

#define NESTED "{'cpu': 'host,flags=+nested-virt'}"

Test(passthrough_command, nested_virtualization_is_the_processors)
{
    autoplace struct place place;

    open_place(&place, NULL);
    fails(&place, NESTED, "nested-virt is not possible: the vendor of the host's processor is not known");
    tree_write(&place.tree, "proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\n");
    has(&place, NESTED, "+svm");
    tree_write(&place.tree, "proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n");
    has(&place, NESTED, "+vmx");
    tree_write(&place.tree, "proc/cpuinfo", "processor       : 0\nBogoMIPS        : 50.00\n");
    fails(&place, NESTED, "nested-virt is not possible: the vendor of the host's processor is not known");
}

/* The list of a large host's CPUs is not read to its end. */
Test(passthrough_command, vendor_stands_at_the_beginning)
{
    autoplace struct place place;
    autofree char *flags = xcalloc(100001, 1), *text = NULL;
    char vendor[HOST_CPU_VENDOR_SIZE];

    open_place(&place, NULL);
    memset(flags, 'f', 100000);
    text = xasprintf("processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: %s\n", flags);
    tree_write(&place.tree, "proc/cpuinfo", text);
    host_cpu_vendor(place.tree.sysroot, vendor);
    cr_expect_str_eq(vendor, "GenuineIntel");
    tree_write(&place.tree, "proc/cpuinfo", "processor\t: 0\nvendor_id\t: AVendorOfALongName\n");
    host_cpu_vendor(place.tree.sysroot, vendor);
    cr_expect_str_eq(vendor, "AVendorOfALongN");
}

#define UART "{'node': 'n1', 'id': '0403:6001'}"

/* Of the host "usb": 0403:6001 is at 1-4.1 and 1-4.2, a keyboard 413c:2113 at 1-2. */
Test(passthrough_command, usb_mapping_is_this_nodes_first_device_that_is_there)
{
    autoplace struct place place;

    open_place(&place, "usb");
    fixture_put(place.storage, "mapping-usb", "ids",
                "{'map': [{'node': 'n2', 'id': '413c:2113'}, " UART "]}");
    has(&place, "{'usb0': 'mapping=ids'}", "usb-host,bus=ehci.0,vendorid=0x0403,productid=0x6001,id=usb0");
    fixture_put(place.storage, "mapping-usb", "port",
                "{'map': [{'node': 'n1', 'id': '0403:6001', 'path': '1-3'},"
                " {'node': 'n1', 'id': '0403:6001', 'path': '1-4.2'}, " UART "]}");
    has(&place, "{'usb3': 'mapping=port'}", "usb-host,bus=ehci.0,hostbus=1,hostport=4.2,id=usb3");
}

Test(passthrough_command, usb_device_without_a_mapping_is_not_looked_for)
{
    autoplace struct place place;

    open_place(&place, NULL);
    has(&place, "{'usb0': 'host=1-9'}", "hostbus=1,hostport=9");
}

#define INVALID "usb1: USB device mapping invalid (hardware probably changed): "

Test(passthrough_command, usb_mapping_that_cannot_be_had)
{
    autoplace struct place place;

    open_place(&place, "usb");
    fails(&place, "{'usb1': 'mapping=gone'}", "usb1: USB device mapping not found for 'gone'");
    fixture_put(place.storage, "mapping-usb", "gone",
                "{'map': [{'node': 'n1', 'id': '0403:6001', 'path': '1-3'},"
                " {'node': 'n1', 'id': '1234:5678'}]}");
    fails(&place, "{'usb1': 'mapping=gone'}",
          INVALID "usb device '1-3' not found, but 2 devices 0403:6001 are at 1-4.1, 1-4.2");
    fixture_put(place.storage, "mapping-usb", "other",
                "{'map': [{'node': 'n1', 'id': '0403:6001', 'path': '1-2'}]}");
    fails(&place, "{'usb1': 'mapping=other'}",
          INVALID "'id' does not match for 'other' (413c:2113 != 0403:6001), but 2 devices 0403:6001 are at "
                  "1-4.1, 1-4.2");
    fixture_put(place.storage, "mapping-usb", "elsewhere", "{'map': [{'node': 'n2', 'id': '0403:6001'}]}");
    fails(&place, "{'usb1': 'mapping=elsewhere'}", "usb1: no device found for the USB mapping 'elsewhere'");
}

Test(passthrough_command, device_that_was_not_found_is_an_error)
{
    autoplace struct place place;

    open_place(&place, NULL);
    fails(&place, "{'hostpci0': '01:00'}", "no PCI device found for '0000:01:00'");
}
