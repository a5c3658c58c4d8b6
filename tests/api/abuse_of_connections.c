/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests that are too large, half, or no requests, and connections that wait: the daemon goes on. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/raw.h"
#include "tests/api/unharmed.h"

#define MAPPINGS "/cluster/mapping/pci"

TestSuite(abuse_of_connections, .init = unharmed_start, .timeout = 120);

/* Sizes */

static long memory_peak(void)
{
    autofree char *path = xasprintf("/proc/%d/status", (int)daemon_pid()), *status = NULL;
    struct error err;

    cr_assert_eq(file_read(path, 65536, &status, NULL, &err), 0, "%s", err.message);
    return strtol(strstr(status, "VmHWM:") + strlen("VmHWM:"), NULL, 10);
}

UNHARMED_TEST(abuse_of_connections, body_of_a_gigabyte_announced)
{
    static const char request[] =
        "POST /api2/json" MAPPINGS " HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n";
    int fd = raw_connect();

    raw_send(fd, request, strlen(request));
    autofree char *reply = raw_read(fd, 2);
    close(fd);
    cr_assert_eq(raw_status(reply), 501, "%s", reply);
    cr_assert_not_null(strstr(reply, "for data too large"));
}

/* Sent as long as the daemon takes it. */
static char *send_gigabyte(const char *head, bool chunked)
{
    enum { PART = 65536 };
    autofree char *part = xcalloc(PART, 1);
    int fd = raw_connect();
    bool taken = raw_send(fd, head, strlen(head));

    memset(part, 'x', PART);
    for (int sent = 0; taken && sent < 1 << 30; sent += PART)
        taken = (!chunked || raw_print(fd, "%x\r\n", PART)) && raw_send(fd, part, PART) &&
                (!chunked || raw_print(fd, "\r\n"));
    char *reply = raw_read(fd, 5);
    close(fd);
    return reply;
}

UNHARMED_TEST(abuse_of_connections, body_of_a_gigabyte_sent)
{
    long memory = memory_peak();
    autofree char *announced = send_gigabyte(
        "POST /api2/json" MAPPINGS " HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n", false);
    autofree char *chunked = send_gigabyte(
        "POST /api2/json" MAPPINGS " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", true);

    cr_assert(raw_status(announced) == 0 || raw_status(announced) == 501, "%s", announced);
    cr_assert(raw_status(chunked) == 0 || raw_status(chunked) == 501, "%s", chunked);
    cr_assert_lt(memory_peak() - memory, 64 * 1024, "it must not be kept, KiB: %ld", memory_peak() - memory);
}

UNHARMED_TEST(abuse_of_connections, content_length_that_is_none)
{
    static const char *const lengths[] = {"-1", "x", "99999999999999999999999", "1, 2", "0x10", ""};

    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        autofree char *request =
            xasprintf("POST /api2/json" MAPPINGS " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                      "Content-Length: %s\r\n\r\nid=x",
                      lengths[i]);
        int fd = raw_connect();
        raw_send(fd, request, strlen(request));
        autofree char *reply = raw_read(fd, 1);
        close(fd);
        cr_assert(raw_status(reply) == 0 || raw_status(reply) >= 400, "%s: %s", lengths[i], reply);
    }
}

/* Two programs that take different ones for right could be made to see different requests. */
UNHARMED_TEST(abuse_of_connections, length_that_is_given_twice)
{
    static const char *const headers[] = {"Content-Length: 5\r\nContent-Length: 7\r\n",
                                          "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                                          "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"};

    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        autofree char *request =
            xasprintf("POST /api2/json" MAPPINGS " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                      "%s\r\n0\r\n\r\n",
                      headers[i]);
        autofree char *reply = raw_ask(request, strlen(request));
        cr_assert_eq(raw_status(reply), 400, "%s: %s", headers[i], reply);
    }
}

/* The bytes hold NUL bytes, hence the length. */
static void is_refused(const char *bytes, size_t length)
{
    autofree char *reply = raw_ask(bytes, length);

    cr_assert_eq(raw_status(reply), 400, "%s: %s", bytes, reply);
    /* a reply of libmicrohttpd 1.0 may say HTTP/1.1 in its text */
    for (const char *at = strstr(reply, "\r\n\r\n"); (at = strstr(at, "HTTP/1.1 ")) != NULL; at++)
        cr_assert_eq(raw_status(at), 0, "the rest is no request: %s", reply);
}
#define REFUSED(text) is_refused(text, sizeof(text) - 1)

UNHARMED_TEST(abuse_of_connections, heads_that_two_programs_read_differently)
{
#define POST_LINE "POST /api2/json" MAPPINGS " HTTP/1.1\r\n"
    static const char line[] = "GET /api2/json/version\0 HTTP/1.1\r\nHost: x\r\n\r\n",
                      method[] = "GET\0 /api2/json/version HTTP/1.1\r\nHost: x\r\n\r\n",
                      carriage[] = "GET /api2/json/version HTTP/1.1\r\nHost: x\r\nA: b\rC: d\r\n\r\n";

    REFUSED(POST_LINE
            "Host: x\r\nContent-Length : 40\r\n\r\nGET /api2/json/version HTTP/1.1\r\nA: b\r\n\r\n");
    REFUSED(POST_LINE "Host: x\r\nContent-Length\t: 40\r\n\r\n");
    REFUSED(POST_LINE "Host: x\r\nContent Length: 40\r\n\r\n");
    REFUSED(POST_LINE "Host: x\r\nContent-Length\v: 40\r\n\r\n");
    REFUSED(POST_LINE "Host: x\r\nContent-Len: 40\r\n gth\r\n\r\n");
    REFUSED(POST_LINE "Host: x\r\nContent-Length: 4\r\n 0\r\n\r\n");
    REFUSED(POST_LINE "Host: x\r\nA: b\r\n\tc\r\nD: e\r\n\r\n");
    REFUSED(POST_LINE "Host: x\r\nA: b\r\n \r\n\r\n");
    REFUSED(POST_LINE "Host: x\r\nA: b\0c\r\nD: e\r\n\r\n");
    REFUSED(POST_LINE "Host: x\r\nA: b\0c\r\n\r\n");
    REFUSED(POST_LINE "Host: x\r\nA: b\0\r\n\r\n");
    REFUSED(POST_LINE "Host: x\r\n\0A: b\r\n\r\n");
    REFUSED(POST_LINE "Host: x\r\nA:\0 b\r\n\r\n");
    cr_assert(raw_is_refused(line, sizeof(line) - 1));
    cr_assert(raw_is_refused(method, sizeof(method) - 1));
    cr_assert(raw_is_refused(carriage, sizeof(carriage) - 1));
    REFUSED("GET /api2/json/version HTTP/1.2\r\n\r\n");
    REFUSED(POST_LINE "\r\n");
    REFUSED(POST_LINE "Hosts: x\r\n\r\n");
    REFUSED(POST_LINE "Host: x\r\nHost: y\r\n\r\n");
}

UNHARMED_TEST(abuse_of_connections, heads_that_are_right)
{
    static const char *const heads[] = {
        "GET /api2/json/version HTTP/1.0\r\n\r\n",
        "GET /api2/json/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /api2/json/version HTTP/1.1\r\nConnection:close\r\nhost:\tx  \r\nEmpty:\r\n\r\n",
        "GET /api2/json/version HTTP/1.1\r\nHost:\r\nConnection: close\r\nX!#$%&'*+.^_`|~: \x80\r\n\r\n"};

    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        autofree char *reply = raw_ask(heads[i], strlen(heads[i]));
        cr_assert_eq(raw_status(reply), 200, "%s: %s", heads[i], reply);
    }
}

static unsigned status_with_headers(int count, size_t length)
{
    autotext struct text request = {0};
    autofree char *value = xcalloc(length + 1, 1);

    memset(value, 'v', length);
    text_append(&request, "GET /api2/json/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for (int i = 2; i < count; i++)
        text_printf(&request, "X-%d: %s\r\n", i, value);
    text_append(&request, "\r\n");
    autofree char *reply = raw_ask(text_string(&request), request.length);
    return raw_status(reply);
}

UNHARMED_TEST(abuse_of_connections, header_limits)
{
    cr_assert_eq(status_with_headers(64, 1), 200);
    cr_assert_geq(status_with_headers(65, 1), 400);
    cr_assert_eq(status_with_headers(3, 7 * 1024), 200);
    cr_assert_geq(status_with_headers(3, 9 * 1024), 400);
    cr_assert_geq(status_with_headers(3, 100 * 1024), 400);
    cr_assert_geq(status_with_headers(1000, 100), 400);
}

UNHARMED_TEST(abuse_of_connections, path_that_is_too_long)
{
    autofree char *deep = xcalloc(5000, 1), *wide = xcalloc(5000, 1), *huge = xcalloc(20001, 1);

    for (int i = 0; i < 4998; i++)
        deep[i] = i % 2 == 0 ? '/' : 'a';
    memset(wide, 'a', 4999);
    wide[0] = '/';
    memset(huge, 'a', 20000);
    huge[0] = '/';
    cr_assert_eq(CALL(.method = "GET", .path = deep)->status, 501);
    cr_assert_eq(CALL(.method = "GET", .path = wide)->status, 501);
    cr_assert_geq(CALL_UNCHECKED(.method = "GET", .path = huge)->status, 400);
}

/* Connections */

UNHARMED_TEST(abuse_of_connections, half_a_request)
{
    static const char *const halves[] = {
        "",
        "G",
        "GET",
        "GET /api2/json/version",
        "GET /api2/json/version HTTP/1.1\r\nHost: x\r\n",
        "POST /api2/json" MAPPINGS " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nid=half",
        "POST /api2/json" MAPPINGS " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nid=half",
        "POST /api2/json" MAPPINGS " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nid=half"};

    for (size_t i = 0; i < COUNT_OF(halves); i++) {
        int fd = raw_connect();
        raw_send(fd, halves[i], strlen(halves[i]));
        close(fd);
        get("/version", NULL);
    }
}

UNHARMED_TEST(abuse_of_connections, garbage_instead_of_http)
{
    static const char *const garbage[] = {"\r\n\r\n\r\n",
                                          "hello\r\n\r\n",
                                          "GET\r\n\r\n",
                                          "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                                          "GET /api2/json/version HTTP/9.9\r\n\r\n",
                                          "GET  HTTP/1.1\r\n\r\n",
                                          "GET /api2/json/version HTTP/1.1\r\n no header\r\n\r\n",
                                          "GET /api2/json/version HTTP/1.1\r\n: x\r\n\r\n"};

    for (size_t i = 0; i < COUNT_OF(garbage); i++) {
        int fd = raw_connect_tcp();
        raw_send(fd, garbage[i], strlen(garbage[i]));
        autofree char *reply = raw_read(fd, 0);
        close(fd);
        cr_assert_neq(raw_status(reply), 200, "%s", garbage[i]);
        get("/version", NULL);
    }
}

/* Whoever waits does not keep others waiting. */
UNHARMED_TEST(abuse_of_connections, many_idle_connections)
{
    enum { IDLE = 200 };
    int connections[IDLE];

    for (int i = 0; i < IDLE; i++) {
        connections[i] = raw_connect();
        raw_print(connections[i], "GET /api2/json/ver");
    }
    get("/version", NULL);
    cr_assert(raw_is_silent(connections[IDLE - 1]), "it was hung up on before another was answered");
    for (int i = 0; i < IDLE; i++)
        close(connections[i]);
}

static void get_again_and_again(void)
{
    for (int i = 0; i < 20; i++)
        get("/version", NULL);
}

/* A wrong credential is answered late; the others meanwhile. */
UNHARMED_TEST(abuse_of_connections, failed_logins_delay_nobody_else)
{
    int wrong = raw_connect_tcp();
    time_t begin = time(NULL);

    raw_print(wrong, "GET /api2/json/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                     "Authorization: PVEAPIToken=root@pam!ci=00000000-0000-0000-0000-000000000000\r\n\r\n");
    cr_assert(raw_overtakes_refusal(get_again_and_again));
    autofree char *reply = raw_read(wrong, 10);
    close(wrong);
    cr_assert_eq(raw_status(reply), 401);
    cr_assert_geq(time(NULL) - begin, 2);
}

/* Also those who were promised an answer get one. */
UNHARMED_TEST(abuse_of_connections, stop_while_requests_run)
{
    int wrong = raw_connect_tcp(), half = raw_connect();

    raw_print(wrong, "GET /api2/json/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                     "Authorization: PVEAPIToken=root@pam!ci=00000000-0000-0000-0000-000000000000\r\n\r\n");
    raw_print(half, "GET /api2/json/ver");
    get("/version", NULL);
    daemon_stop();
    autofree char *reply = raw_read(wrong, 1);
    cr_assert(raw_status(reply) == 401 || raw_status(reply) == 0);
    close(wrong);
    close(half);
    daemon_start_again();
}
