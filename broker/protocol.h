/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What front and broker say to each other over RUN_DIR/broker.sock: SOCK_SEQPACKET, one JSON object a
 * message.
 *
 * The front connects for each call and sends
 *   {"operation": NAME, "id": ID, "arguments": {...}}
 * `id` is the task's UPID, by which the operation is found again after a restart of either side; operations
 * that only read have none. The broker answers with any number of
 *   {"line": N, "text": "..."}        a line of the operation's log, N from 1
 * and at the end one of
 *   {"result": {...}}
 *   {"error": {"kind": "failed", "field": "", "message": "..."}}
 * A front that hangs up does not end the operation: {"operation": "follow", "arguments": {"id": ID, "after":
 * N}} gives the lines after N and the end, from the journal or as they come. */
#ifndef HOSTPCI_BROKER_PROTOCOL_H
#define HOSTPCI_BROKER_PROTOCOL_H

#include <jansson.h>

#include "base/error.h"

#define PROTOCOL_MESSAGE_LIMIT ((size_t)128 * 1024)

/* Sends one message. ERROR_TOO_LARGE beyond the limit; ERROR_BUSY if there is no room for it now, on a socket
 * that does not block or waits only for a time. */
int protocol_send(int socket, const json_t *message, struct error *err);

/* Receives one; waits for it unless the socket does not block. 1: *ret is an object; 0: the other side hung
 * up; -1: error: ERROR_BUSY if there is nothing now, ERROR_TOO_LARGE and ERROR_UNREADABLE for what is too
 * long or no JSON object (it is gone then), ERROR_FAILED if the socket fails. */
int protocol_receive(int socket, json_t **ret, struct error *err);

/* {"error": ...} of an error and back. */
json_t *protocol_pack_error(const struct error *err);
void protocol_unpack_error(const json_t *object, struct error *ret);

/* A string of a text that may not be UTF-8 (a message that was cut): then each byte beyond ASCII is a '?'. */
json_t *protocol_text(const char *text);

#endif
