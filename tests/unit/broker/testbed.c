/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests of what changes a host. */
#include "tests/unit/broker/testbed.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "broker/daemon/broker.h"
#include "broker/operations.h"
#include "tests/rom.h"

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

static void run_broker(const struct testbed *testbed)
{
    autofree char *run_dir = xasprintf("%s/run", testbed->tree.path);
    autofree char *broker_dir = xasprintf("%s/broker", testbed->tree.path);
    autofree char *rom_dir = xasprintf("%s/roms", testbed->tree.path);
    char *arguments[] = {xstrdup("broker"),
                         xstrdup("--run-dir"),
                         run_dir,
                         xstrdup("--broker-dir"),
                         broker_dir,
                         xstrdup("--sysroot"),
                         xstrdup(testbed->tree.path),
                         xstrdup("--rom-dir"),
                         rom_dir,
                         NULL};

    if (testbed->stop_at > 0) {
        autofree char *step = xasprintf("%u", testbed->stop_at);
        setenv("HOSTPCI_BROKER_STOP_AT", step, 1);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails does not get to its end */
    _exit(broker_main(COUNT_OF(arguments) - 1, arguments));
}

void testbed_start_broker(struct testbed *testbed)
{
    struct error err;

    testbed->broker = fork();
    cr_assert_geq(testbed->broker, 0);
    if (testbed->broker == 0)
        run_broker(testbed);
    for (int i = 0; broker_check(testbed->client, &err) != 0; i++) {
        cr_assert_lt(i, 2000, "the broker does not answer: %s", err.message);
        cr_assert_eq(waitpid(testbed->broker, NULL, WNOHANG), 0, "the broker has ended");
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
    }
}

void testbed_stop_broker(struct testbed *testbed, int signal)
{
    int status;

    cr_assert_eq(kill(testbed->broker, signal), 0);
    cr_assert_eq(waitpid(testbed->broker, &status, 0), testbed->broker);
    testbed->broker = 0;
    if (signal == SIGTERM)
        cr_assert_eq(status, 0, "the broker ended with status %x", (unsigned)status);
}

pid_t testbed_worker(const struct testbed *testbed)
{
    autofree char *path = xasprintf("/proc/%d/task/%d/children", (int)testbed->broker, (int)testbed->broker);
    autofile FILE *file = fopen(path, "r");
    int pid = 0;

    cr_assert_not_null(file, "%s", path);
    while (fscanf(file, "%d", &pid) == 1)
        ;
    return pid;
}

void testbed_make_host(struct testbed *testbed)
{
    *testbed = (struct testbed){.broker = 0};
    tree_make(&testbed->tree);
    make_functions(&testbed->tree);
    kernel_install(testbed->tree.path);
    unsigned char rom[ROM_ROOM];
    kernel_set_rom(SCREEN, rom, rom_make_types("03", 0x10de, 0x2484, rom));
    autofree char *run_dir = xasprintf("%s/run", testbed->tree.path);
    testbed->client = broker_new(run_dir);
}

void testbed_make(struct testbed *testbed)
{
    testbed_make_host(testbed);
    testbed_start_broker(testbed);
}

void testbed_release(struct testbed *testbed)
{
    if (testbed->broker != 0)
        testbed_stop_broker(testbed, SIGTERM);
    broker_free(testbed->client);
    text_release(&testbed->log);
    kernel_uninstall();
    tree_remove(&testbed->tree);
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
    struct testbed *testbed = context;

    (void)number;
    text_printf(&testbed->log, "%s\n", line);
}

json_t *testbed_try(struct testbed *testbed, const char *operation, const char *arguments, struct error *err)
{
    const struct operation *found = operation_find(operation);
    bool reads = found == NULL || !found->changes;
    autofree char *id = xasprintf("UPID:%u", ++testbed->number);
    json_t *result = NULL;

    text_release(&testbed->log);
    if (broker_call(testbed->client, operation, reads ? NULL : id, parse(arguments), add_line, testbed,
                    &result, err) != 0)
        return NULL;
    return result;
}

json_t *testbed_ask(struct testbed *testbed, const char *operation, const char *arguments)
{
    struct error err = {.message = ""};
    json_t *found = testbed_try(testbed, operation, arguments, &err);

    cr_assert_not_null(found, "%s\n%s", err.message, text_string(&testbed->log));
    return found;
}

void testbed_do(struct testbed *testbed, const char *operation, const char *arguments, const char *result)
{
    expect_json(testbed_ask(testbed, operation, arguments), result);
}

void testbed_fail(struct testbed *testbed, const char *operation, const char *arguments, const char *message)
{
    struct error err = {.message = ""};
    autojson json_t *found = testbed_try(testbed, operation, arguments, &err);

    cr_assert_null(found, "%s %s should fail", operation, arguments);
    cr_expect(strstr(err.message, message) != NULL, "'%s' should have '%s'", err.message, message);
}

void expect_binding(const char *id, const char *driver, const char *override)
{
    cr_expect_str_eq(kernel_driver(id), driver, "%s has driver '%s', not '%s'", id, kernel_driver(id),
                     driver);
    cr_expect_str_eq(kernel_override(id), override, "%s has driver_override '%s', not '%s'", id,
                     kernel_override(id), override);
}

void expect_log(const struct testbed *testbed, const char *part)
{
    cr_expect(strstr(text_string(&testbed->log), part) != NULL, "the log should have '%s':\n%s", part,
              text_string(&testbed->log));
}

/* By the kernel: the log that comes with a journal has megabytes, and the tests of faults copy it at each
 * access. */
static void copy_file(const struct testbed *testbed, const char *from, const char *to)
{
    autofree char *old = xasprintf("%s/%s", testbed->tree.path, from);
    autofree char *new = xasprintf("%s/%s", testbed->tree.path, to);
    autoclose int in = open(old, O_RDONLY | O_CLOEXEC);
    autoclose int out = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ssize_t copied;

    cr_assert(in >= 0 && out >= 0, "%s: %s", from, strerror(errno));
    while ((copied = sendfile(out, in, NULL, (size_t)1 << 26)) > 0)
        continue;
    cr_assert_eq(copied, 0, "%s: %s", from, strerror(errno));
}

struct testbed_call {
    struct testbed testbed; /* with a log of its own */
    char *operation, *arguments;
    pthread_t thread;
    json_t *result;
    struct error error;
    atomic_bool ended;
};

static void *run_call(void *argument)
{
    struct testbed_call *call = argument;

    call->result = testbed_try(&call->testbed, call->operation, call->arguments, &call->error);
    call->ended = true;
    return NULL;
}

struct testbed_call *testbed_begin(struct testbed *testbed, const char *operation, const char *arguments)
{
    struct testbed_call *call = xcalloc(1, sizeof(*call));

    call->testbed.client = testbed->client;
    call->testbed.number = testbed->number++;
    call->operation = xstrdup(operation);
    call->arguments = xstrdup(arguments);
    cr_assert_eq(pthread_create(&call->thread, NULL, run_call, call), 0);
    return call;
}

json_t *testbed_end(struct testbed_call *call, struct error *err)
{
    pthread_join(call->thread, NULL);
    json_t *result = call->result;
    *err = call->error;
    text_release(&call->testbed.log);
    free(call->operation);
    free(call->arguments);
    free(call);
    return result;
}

bool testbed_wait_for_stop(const struct testbed *testbed, const struct testbed_call *call)
{
    int status = 0;

    while (waitpid(testbed->broker, &status, WUNTRACED | WNOHANG) == 0) {
        if (call->ended)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    cr_assert(WIFSTOPPED(status), "the broker ended with status %x", (unsigned)status);
    return true;
}

void testbed_kill_stopped(struct testbed *testbed, bool worker, bool broker)
{
    pid_t pid = testbed_worker(testbed);

    kernel_hold();
    if (worker)
        cr_assert_eq(kill(pid, SIGKILL), 0);
    if (broker)
        testbed_stop_broker(testbed, SIGKILL);
    kernel_go_on();
    testbed->stop_at = 0;
    if (broker)
        testbed_start_broker(testbed);
    else
        cr_assert_eq(kill(testbed->broker, SIGCONT), 0);
}

static char until[256];

const char *testbed_until(const struct testbed *testbed)
{
    static unsigned number;

    snprintf(until, sizeof(until), "%s/go-on-%u", testbed->tree.path, ++number);
    return until;
}

bool testbed_wait_for_hang(const struct testbed_call *call)
{
    while (!kernel_fault_hangs()) {
        if (call->ended)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    return true;
}

void testbed_let_go(const struct testbed *testbed)
{
    tree_write(&testbed->tree, until + strlen(testbed->tree.path) + 1, "");
}

/* Nobody else may open the broker's journal: this reads a copy, with the part that is still in the log. */
static void count_open(const struct testbed *testbed, int *touched, int *running)
{
    static const char query[] = "SELECT (SELECT count(*) FROM touched),"
                                " (SELECT count(*) FROM operation WHERE end IS NULL)";
    autofree char *file = xasprintf("%s/copy.db", testbed->tree.path);
    sqlite3_stmt *statement;
    sqlite3 *journal;

    copy_file(testbed, "broker/journal.db", "copy.db");
    copy_file(testbed, "broker/journal.db-wal", "copy.db-wal");
    cr_assert_eq(sqlite3_open_v2(file, &journal, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    cr_assert_eq(sqlite3_prepare_v2(journal, query, -1, &statement, NULL), SQLITE_OK, "%s",
                 sqlite3_errmsg(journal));
    cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
    *touched = sqlite3_column_int(statement, 0);
    *running = sqlite3_column_int(statement, 1);
    sqlite3_finalize(statement);
    sqlite3_close(journal);
}

void expect_nothing_open_after(const struct testbed *testbed, const char *what)
{
    int touched, running;

    count_open(testbed, &touched, &running);
    cr_expect_eq(touched, 0, "%s: %d functions are left open", what, touched);
    cr_expect_eq(running, 0, "%s: %d operations have no end", what, running);
}

void expect_nothing_open(const struct testbed *testbed)
{
    expect_nothing_open_after(testbed, "now");
}

void testbed_wait_until_idle(struct testbed *testbed)
{
    for (int i = 0, idle = 0; i < 5000; i++) {
        autojson json_t *state = testbed_ask(testbed, "state", "{}");
        idle = json_array_size(json_object_get(state, "operations")) == 0 ? idle + 1 : 0;
        if (idle == 2) /* what waited for the last operation starts after the first such answer */
            return;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    cr_assert_fail("an operation does not end");
}
