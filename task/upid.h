/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPID: the name of a task, "UPID:NODE:PID:PSTART:START:TYPE:ID:USER:" with numbers in 8 digits of
 * hexadecimal. Here PID is a counter that goes on over restarts, and PSTART when the daemon started, so that
 * no two tasks of a node have the same name. A byte of ID other than a letter, a digit, '.', '_' and '-' is
 * written as @ and two hexadecimal digits: 0000@3a01@3a00.0. */
#ifndef HOSTPCI_TASK_UPID_H
#define HOSTPCI_TASK_UPID_H

#include <stdbool.h>
#include <stdint.h>

#define UPID_SIZE 512

/* A USER@REALM!TOKEN may be 193 bytes long: 64, a mark and 128. */
struct upid {
    char node[64];
    uint64_t pid, process_start, start; /* the last two in seconds since 1970 */
    char type[32];
    char id[48];    /* decoded; may be empty */
    char user[200]; /* USER@REALM or USER@REALM!TOKEN */
};

/* What is too long is cut, so that the text always fits. */
void upid_format(const struct upid *upid, char text[static UPID_SIZE]);

/* Of any node, also of a Proxmox VE. False, and *ret as it was, if the text is none. */
bool upid_parse(const char *text, struct upid *ret);

#endif
