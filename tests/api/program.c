/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs that tests start. */
#include "tests/api/program.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/lab/machine.h"

#define ARGUMENTS 32

/* What the variable names, else what was built together with this program (BUILD/tests/api-tests). */
static const char *find_program(const char *variable, const char *built)
{
    static char paths[2][4096];
    static unsigned next;
    char *path = paths[next++ % COUNT_OF(paths)];
    const char *value = getenv(variable);

    if (value != NULL)
        return value;
    ssize_t length = readlink("/proc/self/exe", path, sizeof(paths[0]) / 2);
    cr_assert_gt(length, 0);
    path[length] = '\0';
    snprintf(strrchr(path, '/'), sizeof(paths[0]) / 2, "/%s", built);
    cr_assert_eq(access(path, X_OK), 0, "%s: not built, and %s names no other", path, variable);
    return path;
}

const char *program_hostpci(void)
{
    return find_program("HOSTPCI_BINARY", "../hostpci");
}

const char *program_daemon(void)
{
    return getenv("HOSTPCI_DAEMON") != NULL ? getenv("HOSTPCI_DAEMON") : program_hostpci();
}

const char *program_stoppable(void)
{
    return find_program("HOSTPCI_STOPPABLE", "hostpci");
}

const char *program_make_host(void)
{
    return find_program("HOSTPCI_MAKE_HOST", "make-host");
}

/* In the child. */
static void become(const char *const *argv, const char *output, const char *errors, unsigned file_limit)
{
    const struct rlimit limit = {file_limit, file_limit};
    int out = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int err = open(errors, O_WRONLY | O_CREAT | O_APPEND, 0600);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    if (file_limit != 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
    }
    execv(argv[0], (char *const *)argv);
    _exit(127);
}

pid_t program_start(const char *const *argv, const char *output, const char *errors, unsigned file_limit)
{
    pid_t pid = fork();

    cr_assert_neq(pid, -1);
    if (pid == 0)
        become(argv, output, errors, file_limit);
    return pid;
}

int program_wait(pid_t pid, unsigned seconds)
{
    int status;
    double end = machine_slept() + seconds;

    while (machine_slept() <= end) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
        machine_sleep(5);
    }
    return -1;
}

/* Reads a file that is not needed any more. */
static char *take_file(const char *path)
{
    struct error err;
    char *text = NULL;

    cr_assert_eq(file_read(path, PROGRAM_OUTPUT_LIMIT, &text, NULL, &err), 0, "%s", err.message);
    unlink(path);
    return text;
}

static int run(const char *const *arguments, char **ret_output, char **ret_errors)
{
    const char *above = getenv("TMPDIR"), *argv[ARGUMENTS] = {program_hostpci()};
    autofree char *output = xasprintf("%s/run-%d", above != NULL ? above : "/tmp", (int)getpid());
    autofree char *errors = xasprintf("%s-errors", output);

    for (size_t i = 0; arguments[i] != NULL && i < ARGUMENTS - 2; i++)
        argv[i + 1] = arguments[i];
    int status = program_wait(program_start(argv, output, errors, 0), PROGRAM_SECONDS);
    *ret_output = take_file(output);
    *ret_errors = take_file(errors);
    return status;
}

char *program_run(const char *const *arguments)
{
    autofree char *errors = NULL;
    char *output;
    int status = run(arguments, &output, &errors);

    cr_assert_eq(status, 0, "hostpci %s %s: status %d\n%s%s", arguments[0],
                 arguments[1] != NULL ? arguments[1] : "", status, errors, output);
    return output;
}

void program_fails(int expected, const char *text, const char *const *arguments)
{
    autofree char *output = NULL, *errors = NULL;
    int status = run(arguments, &output, &errors);

    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == expected, "hostpci %s: status %d\n%s", arguments[0],
              status, errors);
    cr_assert_not_null(strstr(errors, text), "'%s' is not in:\n%s", text, errors);
}
