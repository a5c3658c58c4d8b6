/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations from their beginning to their end, with the ends of clients, workers and brokers in between. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/unit/broker_stage.h"

#define TAKE_DISK "{'id': '" DISK "', 'driver': 'vfio-pci'}"

/* Until it is there, the kernel does not return. */
struct gate {
    char path[192];
};

static void close_gate(const struct stage *stage, struct gate *gate, enum sysfs_access access,
                       const char *file)
{
    snprintf(gate->path, sizeof(gate->path), "%s/gate", stage->tree.path);
    kernel_set_fault(&(struct kernel_fault){.access = access, .path = file, .first = 1, .until = gate->path});
}

static void open_gate(const struct gate *gate)
{
    struct error err;

    kernel_set_fault(NULL);
    cr_assert_eq(file_replace(gate->path, "", 0, 0600, &err), 0, "%s", err.message);
}

static void pause_a_moment(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void wait_for_hang(void)
{
    for (int i = 0; !kernel_fault_hangs(); i++) {
        cr_assert_lt(i, 5000, "nobody hangs");
        pause_a_moment();
    }
}

static json_t *state_of(struct stage *stage)
{
    struct error err = {.message = ""};
    json_t *state = stage_try(stage, "state", "{}", &err);

    cr_assert_not_null(state, "%s", err.message);
    return state;
}

static void wait_until_quiet(struct stage *stage)
{
    for (int i = 0;; i++) {
        autojson json_t *state = state_of(stage);
        if (json_array_size(json_object_get(state, "operations")) == 0)
            return;
        cr_assert_lt(i, 5000, "an operation does not end");
        pause_a_moment();
    }
}

/* A client of its own, which ends with 0 if the operation works, with 1 if it fails. Its error is written to
 * the file `said`. */
static pid_t start_call(struct stage *stage, const char *id, const char *arguments)
{
    pid_t child = fork();

    cr_assert_geq(child, 0);
    if (child != 0)
        return child;
    autofree char *said = xasprintf("%s/said", stage->tree.path);
    autofree char *json = xstrdup(arguments);
    struct error err = {.message = ""};
    json_t *result;
    for (char *quote = json; (quote = strchr(quote, '\'')) != NULL;)
        *quote = '"';
    int status =
        broker_call(stage->client, "driver", id, json_loads(json, 0, NULL), NULL, NULL, &result, &err);
    file_replace(said, err.message, strlen(err.message), 0600, &err);
    _exit(status == 0 ? 0 : 1);
}

static void expect_said(const struct stage *stage, pid_t call, const char *part)
{
    autofree char *path = xasprintf("%s/said", stage->tree.path), *said = NULL;
    struct error err;
    int status;

    cr_assert_eq(waitpid(call, &status, 0), call);
    cr_assert_eq(file_read(path, 4096, &said, NULL, &err), 0, "%s", err.message);
    cr_assert_eq(WEXITSTATUS(status), 1, "it should fail");
    cr_assert_not_null(strstr(said, part), "it should say '%s': %s", part, said);
}

struct lines {
    struct text text;
    int count;
};

static void add_line(void *context, int number, const char *text)
{
    struct lines *lines = context;

    cr_assert_eq(number, ++lines->count, "no line is missing, none comes twice");
    text_printf(&lines->text, "%s\n", text);
}

/* Follows an operation from its beginning; its error must have this (NULL: it must work). Gives its log. */
static char *follow(const struct stage *stage, const char *id, const char *part)
{
    struct lines lines = {.count = 0};
    autojson json_t *result = NULL;
    struct error err = {.message = ""};

    int status = broker_follow(stage->client, id, 0, add_line, &lines, &result, &err);
    char *log = text_take(&lines.text);
    cr_assert_eq(status, part == NULL ? 0 : -1, "%s\n%s", err.message, log);
    if (part != NULL)
        cr_assert_not_null(strstr(err.message, part), "it should say '%s': %s", part, err.message);
    return log;
}

static void follow_to_error(const struct stage *stage, const char *id, const char *part, const char *line)
{
    autofree char *log = follow(stage, id, part);

    cr_assert_not_null(strstr(log, line), "the log should have '%s':\n%s", line, log);
}

/* Of the broker. */
static pid_t find_worker(const struct stage *stage)
{
    autofree char *path = xasprintf("/proc/%d/task/%d/children", (int)stage->broker, (int)stage->broker);
    autofree char *children = NULL;
    struct error err;

    cr_assert_eq(file_read(path, 4096, &children, NULL, &err), 0, "%s", err.message);
    pid_t worker = (pid_t)strtol(children, NULL, 10);
    cr_assert_gt(worker, 0, "there is no worker");
    return worker;
}

Test(job, its_log_and_its_end_are_told_again)
{
    autostage struct stage stage;
    autojson json_t *result = NULL;
    struct lines rest = {.count = 1};
    struct error err = {.message = ""};

    stage_make(&stage);
    stage_do(&stage, "driver", TAKE_DISK,
             "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    autofree char *log = follow(&stage, "UPID:1", NULL);
    cr_assert_str_eq(log, text_string(&stage.log));
    cr_assert_eq(broker_follow(stage.client, "UPID:1", 1, add_line, &rest, &result, &err), 0);
    cr_assert_str_eq(text_string(&rest.text), strchr(log, '\n') + 1, "all but the first line");
    text_release(&rest.text);
    stage.number = 0;
    stage_fail(&stage, "driver", TAKE_DISK, "there is an operation 'UPID:1' already");
}

Test(job, goes_on_when_its_client_hangs_up)
{
    autostage struct stage stage;
    struct gate gate;

    stage_make(&stage);
    close_gate(&stage, &gate, SYSFS_WRITE, "unbind");
    pid_t client = start_call(&stage, "UPID:a", TAKE_DISK);
    wait_for_hang();
    kill(client, SIGKILL);
    waitpid(client, NULL, 0);
    open_gate(&gate);
    autofree char *log = follow(&stage, "UPID:a", NULL);
    cr_assert_not_null(strstr(log, "vfio-pci"), "%s", log);
    expect_place(DISK, "vfio-pci", "vfio-pci");
}

/* Its state is told while it runs, and who else wants the function is told who has it. */
Test(job, has_its_functions_for_itself)
{
    autostage struct stage stage;
    struct gate gate;

    stage_make(&stage);
    close_gate(&stage, &gate, SYSFS_WRITE, "unbind");
    pid_t client = start_call(&stage, "UPID:a", TAKE_DISK);
    wait_for_hang();
    autojson json_t *state = state_of(&stage);
    json_t *running = json_array_get(json_object_get(state, "operations"), 0);
    expect_member(running, "id", "'UPID:a'");
    expect_member(running, "operation", "'driver'");
    expect_member(running, "function", "'" DISK "'");
    expect_member(running, "functions", "['" DISK "']");
    expect_member(running, "arguments",
                  "{'id': '" DISK "', 'driver': 'vfio-pci', 'scope': 'function', 'force': 0}");
    expect_member(running, "waiting-since", NULL);
    cr_assert_not_null(strstr(json_string_value(json_object_get(running, "step")), "unbind"));

    stage_fail(&stage, "driver", TAKE_DISK, DISK " is in the hands of another operation, driver 'UPID:a'");
    stage_do(&stage, "driver", "{'id': '" NETWORK "', 'driver': 'vfio-pci'}",
             "{'functions': [{'id': '" NETWORK "', 'before': 'e1000e', 'driver': 'vfio-pci'}]}");
    open_gate(&gate);
    int status;
    cr_assert_eq(waitpid(client, &status, 0), client);
    cr_assert_eq(status, 0);
    expect_quiet(&stage);
}

Test(job, stops_after_its_step_and_goes_back)
{
    autostage struct stage stage;
    struct gate gate;

    stage_make(&stage);
    close_gate(&stage, &gate, SYSFS_WRITE, "unbind");
    pid_t client = start_call(&stage, "UPID:a", TAKE_DISK);
    wait_for_hang();
    stage_do(&stage, "stop", "{'id': 'UPID:a'}", "{}");
    open_gate(&gate);
    expect_said(&stage, client, "stopped as asked for; " DISK " is back with nvme");
    expect_place(DISK, "nvme", "");
    follow_to_error(&stage, "UPID:a", "stopped as asked for", "asked to stop");
    expect_quiet(&stage);
}

/* With a broker that stops itself when this step is in the journal and not done; false if the operation ends
 * before. */
static bool stop_at(struct stage *stage, unsigned step, pid_t *ret_client)
{
    autofree char *number = xasprintf("%u", step);
    int status;

    setenv("HOSTPCI_BROKER_STOP_AT", number, 1);
    stage_make(stage);
    unsetenv("HOSTPCI_BROKER_STOP_AT"); /* of the next broker */
    *ret_client = start_call(stage, "UPID:a", TAKE_DISK);
    for (;;) {
        if (waitpid(stage->broker, &status, WUNTRACED | WNOHANG) == stage->broker) {
            cr_assert(WIFSTOPPED(status));
            return true;
        }
        if (waitpid(*ret_client, &status, WNOHANG) == *ret_client)
            return false;
        pause_a_moment();
    }
}

static void kill_worker(const struct stage *stage)
{
    kill(find_worker(stage), SIGKILL);
    kill(stage->broker, SIGCONT);
}

static void expect_back(struct stage *stage, pid_t client)
{
    expect_said(stage, client, "interrupted; " DISK);
    expect_place(DISK, "nvme", "");
    autojson json_t *state = state_of(stage);
    autojson json_t *nothing = json_pack("{s:[], s:{}}", "operations", "functions");
    cr_assert(json_equal(state, nothing));
}

Test(job, is_brought_back_if_its_worker_dies_at_any_step)
{
    for (unsigned step = 1;; step++) {
        autostage struct stage stage;
        pid_t client;
        if (!stop_at(&stage, step, &client)) {
            cr_assert_gt(step, 3, "there are steps");
            return;
        }
        kill_worker(&stage);
        expect_back(&stage, client);
        follow_to_error(&stage, "UPID:a", "interrupted", "was killed by signal 9");
    }
}

Test(job, is_brought_back_if_its_broker_dies_at_any_step)
{
    for (unsigned step = 1;; step++) {
        autostage struct stage stage;
        pid_t client;
        if (!stop_at(&stage, step, &client)) {
            cr_assert_gt(step, 3, "there are steps");
            return;
        }
        stage_stop_broker(&stage, SIGKILL);
        stage_start_broker(&stage);
        expect_back(&stage, client);
    }
}

/* Somebody kills whoever works: each attempt is followed by another one. */
Test(job, is_brought_back_even_if_that_is_cut_off)
{
    autostage struct stage stage;
    struct gate gate;
    pid_t client;

    cr_assert(stop_at(&stage, 3, &client));
    close_gate(&stage, &gate, SYSFS_READ, "driver_override");
    kill_worker(&stage);
    wait_for_hang();
    kernel_set_fault(NULL);
    kill_worker(&stage);
    expect_back(&stage, client);
}

/* Its client waits for the next broker, and hears the truth from it. */
Test(job, is_brought_back_by_the_next_broker)
{
    autostage struct stage stage;
    struct gate gate;

    stage_make(&stage);
    close_gate(&stage, &gate, SYSFS_WRITE, "unbind");
    pid_t client = start_call(&stage, "UPID:a", TAKE_DISK);
    wait_for_hang();
    stage_stop_broker(&stage, SIGKILL);
    open_gate(&gate);
    stage_start_broker(&stage);
    expect_said(&stage, client, "interrupted; " DISK " is back with nvme");
    expect_place(DISK, "nvme", "");
    expect_quiet(&stage);
}

/* The kernel may still do what it was told to: nothing is touched before. */
Test(job, waits_for_the_worker_that_hangs_from_an_earlier_broker)
{
    autostage struct stage stage;
    struct gate gate;

    stage_make(&stage);
    close_gate(&stage, &gate, SYSFS_WRITE, "unbind");
    pid_t client = start_call(&stage, "UPID:a", TAKE_DISK);
    wait_for_hang();
    stage_stop_broker(&stage, SIGKILL);
    stage_start_broker(&stage);
    stage_stop_broker(&stage, SIGKILL);
    stage_start_broker(&stage);
    autojson json_t *state = state_of(&stage);
    json_t *running = json_array_get(json_object_get(state, "operations"), 0);
    expect_member(running, "id", "'UPID:a'");
    expect_member(running, "functions", "['" DISK "']");
    usleep(300 * 1000);
    cr_assert(kernel_fault_hangs());
    stage_fail(&stage, "driver", TAKE_DISK, "in the hands of another operation");
    open_gate(&gate);
    expect_said(&stage, client, "interrupted; " DISK " is back with nvme");
    expect_place(DISK, "nvme", "");
    follow_to_error(&stage, "UPID:a", "interrupted", "has ended");
    expect_quiet(&stage);
}

Test(job, ends_before_the_broker_that_is_asked_to_end)
{
    autostage struct stage stage;
    struct gate gate;

    stage_make(&stage);
    close_gate(&stage, &gate, SYSFS_WRITE, "unbind");
    pid_t client = start_call(&stage, "UPID:a", TAKE_DISK);
    wait_for_hang();
    cr_assert_eq(kill(stage.broker, SIGTERM), 0);
    usleep(200 * 1000);
    cr_assert_eq(waitpid(stage.broker, NULL, WNOHANG), 0, "it waits");
    open_gate(&gate);
    int status;
    cr_assert_eq(waitpid(client, &status, 0), client);
    cr_assert_eq(status, 0, "the operation worked");
    cr_assert_eq(waitpid(stage.broker, &status, 0), stage.broker);
    cr_assert_eq(status, 0);
    stage.broker = 0;
    expect_place(DISK, "vfio-pci", "vfio-pci");
}

/* A step for which the kernel does not return is seen, with its file, and holds nobody else. */
Test(job, tells_that_the_kernel_does_not_return)
{
    autostage struct stage stage;
    struct gate gate;

    stage_make(&stage);
    close_gate(&stage, &gate, SYSFS_WRITE, "unbind");
    pid_t client = start_call(&stage, "UPID:a", TAKE_DISK);
    wait_for_hang();
    const char *where = NULL;
    autojson json_t *state = NULL;
    for (int i = 0; where == NULL; i++) {
        cr_assert_lt(i, 300, "nobody says that it waits");
        usleep(100 * 1000);
        json_decref(state);
        state = state_of(&stage);
        json_t *running = json_array_get(json_object_get(state, "operations"), 0);
        where = json_string_value(json_object_get(running, "waiting-text"));
    }
    cr_assert_not_null(strstr(where, "unbind"), "%s", where);
    open_gate(&gate);
    int status;
    waitpid(client, &status, 0);
    cr_assert_eq(status, 0);
    autofree char *log = follow(&stage, "UPID:a", NULL);
    cr_assert_not_null(strstr(log, "waiting for the kernel since "), "%s", log);
    cr_assert_not_null(strstr(log, DISK ": unbind"), "%s", log);
    cr_assert_not_null(strstr(log, "the kernel came back after 1"), "%s", log);
}

/* Reading may hang as well; the reader gets an answer all the same, and others are read. */
Test(job, a_reading_that_hangs_is_given_up)
{
    autostage struct stage stage;
    struct gate gate;
    struct error err;

    stage_make(&stage);
    close_gate(&stage, &gate, SYSFS_READ, DISK "/driver_override");
    stage_fail(&stage, "describe", "{'id': '" DISK "'}", "the kernel does not answer");
    stage_fail(&stage, "describe", "{'id': '" DISK "'}", "the last reading of the same has not come back");
    autojson json_t *other = stage_try(&stage, "describe", "{'id': '" NETWORK "'}", &err);
    cr_assert_not_null(other, "%s", err.message);
    open_gate(&gate);
    autojson json_t *again = NULL;
    for (int i = 0; again == NULL; i++) {
        cr_assert_lt(i, 1000, "%s", err.message);
        again = stage_try(&stage, "describe", "{'id': '" DISK "'}", &err);
        pause_a_moment();
    }
}

static void write_boot(const struct stage *stage, const char *boot)
{
    tree_write(&stage->tree, "proc/sys/kernel/random/boot_id", boot);
}

Test(job, is_history_after_a_reboot)
{
    autostage struct stage stage;
    struct gate gate;

    stage_make(&stage);
    stage_stop_broker(&stage, SIGTERM);
    write_boot(&stage, "first\n");
    stage_start_broker(&stage);
    close_gate(&stage, &gate, SYSFS_WRITE, "unbind");
    pid_t client = start_call(&stage, "UPID:a", TAKE_DISK);
    wait_for_hang();
    stage_stop_broker(&stage, SIGKILL);
    open_gate(&gate);
    write_boot(&stage, "second\n");
    stage_start_broker(&stage);
    expect_said(&stage, client, "interrupted by a reboot of the host");
    expect_quiet(&stage);
}

#define KEEP_DISK "{'id': '" DISK "', 'driver': 'vfio-pci', 'persistent': 1}"

Test(choice, is_made_again_at_each_start)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_do(&stage, "driver", KEEP_DISK,
             "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'auto'}",
             "{'functions': [{'id': '" DISK "', 'before': 'vfio-pci', 'driver': 'nvme'}]}");
    expect_log(&stage, "persistent");
    stage_stop_broker(&stage, SIGTERM);
    stage_start_broker(&stage);
    wait_until_quiet(&stage);
    expect_place(DISK, "vfio-pci", "vfio-pci");
    free(follow(&stage, "boot:" DISK, NULL));
    stage_stop_broker(&stage, SIGTERM);
    stage_start_broker(&stage);
    wait_until_quiet(&stage);
    free(follow(&stage, "boot:" DISK, NULL));
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'auto', 'persistent': 0}",
             "{'functions': [{'id': '" DISK "', 'before': 'vfio-pci', 'driver': 'nvme'}]}");
    stage_stop_broker(&stage, SIGTERM);
    stage_start_broker(&stage);
    wait_until_quiet(&stage);
    expect_place(DISK, "nvme", "");
}

Test(choice, is_for_the_card_that_it_was_made_for)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_do(&stage, "driver", KEEP_DISK,
             "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    stage_do(&stage, "driver", "{'id': '" DISK "', 'driver': 'auto'}",
             "{'functions': [{'id': '" DISK "', 'before': 'vfio-pci', 'driver': 'nvme'}]}");
    stage_stop_broker(&stage, SIGTERM);
    tree_write(&stage.tree, "sys/bus/pci/devices/" DISK "/device", "0xa80a\n");
    stage_start_broker(&stage);
    wait_until_quiet(&stage);
    expect_place(DISK, "nvme", "");
    autojson json_t *result = NULL;
    struct error err;
    cr_assert_eq(broker_follow(stage.client, "boot:" DISK, 0, NULL, NULL, &result, &err), -1);
    cr_assert_eq(err.kind, ERROR_NOT_FOUND);
}

/* What is brought back from the last run comes first. */
Test(choice, waits_for_what_is_brought_back)
{
    autostage struct stage stage;
    struct gate gate;

    stage_make(&stage);
    stage_do(&stage, "driver", KEEP_DISK,
             "{'functions': [{'id': '" DISK "', 'before': 'nvme', 'driver': 'vfio-pci'}]}");
    close_gate(&stage, &gate, SYSFS_WRITE, "unbind");
    pid_t client = start_call(&stage, "UPID:a", "{'id': '" DISK "', 'driver': 'auto'}");
    wait_for_hang();
    stage_stop_broker(&stage, SIGKILL);
    stage_start_broker(&stage);
    open_gate(&gate);
    expect_said(&stage, client, "interrupted; " DISK " is back with vfio-pci");
    wait_until_quiet(&stage);
    free(follow(&stage, "boot:" DISK, NULL));
    expect_place(DISK, "vfio-pci", "vfio-pci");
    expect_quiet(&stage);
}
