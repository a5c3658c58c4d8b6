/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation driver: detaches functions from their drivers, gives them others, gives them back. */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/impact.h"
#include "broker/worker/take_over.h"
#include "broker/worker/undo.h"
#include "hardware/bind/fit.h"
#include "hardware/kmsg.h"

static const char *const scope_names[] = {
    [SCOPE_FUNCTION] = "function", [SCOPE_DEVICE] = "device", [SCOPE_GROUP] = "group", NULL};

const struct schema operation_driver_arguments[] = {
    ARGUMENT_FUNCTION,
    {.name = "driver",
     .type = SCHEMA_STRING,
     .pattern = "[A-Za-z0-9_-]{1,63}",
     .text =
         "vfio: ready for a virtual machine, with the VFIO driver that is made for it, such as "
         "mlx5_vfio_pci, or vfio-pci if there is none or it cannot start the function; vfio-pci: with that "
         "one in any case; none: stays without a driver; auto: the one that the kernel chooses; restore: "
         "what it had before it was first taken; or the name of a driver that has an id for this function "
         "(vfio-pci and pci-stub take any)."},
    {.name = "scope",
     .type = SCHEMA_STRING,
     .optional = true,
     .fallback = "function",
     .values = scope_names,
     .text = "This function, all functions of its device, or all of its IOMMU group but bridges."},
    {.name = "persistent",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .text = "1: also at each start of the host (auto and restore: forget such a choice); 0: forget it. "
             "Left out: the choice stays as it is."},
    ARGUMENT_TAKE_OVER,
    {.name = "force",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .fallback = "0",
     .text = "Even if the host or a virtual machine is using it. A bridge and what holds the root file "
             "system are refused all the same."},
    {.name = NULL}};

struct request {
    struct pci_address address;
    struct driver_request driver;
    enum scope scope;
    bool force;
    enum { PERSISTENT_AS_BEFORE, PERSISTENT_NO, PERSISTENT_YES } persistent;
};

static int parse(const json_t *arguments, struct request *ret, struct error *err)
{
    static const struct driver_request words[] = {
        {DRIVER_VFIO, "vfio"}, {DRIVER_NONE, "none"}, {DRIVER_AUTO, "auto"}, {DRIVER_RESTORE, "restore"}};
    const json_t *persistent = json_object_get(arguments, "persistent");
    const char *scope = json_text(arguments, "scope");
    struct request request = {.driver = {DRIVER_NAMED, json_text(arguments, "driver")},
                              .force = json_integer_value(json_object_get(arguments, "force")) != 0};

    if (!pci_address_parse(json_text(arguments, "id"), &request.address))
        return error_set_field(err, "id", "value is not a PCI id such as 0000:01:00.0");
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(request.driver.name, words[i].name) == 0)
            request.driver = words[i];
    if (!driver_name_is_valid(request.driver.name))
        return error_set_field(err, "driver", "value '%s' is not a driver's name", request.driver.name);
    for (size_t i = 0; scope_names[i] != NULL; i++)
        if (strcmp(scope, scope_names[i]) == 0)
            request.scope = (enum scope)i;
    if (persistent != NULL)
        request.persistent = json_integer_value(persistent) != 0 ? PERSISTENT_YES : PERSISTENT_NO;
    *ret = request;
    return 0;
}

static bool gives_back(const struct request *request)
{
    return request->driver.kind == DRIVER_AUTO || request->driver.kind == DRIVER_RESTORE;
}

static void save_choice(struct worker *worker, const struct plan_function *function,
                        const struct request *request)
{
    autojson json_t *facts = worker_read_facts(worker, function->id);
    const char *choice = json_text(json_object_get(facts, "choice"), "driver");

    if (request->persistent == PERSISTENT_YES && !gives_back(request))
        worker_save_choice(worker, function->id, &function->was, request->driver.name);
    else if (request->persistent != PERSISTENT_AS_BEFORE)
        worker_forget_choice(worker, function->id);
    else if (choice[0] != '\0' && strcmp(choice, request->driver.name) != 0)
        worker_log(worker,
                   "%s: its persistent driver is still %s: the next start gives it to %s; set persistent=0 "
                   "to forget that, or persistent=1 to make the new choice persistent",
                   function->id, choice, choice);
}

static json_t *finish(struct worker *worker, const struct plan *plan, const struct request *request)
{
    json_t *functions = json_array();

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_function *function = &plan->list[i];
        if (gives_back(request))
            worker_forget_origin(worker, function->id);
        else
            worker_save_origin(worker, function->id, &function->was);
        save_choice(worker, function, request);
        worker_release(worker, function->id);
        json_array_append_new(functions, json_pack("{s:s, s:s, s:s}", "id", function->id, "before",
                                                   function->was.driver, "driver", function->driver));
    }
    return json_pack("{s:o}", "functions", functions);
}

static int check_fit(const struct worker *worker, const struct plan *plan, const struct request *request,
                     struct error *err)
{
    bool named = request->driver.kind == DRIVER_NAMED || request->driver.kind == DRIVER_VFIO;

    for (size_t i = 0; i < plan->count && named; i++)
        if (fit_check(worker->sysroot, plan->list[i].device->address, plan->list[i].was.driver,
                      plan->list[i].driver, err) != 0)
            return -1;
    return 0;
}

/* If two programs set a function's driver at boot, nobody knows which one comes last. */
static int check_owners(struct worker *worker, const struct plan *plan, const struct request *request,
                        struct take_over *take_over, struct error *err)
{
    const struct owned_setting setting = {.what = OWNED_DRIVER,
                                          .ours = "a persistent driver",
                                          .attribute = "driver_override",
                                          .value = request->driver.name};

    for (size_t i = 0; i < plan->count && request->persistent == PERSISTENT_YES && !gives_back(request); i++)
        if (take_over_check(worker, take_over, plan->list[i].device, &setting, err) != 0)
            return -1;
    return 0;
}

static int prepare(struct worker *worker, struct plan *plan, const struct request *request,
                   struct take_over *take_over, struct error *err)
{
    if (plan_read(worker, plan, err) != 0 || check_owners(worker, plan, request, take_over, err) != 0 ||
        plan_want(worker, plan, request->driver, err) != 0 || check_fit(worker, plan, request, err) != 0 ||
        impact_check(worker, plan, "taken from its driver", request->force ? FORCED : FORCE_ASKED, err) != 0)
        return -1;
    impact_warn_of_others(worker, plan);
    return plan_claim(worker, plan, true, err);
}

static int change_driver(struct worker *worker, json_t **ret, struct error *err)
{
    struct request request = {.driver.name = ""};
    autoplan struct plan plan = {.list = NULL};
    autotakeover struct take_over take_over = {.files = NULL};

    if (parse(worker->arguments, &request, err) != 0 ||
        take_over_parse(worker->arguments, &take_over, err) != 0 ||
        plan_choose(worker->sysroot, request.address, request.scope, &plan, err) != 0 ||
        plan_claim(worker, &plan, false, err) != 0)
        return -1;
    if (prepare(worker, &plan, &request, &take_over, err) != 0) {
        plan_release_claims(worker, &plan);
        return -1;
    }
    autoclose int kmsg = kmsg_follow(worker->sysroot);
    autojson json_t *files = json_array();
    if (plan_move(worker, &plan, err) == 0 && take_over_write(worker, &take_over, files, err) == 0) {
        *ret = finish(worker, &plan, &request);
        take_over_finish(worker, &take_over);
        return 0;
    }
    autojson json_t *claims = plan_pack_claims(&plan, true);
    json_array_extend(claims, files);
    autotext struct text where = {0};
    struct error reason = *err;
    bind_log_kernel(worker, kmsg, plan.list[0].id);
    worker->undoing = true;
    worker_log(worker, "the operation is undone, because it failed: %s", reason.message);
    undo_claims(worker, claims, &where);
    return error_set(err, reason.kind, "%s; %s", reason.message, text_string(&where));
}

const struct operation operation_driver = {
    .name = "driver",
    .text = "Gives functions another driver, or takes the one away that they have.",
    .arguments = operation_driver_arguments,
    .changes = true,
    .run = change_driver,
};
