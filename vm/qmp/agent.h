/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest agent: a program in the guest that answers commands, by a socket of QEMU's.
 * Source: qga/qapi-schema.json of QEMU.
 *
 * The guest writes what is read here, and it is a stranger: a reply is bounded, and waited for only until a
 * deadline. What it says is handed on as JSON and never becomes the text of an error. */
#ifndef HOSTPCI_VM_QMP_AGENT_H
#define HOSTPCI_VM_QMP_AGENT_H

#include <jansson.h>

#include "base/error.h"

#define AGENT_REPLY_LIMIT  ((size_t)96 * 1024) /* bytes, also when it is written again */
#define AGENT_REPLY_LEVELS 64                  /* of arrays and objects in each other */

/* Connects to the socket at `path` and makes sure that an agent answers, within so many milliseconds. QEMU
 * serves one connection at a time, so that callers take turns. *ret is the socket, which the
 * caller closes. ERROR_FAILED "QEMU guest agent is not running" if nobody answers. */
int agent_open(const char *path, unsigned milliseconds, int *ret, struct error *err);

/* Takes the connected socket of an agent through its handshake: what it has left over from others is dropped.
 * The socket stays the caller's, and does not block any more. */
int agent_sync(int socket, unsigned milliseconds, struct error *err);

/* Has the agent execute a command ("guest-ping"). *ret is {"return": ...} or {"error": {class, desc}} as it
 * came; the caller drops. ERROR_BUSY "got timeout" if there is no whole reply in time; ERROR_TOO_LARGE or
 * ERROR_UNREADABLE if it is none that can be taken. The connection is of no use after an error. */
int agent_execute(int socket, const char *command, unsigned milliseconds, json_t **ret, struct error *err);

#endif
