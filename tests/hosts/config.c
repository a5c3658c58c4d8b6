/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration space of one function. */
#include "tests/hosts/parts.h"

#include <string.h>

/* Offsets in configuration space, and of the three capabilities that every function here has. */
enum {
    COMMAND = 0x04,
    STATUS = 0x06,
    REVISION = 0x08,
    HEADER_TYPE = 0x0e,
    BAR0 = 0x10,
    BUSES = 0x18,
    SUBSYSTEM = 0x2c,
    ROM = 0x30,
    CAPABILITIES = 0x34,
    INTERRUPT = 0x3c,
    POWER = 0x40,
    MSI = 0x50,
    EXPRESS = 0x60
};

enum { POWER_ID = 0x01, MSI_ID = 0x05, EXPRESS_ID = 0x10 };

static void put(uint8_t *config, size_t place, size_t bytes, uint64_t value)
{
    for (size_t i = 0; i < bytes; i++)
        config[place + i] = (uint8_t)(value >> (8 * i));
}

/* The low bits of a base address register tell its kind; the kernel keeps them in the lowest byte of the
 * flags. */
static void put_regions(uint8_t *config, const struct pci_function *function)
{
    size_t registers = function_is_bridge(function) ? 2 : 6;
    for (size_t i = 0; i < registers; i++) {
        const struct region *region = &function->regions[i];
        bool wide = region->flags & 0x100000;
        if (region->size)
            put(config, BAR0 + 4 * i, wide ? 8 : 4, region->start | (region->flags & 0xf));
    }
    if (!function_is_bridge(function))
        put(config, ROM, 4, function->regions[ROM_REGION].start & 0xfffff800);
}

static void put_express(uint8_t *config, const struct pci_function *function)
{
    const struct link *link = &function->link;
    bool flr = function->reset && strstr(function->reset, "flr");
    put(config, EXPRESS, 2, EXPRESS_ID);
    put(config, EXPRESS + 2, 2, 2 | (function_is_bridge(function) ? 4 << 4 : 0)); /* root port or endpoint */
    put(config, EXPRESS + 4, 4, 0x8000 | (flr ? 1 << 28 : 0));
    put(config, EXPRESS + 12, 4, link->most[0] | link->most[1] << 4);
    put(config, EXPRESS + 18, 2, link->now[0] | link->now[1] << 4);
}

static void put_capabilities(uint8_t *config, const struct pci_function *function)
{
    bool express = function->link.most[0] != 0;
    put(config, STATUS, 2, 0x0010);
    put(config, CAPABILITIES, 1, POWER);
    put(config, POWER, 4, POWER_ID | MSI << 8 | 0x0003 << 16);
    put(config, MSI, 4, MSI_ID | (express ? EXPRESS : 0) << 8 | 0x0080 << 16);
    if (express)
        put_express(config, function);
}

void config_fill(const struct pci_function *function, uint8_t config[static CONFIG_SIZE])
{
    memset(config, 0, CONFIG_SIZE);
    /* A VF reads as ffff:ffff here; its IDs are those of the physical function's SR-IOV capability. */
    put(config, 0, 4,
        function->physfn ? 0xffffffff : function->ids.vendor | (uint32_t)function->ids.device << 16);
    put(config, COMMAND, 2, function->driver ? 0x0407 : 0x0000);
    put(config, REVISION, 4, function->revision | function->class << 8);
    put_regions(config, function);
    if (function_is_bridge(function)) {
        put(config, HEADER_TYPE, 1, 1);
        put(config, BUSES, 3, address_parse(function->id).bus | function->bus << 8 | function->bus << 16);
    } else {
        put(config, SUBSYSTEM, 4,
            function->ids.subsystem_vendor | (uint32_t)function->ids.subsystem_device << 16);
    }
    if (function->class >> 8 != 0x0600)
        put_capabilities(config, function);
    put(config, INTERRUPT, 2, function->physfn ? 0 : function->irq | 1 << 8);
}
