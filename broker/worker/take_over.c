/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be kept here while somebody else sets the same at boot. */
#include "broker/worker/take_over.h"

#include "base/memory.h"
#include "broker/worker/host.h"

void take_over_release(struct take_over *take_over)
{
    json_decref(take_over->files);
    text_release(&take_over->how);
}

static bool is_set(const json_t *arguments, const char *name)
{
    return json_integer_value(json_object_get(arguments, name)) != 0;
}

int take_over_parse(const json_t *arguments, struct take_over *ret, struct error *err)
{
    bool asked = is_set(arguments, "take-over");

    if (asked && !is_set(arguments, "persistent"))
        return error_set_field(
            err, "take-over",
            "only what is kept here can be taken over from somebody else: say persistent=1, too");
    ret->asked = asked;
    ret->files = json_array();
    return 0;
}

int take_over_check(struct worker *worker, struct take_over *take_over, const struct pci_device *device,
                    const struct owned_setting *setting, struct error *err)
{
    if (!take_over->asked)
        return owner_check(worker->sysroot, device, setting, err);
    return owner_take_over(worker->sysroot, device, setting, take_over->files, &take_over->how, err);
}

int take_over_write(struct worker *worker, const struct take_over *take_over, json_t *claims,
                    struct error *err)
{
    return json_array_size(take_over->files) > 0 ? host_replace_files(worker, take_over->files, claims, err)
                                                 : 0;
}

void take_over_finish(struct worker *worker, const struct take_over *take_over)
{
    if (json_array_size(take_over->files) == 0)
        return;
    worker_log(worker, "it was taken over; to go back, %s, and say persistent=0", take_over->how.data);
    worker_release(worker, WORKER_HOST);
}
