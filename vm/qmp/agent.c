/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest agent: a client of one connection. */
#include "vm/qmp/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#define DELIMITER '\xff' /* before the reply to guest-sync-delimited; never part of JSON */

static int wait_until(int socket, short events, long long deadline, struct error *err)
{
    for (;;) {
        long long left = deadline - clock_milliseconds();
        struct pollfd waited = {.fd = socket, .events = events};
        if (left <= 0)
            return error_set(err, ERROR_BUSY, "got timeout");
        int ready = poll(&waited, 1, left > 60000 ? 60000 : (int)left);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return error_set_errno(err, errno, "cannot wait for the guest agent");
    }
}

static int send_bytes(int socket, const char *bytes, long long deadline, struct error *err)
{
    size_t length = strlen(bytes);

    while (length > 0) {
        ssize_t sent = send(socket, bytes, length, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
        } else if (errno != EAGAIN && errno != EINTR) {
            return error_set_errno(err, errno, "cannot send to the guest agent");
        } else if (wait_until(socket, POLLOUT, deadline, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Reads one byte from the guest. Checks the deadline even if more is available, so that a guest that never
 * stops is left at the deadline. */
static int receive_byte(int socket, long long deadline, char *ret, struct error *err)
{
    for (;;) {
        if (wait_until(socket, POLLIN, deadline, err) != 0)
            return -1;
        ssize_t count = recv(socket, ret, 1, 0);
        if (count == 1)
            return 0;
        if (count == 0 || (errno != EAGAIN && errno != EINTR))
            return error_set(err, ERROR_FAILED, "the guest agent's connection is closed");
    }
}

static bool is_shallow(const json_t *value, unsigned levels)
{
    json_t *child;
    const char *key;
    size_t i;

    if (levels == 0)
        return false;
    json_array_foreach(value, i, child)
        if (!is_shallow(child, levels - 1))
            return false;
    json_object_foreach((json_t *)value, key, child)
        if (!is_shallow(child, levels - 1))
            return false;
    return true;
}

/* Parses one reply of the protocol. Numbers may become longer when they are printed again. */
static int parse(const struct text *line, json_t **ret, struct error *err)
{
    autojson json_t *reply = json_loadb(text_string(line), line->length, JSON_REJECT_DUPLICATES, NULL);

    if ((json_object_get(reply, "return") == NULL && !json_is_object(json_object_get(reply, "error"))) ||
        !is_shallow(reply, AGENT_REPLY_LEVELS))
        return error_set(err, ERROR_UNREADABLE, "the guest agent's reply does not follow its protocol");
    if (json_dumpb(reply, NULL, 0, JSON_COMPACT) > AGENT_REPLY_LIMIT)
        return error_set(err, ERROR_TOO_LARGE, "the guest agent's reply is too long");
    *ret = TAKE(reply);
    return 0;
}

static int receive(int socket, long long deadline, json_t **ret, struct error *err)
{
    autotext struct text line = {0};
    char byte;

    while (receive_byte(socket, deadline, &byte, err) == 0) {
        if (byte != '\n') {
            text_append_bytes(&line, &byte, 1);
            if (line.length > AGENT_REPLY_LIMIT)
                return error_set(err, ERROR_TOO_LARGE, "the guest agent's reply has more than %zu bytes",
                                 AGENT_REPLY_LIMIT);
            continue;
        }
        return parse(&line, ret, err);
    }
    return -1;
}

/* The agent answers with the same number, after the delimiter; the one that we send before the command ends
 * what another client may have left in the agent's parser. */
int agent_sync(int socket, unsigned milliseconds, struct error *err)
{
    long long deadline = clock_milliseconds() + milliseconds;
    unsigned number;
    char byte;

    fcntl(socket, F_SETFL, O_NONBLOCK);
    if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
        return error_set_errno(err, errno, "cannot get a random number");
    autofree char *line =
        xasprintf("\xff{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":%u}}\n", number);
    if (send_bytes(socket, line, deadline, err) != 0)
        return -1;
    for (;;) {
        autojson json_t *reply = NULL;
        do {
            if (receive_byte(socket, deadline, &byte, err) != 0)
                return -1;
        } while (byte != DELIMITER);
        if (receive(socket, deadline, &reply, err) != 0)
            return -1;
        if (json_integer_value(json_object_get(reply, "return")) == (json_int_t)number)
            return 0;
    }
}

int agent_execute(int socket, const char *command, unsigned milliseconds, json_t **ret, struct error *err)
{
    long long deadline = clock_milliseconds() + milliseconds;
    autofree char *line = xasprintf("{\"execute\":\"%s\"}\n", command);

    if (send_bytes(socket, line, deadline, err) != 0)
        return -1;
    return receive(socket, deadline, ret, err);
}

int agent_open(const char *path, unsigned milliseconds, int *ret, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return error_set_errno(err, errno, "cannot make a socket");
    if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >=
            sizeof(address.sun_path) ||
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        agent_sync(fd, milliseconds, err) != 0) {
        close(fd);
        return error_set(err, ERROR_FAILED, "QEMU guest agent is not running");
    }
    *ret = fd;
    return 0;
}
