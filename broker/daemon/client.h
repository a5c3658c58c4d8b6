/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client of the broker: a connection with one request. It reads its answer at its own pace: lines of the
 * log wait in the journal, so that a slow client takes no memory. */
#ifndef HOSTPCI_BROKER_DAEMON_CLIENT_H
#define HOSTPCI_BROKER_DAEMON_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CLIENT_LIMIT   512 /* at once; more wait to be accepted */
#define CLIENT_SECONDS 10  /* for its request, and for reading when there is something */

struct job;
struct loop;

struct client {
    struct client *next;
    int socket;
    pid_t pid;
    uid_t uid;
    bool asked;       /* its request was read */
    int64_t number;   /* the operation it follows, in the journal; 0: none */
    int line;         /* the next one to send */
    struct job *job;  /* that reads for it */
    json_t *answer;   /* the last message, to be sent */
    bool blocked;     /* it does not read what we have */
    int64_t deadline; /* of its request, or of its reading; INT64_MAX: none */
    bool over;
};

void client_accept(struct loop *loop);
void client_hear(struct loop *loop, struct client *client); /* its socket has something, or is closed */
/* Sends what there is, as far as it reads. */
void client_send(struct loop *loop, struct client *client);
/* The same for all that follow the operation. */
void client_send_all(struct loop *loop, int64_t number);
/* Gives it the last message, which is taken. */
void client_answer(struct loop *loop, struct client *client, json_t *answer);
void client_free(struct client *client);

#endif
