/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests of what changes a host. */
#include "tests/unit/broker/stage.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "broker/daemon/broker.h"

static const struct {
    const char *id, *driver, *class_code, *ids, *group, *reset;
} functions[] = {
    {PORT, "pcieport", "60400", "8086:1901", "1", NULL},
    {SCREEN, "nouveau", "30000", "10DE:2484", "1", "flr bus\n"},
    {SOUND, "snd_hda_intel", "40300", "10DE:228B", "1", "bus\n"},
    {DISK, "nvme", "10802", "144D:A808", "2", "flr\n"},
    {NETWORK, "e1000e", "20000", "8086:15B8", "3", NULL},
    {IDLE, NULL, "20000", "8086:1572", "4", NULL},
    {ALONE, "ahci", "10601", "8086:A282", NULL, NULL},
};

static void make_functions(const struct tree *tree)
{
    tree_write(tree, "proc/1/comm", "init\n");
    tree_write(tree, "proc/1/mountinfo", "22 27 0:21 / /proc rw,relatime - proc proc rw\n");
    tree_write(tree, "sys/class/net/bonding_masters", "\n");
    tree_write(tree, "sys/class/block/.keep", "");
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        autofree char *folder = xasprintf("sys/bus/pci/devices/%s", functions[i].id);
        autofree char *group = xasprintf("%s/iommu_group", folder);
        autofree char *reset = xasprintf("%s/reset_method", folder);
        tree_add_function(tree, functions[i].id, functions[i].driver, functions[i].class_code,
                          functions[i].ids, "10DE:146B");
        if (functions[i].group != NULL) {
            autofree char *target = xasprintf("../../../../kernel/iommu_groups/%s", functions[i].group);
            tree_link(tree, group, target);
        }
        if (functions[i].reset != NULL)
            tree_write(tree, reset, functions[i].reset);
    }
}

static void run_broker(const struct stage *stage)
{
    autofree char *run_dir = xasprintf("%s/run", stage->tree.path);
    autofree char *broker_dir = xasprintf("%s/broker", stage->tree.path);
    char *arguments[] = {
        xstrdup("broker"),    xstrdup("--run-dir"),      run_dir, xstrdup("--broker-dir"), broker_dir,
        xstrdup("--sysroot"), xstrdup(stage->tree.path), NULL};

    if (stage->stop_at > 0) {
        autofree char *step = xasprintf("%u", stage->stop_at);
        setenv("HOSTPCI_BROKER_STOP_AT", step, 1);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not come to its end */
    _exit(broker_main(COUNT_OF(arguments) - 1, arguments));
}

void stage_start_broker(struct stage *stage)
{
    struct error err;

    stage->broker = fork();
    cr_assert_geq(stage->broker, 0);
    if (stage->broker == 0)
        run_broker(stage);
    for (int i = 0; broker_check(stage->client, &err) != 0; i++) {
        cr_assert_lt(i, 2000, "the broker does not answer: %s", err.message);
        cr_assert_eq(waitpid(stage->broker, NULL, WNOHANG), 0, "the broker has ended");
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

void stage_stop_broker(struct stage *stage, int signal)
{
    int status;

    cr_assert_eq(kill(stage->broker, signal), 0);
    cr_assert_eq(waitpid(stage->broker, &status, 0), stage->broker);
    stage->broker = 0;
    if (signal == SIGTERM)
        cr_assert_eq(status, 0, "the broker ended with status %x", (unsigned)status);
}

pid_t stage_worker(const struct stage *stage)
{
    autofree char *path = xasprintf("/proc/%d/task/%d/children", (int)stage->broker, (int)stage->broker);
    autofile FILE *file = fopen(path, "r");
    int pid = 0;

    cr_assert_not_null(file, "%s", path);
    return fscanf(file, "%d", &pid) == 1 ? pid : 0;
}

void stage_make_host(struct stage *stage)
{
    *stage = (struct stage){.broker = 0};
    tree_make(&stage->tree);
    make_functions(&stage->tree);
    kernel_install(stage->tree.path);
    autofree char *run_dir = xasprintf("%s/run", stage->tree.path);
    stage->client = broker_new(run_dir);
}

void stage_make(struct stage *stage)
{
    stage_make_host(stage);
    stage_start_broker(stage);
}

void stage_release(struct stage *stage)
{
    if (stage->broker != 0)
        stage_stop_broker(stage, SIGTERM);
    broker_free(stage->client);
    text_release(&stage->log);
    kernel_uninstall();
    tree_remove(&stage->tree);
}

static json_t *parse(const char *text)
{
    autofree char *json = xstrdup(text);
    json_error_t reason;

    for (char *quote = json; (quote = strchr(quote, '\'')) != NULL;)
        *quote = '"';
    json_t *value = json_loads(json, 0, &reason);
    cr_assert_not_null(value, "%s: %s", reason.text, text);
    return value;
}

static void add_line(void *context, int number, const char *line)
{
    struct stage *stage = context;

    (void)number;
    text_printf(&stage->log, "%s\n", line);
}

json_t *stage_try(struct stage *stage, const char *operation, const char *arguments, struct error *err)
{
    bool reads = strcmp(operation, "driver") != 0 && strcmp(operation, "reset") != 0;
    autofree char *id = xasprintf("UPID:%u", ++stage->number);
    json_t *result = NULL;

    text_release(&stage->log);
    if (broker_call(stage->client, operation, reads ? NULL : id, parse(arguments), add_line, stage, &result,
                    err) != 0)
        return NULL;
    return result;
}

json_t *stage_ask(struct stage *stage, const char *operation, const char *arguments)
{
    struct error err = {.message = ""};
    json_t *found = stage_try(stage, operation, arguments, &err);

    cr_assert_not_null(found, "%s\n%s", err.message, text_string(&stage->log));
    return found;
}

void stage_do(struct stage *stage, const char *operation, const char *arguments, const char *result)
{
    expect_json(stage_ask(stage, operation, arguments), result);
}

void stage_fail(struct stage *stage, const char *operation, const char *arguments, const char *message)
{
    struct error err = {.message = ""};
    autojson json_t *found = stage_try(stage, operation, arguments, &err);

    cr_assert_null(found, "%s %s should fail", operation, arguments);
    cr_expect(strstr(err.message, message) != NULL, "'%s' should have '%s'", err.message, message);
}

void expect_place(const char *id, const char *driver, const char *override)
{
    cr_expect_str_eq(kernel_driver(id), driver, "%s has driver '%s', not '%s'", id, kernel_driver(id),
                     driver);
    cr_expect_str_eq(kernel_override(id), override, "%s has driver_override '%s', not '%s'", id,
                     kernel_override(id), override);
}

void expect_log(const struct stage *stage, const char *part)
{
    cr_expect(strstr(text_string(&stage->log), part) != NULL, "the log should have '%s':\n%s", part,
              text_string(&stage->log));
}

static void copy_file(const struct stage *stage, const char *from, const char *to)
{
    autofree char *old = xasprintf("%s/%s", stage->tree.path, from);
    autofree char *content = NULL;
    size_t length;
    struct error err;

    cr_assert_eq(file_read(old, (size_t)1 << 26, &content, &length, &err), 0, "%s", err.message);
    tree_write_bytes(&stage->tree, to, content, length);
}

struct stage_call {
    struct stage stage; /* with a log of its own */
    char *operation, *arguments;
    pthread_t thread;
    json_t *result;
    struct error error;
    atomic_bool ended;
};

static void *run_call(void *argument)
{
    struct stage_call *call = argument;

    call->result = stage_try(&call->stage, call->operation, call->arguments, &call->error);
    call->ended = true;
    return NULL;
}

struct stage_call *stage_begin(struct stage *stage, const char *operation, const char *arguments)
{
    struct stage_call *call = xcalloc(1, sizeof(*call));

    call->stage.client = stage->client;
    call->stage.number = stage->number++;
    call->operation = xstrdup(operation);
    call->arguments = xstrdup(arguments);
    cr_assert_eq(pthread_create(&call->thread, NULL, run_call, call), 0);
    return call;
}

json_t *stage_end(struct stage_call *call, struct error *err)
{
    pthread_join(call->thread, NULL);
    json_t *result = call->result;
    *err = call->error;
    text_release(&call->stage.log);
    free(call->operation);
    free(call->arguments);
    free(call);
    return result;
}

bool stage_wait_for_stop(const struct stage *stage, const struct stage_call *call)
{
    int status = 0;

    while (waitpid(stage->broker, &status, WUNTRACED | WNOHANG) == 0) {
        if (call->ended)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    cr_assert(WIFSTOPPED(status), "the broker ended with status %x", (unsigned)status);
    return true;
}

static char until[256];

const char *stage_until(const struct stage *stage)
{
    static unsigned number;

    snprintf(until, sizeof(until), "%s/go-on-%u", stage->tree.path, ++number);
    return until;
}

bool stage_wait_for_hang(const struct stage_call *call)
{
    while (!kernel_fault_hangs()) {
        if (call->ended)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    return true;
}

void stage_let_go(const struct stage *stage)
{
    tree_write(&stage->tree, until + strlen(stage->tree.path) + 1, "");
}

/* The broker has the journal for itself: a copy, with what is not yet in the file itself, tells as much. */
static void count_open(const struct stage *stage, int *touched, int *running)
{
    static const char query[] = "SELECT (SELECT count(*) FROM touched),"
                                " (SELECT count(*) FROM operation WHERE end IS NULL)";
    autofree char *file = xasprintf("%s/copy.db", stage->tree.path);
    sqlite3_stmt *statement;
    sqlite3 *journal;

    copy_file(stage, "broker/journal.db", "copy.db");
    copy_file(stage, "broker/journal.db-wal", "copy.db-wal");
    cr_assert_eq(sqlite3_open_v2(file, &journal, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(journal, query, -1, &statement, NULL), SQLITE_OK, "%s",
                 sqlite3_errmsg(journal));
    cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
    *touched = sqlite3_column_int(statement, 0);
    *running = sqlite3_column_int(statement, 1);
    sqlite3_finalize(statement);
    sqlite3_close(journal);
}

void expect_quiet_after(const struct stage *stage, const char *what)
{
    int touched, running;

    count_open(stage, &touched, &running);
    cr_expect_eq(touched, 0, "%s: %d functions are left open", what, touched);
    cr_expect_eq(running, 0, "%s: %d operations have no end", what, running);
}

void expect_quiet(const struct stage *stage)
{
    expect_quiet_after(stage, "now");
}

void stage_wait_for_quiet(struct stage *stage)
{
    for (int i = 0; i < 5000; i++) {
        autojson json_t *state = stage_ask(stage, "state", "{}");
        if (json_array_size(json_object_get(state, "operations")) == 0)
            return;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    cr_assert_fail("an operation does not end");
}
