/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client of etcd: its endpoints, and one call. */
#include "storage/etcd/etcd.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "storage/etcd/internal.h"

#define CONNECT_MILLISECONDS 2000L
#define CALL_MILLISECONDS    4000L
#define ANSWER_LIMIT         ((size_t)64 * 1024 * 1024)

/* Codes of gRPC in etcd's errors. */
enum { GRPC_NOT_FOUND = 5, GRPC_OUT_OF_RANGE = 11, GRPC_UNAVAILABLE = 14 };

/* "http://127.0.0.1:2379" */
static bool is_loopback(const char *url)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]"};
    const char *host = strstr(url, "//") + 2;

    for (size_t i = 0; i < COUNT_OF(hosts); i++)
        if (text_starts_with(host, hosts[i]) && strchr(":/", host[strlen(hosts[i])]) != NULL)
            return true;
    return false;
}

static int add_endpoint(struct etcd *etcd, char *url, struct error *err)
{
    size_t length = strlen(url);

    if (!text_starts_with(url, "http://") && !text_starts_with(url, "https://"))
        return error_set(err, ERROR_INVALID,
                         "--etcd must be https://ADDRESS:PORT, or several of them with commas between, not "
                         "'%.200s'",
                         url);
    if (!is_loopback(url) && (etcd->certificate == NULL || !text_starts_with(url, "https://")))
        return error_set(err, ERROR_INVALID,
                         "--etcd names '%.200s', which others reach, too: whoever may write there is root on "
                         "every node. Use https:// with --etcd-cert and --etcd-key, and run that etcd with "
                         "--client-cert-auth",
                         url);
    if (etcd->count == ETCD_ENDPOINTS)
        return error_set(err, ERROR_INVALID, "--etcd names more than %d endpoints; name fewer",
                         ETCD_ENDPOINTS);
    if (url[length - 1] == '/')
        url[length - 1] = '\0';
    etcd->endpoints[etcd->count++] = xstrdup(url);
    return 0;
}

static int add_endpoints(struct etcd *etcd, const char *endpoints, struct error *err)
{
    autofree char *copy = xstrdup(endpoints);

    for (char *rest = copy, *url; (url = strsep(&rest, ",")) != NULL;)
        if (add_endpoint(etcd, text_trim(url), err) != 0)
            return -1;
    return 0;
}

static char *copy_or_null(const char *string)
{
    return string != NULL ? xstrdup(string) : NULL;
}

int etcd_open(const struct etcd_options *options, struct etcd **ret, struct error *err)
{
    if (libcurl_load(err) != 0)
        return error_prefix(err, "--etcd: ");
    if ((options->certificate == NULL) != (options->key == NULL))
        return error_set(err, ERROR_INVALID, "--etcd-cert and --etcd-key belong together; give both or none");
    libcurl_api.global_init(CURL_GLOBAL_DEFAULT);
    struct etcd *etcd = xcalloc(1, sizeof(*etcd));
    pthread_mutex_init(&etcd->lock, NULL);
    etcd->ca = copy_or_null(options->ca);
    etcd->certificate = copy_or_null(options->certificate);
    etcd->key = copy_or_null(options->key);
    etcd->headers = libcurl_api.slist_append(NULL, "Grpc-Metadata-hasleader: true");
    etcd->headers = libcurl_api.slist_append(etcd->headers, "Content-Type: application/json");
    etcd->headers = libcurl_api.slist_append(etcd->headers, "Expect:");
    if (add_endpoints(etcd, options->endpoints, err) != 0) {
        etcd_close(etcd);
        return -1;
    }
    *ret = etcd;
    return 0;
}

void etcd_close(struct etcd *etcd)
{
    if (etcd == NULL)
        return;
    for (size_t i = 0; i < etcd->idle_count; i++)
        libcurl_api.easy_cleanup(etcd->idle[i]);
    for (size_t i = 0; i < etcd->count; i++)
        free(etcd->endpoints[i]);
    libcurl_api.slist_free_all(etcd->headers);
    free(etcd->ca);
    free(etcd->certificate);
    free(etcd->key);
    pthread_mutex_destroy(&etcd->lock);
    free(etcd);
}

void etcd_turn(struct etcd *etcd)
{
    atomic_fetch_add(&etcd->turn, 1);
}

CURL *etcd_take_handle(struct etcd *etcd)
{
    CURL *curl = NULL;

    pthread_mutex_lock(&etcd->lock);
    if (etcd->idle_count > 0)
        curl = etcd->idle[--etcd->idle_count];
    pthread_mutex_unlock(&etcd->lock);
    if (curl == NULL && (curl = libcurl_api.easy_init()) == NULL) {
        fputs("hostpci: libcurl has no memory\n", stderr);
        abort();
    }
    return curl;
}

void etcd_give_handle(struct etcd *etcd, CURL *curl)
{
    bool kept;

    pthread_mutex_lock(&etcd->lock);
    kept = etcd->idle_count < ETCD_IDLE;
    if (kept)
        etcd->idle[etcd->idle_count++] = curl;
    pthread_mutex_unlock(&etcd->lock);
    if (!kept)
        libcurl_api.easy_cleanup(curl);
}

void etcd_set_url(struct etcd *etcd, CURL *curl, const char *endpoint, const char *path)
{
    autofree char *url = xasprintf("%s/v3/%s", endpoint, path);
    const struct {
        CURLoption option;
        const char *value;
    } files[] = {
        {CURLOPT_CAINFO, etcd->ca}, {CURLOPT_SSLCERT, etcd->certificate}, {CURLOPT_SSLKEY, etcd->key}};

    libcurl_api.easy_setopt(curl, CURLOPT_URL, url);
    libcurl_api.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    libcurl_api.easy_setopt(curl, CURLOPT_PROXY, "");
    libcurl_api.easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    libcurl_api.easy_setopt(curl, CURLOPT_HTTPHEADER, etcd->headers);
    libcurl_api.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    libcurl_api.easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MILLISECONDS);
    for (size_t i = 0; i < COUNT_OF(files); i++)
        if (files[i].value != NULL)
            libcurl_api.easy_setopt(curl, files[i].option, files[i].value);
}

struct answer {
    struct text body;
    bool too_large;
};

static size_t take_bytes(char *bytes, size_t size, size_t count, void *context)
{
    struct answer *answer = context;

    answer->too_large = answer->body.length + size * count > ANSWER_LIMIT;
    if (answer->too_large)
        return 0;
    text_append_bytes(&answer->body, bytes, size * count);
    return size * count;
}

int etcd_unanswered(CURL *curl, const char *endpoint, const char *detail, struct error *err)
{
    long sent = 0;

    libcurl_api.easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &sent);
    return error_set_reason(err, ERROR_FAILED, sent == 0 ? ETCD_NOT_DONE : ETCD_UNCLEAR,
                            "etcd at '%s' does not answer (%s); check it with `etcdctl --endpoints=%s "
                            "endpoint health`",
                            endpoint, detail, endpoint);
}

int etcd_refused(const char *endpoint, const json_t *json, struct error *err)
{
    const char *text = json_text_or(json, "error", json_text_or(json, "message", NULL)); /* of 3.4, of 3.5 */
    json_int_t code = json_integer_value(json_object_get(json, "code"));

    if (text == NULL)
        return error_set(err, ERROR_FAILED, "what answers at '%s' is not etcd 3.4 or later; check --etcd",
                         endpoint);
    if (strstr(text, "no leader") != NULL)
        return error_set_reason(err, ERROR_FAILED, ETCD_NOT_DONE,
                                "etcd at '%s' has no leader: fewer than half of its members reach each "
                                "other; start the others",
                                endpoint);
    if (strstr(text, "database space exceeded") != NULL)
        return error_set(err, ERROR_FAILED,
                         "the database of etcd at '%s' is full; run `etcdctl compact` and `etcdctl defrag` "
                         "there, raise its --quota-backend-bytes, then `etcdctl alarm disarm`",
                         endpoint);
    int reason = code == GRPC_OUT_OF_RANGE && strstr(text, "compacted") != NULL ? ETCD_COMPACTED
                 : code == GRPC_UNAVAILABLE                                     ? ETCD_UNCLEAR
                                                                                : 0;
    return error_set_reason(err, code == GRPC_NOT_FOUND ? ERROR_NOT_FOUND : ERROR_FAILED, reason,
                            "etcd at '%s': %s", endpoint, text);
}

static int judge(const char *endpoint, CURL *curl, const struct answer *answer, json_t **ret,
                 struct error *err)
{
    autojson json_t *json = json_loads(text_string(&answer->body), 0, NULL);
    long status = 0;

    libcurl_api.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 || !json_is_object(json)) {
        etcd_refused(endpoint, json, err);
        if (status == 504)
            err->reason = ETCD_UNCLEAR;
        return -1;
    }
    *ret = TAKE(json);
    return 0;
}

static int call_endpoint(struct etcd *etcd, const char *endpoint, const char *path, const char *body,
                         json_t **ret, struct error *err)
{
    struct answer answer = {0};
    char detail[CURL_ERROR_SIZE] = "";
    CURL *curl = etcd_take_handle(etcd);

    etcd_set_url(etcd, curl, endpoint, path);
    libcurl_api.easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    libcurl_api.easy_setopt(curl, CURLOPT_TIMEOUT_MS, CALL_MILLISECONDS);
    libcurl_api.easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    libcurl_api.easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_bytes);
    libcurl_api.easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    CURLcode code = libcurl_api.easy_perform(curl);
    int result = answer.too_large
                     ? error_set(err, ERROR_FAILED, "the answer of etcd at '%s' is too large", endpoint)
                 : code != CURLE_OK
                     ? etcd_unanswered(curl, endpoint,
                                       detail[0] != '\0' ? detail : libcurl_api.easy_strerror(code), err)
                     : judge(endpoint, curl, &answer, ret, err);
    libcurl_api.easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    etcd_give_handle(etcd, curl);
    text_release(&answer.body);
    return result;
}

int etcd_call(struct etcd *etcd, const char *path, const json_t *request, bool again, json_t **ret,
              struct error *err)
{
    autofree char *body = json_dumps(request, JSON_COMPACT);
    size_t first = atomic_load(&etcd->turn);

    for (size_t i = 0; i < etcd->count; i++) {
        if (call_endpoint(etcd, etcd->endpoints[(first + i) % etcd->count], path, body, ret, err) == 0)
            return 0;
        if (err->reason != ETCD_NOT_DONE && err->reason != ETCD_UNCLEAR)
            return -1;
        atomic_compare_exchange_strong(&etcd->turn, &(size_t){first + i}, first + i + 1);
        if (err->reason == ETCD_UNCLEAR && !again)
            return -1;
    }
    return -1;
}
