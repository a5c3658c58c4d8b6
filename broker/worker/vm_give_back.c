/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices of the host on their way back from a VM. */
#include <string.h>

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

int vm_devices_remove_mediated(struct worker *worker, json_t *record, struct error *err)
{
    json_t *rows = json_object_get(record, "mediated");
    struct error failure;
    int result = 0;

    for (size_t i = json_array_size(rows); i-- > 0;) {
        if (remove_one(worker, json_array_get(rows, i), &failure) == 0) {
            json_array_remove(rows, i);
            continue;
        }
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

static int give_back_mediated(struct worker *worker, json_t *record, struct error *err)
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

/* Whether it has what it had; one that is gone, or another in its place, has nothing to get back. */
static bool is_back(struct worker *worker, const json_t *claim)
{
    struct pci_address address;
    struct driver_state now;
    struct error err;

    if (!pci_address_parse(json_text(claim, "id"), &address))
        return true;
    if (driver_read_state(worker->sysroot, address, &now, &err) != 0)
        return err.kind == ERROR_NOT_FOUND;
    return now.vendor != json_integer_value(json_object_get(claim, "vendor")) ||
           now.device != json_integer_value(json_object_get(claim, "device")) ||
           strcmp(now.driver, json_text(claim, "driver")) == 0;
}

/* What is back does not belong to the VM any more. */
static size_t forget_what_is_back(struct worker *worker, json_t *record)
{
    json_t *functions = json_object_get(record, "functions");
    size_t left = 0;

    for (size_t i = json_array_size(functions); i-- > 0;) {
        const json_t *claim = json_array_get(functions, i);
        if (json_object_get(claim, "reattach") != NULL && !is_back(worker, claim)) {
            left++;
            continue;
        }
        if (json_object_get(claim, "reattach") != NULL && !driver_is_vfio(json_text(claim, "driver")))
            worker_forget_origin(worker, json_text(claim, "id"));
        json_array_remove(functions, i);
    }
    return left;
}

/* One that cannot go back may be where it was for the VM instead (broker/worker/undo.h): that is not enough.
 */
static int give_back_functions(struct worker *worker, json_t *record, struct error *err)
{
    autojson json_t *claims = claim_reattached(record);
    autotext struct text where = {0};

    if (json_array_size(claims) == 0)
        return 0;
    if (vm_claim(worker, claims, err) != 0)
        return -1;
    undo_claims(worker, claims, &where);
    return forget_what_is_back(worker, record) == 0 ? 0
                                                    : error_set(err, ERROR_FAILED, "%s", text_string(&where));
}

int vm_devices_give_back(struct worker *worker, json_t *record, struct error *err)
{
    struct error first = {.message = ""};

    worker->undoing = true;
    int mediated = give_back_mediated(worker, record, &first);
    int functions = give_back_functions(worker, record, err);
    if (mediated != 0)
        *err = first;
    return mediated != 0 || functions != 0 ? -1 : 0;
}
