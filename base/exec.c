/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running programs, always with an argument vector, never by a shell. */
#include "base/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

/* What the program writes to one descriptor. */
struct stream {
    int fd; /* non-blocking; -1: everybody has closed it, or it was never opened */
    size_t limit;
    bool overflowed; /* more was written, and dropped so that the program does not wait */
    struct text text;
};

struct program {
    const struct exec_question *what;
    bool asked; /* the two outputs are apart, and its standard output must be whole */
    int input;  /* our end of what it reads, which is closed when it has ended; -1: it has ended already */
    pid_t pid;
    int end; /* pidfd: readable when it has ended */
    struct stream output, complaints;
};

/* Runs in the child until exec, so it only calls what is allowed between fork and exec. The program inherits
 * neither the signals that the broker's workers block and ignore, nor their files. */
_Noreturn static void become(const struct exec_question *what, const int files[static 3], pid_t parent,
                             int report)
{
    static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setpgid(0, 0);
    if (parent != 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
        _exit(EXIT_FAILURE); /* it died before we could ask to die with it */
    for (int fd = 0; fd < 3; fd++)
        dup2(files[fd], fd);
    close_range(STDERR_FILENO + 1, (unsigned)report - 1, 0);
    close_range((unsigned)report + 1, UINT_MAX, 0);
    execve(what->path, (char *const *)what->argv, (char *const *)environment);
    int error = errno;
    if (write(report, &error, sizeof(error)) != sizeof(error))
        abort();
    _exit(EXIT_FAILURE);
}

/* Not posix_spawn(3), which cannot make a program that is killed when we end. `parent` is our pid, or 0 if
 * the program may outlive us. Returns an errno, or 0. */
static int spawn(const struct exec_question *what, const int files[static 3], pid_t parent, pid_t *ret)
{
    int report[2], error = 0;

    if (pipe2(report, O_CLOEXEC) != 0)
        return errno;
    pid_t pid = fork();
    if (pid == 0)
        become(what, files, parent, report[1]);
    error = pid < 0 ? errno : 0;
    close(report[1]);
    if (pid > 0 && TEMP_FAILURE_RETRY(read(report[0], &error, sizeof(error))) > 0)
        TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
    else
        *ret = pid;
    close(report[0]);
    return error;
}

/* A descriptor to read the text from, and the other end; /dev/null for NULL. -1, and errno. */
static int open_input(const char *text, int *ret_end)
{
    int ends[2];

    if (text == NULL)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return -1;
    ssize_t written = write(ends[1], text, strlen(text));
    fcntl(ends[0], F_SETFL, 0);
    if (written == (ssize_t)strlen(text)) {
        *ret_end = ends[1];
        return ends[0];
    }
    close(ends[0]);
    close(ends[1]);
    errno = EMSGSIZE;
    return -1;
}

/* Returns the end for the program, or -1. The pipe has room for all that QEMU is asked for, about 150 KiB:
 * QEMU does not wait for a slow reader, and when it quits, what is not yet written is lost. Linux lets
 * anybody have 1 MiB. */
static int open_stream(struct stream *stream)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
    stream->fd = ends[0];
    return ends[1];
}

static int start(struct program *program, struct error *err)
{
    const struct exec_question *what = program->what;
    autoclose int input = open_input(what->input, &program->input), output = open_stream(&program->output);
    autoclose int complaints = program->asked ? open_stream(&program->complaints) : -1;
    int error = errno;

    if (input >= 0 && output >= 0 && (complaints >= 0 || !program->asked))
        error = spawn(what, (const int[]){input, output, program->asked ? complaints : output},
                      program->asked ? getpid() : 0, &program->pid);
    if (program->pid <= 0)
        return error_set_errno(err, error, "cannot start '%s'", what->path);
    program->end = (int)syscall(SYS_pidfd_open, program->pid, 0);
    return 0;
}

/* False if there is nothing more to read now. */
static bool read_some(struct stream *stream)
{
    char bytes[16384];
    ssize_t count = stream->fd < 0 ? 0 : TEMP_FAILURE_RETRY(read(stream->fd, bytes, sizeof(bytes)));

    if (count <= 0)
        return false;
    size_t room = stream->limit - stream->text.length;
    stream->overflowed |= (size_t)count > room;
    text_append_bytes(&stream->text, bytes, (size_t)count < room ? (size_t)count : room);
    return true;
}

/* The last line that the program wrote, as plain ASCII; the caller frees it. */
static char *last_line(const struct program *program)
{
    autofree char *copy =
        xstrdup(text_string(program->asked ? &program->complaints.text : &program->output.text));
    const char *text = text_trim(copy), *newline = strrchr(text, '\n');
    char *line = xstrdup(text[0] == '\0' ? "it wrote nothing" : newline != NULL ? newline + 1 : text);

    for (char *byte = line; *byte != '\0'; byte++)
        if (*byte < ' ' || *byte > '~')
            *byte = '?';
    return line;
}

/* Reads until the program itself has ended, even if others have its outputs open. Fails if it must be killed.
 */
static int follow(struct program *program, struct error *err)
{
    const struct exec_question *what = program->what;
    struct stream *streams[] = {&program->output, &program->complaints};
    struct pollfd watched[] = {{.fd = program->end, .events = POLLIN},
                               {.fd = what->asker, .events = POLLIN},
                               {.fd = program->output.fd, .events = POLLIN},
                               {.fd = program->complaints.fd, .events = POLLIN}};
    long long until = clock_milliseconds() + what->seconds * 1000LL;

    while (watched[0].revents == 0 && !(program->asked && program->output.overflowed)) {
        long long left = until - clock_milliseconds();
        if (poll(watched, COUNT_OF(watched), left > 0 ? (int)left : 0) == 0 && left <= 0) {
            autofree char *line = last_line(program);
            return error_set(err, ERROR_FAILED, "'%s' did not end within %u s and was killed: %s", what->path,
                             what->seconds, line);
        }
        if (watched[1].revents != 0)
            return error_set(err, ERROR_FAILED, "'%s' was killed: nobody waits for its answer", what->path);
        for (size_t i = 0; i < COUNT_OF(streams); i++)
            if (watched[2 + i].revents != 0 && !read_some(streams[i]))
                watched[2 + i].fd = -1; /* closed by all */
    }
    while (!(program->asked && program->output.overflowed) && read_some(&program->output))
        ;
    read_some(&program->complaints);
    if (program->asked && program->output.overflowed)
        return error_set(err, ERROR_FAILED, "'%s' wrote more than the %zu MiB that its answer can be",
                         what->path, what->limit >> 20);
    return 0;
}

int exec_judge(const char *path, int status, struct error *err)
{
    if (WIFSIGNALED(status))
        return error_set(err, ERROR_FAILED, "'%s' was killed by signal %d", path, WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return error_set(err, ERROR_FAILED, "'%s' ended with status %d", path, WEXITSTATUS(status));
    return 0;
}

static int judge(struct program *program, int status, struct error *err)
{
    autofree char *line = last_line(program);
    struct error how;

    if (exec_judge(program->what->path, status, &how) == 0)
        return 0;
    return error_set(err, ERROR_FAILED, "%s: %s", how.message, line);
}

/* ret gets the output, also on failure. */
static int run(const struct exec_question *what, bool asked, struct text *ret, struct error *err)
{
    struct program program = {.what = what,
                              .asked = asked,
                              .input = -1,
                              .end = -1,
                              .output = {.fd = -1, .limit = what->limit},
                              .complaints = {.fd = -1, .limit = EXEC_OUTPUT_LIMIT}};
    int result = start(&program, err), status = 0;

    if (result == 0) {
        result = follow(&program, err);
        if (result != 0 || asked)
            kill(-program.pid, SIGKILL); /* everything that it started: it leads a process group of its own */
        TEMP_FAILURE_RETRY(waitpid(program.pid, &status, 0));
        if (result == 0)
            result = judge(&program, status, err);
    }
    cleanup_close(&program.input);
    cleanup_close(&program.end);
    cleanup_close(&program.output.fd);
    cleanup_close(&program.complaints.fd);
    text_release(&program.complaints.text);
    *ret = program.output.text;
    return result;
}

int exec_start(const char *const *argv, int output, pid_t *ret, struct error *err)
{
    const struct exec_question what = {.path = argv[0], .argv = argv};
    autoclose int input = open_input(NULL, NULL);
    pid_t pid = 0;
    int error = input < 0 ? errno : spawn(&what, (const int[]){input, output, output}, 0, &pid);

    if (error != 0)
        return error_set_errno(err, error, "cannot start '%s'", argv[0]);
    *ret = pid;
    return 0;
}

int exec_run(const char *const *argv, unsigned seconds, char **ret_output, struct error *err)
{
    const struct exec_question what = {
        .path = argv[0], .argv = argv, .limit = EXEC_OUTPUT_LIMIT, .seconds = seconds, .asker = -1};
    autotext struct text output = {0};
    int result = run(&what, false, &output, err);

    if (ret_output != NULL)
        *ret_output = text_take(&output);
    return result;
}

int exec_ask(const struct exec_question *question, struct text *ret, struct error *err)
{
    autotext struct text output = {0};

    if (run(question, true, &output, err) != 0)
        return -1;
    *ret = output;
    output = (struct text){0};
    return 0;
}
