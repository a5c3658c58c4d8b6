/* SPDX-License-Identifier: GPL-2.0-or-later */
/* USB devices, from sysfs to Proxmox's names. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "hardware/usb.h"
#include "tests/unit/hardware/fixture.h"

#define DEVICES "sys/bus/usb/devices/"

static json_t *list(const struct tree *tree)
{
    json_t *devices;
    struct error err;

    cr_assert_eq(usb_list(tree->sysroot, &devices, &err), 0, "%s", err.message);
    return devices;
}

Test(usb, lists_hubs_and_devices_by_bus_and_number)
{
    static const char *const names[] = {
        "xHCI Host Controller", "Dell KB216 Wired Keyboard", "USB2.0 Hub",      "FT232R USB UART",
        "FT232R USB UART",      "xHCI Host Controller",      "DataTraveler 3.0"};
    autotree struct tree tree;

    tree_make_host(&tree, "usb");
    autojson json_t *devices = list(&tree);
    cr_assert_eq(json_array_size(devices), COUNT_OF(names), "what is being pulled out is left out");
    for (size_t i = 0; i < COUNT_OF(names); i++)
        cr_expect_str_eq(json_string_value(json_object_get(json_array_get(devices, i), "product")), names[i]);
}

/* As Proxmox VE shows them. */
Test(usb, root_hub_has_no_usbpath)
{
    autotree struct tree tree;

    tree_make_host(&tree, "usb");
    autojson json_t *devices = list(&tree);
    expect_json(json_incref(json_array_get(devices, 5)),
                "{'busnum':2,'devnum':1,'class':9,'level':0,'port':0,'vendid':'1d6b','prodid':'0003',"
                "'speed':'5000','manufacturer':'Linux 6.1.0-28-amd64 xhci-hcd',"
                "'product':'xHCI Host Controller','serial':'0000:00:14.0'}");
}

Test(usb, device_tells_its_port_and_what_it_is)
{
    autotree struct tree tree;

    tree_make_host(&tree, "usb");
    autojson json_t *devices = list(&tree);
    expect_json(json_incref(json_array_get(devices, 1)),
                "{'busnum':1,'devnum':2,'class':0,'level':1,'port':1,'usbpath':'2','vendid':'413c',"
                "'prodid':'2113','speed':'1.5','manufacturer':'Dell','product':'Dell KB216 Wired Keyboard'}");
    expect_json(json_incref(json_array_get(devices, 4)),
                "{'busnum':1,'devnum':12,'class':0,'level':2,'port':1,'usbpath':'4.2','vendid':'0403',"
                "'prodid':'6001','speed':'12','manufacturer':'FTDI','product':'FT232R USB UART',"
                "'serial':'A9007UX2'}");
}

Test(usb, host_without_usb_has_none)
{
    autotree struct tree tree;

    tree_make(&tree);
    expect_json(list(&tree), "[]");
}

Test(usb, files_that_make_no_sense_are_a_device_that_is_left_out)
{
    static const char *const wrong[][2] = {
        {"busnum", "-1\n"},  {"devnum", ""},       {"bDeviceClass", "xx\n"},
        {"devpath", "1.\n"}, {"devpath", "1.0\n"}, {"devpath", ".\n"},
        {"idVendor", ""},    {"speed", ""},        {"busnum", "99999999999\n"}};
    static const char *const right[][2] = {
        {"busnum", "1\n"},      {"devnum", "2\n"},       {"bDeviceClass", "ff\n"}, {"devpath", "1.2\n"},
        {"idVendor", "1d6b\n"}, {"idProduct", "0104\n"}, {"speed", "480\n"}};
    autotree struct tree tree;

    tree_make(&tree);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        for (size_t j = 0; j < COUNT_OF(right); j++) {
            autofree char *file = xasprintf(DEVICES "1-1.2/%s", right[j][0]);
            tree_write(&tree, file, right[j][1]);
        }
        autojson json_t *all = list(&tree);
        cr_assert_eq(json_array_size(all), 1);
        autofree char *file = xasprintf(DEVICES "1-1.2/%s", wrong[i][0]);
        tree_write(&tree, file, wrong[i][1]);
        autojson json_t *none = list(&tree);
        cr_expect_eq(json_array_size(none), 0, "%s: %s", wrong[i][0], wrong[i][1]);
    }
}
