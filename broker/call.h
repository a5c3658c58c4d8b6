/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's side: asks the broker for an operation. Thread-safe: each call has a connection of its own. */
#ifndef HOSTPCI_BROKER_CALL_H
#define HOSTPCI_BROKER_CALL_H

#include <jansson.h>

#include "base/error.h"

struct broker; /* where the broker is */

struct broker *broker_new(const char *run_dir);
void broker_free(struct broker *broker); /* takes NULL */

/* Whether the broker answers now. If not, ERROR_BUSY says that there is none, or that it does not answer this
 * user, and what to do. */
int broker_check(const struct broker *broker, struct error *err);

/* Has one operation (broker/operations.def) done and waits for its end, however long that takes. `id` is NULL
 * for one that only reads. Takes `arguments`. Each line of its log is handed to line(context, number, text)
 * (NULL: they are dropped). ERROR_BUSY as in broker_check if no broker runs. If the broker ends
 * meanwhile, this waits up to 30 s for the next one and follows the operation there, so that the end that it
 * reports is the true one. */
int broker_call(const struct broker *broker, const char *operation, const char *id, json_t *arguments,
                void (*line)(void *context, int number, const char *text), void *context, json_t **ret,
                struct error *err);

/* The same for callers who cannot wait for ever, without the log: ERROR_BUSY if the broker says nothing for
 * 30 s, although the operation goes on. The reason BROKER_SILENT tells one that took the question and did not
 * answer it from none at all. */
enum broker_reason { BROKER_SILENT = 1 };
int broker_call_briefly(const struct broker *broker, const char *operation, const char *id, json_t *arguments,
                        json_t **ret, struct error *err);

/* The same as broker_call_briefly for a reading whose result comes with a descriptor, which the caller
 * closes.
 */
int broker_call_descriptor(const struct broker *broker, const char *operation, json_t *arguments,
                           int *ret_descriptor, struct error *err);

/* The same as broker_call for an operation that began earlier; skips the first `after` lines of its log.
 * ERROR_NOT_FOUND if it never reached the broker: then nothing was changed. */
int broker_follow(const struct broker *broker, const char *id, int after,
                  void (*line)(void *context, int number, const char *text), void *context, json_t **ret,
                  struct error *err);

#endif
