/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The impact of a plan: what the host loses by it. */
#include "broker/worker/impact.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "hardware/iommu/group.h"
#include "hardware/pci/class.h"
#include "hardware/use/use.h"

static void log_uses(struct worker *worker, const struct plan_function *function, const char *verb,
                     const struct host_use *list, size_t count)
{
    worker_log(worker, "%s (%s): is %s; %s", function->id, function->was.driver, verb,
               count == 0 ? "nothing is known to use it" : "the host has on it:");
    for (size_t i = 0; i < count; i++) {
        autotext struct text sentence = {0};
        host_use_describe(&list[i], &sentence);
        worker_log(worker, "%s:   %s (%s; %s)", function->id, text_string(&sentence),
                   use_weight_names[list[i].weight], list[i].evidence);
    }
}

/* The heaviest use of a function, and what to do about it. */
static void append_refusal(struct text *text, const struct plan_function *function,
                           const struct host_use *use)
{
    autotext struct text advice = {0}, command = {0};

    text_printf(text, "%s%s (%s): ", text->length > 0 ? "; " : "", function->id, function->was.driver);
    host_use_describe(use, text);
    text_printf(text, " (%s): ", use->evidence);
    if (use->weight == USE_CRITICAL) {
        text_append(text, "the host cannot run without it, choose another device");
        return;
    }
    host_use_remedy(use, &advice, &command);
    text_append(text, text_string(&advice));
    for (char *line = command.data; line != NULL && (line = strchr(line, '\n')) != NULL;)
        *line = ';';
    if (command.length > 0)
        text_printf(text, "%stype `%s`", advice.length > 0 ? ": " : "", command.data);
}

/* A use that was not found cannot be refused, so the log says which files could not be read. */
static void log_unreadable(struct worker *worker, const struct host_uses *uses)
{
    const json_t *unreadable = host_uses_unreadable(uses), *entry;
    autotext struct text files = {0};
    size_t i;

    json_array_foreach(unreadable, i, entry) {
        text_printf(&files, "%s%s (%s)", i > 0 ? ", " : "", json_text(entry, "file"),
                    json_text(entry, "reason"));
    }
    if (files.length > 0)
        worker_log(worker, "warning: more may be in use than was found, as these could not be read: %.600s",
                   files.data);
}

static int check_uses(struct worker *worker, const struct plan *plan, const struct host_uses *uses,
                      const char *verb, enum force force, struct error *err)
{
    autotext struct text refusals = {0};
    bool critical = false;

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_function *function = &plan->list[i];
        const struct host_use *list = NULL;
        if (!function->loses_driver)
            continue;
        size_t count = host_uses_of(uses, function->device->address, &list);
        log_uses(worker, function, verb, list, count);
        if (count == 0 || list[0].weight < USE_ACTIVE || (list[0].weight == USE_ACTIVE && force == FORCED))
            continue;
        append_refusal(&refusals, function, &list[0]);
        critical |= list[0].weight == USE_CRITICAL;
    }
    log_unreadable(worker, uses);
    if (critical)
        return error_set(err, ERROR_FAILED, "what the host cannot run without is never %s: %s", verb,
                         text_string(&refusals));
    if (refusals.length > 0)
        return error_set(err, ERROR_FAILED, "what the host uses is not %s%s: %s%s", verb,
                         force == FORCE_NEVER ? "" : " unless forced", text_string(&refusals),
                         force == FORCE_NEVER ? "" : ", or say force=1");
    return 0;
}

/* VFIO gives a group to a VM only when no member has a driver of the host. */
void impact_warn_of_others(struct worker *worker, const struct plan *plan)
{
    const struct pci_device *named = plan->list[0].device;
    autotext struct text others = {0};
    char id[PCI_ADDRESS_SIZE];

    if (!driver_is_vfio(plan->list[0].driver) || named->group < 0)
        return;
    for (size_t i = 0; i < plan->inventory->count; i++) {
        const struct pci_device *other = &plan->inventory->devices[i];
        bool planned = false;
        for (size_t k = 0; k < plan->count; k++)
            planned |= plan->list[k].device == other;
        if (planned || other->group != named->group || !group_detaches(named, other))
            continue;
        pci_address_format(other->address, id);
        text_printf(&others, "%s%s (%s)", others.length > 0 ? ", " : "", id, other->driver);
    }
    if (others.length > 0)
        worker_log(
            worker,
            "warning: IOMMU group %d cannot be given to a VM as long as these have drivers of the host: "
            "%s; to take them too: hostpci set /nodes/localhost/hardware/pci/%s/driver --driver %s "
            "--scope group",
            named->group, others.data, plan->list[0].id, plan->list[0].driver);
}

int impact_check(struct worker *worker, const struct plan *plan, const char *verb, enum force force,
                 struct error *err)
{
    autohostuses struct host_uses *uses = NULL;
    bool loses = false;

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_function *function = &plan->list[i];
        loses |= function->loses_driver;
        if (driver_is_vfio(function->driver) && function->device->group < 0 &&
            strcmp(function->driver, function->was.driver) != 0)
            return error_set(
                err, ERROR_FAILED,
                "%s is in no IOMMU group, so that %s cannot have it: see what the host lacks with "
                "hostpci get /nodes/localhost/hardware/iommu",
                function->id, function->driver);
    }
    if (loses && (host_uses_scan(worker->sysroot, plan->inventory, &uses, err) != 0 ||
                  check_uses(worker, plan, uses, verb, force, err) != 0))
        return -1;
    return 0;
}
