/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commit interface with a backend that does what a cluster may do: it lets change sets wait, delivers
 * those of other nodes in between, reorders sets that have no document in common, and refuses some. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "storage/commit.h"
#include "tests/unit/storage/fixture.h"

#define MOST 16

struct submission {
    struct change_set *set;
    commit_done *done;
    void *context;
};

struct slow_backend {
    struct storage_backend interface; /* first, so that a pointer to it points to the whole */
    struct storage *storage;
    pthread_mutex_t lock; /* guards the rest */
    struct submission waiting[MOST];
    size_t count;
    char applied[MOST][UUID_SIZE]; /* in this order */
    size_t applied_count;
};

static void submit_slow(struct storage_backend *self, struct storage *storage, struct change_set *set,
                        commit_done *done, void *context)
{
    struct slow_backend *slow = (struct slow_backend *)self;

    if (storage != slow->storage || slow->count == MOST)
        abort(); /* in a writer's thread, where nothing can be asserted */
    pthread_mutex_lock(&slow->lock);
    slow->waiting[slow->count++] = (struct submission){set, done, context};
    pthread_mutex_unlock(&slow->lock);
}

static void use_slow_backend(struct slow_backend *slow, struct storage *storage)
{
    *slow = (struct slow_backend){.interface = {submit_slow}, .storage = storage};
    pthread_mutex_init(&slow->lock, NULL);
    storage_set_backend(storage, &slow->interface);
}

static bool share_a_document(const struct change_set *a, const struct change_set *b)
{
    for (const struct change *x = a->first; x != NULL; x = x->next)
        for (const struct change *y = b->first; y != NULL; y = y->next)
            if (strcmp(x->kind, y->kind) == 0 && strcmp(x->id, y->id) == 0)
                return true;
    return false;
}

/* The last set that may overtake all those before it. */
static size_t choose_last_free(const struct slow_backend *slow)
{
    for (size_t i = slow->count - 1; i > 0; i--) {
        bool free_to_go = true;
        for (size_t before = 0; before < i; before++)
            free_to_go &= !share_a_document(slow->waiting[before].set, slow->waiting[i].set);
        if (free_to_go)
            return i;
    }
    return 0;
}

static struct submission take(struct slow_backend *slow)
{
    pthread_mutex_lock(&slow->lock);
    cr_assert_gt(slow->count, 0);
    size_t at = choose_last_free(slow);
    struct submission taken = slow->waiting[at];
    memmove(&slow->waiting[at], &slow->waiting[at + 1], (slow->count - at - 1) * sizeof(taken));
    slow->count--;
    pthread_mutex_unlock(&slow->lock);
    return taken;
}

/* Applies one set, or refuses it if `refusal` is not NULL. */
static void deliver(struct slow_backend *slow, const char *refusal)
{
    struct submission taken = take(slow);
    struct error err;
    int result;

    if (refusal != NULL)
        result = error_set(&err, ERROR_BUSY, "%s", refusal);
    else
        result = storage_apply(slow->storage, taken.set, &err);
    memcpy(slow->applied[slow->applied_count++], taken.set->id, UUID_SIZE);
    change_set_free(taken.set);
    taken.done(taken.context, result == 0 ? NULL : &err);
}

static void wait_for_submissions(struct slow_backend *slow, size_t count)
{
    size_t have;

    do {
        nanosleep(&(const struct timespec){.tv_nsec = 1000000}, NULL);
        pthread_mutex_lock(&slow->lock);
        have = slow->count;
        pthread_mutex_unlock(&slow->lock);
    } while (have < count);
}

/* Commits in a thread of its own. */
struct writer {
    pthread_t thread;
    struct storage *storage;
    struct change_set *set;
    atomic_bool returned;
    int result;
    struct error err;
};

static void *run_writer(void *context)
{
    struct writer *writer = context;

    writer->result = storage_commit(writer->storage, writer->set, &writer->err);
    atomic_store(&writer->returned, true);
    return NULL;
}

static void start_writer(struct writer *writer, struct slow_backend *slow, const char *id, int64_t expected,
                         const char *text)
{
    *writer = (struct writer){.storage = slow->storage, .set = change_set_new()};
    change_set_put(writer->set, "group", id, expected, fixture_json(text));
    cr_assert_eq(pthread_create(&writer->thread, NULL, run_writer, writer), 0);
}

static void expect_body(struct storage *storage, const char *id, const char *text)
{
    json_t *body;
    struct error err;

    cr_assert_eq(object_read(storage, "group", id, &body, NULL, &err), 0, "%s", err.message);
    fixture_expect_json(body, text);
}

Test(storage_backend, commit_returns_after_its_own_set_was_applied)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct slow_backend slow;
    struct writer writer;

    use_slow_backend(&slow, storage);
    start_writer(&writer, &slow, "staff", 0, "{'n': 1}");
    wait_for_submissions(&slow, 1);
    usleep(20000);
    cr_assert_not(atomic_load(&writer.returned), "it did not wait");
    cr_assert_eq(fixture_revision(storage, "group", "staff"), 0);

    deliver(&slow, NULL);
    pthread_join(writer.thread, NULL);
    cr_assert_eq(writer.result, 0);
    expect_body(storage, "staff", "{'n': 1}");
}

Test(storage_backend, a_refused_set_changes_nothing)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    uint64_t generation = storage_generation(storage);
    struct slow_backend slow;
    struct writer writer;

    use_slow_backend(&slow, storage);
    start_writer(&writer, &slow, "staff", 0, "{'n': 1}");
    wait_for_submissions(&slow, 1);
    deliver(&slow, "the cluster has no quorum");
    pthread_join(writer.thread, NULL);
    cr_assert_eq(writer.result, -1);
    fixture_expect_error(&writer.err, ERROR_BUSY, "the cluster has no quorum");
    cr_assert_eq(fixture_revision(storage, "group", "staff"), 0);
    cr_assert_eq(storage_generation(storage), generation);
}

Test(storage_backend, the_change_of_another_node_comes_first)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct change_set *foreign = change_set_new();
    struct slow_backend slow;
    struct writer writer;
    struct error err;

    use_slow_backend(&slow, storage);
    start_writer(&writer, &slow, "staff", 0, "{'n': 1}");
    wait_for_submissions(&slow, 1);
    change_set_put(foreign, "group", "staff", 0, fixture_json("{'n': 2}"));
    cr_assert_eq(storage_apply(storage, foreign, &err), 0);
    change_set_free(foreign);

    deliver(&slow, NULL);
    pthread_join(writer.thread, NULL);
    cr_assert_eq(writer.result, -1);
    fixture_expect_error(&writer.err, ERROR_CONFLICT, "already exists");
    expect_body(storage, "staff", "{'n': 2}");
}

/* There are four writers, two of them of the same document. The others may overtake, these two stay in order,
 * and each gets the result of its own set. */
Test(storage_backend, sets_without_a_common_document_may_change_places)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    static const struct {
        const char *id;
        int64_t expected;
        const char *body;
    } sets[] = {{"a", 0, "{'n': 1}"}, {"a", 1, "{'n': 2}"}, {"b", 0, "{'n': 3}"}, {"c", 5, "{'n': 4}"}};
    static const size_t order[] = {3, 2, 0, 1}; /* in which they are delivered */
    struct writer writers[COUNT_OF(sets)];
    char ids[COUNT_OF(sets)][UUID_SIZE];
    struct slow_backend slow;

    use_slow_backend(&slow, storage);
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        start_writer(&writers[i], &slow, sets[i].id, sets[i].expected, sets[i].body);
        wait_for_submissions(&slow, i + 1);
        memcpy(ids[i], slow.waiting[i].set->id, UUID_SIZE);
    }
    for (size_t i = 0; i < COUNT_OF(sets); i++)
        deliver(&slow, NULL);
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        pthread_join(writers[i].thread, NULL);
        cr_assert_str_eq(slow.applied[i], ids[order[i]]);
        cr_assert_eq(writers[i].result, i == 3 ? -1 : 0, "%zu: %s", i, writers[i].err.message);
    }
    fixture_expect_error(&writers[3].err, ERROR_CONFLICT, "group 'c' was deleted meanwhile");
    expect_body(storage, "a", "{'n': 2}");
    expect_body(storage, "b", "{'n': 3}");
}

Test(storage_backend, the_local_one_can_be_put_back)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct slow_backend slow;

    use_slow_backend(&slow, storage);
    storage_set_backend(storage, NULL);
    fixture_put(storage, "group", "staff", "{}");
    cr_assert_eq(slow.count, 0);
}
