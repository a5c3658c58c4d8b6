/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's documents, read and written without its API. */
#include "tests/api/documents.h"

#include <criterion/criterion.h>
#include <sqlite3.h>

#include "base/memory.h"
#include "base/text.h"
#include "passthrough/index.h"
#include "storage/storage.h"
#include "tests/api/daemon.h"

void document_put(const char *kind, const char *id, const char *body)
{
    autofree char *path = xasprintf("%s/hostpci.db", daemon_state()), *quoted = xstrdup(body);
    struct change_set *set = change_set_new();
    struct storage *storage;
    struct error err;

    for (char *c = quoted; *c != '\0'; c++)
        if (*c == '\'')
            *c = '"';
    json_t *json = json_loads(quoted, 0, NULL);
    cr_assert_not_null(json, "not JSON: %s", quoted);
    cr_assert_eq(storage_open(path, passthrough_index, &storage, &err), 0, "%s", err.message);
    change_set_put(set, kind, id, REVISION_ANY, json);
    cr_assert_eq(storage_commit(storage, set, &err), 0, "%s", err.message);
    storage_close(storage);
}

char *document_dump(void)
{
    autofree char *path = xasprintf("%s/hostpci.db", daemon_state());
    sqlite3_stmt *statement = NULL;
    struct text text = {0};
    sqlite3 *db = NULL;

    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    cr_assert_eq(
        sqlite3_prepare_v2(db, "SELECT kind, id, body FROM document WHERE body IS NOT NULL ORDER BY 1, 2", -1,
                           &statement, NULL),
        SQLITE_OK, "%s", sqlite3_errmsg(db));
    while (sqlite3_step(statement) == SQLITE_ROW)
        for (int i = 0; i < 3; i++)
            text_printf(&text, "%s%s", (const char *)sqlite3_column_text(statement, i), i < 2 ? " " : "\n");
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return text_take(&text);
}
