/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the guest finds the devices of a command line. */
#include "vm/command/layout.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define MOST_BUSES 256

struct device {
    char id[32], bus[32];
    unsigned slot, function;
    bool bridge;
};

struct layout {
    struct device *devices; /* in the order of their addresses */
    size_t count;
    unsigned buses; /* how many numbers were assigned */
    json_t *found;
};

static const char *const bridges[] = {"pci-bridge", "pcie-root-port", "i82801b11-bridge"};

static bool is_bridge(const char *driver)
{
    for (size_t i = 0; i < COUNT_OF(bridges); i++)
        if (strcmp(driver, bridges[i]) == 0)
            return true;
    return false;
}

/* "0x1c", "1c.0", "0x1.0x2": QEMU takes both as hexadecimal. */
static bool parse_address(const char *text, struct device *ret)
{
    int length = 0;

    ret->function = 0;
    if (sscanf(text, "%x%n.%x", &ret->slot, &length, &ret->function) < 1)
        return false;
    return (text[length] == '\0' || text[length] == '.') && ret->slot < 32 && ret->function < 8;
}

/* "DRIVER,id=..,bus=..,addr=..": false if it is not on a PCI bus, or if it does not say where. */
static bool parse_device(const char *value, struct device *ret)
{
    autofree char *copy = xstrdup(value);
    char *rest = copy, *part = strsep(&rest, ",");
    bool placed = false;

    *ret = (struct device){.bridge = is_bridge(part)};
    while ((part = strsep(&rest, ",")) != NULL) {
        if (text_starts_with(part, "id="))
            snprintf(ret->id, sizeof(ret->id), "%s", part + strlen("id="));
        else if (text_starts_with(part, "bus="))
            snprintf(ret->bus, sizeof(ret->bus), "%s", part + strlen("bus="));
        else if (text_starts_with(part, "addr="))
            placed = parse_address(part + strlen("addr="), ret);
    }
    return placed && ret->id[0] != '\0' && ret->bus[0] != '\0';
}

static int compare(const void *a, const void *b)
{
    const struct device *one = a, *other = b;

    if (one->slot != other->slot)
        return one->slot < other->slot ? -1 : 1;
    return (one->function > other->function) - (one->function < other->function);
}

static void read_devices(char *const *arguments, struct layout *layout)
{
    size_t count = 0;

    while (arguments[count] != NULL)
        count++;
    layout->devices = xcalloc(count + 1, sizeof(*layout->devices));
    for (size_t i = 0; i + 1 < count; i++)
        if (strcmp(arguments[i], "-device") == 0 &&
            parse_device(arguments[i + 1], &layout->devices[layout->count]))
            layout->count++;
    qsort(layout->devices, layout->count, sizeof(*layout->devices), compare);
}

/* Numbers what is on the bus, and recurses into its bridges; a bus has the name of its bridge. */
static void number_bus(struct layout *layout, const char *bus, unsigned number)
{
    for (size_t i = 0; i < layout->count; i++) {
        const struct device *device = &layout->devices[i];
        if (strcmp(device->bus, bus) != 0 || json_object_get(layout->found, device->id) != NULL)
            continue;
        json_object_set_new(
            layout->found, device->id,
            json_sprintf("0000:%02x:%02x.%x", number & 0xffU, device->slot & 0x1fU, device->function & 7U));
        if (device->bridge && layout->buses < MOST_BUSES - 1)
            number_bus(layout, device->id, ++layout->buses);
    }
}

/* On q35 the root bus is pcie.0, and pci.0 is behind a bridge. */
static const char *root_of(const struct layout *layout)
{
    for (size_t i = 0; i < layout->count; i++)
        if (strcmp(layout->devices[i].bus, "pcie.0") == 0)
            return "pcie.0";
    return "pci.0";
}

json_t *vm_command_layout(char *const *arguments)
{
    struct layout layout = {.found = json_object()};

    read_devices(arguments, &layout);
    number_bus(&layout, root_of(&layout), 0);
    free(layout.devices);
    return layout.found;
}
