/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker of the test's daemon. */
#include "tests/api/lab/broker.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "broker/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/program.h"

#define SECONDS 60
#define USER    "nobody"
#define STOP_AT "HOSTPCI_BROKER_STOP_AT"

static pid_t child; /* the broker that the test started itself; 0: none */

/* Also the brokers that daemons start must be able to stop at a step (tests/stop_at.c). */
void lab_start_in(const char *folder)
{
    static const char *const user[] = {"--user", USER, NULL};

    setenv("HOSTPCI_BINARY", program_stoppable(), 0);
    machine_remember();
    START(.folder = folder, .arguments = user);
}

void lab_start(void)
{
    lab_start_in(NULL);
}

/* The kernel tells who made the socket listen, also while that one is stopped. */
pid_t lab_broker_pid(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred peer;
    socklen_t size = sizeof(peer);
    autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s/broker.sock", daemon_run());
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return 0;
    return peer.pid;
}

/* State and parent of a process (proc(5)); false if there is none. */
static bool read_stat(pid_t pid, char *ret_state, pid_t *ret_parent)
{
    autofree char *path = xasprintf("/proc/%d/stat", (int)pid);
    autofile FILE *file = fopen(path, "r");
    char line[512] = "";
    int parent = 0;

    if (file == NULL || fgets(line, sizeof(line), file) == NULL)
        return false;
    const char *after_name = strrchr(line, ')');
    if (after_name == NULL || sscanf(after_name + 1, " %c %d", ret_state, &parent) != 2)
        return false;
    *ret_parent = parent;
    return true;
}

static char state_of(pid_t pid)
{
    char state = 'X';
    pid_t parent;

    return read_stat(pid, &state, &parent) ? state : 'X';
}

pid_t lab_broker_worker(void)
{
    pid_t broker = lab_broker_pid(), parent = 0, found = 0;
    DIR *processes = opendir("/proc");
    const struct dirent *entry;
    char state;

    while (broker != 0 && found == 0 && (entry = readdir(processes)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && read_stat(pid, &state, &parent) && parent == broker && state != 'Z')
            found = pid;
    }
    closedir(processes);
    return found;
}

void lab_broker_stop_later_ones_at(unsigned step)
{
    autofree char *number = xasprintf("%u", step);

    if (step == 0)
        unsetenv(STOP_AT);
    else
        setenv(STOP_AT, number, 1);
}

void lab_broker_start(unsigned stop_at)
{
    const char *const argv[] = {program_stoppable(), "broker", "--run-dir", daemon_run(), "--broker-dir",
                                daemon_broker(),     "--user", USER,        NULL};
    double end = machine_slept() + SECONDS;

    cr_assert_eq(lab_broker_pid(), 0, "a broker runs already");
    lab_broker_stop_later_ones_at(stop_at);
    child = program_start(argv, "/dev/null", "/dev/stderr", 0);
    lab_broker_stop_later_ones_at(0);
    while (lab_broker_pid() == 0) {
        cr_assert_eq(waitpid(child, NULL, WNOHANG), 0, "the broker ended at once");
        cr_assert_lt(machine_slept(), end, "the broker does not listen");
        machine_sleep(10);
    }
}

bool lab_broker_stops(const char *upid)
{
    double end = machine_slept() + SECONDS;
    pid_t broker = lab_broker_pid();

    while (state_of(broker) != 'T') {
        if (!task_runs(upid))
            return false;
        cr_assert_lt(machine_slept(), end, "the broker does not stop");
        machine_sleep(10);
    }
    return true;
}

void lab_broker_continue(void)
{
    kill(lab_broker_pid(), SIGCONT);
}

void lab_kill(pid_t pid)
{
    double end = machine_slept() + SECONDS;

    if (pid == 0)
        return;
    kill(pid, SIGKILL);
    while (state_of(pid) != 'X' && state_of(pid) != 'Z') {
        cr_assert_lt(machine_slept(), end, "process %d does not die", (int)pid);
        machine_sleep(5);
    }
}

static void end_by(int signal)
{
    double end = machine_slept() + SECONDS;
    pid_t broker = lab_broker_pid();

    if (broker == 0)
        return;
    kill(broker, signal);
    kill(broker, SIGCONT);
    if (broker == child) {
        cr_assert_neq(program_wait(child, SECONDS), -1, "the broker does not end");
        child = 0;
    }
    while (lab_broker_pid() != 0) {
        cr_assert_lt(machine_slept(), end, "the broker does not end");
        machine_sleep(5);
    }
}

void lab_broker_kill(void)
{
    end_by(SIGKILL);
}

void lab_broker_end(void)
{
    end_by(SIGTERM);
}

json_t *lab_broker_state(void)
{
    struct broker *broker = broker_new(daemon_run());
    json_t *state = NULL;
    struct error err;

    int result = broker_call(broker, "state", NULL, json_object(), NULL, NULL, &state, &err);
    broker_free(broker);
    cr_assert_eq(result, 0, "%s", err.message);
    return state;
}

void lab_broker_becomes_idle(void)
{
    double end = machine_slept() + SECONDS;

    for (;;) {
        autojson json_t *state = lab_broker_state();
        autofree char *text = json_dumps(state, JSON_INDENT(1));
        const json_t *running = json_object_get(state, "operations");

        cr_assert(json_is_array(running), "%s", text);
        if (json_array_size(running) == 0)
            return;
        cr_assert_lt(machine_slept(), end, "the broker is still busy: %s", text);
        machine_sleep(5);
    }
}

void lab_stop(void)
{
    daemon_stop();
    if (child != 0)
        lab_broker_end();
    machine_is_as_before();
}
