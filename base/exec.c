/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs: one is run with an argument vector, never by a shell. */
#include "base/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

struct program {
    const char *path;
    pid_t pid;
    int end;    /* pidfd: readable when it has ended */
    int output; /* of both its outputs, does not block */
    struct text text;
};

/* The broker's workers block signals; a program gets none of that, nor their files. */
static int spawn(const char *const *argv, int output, pid_t *ret)
{
    static const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&how);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    int error = posix_spawn(ret, argv[0], &files, &how, (char *const *)argv, (char *const *)environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return error;
}

static int start(const char *const *argv, struct program *ret, struct error *err)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(err, errno, "cannot start %s", argv[0]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    int error = spawn(argv, ends[1], &ret->pid);
    close(ends[1]);
    if (error != 0) {
        close(ends[0]);
        return error_set_errno(err, error, "cannot start %s", argv[0]);
    }
    ret->path = argv[0];
    ret->output = ends[0];
    ret->end = (int)syscall(SYS_pidfd_open, ret->pid, 0);
    return 0;
}

/* What is beyond the limit is read and dropped, so that the program does not wait. False: there is no more
 * now. */
static bool read_some(struct program *program)
{
    char bytes[4096];
    ssize_t count = TEMP_FAILURE_RETRY(read(program->output, bytes, sizeof(bytes)));

    if (count <= 0)
        return false;
    size_t room = EXEC_OUTPUT_LIMIT - program->text.length;
    text_append_bytes(&program->text, bytes, (size_t)count < room ? (size_t)count : room);
    return true;
}

/* Until the program itself has ended, whoever else has its outputs open. False: it did not within the time.
 */
static bool follow(struct program *program, unsigned seconds)
{
    struct pollfd watched[] = {{.fd = program->end, .events = POLLIN},
                               {.fd = program->output, .events = POLLIN}};
    long long until = clock_milliseconds() + seconds * 1000LL;

    for (;;) {
        long long left = until - clock_milliseconds();
        if (poll(watched, COUNT_OF(watched), left > 0 ? (int)left : 0) == 0 && left <= 0)
            return false;
        if (watched[1].revents != 0 && !read_some(program))
            watched[1].fd = -1; /* closed by all */
        if (watched[0].revents != 0)
            break;
    }
    while (read_some(program))
        ;
    return true;
}

static const char *last_line(struct text *output)
{
    char *text = output->data != NULL ? text_trim(output->data) : NULL;

    if (text == NULL || text[0] == '\0')
        return "it wrote nothing";
    const char *newline = strrchr(text, '\n');
    return newline != NULL ? newline + 1 : text;
}

static int judge(struct program *program, bool ended, unsigned seconds, int status, struct error *err)
{
    const char *path = program->path;

    if (!ended)
        return error_set(err, ERROR_FAILED, "%s did not end within %u s and was killed: %s", path, seconds,
                         last_line(&program->text));
    if (WIFSIGNALED(status))
        return error_set(err, ERROR_FAILED, "%s was killed by signal %d: %s", path, WTERMSIG(status),
                         last_line(&program->text));
    if (WEXITSTATUS(status) != 0)
        return error_set(err, ERROR_FAILED, "%s ended with status %d: %s", path, WEXITSTATUS(status),
                         last_line(&program->text));
    return 0;
}

int exec_run(const char *const *argv, unsigned seconds, char **ret_output, struct error *err)
{
    struct program program = {.pid = -1};
    int status = 0;

    if (start(argv, &program, err) != 0)
        return -1;
    bool ended = follow(&program, seconds);
    if (!ended)
        kill(-program.pid, SIGKILL); /* all of its group, which nobody else has */
    TEMP_FAILURE_RETRY(waitpid(program.pid, &status, 0));
    close(program.end);
    close(program.output);
    autofree char *output = xstrdup(text_string(&program.text));
    int result = judge(&program, ended, seconds, status, err);
    text_release(&program.text);
    if (ret_output != NULL)
        *ret_output = TAKE(output);
    return result;
}
