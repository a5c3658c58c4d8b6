/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/pci/{id}/driver: taking devices from the host and giving them back, on a made host
 * behind which a kernel is played. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/api/broker.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"
#include "tests/hosts/kernel.h"

#define PCI       "/nodes/" NODE "/hardware/pci"
#define GPU       "0000:01:00.0" /* its sound, in the same group, is function 1 */
#define SOUND     "0000:01:00.1"
#define ROOT_DISK "0000:02:00.0"
#define NIC       "0000:03:00.0" /* the host's own network */
#define DISK      "0000:04:00.0" /* nobody uses it */
#define SECONDS   30

static const json_t *status_of(const char *id)
{
    autofree char *path = xasprintf(PCI "/%s/status", id);

    return get(path, NULL);
}

static const json_t *state_of(const char *id)
{
    return member(status_of(id), "state");
}

static void has_driver(const char *id, const char *driver, const char *override)
{
    const json_t *status = status_of(id);

    cr_expect_str_eq(has(status, "driver") ? text_of(status, "driver") : "", driver, "%s", id);
    cr_expect_str_eq(has(status, "driver-override") ? text_of(status, "driver-override") : "", override, "%s",
                     id);
    cr_expect_str_eq(kernel_driver(id), driver, "%s", id);
    cr_expect_str_eq(kernel_override(id), override, "%s", id);
}

static void start_golden(void)
{
    START(.host = "golden", .kernel = true);
}

TestSuite(driver, .init = start_golden, .timeout = 120);

DAEMON_TEST(driver, a_function_is_taken_from_the_host_and_given_back)
{
    is_json(state_of(DISK), "{}");
    autofree char *log = move_succeeds_log(MOVE_OF(DISK, "vfio-pci"));
    contains(log, DISK " (nvme): is taken from its driver; the host has on it:");
    contains(log, DISK ": has vfio-pci, had nvme");
    contains(log, "TASK OK");
    has_driver(DISK, "vfio-pci", "vfio-pci");
    is_json(state_of(DISK), "{'previous-driver':'nvme'}");
    cr_assert_str_eq(text_of(status_of(DISK), "verdict"), "ready");

    MOVE(DISK, "restore");
    has_driver(DISK, "nvme", "");
    is_json(state_of(DISK), "{}");
}

/* Where none is made for the device it is vfio-pci, and that is asked for anew at each start. */
DAEMON_TEST(driver, vfio_is_the_best_there_is)
{
    is_json(member(status_of(DISK), "vfio-drivers"), "['vfio-pci']");
    autofree char *log = move_succeeds_log(MOVE_OF(DISK, "vfio", .persistent = "1"));
    contains(log, DISK ": has vfio-pci, had nvme");
    has_driver(DISK, "vfio-pci", "vfio-pci");
    is_json(state_of(DISK), "{'previous-driver':'nvme','persistent-driver':'vfio'}");
}

/* The list of devices is read again before the task ends. */
DAEMON_TEST(driver, list_shows_the_new_driver_when_the_task_has_ended)
{
    MOVE(DISK, "vfio-pci");
    cr_assert_str_eq(text_of(row(get(PCI, NULL), "id", DISK), "driver"), "vfio-pci");
}

DAEMON_TEST(driver, drivers_are_named_or_chosen_by_the_kernel_or_none)
{
    MOVE(DISK, "none");
    has_driver(DISK, "", "none");
    MOVE(DISK, "nvme");
    has_driver(DISK, "nvme", "nvme");
    MOVE(DISK, "vfio-pci");
    is_json(state_of(DISK), "{'previous-driver':'nvme'}");
    MOVE(DISK, "auto");
    has_driver(DISK, "nvme", "");
    is_json(state_of(DISK), "{}");
}

DAEMON_TEST(driver, what_was_never_taken_cannot_be_restored)
{
    MOVE_FAILS("it is not known what " DISK " had before", DISK, "restore");
    has_driver(DISK, "nvme", "");
}

DAEMON_TEST(driver, choice_for_good_is_kept_until_it_is_forgotten)
{
    MOVE(DISK, "vfio-pci", .persistent = "1");
    is_json(state_of(DISK), "{'previous-driver':'nvme','persistent-driver':'vfio-pci'}");
    autofree char *log = move_succeeds_log(MOVE_OF(DISK, "auto"));
    contains(log, "the next start gives it to vfio-pci");
    is_json(state_of(DISK), "{'persistent-driver':'vfio-pci'}");
    MOVE(DISK, "none", .persistent = "1");
    is_json(state_of(DISK), "{'previous-driver':'nvme','persistent-driver':'none'}");
    MOVE(DISK, "restore", .persistent = "0");
    is_json(state_of(DISK), "{}");
}

DAEMON_TEST(driver, choice_for_good_is_made_again_when_the_broker_starts)
{
    double end = machine_slept() + SECONDS;

    MOVE(DISK, "vfio-pci", .persistent = "1");
    MOVE(DISK, "auto");
    has_driver(DISK, "nvme", "");
    broker_stop();
    broker_start_again();
    while (strcmp(kernel_driver(DISK), "vfio-pci") != 0 || has(state_of(DISK), "task")) {
        cr_assert_lt(machine_slept(), end, "the choice is not made");
        machine_sleep(5);
    }
    has_driver(DISK, "vfio-pci", "vfio-pci");
    MOVE(DISK, "auto", .persistent = "0");
    broker_stop();
    broker_start_again();
    has_driver(DISK, "nvme", "");
}

DAEMON_TEST(driver, what_the_host_uses_is_refused_unless_forced)
{
    autofree char *log = move_fails_log("what the host uses is not taken from its driver unless forced",
                                        MOVE_OF(NIC, "vfio-pci"));
    contains(log, "default route");
    contains(log, "TASK ERROR: ");
    contains(log, "/proc/net/route");
    has_driver(NIC, "i40e", "");
    MOVE(NIC, "vfio-pci", .force = true);
    has_driver(NIC, "vfio-pci", "vfio-pci");
}

DAEMON_TEST(driver, root_disk_and_bridges_are_refused_also_when_forced)
{
    MOVE_FAILS("the host cannot run without it", ROOT_DISK, "vfio-pci", .force = true);
    MOVE_FAILS("the host cannot run without it", ROOT_DISK, "none", .force = true);
    has_driver(ROOT_DISK, "nvme", "");
    MOVE_FAILS("is a bridge", "0000:00:1c.0", "vfio-pci", .force = true);
    has_driver("0000:00:1c.0", "pcieport", "");
}

DAEMON_TEST(driver, unknown_driver_leaves_everything_as_it_was)
{
    autofree char *log =
        move_fails_log("the module no-such-driver is not loaded, and this kernel has none of "
                       "that name",
                       MOVE_OF(DISK, "no-such-driver"));
    cr_expect_null(strstr(log, "is back with"), "nothing was changed that had to be brought back: %s", log);
    has_driver(DISK, "nvme", "");
    is_json(state_of(DISK), "{}");
}

/* A step fails: what was done is undone, and the log says where each function is. */
DAEMON_TEST(driver, failing_step_is_undone)
{
    kernel_set_fault(&(const struct kernel_fault){
        .access = SYSFS_WRITE, .path = "drivers_probe", .first = 1, .error = EIO});
    autofree char *log = move_fails_log("drivers_probe", MOVE_OF(DISK, "vfio-pci"));
    contains(log, "Input/output error");
    contains(log, DISK " is back with nvme");
    has_driver(DISK, "nvme", "");
    is_json(state_of(DISK), "{}");
}

/* The write to drivers_probe succeeds, and nothing is bound. */
DAEMON_TEST(driver, kernels_word_is_not_taken_for_it)
{
    kernel_refuse(DISK, "vfio-pci");
    MOVE_FAILS(DISK " is back with nvme", DISK, "vfio-pci");
    has_driver(DISK, "nvme", "");
}

DAEMON_TEST(driver, wrong_requests_are_refused_at_once)
{
    wrong_parameter("pci-id-or-mapping", "invalid format - value is not a PCI id such as 0000:01:00.0\n",
                    "PUT", PCI "/gpu/driver", "driver", "vfio-pci", NULL);
    wrong_parameter("driver", "property is missing and it is not optional", "PUT", PCI "/" DISK "/driver",
                    NULL);
    wrong_parameter("driver", "value does not match the regex pattern", "PUT", PCI "/" DISK "/driver",
                    "driver", "../nvme", NULL);
    wrong_parameter("scope", "value 'all' does not have a value in the enumeration 'function, device, group'",
                    "PUT", PCI "/" DISK "/driver", "driver", "vfio-pci", "scope", "all", NULL);
    fails(500, "no PCI device found for '0000:7f:00.0'", "PUT", PCI "/7f:00.0/driver", "driver", "vfio-pci",
          NULL);
    fails(500, "no PCI device found for '0000:7f:00.0'", "POST", PCI "/7f:00.0/reset", NULL);
    cr_assert_eq(json_array_size(get("/nodes/" NODE "/tasks", "source", "all", NULL)), 0, "there is no task");
}

DAEMON_TEST(driver, task_is_named_after_the_function)
{
    const json_t *upid = put(PCI "/04:00.0/driver", "driver", "vfio-pci", NULL);

    task_succeeds(json_string_value(upid));
    const json_t *task = json_array_get(get("/nodes/" NODE "/tasks", NULL), 0);
    cr_assert_str_eq(text_of(task, "type"), "pcidriver");
    cr_assert_str_eq(text_of(task, "id"), DISK);
    cr_assert_str_eq(text_of(task, "user"), "root@pam");
    cr_assert_str_eq(text_of(task, "status"), "OK");
}

/* A card whose two functions are in one group. */
static void start_with_drivers(void)
{
    START(.host = "golden:host-drivers", .kernel = true);
}

TestSuite(driver_group, .init = start_with_drivers, .timeout = 120);

DAEMON_TEST(driver_group, function_alone_makes_no_viable_group)
{
    autofree char *log = move_succeeds_log(MOVE_OF(GPU, "vfio-pci"));
    contains(log, "IOMMU group 2 cannot be given to a VM as long as these have drivers of the host: " SOUND
                  " (snd_hda_intel)");
    contains(log, "hostpci set /nodes/localhost/hardware/pci/" GPU "/driver --driver vfio-pci --scope group");
    has_driver(GPU, "vfio-pci", "vfio-pci");
    has_driver(SOUND, "snd_hda_intel", "");
}

DAEMON_TEST(driver_group, goes_and_comes_back_as_a_whole)
{
    MOVE(GPU, "vfio-pci", .scope = "group");
    has_driver(GPU, "vfio-pci", "vfio-pci");
    has_driver(SOUND, "vfio-pci", "vfio-pci");
    cr_assert_str_eq(text_of(status_of(GPU), "verdict"), "ready");
    is_json(state_of(SOUND), "{'previous-driver':'snd_hda_intel'}");
    MOVE(SOUND, "restore", .scope = "device");
    has_driver(GPU, "nouveau", "");
    has_driver(SOUND, "snd_hda_intel", "");
}

/* If the second function fails, the first one goes back as well. */
DAEMON_TEST(driver_group, is_left_as_it_was_when_one_of_it_fails)
{
    kernel_refuse(SOUND, "vfio-pci");
    MOVE_FAILS(GPU " is back with nouveau", GPU, "vfio-pci", .scope = "group");
    has_driver(GPU, "nouveau", "");
    has_driver(SOUND, "snd_hda_intel", "");
}

TestSuite(driver_used, .timeout = 120);

DAEMON_TEST(driver_used, mounted_disk_is_refused_with_the_folder)
{
    START(.host = "golden:disk-mounted", .kernel = true);
    autofree char *log = move_fails_log("/srv/data", MOVE_OF(DISK, "vfio-pci"));
    contains(log, "umount /srv/data");
    has_driver(DISK, "nvme", "");
}

DAEMON_TEST(driver_used, card_of_a_virtual_machine_is_refused)
{
    START(.host = "golden:vm-has-it", .kernel = true);
    MOVE_FAILS("qemu-system-x86", GPU, "auto");
    has_driver(GPU, "vfio-pci", "");
}

DAEMON_TEST(driver_used, function_in_no_group_is_refused_and_the_reason_is_told)
{
    START(.host = "golden:no-group", .kernel = true);
    MOVE_FAILS("hostpci get /nodes/localhost/hardware/iommu", DISK, "vfio-pci", .force = true);
    has_driver(DISK, "nvme", "");
}

DAEMON_TEST(driver_used, token_needs_sys_modify_on_the_node)
{
    START(.host = "golden", .kernel = true);
    const json_t *token = post("/access/users/root@pam/token/ci", NULL);
    autofree char *credential = xasprintf("%s=%s", text_of(token, "full-tokenid"), text_of(token, "value"));

    call_with_token(credential);
    fails(403, "Permission check failed (/nodes/" NODE ", Sys.Modify)", "PUT", PCI "/" DISK "/driver",
          "driver", "vfio-pci", NULL);
    fails(403, "Permission check failed (/nodes/" NODE ", Sys.Modify)", "POST", PCI "/" DISK "/reset", NULL);
    cr_assert_str_eq(kernel_driver(DISK), "nvme");
}

static bool misses_files(const json_t *report)
{
    return has_row(member(report, "checks"), "id", "unreadable-files");
}

/* The broker is root, the daemon is not. */
DAEMON_TEST(driver_used, what_root_alone_may_read_is_read_by_the_broker)
{
    if (geteuid() != 0)
        cr_skip_test("only root has a broker that may read more");
    START(.host = "golden:half-unreadable", .kernel = true);
    cr_assert_not(misses_files(status_of(GPU)));
    cr_assert_not(misses_files(get("/nodes/" NODE "/hardware/iommu", NULL)));
    broker_stop();
    cr_assert(misses_files(status_of(GPU)));
    cr_assert(misses_files(get("/nodes/" NODE "/hardware/iommu", NULL)));
}

/* Reading goes on as before. */
DAEMON_TEST(driver_used, without_a_broker_nothing_is_changed_and_it_is_said_what_to_do)
{
    START(.host = "golden", .as_nobody = true);
    const struct reply *reply =
        CALL(.method = "PUT", .path = PCI "/" DISK "/driver", .body = "driver=vfio-pci",
             .content_type = "application/x-www-form-urlencoded");
    cr_assert_eq(reply->status, 503, "%s", reply->phrase);
    contains(reply->phrase, "hostpci broker");
    cr_assert_eq(CALL(.method = "POST", .path = PCI "/" DISK "/reset", .body = "")->status, 503);
    cr_assert_not(has(status_of(DISK), "state"));
    get("/nodes/" NODE "/hardware/iommu", NULL);
}
