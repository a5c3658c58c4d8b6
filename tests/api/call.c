/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls to the test's daemon by libcurl, and what is checked of every reply. */
#include "tests/api/call.h"

#include <criterion/criterion.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "api/request.h"
#include "base/memory.h"
#include "base/text.h"
#include "schema/validate.h"
#include "server/request/route.h"
#include "tests/api/daemon.h"

#define TIMEOUT_SECONDS 60
#define PREFIX          "/api2/json"

/* A reply with what its members point to; they are kept until call_finish. */
struct kept {
    struct reply reply;
    struct text headers, body;
    char phrase[512];
    char *content_type;
    struct kept *next;
};

static struct kept *all_kept;
static char *token;
static char *cookie, *csrf_header; /* of a ticket */
static CURL *curl;                 /* one, so that its connection is used again */

static void forget_ticket(void)
{
    free(TAKE(cookie));
    free(TAKE(csrf_header));
}

void call_with_ticket(const char *ticket, const char *csrf)
{
    char *escaped = curl_easy_escape(NULL, ticket, 0);

    call_with_token("");
    cookie = xasprintf("Cookie: PVELangCookie=en; PVEAuthCookie=%s", escaped);
    csrf_header = csrf != NULL ? xasprintf("CSRFPreventionToken: %s", csrf) : NULL;
    curl_free(escaped);
}

void call_with_token(const char *credential)
{
    forget_ticket();
    free(token);
    token = credential != NULL ? xstrdup(credential) : NULL;
}

void call_finish(void)
{
    for (struct kept *kept = all_kept, *next; kept != NULL; kept = next) {
        next = kept->next;
        json_decref(kept->reply.json);
        text_release(&kept->headers);
        text_release(&kept->body);
        free(kept->content_type);
        free(kept);
    }
    all_kept = NULL;
    if (curl != NULL)
        curl_easy_cleanup(curl);
    curl = NULL;
    call_with_token(NULL);
}

static size_t keep_body(char *data, size_t size, size_t count, void *argument)
{
    struct kept *kept = argument;

    text_append_bytes(&kept->body, data, size * count);
    return size * count;
}

/* "HTTP/1.1 500 mapping 'x' not found\r\n"; a 100 may come before the reply. */
static size_t keep_header(char *data, size_t size, size_t count, void *argument)
{
    struct kept *kept = argument;

    if (strncmp(data, "HTTP/", strlen("HTTP/")) == 0) {
        text_release(&kept->headers);
        const char *after = memchr(data, ' ', count);
        const char *phrase =
            after != NULL ? memchr(after + 1, ' ', count - (size_t)(after + 1 - data)) : NULL;
        size_t length = phrase != NULL ? count - (size_t)(phrase + 1 - data) : 0;
        snprintf(kept->phrase, sizeof(kept->phrase), "%.*s", (int)length, phrase != NULL ? phrase + 1 : "");
        kept->phrase[strcspn(kept->phrase, "\r\n")] = '\0';
    }
    text_append_bytes(&kept->headers, data, size * count);
    return size * count;
}

/* Exactly as it was sent: clients compare it. */
static char *find_header(const char *headers, const char *name)
{
    const char *line = headers;

    while ((line = strstr(line, "\r\n")) != NULL) {
        line += strlen("\r\n");
        if (strncasecmp(line, name, strlen(name)) != 0 || line[strlen(name)] != ':')
            continue;
        const char *value = line + strlen(name) + 1 + strspn(line + strlen(name) + 1, " ");
        return xstrndup(value, strcspn(value, "\r\n"));
    }
    return NULL;
}

static struct curl_slist *make_headers(const struct call *call)
{
    struct curl_slist *list = NULL;
    bool sent = token != NULL && *token != '\0';
    autofree char *authorization = sent ? xasprintf("Authorization: PVEAPIToken=%s", token) : NULL;
    autofree char *type = xasprintf("Content-Type:%s%s", call->content_type != NULL ? " " : "",
                                    call->content_type != NULL ? call->content_type : "");

    list = curl_slist_append(list, type); /* without a value: curl sends none of its own */
    list = curl_slist_append(list, "Expect:");
    if (authorization != NULL)
        list = curl_slist_append(list, authorization);
    const char *const more[] = {cookie, csrf_header, call->header};
    for (size_t i = 0; i < COUNT_OF(more); i++)
        if (more[i] != NULL)
            list = curl_slist_append(list, more[i]);
    return list;
}

static char *make_url(const struct call *call)
{
    const char *server = token != NULL ? daemon_url() : "http://localhost";
    bool whole = text_starts_with(call->path, "/api2");

    return xasprintf("%s%s%s", server, whole ? "" : PREFIX, call->path);
}

static void prepare(const struct call *call, struct kept *kept, const struct curl_slist *headers,
                    const char *url)
{
    if (curl == NULL)
        curl = curl_easy_init();
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, kept);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, keep_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, kept);
    if (token == NULL)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, daemon_socket());
    if (call->body != NULL) {
        curl_off_t length = (curl_off_t)(call->length != 0 ? call->length : strlen(call->body));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, length);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->body);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
    if (strcmp(call->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
}

const struct reply *call_unchecked(const struct call *call)
{
    struct kept *kept = xcalloc(1, sizeof(*kept));
    struct curl_slist *headers = make_headers(call);
    autofree char *url = make_url(call);
    long status = 0;

    kept->next = all_kept;
    all_kept = kept;
    prepare(call, kept, headers, url);
    CURLcode result = curl_easy_perform(curl);
    curl_slist_free_all(headers);
    cr_assert_eq(result, CURLE_OK, "%s %s: %s", call->method, call->path, curl_easy_strerror(result));
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    kept->content_type = find_header(text_string(&kept->headers), "Content-Type");
    kept->reply = (struct reply){.status = (unsigned)status,
                                 .phrase = kept->phrase,
                                 .content_type = kept->content_type,
                                 .headers = text_string(&kept->headers),
                                 .body = text_string(&kept->body),
                                 .json = json_loadb(text_string(&kept->body), kept->body.length, 0, NULL)};
    kept->reply.data = json_object_get(kept->reply.json, "data");
    kept->reply.errors = json_object_get(kept->reply.json, "errors");
    kept->reply.total = json_integer_value(json_object_get(kept->reply.json, "total"));
    return &kept->reply;
}

/* For the test that each endpoint was called with success (tests/api/coverage.c). */
static void record(const struct endpoint *endpoint)
{
    const char *path = getenv("HOSTPCI_COVERAGE");

    if (path == NULL)
        return;
    autofree char *line = xasprintf("%s %s\n", method_names[endpoint->method], endpoint->path);
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    cr_assert_eq(write(fd, line, strlen(line)), (ssize_t)strlen(line));
}

/* For a validator that is not ours, which reads openapi.yaml (tests/tools/validate-replies): a line is
 * method, path as declared, and the envelope. */
static void record_reply(const struct endpoint *endpoint, const struct reply *reply)
{
    const char *path = getenv("HOSTPCI_REPLIES");

    if (path == NULL)
        return;
    autofree char *line =
        xasprintf("%s %s %s\n", method_names[endpoint->method], endpoint->path, reply->body);
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    cr_assert_eq(write(fd, line, strlen(line)), (ssize_t)strlen(line));
}

static const struct endpoint *find_endpoint(const struct call *call)
{
    const struct routes routes = {endpoint_table, endpoint_count, daemon_node()};
    autofree char *uri = xasprintf("%s%s", text_starts_with(call->path, "/api2") ? "" : PREFIX, call->path);
    const struct endpoint *endpoint = NULL;
    struct decoded decoded;
    struct error err;

    if (request_decode(call->method, uri, NULL, "", 0, &decoded, &err) != 0)
        return NULL;
    route_find(&routes, &decoded, &endpoint, &err);
    decoded_release(&decoded);
    return endpoint;
}

static bool is_extjs(const struct call *call)
{
    return text_starts_with(call->path, "/api2/extjs");
}

/* Rows of an index have one member, the name of the child. */
static void check_index(const struct endpoint *endpoint, const json_t *data)
{
    size_t i;
    json_t *item;

    cr_assert(json_is_array(data));
    json_array_foreach(data, i, item) {
        cr_assert_eq(json_object_size(item), 1);
        cr_assert(json_is_string(json_object_get(item, endpoint->index_key)), "%s: no '%s'", endpoint->path,
                  endpoint->index_key);
    }
}

static void check_data(const struct call *call, const struct reply *reply)
{
    const struct endpoint *endpoint = find_endpoint(call);
    struct error err;

    cr_assert_not_null(endpoint, "%s %s succeeded, and is no endpoint", call->method, call->path);
    size_t members = (is_extjs(call) ? 2 : 1) + (reply->total != 0 ? 1 : 0);
    cr_assert_eq(json_object_size(reply->json), members, "more than data: %s", reply->body);
    cr_assert(reply->total == 0 || reply->total >= (long long)json_array_size(reply->data), "%s",
              reply->body);
    if (endpoint->index_key != NULL)
        check_index(endpoint, reply->data);
    else
        cr_assert_eq(validate_reply(&endpoint->returns, reply->data, &err), 0,
                     "%s %s does not return what it declares: %s", call->method, call->path, err.message);
    record(endpoint);
    if (!is_extjs(call))
        record_reply(endpoint, reply);
}

/* {"data":null,"message":"...\n","errors":{parameter: text}}; the phrase is the message's first line. */
static void check_message(const struct reply *reply)
{
    const char *message = json_string_value(json_object_get(reply->json, "message")), *name;
    json_t *text;

    cr_assert(json_is_null(reply->data), "%s", reply->body);
    cr_assert_not_null(message, "%s", reply->body);
    cr_assert(text_ends_with(message, "\n"), "%s", reply->body);
    json_object_foreach(reply->errors, name, text)
        cr_assert(json_is_string(text), "%s", reply->body);
}

static void check_error(const struct reply *reply)
{
    const char *message = json_string_value(json_object_get(reply->json, "message"));

    check_message(reply);
    cr_assert_eq(json_object_size(reply->json), reply->errors != NULL ? 3 : 2, "%s", reply->body);
    size_t length = strcspn(message, "\n");
    for (size_t i = 0; i < length && i < 200; i++)
        cr_assert(reply->phrase[i] == message[i] || reply->phrase[i] == '?', "phrase '%s', message '%s'",
                  reply->phrase, message);
}

/* The same with success and status, sent as 200: {"success":0,"status":400,...}. */
static void check_extjs(const struct call *call, const struct reply *reply)
{
    json_int_t success = json_integer_value(json_object_get(reply->json, "success"));

    cr_assert_eq(reply->status, 200);
    cr_assert_str_eq(reply->phrase, "OK");
    cr_assert(json_is_integer(json_object_get(reply->json, "success")), "%s", reply->body);
    if (success == 1) {
        check_data(call, reply);
        return;
    }
    check_message(reply);
    cr_assert_eq(json_object_size(reply->json), reply->errors != NULL ? 5 : 4, "%s", reply->body);
    cr_assert_geq(json_integer_value(json_object_get(reply->json, "status")), 400, "%s", reply->body);
}

/* Those of a handler have a body: a failed login, a console's ticket. */
static bool has_body(const struct endpoint *endpoint, const struct reply *reply)
{
    return endpoint != NULL && ((endpoint->login && strcmp(reply->phrase, "authentication failure") == 0) ||
                                (endpoint->upgrades && strstr(reply->phrase, "PVEVNC") != NULL));
}

/* 401 has neither body nor type otherwise. */
static void check_unauthenticated(const struct call *call, const struct reply *reply)
{
    const struct endpoint *endpoint = find_endpoint(call);

    if (has_body(endpoint, reply)) {
        autofree char *body = xasprintf("{\"data\":null,\"message\":\"%s\\n\"}", reply->phrase);
        cr_assert_str_eq(reply->body, body);
        cr_assert_str_eq(reply->content_type, "application/json;charset=UTF-8");
        return;
    }
    cr_assert_str_empty(reply->body);
    cr_assert_null(reply->content_type);
    cr_assert_str_not_empty(reply->phrase);
}

static void check_headers(const struct reply *reply)
{
    static const char *const wanted[] = {"\r\nCache-Control: max-age=0\r\n", "\r\nPragma: no-cache\r\n",
                                         "\r\nDate: ", "\r\nExpires: ", "\r\nServer: "};

    for (size_t i = 0; i < COUNT_OF(wanted); i++)
        cr_assert_not_null(strstr(reply->headers, wanted[i]), "no '%s' in:\n%s", wanted[i], reply->headers);
}

void call_check(const struct call *call, const struct reply *reply)
{
    check_headers(reply);
    if (reply->status == 401) {
        check_unauthenticated(call, reply);
        return;
    }
    cr_assert_not_null(reply->json, "%s %s: no JSON: %s", call->method, call->path, reply->body);
    cr_assert_not_null(reply->data, "%s %s: no data: %s", call->method, call->path, reply->body);
    cr_assert_not_null(reply->content_type);
    cr_assert_str_eq(reply->content_type, "application/json;charset=UTF-8");
    if (is_extjs(call))
        check_extjs(call, reply);
    else if (reply->status == 200)
        check_data(call, reply);
    else
        check_error(reply);
}

const struct reply *call(const struct call *call)
{
    const struct reply *reply = call_unchecked(call);

    call_check(call, reply);
    return reply;
}
