/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes: whether one still runs, and at which file it is. */
#include "broker/process.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/storage/fixture.h"

/* A child that waits to be killed, with a name that a malicious program might choose. */
static pid_t start_child(void)
{
    pid_t child = fork();

    cr_assert_geq(child, 0);
    if (child == 0) {
        prctl(PR_SET_NAME, ") Z 1 (", 0, 0, 0);
        for (;;)
            pause();
    }
    return child;
}

Test(process, is_known_by_its_start)
{
    unsigned long long first, second, other;
    pid_t child = start_child();

    cr_assert(process_start_time(child, &first));
    cr_assert(process_start_time(child, &second));
    cr_assert_eq(first, second);
    cr_assert(process_start_time(getppid(), &other));
    cr_assert_leq(other, first);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

Test(process, one_that_has_ended_does_not_live_even_if_nobody_collects_it)
{
    unsigned long long start;
    pid_t child = start_child();
    siginfo_t end;

    kill(child, SIGKILL);
    cr_assert_eq(waitid(P_PID, (id_t)child, &end, WEXITED | WNOWAIT), 0);
    cr_assert_not(process_start_time(child, &start));
    waitpid(child, NULL, 0);
    cr_assert_not(process_start_time(child, &start));
}

/* A worker opens the folder of the device first, and the file in it last. */
Test(process, shows_the_file_that_it_is_at)
{
    __attribute__((cleanup(fixture_remove))) struct fixture fixture;
    char file[PATH_MAX] = "";

    fixture_make(&fixture);
    autofree char *path = xasprintf("%s/unbind", fixture.folder);
    autoclose int root = open(fixture.folder, O_PATH | O_CLOEXEC);
    cr_assert_not(process_open_file(getpid(), fixture.folder, file, sizeof(file)));
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && root >= 0);
    cr_assert(process_open_file(getpid(), fixture.folder, file, sizeof(file)));
    cr_assert_str_eq(file, path);
    autofree char *folder = xasprintf("%s/", fixture.folder);
    cr_assert(process_open_file(getpid(), folder, file, sizeof(file)));
    cr_assert_not(process_open_file(getpid(), "/nonexistent", file, sizeof(file)));
}
