/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who keeps a place, who loses it, and when. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "server/http/connections.h"

#define SECOND 1000000LL

enum { LIMIT = 8, SHARE = LIMIT / 4 };

/* A connection, and the end that its peer has. */
struct one {
    struct connection connection;
    int ours, peer;
};

static struct connections *all;

static void open_all(void)
{
    all = connections_new(LIMIT);
}

static void close_all(void)
{
    connections_free(all);
}

TestSuite(server_connections, .init = open_all, .fini = close_all);

static void add(struct one *one, unsigned char network, bool proven)
{
    int ends[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    one->ours = ends[0];
    one->peer = ends[1];
    connections_add(all, &one->connection, one->ours, &(const struct network){{network}}, proven);
}

static void end(struct one *one)
{
    connections_remove(&one->connection);
    close(one->ours);
    close(one->peer);
}

static void end_all(struct one *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        end(&list[i]);
}

static bool is_cut(const struct one *one)
{
    struct pollfd state = {.fd = one->peer, .events = POLLRDHUP};

    return poll(&state, 1, 0) == 1 && (state.revents & (POLLRDHUP | POLLHUP)) != 0;
}

/* Each from a network of its own. */
static void fill(struct one list[LIMIT], bool proven)
{
    for (size_t i = 0; i < LIMIT; i++)
        add(&list[i], (unsigned char)(100 + i), proven);
}

static void expect_only_cut(const struct one *list, size_t count, size_t expected)
{
    for (size_t i = 0; i < count; i++)
        cr_expect_eq(is_cut(&list[i]), i == expected, "%zu", i);
}

enum { NONE = 1000 };

Test(server_connections, network_gets_a_quarter)
{
    struct one list[SHARE + 2];

    for (size_t i = 0; i < COUNT_OF(list); i++)
        add(&list[i], 1, i == SHARE + 1);
    expect_only_cut(list, COUNT_OF(list), SHARE); /* the last one is proven by the kernel */
    end_all(list, COUNT_OF(list));
}

Test(server_connections, place_is_free_again)
{
    struct one list[SHARE], next;

    for (size_t i = 0; i < SHARE; i++)
        add(&list[i], 1, false);
    end(&list[0]);
    add(&next, 1, false);
    cr_expect(!is_cut(&next));
    end(&next);
    end_all(list + 1, SHARE - 1);
}

Test(server_connections, newcomer_gets_the_place_of_who_has_waited_longest)
{
    struct one list[LIMIT], next;

    fill(list, false);
    list[0].connection.since += 5 * SECOND; /* it came as the first, but was served meanwhile */
    add(&next, 1, false);
    expect_only_cut(list, LIMIT, 1);
    cr_expect(!is_cut(&next));
    end(&next);
    end_all(list, LIMIT);
}

Test(server_connections, network_with_most_loses_first)
{
    struct one list[LIMIT], next;

    for (size_t i = 0; i < LIMIT; i++)
        add(&list[i], (unsigned char)(i == 3 || i == 6 ? 1 : 100 + i), false);
    add(&next, 2, false);
    expect_only_cut(list, LIMIT, 3);
    end(&next);
    end_all(list, LIMIT);
}

Test(server_connections, stranger_loses_before_who_has_proved_himself)
{
    struct one list[LIMIT], next, another;

    fill(list, false);
    for (size_t i = 0; i < LIMIT - 1; i++)
        connections_prove(&list[i].connection);
    add(&next, 1, false);
    expect_only_cut(list, LIMIT, LIMIT - 1);
    add(&another, 2, false); /* and then the other newcomer, not one of them */
    cr_expect(is_cut(&next));
    expect_only_cut(list, LIMIT, LIMIT - 1);
    end(&next);
    end(&another);
    end_all(list, LIMIT);
}

Test(server_connections, what_is_being_answered_is_left_alone)
{
    struct one list[LIMIT], next;

    fill(list, false);
    for (size_t i = 0; i < LIMIT; i++)
        connections_enter(&list[i].connection, CONNECTION_ANSWERS, 0, 0);
    add(&next, 1, false);
    expect_only_cut(list, LIMIT, NONE);
    cr_expect(!is_cut(&next), "there is one more for a while");
    connections_enter(&list[4].connection, CONNECTION_BODY, 10, 0);
    connections_prove(&list[5].connection);
    connections_enter(&list[5].connection, CONNECTION_BODY, 10, 0);
    struct one another;
    connections_enter(&next.connection, CONNECTION_ANSWERS, 0, 0);
    add(&another, 2, false);
    expect_only_cut(list, LIMIT, 4);
    end(&another);
    end(&next);
    end_all(list, LIMIT);
}

/* Whether it is shut down so many seconds after now. */
static bool is_late(const struct one *one, long long began, long long seconds)
{
    connections_cut_late(all, began + seconds * SECOND);
    return is_cut(one);
}

Test(server_connections, head_has_its_time)
{
    struct one one;
    long long began = clock_microseconds();

    add(&one, 1, false);
    cr_expect(!is_late(&one, began, CONNECTIONS_HEAD_SECONDS - 1));
    cr_expect(is_late(&one, began, CONNECTIONS_HEAD_SECONDS + 1));
    end(&one);
}

/* Bytes that come one by one do not begin it anew: only how many there are counts. */
Test(server_connections, body_has_time_for_its_bytes)
{
    struct one one;
    long long began = clock_microseconds();

    add(&one, 1, false);
    for (size_t bytes = 0; bytes <= 8; bytes++)
        connections_enter(&one.connection, CONNECTION_BODY, CONNECTIONS_BODY_SECONDS, bytes);
    one.connection.since -= 5 * SECOND;
    connections_enter(&one.connection, CONNECTION_BODY, CONNECTIONS_BODY_SECONDS, 4 * CONNECTIONS_BYTES);
    cr_expect(!is_late(&one, began, CONNECTIONS_BODY_SECONDS + 4 - 5 - 1));
    cr_expect(is_late(&one, began, CONNECTIONS_BODY_SECONDS + 4 - 5 + 1));
    end(&one);
}

Test(server_connections, reply_has_time_for_its_bytes_and_the_answer_has_no_end)
{
    struct one one;
    long long began = clock_microseconds();

    add(&one, 1, false);
    connections_enter(&one.connection, CONNECTION_ANSWERS, 0, 0);
    cr_expect(!is_late(&one, began, 100000));
    connections_enter(&one.connection, CONNECTION_REPLY, CONNECTIONS_REPLY_SECONDS, 100 * CONNECTIONS_BYTES);
    cr_expect(!is_late(&one, began, CONNECTIONS_REPLY_SECONDS + 100 - 1));
    cr_expect(is_late(&one, began, CONNECTIONS_REPLY_SECONDS + 100 + 1));
    end(&one);
}

Test(server_connections, next_head_has_its_time_from_the_last_reply_on)
{
    struct one one;
    long long began = clock_microseconds();

    add(&one, 1, false);
    one.connection.since -= 8 * SECOND;
    connections_enter(&one.connection, CONNECTION_REPLY, CONNECTIONS_REPLY_SECONDS, 0);
    connections_enter(&one.connection, CONNECTION_WAITS, CONNECTIONS_IDLE_SECONDS, 0);
    cr_expect(!is_late(&one, began, CONNECTIONS_IDLE_SECONDS - 1));
    cr_expect(is_late(&one, began, CONNECTIONS_IDLE_SECONDS + 1));
    end(&one);
}

Test(server_connections, peer_that_is_gone_is_found_in_the_second_look)
{
    struct one one;
    long long began = clock_microseconds();

    add(&one, 1, false);
    shutdown(one.peer, SHUT_WR);
    connections_cut_late(all, began);
    cr_expect(!one.connection.cut, "libmicrohttpd may just be about to answer");
    connections_cut_late(all, began);
    cr_expect(one.connection.cut);
    end(&one);
}

/* It may have sent the last of its request just before. */
Test(server_connections, peer_that_is_gone_is_served_what_it_sent)
{
    struct one one;
    long long began = clock_microseconds();

    add(&one, 1, false);
    cr_assert_eq(write(one.peer, "GET", 3), 3);
    shutdown(one.peer, SHUT_WR);
    for (int i = 0; i < 3; i++)
        connections_cut_late(all, began);
    cr_expect(!one.connection.cut, "it is not read yet");
    connections_enter(&one.connection, CONNECTION_ANSWERS, 0, 0);
    char bytes[3];
    cr_assert_eq(read(one.ours, bytes, sizeof(bytes)), 3);
    for (int i = 0; i < 3; i++)
        connections_cut_late(all, began);
    cr_expect(!one.connection.cut, "it waits for its answer");
    end(&one);
}

Test(server_connections, end_waits_for_answers_and_replies_alone)
{
    static const enum connection_phase phases[] = {CONNECTION_WAITS, CONNECTION_BODY, CONNECTION_ANSWERS,
                                                   CONNECTION_REPLY};
    struct one list[COUNT_OF(phases)];

    for (size_t i = 0; i < COUNT_OF(phases); i++) {
        add(&list[i], (unsigned char)(i + 1), false);
        connections_enter(&list[i].connection, phases[i], 10, 0);
    }
    connections_cut_waiting(all);
    for (size_t i = 0; i < COUNT_OF(phases); i++)
        cr_expect_eq(is_cut(&list[i]), i < 2, "%zu", i);
    end_all(list, COUNT_OF(phases));
}
