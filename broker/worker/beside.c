/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions of different IOMMU groups side by side. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "broker/worker/plan.h"

/* The functions of one group. */
struct lane {
    struct lanes *lanes;
    int group;
    struct plan_function *first; /* for what is said of the lane */
    pthread_t thread;
    bool started, ended;
    int result;
    struct error err;
};

struct lanes {
    struct worker *worker;
    struct plan *plan;
    plan_action *act;
    struct lane *list;
    size_t count;
    pthread_mutex_t lock; /* guards `ended` of each */
    pthread_cond_t end;   /* of one of them */
    atomic_bool failed;   /* one of them; the others begin no further function */
};

static void find_lanes(struct lanes *lanes)
{
    struct plan *plan = lanes->plan;

    lanes->list = xcalloc(plan->count, sizeof(lanes->list[0]));
    for (size_t i = 0; i < plan->count; i++) {
        size_t lane = 0;
        while (lane < lanes->count && lanes->list[lane].group != plan->list[i].device->group)
            lane++;
        if (lane == lanes->count)
            lanes->list[lanes->count++] =
                (struct lane){.lanes = lanes, .group = plan->list[i].device->group, .first = &plan->list[i]};
    }
}

static void run_lane(struct lane *lane)
{
    struct lanes *lanes = lane->lanes;

    for (size_t i = 0; i < lanes->plan->count && lane->result == 0 && !lanes->failed; i++) {
        struct plan_function *function = &lanes->plan->list[i];
        if (function->device->group == lane->group)
            lane->result = lanes->act(lanes->worker, lanes->plan, function, &lane->err);
    }
    if (lane->result != 0)
        lanes->failed = true;
}

static void *run_thread(void *context)
{
    struct lane *lane = context;

    run_lane(lane);
    pthread_mutex_lock(&lane->lanes->lock);
    lane->ended = true;
    pthread_cond_signal(&lane->lanes->end);
    pthread_mutex_unlock(&lane->lanes->lock);
    return NULL;
}

/* One that runs. */
static const struct lane *find_busy(const struct lanes *lanes, size_t *ret_count)
{
    const struct lane *busy = NULL;

    *ret_count = 0;
    for (size_t i = 0; i < lanes->count; i++)
        if (lanes->list[i].started && !lanes->list[i].ended) {
            busy = &lanes->list[i];
            ++*ret_count;
        }
    return busy;
}

/* The last step that the broker knows of is to be one that is still done: if the kernel does not return from
 * it, that is what the broker says. */
static void wait_for_all(struct lanes *lanes)
{
    struct error ignored;
    const struct lane *busy;
    size_t before = lanes->count, count;

    pthread_mutex_lock(&lanes->lock);
    while ((busy = find_busy(lanes, &count)) != NULL) {
        if (count < before) {
            before = count;
            pthread_mutex_unlock(&lanes->lock);
            worker_step(lanes->worker, busy->first->id, "finish it and its group, beside other groups",
                        &ignored);
            pthread_mutex_lock(&lanes->lock);
            continue;
        }
        pthread_cond_wait(&lanes->end, &lanes->lock);
    }
    pthread_mutex_unlock(&lanes->lock);
}

/* One alone needs no thread; another for which there is none has its turn here. */
static void run_all(struct lanes *lanes)
{
    for (size_t i = 0; i < lanes->count && lanes->count > 1; i++)
        lanes->list[i].started =
            pthread_create(&lanes->list[i].thread, NULL, run_thread, &lanes->list[i]) == 0;
    for (size_t i = 0; i < lanes->count; i++)
        if (!lanes->list[i].started)
            run_lane(&lanes->list[i]);
    wait_for_all(lanes);
    for (size_t i = 0; i < lanes->count; i++)
        if (lanes->list[i].started)
            pthread_join(lanes->list[i].thread, NULL);
}

int plan_each(struct worker *worker, struct plan *plan, plan_action *act, struct error *err)
{
    struct lanes lanes = {.worker = worker,
                          .plan = plan,
                          .act = act,
                          .lock = PTHREAD_MUTEX_INITIALIZER,
                          .end = PTHREAD_COND_INITIALIZER};
    int result = 0;

    find_lanes(&lanes);
    run_all(&lanes);
    for (size_t i = 0; i < lanes.count && result == 0; i++) {
        result = lanes.list[i].result;
        if (result != 0)
            *err = lanes.list[i].err;
    }
    free(lanes.list);
    return result;
}
