/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Consoles of VMs, from the ticket to the end. */
#include "api/console.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/vnc_ticket.h"
#include "base/clock.h"
#include "base/memory.h"

#define LOOK_MS     500
#define LEADS_TO    16
#define TICKET_SIZE 512

enum state { FREE, TAKEN, WAITS, OPEN, CLOSED };

struct console_port {
    struct console_ports *ports;
    enum state state;
    char user[USERID_SIZE], leads_to[LEADS_TO], ticket[TICKET_SIZE];
    long long deadline; /* until which it waits */
    bool stopped, failed;
    struct error failure;
};

struct console_ports {
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    unsigned next;
    bool stopping;
    struct console_port all[CONSOLE_PORTS];
};

struct console_ports *console_ports_new(void)
{
    struct console_ports *ports = xcalloc(1, sizeof(*ports));
    pthread_condattr_t monotonic;

    pthread_mutex_init(&ports->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&ports->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (size_t i = 0; i < CONSOLE_PORTS; i++)
        ports->all[i].ports = ports;
    return ports;
}

void console_ports_free(struct console_ports *ports)
{
    if (ports == NULL)
        return;
    pthread_cond_destroy(&ports->changed);
    pthread_mutex_destroy(&ports->lock);
    free(ports);
}

void console_ports_stop(struct console_ports *ports)
{
    if (ports == NULL)
        return;
    pthread_mutex_lock(&ports->lock);
    ports->stopping = true;
    pthread_cond_broadcast(&ports->changed);
    pthread_mutex_unlock(&ports->lock);
}

static void set_state(struct console_port *port, enum state state)
{
    pthread_mutex_lock(&port->ports->lock);
    port->state = state;
    pthread_cond_broadcast(&port->ports->changed);
    pthread_mutex_unlock(&port->ports->lock);
}

/* The next free one in turn, so that a number is not used again at once. */
static struct console_port *find_free(struct console_ports *ports)
{
    for (unsigned i = 0; i < CONSOLE_PORTS; i++) {
        unsigned number = (ports->next + i) % CONSOLE_PORTS;
        if (ports->all[number].state == FREE) {
            ports->next = number + 1;
            return &ports->all[number];
        }
    }
    return NULL;
}

static unsigned count_of(const struct console_ports *ports, const char *user)
{
    unsigned count = 0;

    for (size_t i = 0; i < CONSOLE_PORTS; i++)
        count += ports->all[i].state != FREE && strcmp(ports->all[i].user, user) == 0;
    return count;
}

int console_port_take(struct console_ports *ports, const struct identity *caller, const char *leads_to,
                      struct console_port **ret, struct error *err)
{
    int result = 0;

    pthread_mutex_lock(&ports->lock);
    struct console_port *port = find_free(ports);
    if (count_of(ports, caller->user) >= CONSOLE_USER_LIMIT)
        result =
            error_set(err, ERROR_BUSY,
                      "%s has asked for %d consoles: close one, or try again when their tasks have ended",
                      caller->user, CONSOLE_USER_LIMIT);
    else if (port == NULL)
        result = error_set(err, ERROR_BUSY, "all %d consoles are in use: try again when one is closed",
                           CONSOLE_PORTS);
    else {
        *port = (struct console_port){.ports = ports, .state = TAKEN};
        snprintf(port->user, sizeof(port->user), "%s", caller->user);
        snprintf(port->leads_to, sizeof(port->leads_to), "%s", leads_to);
        *ret = port;
    }
    pthread_mutex_unlock(&ports->lock);
    return result;
}

int console_port_number(const struct console_port *port)
{
    return CONSOLE_FIRST_PORT + (int)(port - port->ports->all);
}

const char *console_port_leads_to(const struct console_port *port)
{
    return port->leads_to;
}

void console_port_give_back(struct console_port *port)
{
    set_state(port, FREE);
}

/* Why nobody may open it any more; false if it is closed, is open or still waits. With the lock held. */
static bool has_failed(const struct console_port *port, const struct task *task, struct error *err)
{
    if (port->state != WAITS)
        return false;
    if (task_is_stopped(task))
        error_set(err, ERROR_FAILED, "interrupted by signal");
    else if (port->ports->stopping)
        error_set(err, ERROR_FAILED, "hostpci is stopping");
    else if (clock_milliseconds() >= port->deadline)
        error_set(err, ERROR_FAILED, "connection timed out");
    else
        return false;
    return true;
}

static int wait_for_end(struct task *task, void *argument, struct error *err)
{
    struct console_port *port = argument;
    struct console_ports *ports = port->ports;
    bool failed = false;

    pthread_mutex_lock(&ports->lock);
    while (port->state != CLOSED && !(failed = has_failed(port, task, err))) {
        struct timespec next_look = clock_after(LOOK_MS);
        port->stopped |= task_is_stopped(task);
        pthread_cond_timedwait(&ports->changed, &ports->lock, &next_look);
    }
    if (port->failed)
        *err = port->failure;
    failed |= port->failed;
    port->state = FREE;
    pthread_mutex_unlock(&ports->lock);
    return failed ? -1 : 0;
}

int console_port_begin(struct console_port *port, struct tasks *tasks, const struct task_start *start,
                       const char *ticket, char ret_upid[static UPID_SIZE], struct error *err)
{
    struct task_start task = *start;

    task.type = "vncproxy";
    task.run = wait_for_end;
    task.argument = port;
    snprintf(port->ticket, sizeof(port->ticket), "%s", ticket);
    port->deadline = clock_milliseconds() + VNC_TICKET_SECONDS * 1000LL;
    set_state(port, WAITS);
    return task_begin(tasks, &task, ret_upid, err);
}

struct console_port *console_port_open(struct console_ports *ports, long long number, const char *ticket)
{
    struct console_port *port = NULL;

    if (number < CONSOLE_FIRST_PORT || number >= CONSOLE_FIRST_PORT + CONSOLE_PORTS)
        return NULL;
    pthread_mutex_lock(&ports->lock);
    struct console_port *asked = &ports->all[number - CONSOLE_FIRST_PORT];
    if (asked->state == WAITS && strcmp(asked->ticket, vnc_ticket_start(ticket)) == 0) {
        port = asked;
        port->state = OPEN;
    }
    pthread_mutex_unlock(&ports->lock);
    return port;
}

bool console_port_is_stopped(struct console_port *port)
{
    pthread_mutex_lock(&port->ports->lock);
    bool stopped = port->stopped;
    pthread_mutex_unlock(&port->ports->lock);
    return stopped;
}

void console_port_close(struct console_port *port, const struct error *failure)
{
    pthread_mutex_lock(&port->ports->lock);
    port->failed = failure != NULL;
    if (port->failed)
        port->failure = *failure;
    port->state = CLOSED;
    pthread_cond_broadcast(&port->ports->changed);
    pthread_mutex_unlock(&port->ports->lock);
}

void request_console_free(struct request_console *console)
{
    if (console == NULL)
        return;
    if (console->descriptor >= 0)
        close(console->descriptor);
    console_port_close(console->port, console->failure.message[0] != '\0' ? &console->failure : NULL);
    free(console->path);
    free(console->line);
    free(console->greeting);
    free(console);
}
