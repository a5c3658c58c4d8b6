/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies: HTTP statuses, reason phrases and the envelope. */
#include "server/request/reply.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "server/request/credential.h"

#define JSON_TYPE "application/json;charset=UTF-8" /* exactly so: a client compares it */
#define TEXT_TYPE "text/plain;charset=UTF-8"

enum { HTTP_OK = 200, HTTP_NO_CONTENT = 204, HTTP_NOT_MODIFIED = 304, HTTP_UNAUTHORIZED = 401 };

static const unsigned statuses[] = {
    [ERROR_FAILED] = 500,    [ERROR_INVALID] = 400,    [ERROR_UNAUTHENTICATED] = 401, [ERROR_LOGIN] = 401,
    [ERROR_FORBIDDEN] = 403, [ERROR_NOT_FOUND] = 500,  [ERROR_CONFLICT] = 500,        [ERROR_NO_METHOD] = 501,
    [ERROR_TOO_LARGE] = 501, [ERROR_MEDIA_TYPE] = 506, [ERROR_UNREADABLE] = 400,      [ERROR_NO_HOST] = 500,
    [ERROR_BUSY] = 503,
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

/* The client is not told why a login failed. */
static const char *message_of(const struct error *err)
{
    if (err->kind == ERROR_LOGIN)
        return "authentication failure";
    return err->field[0] != '\0' ? "Parameter verification failed." : err->message;
}

/* An error may quote whatever a client sent, but jansson accepts only UTF-8. */
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
    *ret = (struct reply){.status = HTTP_OK, .type = JSON_TYPE, .body = body};
}

void reply_file(struct reply *ret, const struct reply_file *file)
{
    *ret = (struct reply){
        .status = HTTP_OK, .type = file->type, .body = reply_body_share(file->body), .file = true};
}

void reply_text(struct reply *ret, json_t *text, const char *type)
{
    size_t length = json_string_length(text);
    char *copy = xcalloc(length + 1, 1);

    memcpy(copy, json_string_value(text), length);
    json_decref(text);
    *ret = (struct reply){.status = HTTP_OK, .type = type, .body = reply_body_new(copy, length)};
}

void reply_download(struct reply *ret, json_t *text, const char *name)
{
    reply_text(ret, text, TEXT_TYPE);
    for (size_t i = 0; i < sizeof(ret->name) - 1 && name[i] != '\0'; i++)
        ret->name[i] = isalnum((unsigned char)name[i]) || strchr(".-", name[i]) != NULL ? name[i] : '_';
}

/* Takes the printable ASCII of the first line: anything else could forge headers. */
static void set_phrase(struct reply *reply, const char *message)
{
    size_t used = 0;

    for (; *message != '\0' && *message != '\n' && used < sizeof(reply->phrase) - 1; message++)
        reply->phrase[used++] = *message >= ' ' && *message <= '~' ? *message : '?';
    reply->phrase[used] = '\0';
}

void reply_forwarded(struct reply *ret, struct forward_reply *forwarded)
{
    *ret = (struct reply){.status = forwarded->status};
    set_phrase(ret, forwarded->phrase);
    if (forwarded->type[0] == '\0')
        return;
    ret->type = text_starts_with(forwarded->type, "application/json") ? JSON_TYPE : TEXT_TYPE;
    size_t length = forwarded->body.length;
    ret->body = reply_body_new(text_take(&forwarded->body), length);
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
    *ret = (struct reply){.status = HTTP_UNAUTHORIZED};
    set_phrase(ret, err->message);
}

void reply_methods(struct reply *ret, const char *methods)
{
    *ret = (struct reply){.status = HTTP_NO_CONTENT};
    snprintf(ret->methods, sizeof(ret->methods), "%s", methods);
}

void reply_share(struct reply *ret, const struct reply *reply)
{
    *ret = *reply;
    ret->body = reply->body != NULL ? reply_body_share(reply->body) : NULL;
    ret->cookie = reply->cookie != NULL ? xstrdup(reply->cookie) : NULL;
    ret->tagged = ret->packed = false;
    if (ret->status == HTTP_NOT_MODIFIED)
        ret->status = HTTP_OK;
}

/* SameSite keeps other sites from using the cookie, HttpOnly the page's scripts from reading it. Without
 * Max-Age the browser forgets it when it is closed. */
void reply_set_ticket(struct reply *reply, const char *ticket)
{
    autofree char *value = credential_print_cookie(ticket);

    reply->cookie = xasprintf("%s; Path=/; Secure; HttpOnly; SameSite=Strict%s", value,
                              *ticket == '\0' ? "; Max-Age=0" : "");
}

void reply_upgrade(struct reply *ret, json_t *data)
{
    json_decref(data);
    *ret = (struct reply){.status = REPLY_UPGRADE};
}

void reply_stream(struct reply *ret)
{
    *ret = (struct reply){.status = HTTP_OK, .type = "text/event-stream", .streams = true};
}

void reply_release(struct reply *reply)
{
    reply_body_release(reply->body);
    free(reply->cookie);
    *reply = (struct reply){0};
}

void reply_tag(struct reply *reply, const char *known_tags)
{
    if (reply->status != HTTP_OK || reply->body == NULL)
        return;
    const char *opaque = strchr(reply_body_tag(reply->body), '"');
    reply->tagged = true;
    if (known_tags == NULL || (strstr(known_tags, opaque) == NULL && strcmp(known_tags, "*") != 0))
        return;
    reply->status = HTTP_NOT_MODIFIED; /* the body stays, for its tag */
}

/* "deflate, gzip;q=0.5"; q=0 is a refusal (RFC 9110, 12.5.3). "*" alone does not ask for gzip. */
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
    if (encodings != NULL && reply->body != NULL && reply->status != HTTP_NOT_MODIFIED &&
        takes_gzip(encodings))
        reply->packed = reply_body_pack(reply->body);
}

size_t reply_length(const struct reply *reply)
{
    if (reply->body == NULL || reply->status == HTTP_NOT_MODIFIED)
        return 0;
    size_t length = reply_body_length(reply->body);
    if (reply->packed)
        reply_body_packed(reply->body, &length);
    return length;
}
