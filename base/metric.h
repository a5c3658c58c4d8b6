/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics: what this process has counted since it began, and the text in which Prometheus reads metrics (its
 * exposition formats, version 0.0.4).
 *
 * Like the log, there is one set of counters in a process, to which each room adds with one call.
 * Thread-safe. */
#ifndef HOSTPCI_BASE_METRIC_H
#define HOSTPCI_BASE_METRIC_H

#include "base/text.h"

#define METRIC_TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* `microseconds` < 0: it has no duration, as a stream has none. Only the methods and statuses that we know
 * are told apart. */
void metric_count_request(const char *method, unsigned status, long long microseconds);

/* A task of this type that has ended; `result` is "ok", "warning" or "error". Both are words of
 * ours; pairs of them beyond METRIC_TASK_COUNTS are not counted. */
#define METRIC_TASK_COUNTS 128
void metric_count_task(const char *type, const char *result);

/* Appends all of these counters. */
void metric_print_counters(struct text *ret);

/* Begins a metric: `type` is "gauge", "counter" or "histogram". All its samples must follow. */
void metric_begin(struct text *ret, const char *name, const char *type, const char *help);

/* Appends a sample; its labels are name, value, ... and at last NULL. A label without a value (NULL or "") is
 * left out, which means the same. */
void metric_add(struct text *ret, const char *name, double value, const char *const *labels);
#define METRIC_ADD(ret, name, value, ...)                                                                    \
    metric_add((ret), (name), (value), (const char *const[]){__VA_ARGS__, NULL})

#endif
