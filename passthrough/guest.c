/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which function of the host a VM's hostpciN is, and at which address the guest sees it. */
#include "passthrough/guest.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "hardware/pci/device.h"
#include "schema/format.h"
#include "vm/command/layout.h"

/* What is known about all hostpciN before the first is described. */
struct known {
    const struct guest *guest;
    struct inventory *inventory;
    json_t *addresses;   /* {ID: address in the guest} */
    struct error reason; /* why addresses are unknown; empty message: they are known */
    struct assignments assignments;
};

static void release(struct known *known)
{
    inventory_release(known->inventory);
    json_decref(known->addresses);
    assignments_release(&known->assignments);
}

static void read_bus(const json_t *devices, json_t *ret)
{
    const json_t *device;
    size_t i;

    json_array_foreach(devices, i, device) {
        const json_t *bridge = json_object_get(device, "pci_bridge");
        const char *id = json_text(device, "qdev_id");
        if (id[0] != '\0')
            json_object_set_new(
                ret, id,
                json_sprintf("0000:%02x:%02x.%x",
                             (unsigned)json_integer_value(json_object_get(device, "bus")) & 0xffU,
                             (unsigned)json_integer_value(json_object_get(device, "slot")) & 0x1fU,
                             (unsigned)json_integer_value(json_object_get(device, "function")) & 7U));
        read_bus(json_object_get(bridge, "devices"), ret);
    }
}

json_t *guest_read_addresses(const json_t *buses)
{
    json_t *addresses = json_object();
    const json_t *bus;
    size_t i;

    json_array_foreach(buses, i, bus)
        read_bus(json_object_get(bus, "devices"), addresses);
    return addresses;
}

/* For a stopped VM: what a start would choose now, and where its command line would place it. */
static int foresee(struct known *known, struct error *err)
{
    const struct guest *guest = known->guest;
    const struct reservations reservations = {guest->host.storage, guest->host.sysroot};
    autoavailability struct availability availability = {0};
    autosplit char **arguments = NULL;

    if (availability_read(&reservations, guest->inventory, &availability, err) != 0)
        return -1;
    const struct assign assign = {.storage = guest->host.storage,
                                  .availability = &availability,
                                  .node = guest->host.node,
                                  .vmid = guest->vmid,
                                  .config = guest->config,
                                  .on_paper = true};
    assign_devices(&assign, &known->assignments);
    if (guest->host.qemu == NULL)
        error_set(&known->reason, ERROR_FAILED, "QEMU cannot be asked what it can do");
    else if (assignments_check(&known->assignments, &known->reason) == 0 &&
             command_line_build(&guest->host, guest->vmid, guest->config, &known->assignments, &arguments,
                                &known->reason) == 0)
        known->addresses = vm_command_layout(arguments);
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What the VM has reserved for the key: its functions, function 0 first, or a mediated device's parent. */
static void take_reserved(const json_t *reserved, long long vmid, const char *key, struct assignment *ret)
{
    const char *device;
    const json_t *row;
    size_t count = 0;

    ret->ids = xcalloc(json_object_size(reserved) + 1, sizeof(*ret->ids));
    json_object_foreach((json_t *)(uintptr_t)reserved, device, row) {
        const char *parent = json_text_or(row, "parent", NULL);
        if (json_integer_value(json_object_get(row, "vmid")) != vmid ||
            strcmp(json_text(row, "key"), key) != 0)
            continue;
        if (parent != NULL)
            snprintf(ret->uuid, sizeof(ret->uuid), "%s", device);
        ret->ids[count++] = xstrdup(parent != NULL ? parent : device);
    }
    qsort(ret->ids, count, sizeof(*ret->ids), compare_ids);
    ret->assigned = count > 0;
}

/* For a running VM: what it has reserved, and the addresses that QEMU reports. */
static int look(struct known *known, struct error *err)
{
    const struct guest *guest = known->guest;
    const struct reservations reservations = {guest->host.storage, guest->host.sysroot};
    autojson json_t *reserved = NULL, *answer = NULL;

    if (reservations_list(&reservations, &reserved, err) != 0)
        return -1;
    for (unsigned i = 0; i < VM_HOSTPCI; i++) {
        struct assignment *own = &known->assignments.list[i];
        const struct vm_key_name key = vm_key_name("hostpci", i);
        const char *value = json_text_or(guest->config, key.text, NULL);
        own->configured = value != NULL && vm_hostpci_parse(value, &own->hostpci, &own->failure) == 0;
        if (own->configured)
            take_reserved(reserved, guest->vmid, key.text, own);
        if (own->configured && !own->assigned)
            error_set(&own->failure, ERROR_FAILED, "VM %lld runs without it", guest->vmid);
    }
    if (broker_call_briefly(guest->broker, "vm_control", NULL,
                            json_pack("{s:I, s:s}", "vmid", (json_int_t)guest->vmid, "verb", "query-pci"),
                            &answer, &known->reason) == 0)
        known->addresses = guest_read_addresses(json_object_get(answer, "buses"));
    return 0;
}

/* What the guest reads as the ids of the function: the host's, unless the configuration sets others for the
 * first function. */
static void add_ids(const struct pci_device *device, const struct assignment *own, bool first, json_t *ret)
{
    const unsigned real[VM_ID_OVERRIDES] = {device->vendor, device->device, device->subsystem_vendor,
                                            device->subsystem_device};
    unsigned ids[VM_ID_OVERRIDES];

    for (size_t i = 0; i < VM_ID_OVERRIDES; i++) {
        const char *set = first ? own->hostpci.overrides[i] : NULL;
        ids[i] = set != NULL ? (unsigned)strtoul(set, NULL, 16) : real[i];
    }
    json_object_set_new(ret, "ids", json_sprintf("%04x:%04x", ids[VM_VENDOR_ID], ids[VM_DEVICE_ID]));
    json_object_set_new(ret, "subsystem-ids",
                        json_sprintf("%04x:%04x", ids[VM_SUB_VENDOR_ID], ids[VM_SUB_DEVICE_ID]));
}

static void describe_host(const struct known *known, const struct assignment *own, size_t at, json_t *ret)
{
    struct pci_address address;
    autojson json_t *described = NULL;
    struct error gone;

    if (!pci_address_parse(own->ids[at], &address))
        return;
    const struct pci_device *device = inventory_find(known->inventory, address);
    if (device == NULL)
        return;
    if (own->uuid[0] == '\0')
        add_ids(device, own, at == 0, ret);
    if (device_describe_held(known->guest->host.sysroot, known->inventory, NULL, address, &described,
                             &gone) == 0 &&
        json_object_get(described, "link") != NULL)
        json_object_set(ret, "link", json_object_get(described, "link"));
}

static json_t *list_functions(const struct known *known, unsigned index)
{
    const struct assignment *own = &known->assignments.list[index];
    const struct vm_key_name key = vm_key_name("hostpci", index);
    bool several = own->uuid[0] == '\0' && own->assigned && own->ids[0] != NULL && own->ids[1] != NULL;
    json_t *list = json_array();

    for (size_t i = 0; own->assigned && own->ids[i] != NULL; i++) {
        autofree char *id = several ? xasprintf("%s.%zu", key.text, i) : xstrdup(key.text);
        json_t *row =
            json_pack("{s:s, s:O*}", "host", own->ids[i], "guest", json_object_get(known->addresses, id));
        if (own->uuid[0] != '\0')
            json_object_set_new(row, "mdev", json_string(own->uuid));
        describe_host(known, own, i, row);
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *describe_key(const struct known *known, unsigned index)
{
    const struct assignment *own = &known->assignments.list[index];
    const struct vm_hostpci *hostpci = &own->hostpci;
    const char *rom = hostpci->romfile != NULL ? hostpci->romfile : hostpci->rombar ? "own" : "none";
    json_t *row = json_pack("{s:s, s:o, s:s}", "key", vm_key_name("hostpci", index).text, "functions",
                            list_functions(known, index), "rom", hostpci->rombar ? rom : "none");

    if (hostpci->mapping != NULL)
        json_object_set_new(row, "mapping", json_string(hostpci->mapping));
    if (!own->assigned)
        json_object_set_new(row, "reason", json_string(own->failure.message));
    else if (known->addresses == NULL)
        json_object_set_new(row, "reason",
                            json_sprintf("the guest's addresses are not known: %s", known->reason.message));
    return row;
}

int guest_list_devices(const struct guest *guest, json_t **ret, struct error *err)
{
    __attribute__((cleanup(release))) struct known known = {.guest = guest};

    if (inventory_source_get(guest->inventory, &known.inventory, err) != 0 ||
        (guest->running ? look : foresee)(&known, err) != 0)
        return -1;
    *ret = json_array();
    for (unsigned i = 0; i < VM_HOSTPCI; i++)
        if (known.assignments.list[i].configured)
            json_array_append_new(*ret, describe_key(&known, i));
    return 0;
}
