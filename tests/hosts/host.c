/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole host: the machine, and then each function of the table below its bridge. */
#include "tests/hosts/parts.h"

#include <string.h>

static const struct pci_function *find(const struct host *host, const char *id)
{
    for (size_t i = 0; i < host->count; i++) {
        if (strcmp(host->functions[i].id, id) == 0)
            return &host->functions[i];
    }
    fail("%s: no function '%s' in the table", host->name, id);
}

/* Folders nest like bridges. A controller that opens a domain of its own (VMD) has its root bus inside. */
static struct path folder_above(const struct host *host, const struct pci_function *function)
{
    struct address own = address_parse(function->id);
    if (!function->behind)
        return path("sys/devices/pci%04x:%02x", own.domain, own.bus);
    const struct pci_function *bridge = find(host, function->behind);
    struct path above = path("%s/%s", folder_above(host, bridge).text, bridge->id);
    if (address_parse(bridge->id).domain == own.domain)
        return above;
    return path("%s/pci%04x:%02x", above.text, own.domain, own.bus);
}

static const struct pci_function *find_physical(const struct host *host, const char *id)
{
    for (size_t i = 0; i < host->count; i++) {
        const struct pci_function *physical = &host->functions[i];
        for (unsigned vf = 0; vf < physical->vfs.active; vf++) {
            if (strcmp(address_of_vf(physical, vf).text, id) == 0)
                return physical;
        }
    }
    return find(host, id);
}

struct path host_find(const struct host *host, const char *id)
{
    return path("%s/%s", folder_above(host, find_physical(host, id)).text, id);
}

void host_write(const struct host *host, unsigned count)
{
    machine_write(&host->machine, host->name);
    iommu_write_units(&host->machine);
    driver_write_aliases(host->machine.release);
    names_write();
    tree_make_folder("sys/bus/pci/devices");
    tree_make_folder("sys/bus/pci/drivers");
    tree_make_folder("sys/bus/pci/slots");
    for (size_t i = 0; i < host->count; i++)
        function_write(&host->machine, &host->functions[i], folder_above(host, &host->functions[i]).text);
    if (host->finish)
        host->finish(host, count);
}
