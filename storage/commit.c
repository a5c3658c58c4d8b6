/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a change set becomes durable. */
#include "storage/commit.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/event.h"
#include "base/memory.h"
#include "storage/internal.h"
#include "storage/sqlite.h"
#include "storage/write.h"

struct change_set *change_set_new(void)
{
    struct change_set *set = xcalloc(1, sizeof(*set));

    uuid_make(set->id);
    set->end = &set->first;
    return set;
}

void change_set_free(struct change_set *set)
{
    struct change *change, *next;

    for (change = set != NULL ? set->first : NULL; change != NULL; change = next) {
        next = change->next;
        free(change->kind);
        free(change->id);
        json_decref(change->body);
        free(change);
    }
    free(set);
}

void cleanup_change_set(struct change_set **set)
{
    change_set_free(*set);
}

void change_set_put(struct change_set *set, const char *kind, const char *id, int64_t expected, json_t *body)
{
    struct change *change = xcalloc(1, sizeof(*change));

    change->kind = xstrdup(kind);
    change->id = xstrdup(id);
    change->expected = expected;
    change->body = body;
    *set->end = change;
    set->end = &change->next;
}

void change_set_replicate(struct change_set *set, const char *kind, const char *id, int64_t revision,
                          json_t *body)
{
    struct change **added = set->end;

    change_set_put(set, kind, id, REVISION_ANY, body);
    (*added)->revision = revision;
}

void change_set_delete(struct change_set *set, const char *kind, const char *id, int64_t expected)
{
    change_set_put(set, kind, id, expected, NULL);
}

/* *ret is 0 for a document that does not exist, even if it existed before. */
static int read_revision(sqlite3 *db, const struct change *change, int64_t *ret, struct error *err)
{
    autostmt sqlite3_stmt *select = NULL;

    if (sqlite_prepare(db, "SELECT revision FROM document WHERE kind = ?1 AND id = ?2 AND body IS NOT NULL",
                       &select, err) != 0)
        return -1;
    sqlite_bind_string(select, 1, change->kind);
    sqlite_bind_string(select, 2, change->id);
    int row = sqlite_step(select, err);
    if (row >= 0)
        *ret = row > 0 ? sqlite3_column_int64(select, 0) : 0;
    return row < 0 ? -1 : 0;
}

static int write_document(sqlite3 *db, const struct change *change, struct error *err)
{
    autofree char *text = change->body != NULL ? object_print(change->body) : NULL;
    autostmt sqlite3_stmt *upsert = NULL;

    if (sqlite_prepare(db,
                       "INSERT INTO document (kind, id, revision, body, changed) "
                       "VALUES (?1, ?2, coalesce(?4, 1), ?3,"
                       " (SELECT coalesce(max(changed), 0) + 1 FROM document)) "
                       "ON CONFLICT (kind, id) DO UPDATE SET revision = coalesce(?4, revision + 1),"
                       " body = excluded.body, changed = excluded.changed",
                       &upsert, err) != 0)
        return -1;
    sqlite_bind_string(upsert, 1, change->kind);
    sqlite_bind_string(upsert, 2, change->id);
    sqlite_bind_string(upsert, 3, text);
    if (change->revision != 0)
        sqlite_bind_number(upsert, 4, change->revision);
    return sqlite_step(upsert, err);
}

/* Keeps only the newest deletions, since nobody asks for older ones any more (storage/storage.h). */
static int forget_deletions(sqlite3 *db, struct error *err)
{
    autostmt sqlite3_stmt *forget = NULL;

    if (sqlite_prepare(db,
                       "DELETE FROM document WHERE body IS NULL"
                       " AND changed <= (SELECT max(changed) FROM document) - ?1",
                       &forget, err) != 0)
        return -1;
    sqlite_bind_number(forget, 1, DELETIONS_KEPT);
    return sqlite_step(forget, err);
}

static int check_revision(const struct change *change, int64_t revision, struct error *err)
{
    if (change->expected == REVISION_ANY || change->expected == revision)
        return 0;
    return error_set(err, ERROR_CONFLICT, "%s '%s' %s", change->kind, change->id,
                     change->expected == 0 ? "already exists"
                     : revision == 0       ? "was deleted meanwhile"
                                           : "was changed meanwhile; try again");
}

static int apply_change(sqlite3 *db, const struct index_kind *index, const struct change *change,
                        struct error *err)
{
    int64_t revision;

    if (read_revision(db, change, &revision, err) != 0 || check_revision(change, revision, err) != 0)
        return -1;
    if (change->body == NULL && revision == 0)
        return 0;
    if (write_document(db, change, err) != 0 || (change->body == NULL && forget_deletions(db, err) != 0))
        return -1;
    return index_update(db, index, change->kind, change->id, change->body, err);
}

int storage_check(struct storage *storage, const struct change_set *set, struct error *err)
{
    autoreader struct storage *reading = storage_lock_reader(storage);
    int64_t revision;

    for (const struct change *change = set->first; change != NULL; change = change->next)
        if (read_revision(storage->reader, change, &revision, err) != 0 ||
            check_revision(change, revision, err) != 0)
            return -1;
    return 0;
}

struct application {
    const struct index_kind *index;
    const struct change_set *set;
};

static int apply_set(sqlite3 *db, const void *context, struct error *err)
{
    const struct application *application = context;

    for (const struct change *change = application->set->first; change != NULL; change = change->next)
        if (apply_change(db, application->index, change, err) != 0)
            return -1;
    if (application->set->position.revision == 0)
        return 0;
    return position_write(db, &application->set->position, err);
}

int storage_apply(struct storage *storage, const struct change_set *set, struct error *err)
{
    const struct application application = {storage->index, set};

    if (write_run(storage, set->position.revision != 0 ? WRITE_LAZY : WRITE_DURABLE, apply_set, &application,
                  err) != 0)
        return -1;
    atomic_fetch_add(&storage->generation, 1); /* before anybody hears that the set was applied */
    for (const struct change *change = set->first; change != NULL; change = change->next)
        event_publish(change->kind, change->id,
                      change->body == NULL ? json_pack("{s:i}", "removed", 1) : NULL);
    return 0;
}

static void submit_local(struct storage_backend *self, struct storage *storage, struct change_set *set,
                         commit_done *done, void *context)
{
    autochange struct change_set *taken = set;
    struct error err;

    (void)self;
    done(context, storage_apply(storage, taken, &err) == 0 ? NULL : &err);
}

void storage_set_backend(struct storage *storage, struct storage_backend *backend)
{
    static struct storage_backend local = {.submit = submit_local};

    storage->backend = backend != NULL ? backend : &local;
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t finished;
    bool done;
    bool failed;
    struct error failure;
};

static void wake(void *context, const struct error *failure)
{
    struct waiter *waiter = context;

    pthread_mutex_lock(&waiter->lock);
    waiter->done = true;
    waiter->failed = failure != NULL;
    if (failure != NULL)
        waiter->failure = *failure;
    pthread_cond_signal(&waiter->finished);
    pthread_mutex_unlock(&waiter->lock);
}

int storage_commit(struct storage *storage, struct change_set *set, struct error *err)
{
    struct waiter waiter = {.lock = PTHREAD_MUTEX_INITIALIZER, .finished = PTHREAD_COND_INITIALIZER};

    storage->backend->submit(storage->backend, storage, set, wake, &waiter);
    pthread_mutex_lock(&waiter.lock);
    while (!waiter.done)
        pthread_cond_wait(&waiter.finished, &waiter.lock);
    pthread_mutex_unlock(&waiter.lock);
    pthread_cond_destroy(&waiter.finished);
    pthread_mutex_destroy(&waiter.lock);
    if (waiter.failed)
        *err = waiter.failure;
    return waiter.failed ? -1 : 0;
}
