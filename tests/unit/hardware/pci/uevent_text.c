/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts of the kernel about a PCI function: its modalias, and uevent messages. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/pci/modalias.h"
#include "hardware/pci/uevent_text.h"

static const char graphics[] = "pci:v000010DEd00002484sv000010DEsd0000146Bbc03sc00i01";

Test(modalias, names_ids_and_class)
{
    struct pci_device device = {.group = 5, .driver = "nouveau"};

    cr_assert(pci_modalias_parse(graphics, &device));
    cr_assert_eq(device.vendor, 0x10de);
    cr_assert_eq(device.device, 0x2484);
    cr_assert_eq(device.subsystem_vendor, 0x10de);
    cr_assert_eq(device.subsystem_device, 0x146b);
    cr_assert_eq(device.class_code, 0x030001);
    cr_assert_eq(device.group, 5, "what it does not tell stays");
    cr_assert_str_eq(device.driver, "nouveau");
}

/* A text that was cut short is refused, so that there is never a device with half an id. */
Test(modalias, cut_anywhere_is_refused)
{
    for (size_t length = 0; length < strlen(graphics); length++) {
        autofree char *text = xstrndup(graphics, length);
        struct pci_device device = {.vendor = 7};
        cr_expect_not(pci_modalias_parse(text, &device), "%s", text);
        cr_expect_eq(device.vendor, 7);
    }
}

/* As kernels before 4.2 wrote the class. */
Test(modalias, is_read_in_either_case)
{
    struct pci_device device = {0};

    cr_expect(pci_modalias_parse("pci:v000010DEd00002484sv000010DEsd0000146Bbc0csc03i3f", &device));
    cr_expect_eq(device.class_code, 0x0c033f);
    cr_expect(pci_modalias_parse("pci:v000010ded00002484sv000010DEsd0000146bbc0Csc03i30", &device));
    cr_expect_eq(device.vendor, 0x10de);
}

Test(modalias, of_something_else_is_refused)
{
    static const char *const cases[] = {
        "usb:v000010DEd00002484sv000010DEsd0000146Bbc03sc00i01",
        "pci:v000010DEd00002484sv000010DEsd0000146Bbc03sc00i01 ",
        "pci:v000110DEd00002484sv000010DEsd0000146Bbc03sc00i01",
        "pci:v000010DGd00002484sv000010DEsd0000146Bbc03sc00i01",
        "pci:v-00010DEd00002484sv000010DEsd0000146Bbc03sc00i01",
        "pci:v 00010DEd00002484sv000010DEsd0000146Bbc03sc00i01",
        "pci:v000010DEd00002484sv000010DEsd0000146Bbc0xsc00i01",
    };
    struct pci_device device = {0};

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_expect_not(pci_modalias_parse(cases[i], &device), "%s", cases[i]);
}

#define MESSAGE(text) text, sizeof(text) - 1

Test(uevent_message, tells_which_function_came_or_got_a_driver)
{
    static const char slot[] = "0000:02:10.0";
    struct pci_event event;
    char id[PCI_ADDRESS_SIZE];

    cr_assert(pci_uevent_parse(MESSAGE("add@/devices/pci0000:00/0000:02:10.0\0ACTION=add\0SUBSYSTEM=pci\0"
                                       "PCI_SLOT_NAME=0000:02:10.0\0SEQNUM=7"),
                               &event));
    cr_assert_eq(event.kind, PCI_EVENT_ADD);
    pci_address_format(event.address, id);
    cr_assert_str_eq(id, slot);
    cr_assert(pci_uevent_parse(MESSAGE("bind@/devices/pci0000:00/0000:02:10.0\0ACTION=bind\0SUBSYSTEM=pci\0"
                                       "DRIVER=igbvf\0PCI_SLOT_NAME=0000:02:10.0"),
                               &event));
    cr_assert_eq(event.kind, PCI_EVENT_BIND);
    cr_assert(
        pci_uevent_parse(MESSAGE("change@/devices/pci0000:00/0000:02:10.0\0ACTION=change\0SUBSYSTEM=pci\0"
                                 "MDEV_STATE=registered\0PCI_SLOT_NAME=0000:02:10.0"),
                         &event));
    cr_assert_eq(event.kind, PCI_EVENT_MDEV);
}

Test(uevent_message, of_another_kind_tells_only_that_something_changed)
{
    static const struct {
        const char *message;
        size_t length;
    } cases[] = {
        {MESSAGE("ACTION=remove\0SUBSYSTEM=pci\0PCI_SLOT_NAME=0000:02:10.0")},
        {MESSAGE("ACTION=unbind\0SUBSYSTEM=pci\0PCI_SLOT_NAME=0000:02:10.0")},
        {MESSAGE("ACTION=add\0SUBSYSTEM=pci\0PCI_SLOT_NAME=port")},
        {MESSAGE("ACTION=add\0SUBSYSTEM=pci")},
        {MESSAGE("ACTION=binding\0SUBSYSTEM=pci\0PCI_SLOT_NAME=0000:02:10.0")},
        {MESSAGE("ACTION=change\0SUBSYSTEM=pci\0PCI_SLOT_NAME=0000:02:10.0")},
        {MESSAGE("ACTION=change\0SUBSYSTEM=pci\0MDEV_STATE=unregistered\0PCI_SLOT_NAME=0000:02:10.0")},
        {MESSAGE("SUBSYSTEM=pci")},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pci_event event;
        cr_expect(pci_uevent_parse(cases[i].message, cases[i].length, &event), "%zu", i);
        cr_expect_eq(event.kind, PCI_EVENT_OTHER, "%zu", i);
    }
}

Test(uevent_message, of_another_subsystem_is_not_ours)
{
    struct pci_event event;

    cr_assert_not(pci_uevent_parse(MESSAGE("add@/devices/pci0000:00/0000:00:02.0/block/sda\0ACTION=add\0"
                                           "SUBSYSTEM=block\0X=pci\0PCI_SLOT_NAME=0000:00:02.0"),
                                   &event));
    cr_assert_not(
        pci_uevent_parse(MESSAGE("add@/bus/pci_express\0SUBSYSTEM=pci_express\0XSUBSYSTEM=pci"), &event));
    cr_assert_not(pci_uevent_parse("", 0, &event));
    cr_assert_not(pci_uevent_parse("SUBSYSTEM=pci", 12, &event));
}
