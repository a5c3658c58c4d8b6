/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cards that come and go while hostpci looks, and while it has them in hand: tests/lab/topology/plug after
 * tests/lab/setup-plug. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/lab/plug.h"
#include "tests/api/look.h"

#define CARD  "0000:01:00.0" /* in slot 1 */
#define OTHER "0000:02:00.0" /* in slot 2 */

TestSuite(lab_hotplug, .init = lab_start, .timeout = 600);

/* The list follows the kernel's events. */
static void wait_until_known(const char *id)
{
    double end = machine_slept() + 5;

    while (!has_row(get("/nodes/" NODE "/hardware/pci", NULL), "id", id)) {
        cr_assert_lt(machine_slept(), end, "%s is not in the list", id);
        machine_sleep(100);
    }
}

/* Puts it back as it was found. The slot wants a moment after it lost its card. */
static void plug_again(unsigned slot, const char *id)
{
    machine_wait(id, false);
    machine_sleep(2000);
    plug_in(slot);
    machine_wait_driver(id, "e1000e");
    wait_until_known(id);
}

static void is_unknown(const char *id)
{
    autofree char *path = xasprintf("/nodes/" NODE "/hardware/pci/%s/driver", id);
    autofree char *message = xasprintf("no PCI device found for '%s'", id);

    fails(500, message, "PUT", path, "driver", "vfio-pci", NULL);
}

LAB_TEST(lab_hotplug, card_that_was_torn_out_from_vfio_is_forgotten)
{
    MOVE(CARD, "vfio-pci");
    plug_tear_out(1);
    machine_wait(CARD, false);
    machine_sleep(500); /* the list follows the kernel's events */
    is_unknown(CARD);
    plug_again(1, CARD);
    cr_assert_str_empty(machine_override(CARD), "a new card has nothing of the old one");
    lab_broker_becomes_idle();
}

LAB_TEST(lab_hotplug, card_that_vfio_has_leaves_when_its_button_is_pressed)
{
    MOVE(OTHER, "vfio-pci");
    plug_press_button(2);
    plug_again(2, OTHER);
    MOVE(OTHER, "vfio-pci");
    MOVE(OTHER, "restore");
    cr_assert_str_eq(machine_driver(OTHER), "e1000e");
}

/* Between any two steps the card may go. */
static void tear_out_at(unsigned step)
{
    lab_broker_kill();
    lab_broker_start(step);
    autofree char *upid = MOVE_BEGIN(CARD, "vfio-pci");
    cr_assert(lab_broker_stops(upid), "there is no step %u", step);
    plug_tear_out(1);
    machine_wait(CARD, false);
    lab_broker_continue();
    task_fails(upid, CARD);
    lab_broker_becomes_idle();
    plug_again(1, CARD);
}

LAB_TEST(lab_hotplug, card_is_torn_out_before_it_is_unbound)
{
    tear_out_at(2);
}

LAB_TEST(lab_hotplug, card_is_torn_out_when_it_is_unbound)
{
    tear_out_at(4);
}

LAB_TEST(lab_hotplug, another_card_comes_while_a_step_is_waited_for)
{
    plug_tear_out(2);
    machine_wait(OTHER, false);
    machine_sleep(2000);
    lab_broker_kill();
    lab_broker_start(3);
    autofree char *upid = MOVE_BEGIN(CARD, "vfio-pci");
    cr_assert(lab_broker_stops(upid));
    plug_in(2);
    lab_broker_continue();
    task_succeeds(upid);
    machine_wait_driver(OTHER, "e1000e");
    MOVE(CARD, "restore");
}
