/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking QEMU what it can do: once for each binary, by a process of its own, and whatever that binary does.
 *
 * The binaries here are shell scripts; each start of one leaves a line in the file `starts` beside it. The
 * real QEMU is asked in tests/unit/vm/command/start.c and tests/api/qemu_showcmd.c. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/probe/qemu.h"
#include "tests/unit/storage/fixture.h"

TestSuite(broker_qemu, .timeout = 120);

/* The answers of a QEMU of that version: what must be there, and one device. */
#define ANSWERS(version)                                                                                     \
    "{\"QMP\": {}}\n{\"return\": {}}\n"                                                                      \
    "{\"return\": {\"qemu\": {\"major\": " version ", \"minor\": 2, \"micro\": 0}}, \"id\": \"version\"}\n"  \
    "{\"return\": [{\"name\": \"pc\"}], \"id\": \"machines\"}\n"                                             \
    "{\"return\": [{\"name\": \"host\"}], \"id\": \"cpus\"}\n"                                               \
    "{\"return\": [{\"name\": \"vfio-pci\"}], \"id\": \"devices\"}\n"

#define ANSWER(version) "cat << 'END'\n" ANSWERS(version) "END\n"

struct stand_in {
    struct fixture fixture;
    char *binary, *starts;
    struct qemu *qemu;
};

static void write_binary(const struct stand_in *stand_in, const char *script)
{
    autofree char *text = xasprintf("#!/bin/sh\necho x >> '%s'\n%s", stand_in->starts, script);
    struct error err;

    cr_assert_eq(file_replace(stand_in->binary, text, strlen(text), 0755, &err), 0, "%s", err.message);
}

static void make_folder(const struct stand_in *stand_in, const char *name)
{
    autofree char *folder = xasprintf("%s/%s", stand_in->fixture.folder, name);
    struct error err;

    cr_assert_eq(file_make_folder(folder, 0755, &err), 0, "%s", err.message);
}

static void open_stand_in(struct stand_in *stand_in, const char *script)
{
    struct error err;

    fixture_make(&stand_in->fixture);
    stand_in->binary = xasprintf("%s/bin/qemu", stand_in->fixture.folder);
    make_folder(stand_in, "bin");
    stand_in->starts = xasprintf("%s/starts", stand_in->fixture.folder);
    if (script != NULL)
        write_binary(stand_in, script);
    cr_assert_eq(qemu_open(stand_in->binary, &stand_in->qemu, &err), 0, "%s", err.message);
}

static void close_stand_in(struct stand_in *stand_in)
{
    qemu_close(stand_in->qemu);
    fixture_remove(&stand_in->fixture);
    free(stand_in->binary);
    free(stand_in->starts);
}
#define autostandin __attribute__((cleanup(close_stand_in)))

static unsigned count_starts(const struct stand_in *stand_in)
{
    struct stat status;

    return stat(stand_in->starts, &status) == 0 ? (unsigned)status.st_size / 2 : 0;
}

static const struct vm_features *ask(const struct stand_in *stand_in)
{
    const struct vm_features *features = NULL;
    struct error err;

    cr_assert_eq(qemu_features(stand_in->qemu, &features, &err), 0, "%s", err.message);
    return features;
}

/* In `expected` $0 stands for the binary's path. */
static void fails(const struct stand_in *stand_in, const char *expected)
{
    const struct vm_features *features = NULL;
    const char *place = strstr(expected, "$0");
    autofree char *message =
        place == NULL ? xstrdup(expected)
                      : xasprintf("%.*s%s%s", (int)(place - expected), expected, stand_in->binary, place + 2);
    struct error err;

    cr_assert_eq(qemu_features(stand_in->qemu, &features, &err), -1);
    cr_expect_null(features);
    cr_expect_str_eq(err.message, message);
}

Test(broker_qemu, is_asked_the_questions_on_its_standard_input)
{
    autostandin struct stand_in stand_in;
    autofree char *asked = NULL, *arguments = NULL;
    struct error err;

    open_stand_in(&stand_in, "sed /quit/q > \"$0.asked\"; echo \"$@\" > \"$0.arguments\"\n" ANSWER("9"));
    cr_expect_eq(vm_features_version(ask(&stand_in)).major, 9);
    cr_expect(vm_features_has_device(ask(&stand_in), "vfio-pci"));

    autofree char *asked_path = xasprintf("%s.asked", stand_in.binary),
                  *arguments_path = xasprintf("%s.arguments", stand_in.binary);
    cr_assert_eq(file_read(asked_path, 65536, &asked, NULL, &err), 0, "%s", err.message);
    cr_assert_eq(file_read(arguments_path, 65536, &arguments, NULL, &err), 0, "%s", err.message);
    cr_expect(text_starts_with(asked, "{\"execute\":\"qmp_capabilities\"}\n"));
    cr_expect(text_ends_with(asked, "{\"execute\":\"quit\"}\n"));
    cr_expect_str_eq(arguments, "-machine none -accel tcg,split-wx=on,tb-size=1 -nodefaults -display none -S "
                                "-qmp stdio\n");
}

Test(broker_qemu, is_asked_once)
{
    autostandin struct stand_in stand_in;

    open_stand_in(&stand_in, ANSWER("7"));
    cr_expect_eq(count_starts(&stand_in), 0, "not before somebody wants to know");
    const struct vm_features *first = ask(&stand_in);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(ask(&stand_in), first);
    cr_expect_eq(count_starts(&stand_in), 1);
}

Test(broker_qemu, is_asked_again_when_it_is_another_one)
{
    autostandin struct stand_in stand_in;

    open_stand_in(&stand_in, ANSWER("7"));
    const struct vm_features *old = ask(&stand_in);
    write_binary(&stand_in, ANSWER("8"));
    cr_expect_eq(vm_features_version(ask(&stand_in)).major, 8);
    cr_expect_eq(vm_features_version(old).major, 7, "who still looks at the old ones may");
    cr_expect_eq(count_starts(&stand_in), 2);
}

/* A package with more of QEMU's devices leaves the binary as it is. */
Test(broker_qemu, is_asked_again_when_a_module_came_or_went)
{
    static const char *const steps[] = {"lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu/qemu",
                                        "lib/x86_64-linux-gnu/qemu/hw-display-qxl.so"};
    autostandin struct stand_in stand_in;

    open_stand_in(&stand_in, ANSWER("10"));
    ask(&stand_in);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        make_folder(&stand_in, steps[i]);
        ask(&stand_in);
        ask(&stand_in);
        cr_expect_eq(count_starts(&stand_in), i == 0 ? 1 : i + 1, "%s", steps[i]);
    }
}

/* dpkg gives a file the time it had in the package: two builds can have the same. */
Test(broker_qemu, is_another_one_also_with_the_same_size_and_time)
{
    autostandin struct stand_in stand_in;
    struct stat status;

    open_stand_in(&stand_in, ANSWER("7"));
    ask(&stand_in);
    cr_assert_eq(stat(stand_in.binary, &status), 0);
    write_binary(&stand_in, ANSWER("8"));
    cr_assert_eq(
        utimensat(AT_FDCWD, stand_in.binary, (const struct timespec[]){status.st_mtim, status.st_mtim}, 0),
        0);
    cr_expect_eq(vm_features_version(ask(&stand_in)).major, 8);
}

static void *ask_in_thread(void *stand_in)
{
    const struct vm_features *features = NULL;
    struct error err;

    qemu_features(((struct stand_in *)stand_in)->qemu, &features, &err);
    return (void *)(uintptr_t)features;
}

static unsigned count_answers(struct stand_in *stand_in)
{
    pthread_t threads[8];
    unsigned answered = 0;

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, ask_in_thread, stand_in), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *answer;
        cr_assert_eq(pthread_join(threads[i], &answer), 0);
        answered += answer != NULL;
    }
    return answered;
}

Test(broker_qemu, callers_at_the_same_time_wait_for_one_answer)
{
    autostandin struct stand_in stand_in;

    open_stand_in(&stand_in, "sleep 0.3\n" ANSWER("7"));
    cr_expect_eq(count_answers(&stand_in), 8);
    cr_expect_eq(count_starts(&stand_in), 1);
}

Test(broker_qemu, callers_at_the_same_time_hear_of_one_failure)
{
    autostandin struct stand_in stand_in;

    open_stand_in(&stand_in, "sleep 0.3; exit 1\n");
    cr_expect_eq(count_answers(&stand_in), 0);
    cr_expect_eq(count_starts(&stand_in), 1);
}

Test(broker_qemu, that_is_missing_is_told_with_its_package)
{
    autostandin struct stand_in stand_in;

    open_stand_in(&stand_in, NULL);
    fails(&stand_in, "QEMU is missing, there is no '$0': `apt install qemu-system-x86` installs it, or "
                     "name another one with --qemu");
    write_binary(&stand_in, ANSWER("7"));
    cr_expect_eq(vm_features_version(ask(&stand_in)).major, 7, "and is found when it is there");
}

Test(broker_qemu, that_cannot_be_started_is_told)
{
    autostandin struct stand_in stand_in;

    open_stand_in(&stand_in, "");
    cr_assert_eq(chmod(stand_in.binary, 0644), 0);
    fails(&stand_in, "cannot start '$0': Permission denied");
}

Test(broker_qemu, that_dies_is_told_with_its_last_words)
{
    autostandin struct stand_in stand_in;

    open_stand_in(&stand_in, "echo early >&2; printf 'no \\033room\\n' >&2; exit 3\n");
    fails(&stand_in, "'$0' ended with status 3: no ?room");
    write_binary(&stand_in, "kill -SEGV $$\n");
    fails(&stand_in, "'$0' was killed by signal 11: it wrote nothing");
}

Test(broker_qemu, that_is_none_is_told)
{
    autostandin struct stand_in stand_in;

    open_stand_in(&stand_in, "echo 'I am not QEMU'\n");
    fails(&stand_in, "'$0' does not answer as QEMU does: QEMU did not report its version");
    write_binary(&stand_in, "exit 0\n");
    fails(&stand_in, "'$0' does not answer as QEMU does: QEMU did not report its version");
    write_binary(&stand_in, ANSWER("7"));
    cr_expect_eq(vm_features_version(ask(&stand_in)).major, 7);
}

Test(broker_qemu, inherits_no_file_of_who_asks)
{
    autostandin struct stand_in stand_in;

    open_stand_in(&stand_in, "[ ! -e /proc/$$/fd/3 ] || exit 7\n" ANSWER("7"));
    ask(&stand_in);
}

Test(broker_qemu, failure_is_not_kept_for_long)
{
    autostandin struct stand_in stand_in;

    open_stand_in(&stand_in, "[ -e \"$0.ready\" ] || exit 1\n" ANSWER("7"));
    fails(&stand_in, "'$0' ended with status 1: it wrote nothing");
    autofree char *ready = xasprintf("%s.ready", stand_in.binary);
    struct error err;
    cr_assert_eq(file_replace(ready, "", 0, 0600, &err), 0, "%s", err.message);
    for (long long until = clock_milliseconds() + 20000; count_starts(&stand_in) == 1;) {
        const struct vm_features *features;
        cr_assert_lt(clock_milliseconds(), until);
        qemu_features(stand_in.qemu, &features, &err);
        nanosleep(&(const struct timespec){.tv_nsec = 50000000}, NULL);
    }
    ask(&stand_in);
}

Test(broker_qemu, that_floods_is_killed)
{
    autostandin struct stand_in stand_in;
    long long began = clock_milliseconds();

    open_stand_in(&stand_in, "exec yes\n");
    fails(&stand_in, "'$0' wrote more than the 8 MiB that its answer can be");
    cr_expect_lt(clock_milliseconds() - began, 15000);
}

/* It goes on when nobody reads its complaints. */
Test(broker_qemu, that_complains_much_answers)
{
    autostandin struct stand_in stand_in;

    open_stand_in(&stand_in, "yes 2> /dev/null | head -c 1000000 >&2\n" ANSWER("7"));
    cr_expect_eq(vm_features_version(ask(&stand_in)).major, 7);
}

/* Whose id is in the file; one that has ended has no command line. */
static bool runs(const struct stand_in *stand_in, const char *file)
{
    autofree char *path = xasprintf("%s.%s", stand_in->binary, file), *pid = NULL, *command = NULL;
    struct error err;

    cr_assert_eq(file_read(path, 64, &pid, NULL, &err), 0, "%s", err.message);
    autofree char *place = xasprintf("/proc/%ld/cmdline", strtol(pid, NULL, 10));
    return file_read(place, 65536, &command, NULL, &err) == 0 && command[0] != '\0';
}

Test(broker_qemu, that_hangs_is_killed_with_what_it_started)
{
    autostandin struct stand_in stand_in;

    open_stand_in(&stand_in, "echo $$ > \"$0.pid\"; sleep 1000 & echo $! > \"$0.child\"; wait\n");
    fails(&stand_in, "'$0' did not end within 20 s and was killed: it wrote nothing");
    cr_expect(!runs(&stand_in, "pid"));
    for (long long until = clock_milliseconds() + 20000; runs(&stand_in, "child");)
        cr_assert_lt(clock_milliseconds(), until);
}

/* Whatever else the daemon has open and may do when it forks. */
Test(broker_qemu, gets_no_file_no_environment_and_no_privilege)
{
    autostandin struct stand_in stand_in;
    autofree char *seen = NULL;
    struct error err;
    sigset_t all;

    cr_assert_geq(dup2(STDOUT_FILENO, 50), 0);
    setenv("LD_PRELOAD_OF_OURS", "1", 1);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    open_stand_in(&stand_in, "exec 9> \"$0.seen\"; ls /proc/$$/fd >&9; env | sort >&9\n"
                             "grep -E '^(CapEff|NoNewPrivs|SigBlk):' /proc/self/status >&9\n" ANSWER("7"));
    ask(&stand_in);
    autofree char *path = xasprintf("%s.seen", stand_in.binary);
    cr_assert_eq(file_read(path, 4096, &seen, NULL, &err), 0, "%s", err.message);
    /* 9 and 10 or 255 are the script's own */
    cr_expect(text_starts_with(seen, "0\n1\n"), "%s", seen);
    cr_expect_null(strstr(seen, "\n50\n"), "%s", seen);
    cr_expect_null(strstr(seen, "OURS"), "%s", seen);
    cr_expect_not_null(strstr(seen, "CapEff:\t0000000000000000\n"), "%s", seen);
    cr_expect_not_null(strstr(seen, "NoNewPrivs:\t1\n"), "%s", seen);
    cr_expect_not_null(strstr(seen, "SigBlk:\t0000000000000000\n"), "%s", seen);
}

/* The child of this process that asks. */
static pid_t find_asker(void)
{
    autofree char *path = xasprintf("/proc/self/task/%d/children", (int)getpid()), *text = NULL;
    struct error err;

    cr_assert_eq(file_read(path, 4096, &text, NULL, &err), 0, "%s", err.message);
    return (pid_t)strtol(text, NULL, 10);
}

Test(broker_qemu, asker_that_is_gone_is_told)
{
    autostandin struct stand_in stand_in;

    open_stand_in(&stand_in, ANSWER("7"));
    cr_assert_gt(find_asker(), 0);
    kill(find_asker(), SIGKILL);
    fails(&stand_in, "the process that asks QEMU is gone: restart hostpci");
}

static void wait_for_file(const struct stand_in *stand_in, const char *name)
{
    autofree char *path = xasprintf("%s.%s", stand_in->binary, name);
    struct stat status;

    for (long long until = clock_milliseconds() + 20000; stat(path, &status) != 0 || status.st_size == 0;)
        cr_assert_lt(clock_milliseconds(), until);
}

/* Not by what the asker does: it cannot do anything any more. */
Test(broker_qemu, that_is_running_ends_with_its_asker)
{
    autostandin struct stand_in stand_in;
    pthread_t thread;

    open_stand_in(&stand_in, "echo $$ > \"$0.pid\"; exec sleep 1000\n");
    cr_assert_eq(pthread_create(&thread, NULL, ask_in_thread, &stand_in), 0);
    wait_for_file(&stand_in, "pid");
    for (long long until = clock_milliseconds() + 20000; !runs(&stand_in, "pid");)
        cr_assert_lt(clock_milliseconds(),
                     until); /* while the shell becomes another program it has no command line */
    kill(find_asker(), SIGKILL);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    for (long long until = clock_milliseconds() + 20000; runs(&stand_in, "pid");)
        cr_assert_lt(clock_milliseconds(), until, "QEMU is still there");
}

Test(broker_qemu, asker_ends_with_who_asks)
{
    autostandin struct stand_in stand_in;

    open_stand_in(&stand_in, ANSWER("7"));
    ask(&stand_in);
    pid_t asker = find_asker();
    cr_assert_gt(asker, 0);
    qemu_close(TAKE(stand_in.qemu));
    cr_expect_eq(kill(asker, 0), -1);
}
