/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/usb: the USB devices. */
#include "hardware/usb.h"

#include "api/endpoints.h"
#include "api/request.h"

static int list_usb(struct request *request, json_t **ret, struct error *err)
{
    return usb_list(request->service->sysroot, ret, err);
}

#define NUMBER(key, about) {.name = (key), .type = SCHEMA_INTEGER, .range = AT_LEAST(0), .text = (about)}
#define ID(key, about)     {.name = (key), .type = SCHEMA_STRING, .pattern = "[0-9a-f]{4}", .text = (about)}

const struct endpoint endpoint_list_usb = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/usb",
    .text = "Lists the USB devices of the node, including hubs, sorted by bus and device number.",
    .permission = ALLOW_PRIVILEGE("/", "Sys.Modify"),
    .parameters = PROPERTIES(PARAMETER_NODE),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "There are no USB devices.",
                .items =
                    ITEMS(.type = SCHEMA_OBJECT,
                          .properties = PROPERTIES(
                              NUMBER("busnum", "Number of the bus."),
                              NUMBER("devnum",
                                     "Number on the bus, which changes when the device is plugged in again."),
                              NUMBER("class", "USB class; 0: each interface has its own."),
                              NUMBER("level", "How many hubs are above it."),
                              NUMBER("port", "Port of the hub above, counted from 0."),
                              ID("vendid", "Vendor id."), ID("prodid", "Product id."),
                              {.name = "speed", .type = SCHEMA_STRING, .text = "Speed in Mbit/s."},
                              OPTIONAL_TEXT("usbpath", "Ports on the way from the root hub, such as 4.1."),
                              OPTIONAL_TEXT("manufacturer", "As the device reports it."),
                              OPTIONAL_TEXT("product", "As the device reports it."),
                              OPTIONAL_TEXT("serial", "As the device reports it.")))},
    .may_block = true,
    .on_node = true,
    .run = list_usb,
};
