/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other people's clients, and a VM that gets a card of the lab's machine by a mapping:
 * tests/lab/topology/default after tests/lab/setup-default. */
#include <criterion/criterion.h>

#include "tests/api/lab/broker.h"
#include "tests/api/lab/move.h"
#include "tests/api/walk.h"

#define CARD "0000:03:00.0"

TestSuite(lab_clients, .init = lab_start, .timeout = 900);

/* As in Proxmox VE, vfio-pci keeps the card when the VM has stopped. */
static void walk(const struct walk *walk)
{
    walk_run(walk, CARD);
    MOVE(CARD, "restore");
    lab_broker_becomes_idle();
}

LAB_TEST(lab_clients, web_interface_of_proxmox)
{
    walk(&walk_of_interface);
}

LAB_TEST(lab_clients, terraform_by_bpg)
{
    walk(&walk_of_bpg);
}

LAB_TEST(lab_clients, ansible)
{
    walk(&walk_of_ansible);
}

LAB_TEST(lab_clients, terraform_by_telmate)
{
    walk(&walk_of_telmate);
}
