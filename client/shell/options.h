/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of the client's sub-commands.
 *
 * One table holds every option of ours, for parsing and for the help. Whatever else begins with a dash is,
 * where the command takes them, a parameter of the endpoint: --NAME VALUE, --NAME=VALUE, -NAME VALUE; a
 * boolean one that stands alone is 1. */
#ifndef HOSTPCI_CLIENT_SHELL_OPTIONS_H
#define HOSTPCI_CLIENT_SHELL_OPTIONS_H

#include "base/text.h"
#include "client/call/call.h"

/* Which commands know an option, as bits. */
enum options_scope {
    OPTIONS_TARGET = 1, /* where to send it */
    OPTIONS_FORMAT = 2, /* how to print it */
    OPTIONS_USAGE = 4,
    OPTIONS_STATE = 8,
    OPTIONS_FILE = 16, /* a VM's configuration as a file */
};

struct options {
    struct call_target target; /* environment variables and defaults are filled in */
    const char *format;
    bool no_border;
    bool no_header;
    bool no_wait;
    bool verbose;
    const char *command;
    const char *state_dir;
    const char *file;
    const char *argument; /* the one that is no option; NULL if there is none */
    struct call_parameter *parameters;
    size_t count;
};
void options_release(struct options *options);
#define autooptions __attribute__((cleanup(options_release)))

/* argv[0] is the sub-command. `method` is that of the endpoint whose parameters it takes, METHOD_COUNT if
 * none. ERROR_INVALID says what is wrong. The strings are argv's. */
int options_parse(int argc, char **argv, unsigned scope, enum method method, struct options *ret,
                  struct error *err);

/* One parameter more; both strings are copied. */
void options_add(struct options *options, const char *name, const char *value);

/* A line for each option of the scope. */
void options_describe(unsigned scope, struct text *ret);

#endif
