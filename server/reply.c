/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies: HTTP statuses, reason phrases, the envelope and the headers. */
#include "server/reply.h"

#include <dlfcn.h>
#include <malloc.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* From here on the memory of a reply's text is given back to the system when the reply goes. */
#define LARGE_REPLY ((size_t)256 * 1024)

struct reply_body {
    atomic_uint references;
    struct MHD_Response *response;
    size_t length;
};

static const unsigned statuses[] = {
    [ERROR_FAILED] = 500,     [ERROR_INVALID] = 400,   [ERROR_UNAUTHENTICATED] = 401,
    [ERROR_FORBIDDEN] = 403,  [ERROR_NOT_FOUND] = 500, [ERROR_CONFLICT] = 500,
    [ERROR_NO_METHOD] = 501,  [ERROR_TOO_LARGE] = 501, [ERROR_MEDIA_TYPE] = 506,
    [ERROR_UNREADABLE] = 400, [ERROR_NO_HOST] = 500,   [ERROR_BUSY] = 503,
};

static const char *const headers[][2] = {
    {"Cache-Control", "max-age=0"},
    {"Pragma", "no-cache"},
    {"Expires", "Thu, 01 Jan 1970 00:00:00 GMT"},
    {"Server", "hostpci/" VERSION},
};

/* Of a file: nothing from elsewhere is loaded, run or sent to, and nobody frames it. */
static const char *const file_headers[][2] = {
    {"Cache-Control", "no-cache"},
    {"Server", "hostpci/" VERSION},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
};

unsigned reply_status(const struct error *err)
{
    return statuses[err->kind];
}

static int add_piece(const char *piece, size_t length, void *text)
{
    text_append_bytes(text, piece, length);
    return 0;
}

char *reply_print_data(const json_t *data, long long total, size_t *ret_length)
{
    struct text text = {0};

    text_append(&text, "{\"data\":");
    if (data == NULL)
        text_append(&text, "null");
    else
        json_dump_callback(data, add_piece, &text, JSON_COMPACT | JSON_ENCODE_ANY);
    if (total != 0)
        text_printf(&text, ",\"total\":%lld", total);
    text_append(&text, "}");
    *ret_length = text.length;
    char *printed = text_take(&text);
    return xrealloc(printed, *ret_length + 1, 1);
}

static const char *message_of(const struct error *err)
{
    return err->field[0] != '\0' ? "Parameter verification failed." : err->message;
}

/* An error may quote what a client sent, whatever that was; jansson takes UTF-8 only. */
static json_t *quote(const char *message)
{
    json_t *string = json_string(message);

    if (string != NULL)
        return string;
    autofree char *copy = xstrdup(message);
    for (char *c = copy; *c != '\0'; c++) {
        if (*c & 0x80)
            *c = '?';
    }
    return json_string(copy);
}

char *reply_print_error(const struct error *err, const json_t *errors)
{
    autofree char *message = xasprintf("%s\n", message_of(err));
    autojson json_t *body = json_pack("{s:n, s:o}", "data", "message", quote(message));

    if (err->field[0] != '\0')
        json_object_set_new(body, "errors", json_pack("{s:o}", err->field, quote(err->message)));
    else if (json_object_size(errors) > 0)
        json_object_set_new(body, "errors", json_deep_copy(errors));
    return json_dumps(body, JSON_COMPACT);
}

static void free_large(void *text)
{
    free(text);
    malloc_trim(0);
}

/* Takes the text. NULL: no body, and no Content-Type either. */
static struct reply_body *make_body(char *text, size_t length)
{
    struct reply_body *body = xcalloc(1, sizeof(*body));

    body->references = 1;
    body->length = length;
    body->response = length >= LARGE_REPLY
                         ? MHD_create_response_from_buffer_with_free_callback(length, text, free_large)
                         : MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
    if (body->response == NULL)
        abort(); /* no memory */
    for (size_t i = 0; i < COUNT_OF(headers); i++)
        MHD_add_response_header(body->response, headers[i][0], headers[i][1]);
    if (text != NULL)
        MHD_add_response_header(body->response, "Content-Type", "application/json;charset=UTF-8");
    return body;
}

void reply_data(struct reply *ret, json_t *data, long long total)
{
    size_t length;
    char *text = reply_print_data(data, total, &length);

    json_decref(data);
    *ret = (struct reply){.status = MHD_HTTP_OK, .body = make_body(text, length)};
}

void reply_kept(struct reply *ret, struct reply_body *body)
{
    *ret = (struct reply){.status = MHD_HTTP_OK, .body = body};
}

void reply_file(struct reply *ret, const struct reply_file *file, const char *known_tags)
{
    bool known = known_tags != NULL && strstr(known_tags, file->tag) != NULL;
    struct reply_body *body = xcalloc(1, sizeof(*body));

    body->references = 1;
    body->length = known ? 0 : file->length;
    body->response =
        MHD_create_response_from_buffer(body->length, (void *)(uintptr_t)file->bytes, MHD_RESPMEM_PERSISTENT);
    if (body->response == NULL)
        abort(); /* no memory */
    for (size_t i = 0; i < COUNT_OF(file_headers); i++)
        MHD_add_response_header(body->response, file_headers[i][0], file_headers[i][1]);
    MHD_add_response_header(body->response, "ETag", file->tag);
    if (!known)
        MHD_add_response_header(body->response, "Content-Type", file->type);
    *ret = (struct reply){.status = known ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, .body = body};
}

/* The first line, of what is printable in ASCII: anything else would let a message forge headers. */
static void set_phrase(struct reply *reply, const char *message)
{
    size_t used = 0;

    for (; *message != '\0' && *message != '\n' && used < sizeof(reply->phrase) - 1; message++)
        reply->phrase[used++] = *message >= ' ' && *message <= '~' ? *message : '?';
    reply->phrase[used] = '\0';
}

void reply_error(struct reply *ret, const struct error *err, const json_t *errors)
{
    struct reply reply = {.status = reply_status(err)};
    char *text = reply.status == MHD_HTTP_UNAUTHORIZED ? NULL : reply_print_error(err, errors);

    set_phrase(&reply, message_of(err));
    reply.body = make_body(text, text != NULL ? strlen(text) : 0);
    *ret = reply;
}

void reply_release(struct reply *reply)
{
    reply_body_release(reply->body);
    *reply = (struct reply){0};
}

struct reply_body *reply_body_share(struct reply_body *body)
{
    atomic_fetch_add(&body->references, 1);
    return body;
}

void reply_body_release(struct reply_body *body)
{
    if (body == NULL || atomic_fetch_sub(&body->references, 1) > 1)
        return;
    MHD_destroy_response(body->response);
    free(body);
}

size_t reply_body_length(const struct reply_body *body)
{
    return body->length;
}

/* The phrase of the reply that this thread queued last, until libmicrohttpd has written it: right after. */
static _Thread_local const char *queued_phrase;
static _Thread_local char phrase_copy[sizeof(((struct reply *)NULL)->phrase)];

int reply_queue(const struct reply *reply, struct MHD_Connection *connection)
{
    queued_phrase = NULL;
    if (reply->phrase[0] != '\0') {
        memcpy(phrase_copy, reply->phrase, sizeof(phrase_copy));
        queued_phrase = phrase_copy;
    }
    return MHD_queue_response(connection, reply->status, reply->body->response) == MHD_YES ? 0 : -1;
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

/* Used up here: libmicrohttpd's own replies (a malformed request line, say) have their usual phrase. */
const char *MHD_get_reason_phrase_for(unsigned int code)
{
    const char *phrase = queued_phrase != NULL ? queued_phrase : usual_phrase(code);

    queued_phrase = NULL;
    return phrase;
}
