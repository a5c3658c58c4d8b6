/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a replica of a cluster's documents knows: how far it has got, and which documents it has. */
#include "base/memory.h"
#include "storage/internal.h"
#include "storage/sqlite.h"
#include "storage/write.h"

int position_write(sqlite3 *db, const struct storage_position *position, struct error *err)
{
    autostmt sqlite3_stmt *replace = NULL;

    if (sqlite_prepare(db, "INSERT OR REPLACE INTO position (one, source, revision) VALUES (1, ?1, ?2)",
                       &replace, err) != 0)
        return -1;
    sqlite_bind_string(replace, 1, position->source);
    sqlite_bind_number(replace, 2, position->revision);
    return sqlite_step(replace, err);
}

int storage_read_position(struct storage *storage, struct storage_position *ret, struct error *err)
{
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL;

    if (sqlite_prepare(storage->reader, "SELECT source, revision FROM position", &select, err) != 0)
        return -1;
    int row = sqlite_step(select, err);
    if (row < 0)
        return -1;
    *ret = (struct storage_position){0};
    if (row > 0) {
        snprintf(ret->source, sizeof(ret->source), "%s", sqlite_string(select, 0));
        ret->revision = sqlite3_column_int64(select, 1);
    }
    return 0;
}

static int forget(sqlite3 *db, const void *context, struct error *err)
{
    (void)context;
    return sqlite_execute(db, "DELETE FROM position", err);
}

int storage_forget_position(struct storage *storage, struct error *err)
{
    struct storage_position position;

    if (storage_read_position(storage, &position, err) != 0)
        return -1;
    return position.revision != 0 ? write_run(storage, WRITE_DURABLE, forget, NULL, err) : 0;
}

int storage_list_documents(struct storage *storage, json_t **ret, struct error *err)
{
    autojson json_t *list = json_array();
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL;
    int row;

    if (sqlite_prepare(storage->reader,
                       "SELECT kind, id, revision, body FROM document WHERE body IS NOT NULL", &select,
                       err) != 0)
        return -1;
    while ((row = sqlite_step(select, err)) > 0)
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:s}", "kind", sqlite_string(select, 0), "id",
                                              sqlite_string(select, 1), "revision",
                                              (json_int_t)sqlite3_column_int64(select, 2), "text",
                                              sqlite_string(select, 3)));
    if (row == 0)
        *ret = TAKE(list);
    return row;
}
