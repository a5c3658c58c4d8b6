/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client of etcd: the stream of changes. */
#include <inttypes.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "storage/etcd/internal.h"

#define MESSAGE_LIMIT ((size_t)256 * 1024 * 1024) /* a full read is better than a longer one */

struct stream {
    const struct etcd_watch *watch;
    const char *endpoint;
    struct text line;
    struct error *err;
    bool failed; /* and *err says why */
};

static void fail(struct stream *stream)
{
    stream->failed = true;
}

static void add_event(struct etcd_items *changes, const json_t *event)
{
    const char *type = json_string_value(json_object_get(event, "type"));

    etcd_items_add(changes, json_object_get(event, "kv"), type != NULL && strcmp(type, "DELETE") == 0);
}

static int take_result(struct stream *stream, const json_t *result)
{
    autoitems struct etcd_items changes = {0};
    int64_t compacted = etcd_number(result, "compact_revision");
    const char *reason = json_string_value(json_object_get(result, "cancel_reason"));
    size_t i;
    json_t *event;

    if (compacted > 0)
        return error_set_reason(stream->err, ERROR_FAILED, ETCD_COMPACTED,
                                "etcd at '%s' keeps no changes before revision %" PRId64, stream->endpoint,
                                compacted);
    if (json_is_true(json_object_get(result, "canceled")))
        return error_set_reason(stream->err, ERROR_FAILED, ETCD_NOT_DONE,
                                "etcd at '%s' ended the stream of changes: %s", stream->endpoint,
                                reason != NULL ? reason : "it does not say why");
    etcd_read_state(result, &changes.state);
    json_array_foreach(json_object_get(result, "events"), i, event)
        add_event(&changes, event);
    return stream->watch->take(stream->watch->context, &changes, stream->err);
}

/* {"result": {...}}, or {"error": {...}} as the last. */
static int take_line(struct stream *stream, const char *line, size_t length)
{
    autojson json_t *message = json_loadb(line, length, 0, NULL);
    const json_t *result = json_object_get(message, "result"), *error = json_object_get(message, "error");

    if (result != NULL)
        return take_result(stream, result);
    if (!json_is_object(error))
        return etcd_refused(stream->endpoint, message, stream->err);
    const char *text = json_string_value(json_object_get(error, "message"));
    return error_set_reason(stream->err, ERROR_FAILED, ETCD_NOT_DONE,
                            "etcd at '%s' ended the stream of changes: %s", stream->endpoint,
                            text != NULL ? text : "it does not say why");
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct stream *stream = context;
    size_t length = size * count, begin = 0;

    for (size_t i = 0; i < length && !stream->failed; i++) {
        if (bytes[i] != '\n')
            continue;
        text_append_bytes(&stream->line, bytes + begin, i - begin);
        if (take_line(stream, text_string(&stream->line), stream->line.length) != 0)
            fail(stream);
        text_release(&stream->line);
        begin = i + 1;
    }
    if (stream->line.length + length - begin > MESSAGE_LIMIT && !stream->failed) {
        error_set_reason(stream->err, ERROR_FAILED, ETCD_COMPACTED,
                         "etcd at '%s' sent more than %zu bytes at once", stream->endpoint, MESSAGE_LIMIT);
        fail(stream);
    }
    if (!stream->failed)
        text_append_bytes(&stream->line, bytes + begin, length - begin);
    return stream->failed ? 0 : length;
}

static int look(void *context, curl_off_t total, curl_off_t now, curl_off_t to_send, curl_off_t sent)
{
    const struct stream *stream = context;

    (void)total;
    (void)now;
    (void)to_send;
    (void)sent;
    return stream->watch->go_on(stream->watch->context) ? 0 : 1;
}

static char *print_request(const struct etcd_watch *watch)
{
    autofree char *end = xstrdup(watch->prefix);

    end[strlen(end) - 1]++; /* the first key that does not begin with the prefix */
    autojson json_t *request =
        json_pack("{s:{s:o, s:o, s:o}}", "create_request", "key", etcd_encode(watch->prefix), "range_end",
                  etcd_encode(end), "start_revision", json_sprintf("%" PRId64, watch->revision));
    return json_dumps(request, JSON_COMPACT);
}

/* A handle of its own, since this goes on for days. */
int etcd_watch(struct etcd *etcd, const struct etcd_watch *watch, struct error *err)
{
    const char *endpoint = etcd->endpoints[atomic_load(&etcd->turn) % etcd->count];
    struct stream stream = {.watch = watch, .endpoint = endpoint, .err = err};
    autofree char *body = print_request(watch);
    char detail[CURL_ERROR_SIZE] = "";
    CURL *curl = libcurl_api.easy_init();

    etcd_set_url(etcd, curl, endpoint, "watch");
    libcurl_api.easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    libcurl_api.easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    libcurl_api.easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    libcurl_api.easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    libcurl_api.easy_setopt(curl, CURLOPT_WRITEDATA, &stream);
    libcurl_api.easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    libcurl_api.easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look);
    libcurl_api.easy_setopt(curl, CURLOPT_XFERINFODATA, &stream);
    CURLcode code = libcurl_api.easy_perform(curl);
    if (!stream.failed)
        etcd_unanswered(curl, endpoint, detail[0] != '\0' ? detail : libcurl_api.easy_strerror(code), err);
    libcurl_api.easy_cleanup(curl);
    text_release(&stream.line);
    return -1;
}
