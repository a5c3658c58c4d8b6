/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenarios of the tests of faults and kills. */
#include "tests/unit/broker/scenario.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "broker/program.h"
#include "tests/unit/broker/card.h"
#include "tests/unit/broker/drive.h"

#define CARD(driver) "{'id': '" SCREEN "', 'driver': '" driver "', 'scope': 'group'}"
#define HOME         {{"nouveau", ""}, {"snd_hda_intel", ""}}
#define BOTH(driver, override)                                                                               \
    {                                                                                                        \
        {driver, override},                                                                                  \
        {                                                                                                    \
            driver, override                                                                                 \
        }                                                                                                    \
    }

#define VARIANT      "screen_vfio_pci"
#define WITH_VARIANT {{VARIANT, VARIANT}, {"vfio-pci", "vfio-pci"}}

#define WITH_SCREEN  {{"vfio-pci", "vfio-pci"}, {"snd_hda_intel", ""}}

#define SYSFS_CONF   "etc/sysfs.conf"
#define SETS_DRIVER  "bus/pci/devices/" SCREEN "/driver_override = vfio-pci\n"
#define SETS_COUNT   "bus/pci/devices/" NETWORK "/sriov_numvfs = 2\n"

#define NOTHING      {"", ""}
#define VFIO         {"vfio-pci", "vfio-pci"}
#define IGBVF        {"igbvf", ""}
#define MOVES(name, text, before, after, ...)                                                                \
    {.operation = (name), .arguments = (text), .from = before, .to = after, __VA_ARGS__}
#define DIVIDES(text, ...)                                                                                   \
    {.operation = "sriov",                                                                                   \
     .arguments = "{'id': '" NETWORK "', " text "}",                                                         \
     .from = HOME,                                                                                           \
     .to = HOME,                                                                                             \
     .divides = true,                                                                                        \
     __VA_ARGS__}
#define FIRST "0000:03:10.0"

const struct scenario scenarios[] = {
    MOVES("driver", CARD("vfio-pci"), HOME, BOTH("vfio-pci", "vfio-pci")),
    MOVES("driver", CARD("none"), HOME, BOTH("", "none")),
    MOVES("driver", CARD("other"), HOME, BOTH("other", "other"), .fits = true),
    MOVES("driver", CARD("auto"), BOTH("vfio-pci", "vfio-pci"), HOME),
    MOVES("driver", CARD("restore"), BOTH("vfio-pci", "vfio-pci"), HOME, .restores = true),
    MOVES("reset", "{'id': '" SCREEN "'}", HOME, HOME),
    DIVIDES("'numvfs': 3", .whole = {0, true, NOTHING}, .divided = {3, false, NOTHING}),
    DIVIDES("'numvfs': 3, 'autoprobe': 1", .whole = {2, false, VFIO}, .divided = {3, true, NOTHING}),
    DIVIDES("'numvfs': 0", .whole = {2, true, IGBVF}, .divided = {0, true, NOTHING}),
    MOVES("rom", "{'id': '" SCREEN "'}", BOTH("vfio-pci", "vfio-pci"), BOTH("vfio-pci", "vfio-pci")),
    MOVES("rom", "{'id': '" SCREEN "'}", BOTH("", "none"), BOTH("", "none")),
    MOVES("driver", CARD("vfio"), HOME, WITH_VARIANT, .instead = BOTH("vfio-pci", "vfio-pci"),
          .variant = VARIANT_WORKS),
    MOVES("driver", CARD("vfio"), HOME, BOTH("vfio-pci", "vfio-pci"), .variant = VARIANT_REFUSES),
    MOVES("d3cold", "{'id': '" SCREEN "', 'd3cold-allowed': 0}", HOME, HOME),
    MOVES("driver", "{'id': '" SCREEN "', 'driver': 'vfio-pci', 'persistent': 1, 'take-over': 1}", HOME,
          WITH_SCREEN, .takes_over = SETS_DRIVER, .kept = "choice"),
    DIVIDES("'numvfs': 2, 'vf0': 'queues=5'", .drive = true, .whole = {0, true, NOTHING, {0}},
            .divided = {2, false, NOTHING, {5, 2}}),
    DIVIDES("'numvfs': 1, 'vf0': 'queues=6'", .drive = true, .whole = {2, false, VFIO, {4, 3}},
            .divided = {1, false, NOTHING, {6, 0}}),
    MOVES("vm_start",
          "{'vmid': 100, 'config': {'memory': '64', 'kvm': 0, 'hostpci0': '01:00', 'hostpci1': '02:00.0'}, "
          "'assigned': {'hostpci0': {'ids': ['" SCREEN "', '" SOUND "']}, 'hostpci1': {'ids': ['" DISK
          "']}}}",
          HOME, BOTH("vfio-pci", "vfio-pci"), .starts = true),
    DIVIDES("'numvfs': 2, 'vf0': 'vlan=5,trust=1', 'vf1': 'vlan=6'", .card = true,
            .whole = {1, false, VFIO, .vlans = {4}}, .divided = {2, false, NOTHING, .vlans = {5, 6}}),
    DIVIDES("'numvfs': 2, 'vf1': 'mac=52:54:00:aa:00:01,vlan=6'", .card = true,
            .whole = {2, false, VFIO, .vlans = {4, 3}}, .divided = {2, false, VFIO, .vlans = {4, 6}}),
    DIVIDES("'numvfs': 2, 'persistent': 1, 'take-over': 1, 'vf0': 'vlan=5'", .card = true,
            .whole = {0, true, NOTHING}, .divided = {2, false, NOTHING, .vlans = {5}},
            .takes_over = SETS_COUNT, .kept = "vfs"),
};
const size_t scenario_count = COUNT_OF(scenarios);

static const char *const ids[] = {SCREEN, SOUND};

static bool is_at(size_t function, const struct binding *places)
{
    return places[function].driver != NULL &&
           strcmp(kernel_driver(ids[function]), places[function].driver) == 0 &&
           strcmp(kernel_override(ids[function]), places[function].override) == 0;
}

static void write_aliases(const struct testbed *testbed, const char *text)
{
    tree_write(&testbed->tree, "proc/sys/kernel/osrelease", "6.1.0-test\n");
    tree_write(&testbed->tree, "lib/modules/6.1.0-test/modules.alias", text);
}

static void add_variant(const struct testbed *testbed, bool refuses)
{
    kernel_add_driver(VARIANT);
    kernel_refuse(SCREEN, refuses ? VARIANT : "");
    write_aliases(testbed, "alias vfio_pci:v000010DEd00002484sv*sd*bc*sc*i* " VARIANT "\n");
}

static void put(const struct binding places[2])
{
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        kernel_put(ids[i], places[i].driver, places[i].override);
}

static void restart_broker(struct testbed *testbed)
{
    if (testbed->broker == 0)
        return;
    testbed_stop_broker(testbed, SIGTERM);
    testbed_start_broker(testbed);
}

static const char *driver_of(const struct scenario *scenario)
{
    return scenario->drive ? "nvme" : "e1000e";
}

static void make_drive(struct testbed *testbed)
{
    if (drive_play(testbed, NETWORK))
        restart_broker(testbed);
}

static void make_card(struct testbed *testbed)
{
    if (card_play(testbed, NETWORK))
        restart_broker(testbed);
}

static void divide(const struct testbed *testbed, const struct scenario *scenario)
{
    const struct division *division = &scenario->whole;

    kernel_put(NETWORK, driver_of(scenario), "");
    if (kernel_vfs(NETWORK) > 0)
        kernel_put_vfs(NETWORK, 0);
    kernel_add_sriov(NETWORK,
                     &(struct kernel_sriov){7, 128, 2, 0x10ca, 40, scenario->drive ? "nvme" : "igbvf"});
    tree_write(&testbed->tree, "sys/bus/pci/devices/" NETWORK "/sriov_drivers_autoprobe",
               division->autoprobe ? "1\n" : "0\n");
    kernel_put_vfs(NETWORK, division->count);
    if (division->count > 0)
        kernel_put(FIRST, division->first.driver, division->first.override);
    for (unsigned i = 0; scenario->drive && i < division->count; i++)
        drive_put_share(i, (struct nvme_share){division->queues[i], 1, true});
    for (unsigned i = 0; scenario->card && i < division->count; i++)
        card_put_setting(i, "vlan", json_integer(division->vlans[i]));
}

static bool has_vlans(const struct division *division)
{
    autojson json_t *all = card_settings();

    for (unsigned i = 0; i < division->count; i++)
        if (json_integer_value(json_object_get(json_array_get(all, i), "vlan")) != division->vlans[i])
            return false;
    return true;
}

static bool is_divided(const struct scenario *scenario, const struct division *division)
{
    for (unsigned i = 0; scenario->drive && i < division->count; i++)
        if (!drive_share(i).online || drive_share(i).queues != division->queues[i])
            return false;
    return kernel_vfs(NETWORK) == division->count && kernel_autoprobe(NETWORK) == division->autoprobe &&
           (!scenario->card || has_vlans(division));
}

static void expect_division(const struct scenario *scenario, const char *what)
{
    const struct division *whole = &scenario->whole;

    cr_expect(is_divided(scenario, whole) || is_divided(scenario, &scenario->divided),
              "%s: there are %u virtual functions, autoprobe %d", what, kernel_vfs(NETWORK),
              (int)kernel_autoprobe(NETWORK));
    if (is_divided(scenario, whole) && whole->count > 0)
        cr_expect(strcmp(kernel_driver(FIRST), whole->first.driver) == 0 &&
                      strcmp(kernel_override(FIRST), whole->first.override) == 0,
                  "%s: the first virtual function came back with '%s', driver_override '%s'", what,
                  kernel_driver(FIRST), kernel_override(FIRST));
    cr_expect_str_eq(kernel_driver(NETWORK), driver_of(scenario), "%s: the physical function was touched",
                     what);
}

/* No program of ours is there: each start fails once all is ready for QEMU. */
static void take_programs_away(struct testbed *testbed)
{
    if (program_root != NULL)
        return;
    program_root = "/nothing/like/that/";
    restart_broker(testbed);
}

void scenario_prepare(const struct scenario *scenario, struct testbed *testbed)
{
    static const struct binding home[2] = HOME;

    kernel_set_fault(NULL);
    kernel_add_driver("other");
    if (scenario->starts) {
        take_programs_away(testbed);
        kernel_put(DISK, "nvme", "");
    }
    if (scenario->fits)
        write_aliases(testbed, "alias pci:v000010DEd* other\n");
    if (scenario->variant != VARIANT_NONE)
        add_variant(testbed, scenario->variant == VARIANT_REFUSES);
    if (scenario->drive)
        make_drive(testbed);
    if (scenario->card)
        make_card(testbed);
    if (scenario->divides)
        divide(testbed, scenario);
    if (!scenario->restores) {
        put(scenario->from);
    } else if (!is_at(0, scenario->from) || !is_at(1, scenario->from)) {
        put(home);
        json_decref(testbed_ask(testbed, "driver", CARD("vfio-pci")));
    }
    if (scenario->takes_over != NULL)
        tree_write(&testbed->tree, SYSFS_CONF, scenario->takes_over);
    kernel_reset_rom(SCREEN);
    kernel_put_d3cold(SCREEN, true);
}

static bool is_kept(struct testbed *testbed, const struct scenario *scenario)
{
    const char *id = scenario->divides ? NETWORK : SCREEN;
    autofree char *arguments = xasprintf("{'id': '%s'}", id);
    autojson json_t *known = testbed_ask(testbed, "state", arguments);

    return json_object_get(json_object_get(json_object_get(known, "functions"), id), scenario->kept) != NULL;
}

/* The line is as it was, or a comment: then it is kept here. */
static void expect_line(const struct scenario *scenario, struct testbed *testbed, const char *what)
{
    autofree char *path = xasprintf("%s/" SYSFS_CONF, testbed->tree.path), *text = NULL;
    autofree char *taken = xasprintf("# kept by hostpci: %s", scenario->takes_over);
    struct error err;
    size_t length;

    cr_assert_eq(file_read(path, 4096, &text, &length, &err), 0, "%s: %s", what, err.message);
    if (strcmp(text, taken) == 0)
        cr_expect(is_kept(testbed, scenario), "%s: nobody keeps it", what);
    else
        cr_expect_str_eq(text, scenario->takes_over, "%s: '%s'", what, text);
}

static void expect_no_machine(const struct testbed *testbed, const char *what)
{
    autofree char *folder = xasprintf("%s/run/vm/100", testbed->tree.path);

    cr_expect_neq(access(folder, F_OK), 0, "%s: '%s' is left", what, folder);
}

/* It is the VM's other group, which is taken beside the first. */
static void expect_disk(const char *what)
{
    const char *driver = kernel_driver(DISK), *override = kernel_override(DISK);
    bool home = strcmp(driver, "nvme") == 0 && override[0] == '\0';
    bool given = strcmp(driver, "vfio-pci") == 0 && strcmp(override, "vfio-pci") == 0;

    cr_expect(home || given, "%s: " DISK " is with '%s', driver_override '%s'", what, driver, override);
}

void scenario_expect_end(const struct scenario *scenario, struct testbed *testbed, const char *what)
{
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        cr_expect(is_at(i, scenario->from) || is_at(i, scenario->to) || is_at(i, scenario->instead),
                  "%s: %s is with '%s', driver_override '%s'", what, ids[i], kernel_driver(ids[i]),
                  kernel_override(ids[i]));
    cr_expect_str_eq(kernel_reset_methods(SCREEN), "flr bus", "%s: reset_method is '%s'", what,
                     kernel_reset_methods(SCREEN));
    if (strcmp(scenario->operation, "rom") == 0)
        cr_expect_str_eq(kernel_rom_state(SCREEN),
                         scenario->from[0].driver[0] != '\0' ? "rom off, enable 1, control auto"
                                                             : "rom off, enable 0, control auto",
                         "%s: %s", what, kernel_rom_state(SCREEN));
    cr_expect_str_eq(kernel_driver(PORT), "pcieport", "%s: the bridge was touched", what);
    if (scenario->takes_over != NULL)
        expect_line(scenario, testbed, what);
    if (scenario->starts) {
        expect_disk(what);
        expect_no_machine(testbed, what);
    }
    if (scenario->divides)
        expect_division(scenario, what);
    expect_nothing_open_after(testbed, what);
}

bool scenario_wants_all(void)
{
    return getenv("HOSTPCI_ALL_FAULTS") != NULL;
}
