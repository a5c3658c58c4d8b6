/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was asked for `persistent`. */
#include "broker/daemon/kept.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/daemon/job_run.h"
#include "broker/protocol.h"
#include "hardware/pci/events.h"
#include "hardware/pci/inventory.h"
#include "hardware/pci/sriov.h"
#include "hardware/slice/mdevctl.h"
#include "hardware/slice/nvme.h"

#define MOST_IDS 100
#define AT_ONCE  (JOB_LIMIT / 2) /* so that there is room for clients' operations */

/* Used instead of a fact: the files of mdevctl, which other programs write, too. */
#define FILES "mdevctl"

/* The facts that the broker made a mediated device (FACT_MADE), together: what an earlier broker left. */
#define LEFT_OVER "left-over"

/* In the order in which they are applied. */
static const struct kind {
    const char *fact;
    const struct operation *operation;
    const char *prefix;        /* of the operation's id */
    enum pci_event_kind again; /* PCI_EVENT_BIND: only a driver can do it */
} kinds[] = {
    {"vfs", &operation_sriov, "vfs", PCI_EVENT_BIND}, /* only a driver makes virtual functions */
    {"choice", &operation_driver, "boot", PCI_EVENT_ADD},
    {"d3cold", &operation_d3cold, "d3cold", PCI_EVENT_ADD},
    {"vgpu", &operation_mdev_create, "vgpu", PCI_EVENT_BIND},
    {LEFT_OVER, &operation_mdev_sweep, "leftover", PCI_EVENT_OTHER}, /* at the broker's start alone */
    {FILES, &operation_mdev_start, "mdev", PCI_EVENT_MDEV},
};

const struct schema operation_kept_arguments[] = {{.name = NULL}};
const struct operation operation_kept = {
    .name = "kept",
    .text = "Shows which persistent settings are not in effect yet.",
    .arguments = operation_kept_arguments,
};

struct kept {
    struct jobs *jobs;
    json_t *pending[COUNT_OF(kinds)]; /* {function: body of the fact} */
    json_t *waiting[COUNT_OF(kinds)]; /* {function: {state, reason}} of those that cannot start yet */
};

bool kept_owns_id(const char *id)
{
    size_t length = strcspn(id, ":");

    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (id[length] == ':' && strlen(kinds[i].prefix) == length &&
            strncmp(id, kinds[i].prefix, length) == 0)
            return true;
    return false;
}

static void add_pending(struct kept *kept, size_t kind, const char *function, const json_t *facts)
{
    json_t *body = json_object_get(facts, kinds[kind].fact);

    if (body != NULL)
        json_object_set(kept->pending[kind], function, body);
}

/* Adds a fact for each parent that has mediated devices to create at each start. */
static void add_files(const struct jobs *jobs, json_t *facts)
{
    autojson json_t *files = NULL;
    const json_t *file;
    struct error err;
    size_t i;

    if (mdevctl_list(jobs->sysroot, &files, &err) != 0) {
        log_warning("the mediated devices that are kept are not created: %s", err.message);
        return;
    }
    json_array_foreach(files, i, file) {
        const char *parent = json_text(file, "parent");
        if (strcmp(json_text(file, "start"), "auto") != 0)
            continue;
        if (json_object_get(facts, parent) == NULL)
            json_object_set_new(facts, parent, json_object());
        json_object_set_new(json_object_get(facts, parent), FILES, json_object());
    }
}

/* Names them one by one, because those that are created from now on are not left over. */
static void add_left_over(json_t *facts)
{
    const char *function, *kind;
    json_t *of, *fact;

    json_object_foreach(facts, function, of) {
        autojson json_t *made = json_array();
        json_object_foreach(of, kind, fact)
            if (text_starts_with(kind, FACT_MADE))
                json_array_append_new(made, json_string(kind + strlen(FACT_MADE)));
        if (json_array_size(made) > 0)
            json_object_set_new(of, LEFT_OVER, json_pack("{s:O}", "made", made));
    }
}

int kept_new(struct jobs *jobs, struct kept **ret, struct error *err)
{
    autojson json_t *facts = NULL;
    const char *function;
    json_t *of;

    if (journal_read_facts(jobs->journal, NULL, &facts, err) != 0)
        return -1;
    add_files(jobs, facts);
    add_left_over(facts);
    struct kept *kept = xcalloc(1, sizeof(*kept));
    kept->jobs = jobs;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        kept->pending[i] = json_object();
        kept->waiting[i] = json_object();
        json_object_foreach(facts, function, of)
            add_pending(kept, i, function, of);
    }
    *ret = kept;
    return 0;
}

void kept_free(struct kept *kept)
{
    for (size_t i = 0; kept != NULL && i < COUNT_OF(kinds); i++) {
        json_decref(kept->pending[i]);
        json_decref(kept->waiting[i]);
    }
    free(kept);
}

/* Why something cannot start yet. */
struct obstacle {
    const char *state; /* as in kept.h; NULL: it can */
    char reason[256];
};

/* For settings that only a driver can apply. */
static void check_driver(const struct sysroot *sysroot, struct pci_address address, int folder,
                         const struct kind *kind, struct obstacle *ret)
{
    char driver[128] = "";
    const char *reason = NULL;

    if (kind->again != PCI_EVENT_BIND)
        return;
    sysfs_read_link_name(folder, "driver", driver, sizeof(driver));
    if (kind->operation == &operation_sriov)
        reason = sriov_explain_driver(sysroot, driver);
    else if (driver[0] == '\0')
        reason = "it has no driver, which would make it: choose driver=auto for it";
    if (reason == NULL && strcmp(driver, "nvme") == 0)
        reason = nvme_explain_node(sysroot, address);
    if (reason == NULL)
        return;
    ret->state = driver[0] == '\0' ? "driver" : "other";
    snprintf(ret->reason, sizeof(ret->reason), "%s", reason);
}

/* Whether the device is there that this is kept for, with a driver if that is needed. The kernel answers
 * these files from memory. */
static int find_device(const struct sysroot *sysroot, const struct kind *kind, const char *function,
                       const json_t *body, struct obstacle *ret, struct error *err)
{
    struct pci_address address;
    long long vendor = -1, device = -1;

    if (!pci_address_parse(function, &address))
        return error_set(err, ERROR_INVALID, "'%s' is not a PCI id", function);
    autoclose int folder = pci_open_folder(sysroot, address);
    if (folder < 0) {
        *ret = (struct obstacle){"absent", "there is no such device now"};
        return 0;
    }
    int read_vendor = sysfs_read_number(folder, "vendor", &vendor);
    int read_device = sysfs_read_number(folder, "device", &device);
    if (read_vendor < 0 || read_device < 0)
        return error_set_errno(err, read_vendor < 0 ? -read_vendor : -read_device, "cannot read its ids");
    if (json_object_get(body, "vendor") == NULL)
        return 0; /* neither mdevctl's files nor leftovers say for which device they are */
    if (vendor != json_integer_value(json_object_get(body, "vendor")) ||
        device != json_integer_value(json_object_get(body, "device")))
        return error_set(err, ERROR_NOT_FOUND,
                         "another device is there, %04llx:%04llx; make the choice again, or set persistent=0",
                         vendor, device);
    check_driver(sysroot, address, folder, kind, ret);
    return 0;
}

static json_t *pack_arguments(const char *function, const json_t *body)
{
    json_t *arguments = json_copy((json_t *)body);

    json_object_del(arguments, "vendor");
    json_object_del(arguments, "device");
    json_object_set_new(arguments, "id", json_string(function));
    return arguments;
}

/* Considers operations that have just begun, too, whose claims are not in the journal yet. */
static int check_free(const struct jobs *jobs, const char *function, bool *ret, struct error *err)
{
    bool taken = false;

    for (const struct job *job = jobs->list; job != NULL && !taken; job = job->next)
        taken = job->id != NULL && strcmp(json_text(job->arguments, "id"), function) == 0;
    if (!taken && journal_is_claimed(jobs->journal, function, &taken, err) != 0)
        return -1;
    *ret = !taken;
    return 0;
}

/* "PREFIX:FUNCTION". The journal keeps that of an operation that was left half-way: then one with a number.
 */
static int choose_id(struct jobs *jobs, const struct kind *kind, const char *function, char **ret,
                     struct error *err)
{
    autofree char *id = xasprintf("%s:%s", kind->prefix, function);
    int64_t number;

    for (unsigned i = 2; i < MOST_IDS; i++) {
        struct error missing;
        if (journal_delete_ended(jobs->journal, id, err) != 0)
            return -1;
        if (journal_find(jobs->journal, id, &number, &missing) != 0)
            break;
        free(id);
        id = xasprintf("%s:%s:%u", kind->prefix, function, i);
    }
    *ret = TAKE(id);
    return 0;
}

/* Its operation has started, unless there is an obstacle: then it stays pending. */
static int apply(struct kept *kept, const struct kind *kind, const char *function, const json_t *body,
                 struct obstacle *ret, struct error *err)
{
    struct jobs *jobs = kept->jobs;
    bool is_free = false;

    if (find_device(jobs->sysroot, kind, function, body, ret, err) != 0)
        return -1;
    if (ret->state != NULL)
        return 0;
    if (check_free(jobs, function, &is_free, err) != 0)
        return -1;
    if (!is_free) {
        *ret = (struct obstacle){"next", "another operation is about it"};
        return 0;
    }
    autofree char *id = NULL;
    autojson json_t *arguments = pack_arguments(function, body);
    if (operation_check(kind->operation, arguments, err) != 0 ||
        choose_id(jobs, kind, function, &id, err) != 0 ||
        job_start(jobs, kind->operation, id, json_incref(arguments), NULL, err) != 0)
        return -1;
    log_info("%s '%s': the persistent setting of %s is applied", kind->operation->name, id, function);
    return 0;
}

/* Logs each obstacle once. */
static void note_waiting(struct kept *kept, size_t kind, const char *function,
                         const struct obstacle *obstacle)
{
    json_t *waiting = kept->waiting[kind];

    if (strcmp(json_text(json_object_get(waiting, function), "state"), obstacle->state) == 0)
        return;
    json_object_set_new(waiting, function,
                        json_pack("{s:s, s:s}", "state", obstacle->state, "reason", obstacle->reason));
    log_info("the persistent setting of %s (operation %s) waits: %s", function, kinds[kind].operation->name,
             obstacle->reason);
}

static void apply_kind(struct kept *kept, size_t kind)
{
    const char *function;
    json_t *body;
    void *next;

    json_object_foreach_safe(kept->pending[kind], next, function, body) {
        struct obstacle obstacle = {.state = NULL};
        struct error err;
        if (kept->jobs->count >= AT_ONCE)
            return;
        if (apply(kept, &kinds[kind], function, body, &obstacle, &err) != 0)
            log_warning("the persistent setting of %s (operation %s) is not applied: %s", function,
                        kinds[kind].operation->name, err.message);
        if (obstacle.state != NULL) {
            note_waiting(kept, kind, function, &obstacle);
        } else {
            json_object_del(kept->waiting[kind], function);
            json_object_del(kept->pending[kind], function);
        }
    }
}

void kept_apply(struct kept *kept)
{
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        apply_kind(kept, i);
}

static void on_event(void *context, const struct pci_event *event)
{
    struct kept *kept = context;
    autojson json_t *facts = NULL, *all = json_object();
    char function[PCI_ADDRESS_SIZE];
    struct error err;

    pci_address_format(event->address, function);
    if (journal_read_facts(kept->jobs->journal, function, &facts, &err) != 0) {
        log_error("cannot read the persistent settings of %s: %s", function, err.message);
        return;
    }
    json_object_set(all, function, facts);
    if (event->kind == PCI_EVENT_MDEV)
        add_files(kept->jobs, all);
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i].again == event->kind)
            add_pending(kept, i, function, facts);
}

void kept_take_events(struct kept *kept, int events)
{
    if (pci_events_take(events, on_event, kept))
        log_warning("the kernel had more events than its socket holds: persistent settings of devices that "
                    "appeared or got a driver in the meantime are applied at the next start of the broker");
}

static void describe_job(const struct job *job, const char *function, json_t *list)
{
    const char *of = json_text(job->arguments, "id");

    if (job->id == NULL || !kept_owns_id(job->id) || (function != NULL && strcmp(of, function) != 0))
        return;
    json_array_append_new(list,
                          json_pack("{s:s, s:s, s:s}", "function", of, "operation", job->operation->name,
                                    "state", job_is_silent(job) ? "held" : "running"));
}

/* Whether it is worth waiting for. */
static bool comes(const json_t *waiting)
{
    const char *state = json_text(waiting, "state");

    return strcmp(state, "absent") != 0 && strcmp(state, "other") != 0;
}

json_t *kept_describe(const struct kept *kept, const char *function)
{
    json_t *list = json_array(), *body;
    const char *of;

    /* one that has ended may be what another waits for, which is applied when the ended one is freed */
    for (const struct job *job = kept->jobs->list; job != NULL; job = job->next)
        describe_job(job, function, list);
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        json_object_foreach(kept->pending[i], of, body) {
            const json_t *waiting = json_object_get(kept->waiting[i], of);
            if (function != NULL ? strcmp(of, function) != 0 : !comes(waiting))
                continue;
            json_t *row = json_pack("{s:s, s:s, s:s}", "function", of, "operation", kinds[i].operation->name,
                                    "state", "next");
            if (waiting != NULL)
                json_object_update(row, (json_t *)(uintptr_t)waiting);
            json_array_append_new(list, row);
        }
    }
    return list;
}
