/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Persistent driver choices. */
#include "broker/daemon/choices.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "broker/daemon/job_run.h"
#include "hardware/pci/inventory.h"

#define AT_ONCE (JOB_LIMIT / 2) /* so that there is room for others meanwhile */

int choices_read(struct journal *journal, json_t **ret, struct error *err)
{
    autojson json_t *facts = NULL;
    const char *function;
    json_t *kinds;

    if (journal_read_facts(journal, NULL, &facts, err) != 0)
        return -1;
    *ret = json_object();
    json_object_foreach(facts, function, kinds) {
        if (json_object_get(kinds, "choice") != NULL)
            json_object_set(*ret, function, json_object_get(kinds, "choice"));
    }
    return 0;
}

/* Whether the device is there that the choice was made for. The kernel answers these two files from memory.
 */
static int check_device(const struct sysroot *sysroot, const char *function, const json_t *choice,
                        struct error *err)
{
    struct pci_address address;
    long long vendor = -1, device = -1;

    if (!pci_address_parse(function, &address))
        return error_set(err, ERROR_INVALID, "'%s' is not a PCI id", function);
    int folder = pci_open_folder(sysroot, address);
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
                         "another device is there, %04llx:%04llx; make the choice again, or set persistent=0",
                         vendor, device);
    return 0;
}

static int apply(struct jobs *jobs, const char *function, const json_t *choice, struct error *err)
{
    autofree char *id = xasprintf("boot:%s", function);
    autojson json_t *arguments =
        json_pack("{s:s, s:O}", "id", function, "driver", json_object_get(choice, "driver"));

    if (check_device(jobs->sysroot, function, choice, err) != 0 ||
        operation_check(&operation_driver, arguments, err) != 0 ||
        journal_delete_ended(jobs->journal, id, err) != 0 ||
        job_start(jobs, &operation_driver, id, json_incref(arguments), NULL, err) != 0)
        return -1;
    log_info("driver '%s': %s gets its persistent driver '%s'", id, function,
             json_string_value(json_object_get(choice, "driver")));
    return 0;
}

void choices_apply(json_t *choices, struct jobs *jobs)
{
    const char *function;
    json_t *choice;
    void *next;

    json_object_foreach_safe(choices, next, function, choice) {
        bool claimed = false;
        struct error err;
        if (jobs->count >= AT_ONCE)
            return;
        if (journal_is_claimed(jobs->journal, function, &claimed, &err) == 0 && claimed)
            continue;
        if (apply(jobs, function, choice, &err) != 0)
            log_warning("%s does not get its persistent driver '%s': %s", function,
                        json_string_value(json_object_get(choice, "driver")), err.message);
        json_object_del(choices, function);
    }
}
