/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Describes the functions that a start would give to the VM, and the host: by the broker, which sees as root
 * who has them open, or, where none answers, from here. */
#include <string.h>

#include "base/memory.h"
#include "broker/call.h"
#include "hardware/check/report.h"
#include "passthrough/preflight/parts.h"

/* The UPID of the operation that is working on the function; NULL if there is none. */
static json_t *find_task(const json_t *state, const char *id)
{
    const json_t *operation, *function;
    size_t i, j;

    json_array_foreach(json_object_get(state, "operations"), i, operation)
        json_array_foreach(json_object_get(operation, "functions"), j, function)
            if (json_is_string(function) && strcmp(json_string_value(function), id) == 0)
                return json_object_get(operation, "id");
    return NULL;
}

/* {task?, reset?, rom?}; false if no broker answers. */
static bool ask_state(struct inspection *inspection, const char *id)
{
    autojson json_t *known = NULL;
    struct error err;

    if (inspection->what->broker == NULL ||
        broker_call(inspection->what->broker, "state", NULL, json_pack("{s:s}", "id", id), NULL, NULL, &known,
                    &err) != 0)
        return false;
    const json_t *facts = json_object_get(json_object_get(known, "functions"), id);
    json_object_set_new(inspection->states, id,
                        json_pack("{s:O*, s:O*, s:O*}", "task", find_task(known, id), "reset",
                                  json_object_get(facts, "reset"), "rom", json_object_get(facts, "rom")));
    return true;
}

static json_t *ask_description(const struct inspection *inspection, const char *id)
{
    autojson json_t *answer = NULL;
    struct error err;

    if (broker_call(inspection->what->broker, "describe", NULL, json_pack("{s:s}", "id", id), NULL, NULL,
                    &answer, &err) != 0)
        return NULL;
    return json_incref(json_object_get(answer, "readiness"));
}

/* If it is `held`, its own files are not read, since they may not answer. */
static json_t *describe(const struct inspection *inspection, const char *id, bool held,
                        const struct host_uses *uses)
{
    struct pci_address address;
    struct error err;
    json_t *readiness = NULL;

    if (uses == NULL || !pci_address_parse(id, &address))
        return NULL;
    const struct sysroot *sysroot = inspection->what->sysroot;
    int status =
        held ? readiness_describe_held(sysroot, inspection->inventory, uses, address, &readiness, &err)
             : readiness_describe_device(sysroot, inspection->inventory, uses, address, NULL, &readiness,
                                         &err);
    return status == 0 ? readiness : NULL; /* it is gone since it was assigned */
}

/* The same as GET .../status does: the files of a function that an operation is working on may not answer. */
static void describe_function(struct inspection *inspection, const char *id, const struct host_uses *uses)
{
    bool known = ask_state(inspection, id);
    bool busy = json_object_get(json_object_get(inspection->states, id), "task") != NULL;
    json_t *readiness = known && !busy ? ask_description(inspection, id) : NULL;

    if (readiness == NULL)
        readiness = describe(inspection, id, known, uses);
    if (readiness != NULL)
        json_object_set_new(inspection->described, id, readiness);
}

static void describe_host(struct inspection *inspection)
{
    const struct broker *broker = inspection->what->broker;
    struct error err;

    if (broker != NULL &&
        broker_call(broker, "describe-host", NULL, json_object(), NULL, NULL, &inspection->host, &err) == 0)
        return;
    if (readiness_describe_host(inspection->what->sysroot, inspection->inventory, &inspection->host, &err) !=
        0)
        inspection->host = NULL;
}

void preflight_describe(struct inspection *inspection)
{
    autohostuses struct host_uses *uses = NULL;
    struct preflight_hostpci hostpci;
    struct error err;
    bool given = false;

    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);)
        given = given || hostpci.assignment->hostpci.mdev == NULL;
    if (!given)
        return;
    if (host_uses_scan(inspection->what->sysroot, inspection->inventory, &uses, &err) != 0)
        uses = NULL;
    describe_host(inspection);
    for (unsigned at = 0; preflight_next(inspection, &at, &hostpci);)
        for (size_t i = 0; preflight_is_whole(hostpci.assignment) && hostpci.assignment->ids[i] != NULL; i++)
            describe_function(inspection, hostpci.assignment->ids[i], uses);
}
