/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses to listen on, the local socket's life, and the certificate. */
#include <criterion/criterion.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/user.h"
#include "server/http/listen.h"
#include "server/http/tls.h"
#include "tests/unit/storage/fixture.h"

Test(server_listen, addresses)
{
    static const struct {
        const char *url, *begin;
        bool tls;
    } cases[] = {
        {"https://127.0.0.1:0", "https://127.0.0.1:", true},
        {"https://0.0.0.0:0/", "https://0.0.0.0:", true},
        {"https://[::1]:0", "https://[::1]:", true},
        {"https://[::]:0", "https://[::]:", true},
        {"http://127.0.0.1:0", "http://127.0.0.1:", false},
        {"http://127.1.2.3:0", "http://127.1.2.3:", false},
        {"http://[::1]:0", "http://[::1]:", false},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        autofree char *url = NULL;
        struct error err;
        bool tls;
        int fd;
        cr_assert_eq(listen_url(cases[i].url, &fd, &tls, &url, &err), 0, "%s", err.message);
        cr_expect_eq(tls, cases[i].tls);
        cr_expect(text_starts_with(url, cases[i].begin), "%s", url);
        cr_expect_neq(strtoul(url + strlen(cases[i].begin), NULL, 10), 0, "the port that was chosen: %s",
                      url);
        close(fd);
    }
}

/* A client without power says no goodbye. */
Test(server_listen, clients_that_are_gone_are_found)
{
    autofree char *url = NULL;
    struct sockaddr_in address;
    socklen_t length = sizeof(address), size = sizeof(int);
    struct error err;
    int asks = 0, idle = 0;
    bool tls;
    int fd;

    cr_assert_eq(listen_url("http://127.0.0.1:0", &fd, &tls, &url, &err), 0, "%s", err.message);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    autoclose int client = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(connect(client, (struct sockaddr *)&address, length), 0);
    autoclose int accepted = accept(fd, NULL, NULL);
    cr_assert_eq(getsockopt(accepted, SOL_SOCKET, SO_KEEPALIVE, &asks, &size), 0);
    cr_assert_eq(getsockopt(accepted, IPPROTO_TCP, TCP_KEEPIDLE, &idle, &size), 0);
    cr_expect(asks != 0 && idle == 60, "%d, %d s", asks, idle);
    close(fd);
}

static void expect_refused(const char *url, const char *part)
{
    autofree char *actual = NULL;
    struct error err;
    bool tls;
    int fd;

    cr_assert_eq(listen_url(url, &fd, &tls, &actual, &err), -1, "%s", url);
    cr_expect_not_null(strstr(err.message, url), "%s", err.message);
    cr_expect_not_null(strstr(err.message, part), "%s", err.message);
    cr_expect_null(actual);
}

Test(server_listen, addresses_that_are_refused)
{
    static const char *const malformed[] = {
        "",
        "127.0.0.1:8006",
        "ftp://127.0.0.1:1",
        "https://",
        "https://127.0.0.1",
        "https://:1",
        "https://127.0.0.1:x",
        "https://127.0.0.1:-1",
        "https://host:1",
        "https://127.0.0.1:65536",
        "https://::1:8006",
        "https://[::1]",
        "https://[::1]x:1",
        "https://[::1:1",
    };

    for (size_t i = 0; i < COUNT_OF(malformed); i++)
        expect_refused(malformed[i], "give https://ADDRESS:PORT");
    expect_refused("http://0.0.0.0:8006", "without TLS tokens could be read");
    expect_refused("http://[::]:8006", "without TLS tokens could be read");
    expect_refused("https://203.0.113.1:1", "give an address that this host has");
}

Test(server_listen, port_in_use)
{
    autofree char *url = NULL;
    struct error err;
    bool tls;
    int fd;

    cr_assert_eq(listen_url("https://127.0.0.1:0", &fd, &tls, &url, &err), 0, "%s", err.message);
    expect_refused(url, "Address already in use; stop the program that listens there");
    close(fd);
}

static int connect_to(const char *path)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int result = connect(fd, (const struct sockaddr *)&address, sizeof(address));
    close(fd);
    return result;
}

Test(server_listen, local_socket_appears_when_it_can_answer)
{
    autofixture struct fixture fixture;
    struct stat status;
    struct error err;
    int fd, second;

    fixture_make(&fixture);
    autofree char *path = xasprintf("%s/sock", fixture.folder);
    cr_assert_eq(listen_local(path, &fd, &err), 0, "%s", err.message);
    cr_expect_neq(connect_to(path), 0, "it has not its name yet");
    cr_assert_eq(listen_publish(path, &err), 0, "%s", err.message);
    cr_expect_eq(connect_to(path), 0);
    cr_assert_eq(stat(path, &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0660);

    cr_assert_eq(listen_local(path, &second, &err), -1, "somebody answers there");
    cr_expect_not_null(strstr(err.message, "another daemon answers on"), "%s", err.message);
    cr_expect_eq(connect_to(path), 0, "the first is left alone");

    close(fd);
    cr_assert_eq(listen_local(path, &second, &err), 0, "what is left of a daemon is replaced: %s",
                 err.message);
    cr_assert_eq(listen_publish(path, &err), 0, "%s", err.message);
    cr_expect_eq(connect_to(path), 0);
    close(second);
}

Test(server_listen, local_path_that_does_not_do)
{
    autofixture struct fixture fixture;
    struct error err;
    int fd;

    fixture_make(&fixture);
    autofree char *file = xasprintf("%s/file", fixture.folder);
    cr_assert_eq(file_replace(file, "x", 1, 0600, &err), 0);
    cr_expect_eq(listen_local(file, &fd, &err), -1);
    cr_expect_not_null(strstr(err.message, "exists and is not a socket"), "%s", err.message);
    cr_expect_eq(access(file, F_OK), 0);

    autofree char *deep = xasprintf("%s/%0100d", fixture.folder, 1);
    cr_expect_eq(listen_local(deep, &fd, &err), -1);
    cr_expect_not_null(strstr(err.message, "is too long"), "%s", err.message);
    cr_expect_eq(listen_local("/nowhere/sock", &fd, &err), -1);
    cr_expect_not_null(strstr(err.message, "/nowhere/sock"), "%s", err.message);
}

Test(server_listen, its_own_paths_are_cleared_of_what_was_left_there)
{
    autofixture struct fixture fixture;
    struct error err;
    int fd;

    fixture_make(&fixture);
    autofree char *path = xasprintf("%s/sock", fixture.folder),
                  *temporary = xasprintf("%s/sock.new", fixture.folder),
                  *inside = xasprintf("%s/sock.new/x", fixture.folder);
    cr_assert_eq(mkdir(temporary, 0755), 0);
    cr_assert_eq(listen_local(path, &fd, &err), 0, "%s", err.message);
    close(fd); /* a daemon that was killed before it could answer */
    cr_assert_eq(listen_local(path, &fd, &err), 0, "%s", err.message);
    close(fd);
    cr_assert_eq(unlink(temporary), 0);
    cr_assert_eq(mkdir(temporary, 0755), 0);
    cr_assert_eq(mkdir(inside, 0755), 0);
    cr_assert_eq(listen_local(path, &fd, &err), -1);
    cr_expect_not_null(strstr(err.message, "Address already in use; move it away"), "%s", err.message);
}

Test(server_listen, socket_has_mode_and_group_from_the_start)
{
    autofixture struct fixture fixture;
    struct stat status;
    struct error err;
    gid_t group = getegid();
    int fd;

    fixture_make(&fixture);
    autofree char *path = xasprintf("%s/sock", fixture.folder),
                  *temporary = xasprintf("%s/sock.new", fixture.folder);
    cr_assert_eq(listen_local(path, &fd, &err), 0, "%s", err.message);
    cr_assert_eq(stat(temporary, &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0660);
    if (geteuid() == 0)
        user_find_group(USER_OWN_GROUP, &group);
    cr_expect_eq(status.st_gid, group);
    close(fd);
}

#define autotls __attribute__((cleanup(tls_release)))

Test(server_tls, certificate_is_made_once)
{
    autofixture struct fixture fixture;
    autotls struct tls first = {0}, second = {0};
    struct stat status;
    struct error err;

    fixture_make(&fixture);
    autofree char *key = xasprintf("%s/tls.key", fixture.folder);
    cr_assert_eq(tls_open(fixture.folder, "pve1", &first, &err), 0, "%s", err.message);
    cr_assert_eq(stat(key, &status), 0);
    cr_expect_eq(status.st_mode & 0777, 0600);
    cr_assert_eq(tls_open(fixture.folder, "pve1", &second, &err), 0, "%s", err.message);
    cr_expect_str_eq(first.fingerprint, second.fingerprint);
    cr_expect_eq(strlen(first.fingerprint), TLS_FINGERPRINT_SIZE - 1);
    cr_expect_eq(strspn(first.fingerprint, "0123456789ABCDEF:"), TLS_FINGERPRINT_SIZE - 1);
}

Test(server_tls, certificate_is_good_for_this_node)
{
    static const char *const names[] = {"pve1", "localhost", "127.0.0.1", "::1"};
    autofixture struct fixture fixture;
    autotls struct tls tls = {0};
    gnutls_x509_crt_t certificate;
    struct error err;
    char purpose[64];
    size_t size = sizeof(purpose);

    fixture_make(&fixture);
    cr_assert_eq(tls_open(fixture.folder, "pve1", &tls, &err), 0, "%s", err.message);
    const gnutls_datum_t pem = {(unsigned char *)tls.certificate, (unsigned)strlen(tls.certificate)};
    gnutls_x509_crt_init(&certificate);
    cr_assert_eq(gnutls_x509_crt_import(certificate, &pem, GNUTLS_X509_FMT_PEM), 0);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        cr_expect(gnutls_x509_crt_check_hostname(certificate, names[i]), "%s", names[i]);
    cr_expect_not(gnutls_x509_crt_check_hostname(certificate, "pve2"));
    cr_assert_eq(gnutls_x509_crt_get_key_purpose_oid(certificate, 0, purpose, &size, NULL), 0);
    cr_expect_str_eq(purpose, GNUTLS_KP_TLS_WWW_SERVER);
    gnutls_x509_crt_deinit(certificate);
}

Test(server_tls, files_that_do_not_do)
{
    autofixture struct fixture fixture, other;
    autotls struct tls tls = {0}, foreign = {0};
    struct error err;

    fixture_make(&fixture);
    fixture_make(&other);
    autofree char *key = xasprintf("%s/tls.key", fixture.folder);
    autofree char *certificate = xasprintf("%s/tls.pem", fixture.folder);
    cr_assert_eq(tls_open(other.folder, "pve1", &foreign, &err), 0, "%s", err.message);

    cr_assert_eq(file_replace(certificate, foreign.certificate, strlen(foreign.certificate), 0644, &err), 0);
    cr_expect_eq(tls_open(fixture.folder, "pve1", &tls, &err), -1, "there is no key");
    cr_expect_not_null(strstr(err.message, key), "%s", err.message);
    cr_assert_eq(rename(certificate, key), 0);
    cr_expect_eq(tls_open(fixture.folder, "pve1", &tls, &err), -1, "there is no certificate");
    cr_expect_not_null(strstr(err.message, "delete both and restart to have new ones made"), "%s",
                       err.message);
    cr_assert_eq(unlink(key), 0);

    cr_assert_eq(tls_open(fixture.folder, "pve1", &tls, &err), 0, "%s", err.message);
    tls_release(&tls);
    cr_assert_eq(file_replace(key, foreign.key, strlen(foreign.key), 0600, &err), 0);
    cr_expect_eq(tls_open(fixture.folder, "pve1", &tls, &err), -1, "the key is another's");
    cr_expect_not_null(strstr(err.message, "delete both and restart to have new ones made"), "%s",
                       err.message);
}
