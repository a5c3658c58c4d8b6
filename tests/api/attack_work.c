/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attacks with work: many logins, many expensive reads. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/api/attack.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/raw.h"
#include "tests/api/vm.h"

TestSuite(attack_work, .init = attack_start, .timeout = 120);

enum { MANY = 100 };

static int log_in(int host, const char *user, const char *password)
{
    autofree char *body = xasprintf("username=%s&password=%s", user, password);
    int fd = attack_connect(host);

    raw_print(fd,
              "POST /api2/json/access/ticket HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
              "Content-Length: %zu\r\n\r\n%s",
              strlen(body), body);
    return fd;
}

static unsigned read_status(int fd)
{
    autofree char *reply = raw_read(fd, 60);

    close(fd);
    return raw_status(reply);
}

/* A login from elsewhere gets its turn, too. */
DAEMON_TEST(attack_work, logins_from_one_address)
{
    int fds[MANY];

    good_client_start();
    for (int i = 0; i < MANY; i++)
        fds[i] = log_in(2, "nobody@pve", "wrong-password");
    cr_assert_eq(read_status(log_in(9, "auditor@pve", "Secret-of-88")), 200);
    good_client_proceeds(30);
    good_client_stop();
    attack_close(fds, MANY);
    attack_memory_is_small();
}

static char *make_manager(const char *path, const char *role)
{
    post("/access/users", "userid", "manager@pve", NULL);
    put("/access/acl", "path", path, "roles", role, "users", "manager@pve", NULL);
    const json_t *token = post("/access/users/manager@pve/token/ci", "privsep", "0", NULL);
    return xasprintf("Authorization: PVEAPIToken=%s=%s", text_of(token, "full-tokenid"),
                     text_of(token, "value"));
}

static int change(int i, const char *credential, const char *method, const char *path, const char *body)
{
    int fd = attack_connect(2 + i % 4);

    raw_print(fd,
              "%s /api2/json%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n"
              "Content-Length: %zu\r\n\r\n%s",
              method, path, credential, strlen(body), body);
    return fd;
}

/* Making the hash of a password takes as much time and memory as trying one. */
DAEMON_TEST(attack_work, users_with_passwords)
{
    autofree char *manager = make_manager("/access", "PVEUserAdmin");
    int fds[MANY], made = 0;

    good_client_start();
    for (int i = 0; i < MANY; i++) {
        autofree char *body = xasprintf("userid=user%d@pve&password=Secret-of-88", i);
        fds[i] = change(i, manager, "POST", "/access/users", body);
    }
    good_client_proceeds(10);
    for (int i = 0; i < MANY; i++)
        made += read_status(fds[i]) == 200;
    good_client_stop();
    cr_assert_gt(made, 0);
    attack_memory_is_small();
}

/* The same for what cloud-init gives the guest, also where a task goes on with it. */
DAEMON_TEST(attack_work, vms_with_passwords)
{
    static const char *const methods[] = {"PUT", "POST"};
    autofree char *manager = make_manager("/vms", "PVEVMAdmin");
    int fds[MANY], made = 0;

    vm_create("100", NULL);
    good_client_start();
    for (int i = 0; i < MANY; i++)
        fds[i] =
            change(i, manager, methods[i % 2], "/nodes/" NODE "/qemu/100/config", "cipassword=Secret-of-88");
    good_client_proceeds(10);
    for (int i = 0; i < MANY; i++)
        made += read_status(fds[i]) == 200;
    good_client_stop();
    cr_assert_gt(made, 0);
    attack_memory_is_small();
}

static int ask(int i, const char *path)
{
    int fd = attack_connect(2 + i % 4);

    raw_print(fd, "GET /api2/json%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n", path,
              attack_auditor());
    return fd;
}

/* However many ask for the same, it is made once or twice. */
DAEMON_TEST(attack_work, equal_expensive_reads)
{
    int fds[MANY];

    good_client_start();
    for (int i = 0; i < MANY; i++)
        fds[i] = ask(i, "/nodes/" NODE "/hardware/pci?verdict=1");
    good_client_proceeds(5);
    for (int i = 0; i < MANY; i++)
        cr_assert_eq(read_status(fds[i]), 200);
    good_client_stop();
    attack_memory_is_small();
}

/* Who asks for more than his share is told so; the others are not. */
DAEMON_TEST(attack_work, different_expensive_reads)
{
    int fds[4 * MANY], refused = 0;

    good_client_start();
    for (int i = 0; i < 4 * MANY; i++) {
        autofree char *path = xasprintf("/nodes/" NODE "/hardware/pci?verdict=1&_dc=%d", i);
        fds[i] = ask(i, path);
    }
    good_client_proceeds(5);
    for (int i = 0; i < 4 * MANY; i++) {
        unsigned status = read_status(fds[i]);
        cr_assert(status == 200 || status == 503, "%u", status);
        refused += status == 503;
    }
    good_client_stop();
    cr_assert_gt(refused, 0);
    attack_memory_is_small();
}

/* What came while a read ran is not answered with what that has read. */
DAEMON_TEST(attack_work, read_after_a_change_sees_it)
{
    for (int i = 0; i < 20; i++) {
        int before[8];
        for (int j = 0; j < 8; j++)
            before[j] = ask(j, "/cluster/mapping/pci?check-node=" NODE);
        autofree char *id = xasprintf("new%d", i), *quoted = xasprintf("\"%s\"", id);
        post("/cluster/mapping/pci", "id", id, "map", "node=" NODE ",path=0000:01:00.0,id=10de:2484", NULL);
        autofree char *reply = raw_read(ask(0, "/cluster/mapping/pci?check-node=" NODE), 60);
        cr_assert_not_null(strstr(reply, quoted), "%s", reply);
        for (int j = 0; j < 8; j++)
            cr_assert_eq(read_status(before[j]), 200);
    }
}
