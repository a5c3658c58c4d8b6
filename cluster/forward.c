/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hands a request to another node. */
#include "cluster/forward.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/libcurl.h"
#include "base/memory.h"

#define CONNECT_SECONDS 5L
#define REPLY_LIMIT     ((size_t)64 * 1024 * 1024)
#define IDLE            8 /* connections that are kept for later */
#define SHA256_SIZE     32

struct forwarder {
    pthread_mutex_t lock; /* guards the rest */
    CURL *idle[IDLE];
    size_t idle_count;
};

int forwarder_open(struct forwarder **ret, struct error *err)
{
    if (libcurl_load(err) != 0)
        return -1;
    *ret = xcalloc(1, sizeof(**ret));
    pthread_mutex_init(&(*ret)->lock, NULL);
    return 0;
}

void forwarder_close(struct forwarder *forwarder)
{
    if (forwarder == NULL)
        return;
    for (size_t i = 0; i < forwarder->idle_count; i++)
        libcurl_api.easy_cleanup(forwarder->idle[i]);
    pthread_mutex_destroy(&forwarder->lock);
    free(forwarder);
}

static int export_key(gnutls_x509_crt_t certificate, gnutls_datum_t *ret)
{
    gnutls_pubkey_t key;
    int result = gnutls_pubkey_init(&key);

    if (result < 0)
        return result;
    result = gnutls_pubkey_import_x509(key, certificate, 0);
    if (result >= 0)
        result = gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, ret);
    gnutls_pubkey_deinit(key);
    return result;
}

static int hash_key(const char *pem, unsigned char hash[static SHA256_SIZE])
{
    const gnutls_datum_t text = {(unsigned char *)pem, (unsigned)strlen(pem)};
    gnutls_datum_t key = {0};
    gnutls_x509_crt_t certificate;
    int result = gnutls_x509_crt_init(&certificate);

    if (result < 0)
        return result;
    result = gnutls_x509_crt_import(certificate, &text, GNUTLS_X509_FMT_PEM);
    if (result >= 0)
        result = export_key(certificate, &key);
    if (result >= 0)
        result = gnutls_hash_fast(GNUTLS_DIG_SHA256, key.data, key.size, hash);
    gnutls_free(key.data);
    gnutls_x509_crt_deinit(certificate);
    return result;
}

int forward_make_pin(const char *certificate, char ret[static FORWARD_PIN_SIZE], struct error *err)
{
    unsigned char hash[SHA256_SIZE];
    const gnutls_datum_t plain = {hash, sizeof(hash)};
    gnutls_datum_t code = {0};
    int result = hash_key(certificate, hash);

    if (result >= 0)
        result = gnutls_base64_encode2(&plain, &code);
    if (result < 0)
        return error_set(err, ERROR_FAILED, "the node's certificate cannot be read: %s",
                         gnutls_strerror(result));
    snprintf(ret, FORWARD_PIN_SIZE, "sha256//%.*s", (int)code.size, (const char *)code.data);
    gnutls_free(code.data);
    return 0;
}

static CURL *take_handle(struct forwarder *forwarder)
{
    CURL *curl = NULL;

    pthread_mutex_lock(&forwarder->lock);
    if (forwarder->idle_count > 0)
        curl = forwarder->idle[--forwarder->idle_count];
    pthread_mutex_unlock(&forwarder->lock);
    if (curl == NULL && (curl = libcurl_api.easy_init()) == NULL) {
        fputs("hostpci: libcurl has no memory\n", stderr);
        abort();
    }
    return curl;
}

static void give_handle(struct forwarder *forwarder, CURL *curl)
{
    pthread_mutex_lock(&forwarder->lock);
    bool kept = forwarder->idle_count < IDLE;
    if (kept)
        forwarder->idle[forwarder->idle_count++] = curl;
    pthread_mutex_unlock(&forwarder->lock);
    if (!kept)
        libcurl_api.easy_cleanup(curl);
}

void forward_reply_release(struct forward_reply *reply)
{
    text_release(&reply->body);
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct forward_reply *reply = context;

    if (reply->body.length + size * count > REPLY_LIMIT)
        return 0;
    text_append_bytes(&reply->body, bytes, size * count);
    return size * count;
}

/* "HTTP/1.1 500 mapping 'x' not found" */
static void take_status_line(struct forward_reply *reply, char *line)
{
    const char *phrase = strchr(line, ' ');

    if (phrase != NULL)
        phrase = strchr(phrase + 1, ' ');
    snprintf(reply->phrase, sizeof(reply->phrase), "%s", phrase != NULL ? phrase + 1 : "");
    reply->type[0] = '\0';
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    static const char type[] = "content-type:";
    struct forward_reply *reply = context;
    autofree char *copy = xstrndup(bytes, size * count);
    char *line = text_trim(copy);

    if (text_starts_with(line, "HTTP/"))
        take_status_line(reply, line);
    else if (strncasecmp(line, type, strlen(type)) == 0)
        snprintf(reply->type, sizeof(reply->type), "%s", text_trim(line + strlen(type)));
    return size * count;
}

/* The key alone tells who answers: certificates are the nodes' own. */
static void set_options(CURL *curl, const struct forward_call *call, const char *url,
                        struct forward_reply *reply)
{
    libcurl_api.easy_setopt(curl, CURLOPT_URL, url);
    libcurl_api.easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    libcurl_api.easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    libcurl_api.easy_setopt(curl, CURLOPT_PROXY, "");
    libcurl_api.easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    libcurl_api.easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    libcurl_api.easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    libcurl_api.easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    libcurl_api.easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, call->pin);
    libcurl_api.easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    libcurl_api.easy_setopt(curl, CURLOPT_TIMEOUT, (long)FORWARD_SECONDS);
    if (call->length > 0 || strcmp(call->method, "GET") != 0) {
        libcurl_api.easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->length);
        libcurl_api.easy_setopt(curl, CURLOPT_POSTFIELDS, call->body);
    } else {
        libcurl_api.easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    }
    libcurl_api.easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
    libcurl_api.easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    libcurl_api.easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    libcurl_api.easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    libcurl_api.easy_setopt(curl, CURLOPT_HEADERDATA, reply);
}

static enum forward_failure judge(CURL *curl, CURLcode code)
{
    long sent = 0, status = 0;

    libcurl_api.easy_getinfo(curl, CURLINFO_REQUEST_SIZE, &sent);
    libcurl_api.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
        return FORWARD_CONNECT;
    if (code == CURLE_OPERATION_TIMEDOUT)
        return sent == 0 ? FORWARD_CONNECT : FORWARD_OTHER;
    return status == 0 ? FORWARD_HEADERS : FORWARD_BODY;
}

static struct curl_slist *make_headers(const struct forward_call *call)
{
    struct curl_slist *list = libcurl_api.slist_append(NULL, "Expect:");

    for (const char *const *header = call->headers; *header != NULL; header++)
        list = libcurl_api.slist_append(list, *header);
    return list;
}

int forward_run(struct forwarder *forwarder, const struct forward_call *call, struct forward_reply *ret,
                struct error *err)
{
    struct forward_reply reply = {0};
    struct curl_slist *headers = make_headers(call);
    autofree char *url = xasprintf("%s%s", call->url, call->uri);
    char detail[CURL_ERROR_SIZE] = "";
    CURL *curl = take_handle(forwarder);
    long status = 0;

    set_options(curl, call, url, &reply);
    libcurl_api.easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    libcurl_api.easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    CURLcode code = libcurl_api.easy_perform(curl);
    libcurl_api.easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    enum forward_failure failure = code != CURLE_OK ? judge(curl, code) : 0;
    libcurl_api.easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
    libcurl_api.easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    give_handle(forwarder, curl);
    libcurl_api.slist_free_all(headers);
    if (code != CURLE_OK) {
        forward_reply_release(&reply);
        return error_set_reason(err, ERROR_NO_HOST, (int)failure, "%s",
                                detail[0] != '\0' ? detail : libcurl_api.easy_strerror(code));
    }
    reply.status = (unsigned)status;
    *ret = reply;
    return 0;
}
