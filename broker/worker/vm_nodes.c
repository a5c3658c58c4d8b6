/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nodes of USB devices and serial ports. */
#include "broker/worker/vm_nodes.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/usb.h"
#include "vm/command/command.h"
#include "vm/value.h"

static const char *number_of(const char *text)
{
    return strncasecmp(text, "0x", 2) == 0 ? text + 2 : text;
}

/* As QEMU compares it: "046d:c077", with or without 0x, or "1-2.3". */
static bool is_meant(const json_t *device, const char *host)
{
    const char *colon = strchr(host, ':'), *dash = strchr(host, '-');

    if (colon != NULL)
        return strncasecmp(number_of(host), json_text(device, "vendid"), 4) == 0 &&
               strncasecmp(number_of(colon + 1), json_text(device, "prodid"), 4) == 0;
    return dash != NULL && strtoll(host, NULL, 10) == json_integer_value(json_object_get(device, "busnum")) &&
           strcmp(dash + 1, json_text(device, "usbpath")) == 0;
}

static void add_usb(const json_t *devices, const char *host, json_t *nodes)
{
    const json_t *device;
    size_t i;

    json_array_foreach(devices, i, device)
        if (is_meant(device, host))
            json_array_append_new(nodes,
                                  json_sprintf("/dev/bus/usb/%03d/%03d",
                                               (int)json_integer_value(json_object_get(device, "busnum")),
                                               (int)json_integer_value(json_object_get(device, "devnum"))));
}

static int add_usbs(const struct worker *worker, const json_t *config, json_t *nodes, struct error *err)
{
    const json_t *mapped = json_object_get(worker->arguments, "usb");
    autojson json_t *devices = NULL;

    if (usb_list(worker->sysroot, &devices, err) != 0)
        return -1;
    for (unsigned i = 0; i < VM_USBS; i++) {
        struct vm_key_name key = vm_key_name("usb", i);
        autojson json_t *values = NULL;
        if (vm_value_parts(config, key.text, &values, err) != 0)
            return error_prefix(err, "%s: ", key.text);
        const char *host = json_text_or(values, "host", json_text_or(mapped, key.text, NULL));
        if (host != NULL)
            add_usb(devices, host, nodes);
    }
    return 0;
}

/* "/dev/ttyS0", "/dev/ttyUSB1", and not the console "/dev/tty1", by which people type. */
static bool is_serial_port(const char *path)
{
    static const char start[] = "/dev/tty";

    return text_starts_with(path, start) && isupper((unsigned char)path[sizeof(start) - 1]) &&
           strchr(path + sizeof(start) - 1, '/') == NULL;
}

/* The name may be a link, as those in /dev/serial/by-id are. */
static int add_serials(const json_t *config, json_t *nodes, struct error *err)
{
    for (unsigned i = 0; i < VM_SERIALS; i++) {
        struct vm_key_name key = vm_key_name("serial", i);
        const char *path = json_text_or(config, key.text, "socket");
        if (strcmp(path, "socket") == 0)
            continue;
        autofree char *real = realpath(path, NULL);
        if (real == NULL)
            return error_set(err, ERROR_NOT_FOUND, "%s: '%s' does not exist", key.text, path);
        if (!is_serial_port(real))
            return error_set(err, ERROR_FORBIDDEN,
                             "%s: '%s' is not a serial port of the host, such as /dev/ttyS0 or /dev/ttyUSB0",
                             key.text, path);
        json_array_append_new(nodes, json_string(real));
    }
    return 0;
}

int vm_nodes_add(const struct worker *worker, json_t *order, struct error *err)
{
    const json_t *config = json_object_get(worker->arguments, "config");
    json_t *nodes = json_object_get(order, "own");

    return add_usbs(worker, config, nodes, err) == 0 ? add_serials(config, nodes, err) : -1;
}
