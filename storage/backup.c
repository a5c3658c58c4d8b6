/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A consistent copy of a database that may be in use. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "storage/migrations.h"
#include "storage/sqlite.h"
#include "storage/storage.h"

static int copy_into(sqlite3 *db, const char *target, struct error *err)
{
    /* absolute, because SQLite gives some relative names a meaning (":memory:", "file:") */
    autofree char *absolute = realpath(target, NULL);
    autostmt sqlite3_stmt *vacuum = NULL;

    if (absolute == NULL)
        return error_set_errno(err, errno, "cannot find '%s'", target);
    if (sqlite_prepare(db, "VACUUM INTO ?1", &vacuum, err) != 0)
        return -1;
    sqlite_bind_string(vacuum, 1, absolute);
    if (sqlite_step(vacuum, err) != 0)
        return error_prefix(err, "cannot write the backup '%s': ", target);
    return 0;
}

static int sync_file_and_folder(int file, const char *path, struct error *err)
{
    autofree char *copy = xstrdup(path);
    autoclose int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fsync(file) != 0 || folder < 0 || fsync(folder) != 0)
        return error_set_errno(err, errno, "cannot make '%s' durable", path);
    return 0;
}

int storage_backup_file(const char *database, const char *target, struct error *err)
{
    autosqlite sqlite3 *db = NULL;

    if (sqlite_open(database, SQLITE_OPEN_READONLY, &db, err) != 0 || migrations_check(db, err) != 0)
        return -1;
    autoclose int file = open(target, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 && errno == EEXIST)
        return error_set(err, ERROR_CONFLICT, "'%s' exists already; name a file that does not exist yet",
                         target);
    if (file < 0)
        return error_set_errno(err, errno, "cannot create '%s'", target);
    if (copy_into(db, target, err) == 0 && sync_file_and_folder(file, target, err) == 0)
        return 0;
    unlink(target);
    return -1;
}
