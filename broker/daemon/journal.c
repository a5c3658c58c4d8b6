/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal: operations and their lines. */
#include "broker/daemon/journal.h"

#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "broker/daemon/journal_parts.h"

int journal_find(struct journal *journal, const char *id, int64_t *ret, struct error *err)
{
    autoreset sqlite3_stmt *find = journal->statements[FIND];

    sqlite_bind_string(find, 1, id);
    int found = sqlite_step(find, err);
    if (found == 0)
        return error_set(err, ERROR_NOT_FOUND, "the broker knows no operation '%.200s'", id);
    if (found > 0)
        *ret = sqlite3_column_int64(find, 0);
    return found < 0 ? -1 : 0;
}

static int add_worker(struct journal *journal, int64_t number, struct journal_worker worker,
                      struct error *err)
{
    autoreset sqlite3_stmt *add = journal->statements[ADD_WORKER];

    sqlite_bind_number(add, 1, number);
    sqlite_bind_number(add, 2, worker.pid);
    sqlite_bind_number(add, 3, worker.start);
    return journal_run(add, err);
}

/* Statements with nothing but the operation's number. */
static int change(struct journal *journal, enum statement which, int64_t number, struct error *err)
{
    autoreset sqlite3_stmt *statement = journal->statements[which];

    sqlite_bind_number(statement, 1, number);
    return journal_run(statement, err);
}

static int insert(struct journal *journal, const char *id, const char *operation, const json_t *arguments,
                  int64_t *ret, struct error *err)
{
    autoreset sqlite3_stmt *start = journal->statements[START];
    autofree char *text = json_dumps(arguments, JSON_COMPACT | JSON_SORT_KEYS);

    sqlite_bind_string(start, 1, id);
    sqlite_bind_string(start, 2, operation);
    sqlite_bind_string(start, 3, text);
    sqlite_bind_string(start, 4, journal->boot);
    sqlite_bind_number(start, 5, time(NULL));
    if (journal_run(start, err) != 0)
        return -1;
    *ret = sqlite3_last_insert_rowid(journal->db);
    return 0;
}

/* Commits the transaction if `result` is 0, else rolls it back. */
static int finish(struct journal *journal, int result, struct error *err)
{
    if (result == 0)
        return sqlite_commit(journal->db, err);
    sqlite_rollback(journal->db);
    return -1;
}

int journal_start(struct journal *journal, const char *id, const char *operation, const json_t *arguments,
                  struct journal_worker worker, int64_t *ret, struct error *err)
{
    struct error unknown;
    int64_t number;

    if (journal_find(journal, id, &number, &unknown) == 0)
        return error_set(err, ERROR_CONFLICT, "there is an operation '%.200s' already", id);
    if (sqlite_begin(journal->db, err) != 0)
        return -1;
    int result = insert(journal, id, operation, arguments, &number, err);
    if (result == 0)
        result = add_worker(journal, number, worker, err);
    if (result == 0)
        result = change(journal, TRIM, number - JOURNAL_HISTORY, err);
    if (finish(journal, result, err) != 0)
        return -1;
    *ret = number;
    return 0;
}

int journal_delete_ended(struct journal *journal, const char *id, struct error *err)
{
    autoreset sqlite3_stmt *forget = journal->statements[DELETE_ENDED];

    sqlite_bind_string(forget, 1, id);
    return journal_run(forget, err);
}

int journal_resume(struct journal *journal, int64_t number, struct journal_worker worker, struct error *err)
{
    if (sqlite_begin(journal->db, err) != 0)
        return -1;
    int result = change(journal, RESUME, number, err);
    if (result == 0)
        result = add_worker(journal, number, worker, err);
    return finish(journal, result, err);
}

int journal_log(struct journal *journal, int64_t number, int line, const char *text, struct error *err)
{
    autoreset sqlite3_stmt *log = journal->statements[LOG];

    sqlite_bind_number(log, 1, number);
    sqlite_bind_number(log, 2, line);
    sqlite_bind_string(log, 3, text);
    return journal_run(log, err);
}

int journal_step(struct journal *journal, int64_t number, const char *function, const char *text,
                 struct error *err)
{
    autoreset sqlite3_stmt *step = journal->statements[STEP];

    sqlite_bind_number(step, 1, number);
    sqlite_bind_string(step, 2, function);
    sqlite_bind_string(step, 3, text);
    return journal_run(step, err);
}

static int set_end(struct journal *journal, int64_t number, const char *end, struct error *err)
{
    autoreset sqlite3_stmt *statement = journal->statements[END];

    sqlite_bind_number(statement, 1, number);
    sqlite_bind_string(statement, 2, end);
    return journal_run(statement, err);
}

int journal_end(struct journal *journal, int64_t number, const json_t *end, struct error *err)
{
    autofree char *text = json_dumps(end, JSON_COMPACT);

    if (sqlite_begin(journal->db, err) != 0)
        return -1;
    int result = set_end(journal, number, text, err);
    if (result == 0)
        result = change(journal, DROP_WORKERS, number, err);
    return finish(journal, result, err);
}

int journal_read_line(struct journal *journal, int64_t number, int line, char **ret, struct error *err)
{
    autoreset sqlite3_stmt *read = journal->statements[READ_LINE];

    sqlite_bind_number(read, 1, number);
    sqlite_bind_number(read, 2, line);
    int found = sqlite_step(read, err);
    if (found > 0)
        *ret = xstrdup(sqlite_string(read, 0));
    return found;
}

int journal_read_end(struct journal *journal, int64_t number, json_t **ret, struct error *err)
{
    autoreset sqlite3_stmt *read = journal->statements[READ_END];

    sqlite_bind_number(read, 1, number);
    int found = sqlite_step(read, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return error_set(err, ERROR_NOT_FOUND, "the broker does not know this operation any more");
    if (sqlite3_column_type(read, 0) == SQLITE_NULL)
        return 0;
    *ret = journal_json(read, 0);
    return 1;
}

static json_t *read_open(sqlite3_stmt *list)
{
    json_t *row =
        json_pack("{s:I, s:s, s:s, s:o, s:I, s:I, s:o}", "number", (json_int_t)sqlite3_column_int64(list, 0),
                  "id", sqlite_string(list, 1), "operation", sqlite_string(list, 2), "arguments",
                  journal_json(list, 3), "started", (json_int_t)sqlite3_column_int64(list, 4), "lines",
                  (json_int_t)sqlite3_column_int64(list, 5), "workers", journal_json(list, 6));
    if (sqlite3_column_type(list, 7) != SQLITE_NULL)
        json_object_set_new(row, "end", journal_json(list, 7));
    return row;
}

int journal_list_open(struct journal *journal, json_t **ret, struct error *err)
{
    autoreset sqlite3_stmt *list = journal->statements[LIST_OPEN];
    autojson json_t *rows = json_array();
    int found;

    while ((found = sqlite_step(list, err)) > 0)
        json_array_append_new(rows, read_open(list));
    if (found < 0)
        return -1;
    *ret = TAKE(rows);
    return 0;
}
