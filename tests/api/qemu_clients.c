/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other people's clients, and a VM that really runs: all of the way, but for a device (that is in
 * tests/api/lab/clients.c). */
#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

#include "tests/api/daemon.h"
#include "tests/api/walk.h"

static void start(void)
{
    if (geteuid() != 0)
        cr_skip_test("a broker is started by root");
    START(.host = NULL);
}

TestSuite(qemu_clients, .init = start, .timeout = 600);

DAEMON_TEST(qemu_clients, web_interface_of_proxmox)
{
    walk_run(&walk_of_interface, NULL);
}

DAEMON_TEST(qemu_clients, terraform_by_bpg)
{
    walk_run(&walk_of_bpg, NULL);
}

DAEMON_TEST(qemu_clients, ansible)
{
    walk_run(&walk_of_ansible, NULL);
}

DAEMON_TEST(qemu_clients, terraform_by_telmate)
{
    walk_run(&walk_of_telmate, NULL);
}
