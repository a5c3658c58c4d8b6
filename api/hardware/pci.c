/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci: the list of devices. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/check/report.h"
#include "hardware/pci/device.h"
#include "schema/format.h"

#define HEX4(key, about) {.name = (key), .type = SCHEMA_STRING, .pattern = "0x[0-9a-f]{4}", .text = (about)}

/* "06" hides every bridge: entries are prefixes of the class code. */
static bool is_hidden(const struct pci_device *device, char **blacklist)
{
    char class_code[12];

    snprintf(class_code, sizeof(class_code), "%06x", device->class_code);
    for (char **prefix = blacklist; *prefix != NULL; prefix++) {
        const char *digits = text_starts_with(*prefix, "0x") ? *prefix + 2 : *prefix;
        if (strncasecmp(class_code, digits, strlen(digits)) == 0)
            return true;
    }
    return false;
}

/* Adds virtfns to the physical functions. virtfnN is a function's N-th virtual function: routing ids rise
 * with N (PCIe, First VF Offset and VF Stride), and the inventory is sorted by them. */
static void add_virtual_functions(const struct inventory *inventory, json_t **rows)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const struct pci_device *function = &inventory->devices[i];
        const struct pci_device *parent =
            function->virtual_function ? inventory_find(inventory, function->physical_function) : NULL;
        json_t *row = parent != NULL ? rows[parent - inventory->devices] : NULL;
        char id[PCI_ADDRESS_SIZE], name[24];
        if (row == NULL)
            continue;
        if (json_object_get(row, "virtfns") == NULL)
            json_object_set_new(row, "virtfns", json_object());
        json_t *functions = json_object_get(row, "virtfns");
        pci_address_format(function->address, id);
        snprintf(name, sizeof(name), "virtfn%zu", json_object_size(functions));
        json_object_set_new(functions, name, json_string(id));
    }
}

static int add_verdicts(struct request *request, const struct inventory *inventory, json_t **rows,
                        struct error *err)
{
    autohostuses struct host_uses *uses = NULL;
    struct readiness *verdicts;

    if (host_uses_scan(request->service->sysroot, inventory, &uses, err) != 0 ||
        readiness_verdicts(request->service->sysroot, inventory, uses, &verdicts, err) != 0)
        return -1;
    for (size_t i = 0; i < inventory->count; i++) {
        if (rows[i] == NULL)
            continue;
        json_object_set_new(rows[i], "verdict", json_string(verdict_name(verdicts[i].verdict)));
        json_object_set_new(rows[i], "summary", json_string(verdicts[i].summary));
    }
    readiness_free(verdicts, inventory->count);
    return 0;
}

static int list_pci(struct request *request, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;
    autosplit char **blacklist = format_split_list(param_string(request, "pci-class-blacklist"));
    bool verbose = param_boolean(request, "verbose");

    if (inventory_source_get(request->service->inventory, &inventory, err) != 0)
        return -1;
    autofree json_t **rows = xcalloc(inventory->count, sizeof(json_t *)); /* borrowed from the array */
    autojson json_t *list = json_array();
    for (size_t i = 0; i < inventory->count; i++) {
        if (is_hidden(&inventory->devices[i], blacklist))
            continue;
        rows[i] = device_summarize(&inventory->devices[i], verbose ? request->service->names : NULL);
        json_array_append_new(list, rows[i]);
    }
    if (verbose)
        add_virtual_functions(inventory, rows);
    if (param_boolean(request, "verdict") && add_verdicts(request, inventory, rows, err) != 0)
        return -1;
    *ret = TAKE(list);
    return 0;
}

static bool list_version(struct request *request, uint64_t *ret)
{
    uint64_t generation;

    /* what the host uses a device for can change without an event for the device */
    if (param_boolean(request, "verdict") ||
        !inventory_source_generation(request->service->inventory, &generation))
        return false;
    *ret = generation << 32 | (names_generation(request->service->names) & UINT32_MAX);
    return true;
}

const struct endpoint endpoint_list_pci = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/pci",
    .text = "Lists the PCI devices of the node, sorted by id.",
    .permission = ALLOW_ANY_PRIVILEGE("/", "Sys.Audit", "Sys.Modify"),
    .parameters = PROPERTIES(PARAMETER_NODE,
                             {.name = "pci-class-blacklist",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .format = "string-list",
                              .max_length = 1024,
                              .fallback = "05;06;0b",
                              .text = "Leave out devices whose class begins with one of these hexadecimal "
                                      "prefixes; an empty string lists all."},
                             {.name = "verbose",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .fallback = "1",
                              .text = "Include names, driver, subsystem, physical and virtual functions."},
                             {.name = "verdict",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .fallback = "0",
                              .text = "Include whether each device can be passed through, and if not, why."}),
    .returns =
        {.type = SCHEMA_ARRAY,
         .empty = "There are no PCI devices, or all of them are of classes that are left out.",
         .items = ITEMS(
                 .type = SCHEMA_OBJECT,
                 .properties = PROPERTIES(
                     {.name = "id", .type = SCHEMA_STRING, .format = "pci-id", .text = "PCI id with domain."},
                     {.name = "verdict",
                      .type = SCHEMA_STRING,
                      .optional = true,
                      .values = VALUES("ready", "possible", "blocked"),
                      .text = "With verdict=1: whether it can be passed through."},
                     {.name = "device_name", .type = SCHEMA_STRING, .optional = true},
                     {.name = "summary",
                      .type = SCHEMA_STRING,
                      .optional = true,
                      .text = "With verdict=1: what passing it through takes, or why it is impossible."},
                     {.name = "driver",
                      .type = SCHEMA_STRING,
                      .optional = true,
                      .text = "The bound driver. Proxmox VE does not return it."},
                     {.name = "iommugroup",
                      .type = SCHEMA_INTEGER,
                      .text = "IOMMU group; -1 if the device is in none."},
                     {.name = "class",
                      .type = SCHEMA_STRING,
                      .pattern = "0x[0-9a-f]{6}",
                      .text = "Class, subclass and programming interface."},
                     HEX4("vendor", "Vendor id."), HEX4("device", "Device id."),
                     {.name = "mdev",
                      .type = SCHEMA_BOOLEAN,
                      .optional = true,
                      .text = "Present if the device can create mediated devices."},
                     {.name = "nvidia",
                      .type = SCHEMA_BOOLEAN,
                      .optional = true,
                      .text = "Present if it creates them through NVIDIA's own interface."},
                     {.name = "vendor_name", .type = SCHEMA_STRING, .optional = true},
                     {.name = "subsystem_vendor", .type = SCHEMA_STRING, .optional = true},
                     {.name = "subsystem_device", .type = SCHEMA_STRING, .optional = true},
                     {.name = "subsystem_vendor_name", .type = SCHEMA_STRING, .optional = true},
                     {.name = "subsystem_device_name", .type = SCHEMA_STRING, .optional = true},
                     {.name = "physfn",
                      .type = SCHEMA_STRING,
                      .optional = true,
                      .format = "pci-id",
                      .text = "Physical function that a virtual function belongs to."},
                     {.name = "virtfns",
                      .type = SCHEMA_OBJECT,
                      .optional = true,
                      .open = true,
                      .text = "Virtual functions of a physical function: {virtfn0: PCI id, ...}."}))},
    .may_block = true,
    .on_node = true,
    .run = list_pci,
    .version = list_version,
};
