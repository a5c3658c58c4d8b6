/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Storage: opening the database for this daemon alone. */
#include "storage/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "storage/internal.h"
#include "storage/migrations.h"
#include "storage/sqlite.h"

#define CACHE "PRAGMA cache_size = -256" /* in KiB, of each connection: the kernel caches the file anyway */

/* The lock belongs to the open file, so it ends with the process, however that ends. SQLite's own locks would
 * let several daemons in, which must not be: each caches what it derived from the documents. */
static int lock_state(const char *path, int *ret, struct error *err)
{
    autofree char *name = xasprintf("%s.lock", path);
    autoclose int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fd < 0)
        return error_set_errno(err, errno, "cannot write in the state folder: '%s'", name);
    if (fcntl(fd, F_OFD_SETLK, &whole) != 0) {
        if (errno != EAGAIN && errno != EACCES)
            return error_set_errno(err, errno, "cannot lock '%s'", name);
        return error_set(err, ERROR_CONFLICT,
                         "another hostpci daemon uses '%s'; stop it, or give this one another --state-dir",
                         path);
    }
    *ret = fd;
    fd = -1;
    return 0;
}

/* SQLite would make the file readable for everybody, but it contains hashes of secrets. */
static int create_file(const char *path, struct error *err)
{
    autoclose int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 && errno != EACCES && errno != EROFS)
        return error_set_errno(err, errno, "cannot open the database '%s'", path);
    return 0;
}

static int check_integrity(sqlite3 *db, struct error *err)
{
    autostmt sqlite3_stmt *check = NULL;

    if (sqlite_prepare(db, "PRAGMA quick_check(1)", &check, err) != 0 || sqlite_step(check, err) < 0)
        return -1;
    if (strcmp(sqlite_string(check, 0), "ok") == 0)
        return 0;
    return error_set(err, ERROR_FAILED, "the database '%s' is damaged (%s); " SQLITE_RESTORE,
                     sqlite3_db_filename(db, "main"), sqlite_string(check, 0));
}

static int use_wal(sqlite3 *db, struct error *err)
{
    autostmt sqlite3_stmt *pragma = NULL;

    if (sqlite_prepare(db, "PRAGMA journal_mode = WAL", &pragma, err) != 0 || sqlite_step(pragma, err) < 0)
        return -1;
    if (strcmp(sqlite_string(pragma, 0), "wal") == 0)
        return 0;
    return error_set(err, ERROR_FAILED,
                     "the file system of '%s' cannot hold a shared database; use a local one",
                     sqlite3_db_filename(db, "main"));
}

static int open_writer(const char *path, const struct index_kind *index, sqlite3 **ret, struct error *err)
{
    autosqlite sqlite3 *db = NULL;

    if (sqlite_open(path, SQLITE_OPEN_READWRITE, &db, err) != 0)
        return -1;
    if (sqlite3_db_readonly(db, "main"))
        return error_set(err, ERROR_FAILED,
                         "the database '%s' is read-only; give the user of the daemon write permission",
                         path);
    if (migrations_check(db, err) != 0 || check_integrity(db, err) != 0 || use_wal(db, err) != 0 ||
        sqlite_execute(db, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; " CACHE, err) != 0 ||
        migrations_run(db, index, err) != 0)
        return -1;
    *ret = TAKE(db);
    return 0;
}

/* To be called when the writer has prepared the database. */
static int open_reader(const char *path, sqlite3 **ret, struct error *err)
{
    autosqlite sqlite3 *db = NULL;

    if (sqlite_open(path, SQLITE_OPEN_READWRITE, &db, err) != 0 ||
        sqlite_execute(db, "PRAGMA query_only = ON; " CACHE, err) != 0)
        return -1;
    *ret = TAKE(db);
    return 0;
}

int storage_open(const char *path, const struct index_kind *index, struct storage **ret, struct error *err)
{
    struct storage *storage = xcalloc(1, sizeof(*storage));

    storage->lock_file = -1;
    storage->index = index;
    pthread_mutex_init(&storage->reader_lock, NULL);
    pthread_mutex_init(&storage->queue_lock, NULL);
    storage->queue_end = &storage->queue;
    storage_set_backend(storage, NULL);
    if (lock_state(path, &storage->lock_file, err) != 0 || create_file(path, err) != 0 ||
        open_writer(path, index, &storage->writer, err) != 0 ||
        open_reader(path, &storage->reader, err) != 0) {
        storage_close(storage);
        return -1;
    }
    *ret = storage;
    return 0;
}

void storage_close(struct storage *storage)
{
    if (storage == NULL)
        return;
    sqlite3_close(storage->reader);
    sqlite3_close(storage->writer); /* the last one: SQLite then folds the log into the database */
    pthread_mutex_destroy(&storage->reader_lock);
    pthread_mutex_destroy(&storage->queue_lock);
    if (storage->lock_file >= 0)
        close(storage->lock_file);
    free(storage);
}

struct storage *storage_lock_reader(struct storage *storage)
{
    pthread_mutex_lock(&storage->reader_lock);
    return storage;
}

void cleanup_reader(struct storage **storage)
{
    pthread_mutex_unlock(&(*storage)->reader_lock);
}

uint64_t storage_generation(const struct storage *storage)
{
    return atomic_load(&storage->generation);
}
