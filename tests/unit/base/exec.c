/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running programs: what they inherit, what is kept of their output, and how they end. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/exec.h"
#include "base/memory.h"

static int run_shell(const char *script, unsigned seconds, char **output, struct error *err)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};

    return exec_run(argv, seconds, output, err);
}

static void expect_failure(const char *script, unsigned seconds, const char *message)
{
    struct error err = {.message = ""};

    cr_expect_eq(run_shell(script, seconds, NULL, &err), -1, "%s", script);
    cr_expect_str_eq(err.message, message);
}

Test(exec, keeps_what_the_program_wrote_to_both_outputs)
{
    autofree char *output = NULL;
    struct error err;

    cr_assert_eq(run_shell("echo one; echo two >&2", 10, &output, &err), 0, "%s", err.message);
    cr_assert_str_eq(output, "one\ntwo\n");
}

/* QEMU writes like this and never waits for its reader. */
Test(exec, has_room_for_what_is_written_without_waiting)
{
    autofree char *output = NULL;
    struct error err;

    cr_assert_eq(
        run_shell("yes | dd of=/dev/stdout oflag=nonblock iflag=fullblock bs=100000 count=1 2>/dev/null", 10,
                  &output, &err),
        0, "%s", err.message);
}

Test(exec, gives_an_environment_of_its_own)
{
    const char *const argv[] = {"/usr/bin/env", NULL};
    autofree char *output = NULL;
    struct error err;

    setenv("LD_PRELOAD_OF_OURS", "1", 1);
    cr_assert_eq(exec_run(argv, 10, &output, &err), 0, "%s", err.message);
    cr_assert_str_eq(output, "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C\n");
}

/* The broker's workers ignore and block signals and have files open. */
Test(exec, gives_away_no_file_and_no_signal)
{
    autofree char *output = NULL;
    struct error err;
    int ends[2];
    sigset_t all;

    cr_assert_eq(pipe(ends), 0);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    signal(SIGTERM, SIG_IGN);
    cr_assert_eq(run_shell("grep SigBlk /proc/self/status; ls /proc/self/fd | wc -l; cat", 10, &output, &err),
                 0, "%s", err.message);
    cr_assert_str_eq(output, "SigBlk:\t0000000000000000\n4\n"); /* ls has the folder open, beside the three */
    expect_failure("kill -TERM $$; echo still here", 10,
                   "'/bin/sh' was killed by signal 15: it wrote nothing");
}

Test(exec, tells_how_the_program_ended_and_what_it_said_last)
{
    struct error err;
    const char *const missing[] = {"/no/such/program", NULL};

    expect_failure("echo first; echo; echo 'modprobe: FATAL: not found' >&2; exit 3", 10,
                   "'/bin/sh' ended with status 3: modprobe: FATAL: not found");
    expect_failure("exit 1", 10, "'/bin/sh' ended with status 1: it wrote nothing");
    expect_failure("kill -9 $$", 10, "'/bin/sh' was killed by signal 9: it wrote nothing");
    cr_assert_eq(exec_run(missing, 10, NULL, &err), -1);
    cr_assert_str_eq(err.message, "cannot start '/no/such/program': No such file or directory");
}

Test(exec, kills_what_takes_too_long_with_all_that_it_started)
{
    time_t began = time(NULL);

    expect_failure("echo waiting; sleep 1000 & sleep 1000", 1,
                   "'/bin/sh' did not end within 1 s and was killed: waiting");
    cr_assert_lt(time(NULL) - began, 30);
}

/* A program may leave a daemon behind that keeps its outputs open for ever. */
Test(exec, waits_for_the_program_alone)
{
    autofree char *output = NULL;
    time_t began = time(NULL);
    struct error err;

    cr_assert_eq(run_shell("sleep 40 & echo $!", 30, &output, &err), 0, "%s", err.message);
    cr_assert_lt(time(NULL) - began, 20);
    kill((pid_t)strtol(output, NULL, 10), SIGKILL);
}

Test(exec, keeps_a_bounded_part_of_long_output)
{
    autofree char *output = NULL;
    struct error err;

    cr_assert_eq(run_shell("yes | head -c 1000000", 30, &output, &err), 0, "%s", err.message);
    cr_assert_eq(strlen(output), EXEC_OUTPUT_LIMIT);
}

/* QEMU would give up at the end of its input, with questions left to answer. */
Test(exec, input_of_a_question_does_not_end_before_the_program)
{
    static const char script[] = "read -r first; read -t 0.2 -r second; [ $? -gt 128 ] && echo \"$first\"";
    const char *const argv[] = {"/bin/bash", "-c", script, NULL};
    const struct exec_question question = {
        .path = argv[0], .argv = argv, .input = "question\n", .limit = 100, .seconds = 60, .asker = -1};
    autotext struct text answer = {0};
    struct error err;

    cr_assert_eq(exec_ask(&question, &answer, &err), 0, "%s", err.message);
    cr_expect_str_eq(text_string(&answer), "question\n");
}
