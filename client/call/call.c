/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes one call of the API, with libcurl. */
#include "client/call/call.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "client/call/target.h"

#define CONNECT_SECONDS 10L

/* What the server sends. */
struct response {
    struct text body;
    char phrase[256]; /* of the status line, since a 401 says nothing else */
    bool too_large;
    struct call_listener *listener; /* NULL: the reply is read to its end first */
};

void call_reply_release(struct call_reply *reply)
{
    free(reply->message);
    json_decref(reply->errors);
    json_decref(reply->data);
    *reply = (struct call_reply){0};
}

static void cleanup_response(struct response *response)
{
    text_release(&response->body);
}

static void cleanup_curl(CURL **curl)
{
    libcurl_api.easy_cleanup(*curl);
}
#define autocurl __attribute__((cleanup(cleanup_curl)))

static void cleanup_headers(struct curl_slist **headers)
{
    libcurl_api.slist_free_all(*headers);
}
#define autoheaders __attribute__((cleanup(cleanup_headers)))

/* A line of a stream. Of an event only its data is wanted, which is one line, and its id. */
static bool take_line(struct call_listener *listener, const char *line)
{
    static const char id[] = "id: ", data[] = "data: ";
    autojson json_t *event = NULL;

    if (text_starts_with(line, id))
        snprintf(listener->mark, sizeof(listener->mark), "%s", line + strlen(id));
    if (!text_starts_with(line, data))
        return true;
    event = json_loads(line + strlen(data), 0, NULL);
    return event == NULL || listener->take(listener->context, event);
}

/* Takes the whole lines of what has come. */
static bool listen_to(struct response *response)
{
    struct text *body = &response->body;
    size_t taken = 0;
    const char *end;
    bool more = true;

    while (more && (end = memchr(body->data + taken, '\n', body->length - taken)) != NULL) {
        size_t length = (size_t)(end - body->data) - taken;
        autofree char *line = xstrndup(body->data + taken, length);
        more = take_line(response->listener, line);
        taken += length + 1;
    }
    memmove(body->data, body->data + taken, body->length - taken);
    body->length -= taken;
    body->data[body->length] = '\0';
    return more;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct response *response = context;

    if (response->body.length + size * count > CALL_REPLY_LIMIT) {
        response->too_large = true;
        return 0;
    }
    text_append_bytes(&response->body, bytes, size * count);
    if (response->listener == NULL || !response->listener->opened)
        return size * count;
    return listen_to(response) ? size * count : 0;
}

/* Finds the phrase in "HTTP/1.1 401 No ticket". */
static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct response *response = context;
    autofree char *line = xstrndup(bytes, size * count);

    if (text_starts_with(line, "HTTP/")) {
        const char *number = strchr(line, ' ');
        const char *phrase = number != NULL ? strchr(number + 1, ' ') : NULL;
        snprintf(response->phrase, sizeof(response->phrase), "%s",
                 phrase != NULL ? text_trim((char *)phrase) : "");
    }
    if (response->listener != NULL && strncasecmp(line, "Content-Type: text/event-stream", 31) == 0)
        response->listener->opened = true;
    return size * count;
}

/* Percent-encodes all but unreserved characters and those in `plain`. */
static void encode(const char *string, const char *plain, struct text *ret)
{
    for (; *string != '\0'; string++) {
        unsigned char byte = (unsigned char)*string;
        bool unreserved = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                          (byte >= '0' && byte <= '9') || strchr("-._~", byte) != NULL;
        if (unreserved || strchr(plain, byte) != NULL)
            text_append_bytes(ret, string, 1);
        else
            text_printf(ret, "%%%02X", byte);
    }
}

char *call_encode_form(const struct call_parameter *parameters, size_t count)
{
    struct text form = {0};

    for (size_t i = 0; i < count; i++) {
        text_append(&form, i > 0 ? "&" : "");
        encode(parameters[i].name, "", &form);
        text_append(&form, "=");
        encode(parameters[i].value, "", &form);
    }
    return text_take(&form);
}

/* GET and DELETE send the parameters in the URL, POST and PUT in the body. */
static void set_request(CURL *curl, enum method method, const char *base, const char *path, const char *form)
{
    bool in_url = method == METHOD_GET || method == METHOD_DELETE;
    autotext struct text url = {0};

    text_printf(&url, "%s/api2/json", base);
    encode(path, "/:@!", &url);
    if (in_url && form[0] != '\0')
        text_printf(&url, "?%s", form);
    libcurl_api.easy_setopt(curl, CURLOPT_URL, text_string(&url));
    libcurl_api.easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    if (!in_url)
        libcurl_api.easy_setopt(curl, CURLOPT_POSTFIELDS, form);
    if (method != METHOD_GET)
        libcurl_api.easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method_names[method]);
}

static void set_options(CURL *curl, struct response *response, char *detail)
{
    libcurl_api.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    libcurl_api.easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    libcurl_api.easy_setopt(curl, CURLOPT_USERAGENT, "hostpci/" VERSION);
    libcurl_api.easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    libcurl_api.easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    libcurl_api.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    libcurl_api.easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    libcurl_api.easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    libcurl_api.easy_setopt(curl, CURLOPT_WRITEDATA, response);
    libcurl_api.easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    libcurl_api.easy_setopt(curl, CURLOPT_HEADERDATA, response);
}

static struct curl_slist *make_headers(const char *token, const struct call_listener *listener)
{
    /* do not spend a round trip on asking whether we may send a body */
    struct curl_slist *headers = libcurl_api.slist_append(NULL, "Expect:");

    if (token != NULL) {
        autofree char *line = xasprintf("Authorization: PVEAPIToken=%s", token);
        headers = libcurl_api.slist_append(headers, line);
    }
    if (listener != NULL)
        headers = libcurl_api.slist_append(headers, "Accept: text/event-stream");
    if (listener != NULL && listener->mark[0] != '\0') {
        autofree char *line = xasprintf("Last-Event-ID: %s", listener->mark);
        headers = libcurl_api.slist_append(headers, line);
    }
    return headers;
}

/* Reads the text of a file, which is sent without the envelope. */
static int read_file(const struct response *response, long status, struct call_reply *ret, struct error *err)
{
    json_t *text = json_stringn(text_string(&response->body), response->body.length);

    if (text == NULL)
        return error_set(err, ERROR_FAILED, "the reply is a text file, but not UTF-8");
    *ret = (struct call_reply){.status = status, .message = xstrdup(response->phrase), .data = text};
    return 0;
}

/* The envelope: {"data":..., "message":..., "errors":{...}}. A 401 has no body at all. */
static int read_envelope(const struct response *response, long status, struct call_reply *ret,
                         struct error *err)
{
    json_error_t where;
    autojson json_t *envelope = json_loadb(text_string(&response->body), response->body.length, 0, &where);
    bool done = status >= 200 && status < 300;

    if (done && !json_is_object(envelope))
        return error_set(err, ERROR_FAILED, "the reply is not JSON as this API sends it: %s",
                         envelope == NULL ? where.text : "not an object");
    const char *message = json_string_value(json_object_get(envelope, "message"));
    if (message == NULL || message[0] == '\0')
        message = response->phrase;
    autofree char *trimmed = message[0] != '\0' ? xstrdup(message) : xasprintf("HTTP status %ld", status);
    *ret = (struct call_reply){
        .status = status,
        .message = xstrdup(text_trim(trimmed)),
        .errors = json_incref(json_object_get(envelope, "errors")),
        .data = json_incref(json_object_get(envelope, "data")),
    };
    return 0;
}

static int perform(const struct call_target *given, struct target *target, CURL *curl,
                   struct call_listener *listener, struct call_reply *ret, struct error *err)
{
    autoheaders struct curl_slist *headers = make_headers(given->token, listener);
    char detail[CURL_ERROR_SIZE] = "";
    __attribute__((cleanup(cleanup_response))) struct response response = {.listener = listener};
    const char *type = NULL;
    long status = 0;

    set_options(curl, &response, detail);
    libcurl_api.easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    target_apply(given, target, curl);
    CURLcode code = libcurl_api.easy_perform(curl);
    libcurl_api.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (response.too_large)
        return error_set(err, ERROR_TOO_LARGE, "the reply is larger than %zu MiB", CALL_REPLY_LIMIT >> 20);
    if (code != CURLE_OK)
        return target_explain(given, target, code,
                              detail[0] != '\0' ? detail : libcurl_api.easy_strerror(code), err);
    if (listener != NULL && listener->opened) {
        *ret = (struct call_reply){.status = status};
        return 0;
    }
    libcurl_api.easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    return status == 200 && type != NULL && text_starts_with(type, "text/plain")
               ? read_file(&response, status, ret, err)
               : read_envelope(&response, status, ret, err);
}

static int request(const struct call_target *given, enum method method, const char *path, const char *form,
                   struct call_listener *listener, struct call_reply *ret, struct error *err)
{
    autotarget struct target target = {0};

    if (libcurl_load(err) != 0 || target_parse(given, &target, err) != 0)
        return -1;
    libcurl_api.global_init(CURL_GLOBAL_DEFAULT);
    autocurl CURL *curl = libcurl_api.easy_init();
    if (curl == NULL)
        return error_set(err, ERROR_FAILED, "libcurl could not be started");
    set_request(curl, method, target.base, path, form);
    return perform(given, &target, curl, listener, ret, err);
}

int call_send(const struct call_target *target, enum method method, const char *path,
              const struct call_parameter *parameters, size_t count, struct call_reply *ret,
              struct error *err)
{
    autofree char *form = call_encode_form(parameters, count);

    return request(target, method, path, form, NULL, ret, err);
}

int call_follow(const struct call_target *target, const char *path, struct call_listener *listener,
                struct call_reply *ret, struct error *err)
{
    listener->opened = false;
    return request(target, METHOD_GET, path, "", listener, ret, err);
}
