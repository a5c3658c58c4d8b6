/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Index tables: what is asked across documents. */
#include "storage/index.h"

#include <string.h>

#include "base/memory.h"
#include "storage/index_vm.h"
#include "storage/internal.h"
#include "storage/sqlite.h"

static int insert_pci_path(sqlite3 *db, const char *mapping, const json_t *entry, const char *path,
                           struct error *err)
{
    autostmt sqlite3_stmt *insert = NULL;
    const char *node = json_string_value(json_object_get(entry, "node"));
    const char *device = json_string_value(json_object_get(entry, "id"));

    if (node == NULL || device == NULL)
        return 0;
    if (sqlite_prepare(db, "INSERT OR REPLACE INTO pci_mapping_entry VALUES (?1, ?2, ?3, ?4)", &insert,
                       err) != 0)
        return -1;
    sqlite_bind_string(insert, 1, mapping);
    sqlite_bind_string(insert, 2, node);
    sqlite_bind_string(insert, 3, path);
    sqlite_bind_string(insert, 4, device);
    return sqlite_step(insert, err);
}

/* A path may be a list: "0000:01:00.0;0000:01:00.1". */
static int insert_pci_entry(sqlite3 *db, const char *mapping, const json_t *entry, struct error *err)
{
    const char *list = json_string_value(json_object_get(entry, "path"));
    autofree char *copy = xstrdup(list != NULL ? list : "");
    char *rest = copy, *path;

    while ((path = strsep(&rest, ";")) != NULL)
        if (*path != '\0' && insert_pci_path(db, mapping, entry, path, err) != 0)
            return -1;
    return 0;
}

static int update_pci_mapping(sqlite3 *db, const char *id, const json_t *body, struct error *err)
{
    autostmt sqlite3_stmt *delete = NULL;
    json_t *entry;
    size_t i;

    if (sqlite_prepare(db, "DELETE FROM pci_mapping_entry WHERE mapping = ?1", &delete, err) != 0)
        return -1;
    sqlite_bind_string(delete, 1, id);
    if (sqlite_step(delete, err) != 0)
        return -1;
    json_array_foreach(json_object_get(body, "map"), i, entry)
        if (insert_pci_entry(db, id, entry, err) != 0)
            return -1;
    return 0;
}

static const struct {
    const char *kind;
    int (*update)(sqlite3 *db, const char *id, const json_t *body, struct error *err);
} indexed[] = {
    {"mapping-pci", update_pci_mapping},
    {"vm", index_update_vm},
};

int index_update(sqlite3 *db, const char *kind, const char *id, const json_t *body, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(indexed); i++)
        if (strcmp(indexed[i].kind, kind) == 0)
            return indexed[i].update(db, id, body, err);
    return 0;
}

int index_rebuild(sqlite3 *db, struct error *err)
{
    autostmt sqlite3_stmt *select = NULL;
    int row;

    if (sqlite_execute(db, "DELETE FROM pci_mapping_entry; DELETE FROM vm_device; DELETE FROM vm_mapping",
                       err) != 0 ||
        sqlite_prepare(db, "SELECT kind, id, body FROM document WHERE body IS NOT NULL", &select, err) != 0)
        return -1;
    while ((row = sqlite_step(select, err)) > 0) {
        autojson json_t *body = NULL;
        const char *kind = sqlite_string(select, 0), *id = sqlite_string(select, 1);

        if (object_parse(kind, id, sqlite_string(select, 2), &body, err) != 0 ||
            index_update(db, kind, id, body, err) != 0)
            return -1;
    }
    return row;
}

static int select_mappings(sqlite3 *db, const char *node, const char *path, json_t **ret, struct error *err)
{
    const char *dot = strrchr(path, '.');
    autofree char *slot = dot != NULL ? xstrndup(path, (size_t)(dot - path)) : xstrdup(path);
    autostmt sqlite3_stmt *select = NULL;
    autojson json_t *mappings = json_array();
    int row;

    if (sqlite_prepare(db,
                       "SELECT DISTINCT mapping FROM pci_mapping_entry WHERE node = ?1 AND path IN (?2, ?3) "
                       "ORDER BY mapping",
                       &select, err) != 0)
        return -1;
    sqlite_bind_string(select, 1, node);
    sqlite_bind_string(select, 2, path);
    sqlite_bind_string(select, 3, slot);
    while ((row = sqlite_step(select, err)) > 0)
        json_array_append_new(mappings, json_string(sqlite_string(select, 0)));
    if (row == 0)
        *ret = TAKE(mappings);
    return row;
}

int index_mappings_of_device(struct storage *storage, const char *node, const char *path, json_t **ret,
                             struct error *err)
{
    pthread_mutex_lock(&storage->reader_lock);
    int result = select_mappings(storage->reader, node, path, ret, err);
    pthread_mutex_unlock(&storage->reader_lock);
    return result;
}
