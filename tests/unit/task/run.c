/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks: how they begin, run, log, end, and go on after a restart. */
#include <criterion/criterion.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/text.h"
#include "storage/local.h"
#include "storage/sqlite.h"
#include "storage/write.h"
#include "task/task.h"
#include "tests/unit/storage/fixture.h"

struct house {
    struct fixture fixture;
    struct storage *storage;
    struct tasks *tasks;
};

static void open_house(struct house *house)
{
    struct error err;

    house->storage = fixture_open(house->fixture.path);
    cr_assert_eq(tasks_open(house->storage, "pve1", &house->tasks, &err), 0, "%s", err.message);
}

static void close_house(struct house *house)
{
    cr_assert(tasks_close(house->tasks, 10));
    storage_close(house->storage);
}

static struct house the;

static void start(void)
{
    fixture_make(&the.fixture);
    open_house(&the);
}

static void stop(void)
{
    close_house(&the);
    fixture_remove(&the.fixture);
}

TestSuite(task, .init = start, .fini = stop, .timeout = 60);

static int begin_as(const char *id, task_function *run, void *argument, char upid[static UPID_SIZE],
                    struct error *err)
{
    const struct task_start start = {
        .type = "pcireset", .id = id, .user = "root@pam", .run = run, .argument = argument};

    return task_begin(the.tasks, &start, upid, err);
}

static const char *begin(task_function *run, void *argument)
{
    static char upid[UPID_SIZE];
    struct error err;

    cr_assert_eq(begin_as("0000:01:00.0", run, argument, upid, &err), 0, "%s", err.message);
    return upid;
}

static json_t *read_task(const char *upid)
{
    struct error err;
    json_t *task;

    cr_assert_eq(local_read_task(the.storage, upid, &task, &err), 0, "%s", err.message);
    return task;
}

static bool has_ended(const char *upid)
{
    autojson json_t *task = read_task(upid);

    return json_object_get(task, "endtime") != NULL;
}

static void a_moment(void)
{
    nanosleep(&(const struct timespec){.tv_nsec = 1000000}, NULL);
}

static void ends_with(const char *upid, const char *result, const char *status)
{
    while (!has_ended(upid))
        a_moment();
    autojson json_t *task = read_task(upid);
    cr_assert_str_eq(json_string_value(json_object_get(task, "status")), status);
    cr_assert_str_eq(json_string_value(json_object_get(task, "result")), result);
}

/* Its lines, each ended by a line feed. The caller frees them. */
static char *log_of(const char *upid)
{
    struct text text = {0};
    autojson json_t *lines = NULL;
    const json_t *line;
    struct error err;
    int64_t total;
    size_t i;

    cr_assert_eq(local_read_lines(the.storage, upid, 0, 0, &lines, &total, &err), 0, "%s", err.message);
    json_array_foreach(lines, i, line)
        text_printf(&text, "%s\n", json_string_value(json_object_get(line, "t")));
    return text_take(&text);
}

static void logged(const char *upid, const char *wanted)
{
    autofree char *log = log_of(upid);

    cr_assert_str_eq(log, wanted);
}

static int succeed(struct task *task, void *argument, struct error *err)
{
    (void)err;
    task_log(task, "%s %d", (const char *)argument, 1);
    return 0;
}

static int warn(struct task *task, void *argument, struct error *err)
{
    (void)argument;
    (void)err;
    task_warn(task, "the card is warm");
    task_warn(task, "the card is hot");
    return 0;
}

static int fail(struct task *task, void *argument, struct error *err)
{
    (void)argument;
    task_warn(task, "it will not do");
    return error_set(err, ERROR_FAILED, "the card\nis gone");
}

Test(task, that_goes_well_is_ok)
{
    static char word[] = "line";
    autofree char *upid = xstrdup(begin(succeed, word));
    struct upid parts;

    ends_with(upid, "ok", "OK");
    logged(upid, "line 1\nTASK OK\n");
    cr_assert(upid_parse(upid, &parts));
    cr_assert_str_eq(parts.node, "pve1");
    cr_assert_eq(parts.pid, 1);
    cr_assert_str_eq(parts.type, "pcireset");
    cr_assert_str_eq(parts.id, "0000:01:00.0");
    cr_assert_str_eq(parts.user, "root@pam");
}

Test(task, with_warnings_counts_them)
{
    const char *upid = begin(warn, NULL);

    ends_with(upid, "warning", "WARNINGS: 2");
    logged(upid, "WARN: the card is warm\nWARN: the card is hot\nTASK WARNINGS: 2\n");
}

Test(task, that_fails_ends_with_the_error)
{
    const char *upid = begin(fail, NULL);

    ends_with(upid, "error", "the card\\x0ais gone");
    logged(upid, "WARN: it will not do\nTASK ERROR: the card\\x0ais gone\n");
}

static int say_odd_things(struct task *task, void *argument, struct error *err)
{
    autofree char *line = xcalloc(TASK_LINE_LENGTH + 100, 1);

    (void)argument;
    (void)err;
    task_log(task, "\t\033[2J\x7f \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \xc2\x9b \xff\xc3 \xed\xa0\x80 "
                   "\xc0\x80 \xf4\x90\x80\x80");
    memset(line, 'x', TASK_LINE_LENGTH + 99);
    task_log(task, "%s", line);
    return 0;
}

Test(task, log_holds_printable_lines_of_bounded_length)
{
    const char *upid = begin(say_odd_things, NULL);
    static const char first[] =
        "\\x09\\x1b[2J\\x7f \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 \\xc2\\x9b \\xff\\xc3 "
        "\\xed\\xa0\\x80 \\xc0\\x80 \\xf4\\x90\\x80\\x80\n";

    ends_with(upid, "ok", "OK");
    autofree char *log = log_of(upid);
    cr_assert_eq(strncmp(log, first, strlen(first)), 0, "%s", log);
    const char *second = log + strlen(first);
    cr_assert_leq(strcspn(second, "\n"), TASK_LINE_LENGTH);
    cr_assert_not_null(strstr(second, "xx...\nTASK OK\n"));
}

static int chatter(struct task *task, void *argument, struct error *err)
{
    (void)argument;
    (void)err;
    for (int i = 1; i <= TASK_LINES + 10; i++)
        task_log(task, "%d", i);
    cr_assert_eq(task_line_count(task), TASK_LINES);
    return 0;
}

Test(task, log_has_a_bounded_number_of_lines)
{
    const char *upid = begin(chatter, NULL);
    autojson json_t *lines = NULL;
    struct error err;
    int64_t total;

    ends_with(upid, "ok", "OK");
    cr_assert_eq(local_read_lines(the.storage, upid, TASK_LINES - 2, 0, &lines, &total, &err), 0);
    cr_assert_eq(total, TASK_LINES + 1);
    fixture_expect_json(TAKE(lines), "[{'n': 9999, 't': '9999'},"
                                     " {'n': 10000, 't': 'The log is full: further lines are dropped.'},"
                                     " {'n': 10001, 't': 'TASK OK'}]");
}

/* A task that waits until the test lets it go on. */
struct gate {
    sem_t arrived, open;
};

static void gate_make(struct gate *gate)
{
    sem_init(&gate->arrived, 0, 0);
    sem_init(&gate->open, 0, 0);
}

static int wait_at(struct task *task, void *argument, struct error *err)
{
    struct gate *gate = argument;

    task_log(task, "at the gate");
    sem_post(&gate->arrived);
    sem_wait(&gate->open);
    return task_is_stopped(task) ? error_set(err, ERROR_FAILED, "stopped") : 0;
}

Test(task, that_runs_shows_its_lines_and_has_no_end)
{
    struct gate gate;
    gate_make(&gate);
    const char *upid = begin(wait_at, &gate);

    sem_wait(&gate.arrived);
    logged(upid, "at the gate\n");
    cr_assert_not(has_ended(upid));
    sem_post(&gate.open);
    ends_with(upid, "ok", "OK");
}

Test(task, that_is_asked_to_stop_sees_it)
{
    struct gate gate;
    gate_make(&gate);
    const char *upid = begin(wait_at, &gate);
    struct error err;

    sem_wait(&gate.arrived);
    cr_assert_eq(task_stop(the.tasks, upid, &err), 0);
    sem_post(&gate.open);
    ends_with(upid, "error", "stopped");
    while (task_stop(the.tasks, upid, &err) == 0)
        a_moment();
    fixture_expect_error(&err, ERROR_NOT_FOUND, "does not run");
}

static int execute(sqlite3 *db, const void *sql, struct error *err)
{
    return sqlite_execute(db, sql, err);
}

static void run_sql(const char *sql)
{
    struct error err;

    cr_assert_eq(write_run(the.storage, WRITE_LAZY, execute, sql, &err), 0, "%s", err.message);
}

Test(task, whose_end_cannot_be_kept_runs_until_it_can)
{
    struct gate gate;
    gate_make(&gate);
    const char *upid = begin(wait_at, &gate);
    struct error err;

    sem_wait(&gate.arrived);
    run_sql("CREATE TRIGGER full BEFORE UPDATE ON task BEGIN SELECT RAISE(FAIL, 'the disk is full'); END");
    sem_post(&gate.open);
    nanosleep(&(const struct timespec){.tv_nsec = 300000000}, NULL);
    cr_assert_not(has_ended(upid));
    cr_assert_eq(task_stop(the.tasks, upid, &err), 0, "it counts as running");
    logged(upid, "at the gate\n");
    run_sql("DROP TRIGGER full");
    ends_with(upid, "ok", "OK");
    logged(upid, "at the gate\nTASK OK\n");
}

Test(task, goes_on_without_lines_that_cannot_be_kept)
{
    struct gate gate;
    gate_make(&gate);
    run_sql("CREATE TRIGGER full BEFORE INSERT ON task_line WHEN new.text = 'at the gate' "
            "BEGIN SELECT RAISE(FAIL, 'the disk is full'); END");
    const char *upid = begin(wait_at, &gate);

    sem_wait(&gate.arrived);
    sem_post(&gate.open);
    ends_with(upid, "ok", "OK");
    logged(upid, "TASK OK\n");
}

Test(task, that_cannot_be_kept_does_not_begin)
{
    char upid[UPID_SIZE];
    struct error err;

    run_sql("CREATE TRIGGER full BEFORE INSERT ON task BEGIN SELECT RAISE(FAIL, 'the disk is full'); END");
    cr_assert_eq(begin_as("", warn, NULL, upid, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "the disk is full");
    run_sql("DROP TRIGGER full");
    ends_with(begin(warn, NULL), "warning", "WARNINGS: 2");
}

static void count_release(void *argument)
{
    atomic_fetch_add((atomic_int *)argument, 1);
}

static int count_run(struct task *task, void *argument, struct error *err)
{
    (void)task;
    (void)err;
    cr_assert_eq(atomic_load((atomic_int *)argument), 0, "not released yet");
    return 0;
}

Test(task, releases_its_argument_when_it_has_ended)
{
    atomic_int released = 0;
    const struct task_start start = {.type = "pcireset",
                                     .id = "",
                                     .user = "root@pam",
                                     .run = count_run,
                                     .argument = &released,
                                     .release = count_release};
    char upid[UPID_SIZE];
    struct error err;

    cr_assert_eq(task_begin(the.tasks, &start, upid, &err), 0);
    while (atomic_load(&released) == 0)
        a_moment();
    cr_assert(has_ended(upid));
}

Test(task, beyond_the_limit_is_refused)
{
    struct gate gate;
    char upid[UPID_SIZE], last[UPID_SIZE];
    struct error err;

    gate_make(&gate);
    for (int i = 0; i < TASK_RUNNING; i++)
        cr_assert_eq(begin_as("", wait_at, &gate, last, &err), 0, "%s", err.message);
    cr_assert_eq(begin_as("", wait_at, &gate, upid, &err), -1);
    fixture_expect_error(&err, ERROR_BUSY, "256 tasks are running already");
    for (int i = 0; i < TASK_RUNNING; i++)
        sem_post(&gate.open);
    ends_with(last, "ok", "OK");
    while (begin_as("", warn, NULL, upid, &err) != 0)
        a_moment();
    ends_with(upid, "warning", "WARNINGS: 2");
}

Test(task, each_has_a_name_of_its_own)
{
    struct upid first, second;

    cr_assert(upid_parse(begin(warn, NULL), &first));
    close_house(&the);
    open_house(&the);
    cr_assert(upid_parse(begin(warn, NULL), &second));
    cr_assert_eq(second.pid, first.pid + 1, "the counter goes on");
}

static int tell_the_truth(struct task *task, void *argument, struct error *err)
{
    cr_assert_eq(task_line_count(task), 2);
    task_log(task, "%s", (const char *)argument);
    return error_set(err, ERROR_FAILED, "interrupted");
}

Test(task, goes_on_after_a_restart)
{
    static char word[] = "asked again";
    const char upid[] = "UPID:pve1:00000001:00000001:00000001:pcireset::root@pam:";
    const struct local_task row = {1, upid, "pcireset", "", "root@pam", 1};
    struct error err;

    /* what a daemon that is killed while a task runs leaves */
    cr_assert_eq(local_begin_task(the.storage, &row, &err), 0);
    cr_assert_eq(local_add_line(the.storage, 1, &(const struct local_line){1, "one", false}, &err), 0);
    cr_assert_eq(local_add_line(the.storage, 1, &(const struct local_line){2, "WARN: two", true}, &err), 0);
    close_house(&the);
    open_house(&the);
    cr_assert_eq(tasks_recover(the.tasks, tell_the_truth, word, &err), 0, "%s", err.message);
    ends_with(upid, "error", "interrupted");
    logged(upid, "one\nWARN: two\nasked again\nTASK ERROR: interrupted\n");
    struct upid next;
    cr_assert(upid_parse(begin(warn, NULL), &next));
    cr_assert_eq(next.pid, 2);
}

static int succeed_again(struct task *task, void *argument, struct error *err)
{
    (void)task;
    (void)argument;
    (void)err;
    return 0;
}

Test(task, remembers_warnings_over_a_restart)
{
    const char upid[] = "UPID:pve1:00000001:00000001:00000001:pcireset::root@pam:";
    const struct local_task row = {1, upid, "pcireset", "", "root@pam", 1};
    struct error err;

    cr_assert_eq(local_begin_task(the.storage, &row, &err), 0);
    cr_assert_eq(local_add_line(the.storage, 1, &(const struct local_line){1, "WARN: one", true}, &err), 0);
    cr_assert_eq(tasks_recover(the.tasks, succeed_again, NULL, &err), 0, "%s", err.message);
    ends_with(upid, "warning", "WARNINGS: 1");
}

Test(task, that_does_not_end_does_not_keep_the_daemon)
{
    struct gate gate;
    char upid[UPID_SIZE];
    struct error err;

    gate_make(&gate);
    begin(wait_at, &gate);
    sem_wait(&gate.arrived);
    cr_assert_not(tasks_close(the.tasks, 0));
    cr_assert_eq(begin_as("", warn, NULL, upid, &err), -1);
    fixture_expect_error(&err, ERROR_BUSY, "hostpci is stopping");
    sem_post(&gate.open); /* .fini closes the rest */
}
