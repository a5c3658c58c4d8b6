/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests: what the client sends, whom it trusts, and how it reads the reply. A child process is the server. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "client/call/call.h"

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"data\":null}"

/* A server for one connection; what it was sent comes out of `heard`. */
struct server {
    pid_t pid;
    int heard;
    char address[128]; /* a socket's path, or a URL */
    char fingerprint[65];
};

static void say(int pipe, const char *bytes, size_t length)
{
    cr_assert_eq(write(pipe, bytes, length), (ssize_t)length);
}

static bool is_complete(const char *request)
{
    const char *end = strstr(request, "\r\n\r\n");
    const char *length = strstr(request, "Content-Length: ");

    return end != NULL && (length == NULL || strlen(end + 4) >= strtoul(length + 16, NULL, 10));
}

static void serve_plain(int listener, int heard, const char *reply)
{
    int fd = accept(listener, NULL, NULL);
    char request[8192] = "";
    ssize_t count;

    for (size_t used = 0; !is_complete(request) && (count = read(fd, request + used, 8191 - used)) > 0;)
        used += (size_t)count;
    say(heard, request, strlen(request));
    count = write(fd, reply, strlen(reply));
    _exit(count < 0);
}

static void start_socket(struct server *server, const char *reply)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0), pipes[2];

    snprintf(server->address, sizeof(server->address), "/tmp/hostpci-client-call-%d", getpid());
    memcpy(address.sun_path, server->address, strlen(server->address));
    unlink(server->address);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(listener, 1), 0);
    cr_assert_eq(pipe(pipes), 0);
    server->pid = fork();
    alarm(server->pid == 0 ? 10 : 0); /* a client that never comes must not keep it waiting */
    if (server->pid == 0)
        serve_plain(listener, pipes[1], reply);
    close(listener);
    close(pipes[1]);
    server->heard = pipes[0];
}

/* What the server was sent; the server has ended then. */
static char *hear(struct server *server)
{
    struct text text = {0};
    char block[4096];
    ssize_t count;

    while ((count = read(server->heard, block, sizeof(block))) > 0)
        text_append_bytes(&text, block, (size_t)count);
    close(server->heard);
    waitpid(server->pid, NULL, 0);
    unlink(server->address);
    return text_take(&text);
}

static void stop(struct server *server)
{
    free(hear(server));
}

/* A certificate of its own, as the daemon makes one. */
static gnutls_certificate_credentials_t make_certificate(char *ret_fingerprint)
{
    gnutls_certificate_credentials_t credentials;
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t certificate;
    unsigned char digest[32];
    size_t size = sizeof(digest);

    gnutls_x509_privkey_init(&key);
    gnutls_x509_crt_init(&certificate);
    gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    gnutls_x509_crt_set_version(certificate, 3);
    gnutls_x509_crt_set_serial(certificate, "\1", 1);
    gnutls_x509_crt_set_activation_time(certificate, time(NULL) - 60);
    gnutls_x509_crt_set_expiration_time(certificate, time(NULL) + 3600);
    gnutls_x509_crt_set_dn(certificate, "CN=test", NULL);
    gnutls_x509_crt_set_key(certificate, key);
    cr_assert_eq(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0), 0);
    gnutls_x509_crt_get_fingerprint(certificate, GNUTLS_DIG_SHA256, digest, &size);
    for (size_t i = 0; i < size; i++)
        snprintf(ret_fingerprint + 2 * i, 3, "%02x", digest[i]);
    gnutls_certificate_allocate_credentials(&credentials);
    cr_assert_eq(gnutls_certificate_set_x509_key(credentials, &certificate, 1, key), 0);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
    return credentials;
}

static void serve_tls(int listener, int heard, gnutls_certificate_credentials_t credentials)
{
    gnutls_session_t session;
    char request[8192];

    gnutls_init(&session, GNUTLS_SERVER);
    gnutls_set_default_priority(session);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
    int fd = accept(listener, NULL, NULL); /* gnutls_transport_set_int is a macro that takes it twice */
    gnutls_transport_set_int(session, fd);
    if (gnutls_handshake(session) == 0) {
        ssize_t count = gnutls_record_recv(session, request, sizeof(request));
        if (count > 0) {
            say(heard, request, (size_t)count);
            gnutls_record_send(session, OK_REPLY, strlen(OK_REPLY));
        }
    }
    _exit(0);
}

static void start_tls(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0), pipes[2];
    gnutls_certificate_credentials_t credentials = make_certificate(server->fingerprint);

    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(listener, 1), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    snprintf(server->address, sizeof(server->address), "https://127.0.0.1:%d", ntohs(address.sin_port));
    cr_assert_eq(pipe(pipes), 0);
    server->pid = fork();
    alarm(server->pid == 0 ? 10 : 0);
    if (server->pid == 0)
        serve_tls(listener, pipes[1], credentials);
    gnutls_certificate_free_credentials(credentials);
    close(listener);
    close(pipes[1]);
    server->heard = pipes[0];
}

static const char token[] = "root@pam!test=11111111-2222-3333-4444-555555555555";

Test(client_call, parameters_of_a_change_are_a_form)
{
    struct server server;
    autoreply struct call_reply reply = {0};
    struct error err;
    char name[] = "map", first[] = "node=n1,path=0000:01:00.0", second[] = "a&b +\xc3\xbc";
    const struct call_parameter parameters[] = {{name, first}, {name, second}};

    start_socket(&server, OK_REPLY);
    struct call_target target = {.socket = server.address};
    cr_assert_eq(call_send(&target, METHOD_PUT, "/cluster/mapping/pci/a b%/../0000:01:00.0", parameters, 2,
                           &reply, &err),
                 0);
    autofree char *heard = hear(&server);
    cr_expect(
        text_starts_with(heard, "PUT /api2/json/cluster/mapping/pci/a%20b%25/../0000:01:00.0 HTTP/1.1\r\n"),
        "%s", heard);
    cr_expect_not_null(strstr(heard, "Content-Type: application/x-www-form-urlencoded\r\n"));
    cr_expect(text_ends_with(heard, "\r\n\r\nmap=node%3Dn1%2Cpath%3D0000%3A01%3A00.0&map=a%26b%20%2B%C3%BC"),
              "%s", heard);
    cr_expect_null(strstr(heard, "Authorization"), "the socket knows who we are");
    cr_expect_eq(reply.status, 200);
}

Test(client_call, parameters_of_a_question_are_in_the_url)
{
    struct server server;
    autoreply struct call_reply reply = {0};
    struct error err;
    char name[] = "verbose", value[] = "0";
    const struct call_parameter parameters[] = {{name, value}};

    start_socket(&server, OK_REPLY);
    struct call_target target = {.socket = server.address, .token = token};
    cr_assert_eq(call_send(&target, METHOD_DELETE, "/x", parameters, 1, &reply, &err), 0);
    autofree char *heard = hear(&server);
    cr_expect(text_starts_with(heard, "DELETE /api2/json/x?verbose=0 HTTP/1.1\r\n"), "%s", heard);
    cr_expect_not_null(strstr(heard, "Authorization: PVEAPIToken=root@pam!test=11111111-"));
}

Test(client_call, a_refusal_has_a_message_and_a_text_for_each_parameter)
{
    struct server server;
    autoreply struct call_reply reply = {0};
    struct error err;

    start_socket(
        &server,
        "HTTP/1.1 400 Parameter verification failed.\r\nConnection: close\r\n\r\n"
        "{\"data\":null,\"message\":\"Parameter verification failed.\\n\",\"errors\":{\"id\":\"no\"}}");
    struct call_target target = {.socket = server.address};
    cr_assert_eq(call_send(&target, METHOD_POST, "/x", NULL, 0, &reply, &err), 0);
    stop(&server);
    cr_expect_eq(reply.status, 400);
    cr_expect_str_eq(reply.message, "Parameter verification failed.");
    cr_expect_str_eq(json_string_value(json_object_get(reply.errors, "id")), "no");
}

Test(client_call, a_refusal_without_a_body_speaks_by_its_reason_phrase)
{
    struct server server;
    autoreply struct call_reply reply = {0};
    struct error err;

    start_socket(&server, "HTTP/1.1 401 No ticket\r\nContent-Length: 0\r\n\r\n");
    struct call_target target = {.socket = server.address};
    cr_assert_eq(call_send(&target, METHOD_GET, "/x", NULL, 0, &reply, &err), 0);
    stop(&server);
    cr_expect_eq(reply.status, 401);
    cr_expect_str_eq(reply.message, "No ticket");
}

Test(client_call, a_server_of_another_kind_is_noticed)
{
    struct server server;
    autoreply struct call_reply reply = {0};
    struct error err;

    start_socket(&server, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>");
    struct call_target target = {.socket = server.address};
    cr_expect_eq(call_send(&target, METHOD_GET, "/x", NULL, 0, &reply, &err), -1);
    stop(&server);
    cr_expect(text_starts_with(err.message, "the reply is not JSON"));
    cr_expect_eq(err.kind, ERROR_FAILED);
}

/* Whoever gets a socket of his own to where the daemon's was must not be sent passwords. */
Test(client_call, a_stranger_on_the_socket_is_sent_nothing)
{
    struct server server;
    autoreply struct call_reply reply = {0};
    struct error err;

    if (geteuid() != 0)
        cr_skip_test("only root can be somebody else");
    cr_assert_eq(seteuid(4242), 0); /* the kernel remembers who called listen */
    start_socket(&server, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{\"data\":[]}");
    cr_assert_eq(seteuid(0), 0);
    struct call_target target = {.socket = server.address, .token = token};
    cr_expect_eq(call_send(&target, METHOD_GET, "/x", NULL, 0, &reply, &err), -1);
    cr_expect_eq(err.kind, ERROR_NO_HOST);
    cr_expect(text_starts_with(err.message, "user 4242 (process "), "%s", err.message);
    cr_expect_not_null(strstr(err.message, "nothing was sent"), "%s", err.message);
    autofree char *heard = hear(&server);
    cr_expect_str_eq(heard, "");
}

Test(client_call, a_missing_daemon_is_told_with_the_way_to_start_it)
{
    autoreply struct call_reply reply = {0};
    struct error err;
    struct call_target target = {.socket = "/nonexistent/hostpci.sock"};

    cr_expect_eq(call_send(&target, METHOD_GET, "/x", NULL, 0, &reply, &err), -1);
    cr_expect_eq(err.kind, ERROR_NO_HOST);
    cr_expect(
        text_starts_with(err.message, "no daemon listens on '/nonexistent/hostpci.sock'. Start one with "));
}

Test(client_call, the_pinned_certificate_is_trusted)
{
    struct server server;
    autoreply struct call_reply reply = {0};
    struct error err;

    start_tls(&server);
    struct call_target target = {.server = server.address, .token = token, .fingerprint = server.fingerprint};
    cr_assert_eq(call_send(&target, METHOD_GET, "/x", NULL, 0, &reply, &err), 0, "%s", err.message);
    autofree char *heard = hear(&server);
    cr_expect_not_null(strstr(heard, token));
}

Test(client_call, a_server_with_another_certificate_gets_not_one_byte)
{
    struct server server;
    autoreply struct call_reply reply = {0};
    struct error err;

    start_tls(&server);
    struct call_target target = {.server = server.address, .token = token, .fingerprint = server.fingerprint};
    char *last = &server.fingerprint[63];
    *last = *last == '0' ? '1' : '0';
    cr_expect_eq(call_send(&target, METHOD_GET, "/x", NULL, 0, &reply, &err), -1);
    autofree char *heard = hear(&server);
    cr_expect_str_eq(heard, "");
    cr_expect_eq(err.kind, ERROR_NO_HOST);
    cr_expect_not_null(strstr(err.message, "does not have the certificate that --fingerprint names"), "%s",
                       err.message);
}

Test(client_call, a_certificate_that_nobody_vouches_for_gets_not_one_byte)
{
    struct server server;
    autoreply struct call_reply reply = {0};
    struct error err;

    start_tls(&server);
    struct call_target target = {.server = server.address, .token = token};
    cr_expect_eq(call_send(&target, METHOD_GET, "/x", NULL, 0, &reply, &err), -1);
    autofree char *heard = hear(&server);
    cr_expect_str_eq(heard, "");
    cr_expect_eq(err.kind, ERROR_NO_HOST);
    cr_expect_not_null(strstr(err.message, "is not trusted"), "%s", err.message);
}

Test(client_call, targets_that_cannot_be_right_are_refused)
{
    static const struct call_target targets[] = {
        {.server = "http://198.51.100.1:8006", .token = token}, /* the token could be read on the way */
        {.server = "https://n1:8006/api2/json"},
        {.server = "https://user@n1"},
        {.server = "ftp://n1"},
        {.server = "https://n1", .token = "root@pam"},
        {.server = "https://n1", .token = "root@pam!a=b\r\nX-Other: 1"},
        {.server = "https://n1", .fingerprint = "AB:CD"},
        {.socket = "/tmp/s", .insecure = true},
    };

    for (size_t i = 0; i < COUNT_OF(targets); i++) {
        autoreply struct call_reply reply = {0};
        struct error err;
        cr_expect_eq(call_send(&targets[i], METHOD_GET, "/x", NULL, 0, &reply, &err), -1, "target %zu", i);
        cr_expect_eq(err.kind, ERROR_INVALID, "target %zu: %s", i, err.message);
    }
}
