/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations that are cut off when their worker, their broker or the host ends: they are undone. */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/broker/client.h"

#define TAKE_DISK "{'id': '" DISK "', 'driver': 'vfio-pci'}"

/* With a broker that stops itself when this step is in the journal and not done; false if the operation ends
 * before. */
static bool stop_at(struct testbed *testbed, unsigned step, pid_t *ret_client)
{
    int status;

    testbed_make_host(testbed);
    testbed->stop_at = step;
    testbed_start_broker(testbed);
    testbed->stop_at = 0; /* of the next broker */
    *ret_client = client_start(testbed, "UPID:a", TAKE_DISK);
    for (;;) {
        if (waitpid(testbed->broker, &status, WUNTRACED | WNOHANG) == testbed->broker) {
            cr_assert(WIFSTOPPED(status));
            return true;
        }
        if (waitpid(*ret_client, &status, WNOHANG) == *ret_client)
            return false;
        usleep(2000);
    }
}

static void kill_worker(const struct testbed *testbed)
{
    pid_t worker = testbed_worker(testbed);

    cr_assert_gt(worker, 0, "there is no worker");
    kill(worker, SIGKILL);
    kill(testbed->broker, SIGCONT);
}

static void expect_back(struct testbed *testbed, pid_t client)
{
    client_expect(testbed, client, "interrupted; " DISK);
    expect_binding(DISK, "nvme", "");
    autojson json_t *state = testbed_ask(testbed, "state", "{}");
    autojson json_t *nothing = json_pack("{s:[], s:{}}", "operations", "functions");
    cr_assert(json_equal(state, nothing));
}

Test(job, is_brought_back_if_its_worker_dies_at_any_step)
{
    for (unsigned step = 1;; step++) {
        autotestbed struct testbed testbed;
        pid_t client;
        if (!stop_at(&testbed, step, &client)) {
            cr_assert_gt(step, 3, "there are steps");
            return;
        }
        kill_worker(&testbed);
        expect_back(&testbed, client);
        client_follow_to_error(&testbed, "UPID:a", "interrupted", "was killed by signal 9");
    }
}

Test(job, is_brought_back_if_its_broker_dies_at_any_step)
{
    for (unsigned step = 1;; step++) {
        autotestbed struct testbed testbed;
        pid_t client;
        if (!stop_at(&testbed, step, &client)) {
            cr_assert_gt(step, 3, "there are steps");
            return;
        }
        testbed_stop_broker(&testbed, SIGKILL);
        testbed_start_broker(&testbed);
        expect_back(&testbed, client);
    }
}

/* Each worker is killed in turn: another attempt follows each one. */
Test(job, is_brought_back_even_if_that_is_cut_off)
{
    autotestbed struct testbed testbed;
    pid_t client;

    cr_assert(stop_at(&testbed, 3, &client));
    client_hang(&testbed, SYSFS_READ, "driver_override");
    kill_worker(&testbed);
    client_wait_for_hang();
    kernel_set_fault(NULL);
    kill_worker(&testbed);
    expect_back(&testbed, client);
}

/* The client waits for the next broker and learns the true end from it. */
Test(job, is_brought_back_by_the_next_broker)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    client_hang(&testbed, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&testbed, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    testbed_stop_broker(&testbed, SIGKILL);
    client_let_go(&testbed);
    testbed_start_broker(&testbed);
    client_expect(&testbed, client, "interrupted; " DISK " is back with nvme");
    expect_binding(DISK, "nvme", "");
    expect_nothing_open(&testbed);
}

/* The kernel may still do what the first worker asked it to: nothing is changed before it has. */
Test(job, waits_for_the_worker_that_hangs_from_an_earlier_broker)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    client_hang(&testbed, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&testbed, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    testbed_stop_broker(&testbed, SIGKILL);
    testbed_start_broker(&testbed);
    testbed_stop_broker(&testbed, SIGKILL);
    testbed_start_broker(&testbed);
    autojson json_t *state = testbed_ask(&testbed, "state", "{}");
    json_t *running = json_array_get(json_object_get(state, "operations"), 0);
    expect_member(running, "id", "'UPID:a'");
    expect_member(running, "functions", "['" DISK "']");
    usleep(300 * 1000);
    cr_assert(kernel_fault_hangs());
    testbed_fail(&testbed, "driver", TAKE_DISK, "is being changed by another operation");
    client_let_go(&testbed);
    client_expect(&testbed, client, "interrupted; " DISK " is back with nvme");
    expect_binding(DISK, "nvme", "");
    client_follow_to_error(&testbed, "UPID:a", "interrupted", "has ended");
    expect_nothing_open(&testbed);
}

static void write_boot(const struct testbed *testbed, const char *boot)
{
    tree_write(&testbed->tree, "proc/sys/kernel/random/boot_id", boot);
}

Test(job, is_history_after_a_reboot)
{
    autotestbed struct testbed testbed;

    testbed_make(&testbed);
    testbed_stop_broker(&testbed, SIGTERM);
    write_boot(&testbed, "first\n");
    testbed_start_broker(&testbed);
    client_hang(&testbed, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&testbed, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    testbed_stop_broker(&testbed, SIGKILL);
    client_let_go(&testbed);
    write_boot(&testbed, "second\n");
    testbed_start_broker(&testbed);
    client_expect(&testbed, client, "interrupted by a reboot of the host");
    expect_nothing_open(&testbed);
}
