/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Persistent choices: applied when the broker starts, each as an operation of its own. */
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "broker/daemon/broker.h"
#include "broker/daemon/loop.h"
#include "hardware/pci/inventory.h"

#define AT_ONCE (BROKER_WORKERS / 2) /* so that others find a place meanwhile */

/* Whether the card is there that the choice was made for. These two files answer from memory. */
static int check_card(const struct loop *loop, const char *function, const json_t *choice, struct error *err)
{
    struct pci_address address;
    long long vendor = -1, device = -1;

    if (!pci_address_parse(function, &address))
        return error_set(err, ERROR_INVALID, "'%s' is not a PCI id", function);
    int folder = pci_open_folder(loop->sysroot, address);
    if (folder < 0)
        return error_set(err, ERROR_NOT_FOUND, "there is no such device now");
    int read_vendor = sysfs_read_number(folder, "vendor", &vendor);
    int read_device = sysfs_read_number(folder, "device", &device);
    close(folder);
    if (read_vendor < 0 || read_device < 0)
        return error_set_errno(err, read_vendor < 0 ? -read_vendor : -read_device, "cannot read its ids");
    if (vendor != json_integer_value(json_object_get(choice, "vendor")) ||
        device != json_integer_value(json_object_get(choice, "device")))
        return error_set(err, ERROR_NOT_FOUND,
                         "another card is there: %04llx:%04llx; make the choice again, or set persistent=0",
                         vendor, device);
    return 0;
}

static int apply(struct loop *loop, const char *function, const json_t *choice, struct error *err)
{
    const struct operation *operation = operation_find("driver");
    autofree char *id = xasprintf("boot:%s", function);
    autojson json_t *arguments =
        json_pack("{s:s, s:O}", "id", function, "driver", json_object_get(choice, "driver"));

    if (check_card(loop, function, choice, err) != 0 || operation_check(operation, arguments, err) != 0 ||
        journal_forget(loop->journal, id, err) != 0 ||
        job_start(loop, operation, id, json_incref(arguments), NULL, err) != 0)
        return -1;
    log_info("driver '%s': %s is given to '%s' as chosen", id, function,
             json_string_value(json_object_get(choice, "driver")));
    return 0;
}

void loop_apply_choices(struct loop *loop)
{
    const char *function;
    json_t *choice;
    void *next;

    json_object_foreach_safe(loop->choices, next, function, choice) {
        bool held = false;
        struct error err;
        if (loop->deadline != 0 || loop->job_count >= AT_ONCE)
            return;
        if (journal_is_held(loop->journal, function, &held, &err) == 0 && held)
            continue;
        if (apply(loop, function, choice, &err) != 0)
            log_warning("%s is not given to '%s', as chosen: %s", function,
                        json_string_value(json_object_get(choice, "driver")), err.message);
        json_object_del(loop->choices, function);
    }
}
