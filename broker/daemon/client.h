/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker's clients: connections with one request each. A client reads its answer at its own pace: the
 * lines of a log wait in the journal, so that a slow client takes no memory. */
#ifndef HOSTPCI_BROKER_DAEMON_CLIENT_H
#define HOSTPCI_BROKER_DAEMON_CLIENT_H

#include "broker/daemon/job.h"

#define CLIENT_LIMIT   512 /* at once; more wait to be accepted */
#define CLIENT_SECONDS 10  /* for sending a request, and for reading what was sent to it */
#define CLIENT_USERS   3

struct clients;

/* Accepts clients from `listener`, a listening socket that does not block, which it takes. Only `users`
 * are answered, others get an error. */
struct clients *clients_new(struct loop *loop, struct jobs *jobs, int listener,
                            const uid_t users[static CLIENT_USERS]);
/* Hangs up on all of them. Takes NULL. */
void clients_free(struct clients *clients);

/* Sends new lines, or the end, from the journal to the clients that follow the operation of this number. */
void clients_send_news(struct clients *clients, int64_t number);

/* Starts the operations whose turn it is (broker/daemon/turns.h). To be called before the loop waits. */
void clients_take_turns(struct clients *clients);

/* Accepts no more clients and starts no more operations. */
void clients_refuse_more(struct clients *clients);

/* Whether some client has not read the end of its operation yet. */
bool clients_wait_for_answers(const struct clients *clients);

/* Frees the clients that were hung up on. */
void clients_free_ended(struct clients *clients);

#endif
