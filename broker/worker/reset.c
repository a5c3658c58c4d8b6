/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation reset: resets a function by the kernel's methods, one after the other until one works. */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/divide.h"
#include "broker/worker/impact.h"
#include "broker/worker/undo.h"
#include "hardware/bind/reset.h"
#include "hardware/kmsg.h"
#include "hardware/paths.h"
#include "hardware/pci/sriov.h"

const struct schema operation_reset_arguments[] = {
    ARGUMENT_FUNCTION,
    {.name = "force",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .fallback = "0",
     .text = "Even if the host or a virtual machine is using it."},
    {.name = NULL}};

struct attempts {
    struct worker *worker;
    const struct plan_function *function;
    struct reset_methods methods; /* that it has, in the kernel's order */
    const char *method;           /* the last one tried */
    long long milliseconds;       /* that it took */
    struct text failures;         /* "flr: ...; bus: ..." */
    bool stopped;                 /* on request */
    int kmsg;
};

static int read_methods(struct attempts *attempts, struct error *err)
{
    const struct plan_function *function = attempts->function;

    if (reset_read_methods(attempts->worker->sysroot, function->device->address, &attempts->methods, err) !=
        0)
        return -1;
    if (attempts->methods.count > 0)
        return 0;
    return error_set(
        err, ERROR_FAILED,
        "%s cannot be reset: /%s names no method. Either the device has none, and only switching "
        "the host off and on resets it, or somebody emptied the list: then write default there",
        function->id, path_of_function(function->id, "reset_method").text);
}

static int announce(struct attempts *attempts, const char *what, struct error *err)
{
    char step[64];

    snprintf(step, sizeof(step), "%s %s", what, attempts->method);
    attempts->stopped = worker_step(attempts->worker, attempts->function->id, step, err) != 0;
    return attempts->stopped ? -1 : 0;
}

/* Makes the method the only one, so that it is known which one worked. */
static int choose(struct attempts *attempts, size_t index, struct error *err)
{
    struct reset_methods only = {.count = 1};

    if (attempts->methods.count == 1)
        return 0;
    memcpy(only.name[0], attempts->methods.name[index], RESET_METHOD_SIZE);
    if (announce(attempts, "choose reset method", err) != 0)
        return -1;
    return reset_choose(attempts->worker->sysroot, attempts->function->device->address, &only, err);
}

static int run(struct attempts *attempts, struct error *err)
{
    if (announce(attempts, "reset by", err) != 0)
        return -1;
    long long began = clock_milliseconds();
    int result = reset_run(attempts->worker->sysroot, attempts->function->device->address, err);
    attempts->milliseconds = clock_milliseconds() - began;
    return result;
}

static int try_methods(struct attempts *attempts, struct error *err)
{
    const char *id = attempts->function->id;

    for (size_t i = 0; i < attempts->methods.count; i++) {
        attempts->method = attempts->methods.name[i];
        attempts->milliseconds = 0;
        if (choose(attempts, i, err) == 0 && run(attempts, err) == 0) {
            worker_log(attempts->worker, "%s: reset by %s worked (%lld ms)", id, attempts->method,
                       attempts->milliseconds);
            return 0;
        }
        if (err->kind == ERROR_NOT_FOUND || attempts->stopped)
            return -1;
        bind_log_kernel(attempts->worker, attempts->kmsg, id);
        worker_log(attempts->worker, "%s: reset by %s failed (%lld ms): %s", id, attempts->method,
                   attempts->milliseconds, err->message);
        text_printf(&attempts->failures, "%s%s: %s", i > 0 ? "; " : "", attempts->method, err->message);
    }
    return error_set(err, ERROR_FAILED, "%s could not be reset: %s", id, text_string(&attempts->failures));
}

/* The list of methods is part of the claim: it is changed as well. */
static int prepare(struct worker *worker, struct plan *plan, struct attempts *attempts, json_t **ret_claims,
                   struct error *err)
{
    bool forced = json_integer_value(json_object_get(worker->arguments, "force")) != 0;

    if (plan_read(worker, plan, err) != 0 || read_methods(attempts, err) != 0)
        return -1;
    plan->list[0].loses_driver = plan->list[0].was.driver[0] != '\0';
    if (impact_check(worker, plan, "reset", forced ? FORCED : FORCE_ASKED, err) != 0)
        return -1;
    autofree char *words = reset_join_methods(&attempts->methods);
    autojson json_t *claims = plan_pack_claims(plan, true);
    json_object_set_new(json_array_get(claims, 0), "reset-methods", json_string(words));
    if (worker_claim(worker, claims, err) != 0)
        return -1;
    *ret_claims = TAKE(claims);
    return 0;
}

static void save_reset(const struct attempts *attempts, bool ok, const char *message)
{
    if (attempts->method != NULL)
        worker_save_reset(attempts->worker, attempts->function->id, &attempts->function->was,
                          attempts->method, ok, message);
}

/* What the reset of a physical function took from its virtual ones; it worked all the same. */
static void renew(struct attempts *attempts)
{
    const struct plan_function *function = attempts->function;
    struct sriov sriov;
    struct error err;

    if (sriov_read(attempts->worker->sysroot, function->device->address, &sriov, &err) == 0 &&
        divide_renew(attempts->worker, function->device->address, &function->was, &err) < 0)
        worker_log(attempts->worker, "warning: %s: its virtual functions are not as before: %s", function->id,
                   err.message);
}

/* Whether it worked or not, the function gets its list of methods back. */
static int finish(struct attempts *attempts, const json_t *claims, int result, struct error *err)
{
    autotext struct text where = {0};
    char driver[DRIVER_NAME_SIZE];

    attempts->worker->undoing = true;
    if (result == 0) {
        save_reset(attempts, true, "");
        renew(attempts);
    } else if (err->kind != ERROR_NOT_FOUND && !attempts->stopped) {
        save_reset(attempts, false, err->message);
    }
    int undone = undo_claims(attempts->worker, claims, &where);
    if (result == 0 && undone == 0 &&
        driver_read_name(attempts->worker->sysroot, attempts->function->device->address, driver, err) == 0)
        return 0;
    struct error reason = *err;
    return error_set(err, result == 0 ? ERROR_FAILED : reason.kind, "%s; %s",
                     result == 0 ? "it was reset" : reason.message, text_string(&where));
}

static int reset(struct worker *worker, json_t **ret, struct error *err)
{
    autoclose int kmsg = kmsg_follow(worker->sysroot);
    struct attempts attempts = {.worker = worker, .kmsg = kmsg};
    autoplan struct plan plan = {.list = NULL};
    autojson json_t *claims = NULL;
    struct pci_address address;

    if (!pci_address_parse(json_text(worker->arguments, "id"), &address))
        return error_set_field(err, "id", "value is not a PCI id such as 0000:01:00.0");
    if (plan_choose(worker->sysroot, address, SCOPE_FUNCTION, &plan, err) != 0 ||
        plan_claim(worker, &plan, false, err) != 0)
        return -1;
    attempts.function = &plan.list[0];
    if (prepare(worker, &plan, &attempts, &claims, err) != 0) {
        plan_release_claims(worker, &plan);
        return -1;
    }
    int result = finish(&attempts, claims, try_methods(&attempts, err), err);
    text_release(&attempts.failures);
    if (result == 0)
        *ret = json_pack("{s:s, s:I}", "method", attempts.method, "milliseconds",
                         (json_int_t)attempts.milliseconds);
    return result;
}

const struct operation operation_reset = {
    .name = "reset",
    .text = "Resets a function.",
    .arguments = operation_reset_arguments,
    .changes = true,
    .run = reset,
};
