/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VFIO driver that is made for a card, on a real kernel: tests/lab/topology/mdev after
 * tests/lab/setup-variant. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"

#define CARD    "0000:01:00.0"
#define VARIANT "lab_vfio_pci"
#define MODULE  "/sys/module/" VARIANT
#define BLOCK   "/etc/modprobe.d/zz-lab.conf"

TestSuite(lab_variant, .init = lab_start, .timeout = 600);

static void has_driver(const char *driver, const char *override)
{
    const json_t *status = get("/nodes/" NODE "/hardware/pci/" CARD "/status", NULL);

    cr_assert_str_eq(machine_driver(CARD), driver);
    cr_assert_str_eq(machine_override(CARD), override);
    cr_assert_str_eq(text_of(status, "driver"), driver);
    is_json(json_object_get(status, "vfio-drivers"), "['" VARIANT "', 'vfio-pci']");
}

static void restore_machine(void)
{
    MOVE(CARD, "auto");
    has_driver("e1000e", "");
    if (access(MODULE, F_OK) == 0)
        RUN("rmmod", VARIANT);
}

LAB_TEST(lab_variant, is_loaded_and_takes_the_card)
{
    cr_assert_neq(access(MODULE, F_OK), 0);
    MOVE(CARD, "vfio", .persistent = "1");
    has_driver(VARIANT, VARIANT);
    MOVE(CARD, "vfio", .persistent = "0");
    has_driver(VARIANT, VARIANT);
    restore_machine();
    lab_broker_becomes_idle();
}

LAB_TEST(lab_variant, plain_one_is_had_by_its_name)
{
    MOVE(CARD, "vfio-pci");
    has_driver("vfio-pci", "vfio-pci");
    MOVE(CARD, "vfio");
    has_driver(VARIANT, VARIANT);
    MOVE(CARD, "vfio-pci");
    has_driver("vfio-pci", "vfio-pci");
    MOVE(CARD, "restore");
    restore_machine();
}

/* The kernel itself never chooses it. */
LAB_TEST(lab_variant, is_bound_by_driver_override_alone)
{
    RUN("modprobe", VARIANT);
    machine_write("/sys/bus/pci/drivers/e1000e/unbind", CARD);
    RUN("rmmod", "e1000e");
    machine_write("/sys/bus/pci/drivers_probe", CARD);
    cr_assert_str_eq(machine_driver(CARD), "");
    MOVE(CARD, "vfio");
    has_driver(VARIANT, VARIANT);
    restore_machine();
}

LAB_TEST(lab_variant, that_fails_is_replaced_by_the_plain_one)
{
    autofree char *log = NULL;

    RUN("modprobe", VARIANT);
    machine_write(MODULE "/parameters/refuse", "1");
    log = move_succeeds_log(MOVE_OF(CARD, "vfio"));
    contains(log, CARD ": gets vfio-pci, as " VARIANT " did not work: ");
    has_driver("vfio-pci", "vfio-pci");
    machine_write(MODULE "/parameters/refuse", "0");
    MOVE(CARD, "vfio");
    has_driver(VARIANT, VARIANT);
    restore_machine();
}

LAB_TEST(lab_variant, that_is_not_to_be_loaded_is_replaced_by_the_plain_one)
{
    static const char text[] = "blacklist " VARIANT "\n";
    autofree char *log = NULL;
    struct error err;

    cr_assert_eq(file_replace(BLOCK, text, strlen(text), 0644, &err), 0, "%s", err.message);
    log = move_succeeds_log(MOVE_OF(CARD, "vfio"));
    contains(log, CARD ": gets vfio-pci, not the driver that is made for it: the module " VARIANT
                       " is not loaded, because line 1 of '" BLOCK "' keeps it out");
    has_driver("vfio-pci", "vfio-pci");
    unlink(BLOCK);
    restore_machine();
}

/* It would be bound to what it does not know. */
LAB_TEST(lab_variant, is_given_to_no_other_device)
{
    MOVE_FAILS("is not given to " VARIANT, "0000:00:02.0", VARIANT);
    RUN("modprobe", VARIANT);
    MOVE_FAILS("is not given to " VARIANT, "0000:00:02.0", VARIANT);
    RUN("rmmod", VARIANT);
}
