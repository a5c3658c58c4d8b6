/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's command line for a VM on this host. */
#include "passthrough/command_line.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "hardware/host.h"
#include "hardware/network.h"
#include "passthrough/mapping/mapping.h"
#include "schema/property_string.h"
#include "vm/refusal.h"

struct found {
    const char *usb[VM_USBS];
    unsigned mtu[VM_NETS];
    char vendor[HOST_CPU_VENDOR_SIZE];
};

/* The parts of the key's value; NULL if it is not set or cannot be read, which vm_command_build reports. */
static json_t *values_of(const json_t *config, struct vm_key_name key)
{
    const char *value = json_string_value(json_object_get(config, key.text));
    json_t *values = NULL;
    struct error ignored;

    if (value == NULL || property_string_parse(vm_key_find(key.text, NULL), value, &values, &ignored) != 0)
        return NULL;
    return values;
}

/* The first of this node's devices that still is what the mapping says: its port, or its ids if the mapping
 * names no port. *ret stays NULL if the mapping has no device on this node, which vm_command_build reports.
 */
static int assign_usb(const struct command_line_host *host, const char *mapping, char **ret,
                      struct error *err)
{
    autohardware struct mapping_hardware hardware = {0};
    autojson json_t *body = NULL;
    json_t *entry;
    size_t i;
    int result = 0;

    if (object_read(host->storage, mapping_usb.document, mapping, &body, NULL, err) != 0)
        return err->kind == ERROR_NOT_FOUND
                   ? error_set(err, ERROR_FAILED, "USB device mapping not found for '%s'", mapping)
                   : -1;
    if (mapping_usb.read_hardware(host->sysroot, NULL, &hardware, err) != 0)
        return -1;
    json_array_foreach(json_object_get(body, "map"), i, entry) {
        struct error why;
        if (strcmp(json_text(entry, "node"), host->node) != 0)
            continue;
        if (mapping_check_entry(&mapping_usb, mapping, entry, &hardware, &why) == 0) {
            *ret = xstrdup(json_text_or(entry, "path", json_text(entry, "id")));
            return 0;
        }
        if (result == 0)
            *err = why;
        result = -1;
    }
    return result;
}

int command_line_find_usb(const struct command_line_host *host, const json_t *config, json_t **ret,
                          struct error *err)
{
    autojson json_t *found = json_object();

    for (unsigned i = 0; i < VM_USBS; i++) {
        const struct vm_key_name key = vm_key_name("usb", i);
        autojson json_t *values = values_of(config, key);
        const char *mapping = json_text(values, "mapping");
        autofree char *device = NULL;
        if (mapping[0] != '\0' && assign_usb(host, mapping, &device, err) != 0)
            return vm_refuse_key(key.text, err);
        if (device != NULL)
            json_object_set_new(found, key.text, json_string(device));
    }
    *ret = TAKE(found);
    return 0;
}

int command_line_build(const struct command_line_host *host, long long vmid, const json_t *config,
                       const struct assignments *assignments, char ***ret, struct error *err)
{
    struct vm_assigned assigned[VM_HOSTPCI];
    autojson json_t *usb = NULL;
    struct found found = {0};

    host_cpu_vendor(host->sysroot, found.vendor);
    for (unsigned i = 0; i < VM_NETS; i++) {
        autojson json_t *values = values_of(config, vm_key_name("net", i));
        found.mtu[i] = bridge_mtu(host->sysroot, json_text(values, "bridge"));
    }
    if (command_line_find_usb(host, config, &usb, err) != 0)
        return -1;
    for (unsigned i = 0; i < VM_USBS; i++)
        found.usb[i] = json_text_or(usb, vm_key_name("usb", i).text, NULL);
    assignments_to_command(assignments, assigned);
    const struct vm_command what = {
        .vmid = (unsigned)vmid,
        .config = config,
        .assigned = assigned,
        .usb = found.usb,
        .bridge_mtu = found.mtu,
        .cpu_vendor = found.vendor[0] != '\0' ? found.vendor : NULL,
        .qemu = host->qemu,
        .paths = host->paths,
    };
    return vm_command_build(&what, ret, err);
}
