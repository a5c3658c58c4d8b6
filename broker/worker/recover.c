/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operation recover: brings back the functions that an operation left half-way. The broker starts it itself.
 * Its arguments:
 *
 *   claims       what it had not released, in the order of claiming
 *   waits-for    {pid, start-time} of its worker, if the kernel still holds that: nothing is changed before
 *                it has ended
 *   failed       1 if its worker said why it failed
 *
 * It always fails: its error says where everything is, and ends the operation's own error or "interrupted".
 */
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/memory.h"
#include "broker/operations.h"
#include "broker/process.h"
#include "broker/worker/bind.h"
#include "broker/worker/undo.h"

#define LOOK_MS 500 /* how often /proc is read beside the pidfd */

static bool is_alive(pid_t pid, unsigned long long start)
{
    unsigned long long now;

    return process_start_time(pid, &now) && now == start;
}

/* A worker that the kernel holds may still do its step, at any time. It is no child of ours: that it has
 * ended is seen by a pidfd and in /proc. That the broker has ended is noticed at the next step. */
static int wait_for(struct worker *worker, const json_t *process, const char *id, struct error *err)
{
    pid_t pid = (pid_t)json_integer_value(json_object_get(process, "pid"));
    unsigned long long start = (unsigned long long)json_integer_value(json_object_get(process, "start-time"));
    char step[96];

    if (process == NULL || !is_alive(pid, start))
        return 0;
    snprintf(step, sizeof(step), "wait for process %d, which the kernel holds in an earlier step", (int)pid);
    worker_log(
        worker,
        "%s: the kernel still holds process %d of the interrupted operation; nothing is changed before "
        "that has ended",
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

static int recover(struct worker *worker, json_t **ret, struct error *err)
{
    const json_t *claims = json_object_get(worker->arguments, "claims");
    const json_t *last = json_array_get(claims, json_array_size(claims) - 1);
    const char *id = json_string_value(json_object_get(last, "id"));
    autotext struct text where = {0};

    (void)ret;
    worker->undoing = true;
    if (wait_for(worker, json_object_get(worker->arguments, "waits-for"), id != NULL ? id : "", err) != 0)
        return -1;
    undo_claims(worker, claims, &where);
    bool failed = json_object_get(worker->arguments, "failed") != NULL;
    return error_set(err, ERROR_FAILED, "%s%s", failed ? "" : "interrupted; ", text_string(&where));
}

const struct operation operation_recover = {
    .name = "recover",
    .text = "Brings back what another worker left half-way.",
    .changes = true,
    .run = recover,
};
