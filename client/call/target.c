/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a call goes, and how the server proves who it is. */
#include "client/call/target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"

void target_release(struct target *target)
{
    free(target->base);
    target->base = NULL;
}

static void cleanup_url(CURLU **url)
{
    libcurl_api.url_cleanup(*url);
}

static void cleanup_part(char **part)
{
    libcurl_api.free(*part);
}
#define autopart __attribute__((cleanup(cleanup_part)))

static bool is_loopback(const char *host)
{
    unsigned char address[4];

    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, address) == 1 && address[0] == 127);
}

static bool has_part(CURLU *url, CURLUPart which)
{
    autopart char *part = NULL;

    return libcurl_api.url_get(url, which, &part, 0) == CURLUE_OK && strcmp(part, "/") != 0;
}

static int parse_server(const char *server, struct target *ret, struct error *err)
{
    __attribute__((cleanup(cleanup_url))) CURLU *url = libcurl_api.url();
    autopart char *scheme = NULL, *host = NULL, *port = NULL;

    if (libcurl_api.url_set(url, CURLUPART_URL, server, CURLU_DEFAULT_SCHEME) != CURLUE_OK ||
        libcurl_api.url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        libcurl_api.url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK || has_part(url, CURLUPART_PATH) ||
        has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT) ||
        has_part(url, CURLUPART_USER) || (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0))
        return error_set(err, ERROR_INVALID, "the server must be given as https://HOST:PORT, not '%s'",
                         server);
    ret->secure = strcmp(scheme, "https") == 0;
    if (!ret->secure && !is_loopback(host))
        return error_set(err, ERROR_INVALID, "plain http is allowed to this machine only: use https://%s",
                         host);
    bool has_port = libcurl_api.url_get(url, CURLUPART_PORT, &port, 0) == CURLUE_OK;
    ret->base = xasprintf("%s://%s:%s", scheme, host, has_port ? port : CALL_PORT);
    return 0;
}

static int digit(char character)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = character != '\0' ? strchr(digits, character) : NULL;

    return found != NULL ? (int)((found - digits) % 16) : -1;
}

static int parse_fingerprint(const char *given, unsigned char ret[TARGET_FINGERPRINT_SIZE], struct error *err)
{
    const char *p = given;
    size_t count = 0;

    for (; count < TARGET_FINGERPRINT_SIZE && digit(p[0]) >= 0 && digit(p[1]) >= 0; count++) {
        ret[count] = (unsigned char)(digit(p[0]) * 16 + digit(p[1]));
        p += 2;
        p += *p == ':' && p[1] != '\0';
    }
    if (count == TARGET_FINGERPRINT_SIZE && *p == '\0')
        return 0;
    return error_set(
        err, ERROR_INVALID,
        "a fingerprint is the SHA-256 of the certificate, 32 bytes in hexadecimal (AB:CD:...), not '%s'",
        given);
}

/* The token becomes part of a header line. */
static int check_token(const char *token, struct error *err)
{
    const char *at = strchr(token, '@'), *mark = at != NULL ? strchr(at, '!') : NULL;

    for (const char *p = token; *p != '\0'; p++)
        if (*p <= ' ' || *p >= 0x7f)
            mark = NULL;
    if (mark != NULL && strchr(mark, '=') != NULL && strlen(token) < 1024)
        return 0;
    return error_set(err, ERROR_INVALID, "a token must have the form USER@REALM!ID=SECRET");
}

int target_parse(const struct call_target *given, struct target *ret, struct error *err)
{
    autotarget struct target target = {.pinned = given->fingerprint != NULL};

    if (given->token != NULL && check_token(given->token, err) != 0)
        return -1;
    if (given->server == NULL)
        target.base = xstrdup("http://localhost");
    else if (parse_server(given->server, &target, err) != 0)
        return -1;
    if (given->fingerprint != NULL && parse_fingerprint(given->fingerprint, target.fingerprint, err) != 0)
        return -1;
    if (!target.secure && (target.pinned || given->cacert != NULL || given->insecure))
        return error_set(
            err, ERROR_INVALID,
            "--cacert, --fingerprint and --insecure need a server with a certificate: add --server "
            "https://HOST:PORT");
    *ret = target;
    target.base = NULL;
    return 0;
}

static void print_fingerprint(const unsigned char digest[TARGET_FINGERPRINT_SIZE], char *ret)
{
    for (size_t i = 0; i < TARGET_FINGERPRINT_SIZE; i++)
        snprintf(ret + 3 * i, 4, i + 1 < TARGET_FINGERPRINT_SIZE ? "%02X:" : "%02X", digest[i]);
}

/* libcurl calls this for the connection that the request will use, after the handshake, in which the server
 * has proved that it has the key of this certificate, and before the first byte of the request is sent. */
static int check_pin(void *context, char *remote, char *local, int remote_port, int local_port)
{
    struct target *target = context;
    const struct curl_tlssessioninfo *info = NULL;
    unsigned char digest[TARGET_FINGERPRINT_SIZE];
    size_t size = sizeof(digest);
    unsigned chain = 0;

    (void)remote, (void)local, (void)remote_port, (void)local_port;
    if (libcurl_api.easy_getinfo(target->curl, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || info == NULL ||
        info->backend != CURLSSLBACKEND_GNUTLS || info->internals == NULL)
        return CURL_PREREQFUNC_ABORT;
    const gnutls_datum_t *leaf = gnutls_certificate_get_peers(info->internals, &chain);
    if (leaf == NULL || chain == 0 || gnutls_fingerprint(GNUTLS_DIG_SHA256, leaf, digest, &size) != 0 ||
        size != sizeof(digest))
        return CURL_PREREQFUNC_ABORT;
    if (memcmp(digest, target->fingerprint, sizeof(digest)) == 0)
        return CURL_PREREQFUNC_OK;
    print_fingerprint(digest, target->seen);
    return CURL_PREREQFUNC_ABORT;
}

/* Remembers the socket, since libcurl does not hand it out later. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct target *target = context;

    (void)purpose;
    target->socket = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    return target->socket;
}

static bool is_trusted(uid_t listener)
{
    struct stat state;

    return listener == 0 || listener == geteuid() ||
           (stat(CALL_STATE_DIR, &state) == 0 && state.st_uid == listener);
}

/* As check_pin: before the first byte of the request. */
static int check_listener(void *context, char *remote, char *local, int remote_port, int local_port)
{
    struct target *target = context;
    struct ucred listener;
    socklen_t size = sizeof(listener);

    (void)remote, (void)local, (void)remote_port, (void)local_port;
    if (getsockopt(target->socket, SOL_SOCKET, SO_PEERCRED, &listener, &size) != 0)
        return CURL_PREREQFUNC_ABORT;
    if (is_trusted(listener.uid))
        return CURL_PREREQFUNC_OK;
    target->stranger = listener;
    return CURL_PREREQFUNC_ABORT;
}

static void apply_socket(const char *path, struct target *target, CURL *curl)
{
    libcurl_api.easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path);
    libcurl_api.easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    libcurl_api.easy_setopt(curl, CURLOPT_OPENSOCKETDATA, target);
    libcurl_api.easy_setopt(curl, CURLOPT_PREREQFUNCTION, check_listener);
    libcurl_api.easy_setopt(curl, CURLOPT_PREREQDATA, target);
}

void target_apply(const struct call_target *given, struct target *target, CURL *curl)
{
    bool check = !given->insecure && (!target->pinned || given->cacert != NULL);

    target->curl = curl;
    libcurl_api.easy_setopt(curl, CURLOPT_PROXY, "");
    if (given->server == NULL)
        apply_socket(given->socket, target, curl);
    libcurl_api.easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, (long)check);
    libcurl_api.easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, check ? 2L : 0L);
    if (given->cacert != NULL)
        libcurl_api.easy_setopt(curl, CURLOPT_CAINFO, given->cacert);
    if (target->pinned) {
        libcurl_api.easy_setopt(curl, CURLOPT_PREREQFUNCTION, check_pin);
        libcurl_api.easy_setopt(curl, CURLOPT_PREREQDATA, target);
    }
}

/* libcurl does not say why connect(2) failed for a local socket, so we try it again. */
static int try_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof(address.sun_path))
        return ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    return fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ? errno : 0;
}

static int explain_socket(const char *path, const char *detail, struct error *err)
{
    struct stat status;
    int reason = try_socket(path);

    if (reason == ENOENT || reason == ECONNREFUSED)
        return error_set(
            err, ERROR_NO_HOST,
            "no daemon listens on '%s'. Start one with `systemctl start hostpci` or `hostpci serve`, or "
            "name another one with --socket PATH or --server URL",
            path);
    if (reason == EACCES && stat(path, &status) == 0) {
        const struct group *group = getgrgid(status.st_gid);
        return error_set(
            err, ERROR_NO_HOST,
            "you may not open '%s' (mode %04o, group %s). Use sudo, or join that group with `sudo usermod "
            "-aG %s $USER` and log in again",
            path, (unsigned)status.st_mode & 07777, group != NULL ? group->gr_name : "?",
            group != NULL ? group->gr_name : "GROUP");
    }
    if (reason == EACCES)
        return error_set(err, ERROR_NO_HOST, "you may not enter the folder of '%s': use sudo", path);
    if (reason != 0)
        error_set_errno(err, reason, "cannot connect to '%s'", path);
    else
        error_set(err, ERROR_NO_HOST, "the daemon at '%s' closed the connection: %s", path, detail);
    err->kind = ERROR_NO_HOST;
    return -1;
}

int target_explain(const struct call_target *given, const struct target *target, CURLcode code,
                   const char *detail, struct error *err)
{
    if (given->server == NULL && code == CURLE_ABORTED_BY_CALLBACK)
        return error_set(
            err, ERROR_NO_HOST,
            "user %u (process %d) listens on '%s', who is neither root nor you nor the user of the daemon: "
            "nothing "
            "was sent. Stop that process, or name another daemon with --socket PATH or --server URL",
            (unsigned)target->stranger.uid, (int)target->stranger.pid, given->socket);
    if (given->server == NULL)
        return explain_socket(given->socket, detail, err);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return error_set(
            err, ERROR_NO_HOST,
            "%s does not have the certificate that --fingerprint names: the SHA-256 of its own is %s. "
            "Nothing was sent to it",
            target->base, target->seen[0] != '\0' ? target->seen : "unknown");
    if (code == CURLE_SSL_CACERT_BADFILE)
        return error_set(err, ERROR_NO_HOST, "cannot read certificates from '%s' (--cacert)",
                         given->cacert != NULL ? given->cacert : "the system's store");
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return error_set(
            err, ERROR_NO_HOST,
            "the certificate of %s is not trusted: %s. Name its authority with --cacert FILE, or the "
            "certificate with --fingerprint SHA256, which `hostpci get /nodes` on the server shows as "
            "ssl_fingerprint. Nothing was sent to it",
            target->base, detail);
    return error_set(err, ERROR_NO_HOST, "cannot reach %s: %s", target->base, detail);
}
