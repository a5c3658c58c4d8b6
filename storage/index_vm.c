/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What VMs name: devices and mappings. The schema of a hostpciN is vm/'s; here its string is taken apart by
 * hand, as much as it needs. */
#include "storage/index_vm.h"

#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "storage/index.h"
#include "storage/internal.h"
#include "storage/sqlite.h"

/* Where something was named. */
struct place {
    sqlite3 *db;
    int64_t vm;
    const char *node;
    const char *key;
};

static int insert(const struct place *place, const char *sql, const char *named, struct error *err)
{
    autostmt sqlite3_stmt *statement = NULL;

    if (sqlite_prepare(place->db, sql, &statement, err) != 0)
        return -1;
    sqlite_bind_number(statement, 1, place->vm);
    sqlite_bind_string(statement, 2, place->node);
    sqlite_bind_string(statement, 3, place->key);
    sqlite_bind_string(statement, 4, named);
    return sqlite_step(statement, err);
}

/* "01:00.0;0000:01:00.1": the domain may be left out. */
static int insert_hosts(const struct place *place, char *list, struct error *err)
{
    char *path;

    while ((path = strsep(&list, ";")) != NULL) {
        const char *domain = strchr(path, ':') == strrchr(path, ':') ? "0000:" : "";
        autofree char *full = xasprintf("%s%s", domain, path);
        if (insert(place, "INSERT OR IGNORE INTO vm_device VALUES (?1, ?2, ?3, ?4)", full, err) != 0)
            return -1;
    }
    return 0;
}

/* A value without a name is that of `host`. */
static int insert_value(const struct place *place, const char *value, struct error *err)
{
    autofree char *copy = xstrdup(value);
    char *rest = copy, *part;
    int result = 0;

    while (result == 0 && (part = strsep(&rest, ",")) != NULL) {
        if (text_starts_with(part, "mapping="))
            result = insert(place, "INSERT OR IGNORE INTO vm_mapping VALUES (?1, ?2, ?3, ?4)",
                            part + strlen("mapping="), err);
        else if (text_starts_with(part, "host="))
            result = insert_hosts(place, part + strlen("host="), err);
        else if (*part != '\0' && strchr(part, '=') == NULL)
            result = insert_hosts(place, part, err);
    }
    return result;
}

static int insert_keys(struct place place, const json_t *values, struct error *err)
{
    const json_t *value;

    json_object_foreach((json_t *)values, place.key, value)
        if (text_starts_with(place.key, "hostpci") && json_is_string(value) &&
            insert_value(&place, json_string_value(value), err) != 0)
            return -1;
    return 0;
}

static int delete_vm(sqlite3 *db, const char *sql, int64_t vm, struct error *err)
{
    autostmt sqlite3_stmt *delete = NULL;

    if (sqlite_prepare(db, sql, &delete, err) != 0)
        return -1;
    sqlite_bind_number(delete, 1, vm);
    return sqlite_step(delete, err);
}

int index_update_vm(sqlite3 *db, const char *id, const json_t *body, struct error *err)
{
    const char *node = json_string_value(json_object_get(body, "node"));
    unsigned long long vm;

    if (!text_to_number(id, 10, INT64_MAX, &vm))
        return 0;
    struct place place = {.db = db, .vm = (int64_t)vm, .node = node};
    if (delete_vm(db, "DELETE FROM vm_device WHERE vm = ?1", place.vm, err) != 0 ||
        delete_vm(db, "DELETE FROM vm_mapping WHERE vm = ?1", place.vm, err) != 0)
        return -1;
    if (node == NULL)
        return 0;
    if (insert_keys(place, json_object_get(body, "config"), err) != 0)
        return -1;
    return insert_keys(place, json_object_get(body, "pending"), err);
}

/* ?1 node, ?2 the device, ?3 its slot */
static const char vms_of_device[] =
    "SELECT vm, key FROM ("
    "  SELECT vm, key FROM vm_device WHERE node = ?1 AND path IN (?2, ?3)"
    "  UNION SELECT vm, key FROM vm_mapping WHERE node = ?1 AND mapping IN"
    "    (SELECT mapping FROM pci_mapping_entry WHERE node = ?1 AND path IN (?2, ?3)))"
    "ORDER BY vm, length(key), key";

static int select_vms(sqlite3 *db, const char *node, const char *path, json_t *vms, struct error *err)
{
    autofree char *slot = xstrndup(path, strcspn(path, "."));
    autostmt sqlite3_stmt *select = NULL;
    int row;

    if (sqlite_prepare(db, vms_of_device, &select, err) != 0)
        return -1;
    sqlite_bind_string(select, 1, node);
    sqlite_bind_string(select, 2, path);
    sqlite_bind_string(select, 3, slot);
    while ((row = sqlite_step(select, err)) > 0)
        json_array_append_new(vms,
                              json_pack("{s:I, s:s}", "vmid", (json_int_t)sqlite3_column_int64(select, 0),
                                        "key", sqlite_string(select, 1)));
    return row;
}

int index_vms_of_device(struct storage *storage, const char *node, const char *path, json_t **ret,
                        struct error *err)
{
    autojson json_t *vms = json_array();

    pthread_mutex_lock(&storage->reader_lock);
    int result = select_vms(storage->reader, node, path, vms, err);
    pthread_mutex_unlock(&storage->reader_lock);
    if (result == 0)
        *ret = TAKE(vms);
    return result;
}
