/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of `hostpci serve`: from the command line, or from a file of lines `name = value`, where the
 * names are those of the long options and # starts a comment. The command line takes precedence. One table
 * serves both, and the help text. */
#ifndef HOSTPCI_SERVER_DAEMON_SETTINGS_H
#define HOSTPCI_SERVER_DAEMON_SETTINGS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/text.h"

#define SETTINGS_LISTENERS 16 /* how often an option that may be repeated may be given */
#define SETTINGS_NO_BROKER "none"

struct settings {
    char *node;    /* default: the host's name up to its first dot */
    char **listen; /* ends with NULL; default: one, https://0.0.0.0:8006 */
    char *socket;  /* default: RUN_DIR/hostpci.sock */
    char *state_dir;
    char *run_dir;
    char *user;
    char *broker_dir; /* SETTINGS_NO_BROKER: start no broker */
    char *sysroot;
    char *qemu;
    char *rom_dir;
    char *storage_dir;  /* of the storage `local` */
    char **volume_dirs; /* ends with NULL; default: one, STATE_DIR/images */
    char *inventory;    /* "cached", "fresh", or NULL: cached if the kernel's events arrive */
    char **cors;        /* origins of other servers' pages that may call this one; NULL or ends with NULL */
    char *etcd;         /* NULL: a single node */
    char *etcd_ca, *etcd_cert, *etcd_key;
    char *threads;
    unsigned thread_count;
    char *login_days;
    unsigned login_day_count;
    bool help; /* --help was given; the other members are not set */
};

/* argv[0] is the sub-command. */
int settings_read(int argc, char **argv, struct settings *ret, struct error *err);
void settings_release(struct settings *settings);
void settings_print_help(struct text *ret);

#endif
