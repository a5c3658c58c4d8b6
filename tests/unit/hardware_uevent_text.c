/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's words about a PCI function: its uevent file, and the messages that tell of changes. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/pci_uevent.h"

static const char graphics[] =
    "DRIVER=nouveau\nPCI_CLASS=30000\nPCI_ID=10DE:2484\nPCI_SUBSYS_ID=10DE:146B\n"
    "PCI_SLOT_NAME=0000:01:00.0\nMODALIAS=pci:v000010DEd00002484sv000010DEsd0000146Bbc03sc00i00";

Test(uevent_file, names_class_ids_and_driver)
{
    struct pci_device device = {.group = 5};

    cr_assert(pci_uevent_parse(graphics, &device));
    cr_assert_eq(device.vendor, 0x10de);
    cr_assert_eq(device.device, 0x2484);
    cr_assert_eq(device.subsystem_vendor, 0x10de);
    cr_assert_eq(device.subsystem_device, 0x146b);
    cr_assert_eq(device.class_code, 0x030000);
    cr_assert_str_eq(device.driver, "nouveau");
    cr_assert_eq(device.group, 5, "what the file does not tell stays");
}

Test(uevent_file, has_no_driver_line_when_none_is_bound)
{
    struct pci_device device = {.driver = "before"};

    cr_assert(pci_uevent_parse(strchr(graphics, '\n') + 1, &device));
    cr_assert_str_eq(device.driver, "");
}

Test(uevent_file, with_a_very_long_driver_name_is_still_bound)
{
    struct pci_device device = {0};

    cr_assert(pci_uevent_parse("DRIVER=a_name_that_is_longer_than_any_that_a_module_has\nPCI_CLASS=10802\n"
                               "PCI_ID=144D:A808\nPCI_SUBSYS_ID=0000:0000\n",
                               &device));
    cr_assert_str_eq(device.driver, "a_name_that_is_longer_than_any_that_a_m");
}

/* A file that was cut short gives nothing, or all: never a device with half an id. */
Test(uevent_file, cut_anywhere_is_whole_or_nothing)
{
    const char *last_needed = strstr(graphics, "\nPCI_SLOT_NAME");

    for (size_t length = 0; length < strlen(graphics); length++) {
        autofree char *text = xstrndup(graphics, length);
        struct pci_device device = {.vendor = 7};
        bool whole = pci_uevent_parse(text, &device);
        cr_expect_eq(whole, length >= (size_t)(last_needed - graphics), "after %zu bytes", length);
        cr_expect_eq(device.vendor, whole ? 0x10de : 7);
    }
}

Test(uevent_file, with_numbers_that_are_none_is_refused)
{
    static const char *const cases[] = {
        "PCI_CLASS=1000000\nPCI_ID=10DE:2484\nPCI_SUBSYS_ID=10DE:146B\n",
        "PCI_CLASS=\nPCI_ID=10DE:2484\nPCI_SUBSYS_ID=10DE:146B\n",
        "PCI_CLASS=-1\nPCI_ID=10DE:2484\nPCI_SUBSYS_ID=10DE:146B\n",
        "PCI_CLASS=30000\nPCI_ID=10DE-2484\nPCI_SUBSYS_ID=10DE:146B\n",
        "PCI_CLASS=30000\nPCI_ID=110DE:2484\nPCI_SUBSYS_ID=10DE:146B\n",
        "PCI_CLASS=30000\nPCI_ID=10DE:2484\nPCI_SUBSYS_ID=10DE:146G\n",
        "PCI_CLASS=30000\nPCI_ID=10DE:2484\nXPCI_SUBSYS_ID=10DE:146B\n",
        "PCI_CLASS=30000\nPCI_ID=10DE:2484\nPCI_SUBSYS_IDS=10DE:146B\n",
    };
    struct pci_device device = {0};

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_expect_not(pci_uevent_parse(cases[i], &device), "%s", cases[i]);
}

Test(uevent_message, concerns_us_when_its_subsystem_is_pci)
{
    static const char added[] = "add@/devices/pci0000:00/0000:00:02.0\0ACTION=add\0SUBSYSTEM=pci\0SEQNUM=7";
    static const char disk[] =
        "add@/devices/pci0000:00/0000:00:02.0/block/sda\0ACTION=add\0SUBSYSTEM=block\0X=pci";
    static const char slot[] = "add@/bus/pci_express\0SUBSYSTEM=pci_express\0XSUBSYSTEM=pci";

    cr_assert(pci_uevent_concerns_us(added, sizeof(added)));
    cr_assert_not(pci_uevent_concerns_us(disk, sizeof(disk)));
    cr_assert_not(pci_uevent_concerns_us(slot, sizeof(slot)));
    cr_assert_not(pci_uevent_concerns_us("", 0));
    cr_assert(pci_uevent_concerns_us("SUBSYSTEM=pci", 13), "the last word may come without its NUL");
    cr_assert_not(pci_uevent_concerns_us("SUBSYSTEM=pci", 12));
}
