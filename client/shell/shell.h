/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's commands. Each gets its own arguments (argv[0] is its name), and returns the exit status. */
#ifndef HOSTPCI_CLIENT_SHELL_SHELL_H
#define HOSTPCI_CLIENT_SHELL_SHELL_H

#include "base/error.h"
#include "client/print/table.h"
#include "client/shell/options.h"

enum shell_exit {
    SHELL_DONE = 0,
    SHELL_FAILED = 1,        /* the server refused the request, or it failed */
    SHELL_MISUSED = 2,       /* the command line is wrong */
    SHELL_UNREACHABLE = 3,   /* there is no daemon, or none that can be trusted */
    SHELL_INTERRUPTED = 130, /* by Ctrl-C while it followed a task, which goes on */
};

/* The name that help and errors use: "hostpci", or "qm" or "pvesh" if a symbolic link of that name was
 * called. */
extern const char *shell_program;

int shell_get(int argc, char **argv);
int shell_create(int argc, char **argv);
int shell_set(int argc, char **argv);
int shell_delete(int argc, char **argv);
int shell_list(int argc, char **argv);
int shell_fix(int argc, char **argv);
int shell_watch(int argc, char **argv);
int shell_usage(int argc, char **argv);
int shell_backup(int argc, char **argv);
int shell_rotate_keys(int argc, char **argv);
int shell_checks(int argc, char **argv);
int shell_openapi(int argc, char **argv);
int shell_version(int argc, char **argv);

/* Parses options and a path. *ret_path, which the caller frees, begins with a slash. */
int shell_parse_path(int argc, char **argv, unsigned scope, enum method method, struct options *ret,
                     char **ret_path, struct error *err);

struct shell_call {
    enum method method;
    const char *path;
    const char *help; /* the command that shows the parameters; NULL: `usage` with the path */
    /* Prints the reply as text, which the caller frees; NULL: as client/print/print.h does. */
    char *(*print)(const json_t *data, const struct table_style *style);
    /* Derives the exit status from the reply; NULL: SHELL_DONE. */
    int (*judge)(const json_t *data);
};

/* Makes a call, and prints the reply in the format that the options name. Returns the exit status.
 *
 * A task is followed to its end unless the options say otherwise, so that a script goes on when the work is
 * done. As text, its log is printed; with another format the log goes to standard error, and the reply, which
 * is the task's name, to standard output. */
int shell_request(const struct options *options, const struct shell_call *call);

/* Says on standard error what the server refused, and what to try next. Returns the exit status. */
int shell_refuse(const struct call_reply *reply, const struct call_target *target,
                 const struct shell_call *call);

/* Asks on the terminal whether to do something ("make this call"), unless the options say yes. Returns
 * SHELL_DONE if the answer is yes, or says that nothing was changed and returns the exit status. */
int shell_confirm(const struct options *options, const char *what);

/* "--help" or "-h". */
bool shell_asks_for_help(const char *argument);

/* Says on standard error what went wrong. Returns the exit status for it. */
int shell_complain(const struct error *err);

/* Writes a text to standard output. Returns SHELL_DONE, or says what went wrong and returns SHELL_FAILED. */
int shell_write(const char *text);

#endif
