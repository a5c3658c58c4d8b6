/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages between front and broker: what arrives, and what does not. */
#include "broker/protocol.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/storage/fixture.h"

/* Both ends of a connection; `theirs` waits for nothing. */
struct line {
    int ours, theirs;
};

static void connect_line(struct line *line)
{
    int pair[2];

    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    *line = (struct line){pair[0], pair[1]};
}

static void cut_line(struct line *line)
{
    cleanup_close(&line->ours);
    cleanup_close(&line->theirs);
}
#define autoline __attribute__((cleanup(cut_line)))

static void expect_nothing(const struct line *line, enum error_kind kind, const char *part)
{
    json_t *message = (json_t *)line; /* anything: it must stay as it is */
    struct error err;

    cr_assert_eq(protocol_receive(line->theirs, &message, &err), -1);
    cr_assert_eq((const void *)message, (const void *)line);
    fixture_expect_error(&err, kind, part);
}

Test(protocol, a_message_arrives_whole_and_alone)
{
    autoline struct line line;
    json_t *first = NULL, *second = NULL;
    autojson json_t *a = fixture_json("{'operation': 'state', 'arguments': {'id': '0000:01:00.0'}}");
    autojson json_t *b = fixture_json("{'line': 1, 'text': 'h\u00e9'}");
    struct error err;

    connect_line(&line);
    cr_assert_eq(protocol_send(line.ours, a, &err), 0);
    cr_assert_eq(protocol_send(line.ours, b, &err), 0);
    cr_assert_eq(protocol_receive(line.theirs, &first, &err), 1);
    cr_assert_eq(protocol_receive(line.theirs, &second, &err), 1);
    fixture_expect_json(first, "{'operation': 'state', 'arguments': {'id': '0000:01:00.0'}}");
    fixture_expect_json(second, "{'line': 1, 'text': 'h\u00e9'}");
    expect_nothing(&line, ERROR_BUSY, "sent nothing");
}

Test(protocol, knows_that_the_other_side_hung_up)
{
    autoline struct line line;
    json_t *message;
    struct error err;

    connect_line(&line);
    close(line.ours);
    line.ours = -1;
    cr_assert_eq(protocol_receive(line.theirs, &message, &err), 0);
    autojson json_t *empty = json_object();
    cr_assert_eq(protocol_send(line.theirs, empty, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "Broken pipe");
}

/* The broker refuses some clients before it has read what they sent; the kernel then reports a connection
 * that was reset, ahead of the refusal. */
Test(protocol, a_refusal_is_read_although_nobody_read_the_question)
{
    autoline struct line line;
    autojson json_t *question = json_object(), *refusal = fixture_json("{'error': {}}");
    json_t *message = NULL;
    struct error err;

    connect_line(&line);
    cr_assert_eq(protocol_send(line.theirs, question, &err), 0);
    cr_assert_eq(protocol_send(line.ours, refusal, &err), 0);
    close(line.ours);
    line.ours = -1;
    cr_assert_eq(protocol_receive(line.theirs, &message, &err), 1, "%s", err.message);
    fixture_expect_json(message, "{'error': {}}");
    cr_assert_eq(protocol_receive(line.theirs, &message, &err), 0);
}

Test(protocol, refuses_what_is_no_object)
{
    static const char *const texts[] = {"rubbish",           "[]",          "1", "{\"a\": 1", "{} {}",
                                        "{\"a\":1,\"a\":2}", "{\"\xff\":1}"};
    autoline struct line line;

    connect_line(&line);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        cr_assert_gt(send(line.ours, texts[i], strlen(texts[i]), 0), 0);
        expect_nothing(&line, ERROR_UNREADABLE, "not a JSON object");
    }
    cr_assert_gt(send(line.ours, "{\0}", 3, 0), 0);
    expect_nothing(&line, ERROR_UNREADABLE, "not a JSON object");
}

/* A message that is nested without end is refused before the stack is used up. */
Test(protocol, refuses_what_is_too_deep)
{
    autoline struct line line;
    autofree char *brackets = xcalloc(1, 100001);

    connect_line(&line);
    memset(brackets, '[', 100000);
    autofree char *deep = xasprintf("{\"a\": %s", brackets);
    cr_assert_gt(send(line.ours, deep, strlen(deep), 0), 0);
    expect_nothing(&line, ERROR_UNREADABLE, "not a JSON object");
}

Test(protocol, refuses_what_is_too_long_and_goes_on)
{
    autoline struct line line;
    autofree char *large = xcalloc(1, PROTOCOL_MESSAGE_LIMIT + 1);
    autojson json_t *small = fixture_json("{'a': 1}");
    json_t *message = NULL;
    struct error err;

    connect_line(&line);
    memset(large, ' ', PROTOCOL_MESSAGE_LIMIT + 1);
    cr_assert_gt(send(line.ours, large, PROTOCOL_MESSAGE_LIMIT + 1, 0), 0);
    cr_assert_eq(protocol_send(line.ours, small, &err), 0);
    expect_nothing(&line, ERROR_TOO_LARGE, "131073 bytes");
    cr_assert_eq(protocol_receive(line.theirs, &message, &err), 1);
    fixture_expect_json(message, "{'a': 1}");
}

Test(protocol, sends_nothing_that_the_other_side_would_refuse)
{
    autoline struct line line;
    autofree char *large = xcalloc(1, PROTOCOL_MESSAGE_LIMIT + 1);
    struct error err;

    connect_line(&line);
    memset(large, 'x', PROTOCOL_MESSAGE_LIMIT);
    autojson json_t *message = json_pack("{s:s}", "a", large);
    cr_assert_eq(protocol_send(line.ours, message, &err), -1);
    fixture_expect_error(&err, ERROR_TOO_LARGE, "at most 131072");
    expect_nothing(&line, ERROR_BUSY, "sent nothing");
}

Test(protocol, says_that_there_is_no_room)
{
    autoline struct line line;
    autofree char *text = xcalloc(1, 50001);
    struct error err;
    int sent = 0;

    connect_line(&line);
    memset(text, 'x', 50000);
    autojson json_t *message = json_pack("{s:s}", "a", text);
    while (protocol_send(line.ours, message, &err) == 0)
        cr_assert_lt(++sent, 1000);
    cr_assert_gt(sent, 0);
    fixture_expect_error(&err, ERROR_BUSY, "does not read");
}

Test(protocol, an_error_is_the_same_on_both_sides)
{
    for (int kind = ERROR_FAILED; kind <= ERROR_BUSY; kind++) {
        struct error err = {.kind = (enum error_kind)kind, .field = "id", .message = "no such 'thing'"};
        autojson json_t *packed = protocol_pack_error(&err);
        struct error got;
        protocol_unpack_error(packed, &got);
        cr_assert_eq(got.kind, err.kind);
        cr_assert_str_eq(got.field, err.field);
        cr_assert_str_eq(got.message, err.message);
    }
}

Test(protocol, an_error_that_nobody_packed_is_a_failure)
{
    static const char *const texts[] = {"{}", "{'error': 1}", "{'error': {'kind': 'sad', 'message': 7}}"};

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        autojson json_t *message = fixture_json(texts[i]);
        struct error err;
        protocol_unpack_error(message, &err);
        fixture_expect_error(&err, ERROR_FAILED, "without a text");
        cr_assert_str_eq(err.field, "");
    }
}

/* A text that was cut in the middle of a character is sent all the same. */
Test(protocol, a_text_need_not_be_utf8)
{
    fixture_expect_json(protocol_text("caf\u00e9"), "'caf\u00e9'");
    fixture_expect_json(protocol_text("caf\xc3"), "'caf?'");
}

/* One thread that refuses and hangs up, again and again: to start one each time would take longer than all
 * else. */
struct refuser {
    struct line *line; /* NULL: no more */
    sem_t go, gone;
};

static void refuse(struct line *line)
{
    autojson json_t *refusal = fixture_json("{'error': {'message': 'no'}}");
    struct error err;

    protocol_send(line->theirs, refusal, &err);
    cleanup_close(&line->theirs);
}

static void *refuse_each(void *argument)
{
    struct refuser *refuser = argument;

    for (;;) {
        sem_wait(&refuser->go);
        if (refuser->line == NULL)
            return NULL;
        refuse(refuser->line);
        sem_post(&refuser->gone);
    }
}

static void hear_refusal(struct refuser *refuser, int round)
{
    autojson json_t *question = fixture_json("{'operation': 'state'}"), *answer = NULL;
    struct error err = {.message = ""};
    autoline struct line line;
    int got;

    connect_line(&line);
    cr_assert_eq(protocol_send(line.ours, question, &err), 0);
    refuser->line = &line;
    sem_post(&refuser->go);
    do
        got = protocol_receive(line.ours, &answer, &err);
    while (got < 0 && err.kind == ERROR_BUSY);
    sem_wait(&refuser->gone);
    cr_assert_eq(got, 1, "round %d: %s", round, err.message);
}

/* The kernel reports a reset in whichever call comes next, so this is tried often. */
Test(protocol, what_was_said_before_hanging_up_is_heard)
{
    struct refuser refuser;
    pthread_t thread;

    sem_init(&refuser.go, 0, 0);
    sem_init(&refuser.gone, 0, 0);
    cr_assert_eq(pthread_create(&thread, NULL, refuse_each, &refuser), 0);
    for (int i = 0; i < 3000; i++)
        hear_refusal(&refuser, i);
    refuser.line = NULL;
    sem_post(&refuser.go);
    pthread_join(thread, NULL);
}
