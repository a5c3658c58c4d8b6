/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs, and what is kept of functions. */
#include <string.h>

#include "base/memory.h"
#include "broker/daemon/loop.h"
#include "broker/protocol.h"
#include "hardware/pci/inventory.h"

static int list_functions(struct loop *loop, const struct job *job, json_t **ret, struct error *err)
{
    autojson json_t *touched = NULL;
    json_t *functions = json_array();
    size_t i;
    const json_t *row;

    if (journal_read_touched(loop->journal, job->number, &touched, err) != 0)
        return -1;
    json_array_foreach(touched, i, row)
        json_array_append(functions, json_object_get(row, "id"));
    *ret = functions;
    return 0;
}

static int describe_job(struct loop *loop, const struct job *job, json_t **ret, struct error *err)
{
    json_t *functions;

    if (list_functions(loop, job, &functions, err) != 0)
        return -1;
    *ret = json_pack("{s:s, s:s, s:O, s:I, s:s, s:s, s:o}", "id", job->id, "operation", job->operation->name,
                     "arguments", job->arguments, "started", (json_int_t)job->started, "step",
                     job->step != NULL ? job->step : "", "function",
                     job->function != NULL ? job->function : "", "functions", functions);
    if (job->waiting != 0) {
        json_object_set_new(*ret, "waiting-since", json_integer((json_int_t)job->waiting));
        json_object_set_new(*ret, "waiting-text", protocol_text(job->place));
    }
    return 0;
}

static int list_jobs(struct loop *loop, json_t *list, struct error *err)
{
    for (const struct job *job = loop->jobs; job != NULL; job = job->next) {
        json_t *described;
        if (job->id == NULL || job->over)
            continue;
        if (describe_job(loop, job, &described, err) != 0)
            return -1;
        json_array_insert_new(list, 0, described); /* the oldest first */
    }
    return 0;
}

/* The id as the journal has it. */
static int read_function(struct loop *loop, const char *id, json_t **ret, struct error *err)
{
    struct pci_address address;
    char name[PCI_ADDRESS_SIZE];
    json_t *facts;

    if (!pci_address_parse(id, &address))
        return error_set_field(err, "id", "value is not a PCI id such as 0000:01:00.0");
    pci_address_format(address, name);
    if (journal_read_facts(loop->journal, name, &facts, err) != 0)
        return -1;
    *ret = json_pack("{s:o}", name, facts);
    return 0;
}

int loop_describe(struct loop *loop, const char *id, json_t **ret, struct error *err)
{
    autojson json_t *jobs = json_array(), *functions = NULL;

    if (list_jobs(loop, jobs, err) != 0)
        return -1;
    if ((id != NULL ? read_function(loop, id, &functions, err)
                    : journal_read_facts(loop->journal, NULL, &functions, err)) != 0)
        return -1;
    *ret = json_pack("{s:O, s:O}", "operations", jobs, "functions", functions);
    return 0;
}
