/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running tasks: how the API shows them, and how the client follows them on a terminal. The kernel behind the
 * made host does not return from a write until the test lets it. */
#include <criterion/criterion.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/documents.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"
#include "tests/api/program.h"
#include "tests/hosts/kernel.h"

#define TASKS      "/nodes/" NODE "/tasks"
#define DISK       "0000:04:00.0"
#define ROOT_DISK  "0000:02:00.0"
#define DRIVER(id) "/nodes/" NODE "/hardware/pci/" id "/driver"
#define SECONDS    30

static char *gate; /* the kernel returns when this file exists */

static void start(void)
{
    START(.host = "golden", .kernel = true);
    gate = xasprintf("%s.gate", daemon_broker());
    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
}

TestSuite(task_running, .init = start, .timeout = 120);

static void hold_unbind(void)
{
    kernel_set_fault(
        &(const struct kernel_fault){.access = SYSFS_WRITE, .path = "/unbind", .first = 1, .until = gate});
}

static void wait_until_held(void)
{
    double end = machine_slept() + SECONDS;

    while (!kernel_fault_hangs()) {
        cr_assert_lt(machine_slept(), end, "nothing hangs");
        machine_sleep(5);
    }
}

static void let_go(void)
{
    struct error err;

    cr_assert_eq(file_replace(gate, "", 0, 0644, &err), 0, "%s", err.message);
}

DAEMON_TEST(task_running, is_active_until_it_has_ended)
{
    hold_unbind();
    autofree char *upid = MOVE_BEGIN(DISK, "vfio-pci"), *status = xasprintf(TASKS "/%s/status", upid);
    wait_until_held();

    is_json(get(TASKS, NULL), "[]");
    is_json(get(TASKS, "source", "all", "errors", "1", NULL), "[]");
    const json_t *active = row(get(TASKS, "source", "active", NULL), "upid", upid);
    cr_assert_str_eq(text_of(active, "status"), "RUNNING");
    cr_assert_not(has(active, "endtime"));
    const json_t *recent = row(get("/cluster/tasks", NULL), "upid", upid);
    cr_assert_str_eq(text_of(recent, "saved"), "0");
    cr_assert(has(recent, "pid"));
    cr_assert_not(has(recent, "status"));
    cr_assert_str_eq(text_of(get(status, NULL), "status"), "running");
    cr_assert_not(has(get(status, NULL), "exitstatus"));

    let_go();
    task_succeeds(upid);
    is_json(get(TASKS, "source", "active", NULL), "[]");
    cr_assert_str_eq(text_of(row(get(TASKS, NULL), "upid", upid), "status"), "OK");
    recent = row(get("/cluster/tasks", NULL), "upid", upid);
    cr_assert_str_eq(text_of(recent, "saved"), "1");
    cr_assert_not(has(recent, "pid"));
}

DAEMON_TEST(task_running, belongs_to_the_token_that_began_it)
{
    const json_t *created = post("/access/users/root@pam/token/ci", NULL);
    autofree char *credential =
        xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value"));

    daemon_kill(); /* without the broker */
    document_put("acl", "/nodes/" NODE, "{'tokens':{'root@pam!ci':{'Administrator':1}}}");
    daemon_start_again();
    call_with_token(credential);
    autofree char *upid = MOVE_BEGIN(DISK, "vfio-pci"), *status = xasprintf(TASKS "/%s/status", upid);
    task_succeeds(upid);
    cr_assert(text_ends_with(upid, ":root@pam!ci:"));
    is_json(member(get(status, NULL), "user"), "'root@pam'");
    is_json(member(get(status, NULL), "tokenid"), "'ci'");
    call_with_token(NULL);
    get(status, NULL);
}

/* The client on a terminal of its own. */
struct terminal {
    pid_t pid;
    int fd;
    struct text shown; /* without carriage returns */
};

static void open_terminal(struct terminal *terminal, const char *const *arguments)
{
    const char *argv[16] = {program_hostpci()};

    for (size_t i = 0; arguments[i] != NULL && i < COUNT_OF(argv) - 2; i++)
        argv[i + 1] = arguments[i];
    terminal->pid = forkpty(&terminal->fd, NULL, NULL, NULL);
    cr_assert_neq(terminal->pid, -1);
    if (terminal->pid != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("NO_COLOR", "1", 1);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}
#define TERMINAL(terminal, ...) open_terminal(terminal, (const char *const[]){__VA_ARGS__, NULL})

/* Reads until the client shows that text, or with NULL until it ends. */
static void watch(struct terminal *terminal, const char *text)
{
    char block[512];
    ssize_t count;

    while (text == NULL || strstr(text_string(&terminal->shown), text) == NULL) {
        count = read(terminal->fd, block, sizeof(block));
        cr_assert(count > 0 || text == NULL, "'%s' is not in:\n%s", text, text_string(&terminal->shown));
        if (count <= 0)
            break;
        for (ssize_t i = 0; i < count; i++)
            if (block[i] != '\r')
                text_append_bytes(&terminal->shown, &block[i], 1);
    }
}

static void ends(struct terminal *terminal, int expected, const char *text)
{
    watch(terminal, NULL);
    int status = program_wait(terminal->pid, PROGRAM_SECONDS);
    const char *shown = text_string(&terminal->shown);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == expected, "status %d\n%s", status, shown);
    cr_assert_not_null(strstr(shown, text), "'%s' is not in:\n%s", text, shown);
    close(terminal->fd);
    text_release(&terminal->shown);
}

DAEMON_TEST(task_running, is_followed_on_a_terminal)
{
    struct terminal terminal = {0};

    TERMINAL(&terminal, "set", DRIVER(DISK), "--driver", "vfio-pci");
    ends(&terminal, 0, "\nTASK OK\n");
    cr_assert_str_eq(kernel_driver(DISK), "vfio-pci");
}

DAEMON_TEST(task_running, that_fails_is_a_failure_of_the_client)
{
    struct terminal terminal = {0};

    TERMINAL(&terminal, "set", DRIVER(ROOT_DISK), "--driver", "vfio-pci");
    ends(&terminal, 1, "\nTASK ERROR: ");
}

DAEMON_TEST(task_running, is_waited_for_by_a_script)
{
    autofree char *log =
        program_run((const char *const[]){"set", DRIVER(DISK), "--driver", "vfio-pci", NULL});
    cr_assert_str_eq(kernel_driver(DISK), "vfio-pci");
    cr_assert(text_ends_with(log, "\nTASK OK\n"), "%s", log);
    autofree char *upid = program_run(
        (const char *const[]){"set", DRIVER(DISK), "--driver", "auto", "--output-format", "json", NULL});
    cr_assert_str_neq(kernel_driver(DISK), "vfio-pci");
    cr_assert(text_starts_with(upid, "\"UPID:" NODE ":"), "%s", upid);
    program_fails(1, "TASK ERROR: ",
                  (const char *const[]){"set", DRIVER(ROOT_DISK), "--driver", "vfio-pci", "--output-format",
                                        "json", NULL});
}

DAEMON_TEST(task_running, is_only_named_on_request)
{
    struct terminal terminal = {0};

    TERMINAL(&terminal, "set", DRIVER(DISK), "--driver", "auto", "--no-wait");
    watch(&terminal, "\n");
    autofree char *second = xstrdup(text_string(&terminal.shown));
    ends(&terminal, 0, "UPID:" NODE ":");
    task_succeeds(text_trim(second));
}

DAEMON_TEST(task_running, goes_on_when_the_follower_is_interrupted)
{
    struct terminal terminal = {0};

    hold_unbind();
    TERMINAL(&terminal, "set", DRIVER(DISK), "--driver", "vfio-pci");
    wait_until_held();
    watch(&terminal, DISK);
    cr_assert_eq(write(terminal.fd, "\003", 1), 1);
    ends(&terminal, 130,
         "The task goes on. To see its log: hostpci get '/nodes/" NODE "/tasks/UPID:" NODE ":");
    autofree char *upid = xstrdup(text_of(json_array_get(get(TASKS, "source", "active", NULL), 0), "upid"));
    cr_assert(task_runs(upid));
    let_go();
    task_succeeds(upid);
}
