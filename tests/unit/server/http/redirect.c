/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What plain HTTP on a port of TLS is answered. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "server/http/redirect.h"

static char shown[1024];

/* The answer up to its Location. */
static const char *answer(const char *head)
{
    autotext struct text text = {0};

    redirect_print(head, "192.0.2.1:8006", &text);
    const char *rest = strstr(text_string(&text), "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    cr_assert_not_null(rest);
    cr_assert_eq(strlen(rest), strlen("\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
                 "nothing behind it");
    snprintf(shown, sizeof(shown), "%.*s", (int)(rest - text_string(&text)), text_string(&text));
    return shown;
}

#define MOVED    "HTTP/1.1 301 Moved Permanently\r\nLocation: https://"
#define REPEAT   "HTTP/1.1 308 Permanent Redirect\r\nLocation: https://"
#define NOT_HERE "HTTP/1.1 400 This port speaks HTTPS"

Test(redirect, get_is_301_and_what_changes_something_is_308)
{
    cr_expect_str_eq(answer("GET /a?b=c HTTP/1.1\r\nHost: pve1:8006\r\n\r\n"), MOVED "pve1:8006/a?b=c");
    cr_expect_str_eq(answer("HEAD / HTTP/1.1\r\nAccept: *\r\nhost:pve1\r\n\r\n"), MOVED "pve1/");
    cr_expect_str_eq(answer("POST /a HTTP/1.1\r\nHost: [::1]:8006 \r\n\r\n"), REPEAT "[::1]:8006/a");
    cr_expect_str_eq(answer("DELETE /a HTTP/1.1\nHost: pve1\n\n"), REPEAT "pve1/a");
}

Test(redirect, who_sends_no_host_is_sent_to_the_address)
{
    cr_expect_str_eq(answer("GET / HTTP/1.0\r\n\r\n"), MOVED "192.0.2.1:8006/");
    cr_expect_str_eq(answer("GET /"), MOVED "192.0.2.1:8006/");
}

Test(redirect, nothing_is_repeated_that_is_no_part_of_a_url)
{
    cr_expect_str_eq(answer("GET / HTTP/1.1\r\nHost: <script>\r\n\r\n"), MOVED "192.0.2.1:8006/");
    cr_expect_str_eq(answer("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"), MOVED "192.0.2.1:8006/");
    cr_expect_str_eq(answer("GET / HTTP/1.1\r\nHost:\r\n\r\n"), MOVED "192.0.2.1:8006/");
    cr_expect_str_eq(answer("GET /\"<> HTTP/1.1\r\n\r\n"), NOT_HERE);
    cr_expect_str_eq(answer("GET /\xc3\xa4 HTTP/1.1\r\n\r\n"), NOT_HERE);
    cr_expect_str_eq(answer("GET http://evil/ HTTP/1.1\r\n\r\n"), NOT_HERE);
    cr_expect_str_eq(answer("OPTIONS * HTTP/1.1\r\n\r\n"), NOT_HERE);
    cr_expect_str_eq(answer("SSH-2.0-client\r\n\r\n"), NOT_HERE);
    cr_expect_str_eq(answer(""), NOT_HERE);
}

static long count_waits(void)
{
    struct rusage usage;

    cr_assert_eq(getrusage(RUSAGE_THREAD, &usage), 0);
    return usage.ru_nvcsw;
}

/* Each wait is a millisecond in which the thread's other connections wait, too. How many calls go by between
 * two waits depends on how fast the machine is, so all that is certain is that not every call waits. */
Test(redirect, many_half_handshakes_do_not_wait_one_after_the_other)
{
    enum { CONNECTIONS = 200, ROUNDS = 6 };
    static struct redirect watches[CONNECTIONS];
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t sessions[CONNECTIONS];
    int pair[2];

    cr_assert_eq(gnutls_certificate_allocate_credentials(&credentials), 0);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
        cr_assert_eq(write(pair[1], "\x16\x03\x01", 3), 3);
        cr_assert_eq(gnutls_init(&sessions[i], GNUTLS_SERVER | GNUTLS_NONBLOCK), 0);
        gnutls_set_default_priority(sessions[i]);
        gnutls_credentials_set(sessions[i], GNUTLS_CRD_CERTIFICATE, credentials);
        gnutls_transport_set_int(sessions[i], pair[0]);
        redirect_watch(&watches[i], sessions[i], pair[0], NULL);
    }
    long before = 0;
    for (size_t i = 0; i < ROUNDS * CONNECTIONS; i++) {
        if (i == CONNECTIONS) /* the first call of each does more than look for what has come */
            before = count_waits();
        cr_assert_eq(gnutls_handshake(sessions[i % CONNECTIONS]), GNUTLS_E_AGAIN);
    }
    long waits = count_waits() - before;
    cr_assert_lt(waits, (ROUNDS - 1) * CONNECTIONS, "%ld waits", waits);
    for (size_t i = 0; i < CONNECTIONS; i++)
        gnutls_deinit(sessions[i]);
    gnutls_certificate_free_credentials(credentials);
}
