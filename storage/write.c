/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes that share transactions. */
#include "storage/write.h"

#include "storage/internal.h"
#include "storage/sqlite.h"

/* On the stack of the thread that waits for it. */
struct write {
    struct write *next;
    enum write_durability durability;
    write_function *run;
    const void *context;
    struct error *err;
    pthread_cond_t wake; /* signalled when it is done, or may lead now */
    bool left_out;       /* it broke a transaction that it shared with others */
    bool done;
    int result;
};

static int run_in_savepoint(sqlite3 *db, struct write *write)
{
    struct error ignored;

    if (sqlite_execute(db, "SAVEPOINT write", write->err) == 0) {
        if (write->run(db, write->context, write->err) == 0 &&
            sqlite_execute(db, "RELEASE write", write->err) == 0)
            return 0;
        if (sqlite_execute(db, "ROLLBACK TO write; RELEASE write", &ignored) == 0)
            return -1;
    }
    sqlite_rollback(db); /* SQLite has done so itself if the disk is full, for example */
    return -1;
}

/* False if one of the writes ended the transaction for all; then the others have to be run again without it.
 */
static bool run_all(sqlite3 *db, struct write *batch)
{
    for (struct write *write = batch; write != NULL; write = write->next) {
        if (write->left_out)
            continue;
        write->result = run_in_savepoint(db, write);
        write->left_out = sqlite3_get_autocommit(db);
        if (write->left_out)
            return false;
    }
    return true;
}

static int commit_all(sqlite3 *db, struct write *batch, struct error *err)
{
    const char *synchronous = "PRAGMA synchronous = NORMAL";

    for (const struct write *write = batch; write != NULL; write = write->next)
        if (write->durability == WRITE_DURABLE)
            synchronous = "PRAGMA synchronous = FULL";
    if (sqlite_execute(db, synchronous, err) != 0)
        return -1;
    do {
        if (sqlite_begin(db, err) != 0)
            return -1;
    } while (!run_all(db, batch));
    return sqlite_commit(db, err);
}

/* Called with the queue's lock held, which is released while the transaction runs. */
static void lead(struct storage *storage)
{
    struct write *batch = storage->queue, *next;
    struct error err;

    storage->queue = NULL;
    storage->queue_end = &storage->queue;
    storage->writing = true;
    pthread_mutex_unlock(&storage->queue_lock);
    int result = commit_all(storage->writer, batch, &err);
    pthread_mutex_lock(&storage->queue_lock);
    storage->writing = false;
    for (struct write *write = batch; write != NULL; write = next) {
        next = write->next; /* the write is on its thread's stack, and gone as soon as that gets the lock */
        if (result != 0 && !write->left_out) {
            write->result = -1;
            *write->err = err;
        }
        write->done = true;
        pthread_cond_signal(&write->wake);
    }
    if (storage->queue != NULL)
        pthread_cond_signal(&storage->queue->wake);
}

int write_run(struct storage *storage, enum write_durability durability, write_function *run,
              const void *context, struct error *err)
{
    struct write write = {.durability = durability,
                          .run = run,
                          .context = context,
                          .err = err,
                          .wake = PTHREAD_COND_INITIALIZER};

    pthread_mutex_lock(&storage->queue_lock);
    *storage->queue_end = &write;
    storage->queue_end = &write.next;
    while (!write.done && storage->writing)
        pthread_cond_wait(&write.wake, &storage->queue_lock);
    if (!write.done)
        lead(storage);
    pthread_mutex_unlock(&storage->queue_lock);
    pthread_cond_destroy(&write.wake);
    return write.result;
}
