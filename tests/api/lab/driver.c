/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Taking functions from the host and giving them back on a real kernel: tests/lab/topology/default after
 * tests/lab/setup-default. */
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

#define PORT    "0000:00:03.0" /* the port above FIRST and SECOND */
#define DRIVE   "0000:01:00.0" /* has virtual functions */
#define VIRTUAL "0000:01:00.1" /* without a driver */
#define FIRST   "0000:02:00.0" /* two functions of one card, in one group */
#define SECOND  "0000:02:00.1"
#define CARD    "0000:03:00.0"

TestSuite(lab_driver, .init = lab_start, .timeout = 600);

static void has_driver(const char *id, const char *driver, const char *override)
{
    autofree char *path = xasprintf("/nodes/" NODE "/hardware/pci/%s/status", id);

    cr_assert_str_eq(machine_driver(id), driver, "%s", id);
    cr_assert_str_eq(machine_override(id), override, "%s", id);
    const json_t *status = get(path, NULL);
    cr_assert_str_eq(driver[0] != '\0' ? text_of(status, "driver") : "", driver);
    cr_assert_eq(has(status, "driver"), driver[0] != '\0');
}

LAB_TEST(lab_driver, card_goes_to_vfio_and_is_restored)
{
    MOVE(CARD, "vfio-pci");
    has_driver(CARD, "vfio-pci", "vfio-pci");
    MOVE(CARD, "restore");
    has_driver(CARD, "e1000e", "");
    lab_broker_becomes_idle();
}

LAB_TEST(lab_driver, log_tells_every_step)
{
    autofree char *upid = MOVE_BEGIN(CARD, "vfio-pci"), *log = NULL;

    task_succeeds(upid);
    log = task_text(upid);
    contains(log, "e1000e");
    contains(log, "vfio-pci");
    contains(log, "TASK OK");
    MOVE(CARD, "auto");
    has_driver(CARD, "e1000e", "");
}

LAB_TEST(lab_driver, what_is_done_already_is_done_at_once)
{
    MOVE(CARD, "auto");
    has_driver(CARD, "e1000e", "");
    MOVE(CARD, "vfio-pci");
    MOVE(CARD, "vfio-pci");
    has_driver(CARD, "vfio-pci", "vfio-pci");
    MOVE(CARD, "restore");
    has_driver(CARD, "e1000e", "");
}

LAB_TEST(lab_driver, card_is_kept_from_losing_its_power)
{
    static const char path[] = "/nodes/" NODE "/hardware/pci/" CARD "/power";
    char allowed[8];

    autofree char *upid =
        xstrdup(json_string_value(put(path, "d3cold-allowed", "0", "persistent", "1", NULL)));
    task_succeeds(upid);
    cr_assert(machine_read(CARD, "d3cold_allowed", allowed, sizeof(allowed)));
    cr_assert_eq(allowed[0], '0');
    autofree char *back =
        xstrdup(json_string_value(put(path, "d3cold-allowed", "1", "persistent", "0", NULL)));
    task_succeeds(back);
    cr_assert(machine_read(CARD, "d3cold_allowed", allowed, sizeof(allowed)));
    cr_assert_eq(allowed[0], '1');
    lab_broker_becomes_idle();
}

LAB_TEST(lab_driver, none_stays_without_a_driver_when_the_kernel_looks_for_one)
{
    MOVE(CARD, "none");
    has_driver(CARD, "", "none");
    machine_write("/sys/bus/pci/drivers_probe", CARD);
    has_driver(CARD, "", "none");
    MOVE(CARD, "auto");
    has_driver(CARD, "e1000e", "");
}

LAB_TEST(lab_driver, restore_of_what_had_no_driver)
{
    MOVE(VIRTUAL, "vfio-pci");
    has_driver(VIRTUAL, "vfio-pci", "vfio-pci");
    MOVE(VIRTUAL, "restore");
    has_driver(VIRTUAL, "", "");
}

LAB_TEST(lab_driver, restore_of_what_was_never_taken_is_refused)
{
    MOVE_FAILS("auto", CARD, "restore");
    has_driver(CARD, "e1000e", "");
}

LAB_TEST(lab_driver, another_drivers_name_loads_its_module)
{
    MOVE(CARD, "pci-stub");
    has_driver(CARD, "pci-stub", "pci-stub");
    MOVE(CARD, "restore");
    has_driver(CARD, "e1000e", "");
    RUN("rmmod", "pci-stub");
}

LAB_TEST(lab_driver, vfio_is_loaded_when_it_is_missing)
{
    RUN("rmmod", "vfio-pci");
    MOVE(CARD, "vfio-pci");
    has_driver(CARD, "vfio-pci", "vfio-pci");
    MOVE(CARD, "restore");
}

LAB_TEST(lab_driver, driver_that_is_not_there_is_undone)
{
    MOVE_FAILS("no-such-driver", CARD, "no-such-driver");
    has_driver(CARD, "e1000e", "");
    lab_broker_becomes_idle();
}

/* The kernel would bind it, were the driver forced on it. */
LAB_TEST(lab_driver, driver_that_is_not_made_for_the_card_is_refused)
{
    MOVE_FAILS(CARD " is not given to virtio-pci", CARD, "virtio-pci");
    MOVE_FAILS("choose e1000e, or one that takes any device", CARD, "nvme");
    has_driver(CARD, "e1000e", "");
    lab_broker_becomes_idle();
}

/* What was loaded would stay. */
LAB_TEST(lab_driver, no_module_is_loaded_that_is_not_for_the_card)
{
    MOVE_FAILS("this kernel has none of that name", CARD, "net-pf-21"); /* rds */
    MOVE_FAILS("this kernel has none of that name", CARD, "tty-ldisc-13");
    MOVE_FAILS(CARD " is not given to rds", CARD, "rds");
    MOVE_FAILS(CARD " is not given to 8139too", CARD, "8139too");
    cr_assert_neq(access("/sys/module/rds", F_OK), 0);
    cr_assert_neq(access("/sys/module/n_hdlc", F_OK), 0);
    cr_assert_neq(access("/sys/module/8139too", F_OK), 0);
    has_driver(CARD, "e1000e", "");
}

LAB_TEST(lab_driver, no_module_is_loaded_that_is_blacklisted)
{
    static const char file[] = "/etc/modprobe.d/lab-blacklist.conf", text[] = "blacklist pci_stub\n";
    struct error err;

    cr_assert_eq(file_replace(file, text, strlen(text), 0644, &err), 0, "%s", err.message);
    MOVE_FAILS("line 1 of '/etc/modprobe.d/lab-blacklist.conf' keeps it out", CARD, "pci-stub");
    cr_assert_neq(access("/sys/module/pci_stub", F_OK), 0);
    RUN("modprobe", "pci-stub"); /* as the error says */
    MOVE(CARD, "pci-stub");
    MOVE(CARD, "restore");
    has_driver(CARD, "e1000e", "");
    RUN("rmmod", "pci-stub");
    cr_assert_eq(unlink(file), 0);
}

LAB_TEST(lab_driver, whole_card_goes_with_its_group)
{
    autofree char *upid = MOVE_BEGIN(FIRST, "vfio-pci", .scope = "group"), *log = NULL;

    task_succeeds(upid);
    log = task_text(upid);
    contains(log, FIRST);
    contains(log, SECOND);
    has_driver(FIRST, "vfio-pci", "vfio-pci");
    has_driver(SECOND, "vfio-pci", "vfio-pci");
    MOVE(SECOND, "restore", .scope = "device");
    has_driver(FIRST, "e1000e", "");
    has_driver(SECOND, "e1000e", "");
}

LAB_TEST(lab_driver, one_function_alone_is_told_what_is_missing)
{
    autofree char *upid = MOVE_BEGIN(FIRST, "vfio-pci"), *log = NULL;

    task_succeeds(upid);
    log = task_text(upid);
    contains(log, SECOND);
    contains(log, "--scope group");
    has_driver(SECOND, "e1000e", "");
    MOVE(FIRST, "restore");
}

LAB_TEST(lab_driver, bridge_is_never_taken)
{
    MOVE_FAILS("bridge", PORT, "vfio-pci");
    MOVE_FAILS("bridge", PORT, "none", .force = true);
    has_driver(PORT, "pcieport", "");
}

/* vfio-pci refuses a function whose virtual functions are there, and the kernel says ok all the same. */
LAB_TEST(lab_driver, drive_with_virtual_functions_stays_with_the_host)
{
    autofree char *upid = MOVE_BEGIN(DRIVE, "vfio-pci", .force = true), *end = NULL;

    end = task_end(upid);
    cr_assert_str_neq(end, "OK");
    has_driver(DRIVE, "nvme", "");
    cr_assert(machine_has("0000:01:00.3"));
}

LAB_TEST(lab_driver, choice_is_kept_for_each_start_of_the_broker)
{
    MOVE(CARD, "vfio-pci", .persistent = "1");
    MOVE(CARD, "restore", .persistent = NULL);
    has_driver(CARD, "e1000e", "");
    lab_broker_kill();
    daemon_stop();
    daemon_start_again();
    machine_wait_driver(CARD, "vfio-pci");

    MOVE(CARD, "auto", .persistent = "0");
    lab_broker_kill();
    daemon_stop();
    daemon_start_again();
    lab_broker_becomes_idle();
    has_driver(CARD, "e1000e", "");
}

LAB_TEST(lab_driver, reset_tells_the_method_that_worked)
{
    autofree char *upid = reset_begin(VIRTUAL, false), *log = NULL;

    task_succeeds(upid);
    log = task_text(upid);
    contains(log, "flr");
    const json_t *status = get("/nodes/" NODE "/hardware/pci/" VIRTUAL "/status", NULL);
    const json_t *reset = member(member(status, "state"), "reset");
    cr_assert_str_eq(text_of(reset, "method"), "flr");
    cr_assert_eq(number_of(reset, "ok"), 1);
}

LAB_TEST(lab_driver, reset_leaves_the_driver_in_place)
{
    autofree char *upid = reset_begin(CARD, false);

    task_succeeds(upid);
    has_driver(CARD, "e1000e", "");
}

LAB_TEST(lab_driver, two_requests_for_one_card_end_in_order)
{
    autofree char *first = MOVE_BEGIN(CARD, "vfio-pci"), *second = MOVE_BEGIN(CARD, "none");
    autofree char *first_end = task_end(first), *second_end = task_end(second);

    /* the second is refused if the first had the card in hand */
    cr_assert_str_eq(first_end, "OK");
    if (strcmp(second_end, "OK") == 0)
        has_driver(CARD, "", "none");
    else
        has_driver(CARD, "vfio-pci", "vfio-pci");
    lab_broker_becomes_idle();
    MOVE(CARD, "restore");
}

LAB_TEST(lab_driver, many_cards_at_once)
{
    static const char *const ids[] = {FIRST, SECOND, CARD, VIRTUAL};
    char *upids[COUNT_OF(ids)];

    for (size_t i = 0; i < COUNT_OF(ids); i++)
        upids[i] = MOVE_BEGIN(ids[i], "vfio-pci");
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        task_succeeds(upids[i]);
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        free(upids[i]);
        upids[i] = MOVE_BEGIN(ids[i], "restore");
    }
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        task_succeeds(upids[i]);
        free(upids[i]);
    }
    lab_broker_becomes_idle();
}
