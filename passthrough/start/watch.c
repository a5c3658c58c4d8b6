/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMs that end without having been stopped. */
#include "passthrough/start/watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/call.h"
#include "passthrough/start/parts.h"
#include "storage/local.h"

#define LOOK_MS 2000
#define TYPE    "qmcleanup"

struct start_watch {
    struct start_host host;
    json_t *vms; /* the broker's at the last look; NULL: there was none yet */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ends; /* guarded by the lock */
};

struct cleanup {
    struct start_host host;
    char *operation; /* of the broker */
};

static void release(void *argument)
{
    struct cleanup *cleanup = argument;

    free(cleanup->operation);
    free(cleanup);
}

static int follow(struct task *task, void *argument, struct error *err)
{
    const struct cleanup *cleanup = argument;
    const struct start_host *host = &cleanup->host;
    autojson json_t *result = NULL;

    if (broker_follow(host->broker, cleanup->operation, 0, start_log_line, task, &result, err) != 0)
        return -1;
    return inventory_source_refresh(host->inventory, err);
}

/* Whether the end has its task already, of this daemon or of an earlier one. */
static bool is_told(const struct start_host *host, const char *vmid, long long time)
{
    const struct local_filter filter = {
        .state = LOCAL_ALL, .type = TYPE, .id = vmid, .since = time, .limit = 1};
    autojson json_t *tasks = NULL;
    struct error unknown;
    int64_t total;

    return local_list_tasks(host->storage, &filter, &tasks, &total, &unknown) != 0 ||
           json_array_size(tasks) > 0;
}

static void tell(const struct start_host *host, const json_t *end)
{
    long long vmid = json_integer_value(json_object_get(end, "vmid"));
    autofree char *id = xasprintf("%lld", vmid);
    char upid[UPID_SIZE];
    struct error later;

    if (is_told(host, id, json_integer_value(json_object_get(end, "time"))))
        return;
    struct cleanup *cleanup = xcalloc(1, sizeof(*cleanup));
    const struct task_start start = {
        .type = TYPE, .id = id, .user = "root@pam", .run = follow, .argument = cleanup, .release = release};
    *cleanup = (struct cleanup){*host, xstrdup(json_text(end, "operation"))};
    if (task_begin(host->tasks, &start, upid, &later) != 0)
        release(cleanup); /* the next look tries again */
}

/* Tells of the VMs of `a` that `b` has not and, with `all`, of those that it has otherwise. */
static void publish_differences(json_t *a, const json_t *b, bool all)
{
    const char *id;
    json_t *machine;

    json_object_foreach(a, id, machine) {
        const json_t *other = json_object_get(b, id);
        if (other == NULL || (all && !json_equal(machine, other)))
            event_publish("vm", id, NULL);
    }
}

static void look(struct start_watch *watch)
{
    const struct start_host *host = &watch->host;
    autojson json_t *answer = NULL;
    struct error none;
    const json_t *end;
    size_t i;

    if (broker_call_briefly(host->broker, "vms", NULL, json_object(), &answer, &none) != 0)
        return;
    json_array_foreach(json_object_get(answer, "ends"), i, end)
        tell(host, end);
    json_t *vms = json_object_get(answer, "vms");
    if (watch->vms != NULL) {
        publish_differences(vms, watch->vms, true);
        publish_differences(watch->vms, vms, false);
    }
    json_decref(watch->vms);
    watch->vms = json_incref(vms);
}

static void *run(void *argument)
{
    struct start_watch *watch = argument;

    pthread_mutex_lock(&watch->lock);
    while (!watch->ends) {
        struct timespec until = clock_after(LOOK_MS);
        pthread_mutex_unlock(&watch->lock);
        look(watch);
        pthread_mutex_lock(&watch->lock);
        while (!watch->ends && pthread_cond_timedwait(&watch->changed, &watch->lock, &until) == 0)
            ;
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

struct start_watch *start_watch_new(const struct start_host *host)
{
    struct start_watch *watch = xcalloc(1, sizeof(*watch));
    pthread_condattr_t clock;

    watch->host = *host;
    pthread_mutex_init(&watch->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->changed, &clock);
    pthread_condattr_destroy(&clock);
    if (pthread_create(&watch->thread, NULL, run, watch) == 0)
        return watch;
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
    return NULL;
}

void start_watch_free(struct start_watch *watch)
{
    if (watch == NULL)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->ends = true;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    json_decref(watch->vms);
    free(watch);
}
