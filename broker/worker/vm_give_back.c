/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of the host on their way back from a VM. */
#include "base/json.h"
#include "base/memory.h"
#include "broker/worker/mdev_state.h"
#include "broker/worker/undo.h"
#include "broker/worker/vm_devices.h"
#include "broker/worker/vm_end.h"
#include "hardware/pci/class.h"

/* Its file of mdevctl stays, if it has one. */
static int remove_one(struct worker *worker, const json_t *row, struct error *err)
{
    automdevstate struct mdev_state state = {.file = NULL};
    struct mdev_target target;

    vm_devices_parse_target(worker, row, &target);
    if (mdev_state_read(&target, &state, err) == 0) {
        state.type[0] = '\0';
        if (mdev_state_reach(&target, &state, err) >= 0)
            return 0;
    }
    return err->kind == ERROR_NOT_FOUND ? 0 : -1; /* it goes with its parent */
}

int vm_devices_remove_mediated(struct worker *worker, const json_t *record, struct error *err)
{
    const json_t *rows = json_object_get(record, "mediated");
    struct error failure;
    int result = 0;

    for (size_t i = json_array_size(rows); i-- > 0;)
        if (remove_one(worker, json_array_get(rows, i), &failure) != 0) {
            worker_log(worker, "%s", failure.message);
            *err = failure;
            result = -1;
        }
    return result;
}

static json_t *claim_parents(const json_t *record)
{
    json_t *claims = json_array(), *row;
    size_t i;

    json_array_foreach(json_object_get(record, "mediated"), i, row)
        json_array_append_new(claims, json_pack("{s:O}", "id", json_object_get(row, "parent")));
    return claims;
}

static int give_back_mediated(struct worker *worker, const json_t *record, struct error *err)
{
    autojson json_t *claims = claim_parents(record);
    json_t *claim;
    size_t i;

    if (json_array_size(claims) == 0)
        return 0;
    if (vm_claim(worker, claims, err) != 0)
        return -1;
    int result = vm_devices_remove_mediated(worker, record, err);
    json_array_foreach(claims, i, claim)
        worker_release(worker, json_text(claim, "id"));
    return result;
}

static json_t *claim_reattached(const json_t *record)
{
    json_t *claims = json_array(), *claim;
    size_t i;

    json_array_foreach(json_object_get(record, "functions"), i, claim)
        if (json_object_get(claim, "reattach") != NULL)
            json_array_append(claims, claim);
    return claims;
}

static int give_back_functions(struct worker *worker, const json_t *record, struct error *err)
{
    autojson json_t *claims = claim_reattached(record);
    autotext struct text where = {0};
    json_t *claim;
    size_t i;

    if (json_array_size(claims) == 0)
        return 0;
    if (vm_claim(worker, claims, err) != 0)
        return -1;
    if (undo_claims(worker, claims, &where) != 0)
        return error_set(err, ERROR_FAILED, "%s", text_string(&where));
    json_array_foreach(claims, i, claim)
        if (!driver_is_vfio(json_text(claim, "driver")))
            worker_forget_origin(worker, json_text(claim, "id"));
    return 0;
}

int vm_devices_give_back(struct worker *worker, const json_t *record, struct error *err)
{
    struct error first = {.message = ""};

    worker->undoing = true;
    int mediated = give_back_mediated(worker, record, &first);
    int functions = give_back_functions(worker, record, err);
    if (mediated != 0)
        *err = first;
    return mediated != 0 || functions != 0 ? -1 : 0;
}
