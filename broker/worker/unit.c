/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that run outside of the broker's confinement. */
#include "broker/worker/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exec.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/paths.h"

#define STEP_MS      4000 /* less than the broker's patience with a silent worker */
#define SYSTEMD_RUN  "/usr/bin/systemd-run"
#define SYSTEMCTL    "/usr/bin/systemctl"
#define STOP_SECONDS 100
#define LAST_SIZE    256

struct run {
    struct worker *worker;
    const char *id;
    struct program_command command;
    int output, output_end; /* of the pipe: ours, and the program's */
    int end;                /* readable when the program has ended */
    struct text line;       /* one that has begun */
    char last[LAST_SIZE];   /* that is whole */
};

static void flush(struct run *run)
{
    const char *name = strrchr(run->command.argv[0], '/') + 1;

    if (run->line.length > 0) {
        worker_log(run->worker, "%s: %s", name, run->line.data);
        snprintf(run->last, sizeof(run->last), "%s", run->line.data);
    }
    run->line.length = 0;
}

static void take(struct run *run, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n' || bytes[i] == '\r' || run->line.length >= WORKER_LINE_SIZE / 2)
            flush(run);
        if (bytes[i] != '\n' && bytes[i] != '\r')
            text_append_bytes(&run->line, &bytes[i], 1);
    }
}

/* False: there is nothing more now. */
static bool read_some(struct run *run)
{
    char bytes[4096];
    ssize_t count = TEMP_FAILURE_RETRY(read(run->output, bytes, sizeof(bytes)));

    if (count > 0)
        take(run, bytes, (size_t)count);
    return count > 0;
}

static int follow(struct run *run, struct error *err)
{
    struct pollfd watched[] = {{.fd = run->end, .events = POLLIN}, {.fd = run->output, .events = POLLIN}};
    long long began = clock_milliseconds(), until = began + run->command.seconds * 1000LL, said = began;

    while (watched[0].revents == 0) {
        poll(watched, COUNT_OF(watched), STEP_MS);
        long long now = clock_milliseconds();
        char step[512];
        if (watched[1].revents != 0 && !read_some(run))
            watched[1].fd = -1;
        if (now > until)
            return error_set(err, ERROR_FAILED, "`%s` did not end within %u s and was stopped",
                             run->command.text, run->command.seconds);
        if (now - said < STEP_MS)
            continue;
        said = now;
        snprintf(step, sizeof(step), "wait for `%s`, for %lld s now", run->command.text,
                 (now - began) / 1000);
        if (worker_step(run->worker, run->id, step, err) != 0)
            return -1;
    }
    while (read_some(run))
        ;
    flush(run);
    return 0;
}

static int open_output(struct run *run, struct error *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(err, errno, "cannot make a pipe");
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    run->output = ends[0];
    run->output_end = ends[1];
    return 0;
}

/* One that a worker left that was killed; there hardly ever is any. */
static void stop_unit(const struct run *run)
{
    const char *const argv[] = {SYSTEMCTL, "--quiet", "stop", run->command.unit, NULL};
    struct error ignored;

    exec_run(argv, STOP_SECONDS, NULL, &ignored);
}

/* A host that goes down stops dist/hostpci-guests.service, which shuts VMs down, before it stops what this
 * names. */
#define BEFORE_GUESTS "--property=Before=hostpci-guests.service"

/* Who does not see the log is told with the error what the program said last. */
static int judge(const struct run *run, int status, struct error *err)
{
    struct error why;

    if (exec_judge(run->command.argv[0], status, &why) == 0)
        return 0;
    return error_set(err, why.kind, "%.700s%s%s", why.message, run->last[0] != '\0' ? ": " : "", run->last);
}

static int run_in_unit(struct run *run, struct error *err)
{
    autofree char *name = xasprintf("--unit=%s", run->command.unit);
    struct host_path own = path_of_process((int)getpid(), "fd");
    autofree char *output = xasprintf("--property=StandardOutput=file:/%s/%d", own.text, run->output_end);
    autofree char *complaints = xasprintf("--property=StandardError=file:/%s/%d", own.text, run->output_end);
    autofree char *time = xasprintf("--property=TimeoutStartSec=%u", run->command.seconds);
    const char *argv[13 + PROGRAM_WORDS] = {SYSTEMD_RUN,
                                            "--quiet",
                                            "--collect",
                                            "--no-ask-password",
                                            name,
                                            run->command.stays ? "--property=Type=forking"
                                                               : "--property=Type=oneshot",
                                            output,
                                            complaints,
                                            time,
                                            BEFORE_GUESTS,
                                            "--setenv=LC_ALL=C",
                                            "--"};
    int status = 0;
    pid_t pid;

    for (size_t i = 0; run->command.argv[i] != NULL; i++)
        argv[12 + i] = run->command.argv[i];
    stop_unit(run);
    if (exec_start(argv, run->output_end, &pid, err) != 0)
        return -1;
    run->end = (int)syscall(SYS_pidfd_open, pid, 0);
    int result = follow(run, err);
    if (result != 0) {
        kill(-pid, SIGKILL);
        stop_unit(run);
    }
    TEMP_FAILURE_RETRY(waitpid(pid, &status, 0));
    return result != 0 ? -1 : judge(run, status, err);
}

static int send_order(int helper, enum program which, const char *argument, const int fds[static 2],
                      struct error *err)
{
    struct unit_order order = {.program = which};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    struct iovec part = {&order, sizeof(order)};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    snprintf(order.argument, sizeof(order.argument), "%s", argument != NULL ? argument : "");
    *header = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(2 * sizeof(int))};
    memcpy(CMSG_DATA(header), fds, 2 * sizeof(int));
    if (sendmsg(helper, &message, MSG_NOSIGNAL) != (ssize_t)sizeof(order))
        return error_set_errno(err, errno,
                               "the process that runs programs for the broker does not answer: restart "
                               "the broker");
    return 0;
}

static int run_by_helper(struct run *run, enum program which, const char *argument, struct error *err)
{
    int ends[2], status = 0;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(err, errno, "cannot make a pipe");
    run->end = ends[0];
    int sent = send_order(run->worker->helper, which, argument, (const int[]){run->output_end, ends[1]}, err);
    close(ends[1]);
    cleanup_close(&run->output_end);
    run->output_end = -1;
    if (sent != 0 || follow(run, err) != 0)
        return -1;
    if (TEMP_FAILURE_RETRY(read(run->end, &status, sizeof(status))) != (ssize_t)sizeof(status))
        return error_set(err, ERROR_FAILED, "the process that ran `%s` died", run->command.text);
    return judge(run, status, err);
}

int unit_run(struct worker *worker, const char *id, enum program which, const char *argument,
             struct error *err)
{
    struct run run = {.worker = worker, .id = id, .output = -1, .output_end = -1, .end = -1};
    autofree char *step = NULL;

    if (program_fill(which, argument, &run.command, err) != 0)
        return -1;
    if (!run.command.own && !program_may_run(worker->sysroot)) {
        worker_log(worker, "`%s` was not run, because --sysroot names another host than this: run it there",
                   run.command.text);
        return 0;
    }
    if (access(run.command.argv[0], X_OK) != 0)
        return error_set(err, ERROR_NOT_FOUND, "'%s' is not installed", run.command.argv[0]);
    if (worker->helper < 0 && !program_has_manager())
        return error_set(err, ERROR_FAILED, "`%s` cannot be run from here: restart the broker",
                         run.command.text);
    step = xasprintf("run `%s`", run.command.text);
    if (worker_step(worker, id, step, err) != 0 || open_output(&run, err) != 0)
        return -1;
    if (!run.command.own)
        worker_log(worker, "%s", step);
    int result = worker->helper < 0 ? run_in_unit(&run, err) : run_by_helper(&run, which, argument, err);
    cleanup_close(&run.output);
    cleanup_close(&run.output_end);
    cleanup_close(&run.end);
    text_release(&run.line);
    return result;
}
