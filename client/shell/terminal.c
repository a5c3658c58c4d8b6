/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci qm terminal`: a VM's serial port on this terminal. */
#include "client/shell/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "client/call/stream.h"

#define LEAVE      0x0f /* Ctrl-O */
#define ALIVE_MS   30000
#define CHUNK      4096
#define FIRST_WORD "OK"

struct session {
    struct call_stream *stream;
    int signals;
    size_t words; /* of FIRST_WORD, that have come */
    bool ended;
};

/* As the kernel has it without any editing, so that the guest gets each key. */
static bool make_raw(struct termios *ret_before)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, ret_before) != 0)
        return false;
    raw = *ret_before;
    cfmakeraw(&raw);
    return tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) == 0;
}

/* A signal must not leave the terminal raw. */
static int take_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static int write_all(const char *bytes, size_t length, struct error *err)
{
    while (length > 0) {
        ssize_t count = write(STDOUT_FILENO, bytes, length);
        if (count < 0 && errno != EINTR && errno != EAGAIN)
            return error_set_errno(err, errno, "cannot write to the terminal");
        if (count > 0) {
            bytes += count;
            length -= (size_t)count;
        }
    }
    return 0;
}

static int show(struct session *session, struct error *err)
{
    autotext struct text text = {0};
    size_t skipped = 0;

    if (call_stream_receive(session->stream, &text, &session->ended, err) != 0)
        return -1;
    for (; session->words < strlen(FIRST_WORD) && skipped < text.length; skipped++)
        if (text.data[skipped] != FIRST_WORD[session->words++])
            return error_set(err, ERROR_FAILED, "the server does not answer as a terminal");
    return write_all(text_string(&text) + skipped, text.length - skipped, err);
}

/* *ret_left: the user leaves. */
static int type(struct session *session, bool *ret_left, struct error *err)
{
    char bytes[CHUNK];
    ssize_t count = read(STDIN_FILENO, bytes, sizeof(bytes));

    if (count < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    const char *leave = count > 0 ? memchr(bytes, LEAVE, (size_t)count) : NULL;
    size_t length = leave != NULL ? (size_t)(leave - bytes) : count > 0 ? (size_t)count : 0;
    *ret_left = leave != NULL || count <= 0;
    if (length == 0)
        return 0;
    autotext struct text frame = {0};
    text_printf(&frame, "0:%zu:", length);
    text_append_bytes(&frame, bytes, length);
    return call_stream_send(session->stream, frame.data, frame.length, err);
}

static int carry(struct session *session, struct error *err)
{
    bool left = false;

    while (!left && !session->ended) {
        struct pollfd waited[] = {{STDIN_FILENO, POLLIN, 0},
                                  {call_stream_socket(session->stream), POLLIN, 0},
                                  {session->signals, POLLIN, 0}};
        int count = poll(waited, COUNT_OF(waited), ALIVE_MS);
        if (count < 0 && errno != EINTR)
            return error_set_errno(err, errno, "cannot wait for input");
        if (count == 0 && call_stream_send(session->stream, "2", 1, err) != 0)
            return -1;
        if (waited[1].revents != 0 && show(session, err) != 0)
            return -1;
        if (waited[0].revents != 0 && type(session, &left, err) != 0)
            return -1;
        left |= waited[2].revents != 0;
    }
    return 0;
}

static int open_stream(const struct options *options, const char *vm, const json_t *proxy,
                       struct call_stream **ret, struct error *err)
{
    autofree char *path = xasprintf("%s/vncwebsocket", vm),
                  *port = xasprintf("%lld", (long long)json_integer_value(json_object_get(proxy, "port"))),
                  *ticket = xstrdup(json_text(proxy, "ticket")),
                  *line = xasprintf("%s:%s\n", json_text(proxy, "user"), ticket);
    char port_name[] = "port", ticket_name[] = "vncticket";
    const struct call_parameter parameters[] = {{port_name, port}, {ticket_name, ticket}};
    autostream struct call_stream *stream = NULL;

    if (call_stream_open(&options->target, path, parameters, COUNT_OF(parameters), &stream, err) != 0 ||
        call_stream_send(stream, line, strlen(line), err) != 0)
        return -1;
    *ret = TAKE(stream);
    return 0;
}

int terminal_run(const struct options *options, const struct shell_call *call, const char *vm)
{
    autoreply struct call_reply reply = {0};
    autostream struct call_stream *stream = NULL;
    struct termios before;
    struct error err;

    if (call_send(&options->target, call->method, call->path, options->parameters, options->count, &reply,
                  &err) != 0)
        return shell_complain(&err);
    if (reply.status != 200)
        return shell_refuse(&reply, &options->target, call);
    if (open_stream(options, vm, reply.data, &stream, &err) != 0)
        return shell_complain(&err);
    struct session session = {.stream = stream, .signals = take_signals()};
    bool raw = make_raw(&before);
    fputs("press Ctrl-O to leave the terminal\r\n", stderr);
    int result = carry(&session, &err);
    if (raw)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    close(session.signals);
    if (result == 0 && session.ended)
        result = error_set(&err, ERROR_FAILED, "the terminal was closed");
    return result == 0 ? SHELL_DONE : shell_complain(&err);
}
