/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker begins: what of the broker it keeps. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "broker/daemon/loop.h"
#include "broker/process.h"
#include "broker/protocol.h"

#define DESCRIPTORS 1024 /* the broker has fewer: CLIENT_LIMIT, BROKER_WORKERS and a handful */

static void close_range_of(int first, int last)
{
    if (first > last || close_range((unsigned)first, (unsigned)last, 0) == 0)
        return;
    /* a kernel before 5.9 */
    for (int fd = first; fd <= last && fd < DESCRIPTORS; fd++)
        close(fd);
}

/* The journal, the clients and the other workers are none of its business, and a worker that hangs in the
 * kernel must not hold the broker's socket. */
static void close_others(int a, int b)
{
    int low = a < b ? a : b, high = a < b ? b : a;

    close_range_of(STDERR_FILENO + 1, low - 1);
    close_range_of(low + 1, high - 1);
    close_range_of(high + 1, INT32_MAX);
}

/* A Ctrl-C at the terminal, or a service manager that ends all of a group, is for the broker, which waits for
 * the worker's end. */
static void leave_signals(void)
{
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE};
    sigset_t none;

    for (size_t i = 0; i < COUNT_OF(ignored); i++)
        signal(ignored[i], SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static json_t *run_operation(struct worker *worker, operation_function *run)
{
    json_t *result = NULL;
    struct error err;

    if (run(worker, &result, &err) != 0)
        return protocol_pack_error(&err);
    return json_pack("{s:o}", "result", result != NULL ? result : json_object());
}

__attribute__((noreturn)) static void work(struct worker *worker, operation_function *run)
{
    struct error err;

    leave_signals();
    close_others(worker->socket, sysroot_fd(worker->sysroot));
    autojson json_t *last = run_operation(worker, run);
    if (protocol_send(worker->socket, last, &err) != 0 && err.kind == ERROR_TOO_LARGE) {
        autojson json_t *complaint = protocol_pack_error(&err);
        protocol_send(worker->socket, complaint, &err);
    }
    _exit(EXIT_SUCCESS);
}

int job_spawn(const struct loop *loop, struct job *job, operation_function *run, json_t *arguments,
              struct error *err)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return error_set_errno(err, errno, "cannot start a worker");
    fcntl(pair[0], F_SETFL, O_NONBLOCK); /* our end; the worker waits */
    pid_t pid = fork();
    if (pid == 0) {
        struct worker worker = {.socket = pair[1],
                                .sysroot = loop->sysroot,
                                .operation = job->id != NULL ? job->id : "",
                                .arguments = arguments};
        work(&worker, run);
    }
    int reason = errno;
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return error_set_errno(err, reason, "cannot start a worker");
    }
    job->worker = pid;
    job->socket = pair[0];
    job->heard = loop_clock();
    return 0;
}

struct journal_worker job_worker(const struct job *job)
{
    struct journal_worker worker = {.pid = job->worker};
    unsigned long long start;

    if (process_start_time(job->worker, &start))
        worker.start = (int64_t)start;
    return worker;
}

void job_kill(struct job *job)
{
    kill(job->worker, SIGKILL);
    close(job->socket);
    job->worker = 0;
    job->socket = -1;
}
