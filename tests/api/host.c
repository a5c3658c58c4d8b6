/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host that the test's daemon looks at. */
#include "tests/api/host.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/program.h"

static char folder[128];

static void run_make_host(const char *const *argv)
{
    cr_assert_eq(program_wait(program_start(argv, "/dev/null", "/dev/stderr", 0), PROGRAM_SECONDS), 0,
                 "make-host failed");
}

void host_make(const char *name, const char *count, const char *path)
{
    snprintf(folder, sizeof(folder), "%s", path);
    run_make_host((const char *const[]){program_make_host(), name, folder, count, NULL});
}

/* Attributes of the tree are often read-only, and links are not to be followed: replaced, never written into.
 */
void host_write(const char *path, const char *text)
{
    autofree char *full = xasprintf("%s/%s", folder, path), *above = xstrdup(full);
    struct error err;

    *strrchr(above, '/') = '\0';
    cr_assert_eq(file_make_folder(above, 0755, &err), 0, "%s", err.message);
    cr_assert_eq(file_replace(full, text, strlen(text), 0644, &err), 0, "%s", err.message);
}

void host_relink(const char *link, const char *target)
{
    autofree char *full = xasprintf("%s/%s", folder, link);

    host_remove(link);
    cr_assert_eq(symlink(target, full), 0, "%s: %s", full, strerror(errno));
}

void host_remove(const char *path)
{
    autofree char *full = xasprintf("%s/%s", folder, path);

    cr_assert_eq(unlink(full), 0, "%s: %s", full, strerror(errno));
}

void host_unplug(const char *id)
{
    run_make_host((const char *const[]){program_make_host(), "--unplug", id, folder, NULL});
}
