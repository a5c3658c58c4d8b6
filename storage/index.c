/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Index tables: filling them and asking them. */
#include "storage/index.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "storage/internal.h"
#include "storage/sqlite.h"

static const struct {
    const char *insert; /* ?1 the document's id, ?2 node, ?3 key, ?4 named */
    const char *delete; /* ?1 the document's id */
    const char *clear;
} tables[INDEX_TABLES] = {
    [INDEX_MAPPING_DEVICE] = {"INSERT OR REPLACE INTO pci_mapping_entry VALUES (?1, ?2, ?3, ?4)",
                              "DELETE FROM pci_mapping_entry WHERE mapping = ?1",
                              "DELETE FROM pci_mapping_entry"},
    [INDEX_VM_DEVICE] = {"INSERT OR REPLACE INTO vm_device VALUES (?1, ?2, ?3, ?4)",
                         "DELETE FROM vm_device WHERE vm = ?1", "DELETE FROM vm_device"},
    [INDEX_VM_MAPPING] = {"INSERT OR REPLACE INTO vm_mapping VALUES (?1, ?2, ?3, ?4)",
                          "DELETE FROM vm_mapping WHERE vm = ?1", "DELETE FROM vm_mapping"},
};

/* Where the rows of one document go. */
struct index_rows {
    sqlite3 *db;
    const char *id;
    const struct index_kind *kind;
};

int index_add(struct index_rows *rows, enum index_table table, const char *node, const char *key,
              const char *named, struct error *err)
{
    autostmt sqlite3_stmt *insert = NULL;

    assert(rows->kind->fills[table]); /* or a change of the document would leave the row behind */
    if (sqlite_prepare(rows->db, tables[table].insert, &insert, err) != 0)
        return -1;
    sqlite_bind_string(insert, 1, rows->id);
    sqlite_bind_string(insert, 2, node);
    sqlite_bind_string(insert, 3, key);
    sqlite_bind_string(insert, 4, named);
    return sqlite_step(insert, err);
}

static int delete_rows(sqlite3 *db, const char *sql, const char *id, struct error *err)
{
    autostmt sqlite3_stmt *delete = NULL;

    if (sqlite_prepare(db, sql, &delete, err) != 0)
        return -1;
    sqlite_bind_string(delete, 1, id);
    return sqlite_step(delete, err);
}

int index_update(sqlite3 *db, const struct index_kind *kinds, const char *kind, const char *id,
                 const json_t *body, struct error *err)
{
    while (kinds->kind != NULL && strcmp(kinds->kind, kind) != 0)
        kinds++;
    if (kinds->kind == NULL)
        return 0;
    for (int table = 0; table < INDEX_TABLES; table++)
        if (kinds->fills[table] && delete_rows(db, tables[table].delete, id, err) != 0)
            return -1;
    return body != NULL ? kinds->add_rows(id, body, &(struct index_rows){db, id, kinds}, err) : 0;
}

int index_rebuild(sqlite3 *db, const struct index_kind *kinds, struct error *err)
{
    autostmt sqlite3_stmt *select = NULL;
    int row;

    for (int table = 0; table < INDEX_TABLES; table++)
        if (sqlite_execute(db, tables[table].clear, err) != 0)
            return -1;
    if (sqlite_prepare(db, "SELECT kind, id, body FROM document WHERE body IS NOT NULL", &select, err) != 0)
        return -1;
    while ((row = sqlite_step(select, err)) > 0) {
        autojson json_t *body = NULL;
        const char *kind = sqlite_string(select, 0), *id = sqlite_string(select, 1);

        if (object_parse(kind, id, sqlite_string(select, 2), &body, err) != 0 ||
            index_update(db, kinds, kind, id, body, err) != 0)
            return -1;
    }
    return row;
}

/* Prepares a question about a device: ?1 is the node, ?2 the device, ?3 its slot. */
static int prepare_question(sqlite3 *db, const char *sql, const char *node, const char *path,
                            const char *slot, sqlite3_stmt **ret, struct error *err)
{
    if (sqlite_prepare(db, sql, ret, err) != 0)
        return -1;
    sqlite_bind_string(*ret, 1, node);
    sqlite_bind_string(*ret, 2, path);
    sqlite_bind_string(*ret, 3, slot);
    return 0;
}

int index_mappings_of_device(struct storage *storage, const char *node, const char *path, json_t **ret,
                             struct error *err)
{
    autofree char *slot = xstrndup(path, strcspn(path, "."));
    autojson json_t *mappings = json_array();
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL;
    int row;

    if (prepare_question(storage->reader,
                         "SELECT DISTINCT mapping FROM pci_mapping_entry WHERE node = ?1 AND path IN (?2, ?3)"
                         " ORDER BY mapping",
                         node, path, slot, &select, err) != 0)
        return -1;
    while ((row = sqlite_step(select, err)) > 0)
        json_array_append_new(mappings, json_string(sqlite_string(select, 0)));
    if (row == 0)
        *ret = TAKE(mappings);
    return row;
}

int index_vms_of_device(struct storage *storage, const char *node, const char *path, json_t **ret,
                        struct error *err)
{
    autofree char *slot = xstrndup(path, strcspn(path, "."));
    autojson json_t *vms = json_array();
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL;
    int row;

    if (prepare_question(storage->reader,
                         "SELECT vm, key FROM ("
                         "  SELECT vm, key FROM vm_device WHERE node = ?1 AND path IN (?2, ?3)"
                         "  UNION SELECT vm, key FROM vm_mapping WHERE node = ?1 AND mapping IN"
                         "    (SELECT mapping FROM pci_mapping_entry WHERE node = ?1 AND path IN (?2, ?3)))"
                         "ORDER BY vm, length(key), key",
                         node, path, slot, &select, err) != 0)
        return -1;
    while ((row = sqlite_step(select, err)) > 0)
        json_array_append_new(vms,
                              json_pack("{s:I, s:s}", "vmid", (json_int_t)sqlite3_column_int64(select, 0),
                                        "key", sqlite_string(select, 1)));
    if (row == 0)
        *ret = TAKE(vms);
    return row;
}
