/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the broker knows of a PCI function. */
#include "api/hardware/state.h"

#include <string.h>

#include "api/endpoints.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/protocol.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"

static bool has(const json_t *list, const char *text)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
        if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
            return true;
    return false;
}

/* Adds the operation that has claimed the function, and the step that the kernel has not finished. */
static void add_operation(json_t *state, const json_t *operations, const char *id)
{
    const json_t *operation;
    size_t i;

    json_array_foreach(operations, i, operation) {
        const char *at = json_string_value(json_object_get(operation, "function"));
        json_t *since = json_object_get(operation, "waiting-since");
        if (!has(json_object_get(operation, "functions"), id))
            continue;
        json_object_set(state, "task", json_object_get(operation, "id"));
        if (since != NULL && at != NULL && strcmp(at, id) == 0)
            json_object_set_new(
                state, "waiting",
                json_pack("{s:O, s:O}", "since", since, "step", json_object_get(operation, "waiting-text")));
    }
}

static void add_driver(json_t *state, const char *name, const json_t *fact)
{
    const char *driver = json_string_value(json_object_get(fact, "driver"));

    if (driver != NULL)
        json_object_set_new(state, name, json_string(driver[0] != '\0' ? driver : DRIVER_NOBODY));
}

static void add_reset(json_t *state, const json_t *fact)
{
    static const char *const names[] = {"method", "time", "ok", "message"};
    json_t *reset;

    if (fact == NULL)
        return;
    reset = json_object();
    for (size_t i = 0; i < COUNT_OF(names); i++)
        json_object_set(reset, names[i], json_object_get(fact, names[i]));
    json_object_set_new(state, "reset", reset);
}

static void add_rom(json_t *state, const json_t *fact)
{
    static const char *const names[] = {"time", "bios", "uefi", "complete", "shadow"};
    json_t *rom;

    if (fact == NULL)
        return;
    rom = json_object();
    for (size_t i = 0; i < COUNT_OF(names); i++)
        json_object_set(rom, names[i], json_object_get(fact, names[i]));
    json_object_set_new(state, "rom", rom);
}

/* NULL if no broker answers. */
static json_t *ask(const struct broker *broker, const struct pci_device *device,
                   char id[static PCI_ADDRESS_SIZE])
{
    json_t *known = NULL;
    struct error err;

    pci_address_format(device->address, id);
    if (broker_call(broker, "state", NULL, json_pack("{s:s}", "id", id), NULL, NULL, &known, &err) != 0)
        return NULL;
    return known;
}

json_t *hardware_read_fact(const struct broker *broker, const char *kind, const struct pci_device *device)
{
    char id[PCI_ADDRESS_SIZE];
    autojson json_t *known = ask(broker, device, id);

    return json_incref((json_t *)(uintptr_t)protocol_find_fact(
        json_object_get(json_object_get(known, "functions"), id), kind, device));
}

static char *explain_kept(const json_t *known, const char *operation)
{
    const json_t *row;
    size_t i;

    json_array_foreach(json_object_get(known, "kept"), i, row)
        if (operation == NULL || strcmp(json_text(row, "operation"), operation) == 0)
            return xstrdup(json_text_or(row, "reason", "it is being applied"));
    return NULL;
}

char *hardware_explain_kept(const struct broker *broker, const char *operation,
                            const struct pci_device *device)
{
    char id[PCI_ADDRESS_SIZE];
    autojson json_t *known = ask(broker, device, id);

    return explain_kept(known, operation);
}

json_t *hardware_state(const struct broker *broker, const struct pci_device *device)
{
    char id[PCI_ADDRESS_SIZE];
    autojson json_t *known = ask(broker, device, id);

    if (known == NULL)
        return NULL;
    const json_t *facts = json_object_get(json_object_get(known, "functions"), id);
    json_t *state = json_object();
    add_operation(state, json_object_get(known, "operations"), id);
    add_driver(state, "previous-driver", protocol_find_fact(facts, "origin", device));
    add_driver(state, "persistent-driver", protocol_find_fact(facts, "choice", device));
    json_object_set(state, "persistent-d3cold-allowed",
                    json_object_get(protocol_find_fact(facts, "d3cold", device), "d3cold-allowed"));
    autofree char *waits = explain_kept(known, NULL);
    if (waits != NULL)
        json_object_set_new(state, "persistent-waits", json_string(waits));
    add_reset(state, protocol_find_fact(facts, "reset", device));
    add_rom(state, protocol_find_fact(facts, "rom", device));
    return state;
}

static const struct schema waiting_properties[] = {
    {.name = "since", .type = SCHEMA_INTEGER, .text = "Seconds since 1970."},
    {.name = "step",
     .type = SCHEMA_STRING,
     .text = "The step and the file, such as: unbind from nvme, in /" SYS_PCI_DRIVERS "/nvme/unbind."},
    {.name = NULL},
};

static const struct schema reset_properties[] = {
    {.name = "method", .type = SCHEMA_STRING, .text = "The reset method that worked, or the last one tried."},
    {.name = "time", .type = SCHEMA_INTEGER, .text = "Seconds since 1970."},
    {.name = "ok",
     .type = SCHEMA_BOOLEAN,
     .text = "Whether it worked; 0: the device may not work until a reset does."},
    {.name = "message", .type = SCHEMA_STRING, .text = "Why it failed."},
    {.name = NULL},
};

static const struct schema rom_properties[] = {
    {.name = "time", .type = SCHEMA_INTEGER, .text = "When it was read, in seconds since 1970."},
    {.name = "bios", .type = SCHEMA_BOOLEAN, .text = "Whether it has an image for a BIOS (SeaBIOS)."},
    {.name = "uefi", .type = SCHEMA_BOOLEAN, .text = "Whether it has an image for UEFI (OVMF) on x64."},
    {.name = "complete",
     .type = SCHEMA_BOOLEAN,
     .text = "Whether all its images are complete, including one that is marked as the last."},
    {.name = "shadow",
     .type = SCHEMA_BOOLEAN,
     .text = "Whether it was a copy that the firmware left in main memory."},
    {.name = NULL},
};

const struct schema hardware_state_properties[] = {
    OPTIONAL_TEXT(
        "task",
        "UPID of the task that works on it now; boot:ID: it is being bound to its persistent driver."),
    {.name = "waiting",
     .type = SCHEMA_OBJECT,
     .optional = true,
     .properties = waiting_properties,
     .text = "The step that the kernel has not finished, and since when. It cannot be interrupted."},
    OPTIONAL_TEXT("previous-driver", "The driver that it had before its first change since the host's start, "
                                     "which driver=restore brings back; none: no driver."),
    OPTIONAL_TEXT(
        "persistent-driver",
        "The driver that it is bound to whenever the broker starts; none: it stays without a driver."),
    OPTIONAL_FLAG("persistent-d3cold-allowed", "What d3cold-allowed is set to whenever the broker starts."),
    OPTIONAL_TEXT("persistent-waits", "Why a persistent setting of it is not in effect yet."),
    {.name = "reset",
     .type = SCHEMA_OBJECT,
     .optional = true,
     .properties = reset_properties,
     .text = "Its last reset since the host's start."},
    {.name = "rom",
     .type = SCHEMA_OBJECT,
     .optional = true,
     .properties = rom_properties,
     .text = "Its ROM, as it was last read."},
    {.name = NULL},
};
