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
#include "base/memory.h"
#include "server/http/terminal.h"
#include "server/http/websocket.h"

#define CHUNK    16384
#define LOOK_MS  1000
#define PER_ONE  2     /* descriptors */
#define OTHER_MS 10000 /* for a terminal's first line, and for the rest of what a VM said that has ended */

struct console {
    struct console *next;
    struct request_console *request;
    int client; /* libmicrohttpd's */
    struct MHD_UpgradeResponseHandle *handle;
    struct websocket websocket;
    struct terminal terminal;
    struct text to_client, to_vm;
    long long deadline; /* 0: none */
    bool vm_ended, ended;
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

static bool waits_for_line(const struct console *console)
{
    return console->request->line != NULL && !terminal_is_proven(&console->terminal);
}

/* Undoes a terminal's framing. */
static bool take_typed(struct console *console, const struct text *payload)
{
    bool waited = waits_for_line(console);

    if (!terminal_decode(&console->terminal, console->request->line, text_string(payload), payload->length,
                         &console->to_vm))
        return false;
    if (waited && !waits_for_line(console)) {
        autofree char *words = xasprintf("OK%s\r\n", console->request->greeting);
        websocket_encode(words, strlen(words), &console->to_client);
        console->deadline = 0;
    }
    return true;
}

static void take_from_client(struct console *console, const void *bytes, size_t length)
{
    autotext struct text payload = {0};
    bool terminal = console->request->line != NULL;

    if (!websocket_decode(&console->websocket, bytes, length, terminal ? &payload : &console->to_vm,
                          &console->to_client) ||
        console->websocket.closed || (terminal && !take_typed(console, &payload)))
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

static void take_from_vm(struct console *console)
{
    char bytes[CHUNK];
    ssize_t count = read_some(console->request->descriptor, bytes);

    if (count > 0)
        websocket_encode(bytes, (size_t)count, &console->to_client);
    console->vm_ended = count < 0;
    if (console->vm_ended)
        console->deadline = clock_milliseconds() + OTHER_MS;
}

static void carry(struct console *console, short client, short vm)
{
    char bytes[CHUNK];
    ssize_t count = 0;

    if ((client & (POLLIN | POLLHUP | POLLERR)) != 0 && (count = read_some(console->client, bytes)) > 0)
        take_from_client(console, bytes, (size_t)count);
    console->ended |= count < 0;
    if ((vm & (POLLIN | POLLHUP | POLLERR)) != 0)
        take_from_vm(console);
    if (!send_some(console->client, &console->to_client))
        console->ended = true;
    if (console->vm_ended)
        console->ended |= console->to_client.length == 0;
    else
        console->vm_ended = !send_some(console->request->descriptor, &console->to_vm);
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
    ret[1] = (struct pollfd){console->vm_ended || waits_for_line(console) ? -1 : console->request->descriptor,
                             events_of(&console->to_client, &console->to_vm), 0};
}

/* Root on this host needs no login. */
static bool is_still_known(struct access *access, const struct request_console *request)
{
    char standing[STANDING_SIZE];
    bool good = access_read_standing(access, &request->caller, standing);

    return (good || identity_is_root(&request->caller)) && strcmp(standing, request->standing) == 0;
}

static bool may_go_on(const struct consoles *consoles, const struct console *console)
{
    const struct request_console *request = console->request;

    return is_still_known(consoles->access, request) &&
           access_allows(consoles->access, &request->caller, request->path, "VM.Console") &&
           !console_port_is_stopped(request->port) &&
           (console->deadline == 0 || clock_milliseconds() < console->deadline);
}

static void look(struct consoles *consoles)
{
    for (struct console *console = consoles->list; console != NULL; console = console->next)
        console->ended |= !may_go_on(consoles, console);
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
    struct pollfd waited[1 + PER_ONE * CONSOLE_PORTS];
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
            look(consoles);
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

void consoles_add(struct consoles *consoles, struct request_console *request, int client,
                  struct MHD_UpgradeResponseHandle *handle, const void *bytes, size_t length)
{
    struct console *console = xcalloc(1, sizeof(*console));

    *console = (struct console){.request = request, .client = client, .handle = handle};
    console->deadline = request->line != NULL ? clock_milliseconds() + OTHER_MS : 0;
    fcntl(client, F_SETFL, fcntl(client, F_GETFL) | O_NONBLOCK);
    fcntl(request->descriptor, F_SETFL, fcntl(request->descriptor, F_GETFL) | O_NONBLOCK);
    take_from_client(console, bytes, length);
    pthread_mutex_lock(&consoles->mutex);
    bool stopping = consoles->stopping;
    if (!stopping) {
        console->next = consoles->list;
        consoles->list = console;
    }
    pthread_mutex_unlock(&consoles->mutex);
    if (stopping)
        free_console(console);
    else
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
