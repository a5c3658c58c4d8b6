/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Consoles of VMs, from the ticket to the end. Each has a number, which clients call a port although nothing
 * listens there, and a task, which lives as long as it: while the ticket is good, and then while the console
 * is open. Stopping the task closes the console.
 *
 * There are CONSOLE_PORTS, and each user, tokens included, may have CONSOLE_USER_LIMIT of them. Thread-safe.
 */
#ifndef HOSTPCI_API_CONSOLE_H
#define HOSTPCI_API_CONSOLE_H

#include <stdbool.h>

#include "access/access.h"
#include "task/task.h"

#define CONSOLE_FIRST_PORT 5900
#define CONSOLE_PORTS      100
#define CONSOLE_USER_LIMIT 8

struct console_ports;
struct console_port;

struct console_ports *console_ports_new(void);
void console_ports_free(struct console_ports *ports); /* takes NULL; when its tasks have ended */

/* Ends the tasks of those that were never opened, and makes no new ones. */
void console_ports_stop(struct console_ports *ports);

/* Takes a free number. `leads_to` is one of its callers' words, and is only kept. ERROR_BUSY if there are too
 * many. */
int console_port_take(struct console_ports *ports, const struct identity *caller, const char *leads_to,
                      struct console_port **ret, struct error *err);
int console_port_number(const struct console_port *port);
const char *console_port_leads_to(const struct console_port *port);
void console_port_give_back(struct console_port *port); /* of one that has no task */

/* Begins its task, of type vncproxy, which frees the number at its end. Who has `ticket` (copied) may open
 * it. */
int console_port_begin(struct console_port *port, struct tasks *tasks, const struct task_start *start,
                       const char *ticket, char ret_upid[static UPID_SIZE], struct error *err);

/* The console with that number, once, to who has its ticket; NULL for anybody else. It must be closed. */
struct console_port *console_port_open(struct console_ports *ports, long long number, const char *ticket);

/* Whether its task was stopped. */
bool console_port_is_stopped(struct console_port *port);

/* Ends its task: with that error, or well if it is NULL. The port must not be used any more. */
void console_port_close(struct console_port *port, const struct error *failure);

/* What a connection becomes a WebSocket to. */
struct request_console {
    int descriptor; /* of the other side, a stream */
    struct identity caller;
    char standing[STANDING_SIZE]; /* the caller's, which must stay the same as long as it is open */
    char *path;                   /* on which the caller must have VM.Console that long, too */
    struct console_port *port;    /* closed with it */
    struct error failure;         /* how its task ends; well, if there is no message */
    /* Of a terminal, whose bytes have xterm.js's framing (server/http/terminal.h); NULL for others. */
    char *line;     /* what its client says first */
    char *greeting; /* what it is told then */
};
void request_console_free(struct request_console *console); /* takes NULL */

#endif
