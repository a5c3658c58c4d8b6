/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real daemon as a test sees it. */
#include "tests/api/daemon.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/broker.h"
#include "tests/api/call.h"
#include "tests/api/host.h"
#include "tests/api/lab/machine.h"
#include "tests/api/program.h"
#include "tests/auth_key.h"

#define ARGUMENTS 32

#define MOST      3

/* Of a test that has several, those besides the first are named as it is, with their number. */
static struct daemon {
    struct daemon_options options;
    const char *arguments[ARGUMENTS]; /* what options.arguments names: the list may end with its function */
    char node[8];
    char folder[80], host[100], state[100], run[100], broker[100], roms[100], store[100], socket[108],
        log[100], output[100];
    char url[128];
    pid_t pid; /* 0: none runs */
} daemons[MOST] = {{.node = NODE}, {.node = "pve2"}, {.node = "pve3"}}, *the = daemons;

void daemon_choose(unsigned number)
{
    cr_assert_lt(number, MOST);
    the = &daemons[number];
}

static void make_folders(void)
{
    const char *above = getenv("TMPDIR");
    const char *given = the->options.folder;
    int length = given != NULL ? snprintf(the->folder, sizeof(the->folder), "%s", given)
                               : snprintf(the->folder, sizeof(the->folder), "%s/hostpci-XXXXXX",
                                          above != NULL ? above : "/tmp");

    cr_assert_lt(length, (int)sizeof(the->folder), "the path of $TMPDIR is too long for a socket in it");
    if (given != NULL)
        cr_assert(mkdir(the->folder, 0755) == 0 || errno == EEXIST, "%s: %s", the->folder, strerror(errno));
    else
        cr_assert_not_null(mkdtemp(the->folder), "a folder like %s: %s", the->folder, strerror(errno));
    /* the daemon that root starts becomes another user */
    cr_assert_eq(chmod(the->folder, 0755), 0, "%s", the->folder);
    snprintf(the->state, sizeof(the->state), "%s/state", the->folder);
    snprintf(the->run, sizeof(the->run), "%s/run", the->folder);
    snprintf(the->broker, sizeof(the->broker), "%s/broker", the->folder);
    snprintf(the->roms, sizeof(the->roms), "%s/roms", the->folder);
    snprintf(the->store, sizeof(the->store), "%s/store", the->folder);
    snprintf(the->socket, sizeof(the->socket), "%s/run/hostpci.sock", the->folder);
    snprintf(the->log, sizeof(the->log), "%s/log", the->folder);
    snprintf(the->output, sizeof(the->output), "%s/output", the->folder);
}

/* "65534" is nobody: setpriv becomes the program, with the same process id. */
static size_t begin_as_nobody(const char *argv[ARGUMENTS])
{
    static const char *const words[] = {"/usr/bin/setpriv", "--reuid=65534", "--regid=65534",
                                        "--clear-groups"};

    if (!the->options.as_nobody || geteuid() != 0)
        return 0;
    memcpy(argv, words, sizeof(words));
    return COUNT_OF(words);
}

static void fill_arguments(const char *argv[ARGUMENTS], const char *const *more)
{
    const char *listen = the->options.listen != NULL ? the->options.listen : "http://127.0.0.1:0";
    const char *const fixed[] = {
        program_daemon(), "serve",     "--node",    the->node,
        "--state-dir",    the->state,  "--run-dir", the->run,
        "--broker-dir",   the->broker, "--listen",  listen,
        "--storage-dir",  the->store,  "--sysroot", the->host[0] != '\0' ? the->host : "/"};
    size_t count = begin_as_nobody(argv);

    memcpy(argv + count, fixed, sizeof(fixed));
    count += COUNT_OF(fixed);
    for (const char *const *next = the->arguments; *next != NULL; next++)
        argv[count++] = *next;
    for (; more != NULL && *more != NULL; more++)
        argv[count++] = *more;
    cr_assert_lt(count, ARGUMENTS);
    argv[count] = NULL;
}

char *daemon_log(void)
{
    struct error err;
    char *log = NULL;

    cr_assert_eq(file_read(the->log, PROGRAM_OUTPUT_LIMIT, &log, NULL, &err), 0, "%s", err.message);
    return log;
}

/* "listening on http://127.0.0.1:40001", the last time it started. */
static void find_url(void)
{
    static const char words[] = "listening on http";
    autofree char *log = daemon_log();
    const char *found = NULL;

    for (const char *at = log; (at = strstr(at, words)) != NULL; at += strlen(words))
        found = at;
    cr_assert_not_null(found, "the log does not tell where the daemon listens:\n%s", log);
    const char *url = found + strlen("listening on ");
    snprintf(the->url, sizeof(the->url), "%.*s", (int)strcspn(url, " \n"), url);
}

/* The socket appears when the daemon can answer; one that a dead daemon left answers nobody. */
static bool answers(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", the->socket);
    return connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0;
}

static void wait_until_ready(void)
{
    double end = machine_slept() + PROGRAM_SECONDS;

    while (!answers()) {
        if (waitpid(the->pid, NULL, WNOHANG) == the->pid || machine_slept() > end) {
            autofree char *log = daemon_log();
            cr_assert_fail("the daemon did not start:\n%s", log);
        }
        machine_sleep(5);
    }
    find_url();
}

void daemon_start_again(void)
{
    const char *argv[ARGUMENTS];

    cr_assert_eq(the->pid, 0, "a daemon runs already");
    fill_arguments(argv, NULL);
    the->pid = program_start(argv, the->output, the->log, the->options.file_limit);
    wait_until_ready();
}

static void keep_arguments(const char *const *arguments)
{
    size_t count = 0;

    while (arguments != NULL && arguments[count] != NULL && count < ARGUMENTS - 1) {
        the->arguments[count] = arguments[count];
        count++;
    }
    the->arguments[count] = NULL;
}

void daemon_start_with(const char *const *arguments)
{
    keep_arguments(arguments);
    daemon_start_again();
}

/* What an ordinary user starts is in folders of its own. */
static void give_folder_to_nobody(void)
{
    if (geteuid() != 0)
        return;
    cr_assert_eq(chown(the->folder, 65534, 65534), 0);
}

/* Root's daemon accepts a state folder that is not empty only if there is a database in it. */
static void fill_state(void)
{
    autofree char *database = xasprintf("%s/hostpci.db", the->state);
    struct error err;

    if (the->options.as_nobody || the->options.own_key || the->options.folder != NULL)
        return;
    cr_assert_eq(mkdir(the->state, 0700), 0, "%s: %s", the->state, strerror(errno));
    if (auth_key_put(the->state))
        cr_assert_eq(file_replace(database, "", 0, 0600, &err), 0, "%s", err.message);
}

void daemon_start(const struct daemon_options *options)
{
    the->options = *options;
    keep_arguments(options->arguments);
    make_folders();
    if (options->as_nobody)
        give_folder_to_nobody();
    fill_state();
    if (options->host != NULL) {
        snprintf(the->host, sizeof(the->host), "%s/host", the->folder);
        host_make(options->host, options->count, the->host);
    }
    if (options->kernel)
        broker_start(the->host);
    daemon_start_again();
}

static void check_log(void)
{
    static const char *const complaints[] = {"Sanitizer", "runtime error:", "Assertion"};
    autofree char *log = daemon_log();

    for (size_t i = 0; i < COUNT_OF(complaints); i++)
        cr_expect_null(strstr(log, complaints[i]), "the daemon's log:\n%s", log);
}

void daemon_stop(void)
{
    pid_t pid = the->pid;

    call_finish();
    the->pid = 0;
    if (pid == 0)
        return;
    kill(pid, SIGTERM);
    int status = program_wait(pid, PROGRAM_SECONDS);
    if (status == -1)
        kill(pid, SIGKILL);
    check_log();
    broker_stop();
    cr_assert_eq(status, 0, "the daemon ended with wait status %d (-1: did not end in %d s)", status,
                 PROGRAM_SECONDS);
}

void daemon_finish(void)
{
    for (unsigned i = 0; i < MOST; i++) {
        daemon_choose(i);
        daemon_stop();
    }
}

void daemon_kill(void)
{
    call_finish();
    kill(the->pid, SIGKILL);
    waitpid(the->pid, NULL, 0);
    the->pid = 0;
    check_log();
}

void daemon_refuses(const char *const *arguments, const char *text)
{
    autofree char *path = xasprintf("%s.refused", the->log), *log = NULL;
    const char *argv[ARGUMENTS];
    struct error err;

    fill_arguments(argv, arguments);
    unlink(path);
    pid_t pid = program_start(argv, the->output, path, 0);
    int status = program_wait(pid, PROGRAM_SECONDS);
    if (status == -1)
        kill(pid, SIGKILL);
    cr_assert_eq(file_read(path, PROGRAM_OUTPUT_LIMIT, &log, NULL, &err), 0, "%s", err.message);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1, "status %d (-1: it runs), log:\n%s", status,
              log);
    cr_assert_not_null(strstr(log, text), "'%s' is not in:\n%s", text, log);
    cr_assert_null(strstr(log, "Sanitizer"), "%s", log);
}

pid_t daemon_pid(void)
{
    return the->pid;
}

const char *daemon_node(void)
{
    return the->node;
}

const char *daemon_url(void)
{
    return the->url;
}

const char *daemon_socket(void)
{
    return the->socket;
}

const char *daemon_state(void)
{
    return the->state;
}

const char *daemon_run(void)
{
    return the->run;
}

const char *daemon_broker(void)
{
    return the->broker;
}

const char *daemon_roms(void)
{
    return the->roms;
}

const char *daemon_store(void)
{
    return the->store;
}

long long daemon_peak_memory(void)
{
    autofree char *path = xasprintf("/proc/%d/status", (int)daemon_pid()), *text = NULL;
    struct error err;
    long long kib = 0;

    cr_assert_eq(file_read(path, 65536, &text, NULL, &err), 0, "%s", err.message);
    const char *line = strstr(text, "VmHWM:");
    cr_assert(line != NULL && sscanf(line, "VmHWM: %lld", &kib) == 1);
    return kib;
}
