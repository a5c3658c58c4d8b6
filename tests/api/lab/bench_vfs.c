/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What hostpci costs beside the kernel's own work when a network card gets virtual functions that have an
 * address, a VLAN and trust each: 64 on a made host whose kernel is played, 7 on tests/lab/topology/sriov.
 * The peer writes the same to the same places, one after the other. tests/bench/run reads the lines that
 * begin with "bench:", in ms. */
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/slice/vf_link.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/hosts/kernel.h"

#define ROUNDS 9
#define PLAYED "0000:d8:00.0"
#define REAL   "0000:01:00.0"
#define MOST   64

/* What the card's driver has; the broker's workers are other processes. */
static struct link {
    char mac[VF_MAC_SIZE];
    int vlan, trust;
} *links;

static int play_read(int interface, json_t **ret)
{
    (void)interface;
    *ret = json_array();
    for (unsigned i = 0; i < MOST; i++)
        json_array_append_new(*ret,
                              json_pack("{s:s, s:i, s:i, s:s, s:i}", "mac", links[i].mac, "vlan",
                                        links[i].vlan, "qos", 0, "proto", "802.1q", "trust", links[i].trust));
    return 0;
}

static int play_write(int interface, unsigned vf, const char *group, const json_t *settings)
{
    struct link *link = &links[vf];

    (void)interface;
    if (strcmp(group, "mac") == 0)
        snprintf(link->mac, sizeof(link->mac), "%s", json_string_value(json_object_get(settings, "mac")));
    else if (strcmp(group, "vlan") == 0)
        link->vlan = (int)json_integer_value(json_object_get(settings, "vlan"));
    else
        link->trust = (int)json_integer_value(json_object_get(settings, "trust"));
    return 0;
}

static void start_played(void)
{
    static const struct vf_door door = {play_read, play_write};

    links = mmap(NULL, MOST * sizeof(*links), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(links, MAP_FAILED);
    vf_door = &door;
    START(.host = "sriov", .kernel = true);
    kernel_set_vf_driver(PLAYED, "iavf", 200);
    host_write("sys/bus/pci/devices/" PLAYED "/net/eth7/ifindex", "7\n");
}

TestSuite(lab_bench_vfs, .init = lab_start, .timeout = 1200);
TestSuite(lab_bench_vfs_played, .init = start_played, .timeout = 600);

static json_t *pack_settings(unsigned vf)
{
    char mac[VF_MAC_SIZE];

    snprintf(mac, sizeof(mac), "52:54:00:00:01:%02x", vf & 0xffU);
    return json_pack("{s:s, s:i, s:i, s:s, s:i}", "mac", mac, "vlan", (int)vf + 1, "qos", 0, "proto",
                     "802.1q", "trust", 1);
}

static char *begin(const char *id, unsigned count)
{
    autofree char *path = xasprintf("/nodes/" NODE "/hardware/pci/%s/sriov", id);
    autotext struct text body = {0};

    text_printf(&body, "{\"numvfs\":%u", count);
    for (unsigned i = 0; i < count; i++)
        text_printf(&body, ",\"vf%u\":\"mac=52:54:00:00:01:%02x,vlan=%u,trust=1\"", i, i, i + 1);
    text_append(&body, "}");
    const struct reply *reply =
        CALL(.method = "PUT", .path = path, .body = text_string(&body), .content_type = "application/json");
    cr_assert_eq(reply->status, 200, "%s", reply->phrase);
    return xstrdup(json_string_value(reply->data));
}

static double measure_ours(const char *id, unsigned count)
{
    double began = machine_now();
    autofree char *upid = begin(id, count);

    task_succeeds(upid);
    return (machine_now() - began) * 1000;
}

static void set(const struct sysroot *sysroot, const char *id, const char *attribute, const char *value)
{
    autofree char *path = xasprintf("sys/bus/pci/devices/%s/%s", id, attribute);
    int error = sysfs_write(sysroot_fd(sysroot), path, value);

    cr_assert_eq(error, 0, "%s: %s", path, strerror(-error));
}

static double measure_peer(const struct sysroot *sysroot, const char *id, unsigned count, int interface,
                           const struct vf_door *door)
{
    static const char *const groups[] = {"mac", "vlan", "trust"};
    autofree char *text = xasprintf("%u", count);
    double began = machine_now();

    set(sysroot, id, "sriov_drivers_autoprobe", "0");
    set(sysroot, id, "sriov_numvfs", text);
    for (unsigned i = 0; i < count; i++) {
        autojson json_t *settings = pack_settings(i);
        for (size_t group = 0; group < COUNT_OF(groups); group++)
            cr_assert_eq(door->write(interface, i, groups[group], settings), 0);
    }
    return (machine_now() - began) * 1000;
}

/* As before; the driver forgets what it knew of them. */
static void remove_all(const struct sysroot *sysroot, const char *id)
{
    set(sysroot, id, "sriov_numvfs", "0");
    set(sysroot, id, "sriov_drivers_autoprobe", "1");
    if (links != NULL)
        memset(links, 0, MOST * sizeof(*links));
}

static void measure(const char *name, const struct sysroot *sysroot, const char *id, unsigned count,
                    int interface, const struct vf_door *door)
{
    double ours[ROUNDS], peer[ROUNDS];

    for (size_t i = 0; i < ROUNDS; i++) {
        peer[i] = measure_peer(sysroot, id, count, interface, door);
        remove_all(sysroot, id);
        ours[i] = measure_ours(id, count);
        remove_all(sysroot, id);
    }
    printf("bench: %s %.1f %.1f\n", name, machine_median(ours, ROUNDS), machine_median(peer, ROUNDS));
}

DAEMON_TEST(lab_bench_vfs_played, many)
{
    autofree char *tree = xasprintf("%s/../host", daemon_state());
    struct sysroot *sysroot;
    struct error err;

    cr_assert_eq(sysroot_open(tree, &sysroot, &err), 0, "%s", err.message);
    measure("played", sysroot, PLAYED, MOST, 7, vf_door);
    sysroot_close(sysroot);
}

LAB_TEST(lab_bench_vfs, seven)
{
    struct pci_address address;
    struct sysroot *sysroot;
    struct error err;

    cr_assert_eq(sysroot_open("/", &sysroot, &err), 0, "%s", err.message);
    cr_assert(pci_address_parse(REAL, &address));
    struct vf_interface interface = vf_interface_find(sysroot, address);
    measure("seven", sysroot, REAL, 7, interface.index, &vf_netlink);
    sysroot_close(sysroot);
}
