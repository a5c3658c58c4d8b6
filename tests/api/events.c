/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /cluster/events: what has changed, as a list and as a stream. */
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "access/ticket.h"
#include "base/event.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "server/request/stream.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/raw.h"

#define EVENTS "/cluster/events"
#define LOOKS  600 /* of a tenth of a second */
#define MANY   64

static void start(void)
{
    START(.host = "workstation");
}

TestSuite(events, .init = start, .timeout = 240);

static void map(const char *name)
{
    post("/cluster/mapping/pci", "id", name, "map", "node=" NODE ",path=0000:01:00.0,id=10de:2484", NULL);
}

static void ask(int fd, const char *headers)
{
    cr_assert(raw_print(fd,
                        "GET /api2/json" EVENTS " HTTP/1.1\r\nHost: here\r\n"
                        "Accept: text/event-stream\r\n%s\r\n",
                        headers));
}

#define END "\r\n0\r\n\r\n" /* of a reply in chunks */

/* Reads on until the text is there. */
static void read_until(int fd, const char *text, struct text *all)
{
    char part[4096];

    for (int looks = 0; strstr(text_string(all), text) == NULL; looks++) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        cr_assert_lt(looks, LOOKS, "'%s' does not come after '%s'", text, text_string(all));
        if (poll(&ready, 1, 100) == 0)
            continue;
        ssize_t count = read(fd, part, sizeof(part));
        cr_assert_gt(count, 0, "closed before '%s' after '%s'", text, text_string(all));
        text_append_bytes(all, part, (size_t)count);
    }
}

/* A stream of root's from now on, which has begun. */
static int open_stream(struct text *all)
{
    int fd = raw_connect();

    ask(fd, "");
    read_until(fd, "id: ", all);
    return fd;
}

static char *newest(void)
{
    const json_t *list = get(EVENTS, NULL);

    return xstrdup(text_of(json_array_get(list, json_array_size(list) - 1), "event"));
}

DAEMON_TEST(events, are_listed_since_a_mark)
{
    map("gpu-a");
    autofree char *mark = newest();
    map("gpu-b");
    delete ("/cluster/mapping/pci/gpu-a", NULL);
    const json_t *all = get(EVENTS, NULL), *later = get(EVENTS, "since", mark, NULL);

    cr_assert_str_eq(text_of(row(all, "id", "gpu-a"), "type"), "mapping-pci");
    cr_assert_eq(json_array_size(later), 2);
    cr_assert_str_eq(text_of(json_array_get(later, 0), "id"), "gpu-b");
    cr_assert_eq(number_of(json_array_get(later, 1), "removed"), 1);
    autofree char *last = newest();
    is_json(get(EVENTS, "since", last, NULL), "[]");
}

DAEMON_TEST(events, of_another_daemon_or_too_long_ago_are_not_known)
{
    map("gpu-a");
    autofree char *mark = newest();

    is_json(get(EVENTS, "since", mark, NULL), "[]");
    for (int i = 0; i <= EVENTS_KEPT / 2; i++) {
        map("gpu-b");
        delete ("/cluster/mapping/pci/gpu-b", NULL);
    }
    const json_t *list = get(EVENTS, "since", mark, NULL);
    cr_assert_eq(json_array_size(list), 1);
    cr_assert_str_eq(text_of(json_array_get(list, 0), "type"), "reset");
    autofree char *last = newest();
    is_json(get(EVENTS, "since", last, NULL), "[]");
    daemon_stop();
    daemon_start_again();
    cr_assert_str_eq(text_of(json_array_get(get(EVENTS, "since", last, NULL), 0), "type"), "reset");
}

DAEMON_TEST(events, are_streamed_as_they_come)
{
    autotext struct text all = {0}, again = {0};
    int fd = open_stream(&all);

    cr_assert_not_null(strstr(text_string(&all), "HTTP/1.1 200 OK\r\n"));
    cr_assert_not_null(strstr(text_string(&all), "Content-Type: text/event-stream\r\n"));
    cr_assert_null(strstr(text_string(&all), "data:"));
    map("gpu-a");
    read_until(fd, "event: mapping-pci\ndata: {\"event\":\"", &all);
    read_until(fd, "\"type\":\"mapping-pci\",\"id\":\"gpu-a\"}\n\n", &all);
    close(fd);

    autofree char *mark = newest(), *header = xasprintf("Last-Event-ID: %s\r\n", mark);
    map("gpu-b");
    fd = raw_connect();
    ask(fd, header);
    read_until(fd, "\"id\":\"gpu-b\"}\n\n", &again);
    cr_assert_null(strstr(text_string(&again), "gpu-a"));
    close(fd);
    fd = raw_connect();
    ask(fd, "Last-Event-ID: 01234567-89ab-cd-1\r\n");
    read_until(fd, "event: reset\ndata: {", &again);
    close(fd);
}

DAEMON_TEST(events, of_tasks_and_vms_are_told)
{
    autotext struct text all = {0};
    int fd = open_stream(&all);

    post("/nodes/" NODE "/qemu", "vmid", "100", NULL);
    read_until(fd, "\"type\":\"task\",\"id\":\"UPID:" NODE, &all);
    read_until(fd, "\"state\":\"running\"}", &all);
    read_until(fd, "\"type\":\"vm\",\"id\":\"100\"}", &all);
    read_until(fd, "\"state\":\"stopped\",\"status\":\"OK\"}", &all);
    close(fd);
}

DAEMON_TEST(events, are_shown_to_those_who_may_see_them)
{
    autotext struct text all = {0};

    account_create("joe@pve", NULL);
    account_grant("/mapping/pci/his", "PVEMappingUser", "users", "joe@pve");
    account_enter("joe@pve");
    const json_t *token = post("/access/users/joe@pve/token/ci", "privsep", "0", NULL);
    autofree char *header = xasprintf("Authorization: PVEAPIToken=%s=%s\r\n", text_of(token, "full-tokenid"),
                                      text_of(token, "value"));
    int fd = raw_connect_tcp();
    ask(fd, header);
    read_until(fd, "id: ", &all);
    call_with_token(NULL);
    map("hers");
    map("his");
    read_until(fd, "\"id\":\"his\"}", &all);
    cr_assert_null(strstr(text_string(&all), "hers"));
    account_enter("joe@pve");
    cr_assert_not(has_row(get(EVENTS, NULL), "id", "hers"));
    cr_assert(has_row(get(EVENTS, NULL), "id", "his"));

    /* the token was good, and is no more */
    delete ("/access/users/joe@pve/token/ci", NULL);
    call_with_token(NULL);
    delete ("/cluster/mapping/pci/his", NULL);
    read_until(fd, END, &all);
    cr_assert_null(strstr(text_string(&all), "removed"));
    close(fd);
}

DAEMON_TEST(events, need_a_login_until_their_end)
{
    autotext struct text all = {0};
    autofree char *ticket = account_forge("root@pam", time(NULL) - TICKET_SECONDS + 5);
    autofree char *header = xasprintf("Cookie: PVEAuthCookie=%s\r\n", ticket);
    int fd = raw_connect_tcp();

    ask(fd, "");
    read_until(fd, "HTTP/1.1 401 ", &all);
    close(fd);
    fd = raw_connect_tcp();
    ask(fd, header);
    read_until(fd, "retry: ", &all);
    read_until(fd, END, &all); /* with the first comment after that */
    close(fd);
}

/* Asks until the status is that one. */
static int open_with(const char *header, const char *status)
{
    autotext struct text all = {0};
    int fd = -1;

    for (int looks = 0; strstr(text_string(&all), status) == NULL; looks++) {
        cr_assert_lt(looks, LOOKS, "not %s: '%s'", status, text_string(&all));
        if (looks > 0)
            usleep(100000);
        if (fd >= 0)
            close(fd);
        text_release(&all);
        fd = raw_connect_tcp();
        ask(fd, header);
        read_until(fd, "\r\n\r\n", &all);
    }
    return fd;
}

DAEMON_TEST(events, are_bounded_for_each_user)
{
    const json_t *token = post("/access/users/root@pam/token/ci", "privsep", "0", NULL);
    autofree char *header = xasprintf("Authorization: PVEAPIToken=%s=%s\r\n", text_of(token, "full-tokenid"),
                                      text_of(token, "value"));
    int fds[STREAMS_OF_ONE];

    for (int i = 0; i < STREAMS_OF_ONE; i++)
        fds[i] = open_with(header, "HTTP/1.1 200 ");
    close(open_with(header, "HTTP/1.1 503 root@pam has 16 streams of events open already: close one first"));
    /* one that has left is noticed */
    close(fds[0]);
    fds[0] = open_with(header, "HTTP/1.1 200 ");
    autotext struct text all = {0};
    close(open_stream(&all)); /* root on this host is not limited */
    for (int i = 0; i < STREAMS_OF_ONE; i++)
        close(fds[i]);
}

/* Of the daemon, user and system: fields 14 and 15 of /proc/PID/stat, in ticks (proc(5)). */
static unsigned long cpu_ticks(void)
{
    autofree char *path = xasprintf("/proc/%d/stat", (int)daemon_pid());
    unsigned long ours, kernels;
    autofree char *stat = NULL;
    struct error err;

    cr_assert_eq(file_read(path, 4096, &stat, NULL, &err), 0, "%s", err.message);
    cr_assert_eq(
        sscanf(strrchr(stat, ')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &ours, &kernels),
        2);
    return ours + kernels;
}

/* A reader that is called again and again would use a whole processor. */
DAEMON_TEST(events, cost_nothing_while_nothing_happens)
{
    struct text all[MANY] = {0};
    int fds[MANY];

    for (int i = 0; i < MANY; i++)
        fds[i] = open_stream(&all[i]);
    unsigned long before = cpu_ticks();
    sleep(2);
    unsigned long used = (cpu_ticks() - before) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK);
    cr_assert_lt(used, 400, "%lu ms of two seconds", used);
    map("gpu-a");
    for (int i = 0; i < MANY; i++)
        read_until(fds[i], "\"id\":\"gpu-a\"}", &all[i]);
    kill(daemon_pid(), SIGTERM);
    for (int i = 0; i < MANY; i++) {
        read_until(fds[i], END, &all[i]);
        text_release(&all[i]);
        close(fds[i]);
    }
}

struct secure {
    struct text all;
    bool changed;
};

/* CURLOPT_WRITEFUNCTION: the first bytes cause the change, and the change ends it. */
static size_t take(const char *bytes, size_t size, size_t count, void *argument)
{
    struct secure *secure = argument;

    text_append_bytes(&secure->all, bytes, size * count);
    if (!secure->changed)
        map("gpu-a");
    secure->changed = true;
    return strstr(text_string(&secure->all), "\"id\":\"gpu-a\"}\n\n") != NULL ? 0 : count;
}

Test(events_over_tls, are_streamed, .timeout = 240)
{
    START(.host = "workstation", .listen = "https://127.0.0.1:0");
    const json_t *token = post("/access/users/root@pam/token/ci", "privsep", "0", NULL);
    autofree char *header = xasprintf("Authorization: PVEAPIToken=%s=%s", text_of(token, "full-tokenid"),
                                      text_of(token, "value"));
    autofree char *url = xasprintf("%s/api2/json" EVENTS, daemon_url());
    struct curl_slist *headers =
        curl_slist_append(curl_slist_append(NULL, header), "Accept: text/event-stream");
    struct secure secure = {0};
    CURL *curl = curl_easy_init();

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &secure);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 120L);
    cr_assert_eq(curl_easy_perform(curl), CURLE_WRITE_ERROR, "%s", text_string(&secure.all));
    cr_assert_not_null(strstr(text_string(&secure.all), "\"id\":\"gpu-a\"}"));
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    text_release(&secure.all);
    daemon_stop();
}
