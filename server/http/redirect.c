/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Redirects clients that speak plain HTTP on a TLS port. */
#include "server/http/redirect.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/memory.h"

#define HEAD_LIMIT 8192
#define MOMENT_MS  1

/* The value of a header; NULL if there is none. */
static char *find_header(const char *head, const char *name)
{
    for (const char *line = head; (line = strchr(line, '\n')) != NULL;) {
        line++;
        if (strncasecmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':') {
            const char *value = line + strlen(name) + 1;
            value += strspn(value, " \t");
            return xstrndup(value, strcspn(value, " \t\r\n"));
        }
    }
    return NULL;
}

static bool consists_of(const char *string, const char *characters)
{
    return string[0] != '\0' && string[strspn(string, characters)] == '\0';
}

/* Only characters that may be part of a URL are copied into the answer. */
#define ALNUM      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define HOST_CHARS ALNUM ".:[]-_"
#define URI_CHARS  ALNUM "-._~:/?#[]@!$&'()*+,;=%|"

void redirect_print(const char *head, const char *local, struct text *ret)
{
    size_t method = strcspn(head, " \r\n");
    autofree char *host = find_header(head, "Host"), *uri = NULL;
    bool get = strncmp(head, "GET ", 4) == 0 || strncmp(head, "HEAD ", 5) == 0;

    if (head[method] == ' ')
        uri = xstrndup(head + method + 1, strcspn(head + method + 1, " \r\n"));
    if (uri == NULL || uri[0] != '/' || !consists_of(uri, URI_CHARS))
        text_append(ret, "HTTP/1.1 400 This port speaks HTTPS\r\n");
    else
        text_printf(ret, "HTTP/1.1 %s\r\nLocation: https://%s%s\r\n",
                    get ? "301 Moved Permanently" : "308 Permanent Redirect",
                    host != NULL && consists_of(host, HOST_CHARS) ? host : local, uri);
    text_append(ret, "Content-Length: 0\r\nConnection: close\r\n\r\n");
}

/* "192.0.2.1:8006" */
static char *describe_local(int fd)
{
    char host[NI_MAXHOST] = "localhost", port[NI_MAXSERV] = "8006";
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &length) == 0)
        getnameinfo((const struct sockaddr *)&address, length, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    bool v6 = strchr(host, ':') != NULL;
    return xasprintf("%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

static void answer(struct redirect *redirect)
{
    autofree char *local = describe_local(redirect->fd);
    autotext struct text text = {0};

    redirect_print(text_string(&redirect->head), local, &text);
    send(redirect->fd, text_string(&text), text.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    *redirect->unread = true; /* a body may follow */
}

static bool has_end(const struct text *head)
{
    return memmem(head->data, head->length, "\r\n\r\n", 4) != NULL ||
           memmem(head->data, head->length, "\n\n", 2) != NULL;
}

/* Collects a plain request. Always fails, with an errno of recv(2), since GnuTLS must not get any of it. */
static ssize_t collect(struct redirect *redirect)
{
    char piece[1024];
    ssize_t count = recv(redirect->fd, piece, sizeof(piece), MSG_DONTWAIT);

    if (count <= 0)
        return count;
    text_append_bytes(&redirect->head, piece, (size_t)count);
    errno = EAGAIN;
    if (redirect->head.length < HEAD_LIMIT && !has_end(&redirect->head))
        return -1;
    answer(redirect);
    errno = ECONNRESET;
    return -1;
}

static ssize_t receive(struct redirect *redirect, void *buffer, size_t length)
{
    char first;

    if (redirect->speech == SPEECH_UNKNOWN) {
        ssize_t count = recv(redirect->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT);
        if (count <= 0)
            return count;
        redirect->speech = first >= 'A' && first <= 'Z' ? SPEECH_PLAIN : SPEECH_TLS;
    }
    return redirect->speech == SPEECH_PLAIN ? collect(redirect)
                                            : recv(redirect->fd, buffer, length, MSG_DONTWAIT);
}

static bool is_shaking_hands(const struct redirect *redirect)
{
    return gnutls_handshake_get_last_in(redirect->session) != GNUTLS_HANDSHAKE_FINISHED;
}

/* Waits for a moment, but not while the thread has done little since its last wait: otherwise its other
 * connections would have to wait for every unfinished handshake. */
static void wait_a_moment(int fd)
{
    static _Thread_local long long end; /* of the last wait */

    if (clock_microseconds() - end < MOMENT_MS * 1000 / 8)
        return;
    poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, MOMENT_MS);
    end = clock_microseconds();
}

static ssize_t pull(gnutls_transport_ptr_t argument, void *buffer, size_t length)
{
    struct redirect *redirect = argument;
    ssize_t count = receive(redirect, buffer, length);

    if (count < 0 && errno == EAGAIN && is_shaking_hands(redirect)) {
        wait_a_moment(redirect->fd);
        errno = EAGAIN;
    }
    return count;
}

static int wait_for_data(gnutls_transport_ptr_t argument, unsigned milliseconds)
{
    const struct redirect *redirect = argument;
    struct pollfd wait = {.fd = redirect->fd, .events = POLLIN};

    return poll(&wait, 1, (int)milliseconds);
}

void redirect_watch(struct redirect *redirect, gnutls_session_t session, int fd, bool *unread)
{
    gnutls_transport_ptr_t receive, send;

    *redirect = (struct redirect){.session = session, .fd = fd, .unread = unread};
    gnutls_transport_get_ptr2(session, &receive, &send);
    gnutls_transport_set_ptr2(session, redirect, send);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_pull_timeout_function(session, wait_for_data);
}

void redirect_release(struct redirect *redirect)
{
    text_release(&redirect->head);
}
