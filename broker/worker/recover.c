/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation recover: brings back what an operation that was cut off left open. */
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "broker/process.h"
#include "broker/worker/actions.h"
#include "broker/worker/bind.h"

#define LOOK_MS 500 /* at a process that is waited for, beside the kernel's own word */

static bool is_alive(pid_t pid, unsigned long long start)
{
    unsigned long long now;

    return process_start_time(pid, &now) && now == start;
}

/* A worker that the kernel does not let go may still do its step, in whatever order. It is not ours to
 * collect: its end shows by a pidfd and in /proc. The broker's end is noticed by the next step. */
static int wait_for(struct worker *worker, const json_t *process, const char *id, struct error *err)
{
    pid_t pid = (pid_t)json_integer_value(json_object_get(process, "pid"));
    unsigned long long start = (unsigned long long)json_integer_value(json_object_get(process, "start-time"));
    char step[96];

    if (process == NULL || !is_alive(pid, start))
        return 0;
    snprintf(step, sizeof(step), "wait for process %d, which the kernel holds in an earlier step", (int)pid);
    worker_log(worker,
               "%s: process %d of the operation that was cut off has not come back from the kernel; "
               "nothing is touched before it does",
               id, (int)pid);
    if (worker_step(worker, id, step, err) != 0)
        return -1;
    autoclose int end = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd watched[] = {{.fd = end, .events = POLLIN}, {.fd = worker->socket, .events = 0}};
    while (is_alive(pid, start) && watched[1].revents == 0)
        poll(watched, COUNT_OF(watched), LOOK_MS);
    worker_log(worker, "%s: process %d has ended", id, (int)pid);
    return 0;
}

int broker_recover(struct worker *worker, json_t **ret, struct error *err)
{
    const json_t *rows = json_object_get(worker->arguments, "touched");
    const json_t *last = json_array_get(rows, json_array_size(rows) - 1);
    const char *id = json_string_value(json_object_get(last, "id"));
    autotext struct text where = {0};

    (void)ret;
    worker->undoing = true;
    if (wait_for(worker, json_object_get(worker->arguments, "waits-for"), id != NULL ? id : "", err) != 0)
        return -1;
    bind_undo_all(worker, rows, &where);
    /* "failed": its worker has told itself what went wrong */
    bool failed = json_object_get(worker->arguments, "failed") != NULL;
    return error_set(err, ERROR_FAILED, "%s%s", failed ? "" : "interrupted; ", text_string(&where));
}
