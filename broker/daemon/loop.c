/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker's one thread. */
#include "broker/daemon/loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/notify.h"

#define STOP_MS 10000

/* What a descriptor of the poll belongs to: to one of these, or to the loop itself. */
struct owner {
    struct client *client;
    struct job *job;
};

int64_t loop_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int replay(struct loop *loop, struct error *err)
{
    autojson json_t *open = NULL, *facts = NULL;
    size_t i;
    const char *function;
    json_t *row, *of;

    if (journal_list_open(loop->journal, &open, err) != 0 ||
        journal_read_facts(loop->journal, NULL, &facts, err) != 0)
        return -1;
    json_array_foreach(open, i, row)
        job_resume(loop, row);
    loop->choices = json_object();
    json_object_foreach(facts, function, of) {
        if (json_object_get(of, "choice") != NULL)
            json_object_set(loop->choices, function, json_object_get(of, "choice"));
    }
    loop_apply_choices(loop);
    return 0;
}

static void reap(struct loop *loop)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (struct job *job = loop->jobs; job != NULL; job = job->next)
            if (job->worker == pid) {
                job_reap(loop, job, status);
                break;
            }
}

/* Whoever waits for the next broker may start it now. */
static void stop(struct loop *loop, int number)
{
    log_info("%s: stopping", number == SIGINT ? "interrupted" : "asked to stop");
    notify_manager("STOPPING=1");
    loop->deadline = loop_clock() + STOP_MS;
    unlink(loop->path);
    close(loop->listener);
    loop->listener = -1;
}

static void take_signals(struct loop *loop)
{
    struct signalfd_siginfo signal;

    while (read(loop->signals, &signal, sizeof(signal)) == sizeof(signal)) {
        if (signal.ssi_signo == SIGCHLD)
            reap(loop);
        else if (loop->deadline == 0)
            stop(loop, (int)signal.ssi_signo);
    }
}

static bool is_finished(const struct loop *loop)
{
    if (loop->deadline == 0)
        return false;
    if (loop_clock() >= loop->deadline)
        return true;
    for (const struct job *job = loop->jobs; job != NULL; job = job->next)
        if (job_is_busy(job))
            return false;
    for (const struct client *client = loop->clients; client != NULL; client = client->next)
        if (client->answer != NULL)
            return false;
    return true;
}

static int time_left(const struct loop *loop)
{
    int64_t due = loop->deadline != 0 ? loop->deadline : INT64_MAX, now = loop_clock();

    for (const struct job *job = loop->jobs; job != NULL; job = job->next)
        due = job_due(job) < due ? job_due(job) : due;
    for (const struct client *client = loop->clients; client != NULL; client = client->next)
        due = client->deadline < due ? client->deadline : due;
    if (due == INT64_MAX)
        return -1;
    return due <= now ? 0 : due - now > INT32_MAX ? INT32_MAX : (int)(due - now);
}

/* Fills both arrays, which have room for all; returns how many there are. The first two are the loop's. */
static nfds_t watch(const struct loop *loop, struct pollfd *fds, struct owner *owners)
{
    nfds_t count = 2;

    fds[0] = (struct pollfd){.fd = loop->signals, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = loop->client_count < CLIENT_LIMIT ? loop->listener : -1, .events = POLLIN};
    for (struct client *client = loop->clients; client != NULL; client = client->next) {
        owners[count].client = client;
        fds[count++] = (struct pollfd){.fd = client->socket,
                                       .events = (short)(client->blocked ? POLLIN | POLLOUT : POLLIN)};
    }
    for (struct job *job = loop->jobs; job != NULL; job = job->next) {
        owners[count].job = job;
        fds[count++] = (struct pollfd){.fd = job->socket, .events = POLLIN};
    }
    return count;
}

static void serve_one(struct loop *loop, const struct owner *owner, short events)
{
    if (owner->job != NULL && owner->job->socket >= 0)
        job_hear(loop, owner->job);
    if (owner->client == NULL || owner->client->over)
        return;
    if ((events & POLLOUT) != 0)
        client_send(loop, owner->client);
    if ((events & ~POLLOUT) != 0)
        client_hear(loop, owner->client);
}

static void tick(struct loop *loop)
{
    int64_t now = loop_clock();

    for (struct job *job = loop->jobs; job != NULL; job = job->next)
        job_tick(loop, job, now);
    for (struct client *client = loop->clients; client != NULL; client = client->next)
        if (now >= client->deadline)
            client->over = true;
}

static void sweep(struct loop *loop)
{
    for (struct client **at = &loop->clients; *at != NULL;) {
        struct client *client = *at;
        if (!client->over) {
            at = &client->next;
            continue;
        }
        *at = client->next;
        loop->client_count--;
        client_free(client);
    }
    for (struct job **at = &loop->jobs; *at != NULL;) {
        struct job *job = *at;
        if (!job->over) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        loop->job_count--;
        loop->reader_count -= job->id == NULL;
        job_free(job);
    }
}

static int turn(struct loop *loop, struct error *err)
{
    size_t room = 2 + loop->client_count + loop->job_count;
    autofree struct pollfd *fds = xcalloc(room, sizeof(*fds));
    autofree struct owner *owners = xcalloc(room, sizeof(*owners));
    nfds_t count = watch(loop, fds, owners);

    if (poll(fds, count, time_left(loop)) < 0 && errno != EINTR)
        return error_set_errno(err, errno, "the broker cannot wait");
    for (nfds_t i = 2; i < count; i++)
        if (fds[i].revents != 0)
            serve_one(loop, &owners[i], fds[i].revents);
    if (fds[0].revents != 0)
        take_signals(loop);
    if (fds[1].revents != 0 && loop->listener >= 0)
        client_accept(loop);
    tick(loop);
    sweep(loop);
    return 0;
}

static void forget_all(struct loop *loop)
{
    unsigned left = 0;

    for (struct job *job = loop->jobs; job != NULL; job = job->next) {
        left += job->id != NULL && !job->over;
        job->over = true;
    }
    for (struct client *client = loop->clients; client != NULL; client = client->next)
        client->over = true;
    sweep(loop);
    json_decref(TAKE(loop->choices));
    if (left > 0)
        log_warning("%u operations did not end: the next broker brings back what they touched", left);
}

int loop_run(struct loop *loop, struct error *err)
{
    int result = replay(loop, err);

    if (result == 0)
        result = broker_publish(loop->path, err);
    if (result == 0) {
        log_info("listening on %s", loop->path);
        notify_manager("READY=1");
    }
    while (result == 0 && !is_finished(loop))
        result = turn(loop, err);
    forget_all(loop);
    return result;
}
