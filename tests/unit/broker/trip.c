/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of faults and kills do again and again. */
#include "tests/unit/broker/trip.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define CARD(driver) "{'id': '" SCREEN "', 'driver': '" driver "', 'scope': 'group'}"
#define HOME                                                                                                 \
    {                                                                                                        \
        {"nouveau", ""},                                                                                     \
        {                                                                                                    \
            "snd_hda_intel", ""                                                                              \
        }                                                                                                    \
    }
#define BOTH(driver, override)                                                                               \
    {                                                                                                        \
        {driver, override},                                                                                  \
        {                                                                                                    \
            driver, override                                                                                 \
        }                                                                                                    \
    }

const struct trip trips[] = {
    {"driver", CARD("vfio-pci"), HOME, BOTH("vfio-pci", "vfio-pci"), false},
    {"driver", CARD("none"), HOME, BOTH("", "none"), false},
    {"driver", CARD("other"), HOME, BOTH("other", "other"), false},
    {"driver", CARD("auto"), BOTH("vfio-pci", "vfio-pci"), HOME, false},
    {"driver", CARD("restore"), BOTH("vfio-pci", "vfio-pci"), HOME, true},
    {"reset", "{'id': '" SCREEN "'}", HOME, HOME, false},
};
const size_t trip_count = COUNT_OF(trips);

static const char *const ids[] = {SCREEN, SOUND};

static bool is_at(size_t function, const struct place_of *places)
{
    return strcmp(kernel_driver(ids[function]), places[function].driver) == 0 &&
           strcmp(kernel_override(ids[function]), places[function].override) == 0;
}

static void put(const struct place_of places[2])
{
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        kernel_put(ids[i], places[i].driver, places[i].override);
}

void trip_prepare(const struct trip *trip, struct stage *stage)
{
    static const struct place_of home[2] = HOME;

    kernel_set_fault(NULL);
    kernel_add_driver("other");
    if (!trip->restores) {
        put(trip->from);
    } else if (!is_at(0, trip->from) || !is_at(1, trip->from)) {
        put(home);
        json_decref(stage_ask(stage, "driver", CARD("vfio-pci")));
    }
}

void trip_expect_end(const struct trip *trip, const struct stage *stage, const char *what)
{
    for (size_t i = 0; i < COUNT_OF(ids); i++)
        cr_expect(is_at(i, trip->from) || is_at(i, trip->to), "%s: %s is with '%s', driver_override '%s'",
                  what, ids[i], kernel_driver(ids[i]), kernel_override(ids[i]));
    cr_expect_str_eq(kernel_reset_methods(SCREEN), "flr bus", "%s: reset_method is '%s'", what,
                     kernel_reset_methods(SCREEN));
    cr_expect_str_eq(kernel_driver(PORT), "pcieport", "%s: the bridge was touched", what);
    expect_quiet_after(stage, what);
}

bool trip_wants_all(void)
{
    return getenv("HOSTPCI_ALL_FAULTS") != NULL;
}
