/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks of this node in the database: written, found again and in the end deleted. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "storage/internal.h"
#include "storage/local.h"
#include "storage/sqlite.h"
#include "tests/unit/storage/fixture.h"

static void begin(struct storage *storage, int64_t number, const char *type, const char *id, const char *user)
{
    autofree char *upid = xasprintf("UPID:%d", (int)number);
    struct error err;

    cr_assert_eq(local_begin_task(
                     storage, &(const struct local_task){number, upid, type, id, user, number * 100}, &err),
                 0, "%s", err.message);
}

static void add(struct storage *storage, int64_t task, int number, const char *text)
{
    struct error err;

    cr_assert_eq(
        local_add_line(storage, task, &(const struct local_line){number, text, text[0] == 'W'}, &err), 0,
        "%s", err.message);
}

static void end(struct storage *storage, int64_t task, const char *result, int last_line)
{
    const struct local_end end = {task * 100 + 50, result, result, {last_line, "the end", false}};
    struct error err;

    cr_assert_eq(local_end_task(storage, task, &end, &err), 0, "%s", err.message);
}

/* Expects the numbers of the tasks that match, in the order of the list: "3 1". */
static void lists(struct storage *storage, const struct local_filter *filter, const char *numbers,
                  int64_t total)
{
    autojson json_t *list = NULL;
    autotext struct text text = {0};
    const json_t *row;
    struct error err;
    int64_t counted;
    size_t i;

    cr_assert_eq(local_list_tasks(storage, filter, &list, &counted, &err), 0, "%s", err.message);
    json_array_foreach(list, i, row)
        text_printf(&text, "%s%s", i > 0 ? " " : "",
                    strchr(json_string_value(json_object_get(row, "upid")), ':') + 1);
    cr_assert_str_eq(text_string(&text), numbers);
    cr_assert_eq(counted, total);
}
#define LISTS(numbers, total, ...) lists(storage, &(const struct local_filter){__VA_ARGS__}, numbers, total)

static int64_t count_lines(struct storage *storage)
{
    struct error err;
    int64_t count;

    cr_assert_eq(sqlite_read_number(storage->reader, "SELECT count(*) FROM task_line", &count, &err), 0);
    return count;
}

Test(storage_local, keeps_a_task_over_a_restart)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    struct storage *storage = fixture_open(fixture.path);
    json_t *task, *lines;
    int64_t total, last;
    struct error err;

    cr_assert_eq(local_last_task(storage, &last, &err), 0);
    cr_assert_eq(last, 0);
    begin(storage, 1, "pcireset", "0000:01:00.0", "root@pam!ci");
    add(storage, 1, 1, "first");
    end(storage, 1, "ok", 2);
    storage_close(storage);

    autostorage struct storage *again = fixture_open(fixture.path);
    cr_assert_eq(local_read_task(again, "UPID:1", &task, &err), 0, "%s", err.message);
    fixture_expect_json(task,
                        "{'upid': 'UPID:1', 'type': 'pcireset', 'id': '0000:01:00.0', 'user': 'root@pam!ci', "
                        "'starttime': 100, 'endtime': 150, 'result': 'ok', 'status': 'ok'}");
    cr_assert_eq(local_read_lines(again, "UPID:1", 0, 0, &lines, &total, &err), 0);
    fixture_expect_json(lines, "[{'n': 1, 't': 'first'}, {'n': 2, 't': 'the end'}]");
    cr_assert_eq(total, 2);
    cr_assert_eq(local_last_task(again, &last, &err), 0);
    cr_assert_eq(last, 1);
}

Test(storage_local, tells_what_has_not_ended)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    json_t *list, *task;
    struct error err;

    begin(storage, 1, "pcireset", "", "root@pam");
    end(storage, 1, "ok", 1);
    begin(storage, 2, "pcireset", "", "root@pam");
    begin(storage, 3, "pcidriver", "", "root@pam");
    add(storage, 3, 1, "one");
    add(storage, 3, 2, "W two");
    cr_assert_eq(local_list_unfinished(storage, &list, &err), 0, "%s", err.message);
    fixture_expect_json(list, "[{'number': 2, 'upid': 'UPID:2', 'lines': 0, 'warnings': 0},"
                              " {'number': 3, 'upid': 'UPID:3', 'lines': 2, 'warnings': 1}]");
    cr_assert_eq(local_read_task(storage, "UPID:2", &task, &err), 0);
    fixture_expect_json(
        task, "{'upid': 'UPID:2', 'type': 'pcireset', 'id': '', 'user': 'root@pam', 'starttime': 200}");
    cr_assert_eq(local_read_task(storage, "UPID:4", &task, &err), -1);
    fixture_expect_error(&err, ERROR_NOT_FOUND, "no such task");
}

Test(storage_local, lists_what_was_asked_for_newest_first)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    autojson json_t *bad = fixture_json("['error', 'warning']");

    begin(storage, 1, "pcireset", "a", "root@pam");
    end(storage, 1, "ok", 1);
    begin(storage, 2, "pcidriver", "a", "root@pam!ci");
    end(storage, 2, "error", 1);
    begin(storage, 3, "pcidriver", "b", "anna@pve");
    end(storage, 3, "warning", 1);
    begin(storage, 4, "pcidriver", "b", "root@pamela");

    LISTS("2", 1, .state = LOCAL_ALL, .owner = "root@pam", .owner_since = 200);
    LISTS("3 2 1", 3, .state = LOCAL_ENDED);
    LISTS("4", 1, .state = LOCAL_RUNNING);
    LISTS("4 3 2 1", 4, .state = LOCAL_ALL);
    LISTS("2 1", 2, .state = LOCAL_ALL, .owner = "root@pam");
    LISTS("2", 1, .state = LOCAL_ALL, .owner = "root@pam!ci");
    LISTS("", 0, .state = LOCAL_ALL, .owner = "root@pa");
    LISTS("4 2 1", 3, .state = LOCAL_ALL, .user = "ROOT@");
    LISTS("", 0, .state = LOCAL_ALL, .user = "%");
    LISTS("1", 1, .state = LOCAL_ALL, .type = "pcireset");
    LISTS("4 3", 2, .state = LOCAL_ALL, .id = "b");
    LISTS("3 2", 2, .state = LOCAL_ALL, .results = bad);
    LISTS("3 2", 2, .state = LOCAL_ALL, .since = 200, .until = 300);
    LISTS("3 2", 4, .state = LOCAL_ALL, .start = 1, .limit = 2);
    LISTS("", 4, .state = LOCAL_ALL, .start = 9, .limit = 2);
}

/* "joe@pve!x@pve" is a user, not a token of joe@pve. */
Test(storage_local, tells_tokens_from_users_whose_names_begin_alike)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);

    begin(storage, 1, "pcireset", "", "joe@pve");
    begin(storage, 2, "pcireset", "", "joe@pve!ci");
    begin(storage, 3, "pcireset", "", "joe@pve!x@pve");
    begin(storage, 4, "pcireset", "", "joe@pve!x@pve!ci");
    LISTS("2 1", 2, .state = LOCAL_ALL, .owner = "joe@pve");
    LISTS("4 3", 2, .state = LOCAL_ALL, .owner = "joe@pve!x@pve");
    LISTS("2", 1, .state = LOCAL_ALL, .owner = "joe@pve!ci");
}

Test(storage_local, gives_a_part_of_a_log)
{
    static const struct {
        int64_t start, limit;
        const char *lines;
    } parts[] = {
        {0, 1, "[{'n': 1, 't': 'one'}]"},
        {1, 0, "[{'n': 2, 't': 'two'}, {'n': 3, 't': 'three'}]"},
        {1, 1, "[{'n': 2, 't': 'two'}]"},
        {2, 50, "[{'n': 3, 't': 'three'}]"},
        {3, 50, "[]"},
    };
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct error err;
    int64_t total;
    json_t *lines;

    begin(storage, 1, "pcireset", "", "root@pam");
    add(storage, 1, 1, "one");
    add(storage, 1, 2, "two");
    add(storage, 1, 3, "three");
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        cr_assert_eq(
            local_read_lines(storage, "UPID:1", parts[i].start, parts[i].limit, &lines, &total, &err), 0);
        fixture_expect_json(lines, parts[i].lines);
        cr_assert_eq(total, 3);
    }
    cr_assert_eq(local_read_lines(storage, "UPID:2", 0, 0, &lines, &total, &err), 0);
    fixture_expect_json(lines, "[]");
    cr_assert_eq(total, 0);
}

Test(storage_local, forgets_the_oldest_and_their_lines)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    struct error err;

    begin(storage, 1, "pcireset", "", "root@pam");
    for (int i = 2; i <= 6; i++) {
        begin(storage, i, "pcireset", "", "root@pam");
        add(storage, i, 1, "a line");
        end(storage, i, "ok", 2);
    }
    cr_assert_eq(local_trim_tasks(storage, 4, 1000, &err), 0, "%s", err.message);
    LISTS("6 5 4 3 1", 5, .state = LOCAL_ALL);
    cr_assert_eq(count_lines(storage), 8);
    cr_assert_eq(local_trim_tasks(storage, 4, 5, &err), 0, "%s", err.message);
    LISTS("6 5 1", 3, .state = LOCAL_ALL);
    cr_assert_eq(count_lines(storage), 4);
}

Test(storage_local, a_task_ends_whole_or_not_at_all)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    const struct local_end wrong = {150, "ok", "OK", {1, "TASK OK", false}};
    struct error err;

    begin(storage, 1, "pcireset", "", "root@pam");
    add(storage, 1, 1, "there is a line 1 already");
    cr_assert_eq(local_end_task(storage, 1, &wrong, &err), -1);
    LISTS("1", 1, .state = LOCAL_RUNNING);
    end(storage, 1, "ok", 2);
    LISTS("1", 1, .state = LOCAL_ENDED);
}
