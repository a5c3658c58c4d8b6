/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tasks of this node and their logs. */
#include "storage/local.h"

#include "base/memory.h"
#include "storage/internal.h"
#include "storage/sqlite.h"
#include "storage/write.h"

static int insert_task(sqlite3 *db, const void *context, struct error *err)
{
    const struct local_task *task = context;
    autostmt sqlite3_stmt *insert = NULL;

    if (sqlite_prepare(
            db, "INSERT INTO task (number, upid, type, id, user, starttime) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            &insert, err) != 0)
        return -1;
    sqlite_bind_number(insert, 1, task->number);
    sqlite_bind_string(insert, 2, task->upid);
    sqlite_bind_string(insert, 3, task->type);
    sqlite_bind_string(insert, 4, task->id);
    sqlite_bind_string(insert, 5, task->user);
    sqlite_bind_number(insert, 6, task->starttime);
    return sqlite_step(insert, err);
}

int local_begin_task(struct storage *storage, const struct local_task *task, struct error *err)
{
    return write_run(storage, WRITE_DURABLE, insert_task, task, err);
}

static int insert_line(sqlite3 *db, int64_t task, const struct local_line *line, struct error *err)
{
    autostmt sqlite3_stmt *insert = NULL;

    if (sqlite_prepare(db, "INSERT INTO task_line (task, number, text, warning) VALUES (?1, ?2, ?3, ?4)",
                       &insert, err) != 0)
        return -1;
    sqlite_bind_number(insert, 1, task);
    sqlite_bind_number(insert, 2, line->number);
    sqlite_bind_string(insert, 3, line->text);
    sqlite_bind_number(insert, 4, line->warning);
    return sqlite_step(insert, err);
}

struct new_line {
    int64_t task;
    const struct local_line *line;
};

static int add_line(sqlite3 *db, const void *context, struct error *err)
{
    const struct new_line *new_line = context;

    return insert_line(db, new_line->task, new_line->line, err);
}

int local_add_line(struct storage *storage, int64_t task, const struct local_line *line, struct error *err)
{
    return write_run(storage, WRITE_LAZY, add_line, &(const struct new_line){task, line}, err);
}

struct task_end {
    int64_t task;
    const struct local_end *end;
};

static int end_task(sqlite3 *db, const void *context, struct error *err)
{
    const struct task_end *ended = context;
    const struct local_end *end = ended->end;
    autostmt sqlite3_stmt *update = NULL;

    if (insert_line(db, ended->task, &end->last, err) != 0 ||
        sqlite_prepare(db,
                       "UPDATE task SET endtime = ?2, result = ?3, status = ?4, lines = ?5 WHERE number = ?1",
                       &update, err) != 0)
        return -1;
    sqlite_bind_number(update, 1, ended->task);
    sqlite_bind_number(update, 2, end->endtime);
    sqlite_bind_string(update, 3, end->result);
    sqlite_bind_string(update, 4, end->status);
    sqlite_bind_number(update, 5, end->last.number);
    return sqlite_step(update, err);
}

int local_end_task(struct storage *storage, int64_t task, const struct local_end *end, struct error *err)
{
    return write_run(storage, WRITE_DURABLE, end_task, &(const struct task_end){task, end}, err);
}

struct limits {
    int tasks, lines;
};

/* The foreign key deletes their lines, too. */
static int delete_tasks(sqlite3 *db, const void *context, struct error *err)
{
    const struct limits *limits = context;
    autostmt sqlite3_stmt *delete = NULL;

    if (sqlite_prepare(db,
                       "DELETE FROM task WHERE number IN (SELECT number FROM ("
                       "  SELECT number, row_number() OVER newest AS tasks, sum(lines) OVER newest AS lines"
                       "  FROM task WHERE endtime IS NOT NULL WINDOW newest AS (ORDER BY number DESC))"
                       " WHERE tasks > ?1 OR lines > ?2)",
                       &delete, err) != 0)
        return -1;
    sqlite_bind_number(delete, 1, limits->tasks);
    sqlite_bind_number(delete, 2, limits->lines);
    return sqlite_step(delete, err);
}

int local_trim_tasks(struct storage *storage, int tasks, int lines, struct error *err)
{
    return write_run(storage, WRITE_LAZY, delete_tasks, &(const struct limits){tasks, lines}, err);
}

int local_last_task(struct storage *storage, int64_t *ret, struct error *err)
{
    autoreader struct storage *reading = storage_lock_reader(storage);

    return sqlite_read_number(storage->reader, "SELECT coalesce(max(number), 0) FROM task", ret, err);
}

int local_list_unfinished(struct storage *storage, json_t **ret, struct error *err)
{
    autojson json_t *tasks = json_array();
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL;
    int row;

    if (sqlite_prepare(storage->reader,
                       "SELECT task.number, upid, count(task_line.number), coalesce(sum(warning), 0) "
                       "FROM task LEFT JOIN task_line ON task_line.task = task.number "
                       "WHERE endtime IS NULL GROUP BY task.number ORDER BY task.number",
                       &select, err) != 0)
        return -1;
    while ((row = sqlite_step(select, err)) > 0)
        json_array_append_new(tasks, json_pack("{s:I, s:s, s:I, s:I}", "number",
                                               (json_int_t)sqlite3_column_int64(select, 0), "upid",
                                               sqlite_string(select, 1), "lines",
                                               (json_int_t)sqlite3_column_int64(select, 2), "warnings",
                                               (json_int_t)sqlite3_column_int64(select, 3)));
    if (row == 0)
        *ret = TAKE(tasks);
    return row;
}

#define TASK_COLUMNS "upid, type, id, user, starttime, endtime, result, status"

static json_t *make_task(sqlite3_stmt *select)
{
    json_t *task =
        json_pack("{s:s, s:s, s:s, s:s, s:I}", "upid", sqlite_string(select, 0), "type",
                  sqlite_string(select, 1), "id", sqlite_string(select, 2), "user", sqlite_string(select, 3),
                  "starttime", (json_int_t)sqlite3_column_int64(select, 4));

    if (sqlite3_column_type(select, 5) == SQLITE_NULL)
        return task;
    json_object_set_new(task, "endtime", json_integer(sqlite3_column_int64(select, 5)));
    json_object_set_new(task, "result", json_string(sqlite_string(select, 6)));
    json_object_set_new(task, "status", json_string(sqlite_string(select, 7)));
    return task;
}

int local_list_tasks(struct storage *storage, const struct local_filter *filter, json_t **ret,
                     int64_t *ret_total, struct error *err)
{
    autofree char *results = filter->results != NULL ? object_print(filter->results) : NULL;
    autojson json_t *tasks = json_array();
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL;
    int64_t total = 0;
    int row;

    if (sqlite_prepare(storage->reader,
                       "SELECT " TASK_COLUMNS " FROM task WHERE"
                       " CASE WHEN endtime IS NULL THEN ?2 ELSE ?1 END"
                       " AND (?3 IS NULL OR user = ?3 OR (substr(user, 1, length(?3) + 1) = ?3 || '!'"
                       " AND instr(substr(user, length(?3) + 1), '@') = 0))"
                       " AND (?3 IS NULL OR starttime >= ?10)"
                       " AND (?4 IS NULL OR instr(lower(user), lower(?4)))"
                       " AND (?5 IS NULL OR type = ?5) AND (?6 IS NULL OR id = ?6)"
                       " AND (?7 IS NULL OR result IN (SELECT value FROM json_each(?7)))"
                       " AND starttime >= ?8 AND (?9 = 0 OR starttime <= ?9) ORDER BY number DESC",
                       &select, err) != 0)
        return -1;
    sqlite_bind_number(select, 1, filter->state != LOCAL_RUNNING);
    sqlite_bind_number(select, 2, filter->state != LOCAL_ENDED);
    sqlite_bind_string(select, 3, filter->owner);
    sqlite_bind_string(select, 4, filter->user);
    sqlite_bind_string(select, 5, filter->type);
    sqlite_bind_string(select, 6, filter->id);
    sqlite_bind_string(select, 7, results);
    sqlite_bind_number(select, 8, filter->since);
    sqlite_bind_number(select, 9, filter->until);
    sqlite_bind_number(select, 10, filter->owner_since);
    for (; (row = sqlite_step(select, err)) > 0; total++)
        if (total >= filter->start && (filter->limit == 0 || total - filter->start < filter->limit))
            json_array_append_new(tasks, make_task(select));
    if (row != 0)
        return -1;
    *ret = TAKE(tasks);
    *ret_total = total;
    return 0;
}

int local_read_task(struct storage *storage, const char *upid, json_t **ret, struct error *err)
{
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL;

    if (sqlite_prepare(storage->reader, "SELECT " TASK_COLUMNS " FROM task WHERE upid = ?1", &select, err) !=
        0)
        return -1;
    sqlite_bind_string(select, 1, upid);
    int row = sqlite_step(select, err);
    if (row == 0)
        return error_set(err, ERROR_NOT_FOUND, "no such task");
    if (row > 0)
        *ret = make_task(select);
    return row < 0 ? -1 : 0;
}

#define TASK_OF_UPID "(SELECT number FROM task WHERE upid = ?1)"

int local_read_lines(struct storage *storage, const char *upid, int64_t start, int64_t limit, json_t **ret,
                     int64_t *ret_total, struct error *err)
{
    autojson json_t *lines = json_array();
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL, *last = NULL;
    int row;

    if (sqlite_prepare(storage->reader,
                       "SELECT number, text FROM task_line WHERE task = " TASK_OF_UPID
                       " AND number BETWEEN ?2 AND ?3 ORDER BY number",
                       &select, err) != 0 ||
        sqlite_prepare(storage->reader, "SELECT max(number) FROM task_line WHERE task = " TASK_OF_UPID, &last,
                       err) != 0)
        return -1;
    sqlite_bind_string(select, 1, upid);
    sqlite_bind_number(select, 2, start + 1);
    sqlite_bind_number(select, 3, limit == 0 ? INT64_MAX : start + limit);
    sqlite_bind_string(last, 1, upid);
    while ((row = sqlite_step(select, err)) > 0)
        json_array_append_new(lines, json_pack("{s:I, s:s}", "n", (json_int_t)sqlite3_column_int64(select, 0),
                                               "t", sqlite_string(select, 1)));
    if (row != 0 || sqlite_step(last, err) < 0)
        return -1;
    *ret = TAKE(lines);
    *ret_total = sqlite3_column_int64(last, 0);
    return 0;
}
