/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread of all consoles. */
#include "server/http/consoles.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "server/http/websocket.h"

#define CHUNK   16384
#define LOOK_MS 1000
#define PER_ONE 2 /* descriptors */

struct console {
    struct console *next;
    struct request_console *request;
    int client; /* libmicrohttpd's */
    struct MHD_UpgradeResponseHandle *handle;
    struct websocket websocket;
    struct text to_client, to_vm;
    bool ended;
};

struct consoles {
    struct access *access;
    pthread_t thread;
    int wake;
    pthread_mutex_t mutex; /* guards what follows */
    struct console *list;
    bool stopping;
};

static void free_console(struct console *console)
{
    MHD_upgrade_action(console->handle, MHD_UPGRADE_ACTION_CLOSE);
    request_console_free(console->request);
    text_release(&console->to_client);
    text_release(&console->to_vm);
    free(console);
}

static void wake(struct consoles *consoles)
{
    const uint64_t one = 1;
    ssize_t ignored = write(consoles->wake, &one, sizeof(one));

    (void)ignored;
}

/* Sends as much as goes. False: the other side is gone. */
static bool send_some(int socket, struct text *text)
{
    if (text->length == 0)
        return true;
    ssize_t sent = send(socket, text->data, text->length, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN || errno == EINTR;
    memmove(text->data, text->data + sent, text->length - (size_t)sent);
    text->length -= (size_t)sent;
    return true;
}

static void take_from_client(struct console *console, const void *bytes, size_t length)
{
    if (!websocket_decode(&console->websocket, bytes, length, &console->to_vm, &console->to_client) ||
        console->websocket.closed)
        console->ended = true;
}

/* What was read: > 0; 0: nothing now; -1: the end. */
static ssize_t read_some(int socket, char *bytes)
{
    ssize_t count = recv(socket, bytes, CHUNK, 0);

    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return count > 0 ? count : -1;
}

static void carry(struct console *console, short client, short vm)
{
    char bytes[CHUNK];
    ssize_t count = 0;

    if ((client & (POLLIN | POLLHUP | POLLERR)) != 0 && (count = read_some(console->client, bytes)) > 0)
        take_from_client(console, bytes, (size_t)count);
    console->ended |= count < 0;
    count = 0;
    if ((vm & (POLLIN | POLLHUP | POLLERR)) != 0 &&
        (count = read_some(console->request->descriptor, bytes)) > 0)
        websocket_encode(bytes, (size_t)count, &console->to_client);
    console->ended |= count < 0;
    if (!send_some(console->client, &console->to_client) ||
        !send_some(console->request->descriptor, &console->to_vm))
        console->ended = true;
}

static short events_of(const struct text *incoming, const struct text *outgoing)
{
    return (short)((incoming->length == 0 ? POLLIN : 0) | (outgoing->length > 0 ? POLLOUT : 0));
}

/* An answer to a ping is bounded by what was read, and no more is read before it is sent. */
static void fill(const struct console *console, struct pollfd ret[static PER_ONE])
{
    short from_client = console->to_client.length == 0 ? POLLIN : 0;

    ret[0] = (struct pollfd){
        console->client, (short)(events_of(&console->to_vm, &console->to_client) & (from_client | POLLOUT)),
        0};
    ret[1] =
        (struct pollfd){console->request->descriptor, events_of(&console->to_client, &console->to_vm), 0};
}

static void look_whether_allowed(struct consoles *consoles)
{
    for (struct console *console = consoles->list; console != NULL; console = console->next)
        if (!access_allows(consoles->access, &console->request->caller, console->request->path, "VM.Console"))
            console->ended = true;
}

static void free_ended(struct consoles *consoles)
{
    for (struct console **at = &consoles->list; *at != NULL;) {
        struct console *console = *at;
        if (!console->ended && !consoles->stopping) {
            at = &console->next;
            continue;
        }
        *at = console->next;
        free_console(console);
    }
}

/* Only this thread removes consoles; others add to the head of the list. */
static void *run(void *argument)
{
    struct consoles *consoles = argument;
    struct pollfd waited[1 + PER_ONE * CONSOLES_LIMIT];
    long long next_look = 0;

    pthread_mutex_lock(&consoles->mutex);
    while (!consoles->stopping || consoles->list != NULL) {
        struct console *first = consoles->list;
        size_t count = 1;
        uint64_t ignored;
        waited[0] = (struct pollfd){consoles->wake, POLLIN, 0};
        for (struct console *console = first; console != NULL; console = console->next, count += PER_ONE)
            fill(console, &waited[count]);
        pthread_mutex_unlock(&consoles->mutex);
        poll(waited, count, first != NULL ? LOOK_MS : -1);
        ssize_t drained = read(consoles->wake, &ignored, sizeof(ignored));
        (void)drained;
        count = 1;
        for (struct console *console = first; console != NULL; console = console->next, count += PER_ONE)
            carry(console, waited[count].revents, waited[count + 1].revents);
        pthread_mutex_lock(&consoles->mutex);
        if (clock_milliseconds() >= next_look) {
            look_whether_allowed(consoles);
            next_look = clock_milliseconds() + LOOK_MS;
        }
        free_ended(consoles);
    }
    pthread_mutex_unlock(&consoles->mutex);
    return NULL;
}

struct consoles *consoles_new(struct access *access)
{
    struct consoles *consoles = xcalloc(1, sizeof(*consoles));

    *consoles = (struct consoles){.access = access, .wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    pthread_mutex_init(&consoles->mutex, NULL);
    if (consoles->wake >= 0 && pthread_create(&consoles->thread, NULL, run, consoles) == 0)
        return consoles;
    if (consoles->wake >= 0)
        close(consoles->wake);
    free(consoles);
    return NULL;
}

static bool has_place(const struct consoles *consoles, const struct request_console *request)
{
    unsigned all = 0, own = 0;

    for (const struct console *console = consoles->list; console != NULL; console = console->next) {
        all++;
        own += strcmp(console->request->caller.user, request->caller.user) == 0;
    }
    return !consoles->stopping && all < CONSOLES_LIMIT && own < CONSOLES_USER_LIMIT;
}

void consoles_add(struct consoles *consoles, struct request_console *request, int client,
                  struct MHD_UpgradeResponseHandle *handle, const void *bytes, size_t length)
{
    struct console *console = xcalloc(1, sizeof(*console));

    *console = (struct console){.request = request, .client = client, .handle = handle};
    fcntl(client, F_SETFL, fcntl(client, F_GETFL) | O_NONBLOCK);
    fcntl(request->descriptor, F_SETFL, fcntl(request->descriptor, F_GETFL) | O_NONBLOCK);
    take_from_client(console, bytes, length);
    pthread_mutex_lock(&consoles->mutex);
    bool taken = has_place(consoles, request);
    if (taken) {
        console->next = consoles->list;
        consoles->list = console;
    }
    pthread_mutex_unlock(&consoles->mutex);
    if (!taken) {
        log_warning("a console of %s is closed: at most %d of a user, and %d of all, are open at once",
                    request->caller.user, CONSOLES_USER_LIMIT, CONSOLES_LIMIT);
        free_console(console);
        return;
    }
    wake(consoles);
}

void consoles_stop(struct consoles *consoles)
{
    pthread_mutex_lock(&consoles->mutex);
    consoles->stopping = true;
    pthread_mutex_unlock(&consoles->mutex);
    wake(consoles);
    pthread_join(consoles->thread, NULL);
}

void consoles_free(struct consoles *consoles)
{
    if (consoles == NULL)
        return;
    close(consoles->wake);
    pthread_mutex_destroy(&consoles->mutex);
    free(consoles);
}
