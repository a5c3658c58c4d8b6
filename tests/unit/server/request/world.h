/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server without sockets: a database with two users and their tokens, a pool of workers, and a table of
 * endpoints that the test gives. */
#ifndef HOSTPCI_TESTS_UNIT_SERVER_REQUEST_WORLD_H
#define HOSTPCI_TESTS_UNIT_SERVER_REQUEST_WORLD_H

#include <semaphore.h>

#include "server/request/exchange.h"
#include "tests/unit/storage/fixture.h"

#define WORLD_OWNER   1234 /* the uid that started the daemon */
#define WORLD_WORKERS 2

struct server_world {
    struct fixture fixture;
    struct service service;
    struct server server;
    struct peer peer;
    char *root_token, *joe_token; /* Authorization headers */
};

void server_world_make(struct server_world *world, const struct endpoint *const *table, size_t count);
void server_world_end(struct server_world *world);
#define autoworld __attribute__((cleanup(server_world_end)))

/* A request that has not been served yet. `resumed` is posted whenever it is resumed, and must outlive it. */
struct exchange server_world_request(struct server_world *world, const char *method, const char *uri,
                                     const char *authorization, sem_t *resumed);
#define autoexchange __attribute__((cleanup(exchange_release)))

/* Serves a request to its end. */
struct exchange server_world_serve(struct server_world *world, const char *method, const char *uri,
                                   const char *authorization);

#endif
