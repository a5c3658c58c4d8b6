/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The key startup, and how long QEMU has to answer. VMs that really start are in tests/api/qemu_run.c. */
#include <criterion/criterion.h>
#include <limits.h>

#include "base/memory.h"
#include "passthrough/start/parts.h"
#include "tests/unit/storage/fixture.h"

static void is_order(const char *startup, unsigned long long order, long long up, long long down)
{
    struct start_order parsed = start_parse_order(startup);

    cr_expect_eq(parsed.order, order, "%s: order %llu", startup, parsed.order);
    cr_expect_eq(parsed.up, up, "%s: up %lld", startup, parsed.up);
    cr_expect_eq(parsed.down, down, "%s: down %lld", startup, parsed.down);
}

Test(start_order, startup_has_an_order_and_two_delays)
{
    is_order("", ULLONG_MAX, -1, -1);
    is_order("3", 3, -1, -1);
    is_order("order=0,up=30,down=60", 0, 30, 60);
    is_order("down=0,order=7", 7, -1, 0);
    is_order("up=5", ULLONG_MAX, 5, -1);
}

static void has_timeout(const char *config, long long seconds)
{
    autojson json_t *values = fixture_json(config);

    cr_expect_eq(start_find_timeout(values), seconds, "%s: %lld", config, start_find_timeout(values));
}

/* "30 s, above 30720 MiB memory/1024; x4 with any hostpci; at least 150 hugepages; +5 per NIC" */
Test(start_order, qemu_has_as_long_as_its_memory_and_devices_take)
{
    has_timeout("{}", 30);
    has_timeout("{'memory':'30720'}", 30);
    has_timeout("{'memory':'65536'}", 64);
    has_timeout("{'memory':'65536','hostpci0':'01:00.0','hostpci3':'02:00.0'}", 256);
    has_timeout("{'hugepages':'2'}", 150);
    has_timeout("{'net0':'virtio','net1':'virtio'}", 40);
}
