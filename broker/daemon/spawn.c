/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starting workers. */
#include "broker/daemon/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "broker/protocol.h"
#include "broker/worker/worker.h"

/* A worker must not have the journal, the clients or other workers open, and one that the kernel holds
 * must not hold the broker's socket in turn. */
static int compare_numbers(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void close_others(int kept[], size_t count)
{
    int first = STDERR_FILENO + 1;

    qsort(kept, count, sizeof(kept[0]), compare_numbers);
    for (size_t i = 0; i < count; i++) {
        if (kept[i] > first)
            close_range((unsigned)first, (unsigned)kept[i] - 1, 0);
        if (kept[i] >= first)
            first = kept[i] + 1;
    }
    close_range((unsigned)first, UINT_MAX, 0);
}

/* A Ctrl-C at the terminal, or a service manager that ends a whole group, is meant for the broker, which
 * waits for the worker's end. */
static void ignore_signals(void)
{
    static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE};
    sigset_t none;

    for (size_t i = 0; i < COUNT_OF(ignored); i++)
        signal(ignored[i], SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void work(struct worker *worker, operation_function *run)
{
    autojson json_t *start = NULL;
    json_t *result = NULL;
    int kept[] = {worker->socket, worker->helper, sysroot_fd(worker->sysroot)};
    struct error err;

    ignore_signals();
    close_others(kept, COUNT_OF(kept));
    if (protocol_receive(worker->socket, &start, &err) != 1)
        _exit(EXIT_FAILURE);
    int status = run(worker, &result, &err);
    worker_end(worker, status == 0 ? result : NULL, status == 0 ? NULL : &err);
    _exit(EXIT_SUCCESS);
}

int spawn_worker(const struct worker_host *host, operation_function *run, const char *id, json_t *arguments,
                 struct worker_process *ret, struct error *err)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set_errno(err, errno, "cannot start a worker");
    fcntl(ends[0], F_SETFL, O_NONBLOCK); /* the broker's end; the worker waits for its answers */
    pid_t pid = fork();
    if (pid == 0) {
        struct worker worker = {.socket = ends[1],
                                .helper = host->helper,
                                .sysroot = host->sysroot,
                                .rom_dir = host->rom_dir,
                                .run_dir = host->run_dir,
                                .qemu = host->qemu,
                                .volume_dirs = host->volume_dirs,
                                .store = host->store,
                                .uid_base = host->uid_base,
                                .operation = id,
                                .given = -1,
                                .arguments = arguments};
        work(&worker, run);
    }
    int reason = errno;
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return error_set_errno(err, reason, "cannot start a worker");
    }
    struct worker_process worker = {pid, (int)syscall(SYS_pidfd_open, pid, 0), ends[0]};
    if (worker.pidfd < 0) {
        error_set_errno(err, errno, "cannot watch a worker");
        spawn_discard(&worker);
        return -1;
    }
    *ret = worker;
    return 0;
}

void spawn_discard(struct worker_process *worker)
{
    kill(worker->pid, SIGKILL);
    TEMP_FAILURE_RETRY(waitpid(worker->pid, NULL, 0));
    close(worker->socket);
    if (worker->pidfd >= 0)
        close(worker->pidfd);
    *worker = (struct worker_process){.pidfd = -1, .socket = -1};
}
