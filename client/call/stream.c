/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A WebSocket to the daemon (RFC 6455), over a connection that libcurl makes. (Its own WebSockets are not in
 * every libcurl that we support.) */
#include "client/call/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/memory.h"
#include "client/call/target.h"

#define ANSWER_MS  40000
#define HEAD_LIMIT 16384
#define KEY        "aG9zdHBjaSBjb25zb2xlLg==" /* its answer tells only that the server knows WebSockets */
#define FIN        0x80
#define BINARY     2
#define CLOSE      8

struct call_stream {
    struct target target;
    CURL *curl;
    curl_socket_t socket;
    struct text input; /* what is not yet a whole frame */
    bool ended;
};

void call_stream_close(struct call_stream *stream)
{
    if (stream == NULL)
        return;
    libcurl_api.easy_cleanup(stream->curl);
    target_release(&stream->target);
    text_release(&stream->input);
    free(stream);
}

void cleanup_call_stream(struct call_stream **stream)
{
    call_stream_close(*stream);
}

static int connect_to(const struct call_target *given, struct call_stream *stream, struct error *err)
{
    char detail[CURL_ERROR_SIZE] = "";
    CURL *curl = stream->curl;

    libcurl_api.easy_setopt(curl, CURLOPT_URL, stream->target.base);
    libcurl_api.easy_setopt(curl, CURLOPT_CONNECT_ONLY, 1L);
    libcurl_api.easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    libcurl_api.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    libcurl_api.easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    target_apply(given, &stream->target, curl);
    CURLcode code = libcurl_api.easy_perform(curl);
    libcurl_api.easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    if (code == CURLE_OK)
        code = libcurl_api.easy_getinfo(curl, CURLINFO_ACTIVESOCKET, &stream->socket);
    return code == CURLE_OK
               ? 0
               : target_explain(given, &stream->target, code,
                                detail[0] != '\0' ? detail : libcurl_api.easy_strerror(code), err);
}

static int wait_for(const struct call_stream *stream, short events, long long deadline, struct error *err)
{
    struct pollfd waited = {.fd = stream->socket, .events = events};
    long long left = deadline - clock_milliseconds();

    if (left > 0 && (poll(&waited, 1, (int)left) > 0 || errno == EINTR))
        return 0;
    return error_set(err, ERROR_NO_HOST, "the server does not answer");
}

static int send_all(struct call_stream *stream, const char *bytes, size_t length, struct error *err)
{
    long long deadline = clock_milliseconds() + ANSWER_MS;

    while (length > 0) {
        size_t sent = 0;
        CURLcode code = libcurl_api.easy_send(stream->curl, bytes, length, &sent);
        if (code == CURLE_AGAIN && wait_for(stream, POLLOUT, deadline, err) != 0)
            return -1;
        if (code != CURLE_OK && code != CURLE_AGAIN)
            return error_set(err, ERROR_NO_HOST, "cannot send: %s", libcurl_api.easy_strerror(code));
        bytes += sent;
        length -= sent;
    }
    return 0;
}

/* Adds to the input what has come. */
static int read_some(struct call_stream *stream, struct error *err)
{
    char bytes[16384];
    size_t count = 0;
    CURLcode code;

    while ((code = libcurl_api.easy_recv(stream->curl, bytes, sizeof(bytes), &count)) == CURLE_OK &&
           count > 0 && stream->input.length < CALL_REPLY_LIMIT)
        text_append_bytes(&stream->input, bytes, count);
    stream->ended |= code == CURLE_OK && count == 0;
    if (code != CURLE_OK && code != CURLE_AGAIN)
        return error_set(err, ERROR_NO_HOST, "cannot receive: %s", libcurl_api.easy_strerror(code));
    return 0;
}

static void drop(struct text *text, size_t length)
{
    memmove(text->data, text->data + length, text->length - length);
    text->length -= length;
    text->data[text->length] = '\0';
}

static int receive_head(struct call_stream *stream, struct error *err)
{
    long long deadline = clock_milliseconds() + ANSWER_MS;
    const char *end;

    while ((end = strstr(text_string(&stream->input), "\r\n\r\n")) == NULL) {
        if (stream->ended || stream->input.length > HEAD_LIMIT)
            return error_set(err, ERROR_FAILED, "the server does not answer as HTTP");
        if (wait_for(stream, POLLIN, deadline, err) != 0 || read_some(stream, err) != 0)
            return -1;
    }
    const char *head = stream->input.data;
    if (!text_starts_with(head, "HTTP/1.1 101"))
        return error_set(err, ERROR_FAILED, "the server refuses it: %.*s", (int)strcspn(head, "\r"), head);
    drop(&stream->input, (size_t)(end - head) + strlen("\r\n\r\n"));
    return 0;
}

static int upgrade(const struct call_target *given, struct call_stream *stream, const char *path,
                   const char *form, struct error *err)
{
    const char *host = strstr(stream->target.base, "://") + strlen("://");
    autotext struct text head = {0};

    text_printf(&head,
                "GET /api2/json%s?%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY
                "\r\nSec-WebSocket-Protocol: binary\r\n",
                path, form, host);
    if (given->token != NULL)
        text_printf(&head, "Authorization: PVEAPIToken=%s\r\n", given->token);
    text_append(&head, "\r\n");
    return send_all(stream, head.data, head.length, err) == 0 ? receive_head(stream, err) : -1;
}

int call_stream_open(const struct call_target *given, const char *path,
                     const struct call_parameter *parameters, size_t count, struct call_stream **ret,
                     struct error *err)
{
    autofree char *form = call_encode_form(parameters, count);

    if (libcurl_load(err) != 0)
        return -1;
    libcurl_api.global_init(CURL_GLOBAL_DEFAULT);
    autostream struct call_stream *stream = xcalloc(1, sizeof(*stream));
    stream->curl = libcurl_api.easy_init();
    if (stream->curl == NULL)
        return error_set(err, ERROR_FAILED, "libcurl could not be started");
    if (target_parse(given, &stream->target, err) != 0 || connect_to(given, stream, err) != 0 ||
        upgrade(given, stream, path, form, err) != 0)
        return -1;
    *ret = TAKE(stream);
    return 0;
}

int call_stream_socket(const struct call_stream *stream)
{
    return stream->socket;
}

int call_stream_send(struct call_stream *stream, const void *bytes, size_t length, struct error *err)
{
    uint8_t head[] = {FIN | BINARY, 0x80 | 126, (uint8_t)(length >> 8), (uint8_t)length, 0, 0, 0, 0};
    uint8_t *mask = &head[4];
    autotext struct text frame = {0};

    if (getrandom(mask, 4, 0) != 4)
        return error_set_errno(err, errno, "there are no random numbers");
    text_append_bytes(&frame, head, sizeof(head));
    text_append_bytes(&frame, bytes, length);
    for (size_t i = 0; i < length; i++)
        frame.data[sizeof(head) + i] ^= (char)mask[i % 4];
    return send_all(stream, frame.data, frame.length, err);
}

/* How long a whole frame at the beginning is, head included; 0: it has not come yet. */
static size_t measure(const struct text *input, size_t *ret_head)
{
    const uint8_t *bytes = (const uint8_t *)input->data;
    size_t head = 2, length = 0;

    if (input->length < head)
        return 0;
    if (bytes[1] >= 126)
        head += bytes[1] == 126 ? 2 : 8;
    if (input->length < head)
        return 0;
    if (head == 2)
        length = bytes[1];
    for (size_t i = 2; i < head; i++)
        length = length << 8 | bytes[i];
    *ret_head = head;
    return length <= input->length - head ? head + length : 0;
}

int call_stream_receive(struct call_stream *stream, struct text *ret, bool *ret_ended, struct error *err)
{
    size_t head = 0, size;

    if (read_some(stream, err) != 0)
        return -1;
    while ((size = measure(&stream->input, &head)) > 0) {
        uint8_t opcode = stream->input.data[0] & 0x0f;
        stream->ended |= opcode == CLOSE;
        if (opcode <= BINARY)
            text_append_bytes(ret, stream->input.data + head, size - head);
        drop(&stream->input, size);
    }
    if (stream->input.length >= CALL_REPLY_LIMIT)
        return error_set(err, ERROR_TOO_LARGE, "the server sends a frame without an end");
    *ret_ended = stream->ended;
    return 0;
}
