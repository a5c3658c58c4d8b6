/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI addresses: reading, writing and sorting them. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "tests/unit/hardware/fixture.h"

Test(pci_address, is_read_and_written_with_its_domain)
{
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {"0000:01:00.0", "0000:01:00.0"},         {"01:00.0", "0000:01:00.0"},
        {"0000:FF:1F.7", "0000:ff:1f.7"},         {"10000:e1:00.0", "10000:e1:00.0"},
        {"ffffffff:ff:1f.7", "ffffffff:ff:1f.7"}, {"00000001:00:00.0", "0001:00:00.0"},
    };
    struct pci_address address;
    char text[PCI_ADDRESS_SIZE];

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cr_expect(pci_address_parse(cases[i].text, &address), "%s", cases[i].text);
        pci_address_format(address, text);
        cr_expect_str_eq(text, cases[i].canonical);
    }
}

Test(pci_address, is_nothing_else)
{
    static const char *const cases[] = {
        "",
        "0000",
        "01:00",
        "0000:01:00",
        "01:00.",
        "01:00.8",
        "01:20.0",
        "1:00.0",
        "001:00.0",
        "000:01:00.0",
        "0000:01:00.0 ",
        " 0000:01:00.0",
        "01:00.00",
        "0000:01:00.x",
        "0000-01:00.0",
        "123456789:01:00.0",
        "-001:01:00.0",
        "0x01:00.0",
        "0000:01::0",
        ":01:00.0",
        "0000:00:01:00.0",
        "0000:01:00.0:00.0",
        "0000:01:00,0",
        "../0000:01:00.0",
    };
    struct pci_address address = {.domain = 7};

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_expect_not(pci_address_parse(cases[i], &address), "'%s' was taken", cases[i]);
    cr_assert_eq(address.domain, 7);
}

Test(pci_address, sorts_by_domain_bus_device_function)
{
    static const char *const sorted[] = {"0000:00:00.0", "0000:00:00.1", "0000:00:01.0", "0000:01:00.0",
                                         "0001:00:00.0", "ffff:00:00.0", "10000:00:00.0"};

    for (size_t i = 0; i < COUNT_OF(sorted); i++)
        for (size_t j = 0; j < COUNT_OF(sorted); j++) {
            int order = pci_address_compare(address_of(sorted[i]), address_of(sorted[j]));
            cr_expect_eq((order > 0) - (order < 0), (i > j) - (i < j), "%s %s", sorted[i], sorted[j]);
        }
}

Test(pci_address, shares_its_slot_with_the_other_functions)
{
    cr_assert(pci_address_same_slot(address_of("01:00.0"), address_of("01:00.7")));
    cr_assert_not(pci_address_same_slot(address_of("01:00.0"), address_of("01:01.0")));
    cr_assert_not(pci_address_same_slot(address_of("0000:01:00.0"), address_of("0001:01:00.0")));
}
