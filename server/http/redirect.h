/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plain HTTP on a port of TLS: whoever types http:// is sent to https://, 301 for GET and HEAD, 308 for other
 * methods.
 *
 * GnuTLS reads a connection through a function of ours. A TLS client begins with a record of type handshake
 * (22), an HTTP client with a capital letter; what the latter sends never reaches GnuTLS.
 *
 * The same function keeps half a handshake from taking a whole processor: libmicrohttpd 0.9.75 goes on asking
 * GnuTLS for the rest without waiting for it. */
#ifndef HOSTPCI_SERVER_HTTP_REDIRECT_H
#define HOSTPCI_SERVER_HTTP_REDIRECT_H

#include <gnutls/gnutls.h>
#include <stdbool.h>

#include "base/text.h"

struct redirect {
    gnutls_session_t session;
    int fd;
    enum { SPEECH_UNKNOWN, SPEECH_TLS, SPEECH_PLAIN } speech;
    struct text head; /* of a plain request */
    bool *unread;     /* set with the answer: see server/http/lingering_close.h */
};

/* For a new connection, before anything was read of it. `redirect` must live as long as the session. */
void redirect_watch(struct redirect *redirect, gnutls_session_t session, int fd, bool *unread);
void redirect_release(struct redirect *redirect);

/* The answer to the head of a plain request, which ends with an empty line; `local` is where it came to, for
 * who sent no Host. */
void redirect_print(const char *head, const char *local, struct text *ret);

#endif
