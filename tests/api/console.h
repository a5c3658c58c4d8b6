/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The WebSocket of VM 100's console (RFC 6455), by hand: frames as no library would send them, too. */
#ifndef HOSTPCI_TESTS_API_CONSOLE_H
#define HOSTPCI_TESTS_API_CONSOLE_H

#include <jansson.h>
#include <stddef.h>

/* Starts VM 100 with a screen, and waits; for a suite's .fini: a test that fails leaves no QEMU behind. */
void console_start_vm(void);
void console_kill_vm(void);

/* Asks for it with what vncproxy or termproxy gave, and more headers (each ends with \r\n). The caller frees
 * the request. */
char *console_request(const json_t *proxy, const char *headers);
void console_ask(int fd, const json_t *proxy, const char *headers);

/* The head of the reply; the caller frees it. */
char *console_receive_head(int fd);

/* A connection that has become a terminal's WebSocket, and what its client says first. */
int console_open_terminal(const json_t *proxy);
void console_send_line(int fd, const json_t *proxy);

/* The next bytes of the connection, and those that its frames carry: unmasked ones of less than 64 KiB. */
void console_receive(int fd, void *bytes, size_t length);
void console_receive_stream(int fd, void *bytes, size_t length);

/* The same, which must be this; and then the connection must be closed. */
void console_expect_stream(int fd, const char *text);
void console_expect_closed(int fd);

/* In a masked frame with this first byte: 0x82 is a whole one. */
void console_send_frame(int fd, unsigned char first, const void *bytes, size_t length);

#endif
