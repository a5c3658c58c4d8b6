/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies: the only place that knows HTTP statuses, reason phrases, the envelope and the headers.
 *
 * {"data":...}, or {"data":...,"total":n} if it is a part of more; an error is
 * {"data":null,"message":"...\n"}, with "errors": {parameter: text} if parameters are wrong. Clients read the
 * reason phrase too, so it is the first line of the message. 401 has neither body nor Content-Type.
 *
 * libmicrohttpd has no call for an own reason phrase, but asks its own exported functions
 * MHD_get_reason_phrase_len_for and MHD_get_reason_phrase_for (in this order, through the PLT; 0.9.75), which
 * this module defines anew: the executable's come first. http_check_phrases tells whether that still works.
 */
#ifndef HOSTPCI_SERVER_REPLY_H
#define HOSTPCI_SERVER_REPLY_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"

struct MHD_Connection;
struct reply_body; /* finished, immutable, counted */

struct reply {
    unsigned status;  /* 0: there is none yet */
    char phrase[256]; /* "": the status's usual one */
    struct reply_body *body;
};

/* Takes the reference of data (NULL: null). `total` is how many there are if data is a part of more, else 0.
 */
void reply_data(struct reply *ret, json_t *data, long long total);
/* A body that was kept; takes the reference. */
void reply_kept(struct reply *ret, struct reply_body *body);
/* `errors` is {parameter: text} or NULL, borrowed; an error that names a field needs none. */
void reply_error(struct reply *ret, const struct error *err, const json_t *errors);
void reply_release(struct reply *reply);

/* A file as it is, without the envelope. The bytes must outlive the reply. */
struct reply_file {
    const char *bytes;
    size_t length;
    const char *type; /* Content-Type */
    const char *tag;  /* ETag, with its quotes */
};
/* 304 without the bytes if its tag is among `known_tags` (If-None-Match; may be NULL). */
void reply_file(struct reply *ret, const struct reply_file *file, const char *known_tags);

/* Hands it to libmicrohttpd, in the connection's thread. 0 or -1. */
int reply_queue(const struct reply *reply, struct MHD_Connection *connection);

struct reply_body *reply_body_share(struct reply_body *body);
void reply_body_release(struct reply_body *body); /* takes NULL */
size_t reply_body_length(const struct reply_body *body);

/* The bodies as text that the caller frees; for tests too. */
char *reply_print_data(const json_t *data, long long total, size_t *ret_length);
char *reply_print_error(const struct error *err, const json_t *errors);
unsigned reply_status(const struct error *err);

#endif
