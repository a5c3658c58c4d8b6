/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci/{id}/rom: what the ROM of a device is, and saving it as a romfile.
 *
 * Reading needs Sys.Modify, too: the ROM is switched on for it, the device is woken, and nothing else may
 * change the device at the same time. GET cannot be forced: it needs no CSRF token, so that a malicious page
 * could make a browser disturb a device that is in use. */
#include "api/endpoints.h"
#include "api/hardware/task.h"
#include "base/hash.h"
#include "base/memory.h"
#include "broker/operations.h"

/* The operation is journalled, so it needs an id, although there is no task. */
static int get_pci_rom(struct request *request, json_t **ret, struct error *err)
{
    char id[PCI_ADDRESS_SIZE], unique[UUID_SIZE];

    pci_address_format(param_pci_address(request), id);
    uuid_make(unique);
    autofree char *name = xasprintf("rom:%s:%s", id, unique);
    return broker_call_briefly(request->service->broker, operation_rom.name, name,
                               json_pack("{s:s}", "id", id), ret, err);
}

static int save_pci_rom(struct request *request, json_t **ret, struct error *err)
{
    return hardware_begin_task(request, "pcirom", &operation_rom, ret, err);
}

static const struct schema efi_properties[] = {
    {.name = "machine",
     .type = SCHEMA_STRING,
     .text = "Kind of processor that its code runs on: x64, ia32, aarch64, ..."},
    {.name = "subsystem",
     .type = SCHEMA_STRING,
     .text = "boot-service-driver, runtime-driver or application."},
    {.name = "compressed", .type = SCHEMA_BOOLEAN},
    {.name = NULL},
};

static const struct schema image_properties[] = {
    {.name = "offset", .type = SCHEMA_INTEGER, .text = "Where it begins, in bytes."},
    {.name = "length", .type = SCHEMA_INTEGER, .text = "Its size in bytes, as it states itself."},
    {.name = "code", .type = SCHEMA_INTEGER, .text = "Its code type, as a number."},
    {.name = "type",
     .type = SCHEMA_STRING,
     .values = VALUES("bios", "open-firmware", "pa-risc", "uefi", "other"),
     .text = "The firmware that it is for."},
    {.name = "vendor", .type = SCHEMA_STRING, .text = "Vendor id of its device."},
    {.name = "device", .type = SCHEMA_STRING, .text = "Device id of its device."},
    {.name = "devices",
     .type = SCHEMA_ARRAY,
     .optional = true,
     .items = ITEMS(.type = SCHEMA_STRING),
     .text = "Ids of other devices that it supports."},
    {.name = "class", .type = SCHEMA_STRING, .text = "Class, subclass and programming interface."},
    {.name = "revision", .type = SCHEMA_INTEGER, .text = "The vendor's revision of the code."},
    {.name = "last", .type = SCHEMA_BOOLEAN, .text = "Whether it is marked as the last image."},
    {.name = "checksum",
     .type = SCHEMA_STRING,
     .optional = true,
     .values = VALUES("right", "wrong"),
     .text = "Of an image for a BIOS."},
    {.name = "efi",
     .type = SCHEMA_OBJECT,
     .optional = true,
     .properties = efi_properties,
     .text = "UEFI's header."},
    {.name = NULL},
};

const struct endpoint endpoint_get_pci_rom = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/rom",
    .text = "Reads the ROM of a device, and says what it is: for which firmware, whether it supports UEFI, "
            "is complete, and belongs to this device. Refused while a driver of the host or a virtual "
            "machine has the device; POST can force that.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Modify"),
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID),
    .returns =
        {.type = SCHEMA_OBJECT,
         .properties = PROPERTIES(
             {.name = "id", .type = SCHEMA_STRING, .format = "pci-id"},
             {.name = "size", .type = SCHEMA_INTEGER, .text = "Size of all its images together, in bytes."},
             {.name = "bios",
              .type = SCHEMA_BOOLEAN,
              .text = "Whether it has an image for a BIOS (SeaBIOS)."},
             {.name = "uefi", .type = SCHEMA_BOOLEAN, .text = "Whether it has an image for UEFI (OVMF)."},
             {.name = "fits",
              .type = SCHEMA_BOOLEAN,
              .text = "Whether one of its images is for this device."},
             {.name = "complete",
              .type = SCHEMA_BOOLEAN,
              .text = "Whether all its images are complete, including one that is marked as the last."},
             OPTIONAL_TEXT("fault", "Why it is not complete."),
             OPTIONAL_NUMBER("before", "Bytes before its first image."),
             OPTIONAL_FLAG(
                 "shadow",
                 "Present if it is not the ROM itself, but a copy that the firmware left in main memory."),
             WORDS("notes", "What to know about it, in sentences."),
             {.name = "images",
              .type = SCHEMA_ARRAY,
              .items = ITEMS(.type = SCHEMA_OBJECT, .properties = image_properties)})},
    .may_block = true,
    .on_node = true,
    .run = get_pci_rom,
};

const struct endpoint endpoint_save_pci_rom = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/hardware/pci/{pci-id-or-mapping}/rom",
    .text = "Reads the ROM of a device, and saves it as a romfile for hostpciN. The task's log says what is "
            "in it. A ROM that is damaged, or belongs to another device, is only saved if forced.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Modify"),
    .parameters =
        PROPERTIES(PARAMETER_NODE, PARAMETER_PCI_ID, {.name = NULL, .more = operation_rom_arguments + 1}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .run = save_pci_rom,
};
