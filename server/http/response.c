/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends replies through libmicrohttpd, with their headers and reason phrases. */
#include "server/http/response.h"

#include <dlfcn.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/memory.h"

#define STREAM_BLOCK 4096 /* how much of a stream is sent at once */

struct header {
    const char *name, *value;
};

static const struct header headers[] = {
    {"Cache-Control", "max-age=0"},
    {"Pragma", "no-cache"},
    {"Expires", "Thu, 01 Jan 1970 00:00:00 GMT"},
    {"Server", "hostpci/" VERSION},
    {"Vary", "Accept-Encoding, Origin"},
    {NULL, NULL},
};

/* The headers of a file. The page may only load, run and call what comes from this server, and only its own
 * pages may frame it. 'self' includes WebSockets of this server. blob: is for noVNC's cursor. */
static const struct header file_headers[] = {
    {"Cache-Control", "no-cache"},
    {"Server", "hostpci/" VERSION},
    {"Vary", "Accept-Encoding, Origin"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src "
                                "'self'; img-src 'self' data: blob:; "
                                "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"},
    {NULL, NULL},
};

/* No cache keeps a stream, and no proxy waits until it has much of it (nginx reads the last line). */
static const struct header stream_headers[] = {
    {"Cache-Control", "no-store"},         {"Server", "hostpci/" VERSION}, {"Vary", "Accept, Origin"},
    {"X-Content-Type-Options", "nosniff"}, {"X-Accel-Buffering", "no"},    {NULL, NULL},
};

/* For pages of other servers (Fetch standard, CORS protocol). Access-Control-Allow-Credentials is not sent,
 * so that such a page has to send a ticket or token in Authorization and cannot use the user's cookie. */
#define CORS_REQUEST_HEADERS "Authorization, Content-Type, CSRFPreventionToken, If-None-Match, Last-Event-ID"
#define CORS_SECONDS         "600"

static void add_cors(struct MHD_Response *response, const struct reply *reply, const char *origin)
{
    MHD_add_response_header(response, "Access-Control-Allow-Origin", origin);
    if (reply->methods[0] == '\0') {
        MHD_add_response_header(response, "Access-Control-Expose-Headers", "ETag");
        return;
    }
    MHD_add_response_header(response, "Access-Control-Allow-Methods", reply->methods);
    MHD_add_response_header(response, "Access-Control-Allow-Headers", CORS_REQUEST_HEADERS);
    MHD_add_response_header(response, "Access-Control-Max-Age", CORS_SECONDS);
}

static void release_body(void *body)
{
    reply_body_release(body);
}

/* MHD_ContentReaderCallback */
static ssize_t read_stream(void *exchange, uint64_t position, char *bytes, size_t size)
{
    (void)position;
    ssize_t count = stream_read(exchange, bytes, size);
    return count < 0 ? MHD_CONTENT_READER_END_OF_STREAM : count;
}

/* The response holds a reference of its own to the body. */
static struct MHD_Response *make_body(struct exchange *exchange)
{
    const struct reply *reply = &exchange->reply;
    static char nothing[1];
    size_t length = reply_length(reply), ignored;

    if (reply->streams)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, exchange, NULL);
    if (length == 0)
        return MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
    const void *bytes =
        reply->packed ? reply_body_packed(reply->body, &ignored) : reply_body_bytes(reply->body);
    return MHD_create_response_from_buffer_with_free_callback_cls(
        length, (void *)(uintptr_t)bytes, release_body, reply_body_share(reply->body));
}

/* A browser must save the text, and never show it as a page, whatever it looks like. */
static void add_disposition(struct MHD_Response *response, const char *name)
{
    autofree char *value = xasprintf("attachment; filename=\"%s\"", name);

    MHD_add_response_header(response, "Content-Disposition", value);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
}

static const struct header *choose_headers(const struct reply *reply)
{
    return reply->file ? file_headers : reply->streams ? stream_headers : headers;
}

static struct MHD_Response *make_response(struct exchange *exchange, const char *origin)
{
    const struct reply *reply = &exchange->reply;
    struct MHD_Response *response = make_body(exchange);

    if (response == NULL)
        abort(); /* no memory */
    for (const struct header *header = choose_headers(reply); header->name != NULL; header++)
        MHD_add_response_header(response, header->name, header->value);
    if (reply->type != NULL && reply->status != MHD_HTTP_NOT_MODIFIED)
        MHD_add_response_header(response, "Content-Type", reply->type);
    if (reply->packed)
        MHD_add_response_header(response, "Content-Encoding", "gzip");
    if (reply->tagged)
        MHD_add_response_header(response, "ETag", reply_body_tag(reply->body));
    if (reply->methods[0] != '\0')
        MHD_add_response_header(response, "Allow", reply->methods);
    if (reply->cookie != NULL)
        MHD_add_response_header(response, "Set-Cookie", reply->cookie);
    if (reply->name[0] != '\0')
        add_disposition(response, reply->name);
    if (origin != NULL)
        add_cors(response, reply, origin);
    return response;
}

/* The phrase of the reply that this thread queued last. libmicrohttpd writes it right after that. */
static _Thread_local const char *queued_phrase;
static _Thread_local char phrase_copy[sizeof(((struct reply *)NULL)->phrase)];

int response_queue(struct exchange *exchange, const char *origin, bool last)
{
    const struct reply *reply = &exchange->reply;
    struct MHD_Response *response = make_response(exchange, origin);

    if (last)
        MHD_add_response_header(response, "Connection", "close");
    queued_phrase = NULL;
    if (reply->phrase[0] != '\0' && !reply->sent_as_200) {
        memcpy(phrase_copy, reply->phrase, sizeof(phrase_copy));
        queued_phrase = phrase_copy;
    }
    enum MHD_Result result =
        MHD_queue_response(exchange->connection, reply->sent_as_200 ? MHD_HTTP_OK : reply->status, response);
    MHD_destroy_response(response);
    return result == MHD_YES ? 0 : -1;
}

static const char *usual_phrase(unsigned code)
{
    static _Atomic(const char *(*)(unsigned)) usual;

    if (usual == NULL)
        usual = (const char *(*)(unsigned))(uintptr_t)dlsym(RTLD_NEXT, "MHD_get_reason_phrase_for");
    return usual != NULL ? usual(code) : "";
}

size_t MHD_get_reason_phrase_len_for(unsigned int code)
{
    return strlen(queued_phrase != NULL ? queued_phrase : usual_phrase(code));
}

/* The phrase is used once, so that libmicrohttpd's own replies (to a malformed request line, say) get their
 * usual one. */
const char *MHD_get_reason_phrase_for(unsigned int code)
{
    const char *phrase = queued_phrase != NULL ? queued_phrase : usual_phrase(code);

    queued_phrase = NULL;
    return phrase;
}

bool response_check_phrases(const char *socket_path)
{
    static const char request[] = "GET /api2/json/start-up-check HTTP/1.0\r\n\r\n";
    static const char expected[] = "501 Method 'GET /start-up-check' not implemented\r\n";
    autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval limit = {.tv_sec = 5};
    char reply[256] = "";

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        return true; /* a daemon in no group of the socket's may not ask itself */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
        send(fd, request, strlen(request), MSG_NOSIGNAL) < 0 ||
        recv(fd, reply, sizeof(reply) - 1, MSG_WAITALL) < 0)
        return false;
    return strstr(reply, expected) != NULL;
}
