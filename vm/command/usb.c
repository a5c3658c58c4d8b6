/* SPDX-License-Identifier: GPL-2.0-or-later */
/* USB devices of the host. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "vm/command/parts.h"

/* How many usbN there can be if the guest or the machine is too old for a controller with many ports. */
#define OLD_USBS 5

/* "046d:c077" or "0x046d:0xc077" means that device wherever it is plugged in, "1-2.3" whatever is in that
 * port. */
static char *print_host(const char *host)
{
    const char *colon = strchr(host, ':'), *dash = strchr(host, '-');

    if (colon == NULL)
        return xasprintf("hostbus=%.*s,hostport=%s", (int)(dash - host), host, dash + 1);
    const char *vendor = host + (strncasecmp(host, "0x", 2) == 0 ? 2 : 0);
    const char *product = colon + 1 + (strncasecmp(colon + 1, "0x", 2) == 0 ? 2 : 0);
    return xasprintf("vendorid=0x%.4s,productid=0x%.4s", vendor, product);
}

static int check_host(const char *host, unsigned index, struct error *err)
{
    if (strcasecmp(host, "spice") == 0)
        return error_set_field(err, vm_key_name("usb", index).text,
                               "usb%u: there is no SPICE console here: set a device of the host", index);
    if (strchr(host, ':') == NULL && strchr(host, '-') == NULL)
        return error_set_field(err, vm_key_name("usb", index).text,
                               "usb%u: '%s' is neither VENDOR:PRODUCT nor BUS-PORT", index, host);
    return 0;
}

/* NULL, with err filled, if there is none. */
static const char *find_host(const struct vm_build *build, unsigned index, const json_t *values,
                             struct error *err)
{
    const char *host = json_text_or(values, "host", NULL), *mapping = json_text_or(values, "mapping", NULL);

    if ((host != NULL) == (mapping != NULL)) {
        error_set_field(err, vm_key_name("usb", index).text,
                        host != NULL ? "usb%u: Cannot set both 'host' and 'mapping'."
                                     : "usb%u: Either 'host' or 'mapping' must be set.",
                        index);
        return NULL;
    }
    if (mapping != NULL)
        host = build->what->usb != NULL ? build->what->usb[index] : NULL;
    if (host == NULL) {
        error_set_field(err, vm_key_name("usb", index).text,
                        "usb%u: no device found for the USB mapping '%s'", index, mapping);
        return NULL;
    }
    return check_host(host, index, err) == 0 ? host : NULL;
}

static const char *bus_of(struct vm_build *build, bool many_ports, bool usb3)
{
    if (many_ports || usb3) {
        if (!build->has_xhci)
            vm_build_add(build, VM_DEVICES, "-device", "%s%s",
                         many_ports ? "qemu-xhci,p2=15,p3=15,id=xhci" : "nec-usb-xhci,id=xhci",
                         vm_build_address(build, "xhci0").text);
        build->has_xhci = true;
        return "xhci.0";
    }
    build->has_ehci = true;
    return "ehci.0";
}

static int add_device(struct vm_build *build, unsigned index, bool many_ports, const json_t *values,
                      struct error *err)
{
    const char *host = find_host(build, index, values, err);
    char port[16] = "";

    if (host == NULL)
        return -1;
    if (!many_ports && index >= OLD_USBS)
        return error_set_field(
            err, vm_key_name("usb", index).text,
            "usb%u: only usb0 to usb%d with this machine and ostype: use a machine version of 7.1 or "
            "newer with l26 or Windows 8 or newer",
            index, OLD_USBS - 1);
    struct vm_key_name id = vm_key_name("usb", index);
    autofree char *device = print_host(host);
    const char *bus = bus_of(build, many_ports, vm_value_number(values, "usb3", 0) != 0);
    if (many_ports)
        snprintf(port, sizeof(port), ",port=%u", index + 1);
    vm_build_add(build, VM_DEVICES, "-device", "usb-host,bus=%s%s,%s,id=%s%s", bus, port, device, id.text,
                 vm_build_bootindex(build, id.text).text);
    return 0;
}

int vm_build_add_usb(struct vm_build *build, struct error *err)
{
    bool many_ports = vm_build_machine_at_least(build, 7, 1, 0) && (build->linux26 || build->windows > 7);

    for (unsigned i = 0; i < VM_USBS; i++) {
        struct vm_key_name key = vm_key_name("usb", i);
        autojson json_t *values = NULL;
        if (vm_value_parts(build->what->config, key.text, &values, err) != 0)
            return -1;
        if (json_object_size(values) != 0 && add_device(build, i, many_ports, values, err) != 0)
            return -1;
    }
    return 0;
}
