/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blast radius. */
#include "broker/worker/impact.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "hardware/iommu/group.h"
#include "hardware/pci/class.h"
#include "hardware/use/use.h"

static void log_impact(struct worker *worker, const struct plan_function *function, const char *verb,
                       const struct host_use *uses, size_t count)
{
    worker_log(worker, "%s (%s): is %s; %s", function->id, function->was.driver, verb,
               count == 0 ? "nothing is known to use it" : "the host has on it:");
    for (size_t i = 0; i < count; i++) {
        autotext struct text sentence = {0};
        host_use_describe(&uses[i], &sentence);
        worker_log(worker, "%s:   %s (%s; %s)", function->id, text_string(&sentence),
                   use_weight_names[uses[i].weight], uses[i].evidence);
    }
}

/* The heaviest use of a function, and what to do. */
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

static int refuse(const struct text *refusals, bool critical, const char *verb, struct error *err)
{
    if (critical)
        return error_set(err, ERROR_FAILED, "what the host cannot run without is never %s: %s", verb,
                         text_string(refusals));
    return error_set(err, ERROR_FAILED, "what the host uses is not %s unless forced: %s, or say force=1",
                     verb, text_string(refusals));
}

/* What is not seen is not refused. */
static void log_unreadable(struct worker *worker, const struct host_uses *usage)
{
    const json_t *unreadable = host_uses_unreadable(usage), *entry;
    autotext struct text files = {0};
    size_t i;

    json_array_foreach(unreadable, i, entry) {
        text_printf(&files, "%s%s (%s)", i > 0 ? ", " : "", json_text(entry, "file"),
                    json_text(entry, "reason"));
    }
    if (files.length > 0)
        worker_log(worker, "warning: more may be in use than is seen, as these could not be read: %.600s",
                   files.data);
}

static int check_uses(struct worker *worker, const struct plan *plan, const struct host_uses *usage,
                      const char *verb, bool force, struct error *err)
{
    autotext struct text refusals = {0};
    bool critical = false;

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_function *function = &plan->list[i];
        if (!function->loses)
            continue;
        const struct host_use *uses = NULL;
        size_t count = host_uses_of(usage, function->device->address, &uses);
        enum use_weight weight = count > 0 ? uses[0].weight : USE_NONE;
        log_impact(worker, function, verb, uses, count);
        if (weight == USE_CRITICAL || (weight == USE_ACTIVE && !force))
            append_refusal(&refusals, function, &uses[0]);
        critical |= weight == USE_CRITICAL;
    }
    log_unreadable(worker, usage);
    return refusals.length > 0 ? refuse(&refusals, critical, verb, err) : 0;
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
        bool taken = false;
        for (size_t k = 0; k < plan->count; k++)
            taken |= plan->list[k].device == other;
        if (taken || other->group != named->group || !group_detaches(named, other))
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

static int check_groups(const struct plan *plan, struct error *err)
{
    for (size_t i = 0; i < plan->count; i++)
        if (driver_is_vfio(plan->list[i].driver) && plan->list[i].device->group < 0 &&
            strcmp(plan->list[i].driver, plan->list[i].was.driver) != 0)
            return error_set(
                err, ERROR_FAILED,
                "%s is in no IOMMU group, so that %s cannot have it: see what the host lacks with "
                "hostpci get /nodes/localhost/hardware/iommu",
                plan->list[i].id, plan->list[i].driver);
    return 0;
}

int impact_check(struct worker *worker, const struct plan *plan, const char *verb, bool force,
                 struct error *err)
{
    autohostuses struct host_uses *usage = NULL;
    bool loses = false;

    if (check_groups(plan, err) != 0)
        return -1;
    for (size_t i = 0; i < plan->count; i++)
        loses |= plan->list[i].loses;
    if (loses && (host_uses_scan(worker->sysroot, plan->inventory, &usage, err) != 0 ||
                  check_uses(worker, plan, usage, verb, force, err) != 0))
        return -1;
    return 0;
}
