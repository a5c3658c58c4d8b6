/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's side of the broker's socket. */
#include "broker/call.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "broker/protocol.h"

#define CONNECT_SECONDS 5
#define READING_SECONDS 30 /* for the answer to a reading: longer than the broker lets it take */
#define RETURN_SECONDS  30 /* for the next broker to start */
#define RETURN_PAUSE_MS 100

struct broker {
    char *path;
};

/* A call, which may need several connections, one after the other. */
struct call {
    const struct broker *broker;
    const char *id;
    int known; /* how many lines were handed on */
    void (*line)(void *context, int number, const char *text);
    void *context;
    int *descriptor; /* where one that comes with the result goes; NULL: none is wanted */
};

struct broker *broker_new(const char *run_dir)
{
    struct broker *broker = xcalloc(1, sizeof(*broker));

    broker->path = xasprintf("%s/broker.sock", run_dir);
    return broker;
}

void broker_free(struct broker *broker)
{
    if (broker == NULL)
        return;
    free(broker->path);
    free(broker);
}

static int set_timeout(int fd, int option, int seconds)
{
    const struct timeval limit = {.tv_sec = seconds};

    return setsockopt(fd, SOL_SOCKET, option, &limit, sizeof(limit));
}

/* Whoever listens is sent passwords, so it must be root (the service manager listens as root, too) or
 * ourselves. */
static int check_listener(const struct broker *broker, int fd, struct error *err)
{
    struct ucred listener = {.uid = (uid_t)-1};
    socklen_t size = sizeof(listener);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &listener, &size) == 0 &&
        (listener.uid == 0 || listener.uid == geteuid()))
        return 0;
    return error_set(
        err, ERROR_BUSY,
        "'%s' is not asked, because user %u listens there, who is not root: stop that process (%d) and "
        "start `hostpci broker` as root",
        broker->path, (unsigned)listener.uid, (int)listener.pid);
}

/* `seconds`: how long an answer may take; 0: for ever. */
static int open_connection(const struct broker *broker, int seconds, int *ret, struct error *err)
{
    autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(broker->path) >= sizeof(address.sun_path))
        return error_set(err, ERROR_INVALID,
                         "the path of the broker's socket, '%s', is too long: give "
                         "another --run-dir",
                         broker->path);
    stpcpy(address.sun_path, broker->path);
    if (fd < 0 || set_timeout(fd, SO_SNDTIMEO, CONNECT_SECONDS) != 0 ||
        set_timeout(fd, SO_RCVTIMEO, seconds) != 0)
        return error_set_errno(err, errno, "cannot ask the broker");
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        return error_set(
            err, ERROR_BUSY,
            "no broker answers on '%s' (%s): changing this host needs one; start `hostpci broker` "
            "as root, or `hostpci serve` as root, which starts one%s",
            broker->path, strerror(errno),
            errno == EACCES ? "; if one runs, it is for another user: name this one by its --user" : "");
    if (check_listener(broker, fd, err) != 0)
        return -1;
    *ret = fd;
    fd = -1;
    return 0;
}

/* Sending may fail because the broker has refused us and hung up; then its refusal is there to be received.
 */
static int ask(const struct broker *broker, json_t *request, int seconds, int *ret, struct error *err)
{
    autojson json_t *owned = request;
    struct error sending;
    int fd = -1;

    if (open_connection(broker, seconds, &fd, err) != 0)
        return -1;
    if (protocol_send(fd, owned, &sending) != 0 && sending.kind == ERROR_TOO_LARGE) {
        close(fd);
        *err = sending;
        return -1;
    }
    *ret = fd;
    return 0;
}

/* 1: the operation worked, *ret is its result; -1: it failed; 0: the broker hung up before its end. */
static int receive_end(struct call *call, int fd, json_t **ret, struct error *err)
{
    for (;;) {
        autojson json_t *message = NULL;
        int got = protocol_receive_descriptor(fd, &message, call->descriptor, err);
        if (got < 0 && err->kind == ERROR_BUSY)
            return error_set_reason(err, ERROR_BUSY, BROKER_SILENT,
                                    "the broker does not answer on '%s'; try again later",
                                    call->broker->path);
        if (got <= 0)
            return 0;
        if (json_object_get(message, "result") != NULL) {
            *ret = json_incref(json_object_get(message, "result"));
            return 1;
        }
        if (json_object_get(message, "error") != NULL) {
            protocol_unpack_error(message, err);
            return -1;
        }
        const char *text = json_string_value(json_object_get(message, "text"));
        call->known = (int)json_integer_value(json_object_get(message, "line"));
        if (call->line != NULL && text != NULL)
            call->line(call->context, call->known, text);
    }
}

/* Follows the operation until its end is known. Each time that a broker ends, the next one has RETURN_SECONDS
 * to start. */
static int follow(struct call *call, json_t **ret, struct error *err)
{
    const struct timespec pause = {.tv_nsec = (long)RETURN_PAUSE_MS * 1000 * 1000};

    for (int pauses = 0; pauses < RETURN_SECONDS * 1000 / RETURN_PAUSE_MS; pauses++) {
        autoclose int fd = -1;
        json_t *request = json_pack("{s:s, s:{s:s, s:i}}", "operation", "follow", "arguments", "id", call->id,
                                    "after", call->known);
        if (ask(call->broker, request, 0, &fd, err) == 0) {
            int ended = receive_end(call, fd, ret, err);
            if (ended != 0)
                return ended > 0 ? 0 : -1;
            pauses = 0;
        }
        nanosleep(&pause, NULL);
    }
    return error_set(
        err, ERROR_BUSY,
        "the broker ended and no other started within %d seconds: how '%.200s' ended is known when "
        "a broker runs again",
        RETURN_SECONDS, call->id);
}

int broker_check(const struct broker *broker, struct error *err)
{
    struct call call = {.broker = broker};
    autojson json_t *reply = NULL;
    autoclose int fd = -1;
    json_t *request = json_pack("{s:s, s:{s:s}}", "operation", "state", "arguments", "id", "0000:00:00.0");

    if (ask(broker, request, CONNECT_SECONDS, &fd, err) != 0)
        return -1;
    int ended = receive_end(&call, fd, &reply, err);
    if (ended == 0)
        return error_set(err, ERROR_BUSY, "the broker on '%s' hung up; try again", broker->path);
    if (ended < 0)
        err->kind = ERROR_BUSY;
    return ended > 0 ? 0 : -1;
}

int broker_call(const struct broker *broker, const char *operation, const char *id, json_t *arguments,
                void (*line)(void *context, int number, const char *text), void *context, json_t **ret,
                struct error *err)
{
    struct call call = {.broker = broker, .id = id, .line = line, .context = context};
    json_t *request = json_pack("{s:s, s:s*, s:o}", "operation", operation, "id", id, "arguments", arguments);
    autoclose int fd = -1;

    if (ask(broker, request, id != NULL ? 0 : READING_SECONDS, &fd, err) != 0)
        return -1;
    int ended = receive_end(&call, fd, ret, err);
    if (ended != 0)
        return ended > 0 ? 0 : -1;
    if (id == NULL)
        return error_set(err, ERROR_BUSY, "the broker ended; try again");
    if (follow(&call, ret, err) == 0)
        return 0;
    if (err->kind == ERROR_NOT_FOUND)
        error_set(err, ERROR_FAILED,
                  "the broker ended before the operation began: nothing was changed; try again");
    return -1;
}

int broker_call_briefly(const struct broker *broker, const char *operation, const char *id, json_t *arguments,
                        json_t **ret, struct error *err)
{
    struct call call = {.broker = broker, .id = id};
    json_t *request = json_pack("{s:s, s:s*, s:o}", "operation", operation, "id", id, "arguments", arguments);
    autoclose int fd = -1;

    if (ask(broker, request, READING_SECONDS, &fd, err) != 0)
        return -1;
    int ended = receive_end(&call, fd, ret, err);
    if (ended == 0)
        return error_set_reason(err, ERROR_BUSY, BROKER_SILENT, "the broker ended; try again");
    return ended > 0 ? 0 : -1;
}

int broker_call_descriptor(const struct broker *broker, const char *operation, json_t *arguments,
                           int *ret_descriptor, struct error *err)
{
    autoclose int given = -1;
    struct call call = {.broker = broker, .descriptor = &given};
    json_t *request = json_pack("{s:s, s:o}", "operation", operation, "arguments", arguments);
    autojson json_t *result = NULL;
    autoclose int fd = -1;

    if (ask(broker, request, READING_SECONDS, &fd, err) != 0)
        return -1;
    int ended = receive_end(&call, fd, &result, err);
    if (ended < 0)
        return -1;
    if (ended == 0 || given < 0)
        return error_set(err, ERROR_BUSY, "the broker ended; try again");
    *ret_descriptor = given;
    given = -1;
    return 0;
}

int broker_follow(const struct broker *broker, const char *id, int after,
                  void (*line)(void *context, int number, const char *text), void *context, json_t **ret,
                  struct error *err)
{
    struct call call = {.broker = broker, .id = id, .known = after, .line = line, .context = context};

    return follow(&call, ret, err);
}
