/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes on a connection. */
#include "tests/api/raw.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/daemon.h"

#define SEND_SECONDS 20

int raw_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", daemon_socket());
    cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0, "%s", strerror(errno));
    return fd;
}

int raw_connect_tcp(void)
{
    unsigned long long port;
    const char *colon = strrchr(daemon_url(), ':');
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    cr_assert(text_to_number(colon + 1, 10, 65535, &port));
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0, "%s", strerror(errno));
    return fd;
}

bool raw_send(int fd, const void *bytes, size_t length)
{
    const struct timeval limit = {.tv_sec = SEND_SECONDS};
    const char *next = bytes;

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    while (length > 0) {
        ssize_t sent = send(fd, next, length, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        next += sent;
        length -= (size_t)sent;
    }
    return true;
}

bool raw_print(int fd, const char *format, ...)
{
    va_list args;
    char *bytes;

    va_start(args, format);
    int length = vasprintf(&bytes, format, args);
    va_end(args);
    cr_assert_geq(length, 0);
    bool sent = raw_send(fd, bytes, (size_t)length);
    free(bytes);
    return sent;
}

char *raw_read(int fd, unsigned seconds)
{
    unsigned silent = 0; /* tenths of a second; on a busy machine each takes longer, as the reply does */
    struct text reply = {0};
    char part[65536];
    ssize_t count = 1;

    while (count > 0 && silent < seconds * 10 + 5) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (poll(&ready, 1, 100) == 0) {
            silent++;
            continue;
        }
        silent = 0;
        count = read(fd, part, sizeof(part));
        if (count > 0)
            text_append_bytes(&reply, part, (size_t)count);
    }
    return text_take(&reply);
}

bool raw_is_silent(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

bool raw_overtakes_refusal(void (*act)(void))
{
    bool ret = false;

    for (int i = 0; i < 5 && !ret; i++) {
        autoclose int wrong = raw_connect_tcp();
        raw_print(wrong,
                  "GET /api2/json/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                  "Authorization: PVEAPIToken=root@pam!ci=00000000-0000-0000-0000-000000000000\r\n\r\n");
        act();
        ret = raw_is_silent(wrong);
    }
    return ret;
}

char *raw_ask(const char *bytes, size_t length)
{
    int fd = raw_connect();

    raw_send(fd, bytes, length);
    char *reply = raw_read(fd, SEND_SECONDS);
    close(fd);
    return reply;
}

bool raw_is_refused(const char *bytes, size_t length)
{
    autoclose int fd = raw_connect();
    char more;

    raw_send(fd, bytes, length);
    autofree char *reply = raw_read(fd, SEND_SECONDS);
    if (reply[0] != '\0' || text_starts_with(MHD_get_version(), "0."))
        return raw_status(reply) == 400;
    return recv(fd, &more, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET;
}

unsigned raw_status(const char *reply)
{
    unsigned long long status;
    autofree char *digits = NULL;

    if (!text_starts_with(reply, "HTTP/1.1 "))
        return 0;
    digits = xstrndup(reply + strlen("HTTP/1.1 "), 3);
    return text_to_number(digits, 10, 999, &status) ? (unsigned)status : 0;
}
