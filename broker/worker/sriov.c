/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation sriov: gives a physical function a count of virtual functions. */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/operations.h"
#include "broker/worker/divide.h"
#include "broker/worker/impact.h"
#include "broker/worker/take_over.h"
#include "broker/worker/undo.h"
#include "hardware/kmsg.h"
#include "hardware/pci/sriov.h"

const struct schema operation_sriov_arguments[] = {
    ARGUMENT_FUNCTION,
    {.name = "numvfs",
     .type = SCHEMA_INTEGER,
     .optional = true,
     .range = RANGE(0, 65535),
     .text = "How many virtual functions it shall have; left out: as many as it has. To change the number, "
             "all of them are removed and created again, which is refused while one is in use. Where "
             "NVIDIA's sriov-manage does it: none, or as many as possible."},
    {.name = "autoprobe",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .text = "1: drivers of the host may take new virtual functions. Left out: 0 when new ones are made, so "
             "that they stay free for virtual machines, and 1, as the kernel has it, when all are removed."},
    {.name = "persistent",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .text = "1: also at each start of the host, and whenever the function gets its driver (with numvfs=0: "
             "forget that); 0: forget it. Left out: the persistent setting stays as it is."},
    ARGUMENT_TAKE_OVER,
    ARGUMENT_VF_SETTINGS,
    {.name = NULL}};

struct request {
    struct pci_address address;
    long long count; /* -1: as many as there are */
    int autoprobe;   /* -1: not given */
    enum { PERSISTENT_AS_BEFORE, PERSISTENT_NO, PERSISTENT_YES } persistent;
};

/* What the operation knows once it has claimed the functions. */
struct division_plan {
    struct plan plan; /* the physical function and the virtual ones that go */
    struct sriov sriov;
    struct vfs_state now, wanted;
    json_t *former, *settings; /* of virtual functions: {N: settings} */
    json_t *claims;
    struct take_over take_over;
};

static int parse(const json_t *arguments, struct request *ret, struct error *err)
{
    const json_t *count = json_object_get(arguments, "numvfs");
    const json_t *autoprobe = json_object_get(arguments, "autoprobe");
    const json_t *persistent = json_object_get(arguments, "persistent");
    struct request request = {.count = count != NULL ? json_integer_value(count) : -1,
                              .autoprobe = autoprobe != NULL ? json_integer_value(autoprobe) != 0 : -1};

    if (!pci_address_parse(json_text(arguments, "id"), &request.address))
        return error_set_field(err, "id", "value is not a PCI id such as 0000:01:00.0");
    if (persistent != NULL)
        request.persistent = json_integer_value(persistent) != 0 ? PERSISTENT_YES : PERSISTENT_NO;
    *ret = request;
    return 0;
}

static int check_physical(const struct plan_function *function, struct error *err)
{
    char parent[PCI_ADDRESS_SIZE];

    if (!function->device->virtual_function)
        return 0;
    pci_address_format(function->device->physical_function, parent);
    return error_set(err, ERROR_FAILED,
                     "%s is a virtual function itself: only %s, the physical one, can have some",
                     function->id, parent);
}

static int claim_part(struct worker *worker, const json_t *claims, size_t from, size_t to, struct error *err)
{
    autojson json_t *part = json_array();

    for (size_t i = from; i < to; i++)
        json_array_append(part, json_array_get(claims, i));
    return worker_claim(worker, part, err);
}

/* A message has room for some hundred claims, and for that of the physical function, the last, with all
 * settings of its virtual ones. All of them are claimed, or none is. */
static int claim_all(struct worker *worker, const json_t *claims, struct error *err)
{
    size_t last = json_array_size(claims) - 1;

    for (size_t from = 0; from < last; from += WORKER_CLAIM_LIMIT) {
        size_t to = from + WORKER_CLAIM_LIMIT < last ? from + WORKER_CLAIM_LIMIT : last;
        if (claim_part(worker, claims, from, to, err) != 0)
            return -1;
    }
    return claim_part(worker, claims, last, last + 1, err);
}

static void release_all(struct worker *worker, const json_t *claims)
{
    const json_t *claim;
    size_t i;

    json_array_foreach(claims, i, claim) {
        worker_release(worker, json_text(claim, "id"));
    }
}

/* Nobody gets one of these before it has its settings. */
static void add_new_functions(const struct division_plan *division, json_t *claims)
{
    const struct plan_function *physical = &division->plan.list[0];
    char id[PCI_ADDRESS_SIZE];
    struct pci_address address;

    for (unsigned i = 0; i < division->wanted.count; i++) {
        if (!sriov_locate(&division->sriov, physical->device->address, i, &address) ||
            inventory_find(division->plan.inventory, address) != NULL)
            continue;
        pci_address_format(address, id);
        json_array_append_new(claims, json_pack("{s:s, s:i, s:i}", "id", id, "vendor",
                                                physical->device->vendor, "device", division->sriov.device));
    }
}

/* The physical function's own driver is not changed. */
static json_t *pack_claims(const struct division_plan *division, bool whole)
{
    autojson json_t *claims = plan_pack_claims(&division->plan, whole);
    const struct pci_device *physical = division->plan.list[0].device;

    json_array_remove(claims, 0);
    if (division->wanted.count != division->now.count)
        add_new_functions(division, claims);
    json_t *own = json_pack("{s:s, s:i, s:i}", "id", division->plan.list[0].id, "vendor", physical->vendor,
                            "device", physical->device);
    if (whole)
        json_object_update_new(
            own, json_pack("{s:i, s:i, s:O, s:i, s:i, s:O}", "numvfs", (int)division->now.count, "autoprobe",
                           (int)division->now.autoprobe, "settings", division->former, "wanted-numvfs",
                           (int)division->wanted.count, "wanted-autoprobe", (int)division->wanted.autoprobe,
                           "wanted-settings", division->settings));
    json_array_append_new(claims, own);
    return TAKE(claims);
}

/* Claims the physical function and reads its count, and then plans and claims what goes with that. */
static int choose(struct worker *worker, const struct request *request, struct division_plan *division,
                  struct error *err)
{
    autoplan struct plan first = {.list = NULL};

    if (plan_choose(worker->sysroot, request->address, SCOPE_FUNCTION, &first, err) != 0 ||
        check_physical(&first.list[0], err) != 0 ||
        sriov_read(worker->sysroot, request->address, &division->sriov, err) != 0 ||
        (request->count >= 0 &&
         sriov_check_count(&division->sriov, request->address, request->count, err) != 0) ||
        plan_claim(worker, &first, false, err) != 0)
        return -1;
    division->claims = plan_pack_claims(&first, false);
    if (worker_step(worker, first.list[0].id, "read sriov_numvfs", err) != 0 ||
        vfs_read(worker->sysroot, request->address, &division->now, err) != 0)
        return -1;
    division->wanted.count = request->count >= 0 ? (unsigned)request->count : division->now.count;
    bool changes = division->wanted.count != division->now.count;
    division->wanted.autoprobe = request->autoprobe >= 0 ? request->autoprobe != 0
                                 : changes               ? division->wanted.count == 0
                                                         : division->now.autoprobe;
    if (division->now.count == 0 && sriov_count(first.inventory, request->address) == 0) {
        division->plan = first; /* a host with many functions is not read once more */
        first = (struct plan){.list = NULL};
    } else if (plan_choose(worker->sysroot, request->address, changes ? SCOPE_FAMILY : SCOPE_FUNCTION,
                           &division->plan, err) != 0) {
        return -1;
    }
    json_decref(division->claims);
    division->claims = pack_claims(division, false);
    return claim_all(worker, division->claims, err);
}

static void log_driverless(struct worker *worker, const struct plan *plan)
{
    unsigned count = 0;

    for (size_t i = 1; i < plan->count; i++)
        count += plan->list[i].was.driver[0] == '\0';
    if (count > 0)
        worker_log(worker, "%s: %u virtual functions without a driver are removed", plan->list[0].id, count);
}

/* What the host loses: all virtual functions that there are, if their number changes. */
static int check_use(struct worker *worker, struct division_plan *division, struct error *err)
{
    struct plan *plan = &division->plan;

    for (size_t i = 1; i < plan->count; i++)
        plan->list[i].loses_driver = plan->list[i].was.driver[0] != '\0';
    log_driverless(worker, plan);
    return impact_check(worker, plan, "removed", FORCE_NEVER, err);
}

/* Those that go, or change, come back if the operation fails. */
static int plan_settings(struct worker *worker, struct division_plan *division, struct error *err)
{
    struct pci_address physical = division->plan.list[0].device->address;
    bool anew = division->wanted.count != division->now.count;

    if (vf_settings_parse(worker->arguments, division->wanted.count, &division->settings, err) != 0)
        return -1;
    if (anew)
        vf_settings_add_macs(worker, physical, division->wanted.count, division->settings);
    if (division->now.count == 0 || (!anew && json_object_size(division->settings) == 0))
        division->former = json_object();
    else if (vf_settings_read(worker, physical, division->now.count, &division->former, err) != 0)
        return -1;
    return vf_settings_check(worker, physical, division->wanted.count, division->settings,
                             anew ? NULL : division->former, err);
}

static int prepare(struct worker *worker, struct division_plan *division, struct error *err)
{
    if (plan_read(worker, &division->plan, err) != 0 ||
        (division->wanted.count != division->now.count &&
         divide_check_count(worker, &division->plan.list[0], division->sriov.total, division->wanted.count,
                            err) != 0) ||
        check_use(worker, division, err) != 0 || plan_settings(worker, division, err) != 0)
        return -1;
    json_decref(division->claims);
    division->claims = pack_claims(division, true);
    return claim_all(worker, division->claims, err);
}

/* The operation's arguments, as they are to be given again (broker/daemon/kept.h). */
static json_t *pack_kept(const struct worker *worker, const struct division_plan *division)
{
    json_t *kept = json_pack("{s:i, s:i}", "numvfs", (int)division->wanted.count, "autoprobe",
                             (int)division->wanted.autoprobe);
    const char *name;
    json_t *value;

    json_object_foreach(worker->arguments, name, value) {
        if (text_starts_with(name, "vf"))
            json_object_set(kept, name, value);
    }
    return kept;
}

static void keep(struct worker *worker, const struct division_plan *division, const struct request *request)
{
    const struct plan_function *physical = &division->plan.list[0];
    autojson json_t *facts = worker_read_facts(worker, physical->id);
    const json_t *kept = json_object_get(facts, FACT_VFS);
    long long count = json_integer_value(json_object_get(kept, "numvfs"));

    if (request->persistent == PERSISTENT_YES && division->wanted.count > 0) {
        worker_save_fact(worker, FACT_VFS, physical->id, &physical->was, pack_kept(worker, division));
        worker_log(worker,
                   "%s: gets its %u virtual functions at each start of the host, and whenever it gets its "
                   "driver, before VMs start that start with the host",
                   physical->id, division->wanted.count);
    } else if (request->persistent != PERSISTENT_AS_BEFORE)
        worker_forget_fact(worker, FACT_VFS, physical->id);
    else if (kept != NULL && count != (long long)division->wanted.count)
        worker_log(worker,
                   "%s: its persistent setting is still %lld virtual functions, which the next start makes: "
                   "set persistent=0 to forget that, or persistent=1 to keep the current number",
                   physical->id, count);
}

static json_t *finish(struct worker *worker, const struct division_plan *division,
                      const struct request *request)
{
    keep(worker, division, request);
    release_all(worker, division->claims);
    return json_pack("{s:i, s:i}", "before", (int)division->now.count, "numvfs", (int)division->wanted.count);
}

static int divide(struct worker *worker, struct division_plan *division, struct error *err)
{
    const struct plan_function *physical = &division->plan.list[0];
    long long began = clock_milliseconds();
    int done = divide_function(worker, physical->device->address, &physical->was, division->wanted,
                               division->settings, err);

    if (done < 0)
        return -1;
    if (division->now.count == division->wanted.count)
        worker_log(worker, "%s: keeps its %u virtual functions", physical->id, division->now.count);
    else
        worker_log(worker, "%s: has %u virtual functions, had %u (%lld ms)", physical->id,
                   division->wanted.count, division->now.count, clock_milliseconds() - began);
    return 0;
}

/* Of two that set a count at boot nobody knows who wins. */
static int check_owner(struct worker *worker, struct division_plan *division, const struct request *request,
                       struct error *err)
{
    char count[16];
    const struct owned_setting setting = {.what = OWNED_VFS,
                                          .ours = "a persistent number of virtual functions",
                                          .attribute = "sriov_numvfs",
                                          .value = count};

    if (request->persistent != PERSISTENT_YES || division->wanted.count == 0)
        return 0;
    snprintf(count, sizeof(count), "%u", division->wanted.count);
    return take_over_check(worker, &division->take_over, division->plan.list[0].device, &setting, err);
}

static int run(struct worker *worker, const struct request *request, struct division_plan *division,
               json_t **ret, struct error *err)
{
    if (choose(worker, request, division, err) != 0 || check_owner(worker, division, request, err) != 0 ||
        prepare(worker, division, err) != 0) {
        release_all(worker, division->claims);
        return -1;
    }
    autoclose int kmsg = kmsg_follow(worker->sysroot);
    autojson json_t *files = json_array();
    if (divide(worker, division, err) == 0 &&
        take_over_write(worker, &division->take_over, files, err) == 0) {
        *ret = finish(worker, division, request);
        take_over_finish(worker, &division->take_over);
        return 0;
    }
    autotext struct text where = {0};
    struct error reason = *err;
    bind_log_kernel(worker, kmsg, division->plan.list[0].id);
    worker->undoing = true;
    worker_log(worker, "the operation is undone, because it failed: %s", reason.message);
    json_array_extend(division->claims, files);
    undo_claims(worker, division->claims, &where);
    return error_set(err, reason.kind, "%s; %s", reason.message, text_string(&where));
}

static int sriov(struct worker *worker, json_t **ret, struct error *err)
{
    struct division_plan division = {.claims = NULL};
    struct request request = {.count = -1};

    if (parse(worker->arguments, &request, err) != 0 ||
        take_over_parse(worker->arguments, &division.take_over, err) != 0)
        return -1;
    int result = run(worker, &request, &division, ret, err);
    plan_release(&division.plan);
    take_over_release(&division.take_over);
    json_decref(division.former);
    json_decref(division.settings);
    json_decref(division.claims);
    return result;
}

const struct operation operation_sriov = {
    .name = "sriov",
    .text = "Gives a physical function another count of virtual functions.",
    .arguments = operation_sriov_arguments,
    .changes = true,
    .run = sriov,
};
