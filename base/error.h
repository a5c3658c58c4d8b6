/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors: what went wrong, in words for the person who asked.
 *
 * A function that can fail is `int f(inputs, T *ret, struct error *err)`: it returns 0, or -1 with err filled
 * and its outputs untouched. The message says what was wrong, with which value, and what to do; it is one
 * sentence without a trailing newline. The kind becomes an HTTP status in server/request/reply.c and nowhere
 * else. */
#ifndef HOSTPCI_BASE_ERROR_H
#define HOSTPCI_BASE_ERROR_H

#include <stdarg.h>

enum error_kind {
    ERROR_FAILED,          /* it was tried and failed */
    ERROR_INVALID,         /* a parameter is wrong: field says which, message why */
    ERROR_UNAUTHENTICATED, /* the caller has not proved who it is */
    ERROR_LOGIN,           /* a login failed; the message is only for the log */
    ERROR_FORBIDDEN,       /* the caller may not do that */
    ERROR_NOT_FOUND,       /* what was named does not exist */
    ERROR_CONFLICT,        /* it exists already, or was changed in the meantime */
    ERROR_NO_METHOD,       /* no such path, or not with this method */
    ERROR_TOO_LARGE,       /* it is larger than the server accepts */
    ERROR_MEDIA_TYPE,      /* the server does not understand this kind of body */
    ERROR_UNREADABLE,      /* the request cannot be decoded */
    ERROR_NO_HOST,         /* the request is for another node, which cannot be reached */
    ERROR_BUSY,            /* it cannot be done now; the caller may try again */
};

struct error {
    enum error_kind kind;
    int reason;     /* for code that goes on from it: of an enum that the function's header names; 0: none */
    char field[64]; /* the parameter that is wrong, "" if none */
    char message[1024];
};

/* Each returns -1, so that failing takes one line. A message that is too long is cut. */
int error_set(struct error *err, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4), nonnull(1)));

/* With a reason. */
int error_set_reason(struct error *err, enum error_kind kind, int reason, const char *format, ...)
    __attribute__((format(printf, 4, 5), nonnull(1)));

/* ERROR_INVALID, about one parameter. */
int error_set_field(struct error *err, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4), nonnull(1, 2)));
int error_set_field_reason(struct error *err, const char *field, int reason, const char *format, ...)
    __attribute__((format(printf, 4, 5), nonnull(1, 2)));

/* ERROR_FAILED with ": " and the text of errno at the end. */
int error_set_errno(struct error *err, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4), nonnull(1)));

/* Puts context in front of the message, on the way up. */
int error_prefix(struct error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3), nonnull(1)));

#endif
