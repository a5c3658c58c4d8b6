/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The head of a request: request line and headers, and what is wrong with them.
 *
 * If a proxy and this server can read the same bytes differently, a client can smuggle a request past the
 * proxy (RFC 9112, 11.2). So whatever is ambiguous is refused: a length that is given twice, a header name
 * that is not a token ("Content-Length : 40"), a folded line, a NUL byte, HTTP/1.1 without exactly one Host.
 *
 * libmicrohttpd 1.0 refuses folded lines and NUL bytes itself (MHD_OPTION_STRICT_FOR_CLIENT). 0.9.75 ends a
 * line at its NUL byte, and appends a folded line to the name of the header before it. But it parses the head
 * in place, writing a NUL byte over each CR and LF, over each colon, and at the end of the URI. So nothing
 * was dropped or folded if each piece begins where the one before it ends. */
#ifndef HOSTPCI_SERVER_HTTP_HEAD_H
#define HOSTPCI_SERVER_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct head {
    size_t length; /* of everything so far, in bytes */
    const char *version;
    const char *next;                  /* where the last piece ends; NULL: libmicrohttpd checks this */
    const char *end;                   /* of the head */
    bool misplaced;                    /* a piece does not begin where the one before it ends */
    const char *misnamed;              /* a name that is not a token; NULL: there is none */
    unsigned lines, hosts;             /* how many headers, and how many of them are Host */
    unsigned lengths;                  /* how many headers say how long the body is */
    unsigned long long content_length; /* 0: there is no body; or REQUEST_LENGTH_UNKNOWN */
};

/* The request line. These and `end`, where the head ends, point into libmicrohttpd's buffer. `end` is NULL if
 * this libmicrohttpd refuses folded lines and NUL bytes itself. */
struct head_line {
    const char *method, *uri, *uri_end, *version;
};
void head_begin(struct head *head, const struct head_line *line, const char *end);

/* Called for each header, in the order in which they came. */
void head_add(struct head *head, const char *name, const char *value);

/* Called after the last one. ERROR_UNREADABLE. */
int head_check(const struct head *head, struct error *err);

#endif
