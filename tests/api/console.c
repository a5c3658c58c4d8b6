/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The WebSocket of a VM's console. */
#include "tests/api/console.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/look.h"
#include "tests/api/raw.h"
#include "tests/api/vm.h"

#define VM QEMU "/100"
#define MS 60000 /* for whatever must come */

static pid_t process; /* of QEMU; 0: none */

void console_start_vm(void)
{
    put(VM "/config", "vga", "std", NULL);
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/start", NULL))), "OK");
    process = (pid_t)number_of(get(VM "/status/current", NULL), "pid");
}

void console_kill_vm(void)
{
    if (process > 1)
        kill(process, SIGKILL);
}

static char *encode(const char *value)
{
    struct text text = {0};

    for (; *value != '\0'; value++)
        text_printf(&text, isalnum((unsigned char)*value) ? "%c" : "%%%02X", (unsigned char)*value);
    return text_take(&text);
}

char *console_request(const json_t *proxy, const char *headers)
{
    autofree char *ticket = encode(text_of(proxy, "ticket"));

    return xasprintf("GET /api2/json" VM "/vncwebsocket?port=%lld&vncticket=%s HTTP/1.1\r\nHost: here\r\n"
                     "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Protocol: binary\r\n"
                     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                     number_of(proxy, "port"), ticket, headers);
}

void console_ask(int fd, const json_t *proxy, const char *headers)
{
    autofree char *request = console_request(proxy, headers);

    cr_assert(raw_send(fd, request, strlen(request)));
}

void console_receive(int fd, void *bytes, size_t length)
{
    for (size_t got = 0; got < length;) {
        struct pollfd waited = {.fd = fd, .events = POLLIN};
        cr_assert_eq(poll(&waited, 1, MS), 1, "nothing comes");
        ssize_t count = recv(fd, (char *)bytes + got, length - got, 0);
        cr_assert_gt(count, 0, "the connection is closed after %zu of %zu bytes", got, length);
        got += (size_t)count;
    }
}

char *console_receive_head(int fd)
{
    struct text head = {0};

    while (!text_ends_with(text_string(&head), "\r\n\r\n")) {
        char byte;
        console_receive(fd, &byte, 1);
        text_append_bytes(&head, &byte, 1);
    }
    return text_take(&head);
}

static size_t left_in_frame;

void console_receive_stream(int fd, void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        while (left_in_frame == 0) {
            unsigned char head[2], size[2];
            console_receive(fd, head, sizeof(head));
            cr_assert_eq(head[0], 0x82);
            cr_assert_leq(head[1], 126);
            left_in_frame = head[1];
            if (head[1] == 126) {
                console_receive(fd, size, sizeof(size));
                left_in_frame = (size_t)size[0] << 8 | size[1];
            }
        }
        console_receive(fd, (char *)bytes + i, 1);
        left_in_frame--;
    }
}

void console_send_frame(int fd, unsigned char first, const void *bytes, size_t length)
{
    unsigned char frame[6 + 125] = {first, (unsigned char)(0x80 | length), 1, 2, 3, 4};

    cr_assert_leq(length, 125);
    for (size_t i = 0; i < length; i++)
        frame[6 + i] = ((const unsigned char *)bytes)[i] ^ frame[2 + i % 4];
    cr_assert(raw_send(fd, frame, 6 + length));
}

void console_expect_stream(int fd, const char *text)
{
    autofree char *bytes = xcalloc(1, strlen(text) + 1);

    console_receive_stream(fd, bytes, strlen(text));
    cr_expect_str_eq(bytes, text);
}

void console_expect_closed(int fd)
{
    struct pollfd waited = {.fd = fd, .events = POLLIN};
    char byte;

    cr_assert_eq(poll(&waited, 1, MS), 1, "it is not closed");
    cr_expect_leq(recv(fd, &byte, 1, 0), 0);
}

void console_send_line(int fd, const json_t *proxy)
{
    autofree char *line = xasprintf("%s:%s\n", text_of(proxy, "user"), text_of(proxy, "ticket"));

    for (size_t sent = 0, length = strlen(line); sent < length; sent += 100)
        console_send_frame(fd, 0x82, line + sent, length - sent < 100 ? length - sent : 100);
}

int console_open_terminal(const json_t *proxy)
{
    int fd = raw_connect();

    console_ask(fd, proxy, "");
    autofree char *head = console_receive_head(fd);
    cr_assert_eq(raw_status(head), 101, "%s", head);
    return fd;
}
