/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The screen of a VM that really runs, through a WebSocket, as noVNC sees it: up to the login of RFB
 * (RFC 6143). */
#include <criterion/criterion.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/console.h"
#include "tests/api/daemon.h"
#include "tests/api/guest.h"
#include "tests/api/lab/machine.h"
#include "tests/api/look.h"
#include "tests/api/raw.h"
#include "tests/api/vm.h"

#define VM             QEMU "/100"
#define TICKET_SECONDS 40
#define VERSION_3_8    "RFB 003.008\n"

static void start(void)
{
    START(.host = NULL);
    guest_create(&guest_of_button);
}

TestSuite(qemu_console, .init = start, .fini = console_kill_vm, .timeout = 240);

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

static void expect_status(const json_t *proxy, const char *headers, unsigned status)
{
    autoclose int fd = raw_connect();

    console_ask(fd, proxy, headers);
    autofree char *reply = console_receive_head(fd);
    cr_expect_eq(raw_status(reply), status, "%s", reply);
}

DAEMON_TEST(qemu_console, shows_the_screen_to_who_has_a_ticket_once)
{
    console_start_vm();
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
    console_expect_closed(fd);
    cr_expect_str_eq(vm_task_end(text_of(proxy, "upid")), "OK");
}

/* The daemon is stopped with it open, and must end as it should. */
DAEMON_TEST(qemu_console, is_closed_with_its_vm_or_its_daemon)
{
    console_start_vm();
    autoclose int first = raw_connect(), second = raw_connect();
    console_ask(first, post(VM "/vncproxy", "websocket", "1", NULL), "Origin: http://here\r\n");
    autofree char *head = console_receive_head(first);
    cr_assert_eq(raw_status(head), 101, "%s", head);
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
    char version[14];
    console_receive(first, version, sizeof(version));
    console_expect_closed(first);
    console_start_vm();
    console_ask(second, post(VM "/vncproxy", "websocket", "1", NULL), "");
    autofree char *other = console_receive_head(second);
    cr_assert_eq(raw_status(other), 101, "%s", other);
    console_receive(second, version, 14);
    daemon_stop();
    console_expect_closed(second);
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
    console_start_vm();
    autoclose int fd = raw_connect();
    console_ask(fd, post(VM "/vncproxy", "websocket", "1", NULL), "");
    autofree char *head = console_receive_head(fd);
    char version[14];
    cr_assert_eq(raw_status(head), 101, "%s", head);
    console_receive(fd, version, sizeof(version));
    cr_assert(raw_send(fd, "\x82\x01X", 3));
    console_expect_closed(fd);
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
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

/* joe@pve's screen, as the head of a request says it that he sends. */
static const json_t *open_of_joe(int fd)
{
    post("/access/users", "userid", "joe@pve", NULL);
    put("/access/acl", "path", "/vms/100", "users", "joe@pve", "roles", "PVEVMUser", NULL);
    const json_t *created = post("/access/users/joe@pve/token/ci", "privsep", "0", NULL);
    autofree char *token = xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value")),
                  *header = xasprintf("Authorization: PVEAPIToken=%s\r\n", token);
    call_with_token(token);
    const json_t *proxy = post(VM "/vncproxy", NULL);
    call_with_token(NULL);
    console_ask(fd, proxy, header);
    autofree char *head = console_receive_head(fd);
    cr_assert_eq(raw_status(head), 101, "%s", head);
    console_expect_stream(fd, VERSION_3_8);
    return proxy;
}

/* The console closes, its task ends well, and the VM, which goes on, is stopped. */
static void expect_end(int fd, const json_t *proxy)
{
    console_expect_closed(fd);
    cr_expect_str_eq(vm_task_end(text_of(proxy, "upid")), "OK");
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
}

/* Each second it is looked whether the user may still see it. */
DAEMON_TEST(qemu_console, is_closed_when_the_right_goes)
{
    autoclose int fd = raw_connect_tcp();

    console_start_vm();
    const json_t *proxy = open_of_joe(fd);
    put("/access/acl", "path", "/vms/100", "users", "joe@pve", "roles", "PVEVMUser", "delete", "1", NULL);
    expect_end(fd, proxy);
}

DAEMON_TEST(qemu_console, is_closed_when_its_user_is_deleted)
{
    autoclose int fd = raw_connect_tcp();

    console_start_vm();
    const json_t *proxy = open_of_joe(fd);
    delete ("/access/users/joe@pve", NULL);
    expect_end(fd, proxy);
}

DAEMON_TEST(qemu_console, is_closed_when_its_user_is_disabled)
{
    autoclose int fd = raw_connect_tcp();

    console_start_vm();
    const json_t *proxy = open_of_joe(fd);
    put("/access/users/joe@pve", "enable", "0", NULL);
    expect_end(fd, proxy);
}

/* Whoever has stolen the old ticket must not keep what it opened. */
DAEMON_TEST(qemu_console, is_closed_when_its_login_ends)
{
    autoclose int fd = raw_connect_tcp();

    console_start_vm();
    account_create("ann@pve", NULL);
    account_grant("/vms/100", "PVEVMUser", "users", "ann@pve");
    const json_t *login = post("/access/ticket", "username", "ann@pve", "password", PASSWORD, NULL);
    autofree char *header = xasprintf("Authorization: PVEAuthCookie=%s\r\n", text_of(login, "ticket"));
    account_enter("ann@pve");
    const json_t *proxy = post(VM "/vncproxy", NULL);
    call_with_token(NULL);
    console_ask(fd, proxy, header);
    autofree char *head = console_receive_head(fd);
    cr_assert_eq(raw_status(head), 101, "%s", head);
    console_expect_stream(fd, VERSION_3_8);
    put("/access/password", "userid", "ann@pve", "password", "another horse", NULL);
    expect_end(fd, proxy);
}

/* Of a ticket that nobody uses. */
DAEMON_TEST(qemu_console, is_waited_for_in_vain_for_forty_seconds)
{
    put(VM "/config", "delete", "vga", NULL);
    double began = machine_now(), end = machine_slept() + 3.0 * TICKET_SECONDS;
    const json_t *proxy = post(VM "/vncproxy", NULL);
    autofree char *path = xasprintf("/nodes/" NODE "/tasks/%s/status", text_of(proxy, "upid"));
    const json_t *status = get(path, NULL);

    while (strcmp(text_of(status, "status"), "running") == 0) {
        cr_assert_lt(machine_slept(), end, "its task does not end");
        machine_sleep(500);
        status = get(path, NULL);
    }
    cr_expect_geq(machine_now() - began, TICKET_SECONDS - 1.0);
    cr_expect_str_eq(text_of(status, "exitstatus"), "connection timed out");
    expect_status(proxy, "", 401);
}

static void start_tls(void)
{
    START(.host = NULL, .listen = "https://127.0.0.1:0");
    guest_create(&guest_of_button);
}

TestSuite(qemu_console_tls, .init = start_tls, .fini = console_kill_vm, .timeout = 240);

static void receive_tls(gnutls_session_t session, struct text *text, const char *until)
{
    while (strstr(text_string(text), until) == NULL) {
        char byte;
        ssize_t count = gnutls_record_recv(session, &byte, 1);
        cr_assert_eq(count, 1, "the connection ends after %s", text_string(text));
        text_append_bytes(text, &byte, 1);
    }
}

/* The daemon's certificate is not looked at: that is what tests/api/tls.c does. */
DAEMON_TEST(qemu_console_tls, shows_the_screen)
{
    const json_t *created = post("/access/users/root@pam/token/ci", "privsep", "0", NULL);
    autofree char *token = xasprintf("%s=%s", text_of(created, "full-tokenid"), text_of(created, "value")),
                  *header = xasprintf("Authorization: PVEAPIToken=%s\r\n", token);
    autotext struct text received = {0};
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;

    console_start_vm();
    call_with_token(token);
    autofree char *request = console_request(post(VM "/vncproxy", NULL), header);
    call_with_token(NULL);
    autoclose int fd = raw_connect_tcp();
    gnutls_certificate_allocate_credentials(&credentials);
    gnutls_init(&session, GNUTLS_CLIENT);
    gnutls_set_default_priority(session);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_int(session, fd);
    gnutls_record_set_timeout(session, 60000);
    cr_assert_eq(gnutls_handshake(session), 0);
    cr_assert_eq(gnutls_record_send(session, request, strlen(request)), (ssize_t)strlen(request));
    receive_tls(session, &received, VERSION_3_8);
    cr_expect_eq(raw_status(text_string(&received)), 101, "%s", text_string(&received));
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(credentials);
    cr_assert_str_eq(vm_task_end(json_string_value(post(VM "/status/stop", NULL))), "OK");
}
