/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks of a VM's start share: values of the configuration, evidence and remedies. */
#include <string.h>

#include "base/memory.h"
#include "hardware/pci/class.h"
#include "passthrough/preflight/parts.h"
#include "schema/property_string.h"

const char *preflight_text(const struct inspection *inspection, const char *key)
{
    return json_text(inspection->config, key);
}

long long preflight_number(const struct inspection *inspection, const char *key, long long fallback)
{
    const json_t *value = json_object_get(inspection->config, key);

    return json_is_integer(value) ? (long long)json_integer_value(value) : fallback;
}

json_t *preflight_values(const struct inspection *inspection, const char *key)
{
    struct error err;
    json_t *values;

    if (property_string_parse(vm_key_find(key, NULL), preflight_text(inspection, key), &values, &err) != 0)
        return json_object();
    return values;
}

void preflight_show_key(const struct inspection *inspection, const char *key, struct findings *ret)
{
    const json_t *value = json_object_get(inspection->config, key);
    autofree char *number = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);

    text_printf(&ret->evidence, "%s%s: %s", ret->evidence.length > 0 ? "; " : "", key,
                value == NULL    ? "not set"
                : number != NULL ? number
                                 : json_string_value(value));
}

void preflight_remedy_command(const char *const *words, struct findings *ret)
{
    autofree char *line = vm_command_quote((char *const *)(uintptr_t)words);

    text_printf(&ret->remedy.lines, "%s\n", line);
}

/* Printed as a line of qm, which makes the same call. */
void preflight_remedy_set(const struct inspection *inspection, const char *key, const char *value,
                          struct findings *ret)
{
    autofree char *vmid = xasprintf("%lld", inspection->what->vmid), *option = xasprintf("-%s", key);

    remedy_offer_call(&ret->remedy, "set", json_pack("{s:s}", key, value), REMEDY_NODE "/qemu/%s/config",
                      vmid);
    preflight_remedy_command((const char *const[]){"hostpci", "qm", "set", vmid, option, value, NULL}, ret);
}

void preflight_remedy_delete(const struct inspection *inspection, const char *key, struct findings *ret)
{
    preflight_remedy_set(inspection, "delete", key, ret);
}

void preflight_remedy_edit(const struct inspection *inspection, const char *key, const char *property,
                           json_t *value, struct findings *ret)
{
    autojson json_t *values = preflight_values(inspection, key);

    if (value != NULL)
        json_object_set_new(values, property, value);
    else
        json_object_del(values, property);
    autofree char *text = property_string_print(vm_key_find(key, NULL), values);
    preflight_remedy_set(inspection, key, text, ret);
}

/* "pc-i440fx-7.2" becomes "pc-q35-7.2": the version is kept. */
void preflight_remedy_machine(const struct inspection *inspection, bool q35, struct findings *ret)
{
    autojson json_t *machine = preflight_values(inspection, "machine");
    const char *version = strrchr(json_text(machine, "type"), '-');
    autofree char *wanted =
        version != NULL ? xasprintf("pc-%s%s", q35 ? "q35" : "i440fx", version) : xstrdup(q35 ? "q35" : "pc");

    preflight_remedy_edit(inspection, "machine", "type", json_string(wanted), ret);
}

bool preflight_next(const struct inspection *inspection, unsigned *at, struct preflight_hostpci *ret)
{
    while (*at < VM_HOSTPCI && !inspection->assignments.list[*at].configured)
        ++*at;
    if (*at == VM_HOSTPCI)
        return false;
    *ret = (struct preflight_hostpci){.index = *at, .assignment = &inspection->assignments.list[*at]};
    snprintf(ret->key, sizeof(ret->key), "hostpci%u", *at);
    ++*at;
    return true;
}

bool preflight_is_whole(const struct assignment *assignment)
{
    return assignment->assigned && assignment->hostpci.mdev == NULL;
}

const struct pci_device *preflight_device(const struct inspection *inspection,
                                          const struct assignment *assignment, size_t at)
{
    struct pci_address address;

    if (!assignment->assigned || assignment->ids[at] == NULL ||
        !pci_address_parse(assignment->ids[at], &address))
        return NULL;
    return inventory_find(inspection->inventory, address);
}

const struct pci_device *preflight_display(const struct inspection *inspection,
                                           const struct assignment *assignment)
{
    for (size_t i = 0; assignment->assigned && assignment->ids[i] != NULL; i++) {
        const struct pci_device *device = preflight_device(inspection, assignment, i);
        if (device != NULL && pci_is_display(device))
            return device;
    }
    return NULL;
}
