/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hostpci costs beside the kernel's own work: functions are taken and given back through the API, and by
 * the same writes to the same files. One function on tests/lab/topology/default, 64 on topology/many,
 * and one on a made host without the lab; tests/bench/run asks for them and reads the lines that begin with
 * "bench:", in ms. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"

#define ROUNDS    9
#define CARD      "0000:03:00.0"
#define DISK      "0000:04:00.0" /* of the made host */
#define CARDS     8              /* of eight functions each */
#define FUNCTIONS 64

static void start_played(void)
{
    START(.host = "golden", .kernel = true);
}

TestSuite(lab_bench, .init = lab_start, .timeout = 1200);
TestSuite(lab_bench_played, .init = start_played, .timeout = 600);

/* The peer: as little as the kernel lets one do. */
static void move_directly(const char *id, const char *override, const char *driver)
{
    machine_set(id, "driver_override", override);
    machine_set(id, "driver/unbind", id);
    machine_write("/sys/bus/pci/drivers_probe", id);
    cr_assert_str_eq(machine_driver(id), driver);
}

static double milliseconds_since(double began)
{
    return (machine_now() - began) * 1000;
}

static double measure_peer(void)
{
    double began = machine_now();

    move_directly(CARD, "vfio-pci", "vfio-pci");
    move_directly(CARD, "\n", "e1000e");
    return milliseconds_since(began);
}

static double measure_ours(const char *id)
{
    double began = machine_now();

    MOVE(id, "vfio-pci");
    MOVE(id, "restore");
    return milliseconds_since(began);
}

LAB_TEST(lab_bench, one)
{
    double ours[ROUNDS], peer[ROUNDS];

    measure_ours(CARD);
    measure_peer();
    for (size_t i = 0; i < ROUNDS; i++) {
        peer[i] = measure_peer();
        ours[i] = measure_ours(CARD);
    }
    printf("bench: one %.1f %.1f\n", machine_median(ours, ROUNDS), machine_median(peer, ROUNDS));
}

/* On a made host, whose kernel is played and takes next to no time: what is left is ours. */
DAEMON_TEST(lab_bench_played, one)
{
    double ours[ROUNDS];

    measure_ours(DISK);
    for (size_t i = 0; i < ROUNDS; i++)
        ours[i] = measure_ours(DISK);
    printf("bench: played %.1f\n", machine_median(ours, ROUNDS));
}

static char functions[FUNCTIONS][16];

static void fill_functions(void)
{
    for (unsigned i = 0; i < FUNCTIONS; i++)
        snprintf(functions[i], sizeof(functions[i]), "0000:%02x:00.%x", 1 + i / CARDS, i % CARDS);
}

static double measure_peer_with_all(const char *override, const char *driver)
{
    double began = machine_now();

    for (size_t i = 0; i < FUNCTIONS; i++)
        move_directly(functions[i], override, driver);
    return milliseconds_since(began);
}

static double measure_ours_with_all(const char *driver)
{
    char *upids[FUNCTIONS];
    double began = machine_now();

    for (size_t i = 0; i < FUNCTIONS; i++)
        upids[i] = MOVE_BEGIN(functions[i], driver);
    for (size_t i = 0; i < FUNCTIONS; i++) {
        task_succeeds(upids[i]);
        free(upids[i]);
    }
    return milliseconds_since(began);
}

LAB_TEST(lab_bench, all)
{
    fill_functions();
    double peer = measure_peer_with_all("vfio-pci", "vfio-pci") + measure_peer_with_all("\n", "virtio-pci");
    double ours = measure_ours_with_all("vfio-pci") + measure_ours_with_all("restore");
    printf("bench: all %.0f %.0f\n", ours, peer);
}
