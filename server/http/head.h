/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The head of a request: request line and headers, and what is wrong with them.
 *
 * Where two programs may understand the same bytes differently, one of them can be made to see a request that
 * the other one does not (RFC 9112, 11.2). So whatever is ambiguous is refused: a length that is given twice,
 * a header name that is no token ("Content-Length : 40"), a folded line, a NUL byte, HTTP/1.1 without exactly
 * one Host.
 *
 * libmicrohttpd 1.0 refuses folded lines and NUL bytes itself (MHD_OPTION_STRICT_FOR_CLIENT). 0.9.75 ends a
 * line at its NUL byte, and appends a folded line to the name of the header before it; but it leaves the head
 * where it was received, with a NUL byte for each CR and LF, for each colon, and at the end of the URI. So a
 * head is as it was sent if each piece begins where the one before it ends. */
#ifndef HOSTPCI_SERVER_HTTP_HEAD_H
#define HOSTPCI_SERVER_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct head {
    size_t length; /* of all that has come, in bytes */
    const char *version;
    const char *next;                  /* where the last piece ends; NULL: libmicrohttpd checks places */
    const char *end;                   /* of the head */
    bool misplaced;                    /* a piece is not where it was sent */
    const char *misnamed;              /* a name that is no token; NULL: there is none */
    unsigned lines, hosts;             /* of headers, of Host */
    unsigned lengths;                  /* of headers that say how long the body is */
    unsigned long long content_length; /* 0: there is no body; or REQUEST_LENGTH_UNKNOWN */
};

/* `uri_end` and `version` lie in libmicrohttpd's buffer, as does `end`, where the head ends. It is NULL if
 * this is a libmicrohttpd that checks places itself. */
void head_begin(struct head *head, const char *uri_end, const char *version, const char *end);

/* Called for each header, in the order in which they came. */
void head_add(struct head *head, const char *name, const char *value);

/* Called after the last one. ERROR_UNREADABLE. */
int head_check(const struct head *head, struct error *err);

#endif
