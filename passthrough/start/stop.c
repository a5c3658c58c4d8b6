/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stopping a VM: the daemon's half. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "broker/call.h"
#include "passthrough/assign/reservation.h"
#include "passthrough/start/parts.h"
#include "storage/local.h"

#define STOP_SECONDS 60

/* The seconds that the key startup allows. */
static long long find_timeout(const json_t *config)
{
    struct start_order order = start_parse_order(json_text(config, "startup"));

    return order.down >= 0 ? order.down : STOP_SECONDS;
}

/* Drivers have changed. What the VM had reserved is free with the end of its process; to release it here
 * could take it from a start that is faster. */
static void read_devices(const struct start_host *host, struct task *task)
{
    struct error late;

    if (inventory_source_refresh(host->inventory, &late) != 0)
        task_warn(task, "the list of devices could not be read again: %s", late.message);
}

int start_stop(const struct start_host *host, long long vmid, const struct stop_options *options,
               struct task *task, struct error *err)
{
    autojson json_t *document = NULL, *answer = NULL;

    if (start_read_unlocked(host, vmid, options->skip_lock, &document, err) != 0)
        return -1;
    long long seconds =
        options->timeout >= 0 ? options->timeout : find_timeout(json_object_get(document, "config"));
    json_t *arguments = json_pack("{s:I, s:s, s:I, s:i}", "vmid", (json_int_t)vmid, "how",
                                  options->powerdown ? "powerdown" : "quit", "timeout", (json_int_t)seconds,
                                  "force", options->force);
    if (broker_call(host->broker, "vm_stop", task_upid(task), arguments, start_log_line, task, &answer,
                    err) != 0)
        return -1;
    read_devices(host, task);
    return 0;
}

/* Whether somebody has asked to stop the VM since the reboot began. */
static int find_stop(const struct start_host *host, const struct upid *reboot, bool *ret, struct error *err)
{
    static const char *const types[] = {"qmstop", "qmshutdown"};
    int64_t total;

    *ret = false;
    for (size_t i = 0; i < COUNT_OF(types) && !*ret; i++) {
        const struct local_filter filter = {.state = LOCAL_ALL,
                                            .type = types[i],
                                            .id = reboot->id,
                                            .since = (int64_t)reboot->start,
                                            .limit = 1};
        autojson json_t *stops = NULL;
        if (local_list_tasks(host->storage, &filter, &stops, &total, err) != 0)
            return -1;
        *ret = json_array_size(stops) > 0;
    }
    return 0;
}

/* The guest has powered off. */
static int start_again(const struct start_host *host, struct task *task, struct error *err)
{
    char upid[UPID_SIZE];
    struct upid own;
    bool stopped;

    if (!upid_parse(task_upid(task), &own))
        return error_set(err, ERROR_FAILED, "'%s' is no UPID", task_upid(task));
    if (find_stop(host, &own, &stopped, err) != 0)
        return -1;
    if (stopped) {
        task_log(task, "it was stopped in the meantime, and is not started again");
        return 0;
    }
    return start_begin_task(host, strtoll(own.id, NULL, 10), "root@pam", upid, err);
}

int start_reboot(const struct start_host *host, long long vmid, long long timeout, struct task *task,
                 struct error *err)
{
    const struct stop_options options = {.powerdown = true, .timeout = timeout};

    if (start_stop(host, vmid, &options, task, err) != 0)
        return -1;
    return start_again(host, task, err);
}

static const char *const resumed[] = {"qmstart", "qmstop", "qmshutdown", "qmreboot"};

bool start_is_resumed(const char *type)
{
    for (size_t i = 0; i < COUNT_OF(resumed); i++)
        if (strcmp(type, resumed[i]) == 0)
            return true;
    return false;
}

/* The reservations were the earlier daemon's, and are still the VM's if nobody took its devices meanwhile. */
static int adopt(const struct start_host *host, long long vmid, const json_t *result, struct error *err)
{
    const struct reservations reservations = {host->storage, host->sysroot};

    return reservations_hand_over(&reservations, vmid,
                                  (pid_t)json_integer_value(json_object_get(result, "pid")), err);
}

int start_resume(const struct start_host *host, struct task *task, struct error *err)
{
    autojson json_t *result = NULL;
    struct upid own;

    if (!upid_parse(task_upid(task), &own))
        return error_set(err, ERROR_FAILED, "'%s' is no UPID", task_upid(task));
    long long vmid = strtoll(own.id, NULL, 10);
    if (broker_follow(host->broker, task_upid(task), task_line_count(task), start_log_line, task, &result,
                      err) != 0) {
        if (err->kind == ERROR_NOT_FOUND)
            error_set(err, ERROR_FAILED, "interrupted by a restart of hostpci before anything was changed");
        return -1;
    }
    if (strcmp(own.type, "qmstart") == 0)
        return adopt(host, vmid, result, err);
    read_devices(host, task);
    return strcmp(own.type, "qmreboot") == 0 ? start_again(host, task, err) : 0;
}
