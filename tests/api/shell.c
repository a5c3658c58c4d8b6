/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines typed into a shell. */
#include "tests/api/shell.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/api/daemon.h"
#include "tests/api/program.h"

static char folder[4096];

static void link_program(const char *name)
{
    autofree char *link = xasprintf("%s/%s", folder, name), *program = realpath(program_hostpci(), NULL);

    cr_assert_not_null(program);
    cr_assert_eq(symlink(program, link), 0);
}

void shell_start(void)
{
    const char *above = getenv("TMPDIR");

    snprintf(folder, sizeof(folder), "%s/shell-XXXXXX", above != NULL ? above : "/tmp");
    cr_assert_not_null(mkdtemp(folder));
    link_program("hostpci");
    link_program("qm");
    link_program("pvesh");
    autofree char *path = xasprintf("%s:%s", folder, getenv("PATH"));
    setenv("PATH", path, 1);
    setenv("HOSTPCI_BINARY", "/bin/sh", 1);
    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
}

const char *shell_folder(void)
{
    return folder;
}

char *shell_type(const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    return program_run((const char *const[]){"-c", line, NULL});
}
