/* SPDX-License-Identifier: GPL-2.0-or-later */
/* USB devices, and a host that has some. Sources: Documentation/ABI/testing/sysfs-bus-usb of the Linux
 * kernel; USB-IF Defined Class Codes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/hosts/host.h"
#include "tests/hosts/use.h"
#include "tests/hosts/workstation.h"

enum { CLASS_HUB = 0x09 };

static void put_device(const char *folder, unsigned bus, unsigned number, const char *path, unsigned class,
                       const struct usb_device *device)
{
    const char *ids = device->ids ? device->ids : "1d6b:0104";
    int fd = tree_open_folder(folder);
    tree_put(fd, "busnum", MODE_READ, "%u\n", bus);
    tree_put(fd, "devnum", MODE_READ, "%u\n", number);
    tree_put(fd, "devpath", MODE_READ, "%s\n", path);
    tree_put(fd, "bDeviceClass", MODE_READ, "%02x\n", class);
    tree_put(fd, "idVendor", MODE_READ, "%.4s\n", ids);
    tree_put(fd, "idProduct", MODE_READ, "%s\n", ids + 5);
    tree_put(fd, "speed", MODE_READ, "%s\n", device->speed ? device->speed : "480");
    tree_put(fd, "product", MODE_READ, "%s\n", device->product);
    if (device->manufacturer)
        tree_put(fd, "manufacturer", MODE_READ, "%s\n", device->manufacturer);
    if (device->serial)
        tree_put(fd, "serial", MODE_READ, "%s\n", device->serial);
    close(fd);
}

static void put_interface(const char *folder, const char *name, unsigned class, unsigned protocol)
{
    int fd = tree_open_folder(folder);
    tree_put(fd, "bInterfaceClass", MODE_READ, "%02x\n", class);
    tree_put(fd, "bInterfaceSubClass", MODE_READ, "01\n");
    tree_put(fd, "bInterfaceProtocol", MODE_READ, "%02x\n", protocol);
    close(fd);
    tree_link(path("sys/bus/usb/devices/%s", name).text, folder);
}

/* "1-4.1" is below "1-4", which is below the root hub. */
static struct path folder_of(const char *folder, const char *port)
{
    struct path own = path("%s/usb%c", folder, port[0]);
    for (const char *dot = strchr(port, '.'); dot; dot = strchr(dot + 1, '.'))
        own = path("%s/%.*s", own.text, (int)(dot - port), port);
    return path("%s/%s", own.text, port);
}

void usb_write(const char *folder, const char *port, const struct usb_device *device)
{
    struct path own = folder_of(folder, port);
    unsigned number = device->number ? device->number : 2;
    bool hub = device->class == CLASS_HUB;
    put_device(own.text, (unsigned)port[0] - '0', number, strchr(port, '-') + 1, hub ? CLASS_HUB : 0, device);
    put_interface(path("%s/%s:1.0", own.text, port).text, path("%s:1.0", port).text, device->class,
                  device->protocol);
    tree_link(path("sys/bus/usb/devices/%s", port).text, own.text);
}

void usb_write_root(const char *folder, unsigned bus, const char *speed)
{
    const struct usb_device hub = {.product = "xHCI Host Controller",
                                   .ids = strlen(speed) > 3 ? "1d6b:0003" : "1d6b:0002",
                                   .speed = speed,
                                   .manufacturer = "Linux 6.1.0-28-amd64 xhci-hcd",
                                   .serial = strrchr(folder, '/') + 1};
    struct path own = path("%s/usb%u", folder, bus);
    put_device(own.text, bus, 1, "0", CLASS_HUB, &hub);
    put_interface(path("%s/%u-0:1.0", own.text, bus).text, path("%u-0:1.0", bus).text, CLASS_HUB, 0);
    tree_link(path("sys/bus/usb/devices/usb%u", bus).text, own.text);
}

/* A keyboard, a hub with two sticks of one kind and a modem without names, a disk on the fast bus, and a
 * device that is being unplugged. */
static void plug_in(const struct host *host, unsigned count)
{
    struct path controller = host_find(host, "0000:00:14.0");
    (void)count;
    usb_write_root(controller.text, 1, "480");
    usb_write_root(controller.text, 2, "5000");
    usb_write(
        controller.text, "1-2",
        &(struct usb_device){"Dell KB216 Wired Keyboard", 0x03, 0x01, 2, "413c:2113", "1.5", NULL, "Dell"});
    usb_write(
        controller.text, "1-4",
        &(struct usb_device){"USB2.0 Hub", CLASS_HUB, 0x00, 3, "05e3:0610", "480", NULL, "GenesysLogic"});
    usb_write(controller.text, "1-4.1",
              &(struct usb_device){"FT232R USB UART", 0xff, 0x00, 4, "0403:6001", "12", "A9007UX1", "FTDI"});
    usb_write(controller.text, "1-4.2",
              &(struct usb_device){"FT232R USB UART", 0xff, 0x00, 12, "0403:6001", "12", "A9007UX2", "FTDI"});
    usb_write(
        controller.text, "2-1",
        &(struct usb_device){"DataTraveler 3.0", 0x08, 0x50, 2, "0951:1666", "5000", "E0D55E6C", "Kingston"});
    tree_link_raw("sys/bus/usb/devices/1-5", "../../../devices/pci0000:00/0000:00:14.0/usb1/1-5");
    tree_write(path("%s/usb1/1-6/busnum", controller.text).text, MODE_READ, "1\n");
    tree_link("sys/bus/usb/devices/1-6", path("%s/usb1/1-6", controller.text).text);
}

const struct host host_usb = {
    .name = "usb",
    .text = "a desktop with USB devices",
    .machine = WORKSTATION_MACHINE,
    FUNCTIONS(workstation_functions),
    .finish = plug_in,
};
