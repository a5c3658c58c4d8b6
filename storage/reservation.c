/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reservations of this node's devices. */
#include "storage/reservation.h"

#include <inttypes.h>

#include "base/event.h"
#include "base/memory.h"
#include "storage/internal.h"
#include "storage/sqlite.h"
#include "storage/write.h"

/* A device that was reserved again in the meantime has another holder, so that its row does not match and
 * stays. */
static int delete_stale(sqlite3 *db, const json_t *stale, struct error *err)
{
    autofree char *list = object_print(stale);
    autostmt sqlite3_stmt *delete = NULL;

    if (sqlite_prepare(db,
                       "DELETE FROM reservation WHERE (device, process, start, boot) IN"
                       " (SELECT json_extract(value, '$.device'), json_extract(value, '$.process'),"
                       "  json_extract(value, '$.start'), json_extract(value, '$.boot') FROM json_each(?1))",
                       &delete, err) != 0)
        return -1;
    sqlite_bind_string(delete, 1, list);
    return sqlite_step(delete, err);
}

static void publish(int64_t vmid)
{
    autofree char *id = xasprintf("%" PRId64, vmid);

    event_publish("reservation", id, NULL);
}

/* Writes what concerns the reservations of one VM. */
static int change(struct storage *storage, int64_t vmid, write_function *function, const void *context,
                  struct error *err)
{
    if (write_run(storage, WRITE_LAZY, function, context, err) != 0)
        return -1;
    publish(vmid);
    return 0;
}

static int refuse(const struct reservation *item, int64_t holder, struct error *err)
{
    return error_set(err, ERROR_BUSY, "PCI device '%s' already in use by VMID '%" PRId64 "'", item->device,
                     holder);
}

static int check_free(sqlite3 *db, int64_t vmid, const struct reservation *item, struct error *err)
{
    autostmt sqlite3_stmt *select = NULL;

    if (sqlite_prepare(db,
                       "SELECT vm FROM reservation WHERE vm <> ?1 AND (device IN (?2, ?3) OR parent = ?2)"
                       " ORDER BY vm",
                       &select, err) != 0)
        return -1;
    sqlite_bind_number(select, 1, vmid);
    sqlite_bind_string(select, 2, item->device);
    sqlite_bind_string(select, 3, item->parent);
    int row = sqlite_step(select, err);
    return row > 0 ? refuse(item, sqlite3_column_int64(select, 0), err) : row;
}

/* Any of the siblings' VMs could give way, so the error names one of them: the one with the highest id. */
static int check_siblings(sqlite3 *db, int64_t vmid, const struct reservation *item, struct error *err)
{
    autostmt sqlite3_stmt *select = NULL;

    if (item->parent == NULL)
        return 0;
    if (sqlite_prepare(db, "SELECT count(*), max(vm) FROM reservation WHERE vm <> ?1 AND parent = ?2",
                       &select, err) != 0)
        return -1;
    sqlite_bind_number(select, 1, vmid);
    sqlite_bind_string(select, 2, item->parent);
    if (sqlite_step(select, err) < 0)
        return -1;
    if (sqlite3_column_int64(select, 0) <= item->siblings)
        return 0;
    const struct reservation parent = {.device = item->parent};
    return refuse(&parent, sqlite3_column_int64(select, 1), err);
}

static int insert(sqlite3 *db, const struct reservation_holder *holder, const struct reservation *item,
                  struct error *err)
{
    autostmt sqlite3_stmt *insert = NULL;

    if (sqlite_prepare(db,
                       "INSERT OR REPLACE INTO reservation"
                       " (device, vm, key, state, process, start, boot, parent, type)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                       &insert, err) != 0)
        return -1;
    sqlite_bind_string(insert, 1, item->device);
    sqlite_bind_number(insert, 2, holder->vmid);
    sqlite_bind_string(insert, 3, item->key);
    sqlite_bind_string(insert, 4, holder->state);
    sqlite_bind_number(insert, 5, holder->process);
    sqlite_bind_number(insert, 6, holder->start);
    sqlite_bind_string(insert, 7, holder->boot);
    sqlite_bind_string(insert, 8, item->parent);
    sqlite_bind_string(insert, 9, item->type);
    return sqlite_step(insert, err);
}

struct taking {
    const struct reservation_holder *holder;
    const struct reservation *items;
    size_t count;
    const json_t *stale;
};

static int take(sqlite3 *db, const void *context, struct error *err)
{
    const struct taking *taking = context;
    int64_t vmid = taking->holder->vmid;

    if (delete_stale(db, taking->stale, err) != 0)
        return -1;
    for (const struct reservation *item = taking->items; item < taking->items + taking->count; item++)
        if (check_free(db, vmid, item, err) != 0 || check_siblings(db, vmid, item, err) != 0 ||
            insert(db, taking->holder, item, err) != 0)
            return -1;
    return 0;
}

int reservation_take(struct storage *storage, const struct reservation_holder *holder,
                     const struct reservation *items, size_t count, const json_t *stale, struct error *err)
{
    const struct taking taking = {holder, items, count, stale};

    return change(storage, holder->vmid, take, &taking, err);
}

static int update_holder(sqlite3 *db, const void *context, struct error *err)
{
    const struct reservation_holder *holder = context;
    autostmt sqlite3_stmt *update = NULL;

    if (sqlite_prepare(db,
                       "UPDATE reservation SET state = ?2, process = ?3, start = ?4, boot = ?5 WHERE vm = ?1",
                       &update, err) != 0)
        return -1;
    sqlite_bind_number(update, 1, holder->vmid);
    sqlite_bind_string(update, 2, holder->state);
    sqlite_bind_number(update, 3, holder->process);
    sqlite_bind_number(update, 4, holder->start);
    sqlite_bind_string(update, 5, holder->boot);
    return sqlite_step(update, err);
}

int reservation_hand_over(struct storage *storage, const struct reservation_holder *holder, struct error *err)
{
    return change(storage, holder->vmid, update_holder, holder, err);
}

struct releasing {
    int64_t vmid;
    const char *key;
};

static int delete_some(sqlite3 *db, const void *context, struct error *err)
{
    const struct releasing *releasing = context;
    autostmt sqlite3_stmt *delete = NULL;

    if (sqlite_prepare(db, "DELETE FROM reservation WHERE vm = ?1 AND (?2 IS NULL OR key = ?2)", &delete,
                       err) != 0)
        return -1;
    sqlite_bind_number(delete, 1, releasing->vmid);
    sqlite_bind_string(delete, 2, releasing->key);
    return sqlite_step(delete, err);
}

int reservation_release(struct storage *storage, int64_t vmid, const char *key, struct error *err)
{
    return change(storage, vmid, delete_some, &(struct releasing){vmid, key}, err);
}

static json_t *make_reservation(sqlite3_stmt *select)
{
    json_t *ret =
        json_pack("{s:s, s:I, s:s, s:s, s:I, s:I, s:s}", "device", sqlite_string(select, 0), "vmid",
                  (json_int_t)sqlite3_column_int64(select, 1), "key", sqlite_string(select, 2), "state",
                  sqlite_string(select, 3), "process", (json_int_t)sqlite3_column_int64(select, 4), "start",
                  (json_int_t)sqlite3_column_int64(select, 5), "boot", sqlite_string(select, 6));

    if (sqlite3_column_type(select, 7) != SQLITE_NULL)
        json_object_set_new(ret, "parent", json_string(sqlite_string(select, 7)));
    if (sqlite3_column_type(select, 8) != SQLITE_NULL)
        json_object_set_new(ret, "type", json_string(sqlite_string(select, 8)));
    return ret;
}

int reservation_list(struct storage *storage, json_t **ret, struct error *err)
{
    autojson json_t *list = json_array();
    autoreader struct storage *reading = storage_lock_reader(storage);
    autostmt sqlite3_stmt *select = NULL;
    int row;

    if (sqlite_prepare(storage->reader,
                       "SELECT device, vm, key, state, process, start, boot, parent, type FROM reservation"
                       " ORDER BY device",
                       &select, err) != 0)
        return -1;
    while ((row = sqlite_step(select, err)) > 0)
        json_array_append_new(list, make_reservation(select));
    if (row == 0)
        *ret = TAKE(list);
    return row;
}
