/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the broker tells of itself. */
#include "broker/daemon/state.h"

#include "base/memory.h"
#include "broker/daemon/kept.h"
#include "broker/daemon/machines.h"
#include "broker/protocol.h"
#include "hardware/pci/inventory.h"

const struct schema operation_state_arguments[] = {
    {.name = "id", .type = SCHEMA_STRING, .optional = true, .format = "pci-id", .text = "One function."},
    {.name = NULL}};
const struct operation operation_state = {
    .name = "state",
    .text = "Shows which operations run, and what the broker knows about functions.",
    .arguments = operation_state_arguments,
};

static int describe_job(const struct job *job, json_t **ret, struct error *err)
{
    autojson json_t *claims = NULL;
    size_t i;
    const json_t *claim;

    if (journal_read_claims(job->jobs->journal, job->number, &claims, err) != 0)
        return -1;
    json_t *functions = json_array();
    json_array_foreach(claims, i, claim)
        json_array_append(functions, json_object_get(claim, "id"));
    *ret = json_pack("{s:s, s:s, s:O, s:I, s:s, s:s, s:o}", "id", job->id, "operation", job->operation->name,
                     "arguments", job->arguments, "started", (json_int_t)job->started, "step",
                     job->step != NULL ? job->step : "", "function",
                     job->function != NULL ? job->function : "", "functions", functions);
    if (job_is_silent(job)) {
        json_object_set_new(*ret, "waiting-since", json_integer((json_int_t)job->silent_since));
        json_object_set_new(*ret, "waiting-text", protocol_text(job->silent_in));
    }
    return 0;
}

static int list_jobs(const struct jobs *jobs, json_t *list, struct error *err)
{
    for (const struct job *job = jobs->list; job != NULL; job = job->next) {
        json_t *described;
        if (job->id == NULL || job->state == JOB_ENDED)
            continue;
        if (describe_job(job, &described, err) != 0)
            return -1;
        json_array_insert_new(list, 0, described); /* the oldest first */
    }
    return 0;
}

static int describe_state(const struct jobs *jobs, const char *id, json_t **ret, struct error *err)
{
    autojson json_t *list = json_array(), *facts = NULL;
    struct pci_address address;
    char name[PCI_ADDRESS_SIZE] = ""; /* as the journal has it */

    if (id != NULL && !pci_address_parse(id, &address))
        return error_set_field(err, "id", "value is not a PCI id such as 0000:01:00.0");
    if (id != NULL)
        pci_address_format(address, name);
    if (list_jobs(jobs, list, err) != 0 ||
        journal_read_facts(jobs->journal, id != NULL ? name : NULL, &facts, err) != 0)
        return -1;
    *ret = json_pack("{s:O, s:o}", "operations", list, "functions",
                     id != NULL ? json_pack("{s:O}", name, facts) : json_incref(facts));
    if (id != NULL)
        json_object_set_new(*ret, "kept", kept_describe(jobs->kept, name));
    return 0;
}

int state_tell(const struct jobs *jobs, const struct operation *operation, const json_t *arguments,
               json_t **ret, struct error *err)
{
    if (operation == &operation_state)
        return describe_state(jobs, json_string_value(json_object_get(arguments, "id")), ret, err);
    *ret = operation == &operation_vms ? machines_describe(jobs->machines)
                                       : json_pack("{s:o}", "kept", kept_describe(jobs->kept, NULL));
    return 0;
}
