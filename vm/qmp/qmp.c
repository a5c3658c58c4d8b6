/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QMP: a client of one connection. */
#include "vm/qmp/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

#define MOST_EVENTS 64
#define LATE        "QEMU does not answer in time"

struct qmp {
    int socket; /* does not block */
    long long next_id;
    struct text input; /* what was read beyond the last message */
    json_t *events;    /* for which nobody has waited yet */
    int passed;        /* a descriptor that goes with the next command; -1: none */
};

/* Waits until the socket is ready for `events`; the deadline is by base/clock.h. */
static int wait_until(const struct qmp *qmp, short events, long long deadline, struct error *err)
{
    for (;;) {
        long long left = deadline - clock_milliseconds();
        struct pollfd waited = {.fd = qmp->socket, .events = events};
        if (left < 0)
            left = 0;
        int ready = poll(&waited, 1, left > 60000 ? 60000 : (int)left);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return error_set_errno(err, errno, "cannot wait for QEMU");
        if (ready == 0 && clock_milliseconds() >= deadline)
            return error_set(err, ERROR_BUSY, LATE);
    }
}

/* The descriptor goes with the first bytes that are sent. */
static ssize_t send_some(const struct qmp *qmp, const char *text, size_t length)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)(uintptr_t)text, length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (qmp->passed >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        *CMSG_FIRSTHDR(&message) = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &qmp->passed, sizeof(int));
    }
    return sendmsg(qmp->socket, &message, MSG_NOSIGNAL);
}

static int send_text(struct qmp *qmp, const char *text, long long deadline, struct error *err)
{
    size_t length = strlen(text);

    while (length > 0) {
        ssize_t sent = send_some(qmp, text, length);
        if (sent > 0) {
            qmp->passed = -1;
            text += sent;
            length -= (size_t)sent;
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return error_set(err, ERROR_NOT_FOUND, "QEMU has closed its monitor");
        } else if (errno != EAGAIN && errno != EINTR) {
            return error_set_errno(err, errno, "cannot send to QEMU");
        } else if (wait_until(qmp, POLLOUT, deadline, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Takes the first line off the input; NULL if there is no whole line yet. */
static char *take_line(struct text *input)
{
    char *end = input->length > 0 ? memchr(input->data, '\n', input->length) : NULL;

    if (end == NULL)
        return NULL;
    size_t length = (size_t)(end - input->data);
    char *line = xstrndup(input->data, length);
    memmove(input->data, end + 1, input->length - length); /* with the NUL at the end */
    input->length -= length + 1;
    return line;
}

static int read_more(struct qmp *qmp, long long deadline, struct error *err)
{
    char bytes[16384];

    if (qmp->input.length > QMP_LINE_LIMIT)
        return error_set(err, ERROR_TOO_LARGE, "QEMU sent a message of more than %zu bytes", QMP_LINE_LIMIT);
    ssize_t count = recv(qmp->socket, bytes, sizeof(bytes), 0);
    if (count == 0 || (count < 0 && errno == ECONNRESET))
        return error_set(err, ERROR_NOT_FOUND, "QEMU has closed its monitor");
    if (count < 0 && errno != EAGAIN && errno != EINTR)
        return error_set_errno(err, errno, "cannot read from QEMU");
    if (count < 0)
        return wait_until(qmp, POLLIN, deadline, err);
    text_append_bytes(&qmp->input, bytes, (size_t)count);
    return 0;
}

static int receive(struct qmp *qmp, long long deadline, json_t **ret, struct error *err)
{
    for (;;) {
        autofree char *line = take_line(&qmp->input);
        if (line == NULL) {
            if (read_more(qmp, deadline, err) != 0)
                return -1;
            continue;
        }
        autojson json_t *message = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(message))
            return error_set(err, ERROR_UNREADABLE, "QEMU sent something that is not a QMP message");
        *ret = TAKE(message);
        return 0;
    }
}

static void keep_event(struct qmp *qmp, json_t *message)
{
    if (json_array_size(qmp->events) >= MOST_EVENTS)
        json_array_remove(qmp->events, 0);
    json_array_append(qmp->events, message);
}

/* After a message that was not waited for: QEMU may send those without an end. One that is late but there is
 * taken all the same. */
static int check_deadline(long long deadline, struct error *err)
{
    return clock_milliseconds() > deadline ? error_set(err, ERROR_BUSY, LATE) : 0;
}

static int send_command(struct qmp *qmp, const char *command, json_t *arguments, long long deadline,
                        struct error *err)
{
    autojson json_t *message = json_pack("{s:s, s:I}", "execute", command, "id", (json_int_t)++qmp->next_id);

    if (arguments != NULL)
        json_object_set_new(message, "arguments", arguments);
    autofree char *text = json_dumps(message, JSON_COMPACT);
    autofree char *line = xasprintf("%s\n", text);
    return send_text(qmp, line, deadline, err);
}

int qmp_execute(struct qmp *qmp, const char *command, json_t *arguments, unsigned milliseconds, json_t **ret,
                struct error *err)
{
    long long deadline = clock_milliseconds() + milliseconds;

    if (send_command(qmp, command, arguments, deadline, err) != 0)
        return error_prefix(err, "%s: ", command);
    for (;;) {
        autojson json_t *message = NULL;
        if (receive(qmp, deadline, &message, err) != 0)
            return error_prefix(err, "%s: ", command);
        json_t *result = json_object_get(message, "return"), *failure = json_object_get(message, "error");
        bool ours = json_integer_value(json_object_get(message, "id")) == qmp->next_id;
        if (json_object_get(message, "event") != NULL)
            keep_event(qmp, message);
        if (!ours || (result == NULL && failure == NULL)) {
            /* an event, or the answer to a command for which we no longer wait */
            if (check_deadline(deadline, err) != 0)
                return error_prefix(err, "%s: ", command);
            continue;
        }
        if (failure != NULL)
            return error_set(err, ERROR_FAILED, "%s", json_text_or(failure, "desc", "QEMU refuses it"));
        if (ret != NULL)
            *ret = json_incref(result);
        return 0;
    }
}

void qmp_pass(struct qmp *qmp, int descriptor)
{
    qmp->passed = descriptor;
}

static bool take_event(struct qmp *qmp, const char *event)
{
    size_t i;
    json_t *message;

    json_array_foreach(qmp->events, i, message) {
        if (strcmp(json_text(message, "event"), event) == 0) {
            json_array_remove(qmp->events, i);
            return true;
        }
    }
    return false;
}

int qmp_wait(struct qmp *qmp, const char *event, unsigned milliseconds, struct error *err)
{
    long long deadline = clock_milliseconds() + milliseconds;

    while (!take_event(qmp, event)) {
        autojson json_t *message = NULL;
        if (receive(qmp, deadline, &message, err) != 0)
            return -1;
        if (json_object_get(message, "event") != NULL)
            keep_event(qmp, message);
        if (strcmp(json_text(message, "event"), event) != 0 && check_deadline(deadline, err) != 0)
            return -1;
    }
    return 0;
}

int qmp_adopt(int socket, unsigned milliseconds, struct qmp **ret, struct error *err)
{
    long long deadline = clock_milliseconds() + milliseconds;
    struct qmp *qmp = xcalloc(1, sizeof(*qmp));
    autojson json_t *greeting = NULL;

    *qmp = (struct qmp){.socket = socket, .events = json_array(), .passed = -1};
    fcntl(socket, F_SETFL, O_NONBLOCK);
    int status = receive(qmp, deadline, &greeting, err);
    if (status == 0 && json_object_get(greeting, "QMP") == NULL)
        status = error_set(err, ERROR_UNREADABLE, "the monitor does not greet as QMP does");
    if (status == 0)
        status = qmp_execute(qmp, "qmp_capabilities", NULL, milliseconds, NULL, err);
    if (status != 0) {
        qmp_close(qmp);
        return -1;
    }
    *ret = qmp;
    return 0;
}

/* SO_SNDTIMEO bounds connect(2), too. */
int qmp_connect(const char *path, unsigned milliseconds, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const struct timeval patience = {milliseconds / 1000, (milliseconds % 1000) * 1000L + 1};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return error_set_errno(err, errno, "cannot make a socket");
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if ((size_t)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) < sizeof(address.sun_path) &&
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    int reason = errno;
    close(fd);
    error_set_errno(err, reason, "cannot connect to QEMU's socket '%s'", path);
    if (reason == ENOENT || reason == ECONNREFUSED)
        err->kind = ERROR_NOT_FOUND;
    return reason == EAGAIN ? error_set(err, ERROR_BUSY, LATE) : -1;
}

int qmp_open(const char *path, unsigned milliseconds, struct qmp **ret, struct error *err)
{
    int fd = qmp_connect(path, milliseconds, err);

    return fd >= 0 ? qmp_adopt(fd, milliseconds, ret, err) : -1;
}

void qmp_close(struct qmp *qmp)
{
    if (qmp == NULL)
        return;
    close(qmp->socket);
    text_release(&qmp->input);
    json_decref(qmp->events);
    free(qmp);
}

void cleanup_qmp(struct qmp **qmp)
{
    qmp_close(*qmp);
}
