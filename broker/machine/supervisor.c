/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parent of a VM's QEMU. */
#include "broker/machine/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/user.h"
#include "broker/machine/control_group.h"
#include "broker/machine/files.h"
#include "broker/machine/machine.h"
#include "broker/machine/monitor.h"
#include "broker/machine/nodes.h"
#include "broker/machine/tpm.h"
#include "broker/protocol.h"

#define LINES      20 /* of QEMU's last output */
#define LINE_LIMIT 500
#define TPM_LOOKS  50 /* at a TPM that is about to end */
#define TPM_NS     100000000

struct supervisor {
    const char *folder;
    int ready; /* the pipe to our first process */
    json_t *order;
    struct files files;
    pid_t qemu, tpm; /* 0: none */
    int words;       /* a pipe: what they print */
    int signals;     /* QEMU's end, and requests to end it */
    struct monitor *monitor;
    json_t *lines; /* its last words */
    struct text line;
    int status; /* of waitpid */
};

static const char *string_at(const json_t *array, size_t index)
{
    return json_string_value(json_array_get(array, index));
}

static uid_t user_of(const json_t *order)
{
    return (uid_t)json_integer_value(json_object_get(order, "uid"));
}

/* The only other group is the one that may open /dev/kvm. A broker that is not root, for tests of a host that
 * is only a folder, stays as it is. */
static bool become(const json_t *order)
{
    uid_t uid = user_of(order);
    gid_t kvm;

    if (uid == 0)
        return geteuid() != 0;
    size_t groups = user_find_group("kvm", &kvm) ? 1 : 0;
    return setgroups(groups, &kvm) == 0 && setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0;
}

/* QEMU, or its TPM. */
struct program {
    const json_t *arguments;
    const struct files *files;
    int words; /* where it prints to */
};

/* Runs in the child until it becomes the program. An error is reported through `report`, which execve closes.
 */
_Noreturn static void run_program(const struct supervisor *self, const struct program *program, pid_t parent,
                                  int report)
{
    const json_t *arguments = program->arguments;
    int words = program->words;
    rlim_t lock = (rlim_t)json_integer_value(json_object_get(self->order, "lock"));
    const struct rlimit limit = {lock, lock};
    char **argv = xcalloc(json_array_size(arguments) + 1, sizeof(*argv));
    static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", language[] = "LC_ALL=C";
    char *environment[] = {path, language, NULL};
    sigset_t none;

    for (size_t i = 0; i < json_array_size(arguments); i++)
        argv[i] = xstrdup(string_at(arguments, i));
    sigemptyset(&none);
    control_group_join(self->folder);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    /* PR_SET_PDEATHSIG comes after become(), because a change of user clears it */
    if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(words, STDOUT_FILENO) >= 0 &&
        dup2(words, STDERR_FILENO) >= 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0 && setsid() >= 0 &&
        chdir("/") == 0 && (lock == 0 || setrlimit(RLIMIT_MEMLOCK, &limit) == 0) && become(self->order) &&
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 &&
        getppid() == parent && files_place(program->files, &report))
        execvpe(argv[0], argv, environment);
    int reason = errno;
    if (write(report, &reason, sizeof(reason)) != sizeof(reason))
        log_error("cannot report that '%s' does not start", argv[0]);
    _exit(EXIT_FAILURE);
}

/* 0 once execve has worked. */
static int start_program(const struct supervisor *self, const struct program *program, pid_t *ret,
                         struct error *err)
{
    const char *name = string_at(program->arguments, 0);
    int report[2], reason;
    pid_t own = getpid();

    if (pipe2(report, O_CLOEXEC) != 0)
        return error_set_errno(err, errno, "cannot start '%s'", name);
    pid_t pid = fork();
    if (pid == 0)
        run_program(self, program, own, report[1]);
    reason = errno;
    close(report[1]);
    ssize_t count = pid > 0 ? TEMP_FAILURE_RETRY(read(report[0], &reason, sizeof(reason))) : sizeof(reason);
    close(report[0]);
    if (count == 0) {
        *ret = pid;
        return 0;
    }
    if (pid > 0)
        TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
    return error_set_errno(err, count == sizeof(reason) ? reason : EIO, "cannot run '%s' as user %lld", name,
                           (long long)user_of(self->order));
}

/* It ends when QEMU's end of its connection is closed. */
static void end_tpm(const struct supervisor *self)
{
    const struct timespec nap = {.tv_nsec = TPM_NS};

    if (self->tpm == 0)
        return;
    for (unsigned looks = 0; looks < TPM_LOOKS; looks++) {
        if (waitpid(self->tpm, NULL, WNOHANG) != 0)
            return;
        nanosleep(&nap, NULL);
    }
    kill(self->tpm, SIGKILL);
    TEMP_FAILURE_RETRY(waitpid(self->tpm, NULL, 0));
}

static int start_tpm(struct supervisor *self, int words, struct error *err)
{
    struct files files = {.count = 0};
    autojson json_t *arguments = NULL;

    int result = tpm_prepare(self->order, &self->files, &files, &arguments, err);
    const struct program program = {arguments, &files, words};
    if (result == 0 && arguments != NULL)
        result = start_program(self, &program, &self->tpm, err);
    files_release(&files);
    return result;
}

static int start_both(struct supervisor *self, struct error *err)
{
    int words[2];

    if (pipe2(words, O_CLOEXEC) != 0)
        return error_set_errno(err, errno, "cannot start QEMU");
    const struct program qemu = {json_object_get(self->order, "arguments"), &self->files, words[1]};
    self->words = words[0];
    int result = start_tpm(self, words[1], err);
    if (result == 0)
        result = start_program(self, &qemu, &self->qemu, err);
    close(words[1]);
    files_release(&self->files); /* they are QEMU's now */
    if (result != 0)
        end_tpm(self);
    return result;
}

static void keep_line(struct supervisor *self)
{
    if (self->line.length == 0)
        return;
    log_info("QEMU: %s", self->line.data);
    if (json_array_size(self->lines) >= LINES)
        json_array_remove(self->lines, 0);
    json_array_append_new(self->lines, protocol_text(self->line.data));
    text_release(&self->line);
}

/* False at the end of the pipe. */
static bool read_words(struct supervisor *self)
{
    char bytes[4096];
    ssize_t count = TEMP_FAILURE_RETRY(read(self->words, bytes, sizeof(bytes)));

    for (ssize_t i = 0; i < count; i++) {
        if (bytes[i] == '\n' || self->line.length >= LINE_LIMIT)
            keep_line(self);
        if (bytes[i] != '\n' && bytes[i] != '\0')
            text_append_bytes(&self->line, &bytes[i], 1);
    }
    if (count > 0)
        return true;
    keep_line(self);
    return false;
}

/* True if QEMU has ended. */
static bool handle_signal(struct supervisor *self)
{
    struct signalfd_siginfo signal;

    if (read(self->signals, &signal, sizeof(signal)) != sizeof(signal))
        return false;
    if (signal.ssi_signo != SIGCHLD) {
        kill(self->qemu, signal.ssi_signo == SIGUSR1 ? SIGKILL : SIGTERM);
        return false;
    }
    return waitpid(self->qemu, &self->status, WNOHANG) == self->qemu;
}

static void follow_qemu(struct supervisor *self)
{
    bool ended = false, quiet = false;

    while (!ended) {
        struct pollfd waited[] = {{.fd = self->signals, .events = POLLIN},
                                  {.fd = quiet ? -1 : self->words, .events = POLLIN},
                                  {.fd = monitor_descriptor(self->monitor), .events = POLLIN}};
        if (poll(waited, COUNT_OF(waited), -1) < 0)
            continue;
        if (waited[1].revents != 0)
            quiet = !read_words(self);
        if (waited[2].revents != 0)
            monitor_read(self->monitor);
        if (waited[0].revents != 0)
            ended = handle_signal(self);
    }
    fcntl(self->words, F_SETFL, O_NONBLOCK); /* a child of QEMU may still have it */
    while (!quiet && read_words(self))
        continue;
}

/* Written before anything is changed, so that the clean-up knows whom to wait for, and again with QEMU's pid.
 */
static int write_pid(const struct supervisor *self, struct error *err)
{
    struct process qemu = {.pid = self->qemu}, own = {.pid = getpid()};

    if (!process_start_time(own.pid, &own.start) ||
        (qemu.pid != 0 && !process_start_time(qemu.pid, &qemu.start)))
        return error_set(err, ERROR_NOT_FOUND, "QEMU has ended at once");
    autojson json_t *file = json_pack("{s:i, s:I}", "supervisor", (int)own.pid, "supervisor-start",
                                      (json_int_t)own.start),
                    *started = json_pack("{s:i, s:I, s:I}", "pid", (int)qemu.pid, "start",
                                         (json_int_t)qemu.start, "began", (json_int_t)time(NULL));
    if (qemu.pid != 0)
        json_object_update(file, started);
    return machine_save(self->folder, "pid", file, err);
}

static int write_end(const struct supervisor *self, struct error *err)
{
    bool killed = WIFSIGNALED(self->status);
    autojson json_t *end =
        json_pack("{s:i, s:i, s:O}", "pid", (int)self->qemu, killed ? "signal" : "code",
                  killed ? WTERMSIG(self->status) : WEXITSTATUS(self->status), "lines", self->lines);

    return machine_save(self->folder, "end", end, err);
}

static int open_signals(struct supervisor *self, struct error *err)
{
    static const int wanted[] = {SIGCHLD, SIGTERM, SIGINT, SIGUSR1};
    sigset_t set;

    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        sigaddset(&set, wanted[i]);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || (self->signals = signalfd(-1, &set, SFD_CLOEXEC)) < 0)
        return error_set_errno(err, errno, "cannot wait for signals");
    return 0;
}

static int open_monitor(struct supervisor *self, struct error *err)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set_errno(err, errno, "cannot make QEMU's monitor");
    self->monitor = monitor_new(ends[0], self->folder);
    return files_add(&self->files, FILES_MONITOR, ends[1], err);
}

static int prepare(struct supervisor *self, struct error *err)
{
    self->order = machine_load(self->folder, "order");
    if (self->order == NULL)
        return error_set(err, ERROR_NOT_FOUND, "'%s' has no order that can be read", self->folder);
    if (open_signals(self, err) != 0 || open_monitor(self, err) != 0)
        return -1;
    return files_open(self->order, &self->files, err);
}

/* After this nobody reads our output, and we outlive whoever started us. */
static void report_ready(struct supervisor *self)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    prctl(PR_SET_PDEATHSIG, 0);
    if (write(self->ready, "", 1) != 1)
        log_error("cannot report that QEMU runs");
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    close(null);
}

/* The order may have got more nodes since. A failure is not reported: the clean-up notices nodes that are
 * still the user's. */
static void take_back(const struct supervisor *self)
{
    autojson json_t *order = machine_load(self->folder, "order");
    struct error err;

    if (nodes_take_back(order, &err) != 0)
        log_warning("%s", err.message);
}

static int supervise(struct supervisor *self, struct error *err)
{
    if (prepare(self, err) != 0 || write_pid(self, err) != 0)
        return -1;
    control_group_make(self->folder);
    if (nodes_give(self->order, err) != 0 || start_both(self, err) != 0) {
        take_back(self);
        control_group_remove(self->folder);
        return -1;
    }
    int result = write_pid(self, err);
    if (result == 0)
        report_ready(self);
    else
        kill(self->qemu, SIGKILL);
    follow_qemu(self);
    end_tpm(self);
    take_back(self);
    control_group_remove(self->folder);
    return result == 0 || err->kind == ERROR_NOT_FOUND ? write_end(self, err) : result;
}

/* Whoever started us waits only until QEMU runs, and cannot end us any more; until then we end with our first
 * process, which ends with our status. */
static int detach(struct supervisor *self, struct error *err)
{
    pid_t first = getpid();
    int ends[2];
    char byte;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(err, errno, "cannot make a pipe");
    pid_t pid = fork();
    if (pid < 0)
        return error_set_errno(err, errno, "cannot go on in the background");
    close(ends[pid > 0 ? 1 : 0]);
    if (pid > 0)
        _exit(TEMP_FAILURE_RETRY(read(ends[0], &byte, 1)) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
    self->ready = ends[1];
    if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != first)
        return error_set_errno(err, errno, "cannot go on in the background");
    return 0;
}

static void report_failure(const char *folder, const struct error *err)
{
    autojson json_t *end = json_pack("{s:o}", "error", protocol_text(err->message));
    struct error ignored;

    if (machine_save(folder, "end", end, &ignored) != 0)
        dprintf(STDOUT_FILENO, "%s\n", err->message);
}

static int give_back(const char *folder)
{
    autojson json_t *order = machine_load(folder, "order");
    struct error err;

    control_group_remove(folder);
    if (nodes_take_back(order, &err) == 0)
        return EXIT_SUCCESS;
    dprintf(STDOUT_FILENO, "%s\n", err.message);
    return EXIT_FAILURE;
}

/* What is locked already stays so: the limit never falls. */
static int raise_lock(pid_t qemu, const json_t *order, struct error *err)
{
    rlim_t lock = (rlim_t)json_integer_value(json_object_get(order, "lock"));
    struct rlimit limit;

    if (prlimit(qemu, RLIMIT_MEMLOCK, NULL, &limit) != 0)
        return error_set_errno(err, errno, "cannot read what QEMU may lock");
    if (limit.rlim_cur >= lock)
        return 0;
    limit = (struct rlimit){lock, limit.rlim_max > lock ? limit.rlim_max : lock};
    if (prlimit(qemu, RLIMIT_MEMLOCK, &limit, NULL) != 0)
        return error_set_errno(err, errno, "cannot let QEMU lock %llu bytes", (unsigned long long)lock);
    return 0;
}

static int settle_nodes(const char *folder, struct error *err)
{
    autojson json_t *order = machine_load(folder, "order"), *file = machine_load(folder, "pid");
    autojson json_t *back = json_pack("{s:O*, s:O*}", "uid", json_object_get(order, "uid"), "own",
                                      json_object_get(order, "back"));
    const struct process qemu = {(pid_t)json_integer_value(json_object_get(file, "pid")),
                                 (unsigned long long)json_integer_value(json_object_get(file, "start"))};

    if (!process_runs(qemu))
        return error_set(err, ERROR_FAILED, "QEMU has ended");
    if (files_make_roms(json_object_get(order, "roms"), order, err) != 0 || nodes_give(order, err) != 0 ||
        raise_lock(qemu.pid, order, err) != 0)
        return -1;
    return nodes_take_back(back, err) == 0 ? nodes_wait_until_closed(back, err) : -1;
}

static int nodes(const char *folder)
{
    struct error err;

    if (settle_nodes(folder, &err) == 0)
        return EXIT_SUCCESS;
    dprintf(STDOUT_FILENO, "%s\n", err.message);
    return EXIT_FAILURE;
}

int supervisor_main(int argc, char **argv)
{
    struct supervisor self = {.ready = -1, .words = -1, .signals = -1};
    struct error err;

    if (argc == 3 && strcmp(argv[1], "--give-back") == 0)
        return give_back(argv[2]);
    if (argc == 3 && strcmp(argv[1], "--nodes") == 0)
        return nodes(argv[2]);
    if (argc != 2 || argv[1][0] != '/') {
        log_error("usage: hostpci supervise [--give-back | --nodes] FOLDER (an internal command)");
        return EXIT_FAILURE;
    }
    self.folder = argv[1];
    self.lines = json_array();
    umask(0077);
    int result = detach(&self, &err);
    if (result == 0)
        result = supervise(&self, &err);
    if (result != 0)
        report_failure(self.folder, &err);
    files_release(&self.files);
    monitor_free(self.monitor);
    json_decref(self.order);
    json_decref(self.lines);
    text_release(&self.line);
    return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
