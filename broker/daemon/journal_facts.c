/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal: claims of functions, and facts about them. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "broker/daemon/journal_parts.h"
#include "broker/protocol.h"

/* ERROR_BUSY if another operation, which has not ended, has claimed the function. */
static int check_free(struct journal *journal, const char *function, int64_t number, struct error *err)
{
    autoreset sqlite3_stmt *find = journal->statements[FIND_HOLDER];

    sqlite_bind_string(find, 1, function);
    int found = sqlite_step(find, err);
    if (found <= 0)
        return found;
    if (sqlite3_column_int64(find, 0) == number || sqlite3_column_int(find, 3) == 0)
        return 0;
    return error_set(err, ERROR_BUSY,
                     "%s is being changed by another operation, %s '%.200s': wait for its end", function,
                     sqlite_string(find, 2), sqlite_string(find, 1));
}

static int claim(struct journal *journal, int64_t number, const json_t *row, struct error *err)
{
    autoreset sqlite3_stmt *statement = journal->statements[CLAIM];
    const char *function = json_string_value(json_object_get(row, "id"));
    autofree char *body = json_dumps(row, JSON_COMPACT);

    if (function == NULL)
        return error_set(err, ERROR_INVALID, "a claim names no function: it has no id");
    if (check_free(journal, function, number, err) != 0)
        return -1;
    sqlite_bind_string(statement, 1, function);
    sqlite_bind_number(statement, 2, number);
    sqlite_bind_string(statement, 3, body);
    return journal_run(statement, err);
}

int journal_claim(struct journal *journal, int64_t number, const json_t *claims, struct error *err)
{
    size_t i;
    const json_t *row;

    if (sqlite_begin(journal->db, err) != 0)
        return -1;
    json_array_foreach(claims, i, row) {
        if (claim(journal, number, row, err) != 0) {
            sqlite_rollback(journal->db);
            return -1;
        }
    }
    return sqlite_commit(journal->db, err);
}

int journal_release(struct journal *journal, int64_t number, const char *function, struct error *err)
{
    autoreset sqlite3_stmt *release = journal->statements[RELEASE];

    sqlite_bind_number(release, 1, number);
    sqlite_bind_string(release, 2, function);
    return journal_run(release, err);
}

int journal_read_claims(struct journal *journal, int64_t number, json_t **ret, struct error *err)
{
    autoreset sqlite3_stmt *read = journal->statements[READ_CLAIMS];
    autojson json_t *rows = json_array();
    int found;

    sqlite_bind_number(read, 1, number);
    while ((found = sqlite_step(read, err)) > 0)
        json_array_append_new(rows, journal_json(read, 0));
    if (found < 0)
        return -1;
    *ret = TAKE(rows);
    return 0;
}

int journal_is_claimed(struct journal *journal, const char *function, bool *ret, struct error *err)
{
    autoreset sqlite3_stmt *find = journal->statements[FIND_HOLDER];

    sqlite_bind_string(find, 1, function);
    int found = sqlite_step(find, err);
    if (found < 0)
        return -1;
    *ret = found > 0 && sqlite3_column_int(find, 3) != 0;
    return 0;
}

static int save(struct journal *journal, const char *kind, const char *function, const char *body,
                struct error *err)
{
    autoreset sqlite3_stmt *save =
        journal->statements[strcmp(kind, "origin") == 0 ? SAVE_FACT_ONCE : SAVE_FACT];

    sqlite_bind_string(save, 1, function);
    sqlite_bind_string(save, 2, kind);
    sqlite_bind_string(save, 3, journal->boot);
    sqlite_bind_string(save, 4, body);
    return journal_run(save, err);
}

static int forget(struct journal *journal, const char *kind, const char *function, struct error *err)
{
    autoreset sqlite3_stmt *forget = journal->statements[FORGET_FACT];

    sqlite_bind_string(forget, 1, function);
    sqlite_bind_string(forget, 2, kind);
    return journal_run(forget, err);
}

/* Facts that outlive a boot must survive a power cut. */
static int set_durable(struct journal *journal, const char *kind, bool durable, struct error *err)
{
    if (strcmp(kind, "origin") == 0 || strcmp(kind, "reset") == 0 || text_starts_with(kind, FACT_MADE))
        return 0;
    return sqlite_execute(journal->db, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
                          err);
}

int journal_save_fact(struct journal *journal, const char *kind, const char *function, const json_t *body,
                      struct error *err)
{
    autofree char *text = json_dumps(body, JSON_COMPACT);
    struct error ignored;

    if (set_durable(journal, kind, true, err) != 0)
        return -1;
    int result = save(journal, kind, function, text, err);
    set_durable(journal, kind, false, &ignored); /* if it stays on, the broker is only slower */
    return result;
}

int journal_forget_fact(struct journal *journal, const char *kind, const char *function, struct error *err)
{
    struct error ignored;

    if (set_durable(journal, kind, true, err) != 0)
        return -1;
    int result = forget(journal, kind, function, err);
    set_durable(journal, kind, false, &ignored);
    return result;
}

static json_t *member(json_t *object, const char *name)
{
    json_t *found = json_object_get(object, name);

    if (found != NULL)
        return found;
    json_object_set_new(object, name, json_object());
    return json_object_get(object, name);
}

int journal_read_facts(struct journal *journal, const char *function, json_t **ret, struct error *err)
{
    autoreset sqlite3_stmt *read = journal->statements[READ_FACTS];
    autojson json_t *facts = json_object();
    int found;

    sqlite_bind_string(read, 1, function);
    while ((found = sqlite_step(read, err)) > 0) {
        json_t *of = function != NULL ? facts : member(facts, sqlite_string(read, 0));
        json_object_set_new(of, sqlite_string(read, 1), journal_json(read, 2));
    }
    if (found < 0)
        return -1;
    *ret = TAKE(facts);
    return 0;
}
