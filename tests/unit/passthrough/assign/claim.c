/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many VMs that start at once and want the same devices. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/passthrough/assign/fixture.h"

#define STARTS 12

struct start {
    pthread_t thread;
    const struct world *world;
    pthread_barrier_t *barrier;
    const char *config;
    long long vmid;
    char *got;
    int result;
    struct error err;
};

static void *run_start(void *context)
{
    struct start *self = context;

    pthread_barrier_wait(self->barrier);
    self->result = world_claim(self->world, self->vmid, self->config, &self->got, &self->err);
    return NULL;
}

static void race(const struct world *world, const char *config, struct start starts[static STARTS])
{
    pthread_barrier_t barrier;

    pthread_barrier_init(&barrier, NULL, STARTS);
    for (int i = 0; i < STARTS; i++) {
        starts[i] = (struct start){.world = world, .barrier = &barrier, .config = config, .vmid = 100 + i};
        cr_assert_eq(pthread_create(&starts[i].thread, NULL, run_start, &starts[i]), 0);
    }
    for (int i = 0; i < STARTS; i++)
        pthread_join(starts[i].thread, NULL);
    pthread_barrier_destroy(&barrier);
}

/* As many starts as wanted got their devices, no two of them the same; the errors of the others have that
 * text. */
static void expect_winners(struct start starts[static STARTS], int wanted, const char *error)
{
    int winners = 0;

    for (int i = 0; i < STARTS; i++) {
        winners += starts[i].result == 0;
        if (starts[i].result != 0)
            fixture_expect_error(&starts[i].err, ERROR_FAILED, error);
        for (int j = 0; j < i && starts[i].result == 0; j++)
            cr_assert(starts[j].result != 0 || strcmp(starts[i].got, starts[j].got) != 0, "two have %s",
                      starts[i].got);
    }
    cr_assert_eq(winners, wanted, "%d won", winners);
    for (int i = 0; i < STARTS; i++)
        free(starts[i].got);
}

Test(passthrough_claim, starts_that_race_get_an_alternative_each)
{
    autoworld struct world world;
    world_make(&world, "sriov");
    struct start starts[STARTS];

    world_add_mapping(&world, "vfs",
                      "{'map': [{'node': 'pve1', 'path': '0000:3b:02.2', 'id': '8086:154c',"
                      "          'subsystem-id': '8086:0001', 'iommugroup': 18},"
                      "         {'node': 'pve1', 'path': '0000:3b:02.3', 'id': '8086:154c',"
                      "          'subsystem-id': '8086:0001', 'iommugroup': 19}]}");
    race(&world, "{'hostpci0': 'mapping=vfs'}", starts);
    expect_winners(starts, 2, "PCI device '0000:3b:02.2' already in use by VMID '");
}

Test(passthrough_claim, starts_that_race_for_one_device_name_the_winner)
{
    autoworld struct world world;
    world_make(&world, "workstation");
    struct start starts[STARTS];
    long long winner = 0;

    race(&world, "{'hostpci0': '01:00'}", starts);
    for (int i = 0; i < STARTS; i++)
        winner = starts[i].result == 0 ? starts[i].vmid : winner;
    autofree char *named = xasprintf("PCI device '0000:01:00.0' already in use by VMID '%lld'", winner);
    expect_winners(starts, 1, named);
}

Test(passthrough_claim, starts_that_race_get_no_more_instances_than_there_are)
{
    autoworld struct world world;
    world_make(&world, "mdev");
    struct start starts[STARTS];

    race(&world, "{'hostpci0': '00:02.0,mdev=i915-GVTg_V5_8'}", starts);
    expect_winners(starts, 3, "pci device '0000:00:02.0' has no available instances of 'i915-GVTg_V5_8'");
}
