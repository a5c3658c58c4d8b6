/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal: what it holds, and what of it a crash or a reboot leaves. */
#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/broker/desk.h"

#define ROW                                                                                                  \
    "{'id': '" CARD                                                                                          \
    "', 'vendor': 4318, 'device': 9348, 'driver': 'nouveau', 'override': '', 'wanted': 'vfio-pci'}"

static void end(struct desk *desk, int64_t number)
{
    autojson json_t *result = fixture_json("{'result': {}}");
    struct error err;

    cr_assert_eq(journal_end(desk->journal, number, result, &err), 0, "%s", err.message);
}

static int touch(struct desk *desk, int64_t number, const char *rows, struct error *err)
{
    autojson json_t *touched = fixture_json(rows);

    return journal_touch(desk->journal, number, touched, err);
}

static void expect_touched(struct desk *desk, int64_t number, const char *rows)
{
    json_t *touched;
    struct error err;

    cr_assert_eq(journal_read_touched(desk->journal, number, &touched, &err), 0, "%s", err.message);
    fixture_expect_json(touched, rows);
}

static void expect_facts(struct desk *desk, const char *function, const char *facts)
{
    json_t *found;
    struct error err;

    cr_assert_eq(journal_read_facts(desk->journal, function, &found, &err), 0, "%s", err.message);
    fixture_expect_json(found, facts);
}

static void keep(struct desk *desk, const char *kind, const char *body)
{
    autojson json_t *fact = fixture_json(body);
    struct error err;

    cr_assert_eq(journal_keep(desk->journal, kind, CARD, fact, &err), 0, "%s", err.message);
}

static void expect_line(struct desk *desk, int64_t number, int line, const char *text)
{
    autofree char *found = NULL;
    struct error err;

    cr_assert_eq(journal_read_line(desk->journal, number, line, &found, &err), text != NULL);
    if (text != NULL)
        cr_assert_str_eq(found, text);
}

static void expect_end(struct desk *desk, int64_t number, const char *text)
{
    json_t *found = NULL;
    struct error err;

    cr_assert_eq(journal_read_end(desk->journal, number, &found, &err), text != NULL);
    if (text != NULL)
        fixture_expect_json(found, text);
}

static json_t *list_open(struct desk *desk)
{
    json_t *open;
    struct error err;

    cr_assert_eq(journal_list_open(desk->journal, &open, &err), 0, "%s", err.message);
    return open;
}

/* The row of the only open operation, without what changes from test to test. */
static void expect_open(struct desk *desk, const char *row)
{
    autojson json_t *open = list_open(desk);

    cr_assert_eq(json_array_size(open), 1);
    json_t *found = json_array_get(open, 0);
    cr_assert_gt(json_integer_value(json_object_get(found, "started")), 1600000000);
    json_object_del(found, "started");
    fixture_expect_json(json_incref(found), row);
}

static void expect_none_open(struct desk *desk)
{
    fixture_expect_json(list_open(desk), "[]");
}

Test(journal, an_operation_has_lines_and_an_end)
{
    autodesk struct desk desk;
    int64_t found;
    struct error err;

    desk_open(&desk);
    int64_t number = desk_start(&desk, "UPID:1");
    cr_assert_eq(journal_find(desk.journal, "UPID:1", &found, &err), 0);
    cr_assert_eq(found, number);
    expect_end(&desk, number, NULL);
    expect_line(&desk, number, 1, NULL);
    cr_assert_eq(journal_log(desk.journal, number, 1, "first", &err), 0);
    cr_assert_eq(journal_log(desk.journal, number, 2, "it's \"quoted\"", &err), 0);
    expect_line(&desk, number, 2, "it's \"quoted\"");
    expect_line(&desk, number, 3, NULL);
    end(&desk, number);
    expect_end(&desk, number, "{'result': {}}");
    expect_none_open(&desk);
}

Test(journal, knows_each_operation_by_its_id_once)
{
    autodesk struct desk desk;
    autojson json_t *arguments = json_object();
    int64_t number = 7;
    struct error err;

    desk_open(&desk);
    end(&desk, desk_start(&desk, "UPID:1"));
    cr_assert_eq(journal_start(desk.journal, "UPID:1", "driver", arguments, (struct journal_worker){1, 1},
                               &number, &err),
                 -1);
    fixture_expect_error(&err, ERROR_CONFLICT, "'UPID:1' already");
    cr_assert_eq(journal_find(desk.journal, "UPID:2", &number, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "no operation 'UPID:2'");
    cr_assert_eq(number, 7);
}

/* kill -9 at any point leaves what was told before. */
Test(journal, keeps_what_a_broker_told_before_it_was_killed)
{
    autodesk struct desk desk;
    struct error err;

    desk_open(&desk);
    journal_close(TAKE(desk.journal));
    pid_t child = fork();
    if (child == 0) {
        desk_open_again(&desk, BOOT);
        int64_t number = desk_start(&desk, "UPID:1");
        journal_log(desk.journal, number, 1, "taken from nouveau", &err);
        touch(&desk, number, "[" ROW "]", &err);
        journal_step(desk.journal, number, CARD, "unbind from nouveau", &err);
        kill(getpid(), SIGKILL);
    }
    waitpid(child, NULL, 0);
    desk_open_again(&desk, BOOT);
    expect_open(&desk, "{'number': 1, 'id': 'UPID:1', 'operation': 'driver', 'lines': 1,"
                       " 'arguments': {'id': '" CARD "', 'driver': 'vfio-pci'},"
                       " 'workers': [{'pid': 41, 'start-time': 1234}]}");
    expect_line(&desk, 1, 1, "taken from nouveau");
    expect_touched(&desk, 1, "[" ROW "]");
}

/* Recovery may be cut off as well: all workers that may hang are known until the end. */
Test(journal, knows_each_worker_until_the_end)
{
    autodesk struct desk desk;
    struct error err;

    desk_open(&desk);
    int64_t number = desk_start(&desk, "UPID:1");
    cr_assert_eq(journal_resume(desk.journal, number, (struct journal_worker){42, 5678}, &err), 0);
    expect_open(&desk, "{'number': 1, 'id': 'UPID:1', 'operation': 'driver', 'lines': 0,"
                       " 'arguments': {'id': '" CARD "', 'driver': 'vfio-pci'},"
                       " 'workers': [{'pid': 41, 'start-time': 1234}, {'pid': 42, 'start-time': 5678}]}");
    end(&desk, number);
    cr_assert_eq(journal_resume(desk.journal, number, (struct journal_worker){43, 1}, &err), 0);
    expect_open(&desk, "{'number': 1, 'id': 'UPID:1', 'operation': 'driver', 'lines': 0,"
                       " 'arguments': {'id': '" CARD "', 'driver': 'vfio-pci'},"
                       " 'workers': [{'pid': 43, 'start-time': 1}]}");
}

Test(journal, after_a_reboot_operations_are_history)
{
    autodesk struct desk desk;
    struct error err;

    desk_open(&desk);
    int64_t number = desk_start(&desk, "UPID:1"), ended = desk_start(&desk, "UPID:2");
    cr_assert_eq(touch(&desk, number, "[" ROW "]", &err), 0);
    end(&desk, ended);
    keep(&desk, "choice", "{'driver': 'vfio-pci', 'vendor': 4318, 'device': 9348}");
    keep(&desk, "origin", "{'driver': 'nouveau', 'override': '', 'vendor': 4318, 'device': 9348}");
    keep(&desk, "reset", "{'method': 'flr', 'ok': 0, 'vendor': 4318, 'device': 9348}");

    desk_open_again(&desk, "another-boot");
    expect_none_open(&desk);
    expect_touched(&desk, number, "[]");
    expect_end(
        &desk, number,
        "{'error': {'kind': 'failed', 'field': '', 'message': 'interrupted by a reboot of the host: each "
        "function is as the kernel set it up'}}");
    expect_end(&desk, ended, "{'result': {}}");
    expect_facts(&desk, CARD, "{'choice': {'driver': 'vfio-pci', 'vendor': 4318, 'device': 9348}}");
}

Test(journal, a_function_is_in_one_hand)
{
    autodesk struct desk desk;
    struct error err;
    bool held = false;

    desk_open(&desk);
    int64_t first = desk_start(&desk, "UPID:1"), second = desk_start(&desk, "UPID:2");
    cr_assert_eq(touch(&desk, first, "[" ROW "]", &err), 0);
    cr_assert_eq(journal_is_held(desk.journal, CARD, &held, &err), 0);
    cr_assert(held);
    /* all or none */
    cr_assert_eq(touch(&desk, second, "[{'id': '0000:02:00.0'}, {'id': '" CARD "'}]", &err), -1);
    fixture_expect_error(&err, ERROR_BUSY, CARD " is in the hands of another operation, driver 'UPID:1'");
    expect_touched(&desk, second, "[]");
    cr_assert_eq(touch(&desk, second, "[{'id': '0000:02:00.0'}]", &err), 0);

    cr_assert_eq(journal_settle(desk.journal, second, CARD, &err), 0, "not its own: nothing happens");
    expect_touched(&desk, first, "[" ROW "]");
    cr_assert_eq(journal_settle(desk.journal, first, CARD, &err), 0);
    expect_touched(&desk, first, "[]");
    cr_assert_eq(journal_is_held(desk.journal, CARD, &held, &err), 0);
    cr_assert_not(held);
    cr_assert_eq(touch(&desk, second, "[" ROW "]", &err), 0);
    expect_touched(&desk, second, "[{'id': '0000:02:00.0'}, " ROW "]");
}

/* First the functions are taken, then it is read what they have. */
Test(journal, rows_are_told_in_two_steps)
{
    autodesk struct desk desk;
    struct error err;

    desk_open(&desk);
    int64_t number = desk_start(&desk, "UPID:1");
    cr_assert_eq(touch(&desk, number, "[{'id': '" CARD "'}, {'id': '0000:01:00.1'}]", &err), 0);
    cr_assert_eq(touch(&desk, number, "[" ROW "]", &err), 0);
    expect_touched(&desk, number, "[" ROW ", {'id': '0000:01:00.1'}]");
    cr_assert_eq(touch(&desk, number, "[{'driver': 'x'}]", &err), -1);
    fixture_expect_error(&err, ERROR_INVALID, "no id");
}

/* Could not be brought back: the next start tries again, and whoever wants the function has it. */
Test(journal, a_function_that_an_ended_operation_left_is_free)
{
    autodesk struct desk desk;
    struct error err;
    bool held = true;

    desk_open(&desk);
    int64_t first = desk_start(&desk, "UPID:1");
    cr_assert_eq(touch(&desk, first, "[" ROW "]", &err), 0);
    end(&desk, first);
    cr_assert_eq(journal_is_held(desk.journal, CARD, &held, &err), 0);
    cr_assert_not(held);
    expect_facts(&desk, CARD, "{'unsettled': {'operation': 'UPID:1'}}");
    cr_assert_eq(journal_forget(desk.journal, "UPID:1", &err), 0);
    expect_open(&desk, "{'number': 1, 'id': 'UPID:1', 'operation': 'driver', 'lines': 0, 'workers': [],"
                       " 'arguments': {'id': '" CARD "', 'driver': 'vfio-pci'}, 'end': {'result': {}}}");
    int64_t second = desk_start(&desk, "UPID:2");
    cr_assert_eq(touch(&desk, second, "[" ROW "]", &err), 0);
    expect_touched(&desk, first, "[]");
    expect_facts(&desk, CARD, "{}");
}

Test(journal, an_origin_is_kept_once_for_each_card)
{
    autodesk struct desk desk;
    struct error err;

    desk_open(&desk);
    keep(&desk, "origin", "{'driver': 'nouveau', 'vendor': 4318, 'device': 9348}");
    keep(&desk, "origin", "{'driver': 'vfio-pci', 'vendor': 4318, 'device': 9348}");
    expect_facts(&desk, CARD, "{'origin': {'driver': 'nouveau', 'vendor': 4318, 'device': 9348}}");
    keep(&desk, "origin", "{'driver': 'nvme', 'vendor': 5197, 'device': 43016}");
    expect_facts(&desk, CARD, "{'origin': {'driver': 'nvme', 'vendor': 5197, 'device': 43016}}");
    cr_assert_eq(journal_drop(desk.journal, "origin", CARD, &err), 0);
    expect_facts(&desk, CARD, "{}");
}

Test(journal, the_last_choice_and_the_last_reset_count)
{
    autodesk struct desk desk;
    struct error err;

    desk_open(&desk);
    keep(&desk, "choice", "{'driver': 'vfio-pci'}");
    keep(&desk, "choice", "{'driver': 'none'}");
    keep(&desk, "reset", "{'ok': 0}");
    keep(&desk, "reset", "{'ok': 1}");
    desk_open_again(&desk, BOOT);
    expect_facts(&desk, NULL, "{'" CARD "': {'choice': {'driver': 'none'}, 'reset': {'ok': 1}}}");
    expect_facts(&desk, "0000:02:00.0", "{}");
    cr_assert_eq(journal_drop(desk.journal, "choice", CARD, &err), 0);
    desk_open_again(&desk, BOOT);
    expect_facts(&desk, NULL, "{'" CARD "': {'reset': {'ok': 1}}}");
}

Test(journal, forgets_what_has_ended_and_nothing_else)
{
    autodesk struct desk desk;
    int64_t number;
    struct error err;

    desk_open(&desk);
    int64_t running = desk_start(&desk, "boot:1"), ended = desk_start(&desk, "boot:2");
    cr_assert_eq(journal_log(desk.journal, ended, 1, "a line", &err), 0);
    end(&desk, ended);
    cr_assert_eq(journal_forget(desk.journal, "boot:1", &err), 0);
    cr_assert_eq(journal_forget(desk.journal, "boot:2", &err), 0);
    cr_assert_eq(journal_forget(desk.journal, "boot:3", &err), 0);
    cr_assert_eq(journal_find(desk.journal, "boot:1", &number, &err), 0);
    cr_assert_eq(number, running);
    cr_assert_eq(journal_find(desk.journal, "boot:2", &number, &err), -1);
    expect_line(&desk, ended, 1, NULL);
}

Test(journal, history_is_bounded_and_what_runs_is_none)
{
    autodesk struct desk desk;
    autojson json_t *gone = NULL;
    int64_t number, last = 0;
    struct error err;

    desk_open(&desk);
    int64_t running = desk_start(&desk, "running");
    int64_t unsettled = desk_start(&desk, "unsettled");
    cr_assert_eq(touch(&desk, unsettled, "[" ROW "]", &err), 0);
    end(&desk, unsettled);
    int64_t first = desk_start(&desk, "first");
    cr_assert_eq(journal_log(desk.journal, first, 1, "a line", &err), 0);
    end(&desk, first);
    for (int i = 0; i < JOURNAL_HISTORY; i++) {
        autofree char *id = xasprintf("UPID:%d", i);
        end(&desk, last = desk_start(&desk, id));
    }
    cr_assert_eq(journal_find(desk.journal, "first", &number, &err), -1);
    expect_line(&desk, first, 1, NULL);
    cr_assert_eq(journal_read_end(desk.journal, first, &gone, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "any more");
    cr_assert_eq(journal_find(desk.journal, "UPID:0", &number, &err), 0);
    cr_assert_eq(journal_find(desk.journal, "running", &number, &err), 0);
    cr_assert_eq(number, running);
    cr_assert_eq(journal_find(desk.journal, "unsettled", &number, &err), 0);
    expect_end(&desk, last, "{'result': {}}");
}
