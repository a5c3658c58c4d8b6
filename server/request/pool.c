/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few threads for requests that may block. */
#include "server/request/pool.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

struct work {
    void (*run)(void *argument);
    void *argument;
};

struct worker_pool {
    pthread_mutex_t mutex; /* guards the ring and closing */
    pthread_cond_t changed;
    struct work *ring;
    unsigned limit, first, count;
    bool closing;
    pthread_t *threads;
    unsigned thread_count;
};

/* Waits for work; false when the pool closes and none is left. */
static bool take(struct worker_pool *pool, struct work *ret)
{
    pthread_mutex_lock(&pool->mutex);
    while (pool->count == 0 && !pool->closing)
        pthread_cond_wait(&pool->changed, &pool->mutex);
    bool found = pool->count > 0;
    if (found) {
        *ret = pool->ring[pool->first];
        pool->first = (pool->first + 1) % pool->limit;
        pool->count--;
    }
    pthread_mutex_unlock(&pool->mutex);
    return found;
}

static void *run_worker(void *argument)
{
    struct work work;

    while (take(argument, &work))
        work.run(work.argument);
    return NULL;
}

int worker_pool_open(unsigned threads, unsigned limit, struct worker_pool **ret, struct error *err)
{
    struct worker_pool *pool = xcalloc(1, sizeof(*pool));

    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->changed, NULL);
    pool->limit = limit;
    pool->ring = xcalloc(limit, sizeof(*pool->ring));
    pool->threads = xcalloc(threads, sizeof(*pool->threads));
    while (pool->thread_count < threads) {
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
    free(pool->ring);
    free(pool);
}

int worker_pool_submit(struct worker_pool *pool, void (*run)(void *argument), void *argument,
                       struct error *err)
{
    pthread_mutex_lock(&pool->mutex);
    bool fits = pool->count < pool->limit;
    if (fits) {
        pool->ring[(pool->first + pool->count) % pool->limit] = (struct work){run, argument};
        pool->count++;
        pthread_cond_signal(&pool->changed);
    }
    pthread_mutex_unlock(&pool->mutex);
    if (!fits)
        return error_set(err, ERROR_BUSY, "%u requests are waiting already: try again in a moment",
                         pool->limit);
    return 0;
}
