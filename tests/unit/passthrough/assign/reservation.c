/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device is reserved for one VM, as long as the VM's process runs. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "passthrough/assign/reservation.h"
#include "storage/reservation.h"
#include "tests/unit/hardware/fixture.h"
#include "tests/unit/storage/fixture.h"

#define BOOT_ID "proc/sys/kernel/random/boot_id"

struct world {
    struct fixture fixture;
    struct tree tree;
    struct storage *storage;
    struct reservations reservations;
};

static void remove_world(struct world *world)
{
    storage_close(world->storage);
    tree_remove(&world->tree);
    fixture_remove(&world->fixture);
}
#define autoworld __attribute__((cleanup(remove_world)))

static void make_world(struct world *world)
{
    fixture_make(&world->fixture);
    tree_make(&world->tree);
    tree_write(&world->tree, BOOT_ID, "11111111-1111-4111-8111-111111111111\n");
    world->storage = fixture_open(world->fixture.path);
    world->reservations = (struct reservations){world->storage, world->tree.sysroot};
}

/* A process of the host, whose name is to mislead. */
static void write_process(const struct world *world, int pid, const char *state, long long start)
{
    autofree char *file = xasprintf("proc/%d/stat", pid);
    autofree char *text = xasprintf(
        "%d (kvm) R 1 (x) %s 1 1 1 0 -1 4194304 9 0 0 0 1 2 0 0 20 0 3 0 %lld 1000 5\n", pid, state, start);

    tree_write(&world->tree, file, text);
}

static int try_take(const struct world *world, long long vmid, const char *device, struct error *err)
{
    const struct reservation item = {.device = device, .key = "hostpci0"};

    return reservations_take(&world->reservations, vmid, &item, 1, err);
}

static void take(const struct world *world, long long vmid, const char *device)
{
    struct error err;

    cr_assert_eq(try_take(world, vmid, device, &err), 0, "%s", err.message);
}

static void hand_over(const struct world *world, long long vmid, pid_t process)
{
    struct error err;

    cr_assert_eq(reservations_hand_over(&world->reservations, vmid, process, &err), 0, "%s", err.message);
}

static void expect_list(const struct world *world, const char *text)
{
    json_t *list;
    struct error err;

    cr_assert_eq(reservations_list(&world->reservations, &list, &err), 0, "%s", err.message);
    fixture_expect_json(list, text);
}

#define RUNNING "{'0000:01:00.0': {'vmid': 100, 'key': 'hostpci0', 'state': 'running', 'process': 4242}}"

Test(passthrough_reservation, a_start_has_its_devices_until_it_gives_them_back)
{
    autoworld struct world world;
    make_world(&world);
    autofree char *mine = xasprintf(
        "{'0000:01:00.0': {'vmid': 100, 'key': 'hostpci0', 'state': 'starting', 'process': %d}}", getpid());
    struct error err;

    take(&world, 100, "0000:01:00.0");
    expect_list(&world, mine);
    cr_assert_eq(try_take(&world, 101, "0000:01:00.0", &err), -1);
    fixture_expect_error(&err, ERROR_BUSY, "PCI device '0000:01:00.0' already in use by VMID '100'");
    take(&world, 100, "0000:01:00.0");
    cr_assert_eq(reservations_release(&world.reservations, 100, NULL, &err), 0, "%s", err.message);
    expect_list(&world, "{}");
    take(&world, 101, "0000:01:00.0");
}

Test(passthrough_reservation, tells_parent_and_type_of_a_mediated_device)
{
    autoworld struct world world;
    make_world(&world);
    const struct reservation item = {.device = "00000000-0000-0000-0000-000000000100",
                                     .key = "hostpci0",
                                     .parent = "0000:00:02.0",
                                     .type = "i915-GVTg_V5_4"};
    autofree char *mine = xasprintf(
        "{'00000000-0000-0000-0000-000000000100': {'vmid': 100, 'key': 'hostpci0', 'state': 'starting',"
        " 'process': %d, 'parent': '0000:00:02.0', 'type': 'i915-GVTg_V5_4'}}",
        getpid());
    struct error err;

    cr_assert_eq(reservations_take(&world.reservations, 100, &item, 1, &err), 0, "%s", err.message);
    expect_list(&world, mine);
}

Test(passthrough_reservation, a_running_vm_has_them_until_its_process_is_gone)
{
    autoworld struct world world;
    make_world(&world);
    struct error err;

    write_process(&world, 4242, "S", 777);
    take(&world, 100, "0000:01:00.0");
    hand_over(&world, 100, 4242);
    expect_list(&world, RUNNING);
    cr_assert_eq(try_take(&world, 101, "0000:01:00.0", &err), -1);
    fixture_expect_error(&err, ERROR_BUSY, "already in use by VMID '100'");
    tree_delete(&world.tree, "proc/4242/stat");
    expect_list(&world, "{}");
    take(&world, 101, "0000:01:00.0");
}

Test(passthrough_reservation, another_process_with_its_number_is_not_it)
{
    autoworld struct world world;
    make_world(&world);

    write_process(&world, 4242, "S", 777);
    take(&world, 100, "0000:01:00.0");
    hand_over(&world, 100, 4242);
    write_process(&world, 4242, "S", 778);
    expect_list(&world, "{}");
}

Test(passthrough_reservation, what_is_left_of_a_process_for_its_parent_has_nothing)
{
    autoworld struct world world;
    make_world(&world);

    write_process(&world, 4242, "S", 777);
    take(&world, 100, "0000:01:00.0");
    hand_over(&world, 100, 4242);
    expect_list(&world, RUNNING);
    write_process(&world, 4242, "Z", 777);
    expect_list(&world, "{}");
}

Test(passthrough_reservation, is_not_handed_to_a_process_that_is_not_there)
{
    autoworld struct world world;
    make_world(&world);
    struct error err;

    take(&world, 100, "0000:01:00.0");
    cr_assert_eq(reservations_hand_over(&world.reservations, 100, 4242, &err), -1);
    fixture_expect_error(&err, ERROR_FAILED, "VM 100 no longer runs: there is no process 4242");
}

Test(passthrough_reservation, none_is_left_after_a_reboot)
{
    autoworld struct world world;
    make_world(&world);

    write_process(&world, 4242, "S", 777);
    take(&world, 100, "0000:01:00.0");
    hand_over(&world, 100, 4242);
    take(&world, 101, "0000:02:00.0");
    tree_write(&world.tree, BOOT_ID, "22222222-2222-4222-8222-222222222222\n");
    expect_list(&world, "{}");
    take(&world, 102, "0000:01:00.0");
}

/* The daemon that began the start was killed; the next one may even have its number. */
Test(passthrough_reservation, a_start_ends_with_the_daemon)
{
    autoworld struct world world;
    make_world(&world);
    const struct reservation item = {.device = "0000:01:00.0", .key = "hostpci0"};
    const struct reservation_holder before = {.vmid = 100,
                                              .state = "starting",
                                              .process = getpid(),
                                              .start = 1,
                                              .boot = "11111111-1111-4111-8111-111111111111"};
    autojson json_t *none = json_array();
    struct error err;

    cr_assert_eq(reservation_take(world.storage, &before, &item, 1, none, &err), 0, "%s", err.message);
    expect_list(&world, "{}");
    take(&world, 101, "0000:01:00.0");
}

Test(passthrough_reservation, this_host_itself_tells_of_processes)
{
    autofixture struct fixture fixture;
    fixture_make(&fixture);
    autostorage struct storage *storage = fixture_open(fixture.path);
    const struct reservation item = {.device = "0000:01:00.0", .key = "hostpci0"};
    struct sysroot *host;
    json_t *list;
    struct error err;

    cr_assert_eq(sysroot_open("/", &host, &err), 0, "%s", err.message);
    const struct reservations reservations = {storage, host};
    cr_assert_eq(reservations_take(&reservations, 100, &item, 1, &err), 0, "%s", err.message);
    cr_assert_eq(reservations_hand_over(&reservations, 100, getppid(), &err), 0, "%s", err.message);
    cr_assert_eq(reservations_list(&reservations, &list, &err), 0, "%s", err.message);
    cr_assert_eq(json_object_size(list), 1);
    json_decref(list);
    sysroot_close(host);
}

#define STARTS  16
#define DEVICES 4

struct start {
    pthread_t thread;
    const struct world *world;
    pthread_barrier_t *barrier;
    long long vmid;
    int result;
    struct error err;
};

/* Each start has an order of its own, so that they meet in the middle. */
static void *take_all(void *context)
{
    struct start *self = context;
    struct reservation items[DEVICES];
    char names[DEVICES][16];

    for (int i = 0; i < DEVICES; i++) {
        snprintf(names[i], sizeof(names[i]), "0000:01:00.%d", (int)(self->vmid + i) % DEVICES);
        items[i] = (struct reservation){.device = names[i], .key = "hostpci0"};
    }
    pthread_barrier_wait(self->barrier);
    self->result = reservations_take(&self->world->reservations, self->vmid, items, DEVICES, &self->err);
    return NULL;
}

Test(passthrough_reservation, of_many_starts_at_once_exactly_one_gets_the_devices)
{
    autoworld struct world world;
    make_world(&world);
    struct start starts[STARTS];
    pthread_barrier_t barrier;
    long long winner = 0;

    pthread_barrier_init(&barrier, NULL, STARTS);
    for (int i = 0; i < STARTS; i++) {
        starts[i] = (struct start){.world = &world, .barrier = &barrier, .vmid = 100 + i};
        cr_assert_eq(pthread_create(&starts[i].thread, NULL, take_all, &starts[i]), 0);
    }
    for (int i = 0; i < STARTS; i++) {
        pthread_join(starts[i].thread, NULL);
        cr_assert(starts[i].result != 0 || winner == 0, "two of them have it");
        winner = starts[i].result == 0 ? starts[i].vmid : winner;
    }
    cr_assert_neq(winner, 0);
    autofree char *named = xasprintf("already in use by VMID '%lld'", winner);
    for (int i = 0; i < STARTS; i++)
        if (starts[i].vmid != winner)
            fixture_expect_error(&starts[i].err, ERROR_BUSY, named);
    pthread_barrier_destroy(&barrier);
}
