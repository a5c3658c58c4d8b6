/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few threads for requests that may block. */
#include "server/request/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define ROOT "" /* which no other caller is called */

struct work {
    struct work *next;
    void (*run)(void *argument);
    void *argument;
};

/* What one caller has submitted. */
struct line {
    struct line *next;
    char *caller;
    struct work *first, **end;
    unsigned waiting, running;
};

struct worker_pool {
    struct worker_limits limits;
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    struct line *lines;                  /* the one whose turn it is comes first */
    unsigned waiting, running_of_others; /* running for others than root */
    bool closing;
    pthread_t *threads;
    unsigned thread_count;
};

static bool is_root(const struct line *line)
{
    return line->caller[0] == '\0';
}

static bool may_run(const struct worker_pool *pool, const struct line *line)
{
    if (line->waiting == 0)
        return false;
    if (is_root(line))
        return true;
    return line->running < (pool->limits.threads + 1) / 2 &&
           pool->running_of_others < pool->limits.threads - pool->limits.kept_threads;
}

/* Moves the line behind the others. */
static void end_turn(struct line **at)
{
    struct line *line = *at;

    *at = line->next;
    while (*at != NULL)
        at = &(*at)->next;
    *at = line;
    line->next = NULL;
}

static struct line *choose(struct worker_pool *pool)
{
    for (struct line **at = &pool->lines; *at != NULL; at = &(*at)->next) {
        struct line *line = *at;
        if (!may_run(pool, line))
            continue;
        end_turn(at);
        return line;
    }
    return NULL;
}

/* Waits for work; NULL when the pool closes and none is left. */
static struct work *take(struct worker_pool *pool, struct line **ret)
{
    struct line *line;
    struct work *work = NULL;

    pthread_mutex_lock(&pool->mutex);
    while ((line = choose(pool)) == NULL && !(pool->closing && pool->waiting == 0))
        pthread_cond_wait(&pool->changed, &pool->mutex);
    if (line != NULL) {
        work = line->first;
        line->first = work->next;
        if (line->first == NULL)
            line->end = &line->first;
        line->waiting--;
        line->running++;
        pool->waiting--;
        pool->running_of_others += !is_root(line);
    }
    pthread_mutex_unlock(&pool->mutex);
    *ret = line;
    return work;
}

static void remove_line(struct worker_pool *pool, struct line *line)
{
    struct line **at = &pool->lines;

    while (*at != line)
        at = &(*at)->next;
    *at = line->next;
    free(line->caller);
    free(line);
}

/* Work that had to wait because of the limits may be able to run now. */
static void leave(struct worker_pool *pool, struct line *line)
{
    pthread_mutex_lock(&pool->mutex);
    line->running--;
    pool->running_of_others -= !is_root(line);
    if (line->running == 0 && line->waiting == 0)
        remove_line(pool, line);
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
}

static void *run_worker(void *argument)
{
    struct work *work;
    struct line *line;

    while ((work = take(argument, &line)) != NULL) {
        work->run(work->argument);
        free(work);
        leave(argument, line);
    }
    return NULL;
}

int worker_pool_open(const struct worker_limits *limits, struct worker_pool **ret, struct error *err)
{
    struct worker_pool *pool = xcalloc(1, sizeof(*pool));

    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->changed, NULL);
    pool->limits = *limits;
    pool->threads = xcalloc(limits->threads, sizeof(*pool->threads));
    while (pool->thread_count < limits->threads) {
        int number = pthread_create(&pool->threads[pool->thread_count], NULL, run_worker, pool);
        if (number != 0) {
            worker_pool_close(pool);
            return error_set_errno(err, number, "cannot start a worker thread");
        }
        pool->thread_count++;
    }
    *ret = pool;
    return 0;
}

void worker_pool_close(struct worker_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->threads);
    free(pool);
}

static struct line *find_line(struct worker_pool *pool, const char *caller)
{
    struct line **at = &pool->lines;

    while (*at != NULL && strcmp((*at)->caller, caller) != 0)
        at = &(*at)->next;
    if (*at != NULL)
        return *at;
    struct line *line = xcalloc(1, sizeof(*line));
    line->caller = xstrdup(caller);
    line->end = &line->first;
    *at = line;
    return line;
}

static int check_places(const struct worker_pool *pool, const struct line *line, struct error *err)
{
    unsigned places = pool->limits.places + (is_root(line) ? pool->limits.kept_places : 0);

    if (!is_root(line) && line->waiting >= pool->limits.share)
        return error_set(err, ERROR_BUSY, "%u requests of %s are waiting already: try again in a moment",
                         line->waiting, line->caller);
    if (pool->waiting >= places)
        return error_set(err, ERROR_BUSY, "%u requests are waiting already: try again in a moment",
                         pool->waiting);
    return 0;
}

static void append(struct line *line, void (*run)(void *argument), void *argument)
{
    struct work *work = xcalloc(1, sizeof(*work));

    *work = (struct work){.run = run, .argument = argument};
    *line->end = work;
    line->end = &work->next;
    line->waiting++;
}

int worker_pool_submit(struct worker_pool *pool, const char *caller, void (*run)(void *argument),
                       void *argument, struct error *err)
{
    pthread_mutex_lock(&pool->mutex);
    struct line *line = find_line(pool, caller != NULL ? caller : ROOT);
    int result = check_places(pool, line, err);
    if (result == 0) {
        append(line, run, argument);
        pool->waiting++;
        pthread_cond_signal(&pool->changed);
    } else if (line->running == 0 && line->waiting == 0) {
        remove_line(pool, line);
    }
    pthread_mutex_unlock(&pool->mutex);
    return result;
}
