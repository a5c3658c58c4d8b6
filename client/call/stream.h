/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A WebSocket to the daemon: a stream of bytes both ways. Whom it trusts is as of call_send
 * (client/call/call.h). */
#ifndef HOSTPCI_CLIENT_CALL_STREAM_H
#define HOSTPCI_CLIENT_CALL_STREAM_H

#include "base/text.h"
#include "client/call/call.h"

#define CALL_STREAM_CHUNK 65000 /* bytes that are sent at once */

struct call_stream;

/* Both targets must outlive it. ERROR_FAILED with the daemon's status line if it does not open one. */
int call_stream_open(const struct call_target *target, const char *path,
                     const struct call_parameter *parameters, size_t count, struct call_stream **ret,
                     struct error *err);
void call_stream_close(struct call_stream *stream); /* takes NULL */
void cleanup_call_stream(struct call_stream **stream);
#define autostream __attribute__((cleanup(cleanup_call_stream)))

int call_stream_socket(const struct call_stream *stream); /* to wait for something to receive */

/* At most CALL_STREAM_CHUNK bytes. */
int call_stream_send(struct call_stream *stream, const void *bytes, size_t length, struct error *err);

/* Adds all that has come; does not wait. *ret_ended: no more will come. */
int call_stream_receive(struct call_stream *stream, struct text *ret, bool *ret_ended, struct error *err);

#endif
