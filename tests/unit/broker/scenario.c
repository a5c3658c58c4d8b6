/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scenarios of the tests of faults and kills. */
#include "tests/unit/broker/scenario.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define CARD(driver) "{'id': '" SCREEN "', 'driver': '" driver "', 'scope': 'group'}"
#define HOME         {{"nouveau", ""}, {"snd_hda_intel", ""}}
#define BOTH(driver, override)                                                                               \
    {                                                                                                        \
        {driver, override},                                                                                  \
        {                                                                                                    \
            driver, override                                                                                 \
        }                                                                                                    \
    }

const struct scenario scenarios[] = {
    {"driver", CARD("vfio-pci"), HOME, BOTH("vfio-pci", "vfio-pci"), false},
    {"driver", CARD("none"), HOME, BOTH("", "none"), false},
    {"driver", CARD("other"), HOME, BOTH("other", "other"), false},
    {"driver", CARD("auto"), BOTH("vfio-pci", "vfio-pci"), HOME, false},
    {"driver", CARD("restore"), BOTH("vfio-pci", "vfio-pci"), HOME, true},
    {"reset", "{'id': '" SCREEN "'}", HOME, HOME, false},
};
const size_t scenario_count = COUNT_OF(scenarios);

static const char *const ids[] = {SCREEN, SOUND};

static bool is_at(size_t function, const struct binding *places)
{
    return strcmp(kernel_driver(ids[function]), places[function].driver) == 0 &&
           strcmp(kernel_override(ids[function]), places[function].override) == 0;
}

static void put(const struct binding places[2])
{
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        kernel_put(ids[i], places[i].driver, places[i].override);
}

void scenario_prepare(const struct scenario *scenario, struct testbed *testbed)
{
    static const struct binding home[2] = HOME;

    kernel_set_fault(NULL);
    kernel_add_driver("other");
    if (!scenario->restores) {
        put(scenario->from);
    } else if (!is_at(0, scenario->from) || !is_at(1, scenario->from)) {
        put(home);
        json_decref(testbed_ask(testbed, "driver", CARD("vfio-pci")));
    }
}

void scenario_expect_end(const struct scenario *scenario, const struct testbed *testbed, const char *what)
{
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        cr_expect(is_at(i, scenario->from) || is_at(i, scenario->to),
                  "%s: %s is with '%s', driver_override '%s'", what, ids[i], kernel_driver(ids[i]),
                  kernel_override(ids[i]));
    cr_expect_str_eq(kernel_reset_methods(SCREEN), "flr bus", "%s: reset_method is '%s'", what,
                     kernel_reset_methods(SCREEN));
    cr_expect_str_eq(kernel_driver(PORT), "pcieport", "%s: the bridge was touched", what);
    expect_nothing_open_after(testbed, what);
}

bool scenario_wants_all(void)
{
    return getenv("HOSTPCI_ALL_FAULTS") != NULL;
}
