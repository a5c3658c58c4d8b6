/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One function as JSON. */
#include "hardware/pci/device.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/module.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"
#include "hardware/pci/errors.h"
#include "hardware/pci/resource.h"
#include "hardware/pci/sriov.h"

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text[0] != '\0')
        json_object_set_new(object, key, json_string(text));
}

static void set_hex(json_t *object, const char *key, int digits, unsigned value)
{
    char text[16];

    snprintf(text, sizeof(text), "0x%0*x", digits, value);
    json_object_set_new(object, key, json_string(text));
}

static json_t *address_to_json(struct pci_address address)
{
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(address, id);
    return json_string(id);
}

/* The subsystem is always given, as 0x0000 if there is none, because Proxmox's web interface expects it. */
static void add_identity(json_t *object, const struct pci_device *device, struct names *names)
{
    struct pci_names found = {.vendor = ""};

    if (names != NULL)
        names_look_up(names, device, &found);
    set_hex(object, "subsystem_vendor", 4, device->subsystem_vendor);
    set_hex(object, "subsystem_device", 4, device->subsystem_device);
    set_text(object, "vendor_name", found.vendor);
    set_text(object, "device_name", found.device);
    set_text(object, "subsystem_vendor_name", found.subsystem_vendor);
    set_text(object, "subsystem_device_name", found.subsystem_device);
    set_text(object, "driver", device->driver);
    if (device->virtual_function)
        json_object_set_new(object, "physfn", address_to_json(device->physical_function));
}

static json_t *summarize(const struct pci_device *device)
{
    json_t *object = json_object();

    json_object_set_new(object, "id", address_to_json(device->address));
    set_hex(object, "class", 6, device->class_code);
    set_hex(object, "vendor", 4, device->vendor);
    set_hex(object, "device", 4, device->device);
    json_object_set_new(object, "iommugroup", json_integer(device->group));
    if (device->mdev)
        json_object_set_new(object, "mdev", json_integer(1));
    if (device->nvidia)
        json_object_set_new(object, "nvidia", json_integer(1));
    return object;
}

json_t *device_summarize(const struct pci_device *device, struct names *names)
{
    json_t *object = summarize(device);

    if (names != NULL)
        add_identity(object, device, names);
    return object;
}

/* All of these files hold one line; false for anything else. */
static bool read_line(int folder, const char *file, char *line, size_t size)
{
    return sysfs_read(folder, file, line, size) > 0 && strchr(line, '\n') == NULL;
}

static void add_state(json_t *object, int folder)
{
    char line[256];
    long long number;

    if (sysfs_read_number(folder, "revision", &number) >= 0 && number >= 0 && number <= 0xff)
        set_hex(object, "revision", 2, (unsigned)number);
    if (read_line(folder, "power_state", line, sizeof(line)) && strcmp(line, "unknown") != 0)
        set_text(object, "power-state", line);
    if (sysfs_read_number(folder, "d3cold_allowed", &number) >= 0)
        json_object_set_new(object, "d3cold-allowed", json_integer(number != 0));
    if (sysfs_read_number(folder, "numa_node", &number) >= 0 &&
        number >= 0) /* -1 if the firmware does not say */
        json_object_set_new(object, "numa-node", json_integer(number));
    if (sysfs_read_number(folder, "boot_vga", &number) >= 0) /* only displays have it */
        json_object_set_new(object, "boot-vga", json_integer(number != 0));
    if (read_line(folder, "serial_number", line, sizeof(line))) /* the file is root's */
        set_text(object, "serial-number", line);
    if (sysfs_exists(folder, "reset_subordinate")) /* a bridge; the file can only be written */
        json_object_set_new(object, "reset-subordinate", json_integer(1));
}

/* If the link is down or unknown, its speed is "Unknown" and its width 0 or 255. */
static void add_link(json_t *object, int folder)
{
    static const struct {
        const char *file, *key;
    } speeds[] = {{"current_link_speed", "speed"}, {"max_link_speed", "max-speed"}},
      widths[] = {{"current_link_width", "width"}, {"max_link_width", "max-width"}};
    autojson json_t *link = json_object();
    char line[64];
    long long width;

    for (size_t i = 0; i < COUNT_OF(speeds); i++)
        if (read_line(folder, speeds[i].file, line, sizeof(line)) && !text_starts_with(line, "Unknown"))
            set_text(link, speeds[i].key, line);
    for (size_t i = 0; i < COUNT_OF(widths); i++)
        if (sysfs_read_number(folder, widths[i].file, &width) >= 0 && width > 0 && width < 255)
            json_object_set_new(link, widths[i].key, json_integer(width));
    if (json_object_size(link) > 0)
        json_object_set(object, "link", link);
}

static json_t *list_reset_methods(int folder)
{
    char line[256], *rest = line;
    json_t *list = json_array();

    if (!read_line(folder, "reset_method", line, sizeof(line)))
        return list;
    for (char *word; (word = strsep(&rest, " ")) != NULL;)
        if (word[0] != '\0')
            json_array_append_new(list, json_string(word));
    return list;
}

static void add_modules(json_t *object, const struct sysroot *sysroot, const struct pci_device *device,
                        int folder)
{
    json_t *modules = json_array(), *vfio = json_array();
    char modalias[256], variant[MODULE_NAME_SIZE];

    json_object_set_new(object, "modules", modules);
    json_object_set_new(object, "vfio-drivers", vfio);
    if (read_line(folder, "modalias", modalias, sizeof(modalias))) {
        autojson json_t *fitting = module_list_for(sysroot, modalias);
        json_array_extend(modules, fitting);
        if (module_find_variant(sysroot, modalias, variant))
            json_array_append_new(vfio, json_string(variant));
    }
    if (!pci_is_bridge(device))
        json_array_append_new(vfio, json_string("vfio-pci"));
}

static void add_resources(json_t *object, int folder)
{
    char text[4096];

    bool known = sysfs_read(folder, "resource", text, sizeof(text)) >= 0;
    json_t *list = known ? resource_list(text) : json_array(), *rom = resource_find(list, RESOURCE_ROM);
    json_object_set_new(object, "resources", list);
    if (rom != NULL)
        json_object_set_new(object, "rom",
                            json_pack("{s:O, s:O*}", "size", json_object_get(rom, "size"), "shadow",
                                      json_object_get(rom, "shadow")));
}

static bool slot_is_at(int slots, const char *name, struct pci_address address)
{
    char path[NAME_MAX + 16], line[64], id[PCI_ADDRESS_SIZE];

    snprintf(path, sizeof(path), "%s/address", name);
    pci_address_format(address, id);
    *strrchr(id, '.') = '\0'; /* a slot's address has no function */
    return read_line(slots, path, line, sizeof(line)) && strcmp(line, id) == 0;
}

static void add_slot(json_t *object, const struct sysroot *sysroot, struct pci_address address)
{
    autoclose int slots = sysfs_open_folder(sysroot_fd(sysroot), SYS_PCI_SLOTS);
    autolist char **names = NULL;

    if (slots < 0 || sysfs_list(slots, ".", &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++)
        if (slot_is_at(slots, *name, address)) {
            set_text(object, "slot", *name);
            return;
        }
}

/* While a vfio driver has the function, the folder vfio-dev has one entry. It has a file `dev` if the kernel
 * also offers it to user space without its group. */
static void add_vfio(json_t *object, int folder)
{
    autolist char **names = NULL;

    if (sysfs_list(folder, "vfio-dev", &names) < 1)
        return;
    autojson json_t *vfio = json_pack("{s:s}", "name", names[0]);
    if (sysfs_exists(folder, path_below("vfio-dev", names[0], "dev").text)) {
        autofree char *node = xasprintf("/dev/vfio/devices/%s", names[0]);
        json_object_set_new(vfio, "cdev", json_string(node));
    }
    json_object_set(object, "vfio-dev", vfio);
}

static json_t *list_peers(const struct inventory *inventory, const struct pci_device *device)
{
    json_t *list = json_array();

    for (size_t i = 0; i < inventory->count && device->group >= 0; i++)
        if (inventory->devices[i].group == device->group && &inventory->devices[i] != device)
            json_array_append_new(list, address_to_json(inventory->devices[i].address));
    return list;
}

int device_describe_held(const struct sysroot *sysroot, const struct inventory *inventory,
                         struct names *names, struct pci_address address, json_t **ret, struct error *err)
{
    const struct pci_device *device = inventory_find(inventory, address);
    autoclose int folder = device != NULL ? pci_open_folder(sysroot, address) : -1;
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(address, id);
    if (folder < 0)
        return error_set(err, ERROR_NOT_FOUND, "no PCI device found for '%s'", id);
    json_t *object = summarize(device);
    add_identity(object, device, names);
    add_modules(object, sysroot, device, folder);
    json_object_set_new(object, "peers", list_peers(inventory, device));
    json_object_set_new(object, "reset-methods", list_reset_methods(folder));
    add_state(object, folder);
    add_link(object, folder);
    add_resources(object, folder);
    add_slot(object, sysroot, address);
    add_vfio(object, folder);
    errors_describe(folder, object);
    *ret = object;
    return 0;
}

int device_describe(const struct sysroot *sysroot, const struct inventory *inventory, struct names *names,
                    struct pci_address address, json_t **ret, struct error *err)
{
    char override[256];
    json_t *object = NULL;

    if (device_describe_held(sysroot, inventory, names, address, &object, err) != 0)
        return -1;
    autoclose int folder = pci_open_folder(sysroot, address);
    if (read_line(folder, "driver_override", override, sizeof(override)) && strcmp(override, "(null)") != 0)
        set_text(object, "driver-override", override);
    sriov_describe(folder, object);
    *ret = object;
    return 0;
}
