/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said over the broker's sockets. */
#include "broker/protocol.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

static const char *const kinds[] = {
    [ERROR_FAILED] = "failed",
    [ERROR_INVALID] = "invalid",
    [ERROR_UNAUTHENTICATED] = "unauthenticated",
    [ERROR_LOGIN] = "login",
    [ERROR_FORBIDDEN] = "forbidden",
    [ERROR_NOT_FOUND] = "not-found",
    [ERROR_CONFLICT] = "conflict",
    [ERROR_NO_METHOD] = "no-method",
    [ERROR_TOO_LARGE] = "too-large",
    [ERROR_MEDIA_TYPE] = "media-type",
    [ERROR_UNREADABLE] = "unreadable",
    [ERROR_NO_HOST] = "no-host",
    [ERROR_BUSY] = "busy",
};

union control {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
};

static ssize_t send_packet(int socket, char *text, size_t length, int descriptor)
{
    union control control = {0};
    struct iovec part = {.iov_base = text, .iov_len = length};
    struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};

    if (descriptor >= 0) {
        packet.msg_control = &control;
        packet.msg_controllen = sizeof(control);
        control.header = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(descriptor));
    }
    return sendmsg(socket, &packet, MSG_NOSIGNAL);
}

/* The other side's descriptor, or -1. */
static ssize_t receive_packet(int socket, void *buffer, size_t size, int *ret_descriptor)
{
    union control control = {0};
    struct iovec part = {.iov_base = buffer, .iov_len = size};
    struct msghdr packet = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    ssize_t length = recvmsg(socket, &packet, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *header = length >= 0 ? CMSG_FIRSTHDR(&packet) : NULL;

    *ret_descriptor = -1;
    if (header != NULL && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(ret_descriptor, CMSG_DATA(header), sizeof(*ret_descriptor));
    return length;
}

int protocol_send(int socket, const json_t *message, struct error *err)
{
    return protocol_send_descriptor(socket, message, -1, err);
}

int protocol_send_descriptor(int socket, const json_t *message, int descriptor, struct error *err)
{
    autofree char *text = json_dumps(message, JSON_COMPACT);

    if (text == NULL)
        return error_set(err, ERROR_FAILED, "a message to or from the broker cannot be written as JSON");
    size_t length = strlen(text);
    if (length > PROTOCOL_MESSAGE_LIMIT)
        return error_set(err, ERROR_TOO_LARGE,
                         "a message of %zu bytes to or from the broker is too long: at most %zu", length,
                         PROTOCOL_MESSAGE_LIMIT);
    if (TEMP_FAILURE_RETRY(send_packet(socket, text, length, descriptor)) >= 0)
        return 0;
    if (errno == EAGAIN)
        return error_set(err, ERROR_BUSY, "the other side of the broker's socket does not read");
    return error_set_errno(err, errno, "cannot write to the broker's socket");
}

/* The kernel may report that the other side is gone before it gives us what that side sent last: once as a
 * reset, in any call, if the other side had not read everything; and once as an end, if it went just after
 * the kernel had looked for data. */
static ssize_t receive(int socket, void *buffer, size_t size, int flags, int *ret_descriptor)
{
    ssize_t length = 0;

    for (int reports = 0; reports < 3; reports++) {
        length =
            TEMP_FAILURE_RETRY(ret_descriptor != NULL ? receive_packet(socket, buffer, size, ret_descriptor)
                                                      : recv(socket, buffer, size, flags));
        if (length > 0 || (length < 0 && errno != ECONNRESET))
            break;
    }
    return length;
}

static int parse(const char *text, size_t length, json_t **ret, struct error *err)
{
    json_error_t reason;
    json_t *message = json_loadb(text, length, JSON_REJECT_DUPLICATES, &reason);

    if (!json_is_object(message)) {
        json_decref(message);
        return error_set(err, ERROR_UNREADABLE, "a message over the broker's socket is not a JSON object");
    }
    *ret = message;
    return 1;
}

int protocol_receive(int socket, json_t **ret, struct error *err)
{
    return protocol_receive_descriptor(socket, ret, NULL, err);
}

int protocol_receive_descriptor(int socket, json_t **ret, int *ret_descriptor, struct error *err)
{
    ssize_t length = receive(socket, NULL, 0, MSG_PEEK | MSG_TRUNC, NULL);

    if (length == 0)
        return 0;
    bool fits = length > 0 && (size_t)length <= PROTOCOL_MESSAGE_LIMIT;
    autofree char *text = xcalloc(1, fits ? (size_t)length : 1);
    ssize_t got = length < 0 ? -1 : receive(socket, text, fits ? (size_t)length : 1, 0, ret_descriptor);
    if (got < 0 && errno == EAGAIN)
        return error_set(err, ERROR_BUSY, "the other side of the broker's socket sent nothing");
    if (got < 0)
        return error_set_errno(err, errno, "cannot read from the broker's socket");
    if (!fits)
        return error_set(err, ERROR_TOO_LARGE,
                         "a message of %zd bytes came over the broker's socket: at most %zu are accepted",
                         length, PROTOCOL_MESSAGE_LIMIT);
    return parse(text, (size_t)got, ret, err);
}

json_t *protocol_text(const char *text)
{
    json_t *string = json_string(text);

    if (string != NULL)
        return string;
    autofree char *copy = xstrdup(text);
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    return json_string(copy);
}

json_t *protocol_pack_error(const struct error *err)
{
    return json_pack("{s:{s:s, s:o, s:o}}", "error", "kind", kinds[err->kind], "field",
                     protocol_text(err->field), "message", protocol_text(err->message));
}

void protocol_unpack_error(const json_t *object, struct error *ret)
{
    const json_t *error = json_object_get(object, "error");
    const char *kind = json_string_value(json_object_get(error, "kind"));
    const char *field = json_string_value(json_object_get(error, "field"));
    const char *message = json_string_value(json_object_get(error, "message"));

    error_set(ret, ERROR_FAILED, "%s",
              message != NULL ? message : "the broker reported an error without a text");
    for (size_t i = 0; kind != NULL && i < COUNT_OF(kinds); i++)
        if (strcmp(kinds[i], kind) == 0)
            ret->kind = (enum error_kind)i;
    snprintf(ret->field, sizeof(ret->field), "%s", field != NULL ? field : "");
}

const json_t *protocol_find_fact(const json_t *facts, const char *kind, const struct pci_device *device)
{
    const json_t *fact = json_object_get(facts, kind);

    if (device == NULL || json_integer_value(json_object_get(fact, "vendor")) != device->vendor ||
        json_integer_value(json_object_get(fact, "device")) != device->device)
        return NULL;
    return fact;
}
