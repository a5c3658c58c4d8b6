/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation d3cold: whether a function may lose its power altogether when it is idle. */
#include "broker/worker/d3cold.h"

#include "base/json.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "broker/worker/plan.h"
#include "broker/worker/undo.h"
#include "hardware/bind/d3cold.h"

#define FACT    "d3cold" /* what is kept: the operation's arguments (broker/daemon/kept.h) */
#define ALLOWED "d3cold-allowed"

const struct schema operation_d3cold_arguments[] = {
    ARGUMENT_FUNCTION,
    {.name = ALLOWED,
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .text =
         "0: it always keeps some power, so that it can wake up; 1: it may lose all of it (D3cold) while it "
         "is idle, which is the kernel's default. Left out: as it is."},
    {.name = "persistent",
     .type = SCHEMA_BOOLEAN,
     .optional = true,
     .text = "1: also at each start of the host, and whenever the device appears; 0: forget that. Left out: "
             "the persistent setting stays as it is."},
    {.name = NULL}};

static const char *word_for(bool allowed)
{
    return allowed ? "may be put into D3cold" : "is never put into D3cold";
}

/* 1: it was changed; 0: nothing had to be. */
static int set(struct worker *worker, const char *id, struct pci_address address, bool allowed,
               struct error *err)
{
    bool now;

    if (worker_step(worker, id, "read d3cold_allowed", err) != 0 ||
        d3cold_read(worker->sysroot, address, &now, err) != 0)
        return -1;
    if (now == allowed)
        return 0;
    if (worker_step(worker, id, allowed ? "write 1 to d3cold_allowed" : "write 0 to d3cold_allowed", err) !=
            0 ||
        d3cold_allow(worker->sysroot, address, allowed, err) != 0)
        return -1;
    worker_log(worker, "%s: %s", id, word_for(allowed));
    return 1;
}

static int check_same(struct worker *worker, const json_t *claim, struct pci_address address,
                      struct error *err)
{
    struct driver_state now;

    if (driver_read_state(worker->sysroot, address, &now, err) != 0)
        return -1;
    if (now.vendor == json_integer_value(json_object_get(claim, "vendor")) &&
        now.device == json_integer_value(json_object_get(claim, "device")))
        return 0;
    return error_set(err, ERROR_NOT_FOUND, "another device (%04x:%04x) is at %s now", now.vendor, now.device,
                     json_text(claim, "id"));
}

int d3cold_undo(struct worker *worker, const json_t *claim, struct text *where)
{
    const char *id = json_text(claim, "id");
    bool former = json_integer_value(json_object_get(claim, "d3cold")) != 0;
    struct pci_address address;
    struct error err;

    pci_address_parse(id, &address);
    if (worker_step(worker, id, "read which device it is", &err) == 0 &&
        check_same(worker, claim, address, &err) == 0 && set(worker, id, address, former, &err) >= 0) {
        worker_release(worker, id);
        text_printf(where, "%s as before", word_for(former));
        return 0;
    }
    worker_log(worker, "%s: cannot be told again that it %s: %s", id, word_for(former), err.message);
    if (err.kind == ERROR_NOT_FOUND) {
        worker_release(worker, id);
        text_append(where, "is gone");
        return 0;
    }
    text_printf(where, "is left as it is (%s)", err.message);
    return -1;
}

static void keep(struct worker *worker, const struct plan_function *function, bool allowed)
{
    const json_t *persistent = json_object_get(worker->arguments, "persistent");

    if (persistent == NULL)
        return;
    if (json_integer_value(persistent) != 0)
        worker_save_fact(worker, FACT, function->id, &function->was,
                         json_pack("{s:i}", ALLOWED, (int)allowed));
    else
        worker_forget_fact(worker, FACT, function->id);
}

/* The first claim only names the function, the second also says what it had. */
static int change(struct worker *worker, struct plan *plan, bool *ret_before, bool *ret_after,
                  json_t **ret_claims, struct error *err)
{
    struct plan_function *function = &plan->list[0];
    const json_t *asked = json_object_get(worker->arguments, ALLOWED);
    bool before;

    if (plan_read(worker, plan, err) != 0 ||
        worker_step(worker, function->id, "read d3cold_allowed", err) != 0 ||
        d3cold_read(worker->sysroot, function->device->address, &before, err) != 0)
        return -1;
    bool after = asked != NULL ? json_integer_value(asked) != 0 : before;
    json_t *claim = json_array_get(*ret_claims, 0);
    json_object_update_new(claim,
                           json_pack("{s:i, s:i}", "d3cold", (int)before, "wanted-d3cold", (int)after));
    if (worker_claim(worker, *ret_claims, err) != 0)
        return -1;
    *ret_before = before;
    *ret_after = after;
    return set(worker, function->id, function->device->address, after, err) < 0 ? -1 : 0;
}

static int d3cold(struct worker *worker, json_t **ret, struct error *err)
{
    autoplan struct plan plan = {.list = NULL};
    struct pci_address address;
    bool before, after;

    if (!pci_address_parse(json_text(worker->arguments, "id"), &address))
        return error_set_field(err, "id", "value is not a PCI id such as 0000:01:00.0");
    if (plan_choose(worker->sysroot, address, SCOPE_FUNCTION, &plan, err) != 0 ||
        plan_claim(worker, &plan, false, err) != 0)
        return -1;
    autojson json_t *claims = plan_pack_claims(&plan, false);
    if (change(worker, &plan, &before, &after, &claims, err) == 0) {
        keep(worker, &plan.list[0], after);
        worker_release(worker, plan.list[0].id);
        *ret = json_pack("{s:i, s:i}", "before", (int)before, ALLOWED, (int)after);
        return 0;
    }
    autotext struct text where = {0};
    struct error reason = *err;
    worker->undoing = true;
    undo_claims(worker, claims, &where);
    return error_set(err, reason.kind, "%s; %s", reason.message, text_string(&where));
}

const struct operation operation_d3cold = {
    .name = "d3cold",
    .text = "Lets a function lose all of its power while it is idle, or forbids that.",
    .arguments = operation_d3cold_arguments,
    .changes = true,
    .run = d3cold,
};
