/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen of a VM that really runs, through a WebSocket, as noVNC sees it: up to the login of RFB
 * (RFC 6143); and its serial port, as xterm.js sees it. */
#include <criterion/criterion.h>
#include <gnutls/crypto.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/console.h"
#include "tests/api/daemon.h"
#include "tests/api/guest.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"
#include "tests/api/program.h"
#include "tests/api/raw.h"
#include "tests/api/vm.h"

#define VM          QEMU "/100"
#define MS          60000 /* for whatever must come */
#define VERSION_3_8 "RFB 003.008\n"

static pid_t process; /* of QEMU; 0: none */

static void start(void)
{
    START(.host = NULL);
    guest_create(&guest_of_button);
}

/* A test that fails leaves no QEMU behind. */
static void tidy(void)
{
    if (process > 1)
        kill(process, SIGKILL);
}

TestSuite(qemu_console, .init = start, .fini = tidy, .timeout = 240);

static void start_terminal(void)
{
    START(.host = NULL, .listen = "https://127.0.0.1:0");
    guest_create(&guest_of_agent);
}

TestSuite(qemu_terminal, .init = start_terminal, .fini = tidy, .timeout = 240);

static void start_vm(void)
{
    put(VM "/config", "vga", "std", NULL);
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/start", NULL))), "OK");
    process = (pid_t)number_of(get(VM "/status/current", NULL), "pid");
}

/* DES with each byte of the password in reverse, as VNC has it. */
static void answer_challenge(unsigned char bytes[static 16], const char *password)
{
    unsigned char key[8], none[8];
    const gnutls_datum_t secret = {key, sizeof(key)}, zero = {none, sizeof(none)};

    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] = 0;
        for (unsigned bit = 0; bit < 8; bit++)
            key[i] |= (unsigned char)(((password[i] >> bit) & 1) << (7 - bit));
    }
    for (size_t block = 0; block < 16; block += 8) {
        gnutls_cipher_hd_t cipher;
        memset(none, 0, sizeof(none));
        cr_assert_eq(gnutls_cipher_init(&cipher, GNUTLS_CIPHER_DES_CBC, &secret, &zero), 0);
        gnutls_cipher_encrypt(cipher, bytes + block, 8);
        gnutls_cipher_deinit(cipher);
    }
}

/* From the version to the word that the password is right; the client's version comes in pieces. */
static void log_in(int fd, const char *password)
{
    char version[12];
    unsigned char types[2], challenge[16], result[4];

    console_receive_stream(fd, version, sizeof(version));
    cr_expect_eq(memcmp(version, VERSION_3_8, 12), 0);
    console_send_frame(fd, 0x02, VERSION_3_8, 5);
    console_send_frame(fd, 0x89, "ping", 4);
    console_send_frame(fd, 0x80, &VERSION_3_8[5], 7);
    unsigned char pong[6];
    console_receive(fd, pong, sizeof(pong));
    cr_expect_eq(memcmp(pong, "\x8a\x04ping", 6), 0);
    console_receive_stream(fd, types, sizeof(types));
    cr_assert_eq(memcmp(types, "\x01\x02", 2), 0, "not the security type of passwords");
    console_send_frame(fd, 0x82, "\x02", 1);
    console_receive_stream(fd, challenge, sizeof(challenge));
    answer_challenge(challenge, password);
    console_send_frame(fd, 0x82, challenge, sizeof(challenge));
    console_receive_stream(fd, result, sizeof(result));
    cr_expect_eq(memcmp(result, "\0\0\0\0", 4), 0, "the password is wrong");
}

static void expect_closed(int fd)
{
    struct pollfd waited = {.fd = fd, .events = POLLIN};
    char byte;

    cr_assert_eq(poll(&waited, 1, MS), 1, "it is not closed");
    cr_expect_leq(recv(fd, &byte, 1, 0), 0);
}

static void expect_status(const json_t *proxy, const char *headers, unsigned status)
{
    autoclose int fd = raw_connect();

    console_ask(fd, proxy, headers);
    autofree char *reply = console_receive_head(fd);
    cr_expect_eq(raw_status(reply), status, "%s", reply);
}

DAEMON_TEST(qemu_console, shows_the_screen_to_who_has_a_ticket_once)
{
    start_vm();
    const json_t *proxy = post(VM "/vncproxy", "websocket", "1", NULL);
    autofree char *port = xasprintf("%lld", number_of(proxy, "port")),
                  *start_of_ticket = xasprintf("%s:PVEVNC:", text_of(proxy, "password"));
    cr_expect(text_starts_with(text_of(proxy, "ticket"), start_of_ticket));
    cr_expect_str_eq(text_of(proxy, "user"), "root@pam");
    is_json(post("/access/vncticket", "authid", "root@pam", "path", "/vms/100", "privs", "VM.Console", "port",
                 port, "vncticket", text_of(proxy, "ticket"), NULL),
            "null");
    cr_expect_str_eq(
        text_of(get(VM "/vncwebsocket", "port", port, "vncticket", text_of(proxy, "ticket"), NULL), "port"),
        port);
    autoclose int fd = raw_connect();
    console_ask(fd, proxy, "");
    autofree char *head = console_receive_head(fd);
    cr_assert_eq(raw_status(head), 101, "%s", head);
    cr_expect_not_null(strstr(head, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "%s", head);
    cr_expect_not_null(strstr(head, "Sec-WebSocket-Protocol: binary"), "%s", head);
    log_in(fd, text_of(proxy, "password"));
    expect_status(proxy, "", 401);
    console_send_frame(fd, 0x88, "", 0);
    expect_closed(fd);
    cr_expect_str_eq(vm_task_end(text_of(proxy, "upid")), "OK");
}

/* The daemon is stopped with it open, and must end as it should. */
DAEMON_TEST(qemu_console, is_closed_with_its_vm_or_its_daemon)
{
    start_vm();
    autoclose int first = raw_connect(), second = raw_connect();
    console_ask(first, post(VM "/vncproxy", "websocket", "1", NULL), "Origin: http://here\r\n");
    autofree char *head = console_receive_head(first);
    cr_assert_eq(raw_status(head), 101, "%s", head);
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
    char version[14];
    console_receive(first, version, sizeof(version));
    expect_closed(first);
    start_vm();
    console_ask(second, post(VM "/vncproxy", "websocket", "1", NULL), "");
    autofree char *other = console_receive_head(second);
    cr_assert_eq(raw_status(other), 101, "%s", other);
    console_receive(second, version, 14);
    daemon_stop();
    expect_closed(second);
    daemon_start_again();
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
}

DAEMON_TEST(qemu_console, is_refused_with_its_reason)
{
    fails(500, "VM 100 has no screen: its key vga is none", "POST", VM "/vncproxy", NULL);
    put(VM "/config", "delete", "vga", "hostpci0", "01:00,x-vga=on", NULL);
    fails(500, "VM 100 has no picture here: its screen is at the card of hostpci0 (x-vga)", "POST",
          VM "/vncproxy", NULL);
    put(VM "/config", "delete", "hostpci0", NULL);
    const json_t *proxy = post(VM "/vncproxy", NULL);
    expect_status(proxy, "Origin: http://elsewhere\r\n", 403);
    expect_status(proxy, "Origin: http://here\r\n", 101); /* it does not run, so that this ends at once */
    cr_expect_str_eq(vm_task_end(text_of(proxy, "upid")), "Failed to run vncproxy. VM 100 not running");
    fails(401, "permission denied - invalid PVEVNC ticket", "GET", VM "/vncwebsocket", "port", "5999",
          "vncticket", text_of(proxy, "ticket"), NULL);
}

/* What breaks the protocol is hung up on. */
DAEMON_TEST(qemu_console, hangs_up_on_a_frame_without_a_mask)
{
    start_vm();
    autoclose int fd = raw_connect();
    console_ask(fd, post(VM "/vncproxy", "websocket", "1", NULL), "");
    autofree char *head = console_receive_head(fd);
    char version[14];
    cr_assert_eq(raw_status(head), 101, "%s", head);
    console_receive(fd, version, sizeof(version));
    cr_assert(raw_send(fd, "\x82\x01X", 3));
    expect_closed(fd);
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
}

static void send_text(int fd, const char *text)
{
    console_send_frame(fd, 0x82, text, strlen(text));
}

/* The guest may have answered more often. */
static void expect_closed_after_all(int fd)
{
    autofree char *rest = raw_read(fd, MS / 1000);

    cr_expect(rest != NULL);
}

/* What a terminal's client says first. */
static void send_line(int fd, const json_t *proxy)
{
    autofree char *line = xasprintf("%s:%s\n", text_of(proxy, "user"), text_of(proxy, "ticket"));

    for (size_t sent = 0, length = strlen(line); sent < length; sent += 100)
        console_send_frame(fd, 0x82, line + sent, length - sent < 100 ? length - sent : 100);
}

static void expect_stream(int fd, const char *text)
{
    autofree char *bytes = xcalloc(1, strlen(text) + 1);

    console_receive_stream(fd, bytes, strlen(text));
    cr_expect_str_eq(bytes, text);
}

static int open_terminal(const json_t *proxy)
{
    int fd = raw_connect();

    console_ask(fd, proxy, "");
    autofree char *head = console_receive_head(fd);
    cr_assert_eq(raw_status(head), 101, "%s", head);
    return fd;
}

/* The guest answers each line; a size and a sign of life in between change nothing. */
DAEMON_TEST(qemu_terminal, carries_what_is_typed_and_what_the_guest_says)
{
    put(VM "/config", "serial0", "socket", NULL);
    start_vm();
    const json_t *proxy = post(VM "/termproxy", NULL);
    autoclose int fd = open_terminal(proxy);
    send_line(fd, proxy);
    expect_stream(fd, "OKstarting serial terminal on interface serial0\r\n");
    for (;;) { /* it does not listen before it has booted */
        struct pollfd waited = {.fd = fd, .events = POLLIN};
        send_text(fd, "1:80:24:20:24:{\"execute\":\"guest-ping\"}");
        send_text(fd, "20:1:\n");
        if (poll(&waited, 1, 500) == 1)
            break;
    }
    expect_stream(fd, "{\"return\":{}}\n");
    send_text(fd, "3");
    expect_closed_after_all(fd);
    cr_assert_str_eq(vm_task_end(text_of(proxy, "upid")), "OK");
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
}

static void expect_failure(const char *serial, const char *text)
{
    const json_t *proxy =
        serial == NULL ? post(VM "/termproxy", NULL) : post(VM "/termproxy", "serial", serial, NULL);
    autofree char *answer = xasprintf("OK%s\r\n", text);
    autoclose int fd = open_terminal(proxy);

    send_line(fd, proxy);
    expect_stream(fd, answer);
    expect_closed(fd);
    cr_expect_str_eq(vm_task_end(text_of(proxy, "upid")), text);
}

/* In the terminal, with Proxmox VE's words; a wrong line gets none. */
DAEMON_TEST(qemu_terminal, shows_why_there_is_none)
{
    expect_failure(NULL, "VM 100 not running");
    start_vm();
    expect_failure(NULL, "unable to find a serial interface");
    expect_failure("serial1", "serial interface 'serial1' is not configured");
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
    put(VM "/config", "serial0", "socket", NULL);
    const json_t *proxy = post(VM "/termproxy", NULL);
    autoclose int fd = open_terminal(proxy);
    send_text(fd, "root@pam:PVEVNC:\n");
    expect_closed(fd);
}

/* Of a user: as many as he has asked for, opened or not. One ends when its task is stopped. */
DAEMON_TEST(qemu_console, is_bounded_and_stops_with_its_task)
{
    const json_t *proxies[8];

    put(VM "/config", "delete", "vga", NULL);
    for (size_t i = 0; i < 8; i++)
        proxies[i] = post(VM "/vncproxy", NULL);
    fails(503, "root@pam has asked for 8 consoles: close one, or try again when their tasks have ended",
          "POST", VM "/vncproxy", NULL);
    autofree char *task = xasprintf("/nodes/" NODE "/tasks/%s", text_of(proxies[3], "upid"));
    delete (task, NULL);
    cr_expect_str_eq(vm_task_end(text_of(proxies[3], "upid")), "interrupted by signal");
    expect_status(proxies[3], "", 401);
    post(VM "/vncproxy", NULL);
}

/* Each second it is looked whether the user may still see it. */
DAEMON_TEST(qemu_console, is_closed_when_the_right_goes)
{
    start_vm();
    post("/access/users", "userid", "joe@pve", NULL);
    put("/access/acl", "path", "/vms/100", "users", "joe@pve", "roles", "PVEVMUser", NULL);
    const json_t *created = post("/access/users/joe@pve/token/ci", "privsep", "0", NULL);
    autofree char *token = xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value")),
                  *header = xasprintf("Authorization: PVEAPIToken=%s\r\n", token);
    call_with_token(token);
    const json_t *proxy = post(VM "/vncproxy", NULL);
    call_with_token(NULL);
    autoclose int fd = raw_connect_tcp();
    console_ask(fd, proxy, header);
    autofree char *head = console_receive_head(fd);
    cr_assert_eq(raw_status(head), 101, "%s", head);
    expect_stream(fd, VERSION_3_8);
    put("/access/acl", "path", "/vms/100", "users", "joe@pve", "roles", "PVEVMUser", "delete", "1", NULL);
    expect_closed(fd);
    cr_expect_str_eq(vm_task_end(text_of(proxy, "upid")), "OK");
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
}

/* hostpci qm terminal 100 ARGUMENTS, with a terminal of ours as its input. */
static pid_t start_client(const char *output, int *ret_master, const char *const *arguments)
{
    const char *argv[16] = {program_hostpci(), "qm", "terminal", "100"};

    int slave;

    cr_assert_eq(openpty(ret_master, &slave, NULL, NULL, NULL), 0);
    cr_assert_eq(dup2(slave, STDIN_FILENO), STDIN_FILENO);
    close(slave);
    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
    for (size_t i = 0; arguments[i] != NULL; i++)
        argv[4 + i] = arguments[i];
    return program_start(argv, output, "/dev/null", 0);
}

static bool is_raw(void)
{
    struct termios now;

    cr_assert_eq(tcgetattr(STDIN_FILENO, &now), 0);
    return (now.c_lflag & ICANON) == 0;
}

static bool is_in(const char *path, const char *text)
{
    autofree char *all = NULL;
    struct error err;

    return file_read(path, 1 << 20, &all, NULL, &err) == 0 && strstr(all, text) != NULL;
}

/* A line that the guest answers, and Ctrl-O. */
static void use_client(const char *const *arguments)
{
    autofree char *output = xasprintf("%s/terminal", daemon_state());
    static const char ping[] = "{\"execute\":\"guest-ping\"}\n";
    int master;
    pid_t client = start_client(output, &master, arguments);

    for (unsigned looks = 0; !is_raw() || !is_in(output, "interface serial0\r\n"); looks++) {
        cr_assert_lt(looks, 3000, "the client does not begin");
        machine_sleep(20);
    }
    for (unsigned looks = 0; !is_in(output, "{\"return\":{}}\n"); looks++) {
        cr_assert_lt(looks, 200, "the guest does not answer");
        cr_assert_eq(write(master, ping, strlen(ping)), (ssize_t)strlen(ping));
        machine_sleep(500);
    }
    cr_assert_eq(write(master, "\x0f", 1), 1);
    cr_expect_eq(program_wait(client, PROGRAM_SECONDS), 0);
    cr_expect_not(is_raw(), "the terminal is not as before");
    close(master);
}

/* Through the local socket and, with a token, over TLS. */
DAEMON_TEST(qemu_terminal, is_shown_by_the_client_until_ctrl_o)
{
    autofree char *output = xasprintf("%s/terminal", daemon_state());
    const json_t *created = post("/access/users/root@pam/token/ci", "privsep", "0", NULL);
    autofree char *token = xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value"));
    autofree char *pin = xstrdup(text_of(row(get("/nodes", NULL), "node", NODE), "ssl_fingerprint"));
    int master;

    put(VM "/config", "serial0", "socket", NULL);
    start_vm();
    use_client((const char *const[]){NULL});
    use_client((const char *const[]){"--server", daemon_url(), "--token", token, "--fingerprint", pin, NULL});
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
    process = 0;
    pid_t client = start_client(output, &master, (const char *const[]){NULL});
    cr_expect_eq(program_wait(client, PROGRAM_SECONDS), 1 << 8);
    cr_expect(is_in(output, "VM 100 not running\r\n"));
    cr_expect_not(is_raw());
}
