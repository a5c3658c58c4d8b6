/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Consoles: connections that have become WebSockets, whose bytes one thread carries to a VM's screen or
 * serial port and back. It keeps little of each direction, and reads no more before that is sent.
 *
 * Each second it looks whether those who opened them may still and whether their logins or tokens are still
 * good, and closes them otherwise, as it closes those whose tasks were stopped. All are closed by
 * consoles_stop, which must come before libmicrohttpd is stopped. Thread-safe. */
#ifndef HOSTPCI_SERVER_HTTP_CONSOLES_H
#define HOSTPCI_SERVER_HTTP_CONSOLES_H

#include <microhttpd.h>

#include "api/console.h"

struct consoles;

/* NULL: no thread can be made. The access must outlive it. */
struct consoles *consoles_new(struct access *access);

/* Takes the console, and the connection: it is closed when either side ends. `bytes` came after the request
 * already. */
void consoles_add(struct consoles *consoles, struct request_console *console, int client,
                  struct MHD_UpgradeResponseHandle *handle, const void *bytes, size_t length);

void consoles_stop(struct consoles *consoles);
void consoles_free(struct consoles *consoles); /* takes NULL; after consoles_stop */

#endif
