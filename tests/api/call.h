/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to the test's daemon, each checked whole: envelope, Content-Type, reason phrase, headers, and the
 * data against what the endpoint declares to return (schema/validate.h).
 *
 * `get("/version", NULL)` is a call that must succeed; what it gives lives until the daemon is stopped.
 * Parameters are name, value, name, value, ..., NULL and are sent as a form, in the query of GET and DELETE.
 * A name may be repeated. Calls go through the local socket as root@pam, or with an API token or a ticket
 * through TCP after call_with_token or call_with_ticket. */
#ifndef HOSTPCI_TESTS_API_CALL_H
#define HOSTPCI_TESTS_API_CALL_H

#include <jansson.h>
#include <stddef.h>

#define SENTINEL __attribute__((sentinel))

/* Calls that must succeed, and their data. */
json_t *get(const char *path, ...) SENTINEL;
json_t *post(const char *path, ...) SENTINEL;
json_t *put(const char *path, ...) SENTINEL;
json_t *delete(const char *path, ...)SENTINEL;

/* Calls that must fail: with that status and message, or (400) because of one parameter, with that text about
 * it. */
void fails(unsigned status, const char *message, const char *method, const char *path, ...) SENTINEL;
void wrong_parameter(const char *name, const char *text, const char *method, const char *path, ...) SENTINEL;

/* From now on, calls go to the daemon's URL with this API token, "user@realm!id=secret" ("": without any);
 * NULL: through the local socket again. */
void call_with_token(const char *token);

/* The same with a ticket, as a browser would send it, and the CSRF token that goes with it (NULL: none). */
void call_with_ticket(const char *ticket, const char *csrf);

/* What the calls above are made of. */
struct call {
    const char *method;
    const char *path;         /* raw, with its query; below /api2/json unless it begins with "/api2" */
    const char *body;         /* NULL: none */
    size_t length;            /* of it; 0: strlen */
    const char *content_type; /* NULL: not sent */
    const char *header;       /* one more, "Name: value" */
};

struct reply {
    unsigned status;
    const char *phrase;
    const char *content_type; /* NULL: not sent */
    const char *headers;      /* all, as they were sent */
    const char *body;
    json_t *json; /* the envelope; NULL if there is no body */
    json_t *data;
    json_t *errors;  /* NULL if there are none */
    long long total; /* 0: not sent */
};

#define CALL(...) call(&(const struct call){__VA_ARGS__})
const struct reply *call(const struct call *call);

/* Without any check of the reply. */
#define CALL_UNCHECKED(...) call_unchecked(&(const struct call){__VA_ARGS__})
const struct reply *call_unchecked(const struct call *call);
/* The checks alone. */
void call_check(const struct call *call, const struct reply *reply);

/* Frees what the calls gave; daemon_stop calls it. */
void call_finish(void);

#endif
