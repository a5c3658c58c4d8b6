/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker that the daemon starts itself. */
#include "server/daemon/own_broker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "broker/call.h"

#define START_SECONDS 60 /* it may have to finish interrupted driver changes first */
#define STOP_SECONDS  15 /* it gives its operations 10 */
#define POLL_MS       5

static bool answers(const struct settings *settings, struct error *err)
{
    struct broker *broker = broker_new(settings->run_dir);
    bool result = broker_check(broker, err) == 0;

    broker_free(broker);
    return result;
}

/* Runs in the child: makes its standard input the lifeline, which signals when our process ends.
 * PR_SET_PDEATHSIG would not do, because the kernel does not deliver that signal if the parent is no longer
 * root. */
static void end_with_parent(int lifeline)
{
    struct pollfd hung_up = {.fd = STDIN_FILENO};

    if (dup2(lifeline, STDIN_FILENO) < 0 || fcntl(STDIN_FILENO, F_SETOWN, getpid()) != 0 ||
        fcntl(STDIN_FILENO, F_SETSIG, SIGTERM) != 0 || fcntl(STDIN_FILENO, F_SETFL, O_ASYNC) != 0 ||
        poll(&hung_up, 1, 0) != 0)
        _exit(EXIT_FAILURE);
}

/* Runs in the child, which gets a process group of its own so that Ctrl-C on the terminal reaches only us: we
 * end the broker when its turn comes. */
static void become_broker(const struct settings *settings, const char *user, int lifeline)
{
    const char *const first[] = {"hostpci",       "broker",
                                 "--run-dir",     settings->run_dir,
                                 "--broker-dir",  settings->broker_dir,
                                 "--user",        user,
                                 "--sysroot",     settings->sysroot,
                                 "--rom-dir",     settings->rom_dir,
                                 "--qemu",        settings->qemu,
                                 "--storage-dir", settings->storage_dir};
    const char **argv = NULL;
    size_t count = COUNT_OF(first), folders = 0;
    sigset_t none;

    while (settings->volume_dirs[folders] != NULL)
        folders++;
    argv = xcalloc(count + 2 * folders + 1, sizeof(*argv));
    memcpy(argv, first, sizeof(first));
    for (char **folder = settings->volume_dirs; *folder != NULL; folder++) {
        argv[count++] = "--volume-dir";
        argv[count++] = *folder;
    }
    setpgid(0, 0);
    end_with_parent(lifeline);
    unsetenv("NOTIFY_SOCKET"); /* the service manager waits for the daemon, not for the broker */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
    log_error("cannot start the broker: %s", strerror(errno));
    _exit(EXIT_FAILURE);
}

static void log_end(int status)
{
    if (WIFSIGNALED(status))
        log_error("the broker was killed by signal %d: nothing on this host can be changed until hostpci is "
                  "restarted",
                  WTERMSIG(status));
    else
        log_error("the broker ended with status %d; its log lines above say why. Nothing on this host can be "
                  "changed until hostpci is restarted",
                  WEXITSTATUS(status));
}

/* Whether the broker ended within that time. */
static bool wait_for_end(struct own_broker *own_broker, int *ret_status, int milliseconds)
{
    for (; milliseconds > 0; milliseconds -= POLL_MS) {
        if (waitpid(own_broker->pid, ret_status, WNOHANG) == own_broker->pid) {
            own_broker->pid = 0;
            return true;
        }
        nanosleep(&(const struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
    }
    return false;
}

static int wait_until_ready(const struct settings *settings, struct own_broker *own_broker, struct error *err)
{
    long long end = clock_milliseconds() + START_SECONDS * 1000;
    struct error why;
    int status;

    while (!answers(settings, &why)) {
        if (wait_for_end(own_broker, &status, POLL_MS))
            return error_set(err, ERROR_FAILED,
                             "the broker ended at once (%s %d); its log lines above say why",
                             WIFSIGNALED(status) ? "signal" : "status",
                             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        if (clock_milliseconds() > end)
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
    log_end(status);
    own_broker->pid = 0;
}

void own_broker_stop(struct own_broker *own_broker)
{
    int status;

    if (own_broker->lifeline > 0)
        close(own_broker->lifeline);
    own_broker->lifeline = 0;
    if (own_broker->pid != 0 && !wait_for_end(own_broker, &status, STOP_SECONDS * 1000))
        log_warning(
            "the broker (process %d) has not ended yet: the kernel has not finished one of its operations",
            own_broker->pid);
    own_broker->pid = 0;
}
