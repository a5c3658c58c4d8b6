/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients of the broker. */
#include "broker/daemon/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "broker/daemon/loop.h"
#include "broker/protocol.h"

#define SEND_BUFFER ((int)PROTOCOL_MESSAGE_LIMIT * 2) /* the longest message fits */
#define REFUSAL_MS  1000

static bool is_allowed(const struct loop *loop, uid_t uid)
{
    for (size_t i = 0; i < COUNT_OF(loop->users); i++)
        if (loop->users[i] == uid)
            return true;
    return false;
}

/* Whoever connects without end does not fill the log. */
static void log_refusal(struct loop *loop, uid_t uid)
{
    int64_t now = loop_clock();

    if (loop->refused != 0 && now < loop->refused + REFUSAL_MS)
        return;
    loop->refused = now;
    log_warning("user %u asked the broker and was refused", (unsigned)uid);
}

static void refuse(int socket, uid_t uid)
{
    struct error err, ignored;

    error_set(
        &err, ERROR_FORBIDDEN,
        "the broker does not answer user %u: only root, and the user that `hostpci broker --user` names",
        (unsigned)uid);
    autojson json_t *message = protocol_pack_error(&err);
    protocol_send(socket, message, &ignored);
}

void client_accept(struct loop *loop)
{
    autoclose int fd = accept4(loop->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    const int send_buffer = SEND_BUFFER;
    struct ucred peer;
    socklen_t size = sizeof(peer);

    if (fd < 0)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer)) != 0)
        return;
    if (!is_allowed(loop, peer.uid)) {
        refuse(fd, peer.uid);
        log_refusal(loop, peer.uid);
        return;
    }
    struct client *client = xcalloc(1, sizeof(*client));
    *client = (struct client){.next = loop->clients,
                              .socket = fd,
                              .pid = peer.pid,
                              .uid = peer.uid,
                              .line = 1,
                              .deadline = loop_clock() + (int64_t)CLIENT_SECONDS * 1000};
    fd = -1;
    loop->clients = client;
    loop->client_count++;
}

void client_free(struct client *client)
{
    if (client->job != NULL)
        client->job->client = NULL;
    json_decref(client->answer);
    close(client->socket);
    free(client);
}

/* false: not now, or never. */
static bool send_message(struct client *client, const json_t *message)
{
    struct error err;

    if (protocol_send(client->socket, message, &err) == 0) {
        client->blocked = false;
        client->deadline = INT64_MAX;
        return true;
    }
    if (err.kind != ERROR_BUSY)
        client->over = true;
    else if (!client->blocked)
        client->deadline = loop_clock() + (int64_t)CLIENT_SECONDS * 1000;
    client->blocked = true;
    return false;
}

/* 1: sent; 0: there is none; -1: not now. */
static int send_line(struct loop *loop, struct client *client, struct error *err)
{
    autofree char *text = NULL;

    int found = journal_read_line(loop->journal, client->number, client->line, &text, err);
    if (found <= 0)
        return 0;
    autojson json_t *message = json_pack("{s:i, s:o}", "line", client->line, "text", protocol_text(text));
    if (!send_message(client, message))
        return -1;
    client->line++;
    return 1;
}

static void send_lines(struct loop *loop, struct client *client)
{
    struct error err;
    int sent;

    while ((sent = send_line(loop, client, &err)) > 0)
        continue;
    if (sent == 0 && journal_read_end(loop->journal, client->number, &client->answer, &err) < 0)
        client->answer = protocol_pack_error(&err);
}

void client_send(struct loop *loop, struct client *client)
{
    if (client->over)
        return;
    if (client->number != 0 && client->answer == NULL)
        send_lines(loop, client);
    if (client->answer != NULL && !client->over && send_message(client, client->answer))
        client->over = true;
}

void client_send_all(struct loop *loop, int64_t number)
{
    for (struct client *client = loop->clients; client != NULL; client = client->next)
        if (client->number == number && !client->blocked)
            client_send(loop, client);
}

void client_answer(struct loop *loop, struct client *client, json_t *answer)
{
    client->answer = answer;
    client_send(loop, client);
}

static int answer_state(struct loop *loop, struct client *client, const json_t *arguments, struct error *err)
{
    json_t *state;

    if (loop_describe(loop, json_string_value(json_object_get(arguments, "id")), &state, err) != 0)
        return -1;
    client->answer = json_pack("{s:o}", "result", state);
    return 0;
}

static int answer_follow(struct loop *loop, struct client *client, const json_t *arguments, struct error *err)
{
    const char *id = json_string_value(json_object_get(arguments, "id"));

    client->line = (int)json_integer_value(json_object_get(arguments, "after")) + 1;
    return journal_find(loop->journal, id, &client->number, err);
}

static int answer_stop(struct loop *loop, struct client *client, const json_t *arguments, struct error *err)
{
    const char *id = json_string_value(json_object_get(arguments, "id"));
    struct job *job = job_find(loop, id);

    if (job == NULL)
        return error_set(err, ERROR_NOT_FOUND, "no operation '%.200s' runs", id);
    job->stop = true;
    job_log(loop, job, "asked to stop");
    client->answer = json_pack("{s:{}}", "result");
    return 0;
}

/* What the broker answers itself. */
static const struct {
    const char *operation;
    int (*answer)(struct loop *loop, struct client *client, const json_t *arguments, struct error *err);
} answers[] = {{"state", answer_state}, {"follow", answer_follow}, {"stop", answer_stop}};

static int answer(struct loop *loop, struct client *client, const struct operation *operation,
                  const json_t *arguments, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(answers); i++)
        if (strcmp(answers[i].operation, operation->name) == 0)
            return answers[i].answer(loop, client, arguments, err);
    return error_set(err, ERROR_FAILED, "the broker has no answer to '%s'", operation->name);
}

static int check_id(const char *id, struct error *err)
{
    if (id == NULL || id[0] == '\0' || strlen(id) > 511)
        return error_set(err, ERROR_INVALID,
                         "an operation that changes something needs an 'id' of at most 511 "
                         "bytes");
    for (const char *c = id; *c != '\0'; c++)
        if (*c < '!' || *c > '~')
            return error_set(err, ERROR_INVALID,
                             "the 'id' of an operation is printable ASCII without blanks");
    return 0;
}

static int start(struct loop *loop, struct client *client, const struct operation *operation, const char *id,
                 const json_t *arguments, struct error *err)
{
    autofree char *text = json_dumps(arguments, JSON_COMPACT | JSON_SORT_KEYS);

    if (loop->deadline != 0)
        return error_set(err, ERROR_BUSY, "the broker is ending: ask the next one");
    if (!operation->changes)
        return job_start(loop, operation, NULL, json_deep_copy(arguments), client, err);
    if (check_id(id, err) != 0 || job_start(loop, operation, id, json_deep_copy(arguments), NULL, err) != 0)
        return -1;
    log_info("%s '%s' for user %u, process %d: %s", operation->name, id, (unsigned)client->uid,
             (int)client->pid, text);
    return journal_find(loop->journal, id, &client->number, err);
}

static int take_request(struct loop *loop, struct client *client, json_t *request, struct error *err)
{
    const char *name = NULL, *id = NULL;
    json_t *given = NULL;
    json_error_t reason;

    if (json_unpack_ex(request, &reason, JSON_STRICT, "{s:s, s?s, s?o}", "operation", &name, "id", &id,
                       "arguments", &given) != 0 ||
        (given != NULL && !json_is_object(given)))
        return error_set(err, ERROR_INVALID, "a request is {operation, id?, arguments?}: %s", reason.text);
    const struct operation *operation = operation_find(name);
    if (operation == NULL)
        return error_set(err, ERROR_NOT_FOUND, "the broker has no operation '%.60s'", name);
    autojson json_t *arguments = given != NULL ? json_incref(given) : json_object();
    if (operation_check(operation, arguments, err) != 0)
        return -1;
    if (operation->run == NULL)
        return answer(loop, client, operation, arguments, err);
    return start(loop, client, operation, id, arguments, err);
}

static void hear_request(struct loop *loop, struct client *client)
{
    autojson json_t *request = NULL;
    struct error err;
    int got = protocol_receive(client->socket, &request, &err);

    if (got < 0 && err.kind == ERROR_BUSY)
        return;
    if (got == 0 || (got < 0 && err.kind == ERROR_FAILED)) {
        client->over = true;
        return;
    }
    client->asked = true;
    client->deadline = INT64_MAX;
    if (got < 0 || take_request(loop, client, request, &err) != 0) {
        log_warning("a request of user %u, process %d was refused: %s", (unsigned)client->uid,
                    (int)client->pid, err.message);
        json_decref(client->answer);
        client->answer = protocol_pack_error(&err);
    }
    client_send(loop, client);
}

void client_hear(struct loop *loop, struct client *client)
{
    if (!client->asked)
        hear_request(loop, client);
    else
        client->over = true; /* it hung up, or says more than one request */
}
