/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations that the end of their worker, their broker or the host cuts off are brought back. */
#include <criterion/criterion.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/unit/broker/fixture.h"

#define TAKE_DISK "{'id': '" DISK "', 'driver': 'vfio-pci'}"

/* With a broker that stops itself when this step is in the journal and not done; false if the operation ends
 * before. */
static bool stop_at(struct stage *stage, unsigned step, pid_t *ret_client)
{
    int status;

    stage_make_host(stage);
    stage->stop_at = step;
    stage_start_broker(stage);
    stage->stop_at = 0; /* of the next broker */
    *ret_client = client_start(stage, "UPID:a", TAKE_DISK);
    for (;;) {
        if (waitpid(stage->broker, &status, WUNTRACED | WNOHANG) == stage->broker) {
            cr_assert(WIFSTOPPED(status));
            return true;
        }
        if (waitpid(*ret_client, &status, WNOHANG) == *ret_client)
            return false;
        usleep(2000);
    }
}

static void kill_worker(const struct stage *stage)
{
    pid_t worker = stage_worker(stage);

    cr_assert_gt(worker, 0, "there is no worker");
    kill(worker, SIGKILL);
    kill(stage->broker, SIGCONT);
}

static void expect_back(struct stage *stage, pid_t client)
{
    client_expect(stage, client, "interrupted; " DISK);
    expect_place(DISK, "nvme", "");
    autojson json_t *state = stage_ask(stage, "state", "{}");
    autojson json_t *nothing = json_pack("{s:[], s:{}}", "operations", "functions");
    cr_assert(json_equal(state, nothing));
}

Test(job, is_brought_back_if_its_worker_dies_at_any_step)
{
    for (unsigned step = 1;; step++) {
        autostage struct stage stage;
        pid_t client;
        if (!stop_at(&stage, step, &client)) {
            cr_assert_gt(step, 3, "there are steps");
            return;
        }
        kill_worker(&stage);
        expect_back(&stage, client);
        client_follow_to_error(&stage, "UPID:a", "interrupted", "was killed by signal 9");
    }
}

Test(job, is_brought_back_if_its_broker_dies_at_any_step)
{
    for (unsigned step = 1;; step++) {
        autostage struct stage stage;
        pid_t client;
        if (!stop_at(&stage, step, &client)) {
            cr_assert_gt(step, 3, "there are steps");
            return;
        }
        stage_stop_broker(&stage, SIGKILL);
        stage_start_broker(&stage);
        expect_back(&stage, client);
    }
}

/* Somebody kills whoever works: each attempt is followed by another one. */
Test(job, is_brought_back_even_if_that_is_cut_off)
{
    autostage struct stage stage;
    pid_t client;

    cr_assert(stop_at(&stage, 3, &client));
    client_hang(&stage, SYSFS_READ, "driver_override");
    kill_worker(&stage);
    client_wait_for_hang();
    kernel_set_fault(NULL);
    kill_worker(&stage);
    expect_back(&stage, client);
}

/* Its client waits for the next broker, and hears the truth from it. */
Test(job, is_brought_back_by_the_next_broker)
{
    autostage struct stage stage;

    stage_make(&stage);
    client_hang(&stage, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&stage, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    stage_stop_broker(&stage, SIGKILL);
    client_let_go(&stage);
    stage_start_broker(&stage);
    client_expect(&stage, client, "interrupted; " DISK " is back with nvme");
    expect_place(DISK, "nvme", "");
    expect_quiet(&stage);
}

/* The kernel may still do what it was told to: nothing is touched before. */
Test(job, waits_for_the_worker_that_hangs_from_an_earlier_broker)
{
    autostage struct stage stage;

    stage_make(&stage);
    client_hang(&stage, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&stage, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    stage_stop_broker(&stage, SIGKILL);
    stage_start_broker(&stage);
    stage_stop_broker(&stage, SIGKILL);
    stage_start_broker(&stage);
    autojson json_t *state = stage_ask(&stage, "state", "{}");
    json_t *running = json_array_get(json_object_get(state, "operations"), 0);
    expect_member(running, "id", "'UPID:a'");
    expect_member(running, "functions", "['" DISK "']");
    usleep(300 * 1000);
    cr_assert(kernel_fault_hangs());
    stage_fail(&stage, "driver", TAKE_DISK, "in the hands of another operation");
    client_let_go(&stage);
    client_expect(&stage, client, "interrupted; " DISK " is back with nvme");
    expect_place(DISK, "nvme", "");
    client_follow_to_error(&stage, "UPID:a", "interrupted", "has ended");
    expect_quiet(&stage);
}

static void write_boot(const struct stage *stage, const char *boot)
{
    tree_write(&stage->tree, "proc/sys/kernel/random/boot_id", boot);
}

Test(job, is_history_after_a_reboot)
{
    autostage struct stage stage;

    stage_make(&stage);
    stage_stop_broker(&stage, SIGTERM);
    write_boot(&stage, "first\n");
    stage_start_broker(&stage);
    client_hang(&stage, SYSFS_WRITE, "unbind");
    pid_t client = client_start(&stage, "UPID:a", TAKE_DISK);
    client_wait_for_hang();
    stage_stop_broker(&stage, SIGKILL);
    client_let_go(&stage);
    write_boot(&stage, "second\n");
    stage_start_broker(&stage);
    client_expect(&stage, client, "interrupted by a reboot of the host");
    expect_quiet(&stage);
}
