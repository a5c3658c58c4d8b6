/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of a VM's start: its hostpciN, and what the host loses for them. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "broker/protocol.h"
#include "hardware/check/manual.h"
#include "hardware/paths.h"
#include "hardware/pci/card.h"
#include "hardware/pci/class.h"
#include "passthrough/preflight/parts.h"

static bool has_id(const json_t *list, const char *id)
{
    const json_t *row;
    size_t i;

    json_array_foreach(list, i, row)
        if (strcmp(json_text(row, "id"), id) == 0)
            return true;
    return false;
}

json_t *preflight_detaches(const struct inspection *inspection, const struct assignment *assignment)
{
    json_t *list = json_array(), *row;
    size_t i;

    if (!preflight_is_whole(assignment) || assignment->hostpci.keep_driver)
        return list;
    for (char **id = assignment->ids; *id != NULL; id++)
        json_array_foreach(json_object_get(json_object_get(inspection->described, *id), "detaches"), i, row)
            if (!has_id(list, json_text(row, "id")))
                json_array_append(list, row);
    return list;
}

static void check_detached(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    struct preflight_hostpci hostpci;
    json_t *row;
    size_t i;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);) {
        autojson json_t *detaches = preflight_detaches(inspection, hostpci.assignment);
        bool reattach = hostpci.assignment->hostpci.reattach;
        autotext struct text list = {0};
        json_array_foreach(detaches, i, row) {
            const char *id = json_text(row, "id"), *driver = json_text(row, "driver");
            text_printf(&list, "%s%s (%s)", i > 0 ? ", " : "", id, driver);
            text_printf(&ret->evidence, "%s/%s: %s", i > 0 ? "; " : "", path_of_function(id, "driver").text,
                        driver);
        }
        if (list.length == 0)
            continue;
        if (!reattach) {
            text_append(&ret->remedy.lines, "# to get it back when the VM stops:\n");
            preflight_remedy_edit(inspection, hostpci.key, "reattach", json_integer(1), ret);
        }
        findings_add(ret, SEVERITY_INFO, "%s: when the VM starts the host loses %s%s.", hostpci.key,
                     text_string(&list), reattach ? ", and gets it back when the VM stops" : "");
    }
}

static const struct check device_detached_check = {
    .id = "device-detached",
    .scope = CHECK_VM,
    .fixable = true,
    .section = MANUAL_DEVICE,
    .sentence = "Proxmox VE tries to automatically make the PCI(e) device unavailable for the host.",
    .text = "functions that lose their driver, also others of the same IOMMU group",
    .run = check_detached,
};

static void check_task(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    const char *id;
    json_t *state;

    json_object_foreach(inspection->states, id, state) {
        const char *task = json_text(state, "task");
        if (task[0] == '\0')
            continue;
        text_printf(&ret->evidence, "%s", task);
        text_append(&ret->remedy.lines, "# wait until it is done:\n");
        text_printf(&ret->remedy.lines, "hostpci get /nodes/localhost/tasks/%s/log\n", task);
        findings_add(ret, SEVERITY_WARNING, "%s: a task is working on it.", id);
    }
}

static const struct check device_in_hand_check = {
    .id = "device-in-hand",
    .scope = CHECK_VM,
    .section = MANUAL_NOTHING,
    .text = "a task that is working on a function",
    .run = check_task,
};

static void check_reset(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    struct pci_address address;
    const char *id;
    json_t *state;

    json_object_foreach(inspection->states, id, state) {
        if (!pci_address_parse(id, &address))
            continue;
        const json_t *reset =
            protocol_find_fact(state, "reset", inventory_find(inspection->inventory, address));
        if (reset == NULL || json_integer_value(json_object_get(reset, "ok")) != 0)
            continue;
        text_printf(&ret->evidence, "%s: %s", json_text(reset, "method"), json_text(reset, "message"));
        remedy_add_call(&ret->remedy, "create", json_object(), REMEDY_NODE "/hardware/pci/%s/reset", id);
        findings_add(ret, SEVERITY_WARNING, "%s: its last reset failed; it may not work until one succeeds.",
                     id);
    }
}

static const struct check device_reset_check = {
    .id = "device-reset",
    .scope = CHECK_VM,
    .fixable = true,
    .section = MANUAL_NOTHING,
    .text = "a function whose last reset failed",
    .run = check_reset,
};

/* NVIDIA's own driver is the one that gives its vGPUs to VMs. */
static bool can_keep(const struct pci_device *device)
{
    return device == NULL || driver_is_vfio(device->driver) || device->nvidia;
}

static void check_keep(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    struct preflight_hostpci hostpci;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);)
        for (size_t i = 0; preflight_is_whole(hostpci.assignment) && hostpci.assignment->ids[i] != NULL;
             i++) {
            const struct pci_device *device = preflight_device(inspection, hostpci.assignment, i);
            if (!hostpci.assignment->hostpci.keep_driver || can_keep(device))
                continue;
            text_printf(&ret->evidence, "/%s: %s",
                        path_of_function(hostpci.assignment->ids[i], "driver").text,
                        device->driver[0] != '\0' ? device->driver : "absent");
            preflight_remedy_edit(inspection, hostpci.key, "driver", NULL, ret);
            text_append(&ret->remedy.lines, "# or bind it yourself:\n");
            remedy_add_call(&ret->remedy, "set", json_pack("{s:s}", "driver", "vfio-pci"),
                            REMEDY_NODE "/hardware/pci/%s/driver", hostpci.assignment->ids[i]);
            findings_add(ret, SEVERITY_ERROR,
                         "%s: driver=keep leaves %s as it is, without a driver that gives it to a VM.",
                         hostpci.key, hostpci.assignment->ids[i]);
        }
}

static const struct check driver_kept_check = {
    .id = "driver-kept",
    .scope = CHECK_VM,
    .blocks = true,
    .fixable = true,
    .section = MANUAL_NOTHING,
    .text = "with driver=keep, that it has a driver that gives it to VMs",
    .run = check_keep,
};

static bool is_chosen(const struct inspection *inspection, const char *id)
{
    struct preflight_hostpci hostpci;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);)
        for (char **chosen = hostpci.assignment->ids; hostpci.assignment->assigned && *chosen != NULL;
             chosen++)
            if (strcmp(*chosen, id) == 0)
                return true;
    return false;
}

/* Whether the host uses the function, according to the description of the one that is given. */
static bool is_used(const struct inspection *inspection, const struct pci_device *device, const char *id)
{
    char given[PCI_ADDRESS_SIZE];
    const json_t *use;
    size_t i;

    pci_address_format(device->address, given);
    json_array_foreach(json_object_get(json_object_get(inspection->described, given), "host-use"), i, use)
        if (strcmp(json_text(use, "id"), id) == 0 && strcmp(json_text(use, "weight"), "idle") != 0)
            return true;
    return false;
}

/* Adds the functions of a card that the VM does not get and could have. Returns whether these are all that
 * its slot has beside. */
static bool list_others(const struct inspection *inspection, const struct pci_device *device,
                        struct text *ret)
{
    char id[PCI_ADDRESS_SIZE];
    bool all = true;

    for (size_t i = 0; i < inspection->inventory->count; i++) {
        const struct pci_device *other = &inspection->inventory->devices[i];
        pci_address_format(other->address, id);
        if (!pci_address_same_slot(other->address, device->address) || other->virtual_function ||
            is_chosen(inspection, id))
            continue;
        if (pci_is_companion(device, other) && !is_used(inspection, device, id))
            text_printf(ret, "%s%s", ret->length > 0 ? ";" : "", id);
        else
            all = false;
    }
    return all;
}

static void check_others(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    struct preflight_hostpci hostpci;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);) {
        const struct pci_device *device = preflight_display(inspection, hostpci.assignment);
        autotext struct text others = {0};
        char id[PCI_ADDRESS_SIZE];
        if (device == NULL || !preflight_is_whole(hostpci.assignment) || device->virtual_function)
            continue;
        bool all = list_others(inspection, device, &others);
        if (others.length == 0)
            continue;
        pci_address_format(device->address, id);
        preflight_show_key(inspection, hostpci.key, ret);
        if (hostpci.assignment->hostpci.hosts != NULL) {
            autofree char *host = all ? xstrndup(id, strcspn(id, ".")) : xasprintf("%s;%s", id, others.data);
            preflight_remedy_edit(inspection, hostpci.key, "host", json_string(host), ret);
        }
        findings_add(ret, SEVERITY_INFO,
                     "%s passes the graphics card %s without its other functions (its sound): %s.",
                     hostpci.key, id, text_string(&others));
    }
}

static const struct check functions_left_check = {
    .id = "functions-left",
    .scope = CHECK_VM,
    .fixable = true,
    .section = MANUAL_VM,
    .sentence = "If your device has multiple functions (e.g., '00:02.0' and '00:02.1'), you can pass them "
                "through all together with the shortened syntax '00:02'.",
    .text = "functions of a graphics card, its sound, that the VM does not get",
    .run = check_others,
};

/* One that is made before it takes a share of what both need, and how much that is only the driver knows. */
static void add_unsure(const struct inspection *inspection, const struct preflight_hostpci *hostpci,
                       struct findings *ret)
{
    const char *parent = hostpci->assignment->ids[0], *type = hostpci->assignment->hostpci.mdev;

    preflight_show_key(inspection, hostpci->key, ret);
    if (hostpci->assignment->uuid[0] == '\0')
        text_append(&ret->remedy.lines, "# see how many vGPUs of each type the card can have:\n"
                                        "nvidia-smi vgpu -s -v\n");
    findings_add(ret, SEVERITY_WARNING,
                 "%s: whether %s has room for a mediated device of type '%s' is only known when those that "
                 "share it are made: its driver offers the type now, but may not any more then.",
                 hostpci->key, parent, type);
}

static void check_mdev(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    struct preflight_hostpci hostpci;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);) {
        if (!hostpci.assignment->assigned || hostpci.assignment->hostpci.mdev == NULL)
            continue;
        if (hostpci.assignment->uuid[0] != '\0')
            text_printf(&ret->evidence, "/%s",
                        path_below(SYS_MDEV_DEVICES, hostpci.assignment->uuid, NULL).text);
        if (hostpci.assignment->unsure) {
            add_unsure(inspection, &hostpci, ret);
            continue;
        }
        findings_add(
            ret, SEVERITY_OK,
            "%s: a mediated device of type '%s' is made of %s when the VM starts, and removed when it stops.",
            hostpci.key, hostpci.assignment->hostpci.mdev, hostpci.assignment->ids[0]);
    }
}

static const struct check mediated_device_check = {
    .id = "mediated-device",
    .scope = CHECK_VM,
    .section = MANUAL_MEDIATED,
    .sentence = "Proxmox VE automatically creates such a device on VM start, and cleans it up again when the "
                "VM stops.",
    .text = "its parent, type and name",
    .run = check_mdev,
};

static void check_overrides(const struct subject *subject, struct findings *ret)
{
    const struct inspection *inspection = subject->vm;
    static const char *const names[VM_ID_OVERRIDES] = {"vendor-id", "device-id", "sub-vendor-id",
                                                       "sub-device-id"};
    struct preflight_hostpci hostpci;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);) {
        const struct pci_device *device = preflight_device(inspection, hostpci.assignment, 0);
        autotext struct text list = {0};
        for (size_t i = 0; i < VM_ID_OVERRIDES; i++)
            if (hostpci.assignment->hostpci.overrides[i] != NULL)
                text_printf(&list, "%s%s %s", list.length > 0 ? ", " : "", names[i],
                            hostpci.assignment->hostpci.overrides[i]);
        if (list.length == 0 || device == NULL)
            continue;
        text_printf(&ret->evidence,
                    "/%s: vendor 0x%04x, device 0x%04x, "
                    "subsystem_vendor 0x%04x, subsystem_device 0x%04x",
                    path_of_function(hostpci.assignment->ids[0], NULL).text, device->vendor, device->device,
                    device->subsystem_vendor, device->subsystem_device);
        findings_add(ret, SEVERITY_INFO,
                     "%s: the guest sees %s with other ids than its own (%s): it loads a driver that matches "
                     "these, whether that matches the device or not.",
                     hostpci.key, hostpci.assignment->ids[0], text_string(&list));
    }
}

static const struct check id_overrides_check = {
    .id = "id-overrides",
    .scope = CHECK_VM,
    .section = MANUAL_ID_OVERRIDES,
    .sentence = "You can override the PCI vendor ID, device ID, and subsystem IDs that will be described by "
                "the guest.",
    .text = "vendor-id, device-id, sub-vendor-id, sub-device-id against the device's own",
    .run = check_overrides,
};

const struct check *const preflight_device_checks[] = {
    &device_detached_check, &device_in_hand_check,  &device_reset_check, &driver_kept_check,
    &functions_left_check,  &mediated_device_check, &id_overrides_check, NULL};
