/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPID: the name of a task, "UPID:NODE:PID:PSTART:START:TYPE:ID:USER:", where numbers have 8 hexadecimal
 * digits. Here PID is a counter that goes on when the daemon is restarted, and PSTART is the time at which
 * the daemon started, so no two tasks of a node have the same name. In ID every byte except letters, digits,
 * '.', '_' and '-' is written as @ and two hexadecimal digits: 0000@3a01@3a00.0. */
#ifndef HOSTPCI_TASK_UPID_H
#define HOSTPCI_TASK_UPID_H

#include <stdbool.h>
#include <stdint.h>

#define UPID_SIZE 512

/* A USER@REALM!TOKEN may be 193 bytes long: 64, a mark and 128. */
struct upid {
    char node[64];
    uint64_t pid, process_start, start; /* the last two in seconds since 1970, of which ours have 32 bits */
    char type[32];
    char id[48];    /* decoded; may be empty */
    char user[200]; /* USER@REALM or USER@REALM!TOKEN */
};

/* Parts that are too long are cut, so the text always has room. */
void upid_format(const struct upid *upid, char text[static UPID_SIZE]);

/* Understands the UPIDs of every node, including those of Proxmox VE. Returns false, with *ret untouched, if
 * the text is not a UPID. */
bool upid_parse(const char *text, struct upid *ret);

#endif
