/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker of a daemon on a made host. */
#include "tests/api/broker.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "broker/call.h"
#include "broker/daemon/broker.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/machine.h"
#include "tests/api/program.h"
#include "tests/hosts/kernel.h"

static struct {
    const char *host;
    char log[128];
    pid_t pid; /* 0: none runs */
} the;

/* In the child. */
static void become_broker(void)
{
    const char *const argv[] = {"broker",        "--run-dir",     daemon_run(),   "--broker-dir",
                                daemon_broker(), "--sysroot",     the.host,       "--rom-dir",
                                daemon_roms(),   "--storage-dir", daemon_store(), NULL};
    int log = open(the.log, O_WRONLY | O_CREAT | O_APPEND, 0600);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    _exit(broker_main(COUNT_OF(argv) - 1, (char **)(uintptr_t)argv));
}

static char *read_log(void)
{
    struct error err;
    char *log = NULL;

    cr_assert_eq(file_read(the.log, PROGRAM_OUTPUT_LIMIT, &log, NULL, &err), 0, "%s", err.message);
    return log;
}

static void check_log(void)
{
    static const char *const complaints[] = {"Sanitizer", "runtime error:", "Assertion"};
    autofree char *log = read_log();

    for (size_t i = 0; i < COUNT_OF(complaints); i++)
        cr_expect_null(strstr(log, complaints[i]), "the broker's log:\n%s", log);
}

static void wait_until_ready(void)
{
    struct broker *broker = broker_new(daemon_run());
    double end = machine_slept() + PROGRAM_SECONDS;
    struct error err;

    while (broker_check(broker, &err) != 0) {
        if (waitpid(the.pid, NULL, WNOHANG) == the.pid || machine_slept() > end) {
            autofree char *log = read_log();
            cr_assert_fail("the broker did not start: %s\n%s", err.message, log);
        }
        machine_sleep(5);
    }
    broker_free(broker);
}

void broker_start_again(void)
{
    cr_assert_eq(the.pid, 0, "a broker runs already");
    cr_assert(mkdir(daemon_roms(), 0755) == 0 || errno == EEXIST, "%s", daemon_roms());
    the.pid = fork();
    cr_assert_neq(the.pid, -1);
    if (the.pid == 0)
        become_broker();
    wait_until_ready();
}

void broker_start(const char *host)
{
    the.host = host;
    snprintf(the.log, sizeof(the.log), "%s.log", daemon_broker());
    kernel_install(host);
    broker_start_again();
}

void broker_kill(void)
{
    kill(the.pid, SIGKILL);
    waitpid(the.pid, NULL, 0);
    the.pid = 0;
    check_log();
}

void broker_stop(void)
{
    pid_t pid = the.pid;

    the.pid = 0;
    if (pid == 0)
        return;
    kill(pid, SIGTERM);
    int status = program_wait(pid, PROGRAM_SECONDS);
    if (status == -1)
        kill(pid, SIGKILL);
    check_log();
    cr_assert_eq(status, 0, "the broker ended with wait status %d (-1: did not end in %d s)", status,
                 PROGRAM_SECONDS);
}
