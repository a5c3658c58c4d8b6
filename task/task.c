/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks: work that takes longer than a request. */
#include "task/task.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/event.h"
#include "base/log.h"
#include "base/memory.h"
#include "storage/local.h"
#include "task/internal.h"

#define STACK_BYTES   ((size_t)512 * 1024) /* several times the largest message of the broker */
#define RETRY_SECONDS 1
#define WAIT_NS       20000000L

struct tasks {
    struct storage *storage;
    char *node;
    uint64_t process_start;
    pthread_attr_t thread;
    pthread_mutex_t lock;   /* guards what follows */
    pthread_cond_t changed; /* a task has ended, or closing */
    struct task *running;
    unsigned count; /* of running */
    int64_t last;   /* number */
    bool closing;
};

int tasks_open(struct storage *storage, const char *node, struct tasks **ret, struct error *err)
{
    pthread_condattr_t monotonic;
    int64_t last;

    if (local_last_task(storage, &last, err) != 0)
        return -1;
    struct tasks *tasks = xcalloc(1, sizeof(*tasks));
    tasks->storage = storage;
    tasks->node = xstrdup(node);
    tasks->process_start = (uint32_t)time(NULL);
    tasks->last = last;
    pthread_attr_init(&tasks->thread);
    pthread_attr_setdetachstate(&tasks->thread, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&tasks->thread, STACK_BYTES);
    pthread_mutex_init(&tasks->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&tasks->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *ret = tasks;
    return 0;
}

bool tasks_close(struct tasks *tasks, unsigned seconds)
{
    struct timespec end = clock_after(seconds * 1000);

    if (tasks == NULL)
        return true;
    pthread_mutex_lock(&tasks->lock);
    tasks->closing = true;
    pthread_cond_broadcast(&tasks->changed);
    while (tasks->count > 0 && pthread_cond_timedwait(&tasks->changed, &tasks->lock, &end) != ETIMEDOUT)
        continue;
    bool ended = tasks->count == 0;
    pthread_mutex_unlock(&tasks->lock);
    if (!ended)
        return false;
    pthread_cond_destroy(&tasks->changed);
    pthread_mutex_destroy(&tasks->lock);
    pthread_attr_destroy(&tasks->thread);
    free(tasks->node);
    free(tasks);
    return true;
}

static struct task *new_task(struct tasks *tasks, task_function *run, void *argument)
{
    struct task *task = xcalloc(1, sizeof(*task));

    task->tasks = tasks;
    task->storage = tasks->storage;
    task->run = run;
    task->argument = argument;
    return task;
}

/* With the lock held. */
static void link_task(struct task *task)
{
    task->next = task->tasks->running;
    task->tasks->running = task;
    task->tasks->count++;
}

static int enter(struct task *task, struct error *err)
{
    struct tasks *tasks = task->tasks;
    int result = 0;

    pthread_mutex_lock(&tasks->lock);
    if (tasks->closing)
        result = error_set(err, ERROR_BUSY, "hostpci is stopping: try again when it runs again");
    else if (tasks->count >= TASK_RUNNING)
        result = error_set(err, ERROR_BUSY, "%d tasks are running already: try again when one has ended",
                           TASK_RUNNING);
    if (result == 0) {
        task->number = ++tasks->last;
        link_task(task);
    }
    pthread_mutex_unlock(&tasks->lock);
    return result;
}

/* Frees the task, and wakes tasks_close, which waits for the last one. */
static void leave(struct task *task)
{
    struct tasks *tasks = task->tasks;
    struct task **link = &tasks->running;

    pthread_mutex_lock(&tasks->lock);
    while (*link != task)
        link = &(*link)->next;
    *link = task->next;
    tasks->count--;
    free(task);
    pthread_cond_broadcast(&tasks->changed);
    pthread_mutex_unlock(&tasks->lock);
}

/* False if the daemon stops, so that there is no time to try again. */
static bool wait_for_retry(struct tasks *tasks)
{
    struct timespec end = clock_after(RETRY_SECONDS * 1000);

    pthread_mutex_lock(&tasks->lock);
    while (!tasks->closing && pthread_cond_timedwait(&tasks->changed, &tasks->lock, &end) != ETIMEDOUT)
        continue;
    bool closing = tasks->closing;
    pthread_mutex_unlock(&tasks->lock);
    return !closing;
}

/* As long as the end of a task cannot be written, for example because the disk is full, the task is reported
 * as running. */
static void end(struct task *task, const struct error *failure)
{
    struct error err;
    bool complained = false;

    while (task_record_end(task, failure, &err) != 0) {
        if (!complained)
            log_error("task %s has ended, but that cannot be written yet: %s", task->upid, err.message);
        complained = true;
        if (!wait_for_retry(task->tasks))
            return;
    }
    if (local_trim_tasks(task->storage, TASK_HISTORY, TASK_HISTORY_LINES, &err) != 0)
        log_warning("cannot delete the oldest tasks: %s", err.message);
}

static void *run(void *argument)
{
    struct task *task = argument;
    struct error err;

    end(task, task->run(task, task->argument, &err) != 0 ? &err : NULL);
    if (task->release != NULL)
        task->release(task->argument);
    leave(task);
    return NULL;
}

static int start_thread(struct task *task, struct error *err)
{
    pthread_t thread;
    int number = pthread_create(&thread, &task->tasks->thread, run, task);

    return number == 0 ? 0 : error_set_errno(err, number, "cannot start a thread for the task");
}

static int record(struct task *task, const struct task_start *start, struct error *err)
{
    const time_t now = time(NULL);
    struct upid upid = {
        .pid = (uint32_t)task->number, .process_start = task->tasks->process_start, .start = (uint32_t)now};
    const struct local_task row = {task->number, task->upid, start->type, start->id, start->user, now};

    snprintf(upid.node, sizeof(upid.node), "%s", task->tasks->node);
    snprintf(upid.type, sizeof(upid.type), "%s", start->type);
    snprintf(upid.id, sizeof(upid.id), "%s", start->id);
    snprintf(upid.user, sizeof(upid.user), "%s", start->user);
    upid_format(&upid, task->upid);
    return local_begin_task(task->storage, &row, err);
}

int task_begin(struct tasks *tasks, const struct task_start *start, char ret[static UPID_SIZE],
               struct error *err)
{
    struct task *task = new_task(tasks, start->run, start->argument);
    char upid[UPID_SIZE]; /* a copy, since a task that has ended is freed */
    struct error ignored;

    if (enter(task, err) != 0) {
        free(task);
        return -1;
    }
    if (record(task, start, err) != 0) {
        leave(task);
        return -1;
    }
    event_publish("task", task->upid, json_pack("{s:s}", "state", "running"));
    task->release = start->release;
    memcpy(upid, task->upid, sizeof(upid));
    if (start_thread(task, err) != 0) {
        task_record_end(task, err,
                        &ignored); /* if that fails, too, tasks_recover finds that nothing was done */
        leave(task);
        return -1;
    }
    memcpy(ret, upid, sizeof(upid));
    return 0;
}

static void resume(struct tasks *tasks, const json_t *row, task_function *function, void *argument)
{
    struct task *task = new_task(tasks, function, argument);
    struct error err, ignored;

    task->number = json_integer_value(json_object_get(row, "number"));
    task->lines = (int)json_integer_value(json_object_get(row, "lines"));
    task->warnings = (int)json_integer_value(json_object_get(row, "warnings"));
    snprintf(task->upid, sizeof(task->upid), "%s", json_string_value(json_object_get(row, "upid")));
    pthread_mutex_lock(&tasks->lock);
    link_task(task);
    pthread_mutex_unlock(&tasks->lock);
    if (start_thread(task, &err) == 0)
        return;
    error_prefix(&err, "interrupted by a restart of hostpci, and could not be followed: ");
    task_record_end(task, &err, &ignored);
    leave(task);
}

int tasks_recover(struct tasks *tasks, task_function *function, void *argument, struct error *err)
{
    autojson json_t *rows = NULL;
    const json_t *row;
    size_t i;

    if (local_list_unfinished(tasks->storage, &rows, err) != 0)
        return -1;
    json_array_foreach(rows, i, row)
        resume(tasks, row, function, argument);
    return 0;
}

const char *task_upid(const struct task *task)
{
    return task->upid;
}

int task_stop(struct tasks *tasks, const char *upid, struct error *err)
{
    pthread_mutex_lock(&tasks->lock);
    struct task *task = tasks->running;
    while (task != NULL && strcmp(task->upid, upid) != 0)
        task = task->next;
    if (task != NULL)
        atomic_store(&task->stopped, true);
    pthread_mutex_unlock(&tasks->lock);
    return task != NULL ? 0 : error_set(err, ERROR_NOT_FOUND, "the task '%s' does not run", upid);
}

bool task_is_stopped(const struct task *task)
{
    return atomic_load(&task->stopped);
}

json_t *task_wait(struct storage *storage, const char *upid, long long seconds)
{
    long long end = clock_milliseconds() + seconds * 1000;

    do {
        autojson json_t *task = NULL;
        struct error ignored;
        nanosleep(&(const struct timespec){.tv_nsec = WAIT_NS}, NULL);
        if (local_read_task(storage, upid, &task, &ignored) == 0 &&
            json_is_string(json_object_get(task, "result")))
            return TAKE(task);
    } while (clock_milliseconds() < end);
    return NULL;
}
