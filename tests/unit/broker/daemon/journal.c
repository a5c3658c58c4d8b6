/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal: what it holds, and what a crash or a reboot leaves of it. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/broker/test_journal.h"

#define ROW                                                                                                  \
    "{'id': '" CARD                                                                                          \
    "', 'vendor': 4318, 'device': 9348, 'driver': 'nouveau', 'override': '', 'wanted': 'vfio-pci'}"

static void end(struct test_journal *test, int64_t number)
{
    autojson json_t *result = fixture_json("{'result': {}}");
    struct error err;

    cr_assert_eq(journal_end(test->journal, number, result, &err), 0, "%s", err.message);
}

static int claim(struct test_journal *test, int64_t number, const char *rows, struct error *err)
{
    autojson json_t *claims = fixture_json(rows);

    return journal_claim(test->journal, number, claims, err);
}

static void expect_claims(struct test_journal *test, int64_t number, const char *rows)
{
    json_t *claims;
    struct error err;

    cr_assert_eq(journal_read_claims(test->journal, number, &claims, &err), 0, "%s", err.message);
    fixture_expect_json(claims, rows);
}

static void expect_facts(struct test_journal *test, const char *function, const char *facts)
{
    json_t *found;
    struct error err;

    cr_assert_eq(journal_read_facts(test->journal, function, &found, &err), 0, "%s", err.message);
    fixture_expect_json(found, facts);
}

static void save(struct test_journal *test, const char *kind, const char *body)
{
    autojson json_t *fact = fixture_json(body);
    struct error err;

    cr_assert_eq(journal_save_fact(test->journal, kind, CARD, fact, &err), 0, "%s", err.message);
}

static void expect_line(struct test_journal *test, int64_t number, int line, const char *text)
{
    autofree char *found = NULL;
    struct error err;

    cr_assert_eq(journal_read_line(test->journal, number, line, &found, &err), text != NULL);
    if (text != NULL)
        cr_assert_str_eq(found, text);
}

static void expect_end(struct test_journal *test, int64_t number, const char *text)
{
    json_t *found = NULL;
    struct error err;

    cr_assert_eq(journal_read_end(test->journal, number, &found, &err), text != NULL);
    if (text != NULL)
        fixture_expect_json(found, text);
}

static json_t *list_open(struct test_journal *test)
{
    json_t *open;
    struct error err;

    cr_assert_eq(journal_list_open(test->journal, &open, &err), 0, "%s", err.message);
    return open;
}

/* The row of the only open operation, without what changes from test to test. */
static void expect_open(struct test_journal *test, const char *row)
{
    autojson json_t *open = list_open(test);

    cr_assert_eq(json_array_size(open), 1);
    json_t *found = json_array_get(open, 0);
    cr_assert_gt(json_integer_value(json_object_get(found, "started")), 1600000000);
    json_object_del(found, "started");
    fixture_expect_json(json_incref(found), row);
}

static void expect_none_open(struct test_journal *test)
{
    fixture_expect_json(list_open(test), "[]");
}

Test(journal, an_operation_has_lines_and_an_end)
{
    autotestjournal struct test_journal test;
    int64_t found;
    struct error err;

    test_journal_open(&test);
    int64_t number = test_journal_start(&test, "UPID:1");
    cr_assert_eq(journal_find(test.journal, "UPID:1", &found, &err), 0);
    cr_assert_eq(found, number);
    expect_end(&test, number, NULL);
    expect_line(&test, number, 1, NULL);
    cr_assert_eq(journal_log(test.journal, number, 1, "first", &err), 0);
    cr_assert_eq(journal_log(test.journal, number, 2, "it's \"quoted\"", &err), 0);
    expect_line(&test, number, 2, "it's \"quoted\"");
    expect_line(&test, number, 3, NULL);
    end(&test, number);
    expect_end(&test, number, "{'result': {}}");
    expect_none_open(&test);
}

Test(journal, knows_each_operation_by_its_id_once)
{
    autotestjournal struct test_journal test;
    autojson json_t *arguments = json_object();
    int64_t number = 7;
    struct error err;

    test_journal_open(&test);
    end(&test, test_journal_start(&test, "UPID:1"));
    cr_assert_eq(journal_start(test.journal, "UPID:1", "driver", arguments, (struct journal_worker){1, 1},
                               &number, &err),
                 -1);
    fixture_expect_error(&err, ERROR_CONFLICT, "'UPID:1' already");
    cr_assert_eq(journal_find(test.journal, "UPID:2", &number, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "no operation 'UPID:2'");
    cr_assert_eq(number, 7);
}

/* kill -9 at any point leaves what was written before. */
Test(journal, keeps_what_a_broker_wrote_before_it_was_killed)
{
    autotestjournal struct test_journal test;
    struct error err;

    test_journal_open(&test);
    journal_close(TAKE(test.journal));
    pid_t child = fork();
    if (child == 0) {
        test_journal_open_again(&test, BOOT);
        int64_t number = test_journal_start(&test, "UPID:1");
        journal_log(test.journal, number, 1, "taken from nouveau", &err);
        claim(&test, number, "[" ROW "]", &err);
        journal_step(test.journal, number, CARD, "unbind from nouveau", &err);
        kill(getpid(), SIGKILL);
    }
    waitpid(child, NULL, 0);
    test_journal_open_again(&test, BOOT);
    expect_open(&test, "{'number': 1, 'id': 'UPID:1', 'operation': 'driver', 'lines': 1,"
                       " 'arguments': {'id': '" CARD "', 'driver': 'vfio-pci'},"
                       " 'workers': [{'pid': 41, 'start-time': 1234}]}");
    expect_line(&test, 1, 1, "taken from nouveau");
    expect_claims(&test, 1, "[" ROW "]");
}

/* Undoing may be cut off as well: all workers that the kernel may hold are known until the end. */
Test(journal, knows_each_worker_until_the_end)
{
    autotestjournal struct test_journal test;
    struct error err;

    test_journal_open(&test);
    int64_t number = test_journal_start(&test, "UPID:1");
    cr_assert_eq(journal_resume(test.journal, number, (struct journal_worker){42, 5678}, &err), 0);
    expect_open(&test, "{'number': 1, 'id': 'UPID:1', 'operation': 'driver', 'lines': 0,"
                       " 'arguments': {'id': '" CARD "', 'driver': 'vfio-pci'},"
                       " 'workers': [{'pid': 41, 'start-time': 1234}, {'pid': 42, 'start-time': 5678}]}");
    end(&test, number);
    cr_assert_eq(journal_resume(test.journal, number, (struct journal_worker){43, 1}, &err), 0);
    expect_open(&test, "{'number': 1, 'id': 'UPID:1', 'operation': 'driver', 'lines': 0,"
                       " 'arguments': {'id': '" CARD "', 'driver': 'vfio-pci'},"
                       " 'workers': [{'pid': 43, 'start-time': 1}]}");
}

Test(journal, after_a_reboot_operations_are_history)
{
    autotestjournal struct test_journal test;
    struct error err;

    test_journal_open(&test);
    int64_t number = test_journal_start(&test, "UPID:1"), ended = test_journal_start(&test, "UPID:2");
    cr_assert_eq(claim(&test, number, "[" ROW "]", &err), 0);
    end(&test, ended);
    save(&test, "choice", "{'driver': 'vfio-pci', 'vendor': 4318, 'device': 9348}");
    save(&test, "origin", "{'driver': 'nouveau', 'override': '', 'vendor': 4318, 'device': 9348}");
    save(&test, "reset", "{'method': 'flr', 'ok': 0, 'vendor': 4318, 'device': 9348}");

    test_journal_open_again(&test, "another-boot");
    expect_none_open(&test);
    expect_claims(&test, number, "[]");
    expect_end(
        &test, number,
        "{'error': {'kind': 'failed', 'field': '', 'message': 'interrupted by a reboot of the host: each "
        "function is as the kernel set it up'}}");
    expect_end(&test, ended, "{'result': {}}");
    expect_facts(&test, CARD, "{'choice': {'driver': 'vfio-pci', 'vendor': 4318, 'device': 9348}}");
}

Test(journal, a_function_is_in_one_hand)
{
    autotestjournal struct test_journal test;
    struct error err;
    bool held = false;

    test_journal_open(&test);
    int64_t first = test_journal_start(&test, "UPID:1"), second = test_journal_start(&test, "UPID:2");
    cr_assert_eq(claim(&test, first, "[" ROW "]", &err), 0);
    cr_assert_eq(journal_is_claimed(test.journal, CARD, &held, &err), 0);
    cr_assert(held);
    /* all or none */
    cr_assert_eq(claim(&test, second, "[{'id': '0000:02:00.0'}, {'id': '" CARD "'}]", &err), -1);
    fixture_expect_error(&err, ERROR_BUSY, CARD " is being changed by another operation, driver 'UPID:1'");
    expect_claims(&test, second, "[]");
    cr_assert_eq(claim(&test, second, "[{'id': '0000:02:00.0'}]", &err), 0);

    cr_assert_eq(journal_release(test.journal, second, CARD, &err), 0, "not its own: nothing happens");
    expect_claims(&test, first, "[" ROW "]");
    cr_assert_eq(journal_release(test.journal, first, CARD, &err), 0);
    expect_claims(&test, first, "[]");
    cr_assert_eq(journal_is_claimed(test.journal, CARD, &held, &err), 0);
    cr_assert_not(held);
    cr_assert_eq(claim(&test, second, "[" ROW "]", &err), 0);
    expect_claims(&test, second, "[{'id': '0000:02:00.0'}, " ROW "]");
}

/* First the functions are claimed, then what they have is read and added. */
Test(journal, claims_are_made_in_two_steps)
{
    autotestjournal struct test_journal test;
    struct error err;

    test_journal_open(&test);
    int64_t number = test_journal_start(&test, "UPID:1");
    cr_assert_eq(claim(&test, number, "[{'id': '" CARD "'}, {'id': '0000:01:00.1'}]", &err), 0);
    cr_assert_eq(claim(&test, number, "[" ROW "]", &err), 0);
    expect_claims(&test, number, "[" ROW ", {'id': '0000:01:00.1'}]");
    cr_assert_eq(claim(&test, number, "[{'driver': 'x'}]", &err), -1);
    fixture_expect_error(&err, ERROR_INVALID, "no id");
}

/* A function that could not be brought back: the next start tries again, and whoever wants it may claim it.
 */
Test(journal, a_function_that_an_ended_operation_left_is_free)
{
    autotestjournal struct test_journal test;
    struct error err;
    bool held = true;

    test_journal_open(&test);
    int64_t first = test_journal_start(&test, "UPID:1");
    cr_assert_eq(claim(&test, first, "[" ROW "]", &err), 0);
    end(&test, first);
    cr_assert_eq(journal_is_claimed(test.journal, CARD, &held, &err), 0);
    cr_assert_not(held);
    expect_facts(&test, CARD, "{'left-by': {'operation': 'UPID:1'}}");
    cr_assert_eq(journal_delete_ended(test.journal, "UPID:1", &err), 0);
    expect_open(&test, "{'number': 1, 'id': 'UPID:1', 'operation': 'driver', 'lines': 0, 'workers': [],"
                       " 'arguments': {'id': '" CARD "', 'driver': 'vfio-pci'}, 'end': {'result': {}}}");
    int64_t second = test_journal_start(&test, "UPID:2");
    cr_assert_eq(claim(&test, second, "[" ROW "]", &err), 0);
    expect_claims(&test, first, "[]");
    expect_facts(&test, CARD, "{}");
}

Test(journal, an_origin_is_saved_once_for_each_device)
{
    autotestjournal struct test_journal test;
    struct error err;

    test_journal_open(&test);
    save(&test, "origin", "{'driver': 'nouveau', 'vendor': 4318, 'device': 9348}");
    save(&test, "origin", "{'driver': 'vfio-pci', 'vendor': 4318, 'device': 9348}");
    expect_facts(&test, CARD, "{'origin': {'driver': 'nouveau', 'vendor': 4318, 'device': 9348}}");
    save(&test, "origin", "{'driver': 'nvme', 'vendor': 5197, 'device': 43016}");
    expect_facts(&test, CARD, "{'origin': {'driver': 'nvme', 'vendor': 5197, 'device': 43016}}");
    cr_assert_eq(journal_forget_fact(test.journal, "origin", CARD, &err), 0);
    expect_facts(&test, CARD, "{}");
}

Test(journal, the_last_choice_and_the_last_reset_count)
{
    autotestjournal struct test_journal test;
    struct error err;

    test_journal_open(&test);
    save(&test, "choice", "{'driver': 'vfio-pci'}");
    save(&test, "choice", "{'driver': 'none'}");
    save(&test, "reset", "{'ok': 0}");
    save(&test, "reset", "{'ok': 1}");
    test_journal_open_again(&test, BOOT);
    expect_facts(&test, NULL, "{'" CARD "': {'choice': {'driver': 'none'}, 'reset': {'ok': 1}}}");
    expect_facts(&test, "0000:02:00.0", "{}");
    cr_assert_eq(journal_forget_fact(test.journal, "choice", CARD, &err), 0);
    test_journal_open_again(&test, BOOT);
    expect_facts(&test, NULL, "{'" CARD "': {'reset': {'ok': 1}}}");
}

Test(journal, forgets_what_has_ended_and_nothing_else)
{
    autotestjournal struct test_journal test;
    int64_t number;
    struct error err;

    test_journal_open(&test);
    int64_t running = test_journal_start(&test, "boot:1"), ended = test_journal_start(&test, "boot:2");
    cr_assert_eq(journal_log(test.journal, ended, 1, "a line", &err), 0);
    end(&test, ended);
    cr_assert_eq(journal_delete_ended(test.journal, "boot:1", &err), 0);
    cr_assert_eq(journal_delete_ended(test.journal, "boot:2", &err), 0);
    cr_assert_eq(journal_delete_ended(test.journal, "boot:3", &err), 0);
    cr_assert_eq(journal_find(test.journal, "boot:1", &number, &err), 0);
    cr_assert_eq(number, running);
    cr_assert_eq(journal_find(test.journal, "boot:2", &number, &err), -1);
    expect_line(&test, ended, 1, NULL);
}

Test(journal, history_is_bounded_and_what_runs_is_none)
{
    autotestjournal struct test_journal test;
    autojson json_t *gone = NULL;
    int64_t number, last = 0;
    struct error err;

    test_journal_open(&test);
    int64_t running = test_journal_start(&test, "running");
    int64_t unsettled = test_journal_start(&test, "unsettled");
    cr_assert_eq(claim(&test, unsettled, "[" ROW "]", &err), 0);
    end(&test, unsettled);
    int64_t first = test_journal_start(&test, "first");
    cr_assert_eq(journal_log(test.journal, first, 1, "a line", &err), 0);
    end(&test, first);
    for (int i = 0; i < JOURNAL_HISTORY; i++) {
        autofree char *id = xasprintf("UPID:%d", i);
        end(&test, last = test_journal_start(&test, id));
    }
    cr_assert_eq(journal_find(test.journal, "first", &number, &err), -1);
    expect_line(&test, first, 1, NULL);
    cr_assert_eq(journal_read_end(test.journal, first, &gone, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "any more");
    cr_assert_eq(journal_find(test.journal, "UPID:0", &number, &err), 0);
    cr_assert_eq(journal_find(test.journal, "running", &number, &err), 0);
    cr_assert_eq(number, running);
    cr_assert_eq(journal_find(test.journal, "unsettled", &number, &err), 0);
    expect_end(&test, last, "{'result': {}}");
}
