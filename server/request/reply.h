/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies. Only this module knows HTTP statuses and the envelope. server/http/response.h sends replies.
 *
 * json: {"data":...}, or {"data":...,"total":n} if it is a part of a longer list; an error is
 * {"data":null,"message":"...\n"}, with "errors": {parameter: text} if parameters are wrong. Clients read the
 * reason phrase, too, so it is the first line of the message.
 * extjs: the same with "success": 1 or 0, and an error's "status" in the body, too, since it is sent as 200.
 * A caller who is not let in gets 401 in both, with neither body nor Content-Type. */
#ifndef HOSTPCI_SERVER_REQUEST_REPLY_H
#define HOSTPCI_SERVER_REQUEST_REPLY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "cluster/forward.h"
#include "server/request/reply_body.h"
#include "server/request/request.h"

#define REPLY_METHODS_SIZE sizeof("GET, HEAD, POST, PUT, DELETE, OPTIONS")

struct reply {
    unsigned status;                  /* of HTTP; 0: there is no reply yet */
    bool sent_as_200;                 /* an error in extjs */
    char phrase[256];                 /* "": the usual one of the status */
    const char *type;                 /* Content-Type; NULL: none. A 304 is sent without it. */
    struct reply_body *body;          /* NULL: none */
    bool tagged;                      /* ETag is sent */
    bool packed;                      /* the body is sent compressed */
    bool streams;                     /* server/request/stream.h gives the body */
    bool file;                        /* with a file's headers */
    char *cookie;                     /* Set-Cookie; NULL: not sent */
    char name[192];                   /* of the file as which a browser saves the body; "": it does not */
    char methods[REPLY_METHODS_SIZE]; /* Allow; "": not sent */
};

/* Takes the reference of data (NULL: null). If data is only a part of the rows, `total` is the number of all,
 * else 0. */
void reply_data(struct reply *ret, json_t *data, long long total, enum format format);
/* A body that was made before; takes the reference. */
void reply_cached(struct reply *ret, struct reply_body *body);
/* `errors` is {parameter: text} or NULL, borrowed; an error that names a field needs none. */
void reply_error(struct reply *ret, const struct error *err, const json_t *errors, enum format format);
/* What another node has answered; takes the body. */
void reply_forwarded(struct reply *ret, struct forward_reply *forwarded);
/* For a request with no credential, or a wrong one. */
void reply_unauthenticated(struct reply *ret, const struct error *err);
/* The connection becomes a WebSocket (101). Takes the reference of data, which is not sent. */
#define REPLY_UPGRADE 101
void reply_upgrade(struct reply *ret, json_t *data);
/* It goes on: server/request/stream.h. */
void reply_stream(struct reply *ret);
/* The reply to OPTIONS; `methods` is "GET, PUT" and so on. */
void reply_methods(struct reply *ret, const char *methods);
/* The same reply for an equal request, before tags and encodings, which may differ, are considered. */
void reply_share(struct reply *ret, const struct reply *reply);
void reply_release(struct reply *reply);

/* The reply also sets the cookie of this login's ticket, or removes it (""). */
void reply_set_ticket(struct reply *reply, const char *ticket);

/* A file as it is, without the envelope. */
struct reply_file {
    struct reply_body *body;
    const char *type;
};
void reply_file(struct reply *ret, const struct reply_file *file);

/* Text that a browser saves as a file. Takes the reference of `text`, a string; of `name` only letters,
 * digits, '.' and '-' stay, and all else becomes '_'. */
void reply_download(struct reply *ret, json_t *text, const char *name);
/* Text of that type, without the envelope; takes the reference likewise. */
void reply_text(struct reply *ret, json_t *text, const char *type);

/* Gives a reply to GET its ETag, and makes it a 304 without a body if `known_tags` (If-None-Match, may be
 * NULL) contains that tag. Only a 200 is changed. */
void reply_tag(struct reply *reply, const char *known_tags);
/* Compresses the body if it is long enough and `encodings` (Accept-Encoding, may be NULL) accepts gzip. */
void reply_pack(struct reply *reply, const char *encodings);

/* The bodies as text that the caller frees; tests use them, too. */
char *reply_print_data(const json_t *data, long long total, enum format format, size_t *ret_length);
char *reply_print_error(const struct error *err, const json_t *errors, enum format format);
unsigned reply_status(const struct error *err);
size_t reply_length(const struct reply *reply); /* of the body, as it is sent */

#endif
