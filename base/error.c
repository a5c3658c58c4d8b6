/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Filling struct error. */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 0))) static void fill(struct error *err, enum error_kind kind,
                                                       const char *format, va_list args)
{
    char message[sizeof(err->message)]; /* the arguments may lie in err itself */

    vsnprintf(message, sizeof(message), format, args);
    err->kind = kind;
    err->reason = 0;
    err->field[0] = '\0';
    memcpy(err->message, message, sizeof(message));
}

int error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(err, kind, format, args);
    va_end(args);
    return -1;
}

int error_set_reason(struct error *err, enum error_kind kind, int reason, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(err, kind, format, args);
    va_end(args);
    err->reason = reason;
    return -1;
}

int error_set_field(struct error *err, const char *field, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(err, ERROR_INVALID, format, args);
    va_end(args);
    snprintf(err->field, sizeof(err->field), "%s", field);
    return -1;
}

int error_set_field_reason(struct error *err, const char *field, int reason, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(err, ERROR_INVALID, format, args);
    va_end(args);
    snprintf(err->field, sizeof(err->field), "%s", field);
    err->reason = reason;
    return -1;
}

int error_set_errno(struct error *err, int number, const char *format, ...)
{
    va_list args;
    char reason[128];

    va_start(args, format);
    fill(err, ERROR_FAILED, format, args);
    va_end(args);
    size_t used = strlen(err->message);
    /* GNU's strerror_r may return a string of its own and leave the buffer alone */
    snprintf(err->message + used, sizeof(err->message) - used, ": %s",
             strerror_r(number, reason, sizeof(reason)));
    return -1;
}

int error_prefix(struct error *err, const char *format, ...)
{
    va_list args;
    char rest[sizeof(err->message)];

    memcpy(rest, err->message, sizeof(rest));
    va_start(args, format);
    vsnprintf(err->message, sizeof(err->message), format, args);
    va_end(args);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof(err->message) - used, "%s", rest);
    return -1;
}
