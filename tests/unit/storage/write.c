/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes that share a transaction: what each sees, what fails alone, what fails together, and that nothing
 * acknowledged is lost. */
#include <criterion/criterion.h>
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "storage/internal.h"
#include "storage/sqlite.h"
#include "storage/write.h"
#include "tests/unit/storage/fixture.h"

#define MOST 16

/* Writes in a thread of its own, which asserts nothing: a failed assertion jumps out of the test. */
struct writer {
    pthread_t thread;
    struct storage *storage;
    struct change_set *set; /* or else: */
    enum write_durability durability;
    write_function *run;
    void *context;
    int result;
    struct error err;
};

/* While the first write stands at the gate, in its transaction, all others gather for the next. */
struct team {
    struct storage *storage;
    sem_t arrived, gate;
    struct writer writers[MOST];
    size_t count;
    int commits;
};

static void *run_writer(void *context)
{
    struct writer *writer = context;

    writer->result = writer->set != NULL ? storage_commit(writer->storage, writer->set, &writer->err)
                                         : write_run(writer->storage, writer->durability, writer->run,
                                                     writer->context, &writer->err);
    return NULL;
}

static struct writer *start_writer(struct team *team, struct writer settings)
{
    struct writer *writer = &team->writers[team->count++];

    *writer = settings;
    writer->storage = team->storage;
    cr_assert_eq(pthread_create(&writer->thread, NULL, run_writer, writer), 0);
    return writer;
}

static int stand_at_gate(sqlite3 *db, const void *context, struct error *err)
{
    struct team *team = (struct team *)(uintptr_t)context;

    (void)db, (void)err;
    sem_post(&team->arrived);
    sem_wait(&team->gate);
    return 0;
}

static int count_commit(void *context)
{
    struct team *team = context;

    team->commits++;
    return 0;
}

static void team_make(struct team *team, struct storage *storage, write_function *first)
{
    *team = (struct team){.storage = storage};
    sem_init(&team->arrived, 0, 0);
    sem_init(&team->gate, 0, 0);
    sqlite3_commit_hook(storage->writer, count_commit, team);
    start_writer(team, (struct writer){.run = first, .context = team});
    sem_wait(&team->arrived);
}

/* Starts a write that is in the queue when this returns, behind those that were started before. */
static struct writer *gather(struct team *team, struct writer settings)
{
    struct storage *storage = team->storage;
    struct write **before, **now;

    pthread_mutex_lock(&storage->queue_lock);
    before = storage->queue_end;
    pthread_mutex_unlock(&storage->queue_lock);
    struct writer *writer = start_writer(team, settings);
    do {
        nanosleep(&(const struct timespec){.tv_nsec = 1000000}, NULL);
        pthread_mutex_lock(&storage->queue_lock);
        now = storage->queue_end;
        pthread_mutex_unlock(&storage->queue_lock);
    } while (now == before);
    return writer;
}

static struct writer *gather_put(struct team *team, const char *id, int64_t expected, const char *body)
{
    struct change_set *set = change_set_new();

    change_set_put(set, "group", id, expected, fixture_json(body));
    return gather(team, (struct writer){.set = set});
}

static void open_gate(struct team *team)
{
    sem_post(&team->gate);
    for (size_t i = 0; i < team->count; i++)
        pthread_join(team->writers[i].thread, NULL);
}

static void succeeded(const struct writer *writer)
{
    cr_assert_eq(writer->result, 0, "%s", writer->err.message);
}

static void failed(const struct writer *writer, enum error_kind kind, const char *part)
{
    cr_assert_eq(writer->result, -1);
    fixture_expect_error(&writer->err, kind, part);
}

Test(storage_write, those_that_wait_share_one_commit)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct team team;

    team_make(&team, storage, stand_at_gate);
    for (int i = 0; i < 8; i++) {
        const char id[] = {(char)('a' + i), '\0'};
        gather_put(&team, id, 0, "{}");
    }
    open_gate(&team);
    cr_assert_eq(team.commits, 2, "%d commits", team.commits);
    for (size_t i = 0; i < team.count; i++)
        succeeded(&team.writers[i]);
    cr_assert_eq(fixture_revision(storage, "group", "a"), 1);
    cr_assert_eq(fixture_revision(storage, "group", "h"), 1);
}

Test(storage_write, one_that_conflicts_takes_no_other_with_it)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    uint64_t generation = storage_generation(storage);
    struct team team;

    team_make(&team, storage, stand_at_gate);
    struct writer *first = gather_put(&team, "a", 0, "{'n': 1}");
    struct writer *late = gather_put(&team, "a", 0, "{'n': 2}");
    struct writer *next = gather_put(&team, "a", 1, "{'n': 3}");
    struct writer *other = gather_put(&team, "b", 0, "{'n': 4}");
    open_gate(&team);
    succeeded(first);
    failed(late, ERROR_CONFLICT, "group 'a' already exists");
    succeeded(next);
    succeeded(other);
    cr_assert_eq(fixture_revision(storage, "group", "a"), 2);
    cr_assert_eq(fixture_revision(storage, "group", "b"), 1);
    cr_assert_eq(storage_generation(storage), generation + 3);
    cr_assert_eq(team.commits, 2, "%d commits", team.commits);
}

/* A set that fails at its second document takes back what it did to the first, which others then change. */
Test(storage_write, one_that_fails_half_way_is_undone_for_those_behind_it)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct change_set *set = change_set_new();
    struct team team;

    change_set_put(set, "group", "a", 0, json_object());
    change_set_put(set, "group", "b", 7, json_object());
    team_make(&team, storage, stand_at_gate);
    struct writer *half = gather(&team, (struct writer){.set = set});
    struct writer *whole = gather_put(&team, "a", 0, "{'n': 1}");
    open_gate(&team);
    failed(half, ERROR_CONFLICT, "group 'b' was deleted meanwhile");
    succeeded(whole);
    cr_assert_eq(fixture_revision(storage, "group", "a"), 1);
    cr_assert_eq(fixture_revision(storage, "group", "b"), 0);
}

/* What SQLite does of its own accord when it cannot go on. */
static int end_the_transaction(sqlite3 *db, const void *context, struct error *err)
{
    (void)context;
    if (sqlite_execute(db, "ROLLBACK", err) != 0)
        return -1;
    return error_set(err, ERROR_FAILED, "there is no transaction any more");
}

Test(storage_write, those_whose_transaction_is_gone_get_another)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct team team;

    team_make(&team, storage, stand_at_gate);
    struct writer *before = gather_put(&team, "a", 0, "{}");
    struct writer *breaker = gather(&team, (struct writer){.run = end_the_transaction});
    struct writer *again = gather(&team, (struct writer){.run = end_the_transaction});
    struct writer *behind = gather_put(&team, "a", 1, "{}");
    open_gate(&team);
    succeeded(before);
    failed(breaker, ERROR_FAILED, "there is no transaction any more");
    failed(again, ERROR_FAILED, "there is no transaction any more");
    succeeded(behind);
    cr_assert_eq(fixture_revision(storage, "group", "a"), 2);
}

Test(storage_write, one_that_finds_the_disk_full_takes_no_other_with_it)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    autofree char *large = xcalloc(1, 100001), *body = NULL;
    struct team team;

    memset(large, 'x', 100000);
    body = xasprintf("{'comment': '%s'}", large);
    fixture_put(storage, "group", "a", "{}");
    sqlite3_exec(storage->writer, "PRAGMA max_page_count = 20", NULL, NULL, NULL);
    team_make(&team, storage, stand_at_gate);
    struct writer *before = gather_put(&team, "a", 1, "{}");
    struct writer *too_large = gather_put(&team, "b", 0, body);
    struct writer *behind = gather_put(&team, "a", 2, "{}");
    open_gate(&team);
    succeeded(before);
    failed(too_large, ERROR_FAILED, "the disk is full");
    succeeded(behind);
    cr_assert_eq(fixture_revision(storage, "group", "a"), 3);
    cr_assert_eq(fixture_revision(storage, "group", "b"), 0);
}

/* Files may grow to this size; RLIM_INFINITY: to any. */
static void limit_files(rlim_t size)
{
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(const struct rlimit){size, RLIM_INFINITY}), 0);
}

/* All get the error, even the one that had failed before: what it conflicted with is not there now.
 * SQLite 3.40 (Debian 12) no longer knows errno when it is asked, 3.46 (Debian 13) does. */
Test(storage_write, a_commit_that_fails_fails_all_and_leaves_nothing)
{
    const char *cause = sqlite3_libversion_number() < 3046000 ? "disk I/O error" : strerror(EFBIG);
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    autofree char *wal = xasprintf("%s-wal", fixture.path);
    uint64_t generation;
    struct stat status;
    struct team team;

    fixture_put(storage, "group", "old", "{}");
    generation = storage_generation(storage);
    team_make(&team, storage, stand_at_gate);
    gather_put(&team, "a", 0, "{}");
    gather_put(&team, "a", 0, "{}");
    gather_put(&team, "old", 1, "{}");
    gather_put(&team, "b", 0, "{}");
    cr_assert_eq(stat(wal, &status), 0);
    limit_files((rlim_t)status.st_size);
    open_gate(&team);
    succeeded(&team.writers[0]);
    for (size_t i = 1; i < team.count; i++)
        failed(&team.writers[i], ERROR_FAILED, cause);
    cr_assert_eq(storage_generation(storage), generation);
    cr_assert_eq(fixture_revision(storage, "group", "a"), 0);
    cr_assert_eq(fixture_revision(storage, "group", "b"), 0);
    cr_assert_eq(fixture_revision(storage, "group", "old"), 1);

    limit_files(RLIM_INFINITY);
    fixture_put(storage, "group", "a", "{}");
    cr_assert_eq(fixture_revision(storage, "group", "a"), 1);
}

/* The first write gives its transaction up and stands at the gate, so that another program can begin one. */
static int give_up_at_gate(sqlite3 *db, const void *context, struct error *err)
{
    if (sqlite_execute(db, "ROLLBACK", err) != 0 || stand_at_gate(db, context, err) != 0)
        return -1;
    return error_set(err, ERROR_FAILED, "given up");
}

Test(storage_write, a_locked_database_fails_all)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct team team;
    sqlite3 *other;

    sqlite3_busy_timeout(storage->writer, 50);
    team_make(&team, storage, give_up_at_gate);
    gather_put(&team, "a", 0, "{}");
    gather_put(&team, "b", 0, "{}");
    cr_assert_eq(sqlite3_open(fixture.path, &other), SQLITE_OK);
    cr_assert_eq(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    open_gate(&team);
    sqlite3_close(other);
    failed(&team.writers[0], ERROR_FAILED, "given up");
    failed(&team.writers[1], ERROR_BUSY, "another program has locked it");
    failed(&team.writers[2], ERROR_BUSY, "another program has locked it");
    fixture_put(storage, "group", "a", "{}");
    cr_assert_eq(fixture_revision(storage, "group", "a"), 1);
}

static int read_synchronous(sqlite3 *db, const void *context, struct error *err)
{
    int64_t *ret = (int64_t *)(uintptr_t)context;

    return sqlite_read_number(db, "PRAGMA synchronous", ret, err);
}

Test(storage_write, waits_for_the_disk_if_one_of_them_must)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    int64_t alone = 0, together = 0, durable = 0, after = 0;
    struct team team;
    struct error err;

    cr_assert_eq(write_run(storage, WRITE_LAZY, read_synchronous, &alone, &err), 0, "%s", err.message);
    cr_assert_eq(alone, 1); /* NORMAL */
    team_make(&team, storage, stand_at_gate);
    gather(&team, (struct writer){.durability = WRITE_LAZY, .run = read_synchronous, .context = &together});
    gather(&team, (struct writer){.durability = WRITE_DURABLE, .run = read_synchronous, .context = &durable});
    open_gate(&team);
    cr_assert_eq(together, 2); /* FULL */
    cr_assert_eq(durable, 2);
    cr_assert_eq(write_run(storage, WRITE_DURABLE, read_synchronous, &after, &err), 0, "%s", err.message);
    cr_assert_eq(after, 2);
}

/* In the child: writes documents, and the number of each to the pipe when its commit has returned. */
struct scribe {
    pthread_t thread;
    struct storage *storage;
    int number, pipe;
};

static void *write_until_killed(void *context)
{
    const struct scribe *scribe = context;
    struct error err;

    for (int number = scribe->number;; number += MOST) {
        struct change_set *set = change_set_new();
        autofree char *id = xasprintf("%d", number);

        change_set_put(set, "group", id, 0, json_pack("{s:i}", "number", number));
        if (storage_commit(scribe->storage, set, &err) != 0 ||
            write(scribe->pipe, &number, sizeof(number)) != sizeof(number))
            return NULL;
    }
}

static void write_by_many_until_killed(const struct fixture *fixture, int pipe)
{
    static const struct index_kind no_index = {.kind = NULL}; /* the storage uses it as long as it is open */
    struct scribe scribes[MOST];
    struct storage *storage;
    struct error err;

    if (storage_open(fixture->path, &no_index, &storage, &err) != 0)
        _exit(1);
    for (int i = 0; i < MOST; i++) {
        scribes[i] = (struct scribe){.storage = storage, .number = i, .pipe = pipe};
        if (pthread_create(&scribes[i].thread, NULL, write_until_killed, &scribes[i]) != 0)
            _exit(1);
    }
    for (;;)
        pause();
}

Test(storage_write, what_many_were_told_is_there_after_a_kill)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    int pipes[2], told[200], status;
    size_t count = 0;

    cr_assert_eq(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0)
        write_by_many_until_killed(&fixture, pipes[1]);
    close(pipes[1]);
    while (count < COUNT_OF(told) && read(pipes[0], &told[count], sizeof(told[0])) == sizeof(told[0]))
        count++;
    kill(child, SIGKILL);
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    cr_assert_eq(count, COUNT_OF(told));

    autostorage struct storage *storage = fixture_open(fixture.path);
    for (size_t i = 0; i < count; i++) {
        autofree char *id = xasprintf("%d", told[i]);
        cr_assert_eq(fixture_revision(storage, "group", id), 1, "%s was acknowledged and is gone", id);
    }
    close(pipes[0]);
}
