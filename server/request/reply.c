/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies: HTTP statuses, reason phrases, the envelope and the headers. */
#include "server/request/reply.h"

#include <dlfcn.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

#define JSON_TYPE "application/json;charset=UTF-8" /* exactly so: a client compares it */

static const unsigned statuses[] = {
    [ERROR_FAILED] = 500,    [ERROR_INVALID] = 400,    [ERROR_UNAUTHENTICATED] = 401, [ERROR_LOGIN] = 401,
    [ERROR_FORBIDDEN] = 403, [ERROR_NOT_FOUND] = 500,  [ERROR_CONFLICT] = 500,        [ERROR_NO_METHOD] = 501,
    [ERROR_TOO_LARGE] = 501, [ERROR_MEDIA_TYPE] = 506, [ERROR_UNREADABLE] = 400,      [ERROR_NO_HOST] = 500,
    [ERROR_BUSY] = 503,
};

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

/* Of a file: nothing from elsewhere is loaded, run or sent to, and nobody frames it. */
static const struct header file_headers[] = {
    {"Cache-Control", "no-cache"},
    {"Server", "hostpci/" VERSION},
    {"Vary", "Accept-Encoding, Origin"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {NULL, NULL},
};

/* For pages of another server (Fetch standard, CORS protocol). Nothing is said of credentials: such a page
 * sends its ticket or token in Authorization, never the user's cookie. */
#define CORS_REQUEST_HEADERS "Authorization, Content-Type, CSRFPreventionToken, If-None-Match"
#define CORS_SECONDS         "600"

unsigned reply_status(const struct error *err)
{
    return statuses[err->kind];
}

static int add_piece(const char *piece, size_t length, void *text)
{
    text_append_bytes(text, piece, length);
    return 0;
}

char *reply_print_data(const json_t *data, long long total, enum format format, size_t *ret_length)
{
    struct text text = {0};

    text_append(&text, format == FORMAT_EXTJS ? "{\"success\":1,\"data\":" : "{\"data\":");
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

/* A failed login is not explained to who tries. */
static const char *message_of(const struct error *err)
{
    if (err->kind == ERROR_LOGIN)
        return "authentication failure";
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

char *reply_print_error(const struct error *err, const json_t *errors, enum format format)
{
    autofree char *message = xasprintf("%s\n", message_of(err));
    autojson json_t *body = json_pack("{s:n, s:o}", "data", "message", quote(message));

    if (format == FORMAT_EXTJS) {
        json_object_set_new(body, "success", json_integer(0));
        json_object_set_new(body, "status", json_integer(reply_status(err)));
    }
    if (err->field[0] != '\0')
        json_object_set_new(body, "errors", json_pack("{s:o}", err->field, quote(err->message)));
    else if (json_object_size(errors) > 0)
        json_object_set_new(body, "errors", json_deep_copy(errors));
    return json_dumps(body, JSON_COMPACT);
}

void reply_data(struct reply *ret, json_t *data, long long total, enum format format)
{
    size_t length;
    char *text = reply_print_data(data, total, format, &length);

    json_decref(data);
    reply_cached(ret, reply_body_new(text, length));
}

void reply_cached(struct reply *ret, struct reply_body *body)
{
    *ret = (struct reply){.status = MHD_HTTP_OK, .type = JSON_TYPE, .body = body};
}

void reply_file(struct reply *ret, const struct reply_file *file)
{
    *ret = (struct reply){
        .status = MHD_HTTP_OK, .type = file->type, .body = reply_body_share(file->body), .file = true};
}

/* The first line, of what is printable in ASCII: anything else would let a message forge headers. */
static void set_phrase(struct reply *reply, const char *message)
{
    size_t used = 0;

    for (; *message != '\0' && *message != '\n' && used < sizeof(reply->phrase) - 1; message++)
        reply->phrase[used++] = *message >= ' ' && *message <= '~' ? *message : '?';
    reply->phrase[used] = '\0';
}

void reply_error(struct reply *ret, const struct error *err, const json_t *errors, enum format format)
{
    struct reply reply = {
        .status = reply_status(err), .sent_as_200 = format == FORMAT_EXTJS, .type = JSON_TYPE};
    char *text = reply_print_error(err, errors, format);

    set_phrase(&reply, message_of(err));
    reply.body = reply_body_new(text, strlen(text));
    *ret = reply;
}

void reply_unauthenticated(struct reply *ret, const struct error *err)
{
    *ret = (struct reply){.status = MHD_HTTP_UNAUTHORIZED};
    set_phrase(ret, err->message);
}

void reply_methods(struct reply *ret, const char *methods)
{
    *ret = (struct reply){.status = MHD_HTTP_NO_CONTENT};
    snprintf(ret->methods, sizeof(ret->methods), "%s", methods);
}

void reply_release(struct reply *reply)
{
    reply_body_release(reply->body);
    *reply = (struct reply){0};
}

void reply_tag(struct reply *reply, const char *known_tags)
{
    if (reply->status != MHD_HTTP_OK || reply->body == NULL)
        return;
    const char *opaque = strchr(reply_body_tag(reply->body), '"');
    reply->tagged = true;
    if (known_tags == NULL || (strstr(known_tags, opaque) == NULL && strcmp(known_tags, "*") != 0))
        return;
    reply->status = MHD_HTTP_NOT_MODIFIED; /* the body stays for its tag */
    reply->type = NULL;
}

/* "deflate, gzip;q=0.5"; q=0 is a refusal (RFC 9110, 12.5.3). "*" alone is no wish. */
static bool takes_gzip(const char *encodings)
{
    for (const char *at = encodings + strspn(encodings, ", \t"); *at != '\0'; at += strspn(at, ", \t")) {
        size_t item = strcspn(at, ","), name = strcspn(at, ",; \t");
        const char *weight = memchr(at, '=', item);
        if (name == strlen("gzip") && strncasecmp(at, "gzip", name) == 0)
            return weight == NULL || strtod(weight + 1, NULL) > 0;
        at += item;
    }
    return false;
}

void reply_pack(struct reply *reply, const char *encodings)
{
    if (encodings != NULL && reply->body != NULL && reply->type != NULL && takes_gzip(encodings))
        reply->packed = reply_body_pack(reply->body);
}

size_t reply_length(const struct reply *reply)
{
    if (reply->body == NULL || reply->status == MHD_HTTP_NOT_MODIFIED)
        return 0;
    return reply->packed ? reply_body_packed_length(reply->body) : reply_body_length(reply->body);
}

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

static struct MHD_Response *make_response(const struct reply *reply, const char *origin)
{
    static char nothing[1];
    struct MHD_Response *response = reply_length(reply) > 0
                                        ? reply_body_respond(reply->body, reply->packed)
                                        : MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);

    if (response == NULL)
        abort(); /* no memory */
    for (const struct header *header = reply->file ? file_headers : headers; header->name != NULL; header++)
        MHD_add_response_header(response, header->name, header->value);
    if (reply->type != NULL)
        MHD_add_response_header(response, "Content-Type", reply->type);
    if (reply->packed)
        MHD_add_response_header(response, "Content-Encoding", "gzip");
    if (reply->tagged)
        MHD_add_response_header(response, "ETag", reply_body_tag(reply->body));
    if (reply->methods[0] != '\0')
        MHD_add_response_header(response, "Allow", reply->methods);
    if (origin != NULL)
        add_cors(response, reply, origin);
    return response;
}

/* The phrase of the reply that this thread queued last, until libmicrohttpd has written it: right after. */
static _Thread_local const char *queued_phrase;
static _Thread_local char phrase_copy[sizeof(((struct reply *)NULL)->phrase)];

int reply_queue(const struct reply *reply, const char *origin, struct MHD_Connection *connection)
{
    struct MHD_Response *response = make_response(reply, origin);

    queued_phrase = NULL;
    if (reply->phrase[0] != '\0' && !reply->sent_as_200) {
        memcpy(phrase_copy, reply->phrase, sizeof(phrase_copy));
        queued_phrase = phrase_copy;
    }
    enum MHD_Result result =
        MHD_queue_response(connection, reply->sent_as_200 ? MHD_HTTP_OK : reply->status, response);
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

/* Used up here: libmicrohttpd's own replies (a malformed request line, say) have their usual phrase. */
const char *MHD_get_reason_phrase_for(unsigned int code)
{
    const char *phrase = queued_phrase != NULL ? queued_phrase : usual_phrase(code);

    queued_phrase = NULL;
    return phrase;
}
