/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is plugged into USB controllers. Hubs are ignored; disks and network adapters are reported by block.c
 * and network.c. Sources: Documentation/ABI/testing/sysfs-bus-usb of the Linux kernel; USB-IF Defined Class
 * Codes. */
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
    bool ignored; /* a hub, or a disk, which is a use of its own */
};

static int read_code(const struct host_uses *uses, const char *interface, const char *file)
{
    struct host_path path = path_below(SYS_USB_DEVICES, interface, file);
    unsigned long long code;
    char text[16];

    if (sysfs_read(uses->root, path.text, text, sizeof(text)) <= 0 || !text_to_number(text, 16, 0xff, &code))
        return NO_CLASS;
    return (int)code;
}

static void read_interface(const struct host_uses *uses, const char *interface, struct plugged *plugged)
{
    static const char *const protocols[] = {"input device", "keyboard", "mouse"};
    int class = read_code(uses, interface, "bInterfaceClass");

    if (class == CLASS_HUB || class == CLASS_STORAGE)
        plugged->ignored = true;
    else if (class == CLASS_HID && plugged->input == NULL) {
        int protocol = read_code(uses, interface, "bInterfaceProtocol");
        plugged->input = protocols[protocol == 1 || protocol == 2 ? protocol : 0];
        snprintf(plugged->evidence, sizeof(plugged->evidence),
                 "/" SYS_USB_DEVICES "/%.32s/bInterfaceClass: %02x", interface, CLASS_HID);
    }
}

/* " 'Dell KB216'", or nothing. */
static void describe_product(const struct host_uses *uses, const char *device, struct text *ret)
{
    struct host_path path = path_below(SYS_USB_DEVICES, device, "product");
    char text[128];

    if (sysfs_read(uses->root, path.text, text, sizeof(text)) > 0)
        text_printf(ret, " '%s'", text_trim(text));
}

static void report(struct host_uses *uses, const struct plugged *plugged)
{
    autotext struct text product = {0};
    autofree char *folder = xasprintf("/%s", path_below(SYS_USB_DEVICES, plugged->device, NULL).text);

    if (plugged->owners.count == 0)
        return;
    describe_product(uses, plugged->device, &product);
    if (plugged->input != NULL)
        use_add(uses, &plugged->owners,
                (struct host_use){.kind = USE_USB,
                                  .weight = USE_ACTIVE,
                                  .name = plugged->device,
                                  .evidence = plugged->evidence},
                "%s%s is plugged in at %s", plugged->input, text_string(&product), plugged->device);
    else if (!plugged->ignored)
        use_add(uses, &plugged->owners,
                (struct host_use){
                    .kind = USE_USB, .weight = USE_IDLE, .name = plugged->device, .evidence = folder},
                "USB device%s is plugged in at %s", text_string(&product), plugged->device);
}

/* The interfaces of a device follow each other in the sorted list. */
static void find_plugged(struct host_uses *uses, char **names)
{
    struct plugged plugged = {0};
    size_t count = 0;

    for (char **name = names; *name != NULL && count < MOST_INTERFACES; name++) {
        size_t length = strcspn(*name, ":");
        if ((*name)[length] == '\0' || length >= sizeof(plugged.device))
            continue;
        count++;
        if (strncmp(plugged.device, *name, length) != 0 || plugged.device[length] != '\0') {
            report(uses, &plugged);
            plugged = (struct plugged){0};
            snprintf(plugged.device, sizeof(plugged.device), "%.*s", (int)length, *name);
            use_find_owners(uses, SYS_USB_DEVICES, *name, &plugged.owners);
        }
        read_interface(uses, *name, &plugged);
    }
    report(uses, &plugged);
}

/* A virtual machine or a tool that drives a USB device itself has "bus/usb/001/004" open. */
static void find_opened(struct host_uses *uses)
{
    unsigned bus, device;
    char link[PATH_MAX], name[64];
    size_t next = 0;

    for (const char *node; (node = use_next_node(uses, &next)) != NULL;) {
        autotext struct text who = {0}, evidence = {0};
        struct use_owners owners = {0};
        if (sscanf(node, "bus/usb/%3u/%3u", &bus, &device) != 2 || bus == 0 || device == 0)
            continue;
        snprintf(name, sizeof(name), "189:%u", (bus - 1) * 128 + device - 1);
        struct host_path path = path_below(SYS_DEV_CHAR, name, NULL);
        if (sysfs_read_link(uses->root, path.text, link, sizeof(link)) < 0 ||
            sysfs_read_link_name(uses->root, path.text, name, sizeof(name)) < 0 ||
            !use_add_owners(uses, link, &owners) || !use_describe_openers(uses, node, &who, &evidence))
            continue;
        use_add(uses, &owners,
                (struct host_use){
                    .kind = USE_USB, .weight = USE_ACTIVE, .name = name, .evidence = text_string(&evidence)},
                "the USB device at %s is open in %s", name, text_string(&who));
    }
}

void use_find_usb(struct host_uses *uses)
{
    autolist char **names = NULL;

    if (use_list_folder(uses, SYS_USB_DEVICES, &names) < 0)
        return;
    find_plugged(uses, names);
    find_opened(uses);
}
