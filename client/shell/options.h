/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of the client's commands.
 *
 * One table holds every option of the client, for parsing and for the help. If the command calls an endpoint,
 * anything else that begins with a dash is a parameter of that endpoint: --NAME VALUE, --NAME=VALUE or -NAME
 * VALUE. A boolean parameter without a value is 1. */
#ifndef HOSTPCI_CLIENT_SHELL_OPTIONS_H
#define HOSTPCI_CLIENT_SHELL_OPTIONS_H

#include "base/text.h"
#include "client/call/call.h"

/* Groups of options, as bits. */
enum options_scope {
    OPTIONS_TARGET = 1, /* where to send the call */
    OPTIONS_FORMAT = 2, /* how to print the reply */
    OPTIONS_USAGE = 4,
    OPTIONS_STATE = 8,
    OPTIONS_FILE = 16, /* a VM's configuration as a file */
    OPTIONS_KEYS = 32,
    OPTIONS_FIX = 64,    /* which finding to fix */
    OPTIONS_GROUP = 128, /* whether to include a device's whole group */
    OPTIONS_YES = 256,   /* whether to ask */
    OPTIONS_VERSION = 512,
};

struct options {
    struct call_target target; /* environment variables and defaults are filled in */
    const char *format;
    bool no_border;
    bool no_header;
    bool no_wait;
    bool verbose;
    bool now;
    const char *command;
    const char *state_dir;
    const char *file;
    const char *device;
    const char *vmid;
    const char *number;
    bool yes;
    bool group;
    const char *argument; /* the only one that is not an option; NULL if there is none */
    struct call_parameter *parameters;
    size_t count;
};
void options_release(struct options *options);
#define autooptions __attribute__((cleanup(options_release)))

/* argv[0] is the command. `method` is the method of the endpoint whose parameters it takes; METHOD_COUNT if
 * it takes none. ERROR_INVALID says what is wrong. The strings in `ret` are those of argv. */
int options_parse(int argc, char **argv, unsigned scope, enum method method, struct options *ret,
                  struct error *err);

/* Adds a parameter; both strings are copied. */
void options_add(struct options *options, const char *name, const char *value);
/* Adds the members of {NAME: VALUE or [VALUE]}. */
void options_add_all(struct options *options, const json_t *parameters);
bool options_has(const struct options *options, const char *name);

/* Adds a line for each option of the scope. */
void options_describe(unsigned scope, struct text *ret);

#endif
