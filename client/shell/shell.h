/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's sub-commands. Each gets its own arguments (argv[0] is its name) and gives the exit status. */
#ifndef HOSTPCI_CLIENT_SHELL_SHELL_H
#define HOSTPCI_CLIENT_SHELL_SHELL_H

#include "base/error.h"
#include "client/print/table.h"
#include "client/shell/options.h"

enum shell_exit {
    SHELL_DONE = 0,
    SHELL_FAILED = 1,        /* the server said no, or it did not work */
    SHELL_MISUSED = 2,       /* the command line is wrong */
    SHELL_UNREACHABLE = 3,   /* no daemon there, or none that can be trusted */
    SHELL_INTERRUPTED = 130, /* Ctrl-C while following a task, which goes on */
};

/* What we were called by, as help and errors name it: "hostpci", or "qm" or "pvesh" by a symbolic link. */
extern const char *shell_program;

int shell_get(int argc, char **argv);
int shell_create(int argc, char **argv);
int shell_set(int argc, char **argv);
int shell_delete(int argc, char **argv);
int shell_list(int argc, char **argv);
int shell_usage(int argc, char **argv);
int shell_backup(int argc, char **argv);
int shell_rotate_keys(int argc, char **argv);
int shell_checks(int argc, char **argv);
int shell_openapi(int argc, char **argv);
int shell_version(int argc, char **argv);

/* Options, and the path among them with a slash before it, which the caller frees. */
int shell_parse_path(int argc, char **argv, unsigned scope, enum method method, struct options *ret,
                     char **ret_path, struct error *err);

struct shell_call {
    enum method method;
    const char *path;
    const char *help; /* the command that tells what it takes; NULL: `usage` with the path */
    bool wait;        /* follow a task also if nobody looks: what the script does next needs its end */
    /* The reply as text, which is freed here; NULL: as client/print/print.h does it. */
    char *(*print)(const json_t *data, const struct table_style *style);
};

/* Makes a call and prints what comes back, in the format that the options name; a task is followed if a
 * person looks. Gives the exit status. */
int shell_request(const struct options *options, const struct shell_call *call);

/* "--help" or "-h". */
bool shell_asks_for_help(const char *argument);

/* Says on standard error what went wrong; gives the exit status that fits. */
int shell_complain(const struct error *err);

/* Writes all of it to standard output: SHELL_DONE, or SHELL_FAILED (and says so) when that does not work. */
int shell_write(const char *text);

#endif
