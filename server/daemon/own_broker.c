/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker of a daemon that root started by hand. */
#include "server/daemon/own_broker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "broker/call.h"

#define START_SECONDS 15 /* it may have to bring functions back first */
#define STOP_SECONDS  15 /* it gives what it is doing 10 */
#define LOOK_MS       5

static bool answers(const struct settings *settings, struct error *err)
{
    struct broker *broker = broker_new(settings->run_dir);
    bool result = broker_check(broker, err) == 0;

    broker_free(broker);
    return result;
}

/* In the child: the end of our process is told to it by its standard input, the lifeline. PR_SET_PDEATHSIG is
 * no way to do it, as the kernel does not deliver the signal of a parent that is not root any more. */
static void end_with_parent(int lifeline)
{
    struct pollfd hung_up = {.fd = STDIN_FILENO};

    if (dup2(lifeline, STDIN_FILENO) < 0 || fcntl(STDIN_FILENO, F_SETOWN, getpid()) != 0 ||
        fcntl(STDIN_FILENO, F_SETSIG, SIGTERM) != 0 || fcntl(STDIN_FILENO, F_SETFL, O_ASYNC) != 0 ||
        poll(&hung_up, 1, 0) != 0)
        _exit(EXIT_FAILURE);
}

/* In the child. A process group of its own: the terminal's Ctrl-C is for us, who end it in order. */
static void become_broker(const struct settings *settings, const char *user, int lifeline)
{
    const char *const argv[] = {"hostpci",
                                "broker",
                                "--run-dir",
                                settings->run_dir,
                                "--broker-dir",
                                settings->broker_dir,
                                "--user",
                                user,
                                "--sysroot",
                                settings->sysroot,
                                NULL};
    sigset_t none;

    setpgid(0, 0);
    end_with_parent(lifeline);
    unsetenv("NOTIFY_SOCKET"); /* it is us for whom the service manager waits */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv("/proc/self/exe", (char *const *)argv);
    log_error("cannot start the broker: %s", strerror(errno));
    _exit(EXIT_FAILURE);
}

static void say_how_it_ended(int status)
{
    if (WIFSIGNALED(status))
        log_error("the broker was killed by signal %d: until hostpci is started again nothing can be changed",
                  WTERMSIG(status));
    else
        log_error("the broker ended with status %d, see its lines above: until hostpci is started again "
                  "nothing can be changed",
                  WEXITSTATUS(status));
}

/* True if it ended meanwhile. */
static bool wait_for_end(struct own_broker *own_broker, int *ret_status, int milliseconds)
{
    for (; milliseconds > 0; milliseconds -= LOOK_MS) {
        if (waitpid(own_broker->pid, ret_status, WNOHANG) == own_broker->pid) {
            own_broker->pid = 0;
            return true;
        }
        nanosleep(&(const struct timespec){.tv_nsec = LOOK_MS * 1000000L}, NULL);
    }
    return false;
}

static int wait_until_ready(const struct settings *settings, struct own_broker *own_broker, struct error *err)
{
    time_t end = time(NULL) + START_SECONDS;
    struct error why;
    int status;

    while (!answers(settings, &why)) {
        if (wait_for_end(own_broker, &status, LOOK_MS))
            return error_set(err, ERROR_FAILED, "the broker ended at once (%s %d); its lines above say why",
                             WIFSIGNALED(status) ? "signal" : "status",
                             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        if (time(NULL) > end)
            return error_set(err, ERROR_FAILED, "the broker did not answer within %d s: %s", START_SECONDS,
                             why.message);
    }
    return 0;
}

int own_broker_start(const struct settings *settings, const char *user, struct own_broker *ret,
                     struct error *err)
{
    struct own_broker own_broker;
    struct error none;
    int ends[2];

    if (answers(settings, &none))
        return 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(err, errno, "cannot start the broker");
    own_broker = (struct own_broker){.pid = fork(), .lifeline = ends[1]};
    if (own_broker.pid == 0)
        become_broker(settings, user, ends[0]);
    close(ends[0]);
    if (own_broker.pid < 0) {
        close(ends[1]);
        return error_set_errno(err, errno, "cannot start the broker");
    }
    if (wait_until_ready(settings, &own_broker, err) != 0) {
        own_broker_stop(&own_broker);
        return -1;
    }
    *ret = own_broker;
    return 0;
}

void own_broker_check(struct own_broker *own_broker)
{
    int status;

    if (own_broker->pid == 0 || waitpid(own_broker->pid, &status, WNOHANG) != own_broker->pid)
        return;
    say_how_it_ended(status);
    own_broker->pid = 0;
}

void own_broker_stop(struct own_broker *own_broker)
{
    int status;

    if (own_broker->lifeline > 0)
        close(own_broker->lifeline);
    own_broker->lifeline = 0;
    if (own_broker->pid != 0 && !wait_for_end(own_broker, &status, STOP_SECONDS * 1000))
        log_warning("the broker, process %d, has not ended yet: it waits for the kernel", own_broker->pid);
    own_broker->pid = 0;
}
