/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is plugged into USB controllers. Hubs are ignored; disks and network adapters are told where block
 * devices and interfaces are. Sources: Documentation/ABI/testing/sysfs-bus-usb of the Linux kernel; USB-IF
 * Defined Class Codes. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"
#include "hardware/use/parts.h"

#define MOST_INTERFACES 4096
#define CLASS_HID       0x03
#define CLASS_STORAGE   0x08
#define CLASS_HUB       0x09
#define NO_CLASS        (-1)

/* What was found among the interfaces of one device ("1-2:1.0", "1-2:1.1"). */
struct plugged {
    char device[32]; /* "1-2" */
    struct use_owners owners;
    const char *input; /* what it is for input, NULL: nothing */
    char evidence[96];
    bool told_elsewhere; /* a hub or a disk */
};

static int read_code(const struct host_uses *usage, const char *interface, const char *file)
{
    struct host_path path = path_below(SYS_USB_DEVICES, interface, file);
    unsigned long long code;
    char text[16];

    if (sysfs_read(usage->root, path.text, text, sizeof(text)) <= 0 || !text_to_number(text, 16, 0xff, &code))
        return NO_CLASS;
    return (int)code;
}

static void look_at(const struct host_uses *usage, const char *interface, struct plugged *plugged)
{
    static const char *const protocols[] = {"input device", "keyboard", "mouse"};
    int class = read_code(usage, interface, "bInterfaceClass");

    if (class == CLASS_HUB || class == CLASS_STORAGE)
        plugged->told_elsewhere = true;
    else if (class == CLASS_HID && plugged->input == NULL) {
        int protocol = read_code(usage, interface, "bInterfaceProtocol");
        plugged->input = protocols[protocol == 1 || protocol == 2 ? protocol : 0];
        snprintf(plugged->evidence, sizeof(plugged->evidence),
                 "/" SYS_USB_DEVICES "/%.32s/bInterfaceClass: %02x", interface, CLASS_HID);
    }
}

/* " 'Dell KB216'", or nothing. */
static void describe_product(const struct host_uses *usage, const char *device, struct text *ret)
{
    struct host_path path = path_below(SYS_USB_DEVICES, device, "product");
    char text[128];

    if (sysfs_read(usage->root, path.text, text, sizeof(text)) > 0)
        text_printf(ret, " '%s'", text_trim(text));
}

static void report(struct host_uses *usage, const struct plugged *plugged)
{
    autotext struct text product = {0};
    autofree char *folder = xasprintf("/%s", path_below(SYS_USB_DEVICES, plugged->device, NULL).text);

    if (plugged->owners.count == 0)
        return;
    describe_product(usage, plugged->device, &product);
    if (plugged->input != NULL)
        use_add(usage, &plugged->owners,
                (struct host_use){.kind = USE_USB,
                                  .weight = USE_ACTIVE,
                                  .name = plugged->device,
                                  .evidence = plugged->evidence},
                "%s%s is plugged in at %s", plugged->input, text_string(&product), plugged->device);
    else if (!plugged->told_elsewhere)
        use_add(usage, &plugged->owners,
                (struct host_use){
                    .kind = USE_USB, .weight = USE_IDLE, .name = plugged->device, .evidence = folder},
                "USB device%s is plugged in at %s", text_string(&product), plugged->device);
}

/* The interfaces of a device follow each other in the sorted list. */
static void find_plugged(struct host_uses *usage, char **names)
{
    struct plugged plugged = {0};
    size_t count = 0;

    for (char **name = names; *name != NULL && count < MOST_INTERFACES; name++) {
        size_t length = strcspn(*name, ":");
        if ((*name)[length] == '\0' || length >= sizeof(plugged.device))
            continue;
        count++;
        if (strncmp(plugged.device, *name, length) != 0 || plugged.device[length] != '\0') {
            report(usage, &plugged);
            plugged = (struct plugged){0};
            snprintf(plugged.device, sizeof(plugged.device), "%.*s", (int)length, *name);
            use_find_owners(usage, SYS_USB_DEVICES, *name, &plugged.owners);
        }
        look_at(usage, *name, &plugged);
    }
    report(usage, &plugged);
}

/* A virtual machine or a tool that drives a USB device itself has "bus/usb/001/004" open. */
static void find_opened(struct host_uses *usage)
{
    unsigned bus, device;
    char link[PATH_MAX], name[64];
    size_t next = 0;

    for (const char *node; (node = use_next_node(usage, &next)) != NULL;) {
        autotext struct text who = {0}, evidence = {0};
        struct use_owners owners = {0};
        if (sscanf(node, "bus/usb/%3u/%3u", &bus, &device) != 2 || bus == 0 || device == 0)
            continue;
        snprintf(name, sizeof(name), "189:%u", (bus - 1) * 128 + device - 1);
        struct host_path path = path_below(SYS_DEV_CHAR, name, NULL);
        if (sysfs_read_link(usage->root, path.text, link, sizeof(link)) < 0 ||
            sysfs_read_link_name(usage->root, path.text, name, sizeof(name)) < 0 ||
            !use_add_owners(usage, link, &owners) || !use_describe_openers(usage, node, &who, &evidence))
            continue;
        use_add(usage, &owners,
                (struct host_use){
                    .kind = USE_USB, .weight = USE_ACTIVE, .name = name, .evidence = text_string(&evidence)},
                "the USB device at %s is open in %s", name, text_string(&who));
    }
}

void use_find_usb(struct host_uses *usage)
{
    autolist char **names = NULL;

    if (use_list_folder(usage, SYS_USB_DEVICES, &names) < 0)
        return;
    find_plugged(usage, names);
    find_opened(usage);
}
