/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The broker's clients. */
#include "broker/daemon/client.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "broker/daemon/id.h"
#include "broker/daemon/job_run.h"
#include "broker/daemon/state.h"
#include "broker/daemon/turns.h"
#include "broker/protocol.h"

#define SEND_BUFFER ((int)PROTOCOL_MESSAGE_LIMIT * 2) /* the longest message fits */
#define REFUSAL_MS  1000

#define ARGUMENT_OPERATION                                                                                   \
    {.name = "id",                                                                                           \
     .type = SCHEMA_STRING,                                                                                  \
     .pattern = "[!-~]+",                                                                                    \
     .max_length = ID_LIMIT,                                                                                 \
     .text = "The id of an operation."}

const struct schema operation_follow_arguments[] = {ARGUMENT_OPERATION,
                                                    {.name = "after",
                                                     .type = SCHEMA_INTEGER,
                                                     .optional = true,
                                                     .fallback = "0",
                                                     .range = RANGE(0, 1000000),
                                                     .text = "The number of lines that are known already."},
                                                    {.name = NULL}};
const struct operation operation_follow = {
    .name = "follow",
    .text = "Sends the log and the end of an operation.",
    .arguments = operation_follow_arguments,
};

const struct schema operation_stop_arguments[] = {ARGUMENT_OPERATION, {.name = NULL}};
const struct operation operation_stop = {
    .name = "stop",
    .text = "Lets an operation end after its current step and undo what it did.",
    .arguments = operation_stop_arguments,
};

struct client {
    struct client *next;
    struct clients *clients;
    int socket; /* -1: we have hung up */
    pid_t pid;
    uid_t uid;
    struct loop_timer timer; /* for its request, or for reading */
    bool asked;              /* its request was read */
    bool blocked;            /* it does not read what we send */
    int64_t number;          /* the operation that it follows, in the journal; 0: none */
    int line;                /* the next one to send */
    struct job *reading;     /* whose answer it waits for */
    json_t *arguments;       /* of an operation that takes turns; NULL: it does not */
    const struct operation *operation;
    bool waiting;   /* for its turn */
    json_t *answer; /* the last message, to be sent */
    int given;      /* a descriptor that goes with it; -1: none */
};

struct clients {
    struct loop *loop;
    struct jobs *jobs;
    int listener; /* -1: nobody is accepted any more */
    uid_t users[CLIENT_USERS];
    struct client *list;
    unsigned count;
    unsigned waiting; /* for their turn */
    struct rest *rests;
    struct loop_timer turn; /* when the next one may begin */
    long long refused_at;   /* when a refusal was logged last; 0: never */
};

static void on_connection(void *context, short events);
static void on_socket(void *context, short events);

static void hang_up(struct client *client)
{
    struct clients *clients = client->clients;

    if (client->socket < 0)
        return;
    loop_unwatch(clients->loop, client->socket);
    loop_cancel_timer(clients->loop, &client->timer);
    close(client->socket);
    client->socket = -1;
    clients->waiting -= client->waiting;
    client->waiting = false;
    if (client->reading == NULL)
        return;
    client->reading->answer = NULL;
    if (client->arguments != NULL)
        turns_note_failure(&clients->rests, client->operation, client->arguments, clock_milliseconds());
}

static void on_timer(void *context)
{
    hang_up(context);
}

static void watch(struct client *client)
{
    loop_watch(client->clients->loop, client->socket, (short)(client->blocked ? POLLIN | POLLOUT : POLLIN),
               on_socket, client);
}

static void set_timer(struct client *client)
{
    loop_set_timer(client->clients->loop, &client->timer, CLIENT_SECONDS * 1000LL, on_timer, client);
}

struct clients *clients_new(struct loop *loop, struct jobs *jobs, int listener,
                            const uid_t users[static CLIENT_USERS])
{
    struct clients *clients = xcalloc(1, sizeof(*clients));

    *clients = (struct clients){.loop = loop, .jobs = jobs, .listener = listener};
    memcpy(clients->users, users, sizeof(clients->users));
    loop_watch(loop, listener, POLLIN, on_connection, clients);
    return clients;
}

void clients_free_ended(struct clients *clients)
{
    unsigned before = clients->count;

    for (struct client **at = &clients->list; *at != NULL;) {
        struct client *client = *at;
        if (client->socket >= 0) {
            at = &client->next;
            continue;
        }
        *at = client->next;
        if (client->given >= 0)
            close(client->given);
        json_decref(client->answer);
        json_decref(client->arguments);
        free(client);
        clients->count--;
    }
    if (clients->listener >= 0 && clients->count < before)
        loop_watch(clients->loop, clients->listener, POLLIN, on_connection, clients);
}

void clients_free(struct clients *clients)
{
    if (clients == NULL)
        return;
    clients_refuse_more(clients);
    for (struct client *client = clients->list; client != NULL; client = client->next)
        hang_up(client);
    clients_free_ended(clients);
    loop_cancel_timer(clients->loop, &clients->turn);
    turns_forget(&clients->rests, LLONG_MAX);
    free(clients);
}

void clients_refuse_more(struct clients *clients)
{
    if (clients->listener < 0)
        return;
    loop_unwatch(clients->loop, clients->listener);
    close(clients->listener);
    clients->listener = -1;
}

bool clients_wait_for_answers(const struct clients *clients)
{
    for (const struct client *client = clients->list; client != NULL; client = client->next)
        if (client->socket >= 0 && client->answer != NULL)
            return true;
    return false;
}

static bool is_allowed(const struct clients *clients, uid_t uid)
{
    for (size_t i = 0; i < CLIENT_USERS; i++)
        if (clients->users[i] == uid)
            return true;
    return false;
}

static void refuse(struct clients *clients, int socket, uid_t uid)
{
    long long now = clock_milliseconds();
    struct error err, ignored;

    error_set(
        &err, ERROR_FORBIDDEN,
        "the broker does not answer user %u: only root, and the user that `hostpci broker --user` names",
        (unsigned)uid);
    autojson json_t *message = protocol_pack_error(&err);
    protocol_send(socket, message, &ignored);
    /* somebody who connects again and again must not fill the log */
    if (clients->refused_at != 0 && now < clients->refused_at + REFUSAL_MS)
        return;
    clients->refused_at = now;
    log_warning("user %u asked the broker and was refused", (unsigned)uid);
}

static void on_connection(void *context, short events)
{
    struct clients *clients = context;
    autoclose int fd = accept4(clients->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    const int send_buffer = SEND_BUFFER;
    struct ucred peer;
    socklen_t size = sizeof(peer);

    (void)events;
    if (fd < 0)
        return;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof(send_buffer)) != 0)
        return;
    if (!is_allowed(clients, peer.uid)) {
        refuse(clients, fd, peer.uid);
        return;
    }
    struct client *client = xcalloc(1, sizeof(*client));
    *client = (struct client){.next = clients->list,
                              .clients = clients,
                              .socket = fd,
                              .pid = peer.pid,
                              .uid = peer.uid,
                              .line = 1,
                              .given = -1};
    fd = -1;
    clients->list = client;
    watch(client);
    set_timer(client);
    if (++clients->count >= CLIENT_LIMIT)
        loop_unwatch(clients->loop, clients->listener);
}

/* False: not now, or never. */
static bool send_message(struct client *client, const json_t *message, int descriptor)
{
    bool blocked = client->blocked;
    struct error err;

    if (protocol_send_descriptor(client->socket, message, descriptor, &err) == 0) {
        loop_cancel_timer(client->clients->loop, &client->timer);
        client->blocked = false;
    } else if (err.kind == ERROR_BUSY) {
        if (!blocked)
            set_timer(client);
        client->blocked = true;
    } else {
        hang_up(client);
        return false;
    }
    if (client->blocked != blocked)
        watch(client);
    return !client->blocked;
}

static void send_lines(struct client *client)
{
    struct journal *journal = client->clients->jobs->journal;
    struct error err;

    for (;;) {
        autofree char *text = NULL;
        if (journal_read_line(journal, client->number, client->line, &text, &err) <= 0)
            break;
        autojson json_t *message = json_pack("{s:i, s:o}", "line", client->line, "text", protocol_text(text));
        if (!send_message(client, message, -1))
            return;
        client->line++;
    }
    if (journal_read_end(journal, client->number, &client->answer, &err) < 0)
        client->answer = protocol_pack_error(&err);
}

/* Sends everything that is ready, as far as the client reads it. */
static void send_all(struct client *client)
{
    if (client->number != 0 && client->answer == NULL)
        send_lines(client);
    if (client->answer != NULL && client->socket >= 0 && send_message(client, client->answer, client->given))
        hang_up(client);
}

void clients_send_news(struct clients *clients, int64_t number)
{
    for (struct client *client = clients->list; client != NULL; client = client->next)
        if (client->number == number && client->socket >= 0 && !client->blocked)
            send_all(client);
}

/* The job's answer, or an error if that takes too long. */
static void on_answer(void *reader, json_t *answer)
{
    struct client *client = reader;

    client->given = client->reading->given;
    client->reading->given = -1;
    client->reading = NULL;
    client->answer = answer;
    if (client->arguments != NULL && json_object_get(answer, "error") != NULL)
        turns_note_failure(&client->clients->rests, client->operation, client->arguments,
                           clock_milliseconds());
    send_all(client);
}

static int answer_told(struct client *client, const struct operation *operation, const json_t *arguments,
                       struct error *err)
{
    json_t *told;

    if (state_tell(client->clients->jobs, operation, arguments, &told, err) != 0)
        return -1;
    client->answer = json_pack("{s:o}", "result", told);
    return 0;
}

static int answer_follow(struct client *client, const json_t *arguments, struct error *err)
{
    const char *id = json_string_value(json_object_get(arguments, "id"));

    client->line = (int)json_integer_value(json_object_get(arguments, "after")) + 1;
    return journal_find(client->clients->jobs->journal, id, &client->number, err);
}

static int answer_stop(struct client *client, const json_t *arguments, struct error *err)
{
    const char *id = json_string_value(json_object_get(arguments, "id"));
    struct job *job = job_find(client->clients->jobs, id);

    if (job == NULL)
        return error_set(err, ERROR_NOT_FOUND, "no operation '%.200s' runs", id);
    job_stop(job);
    client->answer = json_pack("{s:{}}", "result");
    return 0;
}

static int start_reading(struct client *client, const struct operation *operation, const json_t *arguments,
                         struct error *err)
{
    struct job *job;

    if (job_start(client->clients->jobs, operation, NULL, json_deep_copy(arguments), &job, err) != 0)
        return -1;
    job->answer = on_answer;
    job->reader = client;
    client->reading = job;
    return 0;
}

/* The client that has waited longest of those that may begin; NULL: none may. *ret_wait says when to look
 * again, unless an operation ends before; 0: never. */
static struct client *find_next(const struct clients *clients, long long *ret_wait)
{
    long long now = clock_milliseconds();
    struct client *next = NULL;

    *ret_wait = 0;
    for (struct client *client = clients->list; client != NULL; client = client->next) {
        if (!client->waiting)
            continue;
        long long wait = turns_wait(clients->rests, clients->jobs, client->operation, client->arguments, now);
        if (wait == 0)
            next = client; /* the newest come first */
        else if (wait > 0 && (*ret_wait == 0 || wait < *ret_wait))
            *ret_wait = wait;
    }
    return next;
}

static void on_turn(void *context)
{
    clients_take_turns(context);
}

void clients_take_turns(struct clients *clients)
{
    long long wait = 0;
    struct error err;

    turns_forget(&clients->rests, clock_milliseconds());
    for (struct client *client; clients->waiting > 0 && (client = find_next(clients, &wait)) != NULL;) {
        client->waiting = false;
        clients->waiting--;
        if (start_reading(client, client->operation, client->arguments, &err) != 0) {
            client->answer = protocol_pack_error(&err);
            send_all(client);
        }
    }
    if (wait > 0)
        loop_set_timer(clients->loop, &clients->turn, wait, on_turn, clients);
}

static int start(struct client *client, const struct operation *operation, const char *id,
                 const json_t *arguments, struct error *err)
{
    struct clients *clients = client->clients;
    struct job *job;

    if (clients->listener < 0)
        return error_set(err, ERROR_BUSY, "the broker is ending: ask the next one");
    if (operation->turn != NULL) {
        client->operation = operation;
        client->arguments = json_deep_copy(arguments);
        client->waiting = true;
        clients->waiting++; /* clients_take_turns comes before the loop waits again */
        return 0;
    }
    if (!operation->changes)
        return start_reading(client, operation, arguments, err);
    if (id_check(id, err) != 0 ||
        job_start(clients->jobs, operation, id, json_deep_copy(arguments), &job, err) != 0)
        return -1;
    autofree char *text = json_dumps(arguments, JSON_COMPACT | JSON_SORT_KEYS);
    log_info("%s '%s' for user %u, process %d: %s", operation->name, id, (unsigned)client->uid,
             (int)client->pid, text);
    client->number = job->number;
    return 0;
}

static int handle_request(struct client *client, json_t *request, struct error *err)
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
    if (operation == &operation_follow)
        return answer_follow(client, arguments, err);
    if (operation == &operation_stop)
        return answer_stop(client, arguments, err);
    if (operation->run == NULL)
        return answer_told(client, operation, arguments, err);
    return start(client, operation, id, arguments, err);
}

static void receive_request(struct client *client)
{
    autojson json_t *request = NULL;
    struct error err;
    int got = protocol_receive(client->socket, &request, &err);

    if (got < 0 && err.kind == ERROR_BUSY)
        return;
    if (got == 0 || (got < 0 && err.kind == ERROR_FAILED)) {
        hang_up(client);
        return;
    }
    client->asked = true;
    loop_cancel_timer(client->clients->loop, &client->timer);
    if (got < 0 || handle_request(client, request, &err) != 0) {
        log_warning("a request of user %u, process %d was refused: %s", (unsigned)client->uid,
                    (int)client->pid, err.message);
        json_decref(client->answer);
        client->answer = protocol_pack_error(&err);
    }
    send_all(client);
}

static void on_socket(void *context, short events)
{
    struct client *client = context;

    if ((events & POLLOUT) != 0)
        send_all(client);
    if ((events & ~POLLOUT) == 0 || client->socket < 0)
        return;
    if (!client->asked)
        receive_request(client);
    else
        hang_up(client); /* it hung up itself, or has more than one request */
}
