/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks with connections: half-sent requests, clients that are gone, clients that do not read. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/api/attack.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/machine.h"
#include "tests/api/raw.h"

TestSuite(attack_connections, .init = attack_start, .timeout = 120);

#define HALF_HEAD "GET /api2/json/version HTTP/1.1\r\nHost: x\r\nX-"
#define HALF_BODY                                                                                            \
    "POST /api2/json/access/ticket HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nusername=root@pam"

enum { ADDRESSES = 4, EACH = 256 };

/* Takes all places that there are, and then some. */
static void fill_places(const char *half, int fds[ADDRESSES * EACH])
{
    for (int i = 0; i < ADDRESSES * EACH; i++) {
        fds[i] = attack_connect(2 + i % ADDRESSES);
        raw_print(fds[i], "%s", half);
    }
}

DAEMON_TEST(attack_connections, half_heads_on_every_place)
{
    int fds[ADDRESSES * EACH];

    good_client_start();
    fill_places(HALF_HEAD, fds);
    good_client_proceeds(30);
    good_client_stop();
    attack_close(fds, COUNT_OF(fds));
    attack_memory_is_small();
}

DAEMON_TEST(attack_connections, half_bodies_on_every_place)
{
    int fds[ADDRESSES * EACH];

    good_client_start();
    fill_places(HALF_BODY, fds);
    good_client_proceeds(30);
    good_client_stop();
    attack_close(fds, COUNT_OF(fds));
    attack_memory_is_small();
}

/* Whoever was served, and stays, has no right to the place. */
DAEMON_TEST(attack_connections, idle_connections_on_every_place)
{
    int fds[ADDRESSES * EACH];

    good_client_start();
    fill_places("GET / HTTP/1.1\r\nHost: x\r\n\r\n", fds);
    good_client_proceeds(30);
    good_client_stop();
    attack_close(fds, COUNT_OF(fds));
    attack_memory_is_small();
}

/* One address gets a quarter of the places; the others are there for everybody else. */
DAEMON_TEST(attack_connections, one_address_takes_a_share)
{
    enum { MANY = 2 * EACH };
    int fds[MANY], open = 0;

    for (int i = 0; i < MANY; i++) {
        fds[i] = attack_connect(2);
        raw_print(fds[i], "%s", HALF_HEAD "1: 2\r\n\r\n");
    }
    for (int i = 0; i < MANY; i++) {
        char first;
        open += read(fds[i], &first, 1) == 1;
    }
    cr_assert_eq(open, EACH, "%d of %d were served", open, MANY);
    attack_close(fds, MANY);
}

/* What came together with the end of the stream is read, the end is missed by libmicrohttpd 0.9.75. */
DAEMON_TEST(attack_connections, clients_that_are_gone_leave_nothing)
{
    unsigned before = attack_count_descriptors(), now = 0;

    for (int i = 0; i < 50; i++) {
        int fd = attack_connect(2);
        raw_print(fd, "%s", i % 2 == 0 ? HALF_BODY : HALF_HEAD);
        close(fd);
    }
    for (int i = 0; i < 1000 && (now = attack_count_descriptors()) > before; i++)
        nanosleep(&(const struct timespec){.tv_nsec = 10000000}, NULL);
    cr_assert_leq(now, before, "%u descriptors before, %u now", before, now);
}

struct trickle {
    const char *begin;
    unsigned bytes; /* one a second, or a little less often on a busy machine */
    double seconds;
};

/* Sends a byte a second until the daemon shuts the connection down. */
static void *trickle(void *argument)
{
    struct trickle *trickle = argument;
    double began = machine_now();
    int fd = attack_connect(2);
    char byte;

    raw_print(fd, "%s", trickle->begin);
    while (trickle->bytes < 60 && recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN &&
           raw_send(fd, "x", 1)) {
        nanosleep(&(const struct timespec){.tv_sec = 1}, NULL);
        trickle->bytes++;
    }
    trickle->seconds = machine_now() - began;
    close(fd);
    return NULL;
}

static void is_shut_down_in_time(const struct trickle *trickle, const char *what)
{
    cr_expect(trickle->seconds >= 8 && trickle->bytes <= 20, "a %s was waited for for %.1f s and %u bytes",
              what, trickle->seconds, trickle->bytes);
}

/* A byte now and then does not keep the place: the deadline is for all of the head, or of the body. */
DAEMON_TEST(attack_connections, byte_a_second_keeps_no_place)
{
    struct trickle head = {.begin = HALF_HEAD}, body = {.begin = HALF_BODY};
    pthread_t thread;

    cr_assert_eq(pthread_create(&thread, NULL, trickle, &body), 0);
    trickle(&head);
    pthread_join(thread, NULL);
    is_shut_down_in_time(&head, "head");
    is_shut_down_in_time(&body, "body");
}

/* The end waits for no client. */
DAEMON_TEST(attack_connections, stop_among_half_requests_and_clients_that_do_not_read)
{
    enum { CLIENTS = 60 };
    int fds[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = attack_connect(2);
        raw_print(fds[i], "%s",
                  i % 3 == 0   ? HALF_HEAD
                  : i % 3 == 1 ? HALF_BODY
                               : "GET /openapi.yaml HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    good_client_start();
    good_client_proceeds(1);
    good_client_stop();
    double begin = machine_slept();
    daemon_stop();
    cr_assert_leq(machine_slept() - begin, 5);
    attack_close(fds, CLIENTS);
}

static void *ask_until_the_end(void *argument)
{
    int fd;

    (void)argument;
    while ((fd = attack_try(2)) >= 0) {
        raw_print(fd,
                  "GET /api2/json/nodes/" NODE "/hardware/pci?verdict=1 HTTP/1.1\r\nHost: x\r\n"
                  "Connection: close\r\n%s\r\n\r\n",
                  attack_auditor());
        free(raw_read(fd, 5));
        close(fd);
    }
    return NULL;
}

/* A request that comes at the last moment is answered, or refused, but does not end the daemon badly. */
DAEMON_TEST(attack_connections, stop_while_requests_come)
{
    pthread_t threads[8];

    for (size_t i = 0; i < COUNT_OF(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, ask_until_the_end, NULL), 0);
    nanosleep(&(const struct timespec){.tv_nsec = 200000000}, NULL);
    daemon_stop();
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
}
