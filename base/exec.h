/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running programs, always with an argument vector, never by a shell.
 *
 * The program's environment is PATH and LC_ALL=C. It inherits no open files besides its three standard ones,
 * and none of the caller's blocked or ignored signals. A function here returns 0 if the program ended with
 * status 0, else -1 and an error that names the program, says how it ended and quotes the last line that it
 * wrote. A program that does not end in time is killed, with everything that it started. */
#ifndef HOSTPCI_BASE_EXEC_H
#define HOSTPCI_BASE_EXEC_H

#include <sys/types.h>

#include "base/error.h"
#include "base/text.h"

#define EXEC_OUTPUT_LIMIT 8192

/* Runs argv, which ends with NULL and begins with an absolute path, with an empty standard input. ret_output
 * (may be NULL) gets what it wrote to its standard output and standard error together, cut at
 * EXEC_OUTPUT_LIMIT, even on failure; the caller frees it. */
int exec_run(const char *const *argv, unsigned seconds, char **ret_output, struct error *err);

/* Starts argv, as above, with both of its outputs connected to `output`, and does not wait: *ret is a child
 * of the caller and leads a process group of its own. */
int exec_start(const char *const *argv, int output, pid_t *ret, struct error *err);

/* 0 if this status of waitpid(2) means success, else -1 and an error that says how the program ended. */
int exec_judge(const char *path, int status, struct error *err);

struct exec_question {
    const char *path;
    const char *const *argv; /* from argv[0] on, ends with NULL */
    const char *input;       /* what it reads, less than fits into a pipe (64 KiB). There is no end of file:
                                QEMU forgets the questions that it has not answered when it comes to that */
    size_t limit;            /* of the answer: a longer one is an error */
    unsigned seconds;
    int asker; /* a descriptor that becomes readable, or is closed, when nobody waits for the answer any more
                */
};

/* Runs a program whose standard output is an answer, and returns that verbatim. Its standard error is only
 * used for the message of a failure. Nothing is left behind: what the program started is killed when it ends,
 * and the program is killed when the thread that called this ends, however that happens. */
int exec_ask(const struct exec_question *question, struct text *ret, struct error *err);

#endif
