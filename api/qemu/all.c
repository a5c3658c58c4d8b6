/* SPDX-License-Identifier: GPL-2.0-or-later */
/* POST /nodes/{node}/{startall,stopall}: all VMs of the node, up at its start and down at its end. */
#include "passthrough/start/all.h"

#include "api/qemu/power.h"
#include "base/json.h"
#include "base/memory.h"
#include "schema/format.h"

#define STOP_SECONDS 180

/* What the task, which outlives the request, takes along. */
struct order {
    struct start_host host;
    struct start_all what;
    char *user, **vms;
    int (*run)(const struct start_host *host, const struct start_all *what, struct task *task,
               struct error *err);
};

static int run(struct task *task, void *argument, struct error *err)
{
    const struct order *order = argument;

    return order->run(&order->host, &order->what, task, err);
}

static void release(void *argument)
{
    struct order *order = argument;

    free(order->user);
    format_free_list(&order->vms);
    free(order);
}

/* VM.PowerMgmt on /, or on each VM that is named. */
static int check_privilege(struct request *request, char *const *vms, struct error *err)
{
    const struct permission all = ALLOW_PRIVILEGE("/", "VM.PowerMgmt");
    struct access *access = request->service->access;
    bool allowed = vms != NULL && *vms != NULL;

    for (; allowed && *vms != NULL; vms++) {
        autofree char *path = xasprintf("/vms/%s", *vms);
        allowed = access_allows(access, &request->caller, path, "VM.PowerMgmt");
    }
    return allowed ? 0 : access_check(access, &request->caller, &all, request->params, err);
}

static int begin(struct request *request, const char *type, struct order *order, json_t **ret,
                 struct error *err)
{
    const char *vms = param_string(request, "vms");
    char upid[UPID_SIZE];

    order->host = qemu_start_host(request->service);
    order->user = request_caller(request);
    order->what.user = order->user;
    order->vms = vms != NULL ? format_split_list(vms) : NULL;
    order->what.vms = (const char *const *)order->vms;
    const struct task_start start = {
        .type = type, .id = "", .user = order->user, .run = run, .argument = order, .release = release};
    if (check_privilege(request, order->vms, err) != 0 ||
        task_begin(request->service->tasks, &start, upid, err) != 0) {
        release(order);
        return -1;
    }
    *ret = json_string(upid);
    return 0;
}

static int start_all(struct request *request, json_t **ret, struct error *err)
{
    struct order *order = xcalloc(1, sizeof(*order));

    order->run = start_all_up;
    order->what.force = param_boolean(request, "force");
    return begin(request, "startall", order, ret, err);
}

static int stop_all(struct request *request, json_t **ret, struct error *err)
{
    struct order *order = xcalloc(1, sizeof(*order));

    order->run = start_all_down;
    order->what.force_stop = param_boolean(request, "force-stop");
    order->what.timeout = param_given(request, "timeout") ? param_integer(request, "timeout") : STOP_SECONDS;
    return begin(request, "stopall", order, ret, err);
}

#define ALL_PARAMETERS                                                                                       \
    PARAMETER_NODE,                                                                                          \
        {.name = "vms",                                                                                      \
         .type = SCHEMA_STRING,                                                                              \
         .optional = true,                                                                                   \
         .format = "pve-vmid-list",                                                                          \
         .text = "Only these."},                                                                             \
        {.name = "max-workers",                                                                              \
         .type = SCHEMA_INTEGER,                                                                             \
         .optional = true,                                                                                   \
         .range = RANGE(1, 64),                                                                              \
         .text = "Ignored: VMs of the same order are shut down together, and started one after the other."}

const struct endpoint endpoint_start_all = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/startall",
    .text =
        "Starts the VMs with onboot, in the order of their key startup. Needs VM.PowerMgmt on /, or on each "
        "of the VMs that are named.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(ALL_PARAMETERS, {.name = "force",
                                              .type = SCHEMA_BOOLEAN,
                                              .optional = true,
                                              .fallback = "off",
                                              .text = "Also start VMs without onboot."}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .run = start_all,
};

const struct endpoint endpoint_stop_all = {
    .method = METHOD_POST,
    .path = "/nodes/{node}/stopall",
    .text =
        "Shuts all VMs down, in the reverse order of their key startup. Needs VM.PowerMgmt on /, or on each "
        "of the VMs that are named.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(ALL_PARAMETERS,
                             {.name = "force-stop",
                              .type = SCHEMA_BOOLEAN,
                              .optional = true,
                              .fallback = "1",
                              .text = "Stop VMs that do not power off in time."},
                             {.name = "timeout",
                              .type = SCHEMA_INTEGER,
                              .optional = true,
                              .range = RANGE(0, 7200),
                              .fallback = "180",
                              .text = "Seconds for VMs without down= in startup."}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .run = stop_all,
};
