/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which functions make one card. */
#include "hardware/pci/card.h"

#include <criterion/criterion.h>

#include "base/memory.h"

#define AT(b, d, f) .address = {.bus = (b), .device = (d), .function = (f)}

/* A graphics card with its sound, two ports of a network card with a virtual function, an APU, a chipset. */
static const struct pci_device gpu = {AT(1, 0, 0), .vendor = 0x10de, .class_code = 0x030000},
                               gpu_sound = {AT(1, 0, 1), .vendor = 0x10de, .class_code = 0x040300},
                               port = {AT(3, 0, 0), .vendor = 0x8086, .class_code = 0x020000},
                               other_port = {AT(3, 0, 1), .vendor = 0x8086, .class_code = 0x020000},
                               vf = {AT(3, 0, 2), .vendor = 0x8086, .class_code = 0x020000,
                                     .virtual_function = true},
                               apu = {AT(12, 0, 0), .vendor = 0x1002, .class_code = 0x030000},
                               apu_sound = {AT(12, 0, 1), .vendor = 0x1002, .class_code = 0x040300},
                               apu_psp = {AT(12, 0, 2), .vendor = 0x1022, .class_code = 0x108000},
                               apu_usb = {AT(12, 0, 3), .vendor = 0x1022, .class_code = 0x0c0330},
                               chipset = {AT(0, 31, 3), .vendor = 0x8086, .class_code = 0x040300,
                                          .on_root_bus = true},
                               chipset_nic = {AT(0, 31, 6), .vendor = 0x8086, .class_code = 0x020000,
                                              .on_root_bus = true};

Test(card, is_more_than_a_slot)
{
    static const struct {
        const struct pci_device *one, *other;
        bool card, companion;
    } cases[] = {
        {&gpu, &gpu, true, true},           {&gpu, &gpu_sound, true, true},
        {&port, &other_port, true, false},  {&port, &vf, false, false},
        {&apu, &apu_sound, true, true},     {&apu, &apu_psp, false, false},
        {&apu_psp, &apu_usb, false, false}, {&chipset, &chipset_nic, false, false},
        {&gpu, &port, false, false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cr_expect_eq(pci_same_card(cases[i].one, cases[i].other), cases[i].card, "%zu", i);
        cr_expect_eq(pci_same_card(cases[i].other, cases[i].one), cases[i].card, "%zu", i);
        cr_expect_eq(pci_is_companion(cases[i].one, cases[i].other), cases[i].companion, "%zu", i);
    }
}
