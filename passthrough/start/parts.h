/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of passthrough/start/ share. */
#ifndef HOSTPCI_PASSTHROUGH_START_PARTS_H
#define HOSTPCI_PASSTHROUGH_START_PARTS_H

#include "passthrough/assign/assign.h"
#include "passthrough/start/start.h"

/* The VM's document; "VM is locked (x)" if it is locked, unless `skip_lock`. */
int start_read_unlocked(const struct start_host *host, long long vmid, bool skip_lock, json_t **ret,
                        struct error *err);

/* The key startup: "[order=]N,up=SECONDS,down=SECONDS", in any order. */
struct start_order {
    unsigned long long order; /* ULLONG_MAX: none */
    long long up, down;       /* seconds; -1: not set */
};
struct start_order start_parse_order(const char *startup);

/* What each hostpciN gets, for the broker: {hostpci0: {ids, uuid?, live-migration?}}. A new reference. */
json_t *start_describe_assigned(const struct assignments *assignments);

/* Adds a line of the broker's log to the log of the task, which is the context. */
void start_log_line(void *context, int number, const char *text);

#endif
