/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All messages on the broker's sockets. A message is one JSON object in one packet of a
 * SOCK_SEQPACKET socket.
 *
 *
 * Front and broker, over RUN_DIR/broker.sock
 *
 * The front connects for each call and sends one request:
 *
 *   {"operation": NAME, "id": ID, "arguments": {...}}
 *
 * `id` is the task's UPID, by which the operation is found again after a restart of either side; operations
 * that only read have none. The broker answers with any number of lines and then with one end:
 *
 *   {"line": N, "text": "..."}      a line of the operation's log, N from 1
 *   {"result": {...}}               the end: it worked; of vm_console with a descriptor
 *   {"error": ERROR}                the end: it failed
 *
 * A front that hangs up does not end the operation: {"operation": "follow", "arguments": {"id": ID, "after":
 * N}} gives the lines after N and the end, from the journal or as they come.
 *
 *
 * Broker and worker, over a pair of sockets
 *
 * The worker sends nothing before `start`. Where an answer stands below, it waits for it before it goes on;
 * the other messages are not answered. The broker handles messages in the order in which they were sent, so
 * what was sent before an answered message is in the journal when the answer arrives.
 *
 *   From the worker
 *   type      fields                     answer       meaning
 *   log       text                       -            a line of the operation's log
 *   claim     functions: [CLAIM]         ok, error    nobody else may change these functions from now on
 *   step      function, text, undoing    ok, error    what is done next ("unbind from nvme"); undoing: 1 on
 *                                                     the way back, which nobody may stop
 *   release   function                   -            the function is where it belongs: its claim ends
 *   save      kind, function, body       -            a fact about the function, see broker/daemon/journal.h
 *   forget    kind, function             -            the fact is no longer true
 *   ask       function                   facts        which facts are known?
 *   result    result                     -            the last message: the operation worked; of an operation
 *                                                     that only reads, a descriptor may go with it
 *   error     error: ERROR               -            the last message: the operation failed
 *
 *   From the broker
 *   type      fields                     meaning
 *   start                                the operation is in the journal: begin
 *   ok                                   done
 *   error     error: ERROR               it cannot be done: the worker undoes what it did
 *   facts     facts: {kind: body}        see broker/worker/worker.h
 *
 * ERROR is {"kind", "field", "message"}. CLAIM is an object that the journal keeps as it is, so that a broker
 * of a later version must be able to read it:
 *
 *   id, vendor, device      the function, and which device it is
 *   driver, override        what it had before; a claim without them: nothing was changed yet
 *   wanted, wanted-override where it is to be: a driver, "" for none, "*" for the kernel's choice
 *   reset-methods           what reset_method held, if the operation changes that
 *   rom                     {sleeps, enabled}: the ROM is switched on; what power/control and enable held
 *   d3cold, wanted-d3cold   what d3cold_allowed held, and is to hold
 *
 * or, of a physical function whose virtual functions come and go:
 *
 *   numvfs, autoprobe       how many it had, and whether the kernel bound drivers to new ones
 *   wanted-numvfs, wanted-autoprobe
 *
 * or, of a mediated device or a vGPU (broker/worker/mdev_state.h):
 *
 *   mdev                    {uuid, type, file, wanted, wanted-file}: what it was and is to be
 *
 * or, of a VM, "vm:100" in the place of a function:
 *
 *   machine                 1: QEMU was to be started, and is ended
 *   plug                    the hostpciN that was to be plugged in, and is taken out
 *
 * or, of a volume of the store, "local:100/vm-100-disk-0.raw" in the place of a function:
 *
 *   volume                  1: it is being made, and is removed
 *
 * or, of WORKER_HOST in the place of a function:
 *
 *   files                   [{file, before, after}]: whole texts; null: no file
 *   programs                that were run for them: a bit (1 << enum program) for each of broker/program.h */
#ifndef HOSTPCI_BROKER_PROTOCOL_H
#define HOSTPCI_BROKER_PROTOCOL_H

#include <jansson.h>

#include "base/error.h"
#include "hardware/pci/inventory.h"

#define PROTOCOL_MESSAGE_LIMIT ((size_t)128 * 1024)

/* Sends one message. ERROR_TOO_LARGE beyond the limit; ERROR_BUSY if the socket, which does not block or
 * waits only for a time, takes nothing now. */
int protocol_send(int socket, const json_t *message, struct error *err);

/* Receives one message; waits for it unless the socket does not block. 1: *ret is an object; 0: the other
 * side hung up; -1 with ERROR_BUSY if there is nothing now, with ERROR_TOO_LARGE or ERROR_UNREADABLE if the
 * message was too long or no JSON object (it is dropped), with ERROR_FAILED if the socket failed. */
int protocol_receive(int socket, json_t **ret, struct error *err);

/* The same with an open descriptor that goes with the message; -1: none. The sender keeps its own; whoever
 * receives one closes it. protocol_receive drops what it did not ask for. *ret_descriptor is
 * set whenever a packet was read, even if it was no message. */
int protocol_send_descriptor(int socket, const json_t *message, int descriptor, struct error *err);
int protocol_receive_descriptor(int socket, json_t **ret, int *ret_descriptor, struct error *err);

/* {"error": ERROR} of an error, and the error of a message that has one. */
json_t *protocol_pack_error(const struct error *err);
void protocol_unpack_error(const json_t *message, struct error *ret);

/* The JSON string of a text that may not be UTF-8, such as a message that was cut: then each byte beyond
 * ASCII becomes a '?'. */
json_t *protocol_text(const char *text);

/* The facts of this prefix and a UUID, of one boot each: the broker made that mediated device of the
 * function. Without a UUID: it made the function a vGPU by NVIDIA's own interface. */
#define FACT_MADE "made:"

/* One fact of `facts`, {KIND: FACT} as the broker knows them of a function; NULL if there is none, if there
 * is no device (NULL), or if the fact is about another device that was in this slot before. */
const json_t *protocol_find_fact(const json_t *facts, const char *kind, const struct pci_device *device);

#endif
