/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of a VM on this host. */
#include "passthrough/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "hardware/host.h"
#include "hardware/network.h"
#include "passthrough/mapping/mapping.h"
#include "schema/property_string.h"

/* What is looked up of the host; the texts of `usb` are its own. */
struct found {
    char *usb[VM_USBS];
    unsigned mtu[VM_NETS];
    char vendor[HOST_CPU_VENDOR_SIZE];
};

static void release(struct found *found)
{
    for (size_t i = 0; i < VM_USBS; i++)
        free(found->usb[i]);
}

/* The values of KEYi; NULL if it is not configured, or not well: then vm_command_build says so. */
static json_t *values_of(const json_t *config, const char *key, unsigned i)
{
    char name[16];
    json_t *values = NULL;
    struct error ignored;

    snprintf(name, sizeof(name), "%s%u", key, i);
    const char *value = json_string_value(json_object_get(config, name));
    if (value == NULL || property_string_parse(vm_key_find(name, NULL), value, &values, &ignored) != 0)
        return NULL;
    return values;
}

/* The first of this node's devices that still is what the mapping says: its port, or else its ids. */
static int choose_usb(const struct command_host *host, const char *mapping, const json_t *body, char **ret,
                      struct error *err)
{
    autohardware struct mapping_hardware hardware = {0};
    json_t *entry;
    size_t i;
    int result = 0; /* no device of this node: vm_command_build says so */

    if (mapping_usb.read_hardware(host->sysroot, NULL, &hardware, err) != 0)
        return -1;
    json_array_foreach(json_object_get(body, "map"), i, entry) {
        struct error why;
        if (strcmp(json_text(entry, "node"), host->node) != 0)
            continue;
        if (mapping_usb.check(mapping, entry, &hardware, &why) == 0) {
            *ret = xstrdup(json_text_or(entry, "path", json_text(entry, "id")));
            return 0;
        }
        if (result == 0)
            *err = why;
        result = -1;
    }
    return result != 0 ? error_prefix(err, "USB device mapping invalid (hardware probably changed): ") : 0;
}

static int find_usb(const struct command_host *host, const json_t *config, unsigned i, char **ret,
                    struct error *err)
{
    autojson json_t *values = values_of(config, "usb", i), *body = NULL;
    const char *mapping = json_text(values, "mapping");

    if (mapping[0] == '\0')
        return 0;
    if (object_read(host->storage, mapping_usb.document, mapping, &body, NULL, err) != 0) {
        if (err->kind == ERROR_NOT_FOUND)
            error_set(err, ERROR_FAILED, "USB device mapping not found for '%s'", mapping);
        return error_prefix(err, "usb%u: ", i);
    }
    if (choose_usb(host, mapping, body, ret, err) != 0)
        return error_prefix(err, "usb%u: ", i);
    return 0;
}

static int look_up(const struct command_host *host, const json_t *config, struct found *ret,
                   struct error *err)
{
    host_cpu_vendor(host->sysroot, ret->vendor);
    for (unsigned i = 0; i < VM_NETS; i++) {
        autojson json_t *values = values_of(config, "net", i);
        ret->mtu[i] = bridge_mtu(host->sysroot, json_text(values, "bridge"));
    }
    for (unsigned i = 0; i < VM_USBS; i++)
        if (find_usb(host, config, i, &ret->usb[i], err) != 0)
            return -1;
    return 0;
}

int command_build(const struct command_host *host, long long vmid, const json_t *config,
                  const struct choices *choices, char ***ret, struct error *err)
{
    __attribute__((cleanup(release))) struct found found = {0};
    struct vm_chosen chosen[VM_HOSTPCI];

    if (look_up(host, config, &found, err) != 0)
        return -1;
    choices_to_chosen(choices, chosen);
    const struct vm_command what = {
        .vmid = (unsigned)vmid,
        .config = config,
        .chosen = chosen,
        .usb = (const char *const *)found.usb,
        .bridge_mtu = found.mtu,
        .cpu_vendor = found.vendor[0] != '\0' ? found.vendor : NULL,
        .qemu = host->qemu,
        .paths = host->paths,
    };
    return vm_command_build(&what, ret, err);
}
