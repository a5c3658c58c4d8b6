/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a VM's start: what its hostpciN get, and what the host loses for it. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"
#include "passthrough/preflight/parts.h"

/* "0000:01:00: reason" of each alternative that was passed over. */
static void show_refused(const json_t *refused, struct text *evidence)
{
    const json_t *row;
    size_t i;

    json_array_foreach(refused, i, row)
        text_printf(evidence, "; %s: %s", json_text(row, "path"), json_text(row, "reason"));
}

/* A mapping without an entry for this node needs one, else its devices are in use or not as it says. */
static void remedy_mapping(const struct assignment *choice, struct finding *finding)
{
    const char *mapping = choice->hostpci.mapping;

    if (json_array_size(choice->passed_over) == 0)
        text_printf(&finding->remedy,
                    "# add one of this host's devices to the mapping, by its ID:\n"
                    "hostpci get /nodes/localhost/hardware/pci\n"
                    "hostpci create /nodes/localhost/hardware/pci/ID/map --mapping %s\n",
                    mapping);
    else
        text_printf(&finding->remedy,
                    "# see what the mapping stands for, and which VM has it:\n"
                    "hostpci get /cluster/mapping/pci --check-node localhost\n"
                    "hostpci get /cluster/mapping/pci/%s/capacity\n",
                    mapping);
}

static void remedy_choice(const struct inspection *inspection, const struct assignment *choice,
                          struct finding *finding)
{
    if (choice->hostpci.mdev == NULL && !inspection->inventory->has_iommu)
        text_append(&finding->remedy, "hostpci get /nodes/localhost/hardware/iommu\n");
    else if (choice->hostpci.mapping != NULL)
        remedy_mapping(choice, finding);
    else if (choice->hostpci.mdev != NULL)
        text_printf(&finding->remedy,
                    "# see what it has left:\nhostpci get /nodes/localhost/hardware/pci/%s/mdev\n",
                    choice->hostpci.hosts != NULL ? choice->hostpci.hosts[0] : "ID");
    else
        text_append(&finding->remedy, "# choose another of the host's devices:\n"
                                      "hostpci get /nodes/localhost/hardware/pci\n");
}

/* Told of an earlier one with the same words. */
static struct finding *find_same(const struct inspection *inspection, const char *message)
{
    for (size_t i = 0; i < inspection->count; i++)
        if (strcmp(inspection->list[i].id, inspection->row->id) == 0 &&
            strcmp(text_string(&inspection->list[i].finding.message), message) == 0)
            return &inspection->list[i].finding;
    return NULL;
}

void preflight_chosen(struct inspection *inspection)
{
    struct place place;

    for (unsigned at = 0; preflight_next(inspection, &at, &place);) {
        const char *message = place.choice->failure.message;
        if (place.choice->assigned)
            continue;
        struct finding *finding = find_same(inspection, message);
        if (finding == NULL) {
            finding = preflight_tell(inspection, SEVERITY_ERROR, "%s", message);
            remedy_choice(inspection, place.choice, finding);
        }
        preflight_show_key(inspection, place.key, finding);
        show_refused(place.choice->passed_over, &finding->evidence);
    }
}

static bool has_id(const json_t *list, const char *id)
{
    const json_t *row;
    size_t i;

    json_array_foreach(list, i, row)
        if (strcmp(json_text(row, "id"), id) == 0)
            return true;
    return false;
}

json_t *preflight_detaches(const struct inspection *inspection, const struct assignment *choice)
{
    json_t *list = json_array(), *row;
    size_t i;

    if (!choice_is_whole(choice) || choice->hostpci.keep_driver)
        return list;
    for (char **id = choice->ids; *id != NULL; id++)
        json_array_foreach(json_object_get(json_object_get(inspection->seen, *id), "detaches"), i, row)
            if (!has_id(list, json_text(row, "id")))
                json_array_append(list, row);
    return list;
}

void preflight_detached(struct inspection *inspection)
{
    struct place place;
    json_t *row;
    size_t i;

    for (unsigned at = 0; preflight_next(inspection, &at, &place);) {
        autojson json_t *detaches = preflight_detaches(inspection, place.choice);
        autotext struct text list = {0}, evidence = {0};
        json_array_foreach(detaches, i, row) {
            text_printf(&list, "%s%s (%s)", i > 0 ? ", " : "", json_text(row, "id"),
                        json_text(row, "driver"));
            text_printf(&evidence, "%s/%s: %s", i > 0 ? "; " : "",
                        path_of_function(json_text(row, "id"), "driver").text, json_text(row, "driver"));
        }
        if (list.length == 0)
            continue;
        struct finding *finding = preflight_tell(
            inspection, SEVERITY_INFO, "%s: when the VM starts the host loses %s%s.", place.key,
            text_string(&list), place.choice->hostpci.reattach ? ", and has it back when the VM stops" : "");
        text_append(&finding->evidence, text_string(&evidence));
        if (place.choice->hostpci.reattach)
            continue;
        text_append(&finding->remedy, "# to have it back when the VM stops:\n");
        preflight_remedy_edit(inspection, place.key, "reattach", json_integer(1), finding);
    }
}

void preflight_task(struct inspection *inspection)
{
    const char *id;
    json_t *state;

    json_object_foreach(inspection->states, id, state) {
        const char *task = json_text(state, "task");
        if (task[0] == '\0')
            continue;
        struct finding *finding =
            preflight_tell(inspection, SEVERITY_WARNING, "%s: a task works on it now.", id);
        text_printf(&finding->evidence, "%s", task);
        text_append(&finding->remedy, "# wait for its end:\n");
        text_printf(&finding->remedy, "hostpci get /nodes/localhost/tasks/%s/log\n", task);
    }
}

/* Of this card, not of one that was in its slot before. */
static bool is_about(const json_t *fact, const struct pci_device *device)
{
    return device != NULL && json_integer_value(json_object_get(fact, "vendor")) == device->vendor &&
           json_integer_value(json_object_get(fact, "device")) == device->device;
}

void preflight_reset(struct inspection *inspection)
{
    struct pci_address address;
    const char *id;
    json_t *state;

    json_object_foreach(inspection->states, id, state) {
        const json_t *reset = json_object_get(state, "reset");
        if (reset == NULL || json_integer_value(json_object_get(reset, "ok")) != 0 ||
            !pci_address_parse(id, &address) ||
            !is_about(reset, inventory_find(inspection->inventory, address)))
            continue;
        struct finding *finding =
            preflight_tell(inspection, SEVERITY_WARNING,
                           "%s: its last reset failed: it may not work before one has worked.", id);
        text_printf(&finding->evidence, "%s: %s", json_text(reset, "method"), json_text(reset, "message"));
        text_printf(&finding->remedy, "hostpci create /nodes/localhost/hardware/pci/%s/reset\n", id);
    }
}

/* NVIDIA's own driver is what gives its vGPUs to VMs. */
static bool can_keep(const struct pci_device *device)
{
    return device == NULL || driver_is_vfio(device->driver) || device->nvidia;
}

void preflight_keep(struct inspection *inspection)
{
    struct place place;

    for (unsigned at = 0; preflight_next(inspection, &at, &place);)
        for (size_t i = 0; choice_is_whole(place.choice) && place.choice->ids[i] != NULL; i++) {
            const struct pci_device *device = preflight_device(inspection, place.choice, i);
            if (!place.choice->hostpci.keep_driver || can_keep(device))
                continue;
            struct finding *finding = preflight_tell(
                inspection, SEVERITY_ERROR,
                "%s: driver=keep leaves %s as it is, and what it has is no driver that gives it to a VM.",
                place.key, place.choice->ids[i]);
            text_printf(&finding->evidence, "/%s: %s", path_of_function(place.choice->ids[i], "driver").text,
                        device->driver[0] != '\0' ? device->driver : "absent");
            preflight_remedy_edit(inspection, place.key, "driver", NULL, finding);
            text_append(&finding->remedy, "# or bind it yourself:\n");
            text_printf(&finding->remedy,
                        "hostpci set /nodes/localhost/hardware/pci/%s/driver --driver vfio-pci\n",
                        place.choice->ids[i]);
        }
}

static bool is_chosen(const struct inspection *inspection, const char *id)
{
    struct place place;

    for (unsigned at = 0; preflight_next(inspection, &at, &place);)
        for (char **chosen = place.choice->ids; place.choice->assigned && *chosen != NULL; chosen++)
            if (strcmp(*chosen, id) == 0)
                return true;
    return false;
}

/* The functions of a card that the VM does not get. */
static void list_others(const struct inspection *inspection, const struct pci_device *device,
                        struct text *ret)
{
    char id[PCI_ADDRESS_SIZE];

    for (size_t i = 0; i < inspection->inventory->count; i++) {
        const struct pci_device *other = &inspection->inventory->devices[i];
        pci_address_format(other->address, id);
        if (pci_address_same_slot(other->address, device->address) && !other->virtual_function &&
            !is_chosen(inspection, id))
            text_printf(ret, "%s%s", ret->length > 0 ? ", " : "", id);
    }
}

void preflight_others(struct inspection *inspection)
{
    struct place place;

    for (unsigned at = 0; preflight_next(inspection, &at, &place);) {
        const struct pci_device *device = preflight_display(inspection, place.choice);
        autotext struct text others = {0};
        char id[PCI_ADDRESS_SIZE];
        if (device == NULL || !choice_is_whole(place.choice) || device->virtual_function ||
            device->address.bus == 0)
            continue;
        list_others(inspection, device, &others);
        if (others.length == 0)
            continue;
        pci_address_format(device->address, id);
        struct finding *finding =
            preflight_tell(inspection, SEVERITY_INFO,
                           "%s passes the graphics card %s without its other functions (its sound): %s.",
                           place.key, id, text_string(&others));
        preflight_show_key(inspection, place.key, finding);
        if (place.choice->hostpci.hosts == NULL)
            continue;
        *strrchr(id, '.') = '\0';
        preflight_remedy_edit(inspection, place.key, "host", json_string(id), finding);
    }
}

void preflight_mdev(struct inspection *inspection)
{
    struct place place;

    for (unsigned at = 0; preflight_next(inspection, &at, &place);) {
        if (!place.choice->assigned || place.choice->hostpci.mdev == NULL)
            continue;
        struct finding *finding = preflight_tell(
            inspection, SEVERITY_OK,
            "%s: a mediated device of type '%s' is made of %s when the VM starts, and removed when it stops.",
            place.key, place.choice->hostpci.mdev, place.choice->ids[0]);
        if (place.choice->uuid[0] != '\0')
            text_printf(&finding->evidence, "/%s",
                        path_below(SYS_MDEV_DEVICES, place.choice->uuid, NULL).text);
    }
}

void preflight_overrides(struct inspection *inspection)
{
    static const char *const names[VM_ID_OVERRIDES] = {"vendor-id", "device-id", "sub-vendor-id",
                                                       "sub-device-id"};
    struct place place;

    for (unsigned at = 0; preflight_next(inspection, &at, &place);) {
        const struct pci_device *device = preflight_device(inspection, place.choice, 0);
        autotext struct text list = {0};
        for (size_t i = 0; i < VM_ID_OVERRIDES; i++)
            if (place.choice->hostpci.overrides[i] != NULL)
                text_printf(&list, "%s%s %s", list.length > 0 ? ", " : "", names[i],
                            place.choice->hostpci.overrides[i]);
        if (list.length == 0 || device == NULL)
            continue;
        struct finding *finding = preflight_tell(
            inspection, SEVERITY_INFO,
            "%s: the guest sees %s with other ids than its own (%s): a driver that fits these is loaded, "
            "whether it fits the device or not.",
            place.key, place.choice->ids[0], text_string(&list));
        text_printf(&finding->evidence,
                    "/%s: vendor 0x%04x, device 0x%04x, "
                    "subsystem_vendor 0x%04x, subsystem_device 0x%04x",
                    path_of_function(place.choice->ids[0], NULL).text, device->vendor, device->device,
                    device->subsystem_vendor, device->subsystem_device);
    }
}
