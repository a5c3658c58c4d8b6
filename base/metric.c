/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters, and Prometheus' text format. */
#include "base/metric.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define SECOND 1000000.0 /* microseconds */
#define OTHER  "other"
#define WHOLE  9007199254740992.0 /* below it all whole numbers are exact */

static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", OTHER};
static const unsigned statuses[] = {101, 200, 204, 304, 400, 401, 403, 500, 501, 503, 506, 0}; /* 0: other */
/* The upper limits of a request's duration in microseconds. */
static const long long limits[] = {1000,   5000,    25000,   100000,   250000,
                                   500000, 1000000, 2500000, 10000000, 60000000};

static struct {
    atomic_ullong requests[COUNT_OF(methods)][COUNT_OF(statuses)];
    atomic_ullong within[COUNT_OF(methods)][COUNT_OF(limits)]; /* that limit, and not the one before */
    atomic_ullong timed[COUNT_OF(methods)], microseconds[COUNT_OF(methods)];
} counted;

struct task_count {
    char type[32], result[16];
    unsigned long long count;
};

static struct {
    pthread_mutex_t mutex; /* guards the rest */
    struct task_count list[METRIC_TASK_COUNTS];
    size_t used;
} tasks = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void increment(atomic_ullong *counter, unsigned long long by)
{
    atomic_fetch_add_explicit(counter, by, memory_order_relaxed);
}

static unsigned long long read_counter(const atomic_ullong *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void metric_count_request(const char *method, unsigned status, long long microseconds)
{
    size_t m = 0, s = 0, limit = 0;

    while (m < COUNT_OF(methods) - 1 && strcmp(methods[m], method) != 0)
        m++;
    while (s < COUNT_OF(statuses) - 1 && statuses[s] != status)
        s++;
    increment(&counted.requests[m][s], 1);
    if (microseconds < 0)
        return;
    while (limit < COUNT_OF(limits) && microseconds > limits[limit])
        limit++;
    if (limit < COUNT_OF(limits))
        increment(&counted.within[m][limit], 1);
    increment(&counted.timed[m], 1);
    increment(&counted.microseconds[m], (unsigned long long)microseconds);
}

void metric_count_task(const char *type, const char *result)
{
    size_t i = 0;

    pthread_mutex_lock(&tasks.mutex);
    while (i < tasks.used &&
           (strcmp(tasks.list[i].type, type) != 0 || strcmp(tasks.list[i].result, result) != 0))
        i++;
    if (i == tasks.used && i < METRIC_TASK_COUNTS) {
        tasks.used++;
        snprintf(tasks.list[i].type, sizeof(tasks.list[i].type), "%s", type);
        snprintf(tasks.list[i].result, sizeof(tasks.list[i].result), "%s", result);
    }
    if (i < tasks.used)
        tasks.list[i].count++;
    pthread_mutex_unlock(&tasks.mutex);
}

void metric_begin(struct text *ret, const char *name, const char *type, const char *help)
{
    text_printf(ret, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void append_value(struct text *ret, const char *value)
{
    for (; *value != '\0'; value++) {
        if (*value == '\n') {
            text_append(ret, "\\n");
            continue;
        }
        if (*value == '\\' || *value == '"')
            text_append(ret, "\\");
        text_append_bytes(ret, value, 1);
    }
}

void metric_add(struct text *ret, const char *name, double value, const char *const *labels)
{
    const char *separator = "{";

    text_append(ret, name);
    for (; labels[0] != NULL; labels += 2) {
        if (labels[1] == NULL || labels[1][0] == '\0')
            continue;
        text_printf(ret, "%s%s=\"", separator, labels[0]);
        append_value(ret, labels[1]);
        text_append(ret, "\"");
        separator = ",";
    }
    bool whole = value >= 0 && value < WHOLE && value == (double)(unsigned long long)value;
    text_printf(ret, whole ? "%s %.0f\n" : "%s %.15g\n", separator[0] == ',' ? "}" : "", value);
}

static void print_requests(struct text *ret)
{
    static const char name[] = "hostpci_http_requests_total";
    char code[16];

    metric_begin(ret, name, "counter", "HTTP requests that were answered.");
    for (size_t m = 0; m < COUNT_OF(methods); m++) {
        for (size_t s = 0; s < COUNT_OF(statuses); s++) {
            unsigned long long count = read_counter(&counted.requests[m][s]);
            snprintf(code, sizeof(code), "%u", statuses[s]);
            if (count > 0)
                METRIC_ADD(ret, name, (double)count, "method", methods[m], "code",
                           statuses[s] != 0 ? code : OTHER);
        }
    }
}

static void print_histogram(size_t m, struct text *ret)
{
    unsigned long long within = 0, all = read_counter(&counted.timed[m]);
    char limit[32];

    if (all == 0)
        return;
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        within += read_counter(&counted.within[m][i]);
        snprintf(limit, sizeof(limit), "%g", (double)limits[i] / SECOND);
        METRIC_ADD(ret, "hostpci_http_request_duration_seconds_bucket", (double)(within < all ? within : all),
                   "method", methods[m], "le", limit);
    }
    METRIC_ADD(ret, "hostpci_http_request_duration_seconds_bucket", (double)all, "method", methods[m], "le",
               "+Inf");
    METRIC_ADD(ret, "hostpci_http_request_duration_seconds_sum",
               (double)read_counter(&counted.microseconds[m]) / SECOND, "method", methods[m]);
    METRIC_ADD(ret, "hostpci_http_request_duration_seconds_count", (double)all, "method", methods[m]);
}

static void print_tasks(struct text *ret)
{
    static const char name[] = "hostpci_tasks_total";

    metric_begin(ret, name, "counter", "Tasks that have ended, by type and result.");
    pthread_mutex_lock(&tasks.mutex);
    for (size_t i = 0; i < tasks.used; i++)
        METRIC_ADD(ret, name, (double)tasks.list[i].count, "type", tasks.list[i].type, "result",
                   tasks.list[i].result);
    pthread_mutex_unlock(&tasks.mutex);
}

void metric_print_counters(struct text *ret)
{
    print_requests(ret);
    metric_begin(ret, "hostpci_http_request_duration_seconds", "histogram",
                 "From a request's first byte to the last of its reply.");
    for (size_t m = 0; m < COUNT_OF(methods); m++)
        print_histogram(m, ret);
    print_tasks(ret);
}
