/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation driver: takes functions from their drivers, gives them to others, gives them back. */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/worker/actions.h"
#include "broker/worker/impact.h"
#include "hardware/kmsg.h"

struct request {
    struct pci_address address;
    const char *driver, *scope;
    bool force;
    int persistent; /* -1: not said */
};

static int parse(const json_t *arguments, struct request *ret, struct error *err)
{
    const json_t *persistent = json_object_get(arguments, "persistent");
    struct request request = {.driver = json_text(arguments, "driver"),
                              .scope = json_text_or(arguments, "scope", "function"),
                              .force = json_integer_value(json_object_get(arguments, "force")) != 0,
                              .persistent = persistent != NULL ? (int)json_integer_value(persistent) : -1};

    if (!pci_address_parse(json_text(arguments, "id"), &request.address))
        return error_set_field(err, "id", "value is not a PCI id such as 0000:01:00.0");
    if (!driver_name_is_valid(request.driver))
        return error_set_field(err, "driver", "value '%s' is not a driver's name", request.driver);
    *ret = request;
    return 0;
}

static const char *name_of(const char *driver)
{
    return driver[0] != '\0' ? driver : "no driver";
}

static int move(struct worker *worker, struct plan_function *function, struct error *err)
{
    struct binding wanted = {function->driver, function->override};
    long long began = clock_milliseconds();
    char driver[DRIVER_NAME_SIZE];

    if (bind_function_from(worker, function->device->address, &function->was, wanted, driver, err) < 0)
        return -1;
    memcpy(function->driver, driver, sizeof(driver));
    if (strcmp(driver, function->was.driver) == 0)
        worker_log(worker, "%s: stays with %s", function->id, name_of(driver));
    else
        worker_log(worker, "%s: has %s, had %s (%lld ms)", function->id, name_of(driver),
                   name_of(function->was.driver), clock_milliseconds() - began);
    return 0;
}

static int move_all(struct worker *worker, struct plan *plan, struct error *err)
{
    for (size_t i = 0; i < plan->count; i++)
        if (move(worker, &plan->list[i], err) != 0)
            return -1;
    return 0;
}

/* Whether it is for good, and what the next start does otherwise. */
static void keep_choice(struct worker *worker, const struct plan_function *function,
                        const struct request *request, bool given_back)
{
    autojson json_t *known = worker_ask(worker, function->id);
    const char *choice = json_text(json_object_get(known, "choice"), "driver");

    if (request->persistent == 1 && !given_back) {
        worker_keep_choice(worker, function->id, &function->was, request->driver);
    } else if (request->persistent >= 0) {
        worker_keep_choice(worker, function->id, &function->was, "");
    } else if (choice[0] != '\0' && strcmp(choice, request->driver) != 0) {
        worker_log(worker,
                   "%s: the choice that was made for good stays: the next start gives it to %s; say "
                   "persistent=0 to forget that, persistent=1 to choose anew",
                   function->id, choice);
    }
}

static json_t *finish(struct worker *worker, const struct plan *plan, const struct request *request)
{
    bool given_back = strcmp(request->driver, "auto") == 0 || strcmp(request->driver, "restore") == 0;
    json_t *functions = json_array();

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_function *function = &plan->list[i];
        if (given_back)
            worker_forget_origin(worker, function->id);
        else
            worker_keep_origin(worker, function->id, &function->was);
        keep_choice(worker, function, request, given_back);
        worker_settle(worker, function->id, function->driver, "done");
        json_array_append_new(functions, json_pack("{s:s, s:s, s:s}", "id", function->id, "before",
                                                   function->was.driver, "driver", function->driver));
    }
    return json_pack("{s:o}", "functions", functions);
}

static int go_back(struct worker *worker, const json_t *rows, struct error *err)
{
    autotext struct text where = {0};

    worker->undoing = true;
    worker_log(worker, "goes back: %s", err->message);
    bind_undo_all(worker, rows, &where);
    struct error reason = *err;
    return error_set(err, reason.kind, "%s; %s", reason.message, text_string(&where));
}

static int prepare(struct worker *worker, struct plan *plan, const struct request *request, struct error *err)
{
    if (plan_read(worker, plan, err) != 0 || plan_want(worker, plan, request->driver, err) != 0 ||
        impact_check(worker, plan, "taken from its driver", request->force, err) != 0)
        return -1;
    impact_warn_of_others(worker, plan);
    return plan_take(worker, plan, true, err);
}

int broker_drive(struct worker *worker, json_t **ret, struct error *err)
{
    struct request request = {.driver = "", .scope = "", .persistent = -1};
    autoplan struct plan plan = {.list = NULL};

    if (parse(worker->arguments, &request, err) != 0 ||
        plan_choose(worker->sysroot, request.address, request.scope, &plan, err) != 0 ||
        plan_take(worker, &plan, false, err) != 0)
        return -1;
    if (prepare(worker, &plan, &request, err) != 0) {
        plan_let_go(worker, &plan);
        return -1;
    }
    autojson json_t *rows = plan_rows(&plan, true);
    autoclose int kmsg = kmsg_follow(worker->sysroot);
    if (move_all(worker, &plan, err) != 0) {
        bind_log_kernel(worker, kmsg, plan.list[0].id);
        return go_back(worker, rows, err);
    }
    *ret = finish(worker, &plan, &request);
    return 0;
}
