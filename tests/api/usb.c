/* SPDX-License-Identifier: GPL-2.0-or-later */
/* USB: the list of devices, /cluster/mapping/usb with the same manners as the PCI mappings, and what is said
 * of a mapping after the hardware changed. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/look.h"

#define LIST     "/nodes/" NODE "/hardware/usb"
#define MAPPINGS "/cluster/mapping/usb"
#define UART     "node=" NODE ",id=0403:6001"
#define SECOND   UART ",path=1-4.2"
#define INVALID  "USB device mapping invalid (hardware probably changed): "

static void start(void)
{
    START(.host = "usb");
}

TestSuite(usb, .init = start, .timeout = 120);

DAEMON_TEST(usb, devices_are_listed)
{
    const json_t *list = get(LIST, NULL);

    cr_assert_eq(json_array_size(list), 7);
    is_json(row(list, "serial", "A9007UX2"),
            "{'busnum':1,'devnum':12,'class':0,'level':2,'port':1,'usbpath':'4.2','vendid':'0403',"
            "'prodid':'6001','speed':'12','manufacturer':'FTDI','product':'FT232R USB UART',"
            "'serial':'A9007UX2'}");
}

DAEMON_TEST(usb, mapping_is_created_listed_read_changed_and_deleted)
{
    is_json(get(MAPPINGS, NULL), "[]");
    is_json(post(MAPPINGS, "id", "modem", "map", UART, "description", "any of them", NULL), "null");
    const json_t *one = get(MAPPINGS "/modem", NULL), *listed = row(get(MAPPINGS, NULL), "id", "modem");
    cr_assert_str_eq(text_of(one, "type"), "usb");
    cr_assert_not(has(one, "id"), "only the list has it, as in Proxmox");
    is_json(member(listed, "map"), "['id=0403:6001,node=" NODE "']");
    is_json(put(MAPPINGS "/modem", "map", SECOND, "map", "node=pve9,id=0403:6001", "digest",
                text_of(one, "digest"), "delete", "description", NULL),
            "null");
    one = get(MAPPINGS "/modem", NULL);
    is_json(member(one, "map"), "['id=0403:6001,node=" NODE ",path=1-4.2','id=0403:6001,node=pve9']");
    cr_assert_not(has(one, "description"));
    is_json(delete (MAPPINGS "/modem", NULL), "null");
    is_json(delete (MAPPINGS "/modem", NULL), "null");
    is_json(get(MAPPINGS, NULL), "[]");
}

DAEMON_TEST(usb, refusals_are_those_of_pci_mappings)
{
    post(MAPPINGS, "id", "modem", "map", UART, NULL);
    fails(500, "create hardware mapping failed: usb ID 'modem' already defined", "POST", MAPPINGS, "id",
          "modem", "map", UART, NULL);
    fails(500, "mapping 'gone' not found", "GET", MAPPINGS "/gone", NULL);
    fails(500, "update hardware mapping failed: usb ID 'gone' does not exist", "PUT", MAPPINGS "/gone", "map",
          UART, NULL);
    fails(500,
          "update hardware mapping failed: detected modified configuration - file changed by other user? Try "
          "again.",
          "PUT", MAPPINGS "/modem", "map", UART, "digest", "0123456789012345678901234567890123456789", NULL);
    fails(500, "update hardware mapping failed: no such option 'mdev'", "PUT", MAPPINGS "/modem", "map", UART,
          "delete", "mdev", NULL);
}

/* Unlike that of a PCI mapping, which fails with 500: it is declared so. */
DAEMON_TEST(usb, update_needs_the_map)
{
    post(MAPPINGS, "id", "modem", "map", UART, NULL);
    wrong_parameter("map", "property is missing and it is not optional", "PUT", MAPPINGS "/modem",
                    "description", "x", NULL);
}

DAEMON_TEST(usb, entry_has_node_id_and_maybe_a_path)
{
    static const char *const wrong[][2] = {
        {"node=" NODE, "id: property is missing and it is not optional"},
        {"id=0403:6001", "node: property is missing and it is not optional"},
        {UART ",path=1", "path: value does not match the regex pattern"},
        {UART ",path=1-4.", "path: value does not match the regex pattern"},
        {"node=" NODE ",id=403:6001", "id: value does not match the regex pattern"},
        {UART ",iommugroup=1",
         "iommugroup: property is not defined in schema and the schema does not allow additional properties"},
    };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        autofree char *text = xasprintf("invalid format - format error\nmap[0].%s\n", wrong[i][1]);
        wrong_parameter("map[0]", text, "POST", MAPPINGS, "id", "modem", "map", wrong[i][0], NULL);
    }
}

DAEMON_TEST(usb, mappings_of_both_kinds_may_have_the_same_name)
{
    post(MAPPINGS, "id", "card", "map", UART, NULL);
    post("/cluster/mapping/pci", "id", "card", "map", "node=" NODE ",path=0000:01:00.0,id=10de:2484", NULL);
    delete (MAPPINGS "/card", NULL);
    cr_assert_str_eq(text_of(get("/cluster/mapping/pci/card", NULL), "type"), "pci");
}

/* The schema of Proxmox calls the field `error`; what it sends is `errors`. */
static const json_t *errors_of(const char *id)
{
    const json_t *mapping = row(get(MAPPINGS, "check-node", NODE, NULL), "id", id);

    cr_assert_not(has(mapping, "checks"));
    cr_assert_not(has(mapping, "error"));
    return member(mapping, "errors");
}

static void has_error(const char *id, const char *severity, const char *message)
{
    const json_t *errors = errors_of(id);

    cr_assert_eq(json_array_size(errors), 1);
    cr_assert_str_eq(text_of(json_array_get(errors, 0), "severity"), severity);
    cr_assert_str_eq(text_of(json_array_get(errors, 0), "message"), message);
}

DAEMON_TEST(usb, right_mapping_has_no_errors)
{
    post(MAPPINGS, "id", "any", "map", UART, NULL);
    post(MAPPINGS, "id", "second", "map", SECOND, NULL);
    post(MAPPINGS, "id", "keyboard", "map", "node=" NODE ",id=413C:2113,path=1-2", NULL);
    is_json(errors_of("any"), "[]");
    is_json(errors_of("second"), "[]");
    is_json(errors_of("keyboard"), "[]");
    cr_assert_not(has(row(get(MAPPINGS, NULL), "id", "any"), "errors"), "only when they are asked for");
}

DAEMON_TEST(usb, wrong_mapping_says_what_is_wrong)
{
    post(MAPPINGS, "id", "empty-port", "map", UART ",path=1-3", NULL);
    has_error("empty-port", "error",
              INVALID "usb device '1-3' not found, but 2 devices 0403:6001 are at 1-4.1, 1-4.2");
    post(MAPPINGS, "id", "other-port", "map", UART ",path=1-2", NULL);
    has_error("other-port", "error",
              INVALID
              "'id' does not match for 'other-port' (413c:2113 != 0403:6001), but 2 devices 0403:6001 "
              "are at 1-4.1, 1-4.2");
    post(MAPPINGS, "id", "unknown", "map", "node=" NODE ",id=dead:beef", NULL);
    has_error("unknown", "error", INVALID "usb device 'dead:beef' not found");
    post(MAPPINGS, "id", "elsewhere", "map", "node=pve9,id=0403:6001", NULL);
    has_error("elsewhere", "warning", "No mapping for node " NODE ".");
}

DAEMON_TEST(usb, unplugged_device_is_missed_and_its_twin_takes_its_place)
{
    post(MAPPINGS, "id", "any", "map", UART, NULL);
    post(MAPPINGS, "id", "second", "map", SECOND, NULL);
    host_remove("sys/bus/usb/devices/1-4.2");
    is_json(errors_of("any"), "[]");
    has_error("second", "error", INVALID "usb device '1-4.2' not found, but a device 0403:6001 is at 1-4.1");
}

DAEMON_TEST(usb, other_node_cannot_be_asked)
{
    fails(500, "hostname lookup 'pve9' failed - no such node: this one is '" NODE "'", "GET", MAPPINGS,
          "check-node", "pve9", NULL);
}
