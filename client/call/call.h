/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes one call of the API, with libcurl: through the daemon's local socket, or with HTTPS (HTTP only to a
 * loopback address).
 *
 * Unless `insecure` is set, a secret is only sent to a server that has proved its identity: by a certificate
 * of a trusted authority, or by the one certificate that `fingerprint` names; on the local socket the kernel
 * says who listens. Proxies are not used, and redirections are not followed. */
#ifndef HOSTPCI_CLIENT_CALL_CALL_H
#define HOSTPCI_CLIENT_CALL_CALL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "schema/endpoint.h"

#define CALL_SOCKET      "/run/hostpci/hostpci.sock"
#define CALL_STATE_DIR   "/var/lib/hostpci" /* as packaged */
#define CALL_PORT        "8006"
#define CALL_REPLY_LIMIT ((size_t)64 << 20)

struct call_target {
    const char *socket;      /* the local socket; used if there is no server */
    const char *server;      /* [https://]HOST[:PORT]; the default port is 8006 */
    const char *token;       /* USER@REALM!ID=SECRET; NULL: the daemon asks the socket who we are */
    const char *cacert;      /* a file of trusted certificates instead of the system's */
    const char *fingerprint; /* SHA-256 of the server's certificate in hexadecimal, with or without colons;
                                replaces the check by authorities unless cacert asks for it too */
    bool insecure;           /* accept any certificate */
};

/* A name that is repeated makes an array. */
struct call_parameter {
    char *name;
    char *value;
};

struct call_reply {
    long status;    /* of HTTP; 200 to 299: success */
    char *message;  /* what the server says went wrong */
    json_t *errors; /* {parameter: text}, NULL if none */
    json_t *data;   /* NULL or null if none; a string if the reply is a text file */
};
void call_reply_release(struct call_reply *reply);
#define autoreply __attribute__((cleanup(call_reply_release)))

/* 0 if the server answered, even with a refusal. Errors: ERROR_NO_HOST if it cannot be reached or trusted
 * (the message says what to do), ERROR_INVALID if the target is malformed, others if the reply is not one of
 * this API. */
int call_send(const struct call_target *target, enum method method, const char *path,
              const struct call_parameter *parameters, size_t count, struct call_reply *ret,
              struct error *err);

/* Who hears of the events of a stream. */
struct call_listener {
    char mark[128]; /* of the newest event, which the server gave; "": there was none yet */
    bool opened;    /* the server has answered with a stream */
    /* Each event's data, borrowed. False: no more is wanted. */
    bool (*take)(void *context, const json_t *event);
    void *context;
};

/* Reads a stream of server-sent events (HTML standard, 9.2), from the one after the mark on, until it ends or
 * no more is wanted. 0 with status 200, or another one if there is no such stream; errors are as of
 * call_send, and a connection that is lost is one. */
int call_follow(const struct call_target *target, const char *path, struct call_listener *listener,
                struct call_reply *ret, struct error *err);

/* The parameters percent-encoded, as in a query. The caller frees. */
char *call_encode_form(const struct call_parameter *parameters, size_t count);

#endif
