/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The supervisor's monitor of its QEMU. */
#include "broker/machine/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "broker/machine/machine.h"

#define LINE_LIMIT ((size_t)64 * 1024)

struct monitor {
    int socket;
    const char *folder;
    struct text line;
    json_t *state;
};

struct monitor *monitor_new(int socket, const char *folder)
{
    struct monitor *monitor = xcalloc(1, sizeof(*monitor));

    *monitor = (struct monitor){.socket = socket, .folder = folder, .state = json_object()};
    fcntl(socket, F_SETFL, O_NONBLOCK);
    return monitor;
}

static void give_up(struct monitor *monitor)
{
    if (monitor->socket >= 0)
        close(monitor->socket);
    monitor->socket = -1;
}

void monitor_free(struct monitor *monitor)
{
    if (monitor == NULL)
        return;
    give_up(monitor);
    text_release(&monitor->line);
    json_decref(monitor->state);
    free(monitor);
}

int monitor_descriptor(const struct monitor *monitor)
{
    return monitor->socket;
}

static void say(const struct monitor *monitor, const char *line)
{
    if (send(monitor->socket, line, strlen(line), MSG_NOSIGNAL) < 0)
        log_error("cannot tell QEMU what to do: %s", strerror(errno));
}

static void write_state(const struct monitor *monitor)
{
    struct error err;

    if (machine_save(monitor->folder, "state", monitor->state, &err) != 0)
        log_error("%s", err.message);
}

static void note_version(struct monitor *monitor, const json_t *greeting)
{
    json_int_t major = 0, minor = 0, micro = 0;

    if (json_unpack((json_t *)greeting, "{s:{s:{s:{s:I, s:I, s:I}}}}", "QMP", "version", "qemu", "major",
                    &major, "minor", &minor, "micro", &micro) != 0)
        return;
    json_object_set_new(monitor->state, "running-qemu",
                        json_sprintf("%" JSON_INTEGER_FORMAT ".%" JSON_INTEGER_FORMAT
                                     ".%" JSON_INTEGER_FORMAT,
                                     major, minor, micro));
}

static void greet(struct monitor *monitor, const json_t *greeting)
{
    note_version(monitor, greeting);
    say(monitor,
        "{\"execute\": \"qmp_capabilities\"}\n"
        "{\"execute\": \"qom-get\", \"arguments\": {\"path\": \"/machine\", \"property\": \"type\"}}\n"
        "{\"execute\": \"query-status\"}\n");
}

/* "pc-q35-7.2-machine" */
static void note_machine(struct monitor *monitor, const char *type)
{
    static const char ending[] = "-machine";
    size_t length = strlen(type);

    if (text_ends_with(type, ending))
        length -= sizeof(ending) - 1;
    json_object_set_new(monitor->state, "running-machine", json_stringn(type, length));
}

/* A guest that has powered itself off: a SHUTDOWN that nobody has asked QEMU for is followed by this status,
 * too, so that one that came before we listened is not missed. */
static void note_status(struct monitor *monitor, json_t *status)
{
    json_object_set(monitor->state, "qmpstatus", status);
    if (strcmp(json_string_value(status), "shutdown") == 0)
        say(monitor, "{\"execute\": \"quit\"}\n");
    write_state(monitor);
}

/* Any event may have changed the status. */
static void handle_line(struct monitor *monitor)
{
    autojson json_t *message = json_loads(text_string(&monitor->line), 0, NULL);
    json_t *result = json_object_get(message, "return"), *status = json_object_get(result, "status");
    const char *event = json_text(message, "event");

    if (json_object_get(message, "QMP") != NULL)
        greet(monitor, message);
    else if (json_is_string(result))
        note_machine(monitor, json_string_value(result));
    else if (json_is_string(status))
        note_status(monitor, status);
    else if (strcmp(event, "SHUTDOWN") == 0)
        say(monitor, "{\"execute\": \"quit\"}\n");
    else if (event[0] != '\0')
        say(monitor, "{\"execute\": \"query-status\"}\n");
}

void monitor_read(struct monitor *monitor)
{
    char bytes[4096];
    ssize_t count = recv(monitor->socket, bytes, sizeof(bytes), 0);

    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    for (ssize_t i = 0; i < count && monitor->socket >= 0; i++) {
        if (bytes[i] != '\n') {
            text_append_bytes(&monitor->line, &bytes[i], 1);
            continue;
        }
        handle_line(monitor);
        text_release(&monitor->line);
    }
    if (count <= 0 || monitor->line.length > LINE_LIMIT)
        give_up(monitor);
}
