/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TLS: a certificate is made on first start and kept; clients pin or verify it. */
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/program.h"
#include "tests/api/raw.h"

TestSuite(tls, .timeout = 120);

static char *fingerprint(void)
{
    return xstrdup(text_of(row(get("/nodes", NULL), "node", NODE), "ssl_fingerprint"));
}

static char *create_token(void)
{
    const json_t *token = post("/access/users/root@pam/token/ci", "privsep", "0", NULL);

    return xasprintf("%s=%s", text_of(token, "full-tokenid"), text_of(token, "value"));
}

static char *read_state(const char *name)
{
    autofree char *path = xasprintf("%s/%s", daemon_state(), name);
    struct error err;
    char *content;

    cr_assert_eq(file_read(path, 65536, &content, NULL, &err), 0, "%s", err.message);
    return content;
}

/* Of the daemon, user and system: fields 14 and 15 of /proc/PID/stat, in ticks (proc(5)). */
static long cpu_milliseconds(void)
{
    autofree char *path = xasprintf("/proc/%d/stat", (int)daemon_pid());
    unsigned long ours, kernels;
    autofree char *stat = NULL;
    struct error err;

    cr_assert_eq(file_read(path, 4096, &stat, NULL, &err), 0, "%s", err.message);
    const char *fields = strrchr(stat, ')');
    cr_assert_eq(sscanf(fields, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &ours, &kernels), 2);
    return (long)((ours + kernels) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}

DAEMON_TEST(tls, certificate_is_made_once_and_kept)
{
    START(.host = "workstation", .listen = "https://127.0.0.1:0");
    autofree char *certificate = read_state("tls.pem"), *key = read_state("tls.key"), *first = fingerprint();
    autofree char *path = xasprintf("%s/tls.key", daemon_state());
    struct stat status;

    cr_assert_not_null(strstr(certificate, "BEGIN CERTIFICATE"));
    cr_assert_not_null(strstr(key, "PRIVATE KEY"));
    cr_assert_eq(stat(path, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);
    daemon_stop();
    daemon_start_again();
    autofree char *same = read_state("tls.pem"), *second = fingerprint();
    cr_assert_str_eq(same, certificate);
    cr_assert_str_eq(second, first);
}

DAEMON_TEST(tls, calls_go_through_it)
{
    START(.host = "workstation", .listen = "https://127.0.0.1:0");
    autofree char *token = create_token();

    cr_assert_eq(strncmp(daemon_url(), "https://127.0.0.1:", strlen("https://127.0.0.1:")), 0);
    call_with_token(token);
    get("/version", NULL);
    post("/cluster/mapping/pci", "id", "gpu", "map", "node=" NODE ",path=0000:01:00.0,id=10de:2484", NULL);
}

DAEMON_TEST(tls, ipv6)
{
    START(.host = "workstation", .listen = "https://[::1]:0");
    autofree char *token = create_token();

    call_with_token(token);
    get("/version", NULL);
}

/* The certificate is its own authority, for its name, localhost and the loopback addresses. */
static CURLcode verify(const char *url, const char *host)
{
    autofree char *authority = xasprintf("%s/tls.pem", daemon_state());
    autofree char *full = xasprintf("https://%s%s/api2/json/version", host, strrchr(url, ':'));
    autofree char *resolve = xasprintf("%s%s:127.0.0.1", host, strrchr(url, ':'));
    struct curl_slist *names = curl_slist_append(NULL, resolve);
    CURL *curl = curl_easy_init();

    curl_easy_setopt(curl, CURLOPT_URL, full);
    curl_easy_setopt(curl, CURLOPT_CAINFO, authority);
    curl_easy_setopt(curl, CURLOPT_RESOLVE, names);
    CURLcode result = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    curl_slist_free_all(names);
    return result;
}

DAEMON_TEST(tls, certificate_can_be_verified)
{
    START(.host = "workstation", .listen = "https://127.0.0.1:0");
    cr_assert_eq(verify(daemon_url(), "127.0.0.1"), CURLE_OK);
    cr_assert_eq(verify(daemon_url(), "localhost"), CURLE_OK);
    cr_assert_eq(verify(daemon_url(), NODE), CURLE_OK);
    cr_assert_neq(verify(daemon_url(), "example.org"), CURLE_OK);
}

DAEMON_TEST(tls, our_client_pins_it)
{
    START(.host = "workstation", .listen = "https://127.0.0.1:0");
    autofree char *token = create_token(), *pin = fingerprint();
    autofree char *printed =
        program_run((const char *const[]){"get", "/version", "--server", daemon_url(), "--token", token,
                                          "--fingerprint", pin, "--output-format", "json", NULL});
    autojson json_t *version = json_loads(printed, 0, NULL);

    cr_assert_str_eq(text_of(version, "version"), "9.2");
}

DAEMON_TEST(tls, plain_http_is_for_loopback_only)
{
    START(.host = "workstation");
    daemon_stop();
    daemon_refuses((const char *const[]){"--listen", "http://0.0.0.0:0", NULL},
                   "refusing to listen on 'http://0.0.0.0:0'");
    daemon_refuses((const char *const[]){"--listen", "http://[::]:0", NULL}, "refusing to listen");
    daemon_refuses((const char *const[]){"--listen", "ftp://127.0.0.1:21", NULL}, "cannot listen on");
    daemon_refuses((const char *const[]){"--listen", "https://localhost:8006", NULL}, "numeric address");
}

DAEMON_TEST(tls, damaged_certificate_is_told)
{
    START(.host = "workstation");
    autofree char *path = xasprintf("%s/tls.pem", daemon_state());
    struct error err;

    daemon_stop();
    cr_assert_eq(file_replace(path, "garbage\n", 8, 0644, &err), 0);
    daemon_refuses(NULL, "tls.pem");
}

static char *ask_plainly(const char *first, const char *second)
{
    int fd = raw_connect_tcp();

    cr_assert(raw_send(fd, first, strlen(first)));
    if (second != NULL) {
        nanosleep(&(const struct timespec){.tv_nsec = 50000000}, NULL);
        cr_assert(raw_send(fd, second, strlen(second)));
    }
    char *reply = raw_read(fd, 10);
    close(fd);
    return reply;
}

/* "TLS :8006; plain HTTP there gets 301 (GET) or 308." */
DAEMON_TEST(tls, plain_http_is_sent_to_https)
{
    START(.host = "workstation", .listen = "https://127.0.0.1:0");
    const char *port = strrchr(daemon_url(), ':');
    autofree char *location = xasprintf("\r\nLocation: https://pve1%s/api2/json/version?a=b\r\n", port);
    autofree char *get = xasprintf("GET /api2/json/version?a=b HTTP/1.1\r\nHost: pve1%s\r\n\r\n", port);
    autofree char *moved = ask_plainly(get, NULL);
    autofree char *repeated =
        ask_plainly("POST /x HTTP/1.1\r\nHost: pve1\r\nContent-Length: 3\r\n\r\na=b", NULL);
    autofree char *slow = ask_plainly("GE", "T / HTTP/1.0\r\n\r\n");

    cr_assert_eq(raw_status(moved), 301, "%s", moved);
    cr_assert_not_null(strstr(moved, location), "%s", moved);
    cr_assert_eq(raw_status(repeated), 308, "%s", repeated);
    cr_assert_eq(raw_status(slow), 301, "%s", slow);
}

/* libmicrohttpd alone would ask on and on for the rest. */
DAEMON_TEST(tls, half_a_handshake_takes_no_processor)
{
    START(.host = "workstation", .listen = "https://127.0.0.1:0");
    static const char *const halves[] = {"\x16\x03\x01", "GET / HTTP/1.1\r\n"};
    int connections[8];

    for (size_t i = 0; i < COUNT_OF(connections); i++) {
        connections[i] = raw_connect_tcp();
        cr_assert(raw_send(connections[i], halves[i % 2], strlen(halves[i % 2])));
    }
    long before = cpu_milliseconds();
    nanosleep(&(const struct timespec){.tv_sec = 2}, NULL);
    long used = cpu_milliseconds() - before;
    autofree char *token = create_token();
    call_with_token(token);
    get("/version", NULL);
    for (size_t i = 0; i < COUNT_OF(connections); i++)
        close(connections[i]);
    cr_assert_lt(used, 1000, "%ld ms of processor in 2 s", used);
}
