/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks with bodies: large ones from strangers, unfinished ones, and ones that become large when decoded.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/attack.h"
#include "tests/api/daemon.h"
#include "tests/api/raw.h"

TestSuite(attack_memory, .init = attack_start, .timeout = 120);

#define LINE        "POST /api2/json/cluster/mapping/pci HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
#define WRONG_TOKEN "Authorization: PVEAPIToken=root@pam!ci=00000000-0000-0000-0000-000000000000"

enum { CLIENTS = 64, BODY = 512 * 1024 };

/* {"a":[{},{},...]} */
static char *make_body(void)
{
    struct text body = {0};

    text_append(&body, "{\"a\":[{}");
    while (body.length + 5 < BODY)
        text_append(&body, ",{}");
    text_printf(&body, "%*s", (int)(BODY - body.length), "]}");
    return text_take(&body);
}

/* Each client sends a body, as far as the daemon takes it, and stays. Afterwards the well-behaved one
 * proceeds, and nothing is left. */
static void attack(const char *header, const char *length, size_t sent)
{
    autofree char *body = make_body();
    int fds[CLIENTS];

    good_client_start();
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = attack_connect(2 + i % 4);
        raw_print(fds[i], LINE "%s\r\n%s\r\n\r\n", header, length);
        raw_send(fds[i], body, sent);
    }
    good_client_proceeds(20);
    good_client_stop();
    attack_close(fds, CLIENTS);
    attack_memory_is_small();
}

#define WHOLE   "Content-Length: 524288"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n80000" /* and the first chunk begins */

DAEMON_TEST(attack_memory, large_bodies_with_a_wrong_token)
{
    attack(WRONG_TOKEN, WHOLE, BODY);
}

DAEMON_TEST(attack_memory, large_bodies_without_a_token)
{
    attack("A: b", WHOLE, BODY);
}

DAEMON_TEST(attack_memory, chunked_bodies_without_a_token)
{
    autofree char *body = make_body();
    int fds[CLIENTS];

    good_client_start();
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = attack_connect(2 + i % 4);
        raw_print(fds[i], LINE "%s\r\n", CHUNKED);
        raw_send(fds[i], body, BODY);
    }
    good_client_proceeds(20);
    good_client_stop();
    attack_close(fds, CLIENTS);
    attack_memory_is_small();
}

DAEMON_TEST(attack_memory, bodies_of_a_user_that_become_large)
{
    attack(attack_auditor(), WHOLE, BODY);
}

/* Of one user only so many are received at once; the others are told so. */
DAEMON_TEST(attack_memory, unfinished_bodies_of_a_user)
{
    int fds[CLIENTS], refused = 0;
    autofree char *body = make_body();

    attack(attack_auditor(), WHOLE, BODY - 1);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = attack_connect(2);
        raw_print(fds[i], LINE "%s\r\n%s\r\n\r\n", attack_auditor(), WHOLE);
        raw_send(fds[i], body, BODY - 1);
    }
    for (int i = 0; i < CLIENTS; i++) {
        autofree char *reply = raw_read(fds[i], 0);
        refused += raw_status(reply) == 503;
        if (raw_status(reply) == 503)
            cr_assert_not_null(strstr(reply, "other requests of auditor@pve with large bodies"), "%s", reply);
    }
    cr_assert_eq(refused, CLIENTS - 8, "%d of %d", refused, CLIENTS);
    attack_close(fds, CLIENTS);
}

static unsigned ask(const char *header, size_t length)
{
    autofree char *body = xcalloc(length + 1, 1);
    int fd = attack_connect(2);

    memset(body, 'x', length);
    raw_print(fd,
              "POST /api2/json/access/ticket HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n"
              "Content-Length: %zu\r\n\r\n",
              header, length);
    raw_send(fd, body, length);
    autofree char *reply = raw_read(fd, 20);
    close(fd);
    return raw_status(reply);
}

DAEMON_TEST(attack_memory, who_may_send_how_much)
{
    cr_assert_eq(ask("A: b", 8 * 1024), 400, "no parameters");
    cr_assert_eq(ask("A: b", 8 * 1024 + 1), 501, "too large");
    cr_assert_eq(ask(WRONG_TOKEN, 8 * 1024 + 1), 401);
    cr_assert_eq(ask(attack_auditor(), BODY), 403, "tokens may not call this");
    cr_assert_eq(ask(attack_auditor(), BODY + 1), 501);
}
