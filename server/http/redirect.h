/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Redirects clients that speak plain HTTP on a TLS port to https://, with 301 for GET and HEAD and 308 for
 * other methods.
 *
 * GnuTLS reads a connection through a function of ours. A TLS client begins with a record of type handshake
 * (22), an HTTP client with a capital letter; nothing that the latter sends reaches GnuTLS.
 *
 * The same function keeps an unfinished handshake from occupying a processor: libmicrohttpd 0.9.75 asks
 * GnuTLS for the rest again and again, without waiting for the socket. */
#ifndef HOSTPCI_SERVER_HTTP_REDIRECT_H
#define HOSTPCI_SERVER_HTTP_REDIRECT_H

#include <gnutls/gnutls.h>
#include <stdbool.h>

#include "base/text.h"

struct redirect {
    gnutls_session_t session;
    int fd;
    enum { SPEECH_UNKNOWN, SPEECH_TLS, SPEECH_PLAIN } speech;
    struct text head; /* what has been received of a plain request */
    bool *unread;     /* set when an answer was sent: see server/http/lingering_close.h */
};

/* To be called for a new connection, before anything is read from it. `redirect` must live as long as the
 * session. */
void redirect_watch(struct redirect *redirect, gnutls_session_t session, int fd, bool *unread);
void redirect_release(struct redirect *redirect);

/* The answer to the head of a plain request, which ends with an empty line. `local` is the address and port
 * that it was sent to, for requests without Host. */
void redirect_print(const char *head, const char *local, struct text *ret);

#endif
