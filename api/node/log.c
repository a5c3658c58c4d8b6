/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/syslog and /nodes/{node}/journal: what the node's kernel logged since it started. Drivers,
 * the IOMMU and resets say there alone what went wrong. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "api/endpoints.h"
#include "api/request.h"
#include "base/json.h"
#include "base/memory.h"
#include "broker/call.h"
#include "hardware/facts/page.h"

#define MOST_LINES     5000 /* of a reply */
#define CURSOR         "line="
#define CURSOR_PATTERN CURSOR "[0-9]{1,9}"
#define PARAMETER_CURSOR(which, what)                                                                        \
    {.name = which,                                                                                          \
     .type = SCHEMA_STRING,                                                                                  \
     .optional = true,                                                                                       \
     .pattern = CURSOR_PATTERN,                                                                              \
     .text = what " this cursor, the first or last element of an earlier reply."}

/* Lines of the log, and how many there are in all. */
struct excerpt {
    json_t *lines;
    long long start, total;
};

static void excerpt_release(struct excerpt *excerpt)
{
    json_decref(excerpt->lines);
}
#define autoexcerpt __attribute__((cleanup(excerpt_release)))

/* The broker may read the log if this process may not. */
static int read_page(struct request *request, long long start, long long limit, json_t **ret,
                     struct error *err)
{
    const struct service *service = request->service;
    json_t *arguments = json_pack("{s:I, s:I}", "start", (json_int_t)start, "limit", (json_int_t)limit);

    if (broker_call(service->broker, "kernel-log", NULL, arguments, NULL, NULL, ret, err) == 0)
        return 0;
    return log_read_page(service->sysroot, (size_t)start, (size_t)limit, ret, err);
}

/* The log grows meanwhile: a page without a line is the end. */
static int read_lines(struct request *request, long long start, long long limit, struct excerpt *ret,
                      struct error *err)
{
    *ret = (struct excerpt){.lines = json_array(), .start = start};
    limit = limit < MOST_LINES ? limit : MOST_LINES;
    for (size_t before = 0;; before = json_array_size(ret->lines)) {
        autojson json_t *page = NULL;
        long long missing = limit - (long long)before;
        if (read_page(request, start + (long long)before, missing > 0 ? missing : 1, &page, err) != 0)
            return -1;
        ret->total = json_integer_value(json_object_get(page, "total"));
        if (missing > 0)
            json_array_extend(ret->lines, json_object_get(page, "lines"));
        size_t count = json_array_size(ret->lines);
        if (count == before || count >= (size_t)limit)
            return 0;
    }
}

static int get_syslog(struct request *request, json_t **ret, struct error *err)
{
    long long start = param_integer(request, "start"), limit = param_integer(request, "limit");
    autoexcerpt struct excerpt excerpt = {0};
    const json_t *line;
    size_t i;

    if (read_lines(request, start, limit > 0 ? limit : MOST_LINES, &excerpt, err) != 0)
        return -1;
    request->total = excerpt.total;
    *ret = json_array();
    json_array_foreach(excerpt.lines, i, line)
        json_array_append_new(
            *ret, json_pack("{s:I, s:O}", "n", (json_int_t)(start + (long long)i + 1), "t", line));
    return 0;
}

const struct endpoint endpoint_get_node_syslog = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/syslog",
    .text = "Shows what the kernel logged since the node started, oldest line first.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Syslog"),
    .parameters = PROPERTIES(PARAMETER_NODE,
                             {.name = "start",
                              .type = SCHEMA_INTEGER,
                              .optional = true,
                              .range = RANGE(0, 999999999),
                              .fallback = "0",
                              .text = "Skip this many lines."},
                             {.name = "limit",
                              .type = SCHEMA_INTEGER,
                              .optional = true,
                              .range = RANGE(0, 999999999),
                              .fallback = "50",
                              .text = "Return at most this many lines, and never more than 5000; 0: all."}),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "The kernel has logged no such lines since the node started.",
                .items =
                    ITEMS(.type = SCHEMA_OBJECT,
                          .properties = PROPERTIES(
                              {.name = "n", .type = SCHEMA_INTEGER, .text = "Number of the line, from 1."},
                              {.name = "t", .type = SCHEMA_STRING, .text = "Text of the line."}))},
    .on_node = true,
    .may_block = true,
    .run = get_syslog,
};

/* The number of the line that a cursor is at; -1 if it was not given. */
static long long cursor_of(const struct request *request, const char *name)
{
    const char *cursor = param_given(request, name) ? param_string(request, name) : NULL;
    long long number = -1;

    if (cursor != NULL)
        sscanf(cursor, CURSOR "%lld", &number);
    return number;
}

/* What lies between the cursors, of that the last lines if they are counted, else the first if there is a
 * start. */
static int read_journal(struct request *request, struct excerpt *ret, struct error *err)
{
    long long after = cursor_of(request, "startcursor"), end = cursor_of(request, "endcursor");
    long long most = param_given(request, "lastentries") ? param_integer(request, "lastentries") : MOST_LINES;
    bool forward = after >= 0 && !param_given(request, "lastentries");
    autoexcerpt struct excerpt probe = {0};

    if (read_lines(request, after + 1, 0, &probe, err) != 0)
        return -1;
    if (end < 0 || end > probe.total)
        end = probe.total;
    most = most < MOST_LINES ? most : MOST_LINES;
    long long start = forward || end - most < after + 1 ? after + 1 : end - most;
    return read_lines(request, start, end > start ? (end - start < most ? end - start : most) : 0, ret, err);
}

static int get_journal(struct request *request, json_t **ret, struct error *err)
{
    autoexcerpt struct excerpt excerpt = {0};

    if (read_journal(request, &excerpt, err) != 0)
        return -1;
    long long count = (long long)json_array_size(excerpt.lines);
    long long last = excerpt.start + count - 1;
    *ret = json_array();
    json_array_append_new(*ret, json_sprintf(CURSOR "%lld", count > 0 || last < 0 ? excerpt.start : last));
    json_array_extend(*ret, excerpt.lines);
    json_array_append_new(*ret, json_sprintf(CURSOR "%lld", last > 0 ? last : 0));
    return 0;
}

const struct endpoint endpoint_get_node_journal = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/journal",
    .text =
        "Shows what the kernel logged since the node started, as texts between two cursors, with which one "
        "can ask for what came before and after. There are the kernel's lines alone, at most 5000 in a "
        "reply.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Syslog"),
    .parameters = PROPERTIES(PARAMETER_NODE,
                             {.name = "lastentries",
                              .type = SCHEMA_INTEGER,
                              .optional = true,
                              .range = RANGE(0, 999999999),
                              .text = "Only this many lines, the last ones."},
                             PARAMETER_CURSOR("startcursor", "Only lines after"),
                             PARAMETER_CURSOR("endcursor", "Only lines before")),
    .returns = {.type = SCHEMA_ARRAY, .items = ITEMS(.type = SCHEMA_STRING)},
    .on_node = true,
    .may_block = true,
    .run = get_journal,
};
