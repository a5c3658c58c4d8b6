/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes on a connection, for requests that no HTTP library would send. */
#ifndef HOSTPCI_TESTS_API_RAW_H
#define HOSTPCI_TESTS_API_RAW_H

#include <stdbool.h>
#include <stddef.h>

/* A connection to the local socket, or to the daemon's first URL (plain HTTP). */
int raw_connect(void);
int raw_connect_tcp(void);

/* True once all was taken; false if the daemon closed the connection meanwhile. */
bool raw_send(int fd, const void *bytes, size_t length);
bool raw_print(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* All that comes until the daemon closes, or says nothing for that long and half a second; the
 * caller frees it. */
char *raw_read(int fd, unsigned seconds);

/* The connection is open and nothing has come yet. */
bool raw_is_silent(int fd);

/* Whether `act` is over before a client is refused that has sent a wrong token before it, which takes three
 * seconds. The order tells what waits for what on a machine of any speed; where `act` itself takes longer
 * than that it is tried again, up to five times. */
bool raw_overtakes_refusal(void (*act)(void));

/* Sends a whole request with `Connection: close` in it and gives the whole reply, which the caller frees. */
char *raw_ask(const char *bytes, size_t length);

/* Sends a request with a NUL in its first line and says whether it is refused: with status 400 or, by
 * libmicrohttpd since 1.0, without a word, by closing the connection. */
bool raw_is_refused(const char *bytes, size_t length);

/* The status of a reply, 0 if there is none. */
unsigned raw_status(const char *reply);

#endif
