/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The folder of one PCI function, and all links to it. */
#include "tests/hosts/parts.h"

#include <string.h>
#include <unistd.h>

bool function_is_bridge(const struct pci_function *function)
{
    return function->class >> 8 == 0x0604;
}

static struct path modalias(const struct pci_function *function)
{
    return path("pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", function->ids.vendor, function->ids.device,
                function->ids.subsystem_vendor, function->ids.subsystem_device, function->class >> 16,
                function->class >> 8 & 0xff, function->class & 0xff);
}

static void put_uevent(int fd, const struct pci_function *function)
{
    struct path driver = function->driver ? path("DRIVER=%s\n", function->driver) : path("%s", "");
    tree_put(fd, "uevent", MODE_CHANGE,
             "%sPCI_CLASS=%04X\nPCI_ID=%04X:%04X\nPCI_SUBSYS_ID=%04X:%04X\nPCI_SLOT_NAME=%s\nMODALIAS=%s\n",
             driver.text, function->class, function->ids.vendor, function->ids.device,
             function->ids.subsystem_vendor, function->ids.subsystem_device, function->id,
             modalias(function).text);
}

/* A line for each region: six BARs, the ROM, six of SR-IOV (as the kernel has CONFIG_PCI_IOV), and a bridge's
 * four windows. */
static void put_resources(int fd, const struct pci_function *function)
{
    char text[17 * 57 + 1] = "";
    size_t lines = function_is_bridge(function) ? 17 : 13;
    for (size_t i = 0; i < lines; i++) {
        struct region none = {0}, region = i < 7 ? function->regions[i] : none;
        uint64_t end = region.size ? region.start + region.size - 1 : 0;
        struct path line = path("0x%016llx 0x%016llx 0x%016llx\n", (unsigned long long)region.start,
                                (unsigned long long)end, (unsigned long long)region.flags);
        memcpy(text + 57 * i, line.text, 58);
    }
    tree_put(fd, "resource", MODE_READ, "%s", text);
}

static void put_config(int fd, const struct pci_function *function)
{
    uint8_t config[CONFIG_SIZE];
    config_fill(function, config);
    tree_put_bytes(fd, "config", MODE_CHANGE, config, sizeof(config));
}

static void put_identity(int fd, const struct pci_function *function)
{
    tree_put(fd, "vendor", MODE_READ, "0x%04x\n", function->ids.vendor);
    tree_put(fd, "device", MODE_READ, "0x%04x\n", function->ids.device);
    tree_put(fd, "subsystem_vendor", MODE_READ, "0x%04x\n", function->ids.subsystem_vendor);
    tree_put(fd, "subsystem_device", MODE_READ, "0x%04x\n", function->ids.subsystem_device);
    tree_put(fd, "class", MODE_READ, "0x%06x\n", function->class);
    tree_put(fd, "revision", MODE_READ, "0x%02x\n", function->revision);
    tree_put(fd, "modalias", MODE_READ, "%s\n", modalias(function).text);
    put_uevent(fd, function);
    put_config(fd, function);
    put_resources(fd, function);
}

/* vfio-pci lets a device sleep while no VM has it. */
static bool is_asleep(const struct pci_function *function)
{
    return function->driver && strcmp(function->driver, "vfio-pci") == 0;
}

static void put_state(int fd, const struct machine *machine, const struct pci_function *function)
{
    bool asleep = is_asleep(function);
    int node = machine->nodes ? function->node : -1;
    tree_put(fd, "irq", MODE_READ, "%u\n", function->irq);
    tree_put(fd, "numa_node", MODE_CHANGE, "%d\n", node);
    if (function->lean)
        return;
    tree_put(fd, "enable", MODE_CHANGE, "%d\n", function->driver && !asleep ? 1 : 0);
    tree_put(fd, "driver_override", MODE_CHANGE, "%s\n", function->override ? function->override : "(null)");
    tree_put(fd, "local_cpulist", MODE_READ, "%s\n", machine_cpu_list(machine, node).text);
    tree_put(fd, "local_cpus", MODE_READ, "%s\n", machine_cpu_mask(machine, node).text);
    tree_put(fd, "power_state", MODE_READ, "%s\n", asleep ? "D3hot" : "D0");
    tree_put(fd, "ari_enabled", MODE_READ, "%d\n", function->physfn ? 1 : 0);
    tree_put(fd, "broken_parity_status", MODE_CHANGE, "0\n");
    tree_put(fd, "consistent_dma_mask_bits", MODE_READ, "%d\n", function->driver ? 64 : 32);
    tree_put(fd, "dma_mask_bits", MODE_READ, "%d\n", function->driver ? 64 : 32);
    tree_put(fd, "d3cold_allowed", MODE_CHANGE, "%d\n", function_is_bridge(function) ? 0 : 1);
    tree_put(fd, "msi_bus", MODE_CHANGE, "1\n");
    tree_put(fd, "remove", 0220, "%s", "");
    tree_put(fd, "rescan", MODE_WRITE, "%s", "");
}

static const char *speed(unsigned generation)
{
    static const char *const speeds[] = {"Unknown",        "2.5 GT/s PCIe",  "5.0 GT/s PCIe", "8.0 GT/s PCIe",
                                         "16.0 GT/s PCIe", "32.0 GT/s PCIe", "64.0 GT/s PCIe"};
    return speeds[generation < 7 ? generation : 0];
}

static void put_link(int fd, const struct link *link)
{
    tree_put(fd, "current_link_speed", MODE_READ, "%s\n", speed(link->now[0]));
    tree_put(fd, "current_link_width", MODE_READ, "%u\n", link->now[1]);
    tree_put(fd, "max_link_speed", MODE_READ, "%s\n", speed(link->most[0]));
    tree_put(fd, "max_link_width", MODE_READ, "%u\n", link->most[1]);
}

static void put_sriov(int fd, const struct virtual_functions *vfs)
{
    tree_put(fd, "sriov_totalvfs", MODE_READ, "%u\n", vfs->total);
    tree_put(fd, "sriov_numvfs", MODE_CHANGE, "%u\n", vfs->active);
    tree_put(fd, "sriov_offset", MODE_READ, "%u\n", vfs->offset);
    tree_put(fd, "sriov_stride", MODE_READ, "%u\n", vfs->stride);
    tree_put(fd, "sriov_vf_device", MODE_READ, "%x\n", vfs->device);
    tree_put(fd, "sriov_vf_total_msix", MODE_READ, "0\n");
    tree_put(fd, "sriov_drivers_autoprobe", MODE_CHANGE, "1\n");
}

/* What only some functions have: a bridge its buses, a display its boot_vga, a resettable one reset... */
static void put_abilities(int fd, const struct pci_function *function)
{
    if (function->link.most[0])
        put_link(fd, &function->link);
    if (function->reset) {
        tree_put(fd, "reset_method", MODE_CHANGE, "%s\n", function->reset);
        tree_put(fd, "reset", MODE_WRITE, "%s", "");
    }
    if (function->class >> 16 == 0x03)
        tree_put(fd, "boot_vga", MODE_READ, "%d\n", function->boot_vga);
    if (function->regions[ROM_REGION].size)
        tree_put(fd, "rom", 0600, "%s", "");
    if (function_is_bridge(function)) {
        tree_put(fd, "secondary_bus_number", MODE_READ, "%u\n", function->bus);
        tree_put(fd, "subordinate_bus_number", MODE_READ, "%u\n", function->bus);
    }
    for (unsigned i = 0; i < ROM_REGION; i++) {
        if (function->regions[i].size)
            tree_put(fd, path("resource%u", i).text, 0600, "%s", "");
    }
}

static void write_power(const struct pci_function *function, const char *folder)
{
    int fd = tree_open_folder(path("%s/power", folder).text);
    tree_put(fd, "control", MODE_CHANGE, "on\n");
    tree_put(fd, "runtime_status", MODE_READ, is_asleep(function) ? "suspended\n" : "active\n");
    tree_put(fd, "runtime_active_time", MODE_READ, "98304\n");
    tree_put(fd, "runtime_suspended_time", MODE_READ, "0\n");
    close(fd);
}

static void write_slot(const struct pci_function *function)
{
    int fd = tree_open_folder(path("sys/bus/pci/slots/%s", function->slot).text);
    size_t without_function = strlen(function->id) - 2;
    tree_put(fd, "address", MODE_READ, "%.*s\n", (int)without_function, function->id);
    tree_put(fd, "cur_bus_speed", MODE_READ, "%s\n", speed(function->link.now[0]));
    tree_put(fd, "max_bus_speed", MODE_READ, "%s\n", speed(function->link.most[0]));
    tree_put(fd, "power", MODE_CHANGE, "1\n");
    close(fd);
}

static void write_vf(const struct machine *machine, const struct pci_function *physical, unsigned index,
                     const char *folder)
{
    struct path id = address_of_vf(physical, index);
    struct path own = path("%s/%s", folder, id.text), parent = path("%s/%s", folder, physical->id);
    struct pci_function vf = {
        .id = id.text,
        .physfn = physical->id,
        .ids = physical->ids,
        .class = physical->class,
        .revision = physical->revision,
        .reset = "flr",
        .node = physical->node,
        .driver = physical->vfs.drivers[index % VF_DRIVERS],
        .group = physical->vfs.first_group + (int)index,
        .link = physical->link,
        .lean = physical->lean,
    };
    vf.ids.device = physical->vfs.device;
    vf.regions[0] = (struct region)REGION_PREFETCH(0x380000000000 + 0x10000 * (uint64_t)vf.group, 0x10000);
    tree_link(path("%s/virtfn%u", parent.text, index).text, own.text);
    function_write(machine, &vf, folder);
    tree_link(path("%s/physfn", own.text).text, parent.text);
}

void function_write(const struct machine *machine, const struct pci_function *function, const char *folder)
{
    struct path own = path("%s/%s", folder, function->id);
    int fd = tree_open_folder(own.text);
    put_identity(fd, function);
    put_state(fd, machine, function);
    if (!function->lean)
        put_abilities(fd, function);
    if (function->vfs.total)
        put_sriov(fd, &function->vfs);
    close(fd);
    if (!function->lean)
        write_power(function, own.text);
    tree_link(path("%s/subsystem", own.text).text, "sys/bus/pci");
    tree_link(path("sys/bus/pci/devices/%s", function->id).text, own.text);
    if (function->driver)
        driver_write_binding(function->driver, function->id, own.text);
    if (machine->iommu && function->group >= 0)
        iommu_write_member(machine, function, own.text);
    if (function->slot)
        write_slot(function);
    for (unsigned i = 0; i < function->vfs.active; i++)
        write_vf(machine, function, i, folder);
}

static void remove_driver_link(const char *drivers, const char *driver, const void *id)
{
    tree_remove(path("%s/%s/%s", drivers, driver, (const char *)id).text);
}

static void remove_member_link(const char *groups, const char *group, const void *id)
{
    tree_remove(path("%s/%s/devices/%s", groups, group, (const char *)id).text);
}

void function_remove(const char *id)
{
    struct path link = path("sys/bus/pci/devices/%s", id);
    struct path folder = tree_follow(link.text);
    tree_remove(link.text);
    tree_each("sys/bus/pci/drivers", remove_driver_link, id);
    tree_each("sys/kernel/iommu_groups", remove_member_link, id);
    tree_each("sys/class/iommu", remove_member_link, id);
    tree_remove(folder.text);
}
