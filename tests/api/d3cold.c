/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PUT /nodes/{node}/hardware/pci/{id}/power, on a made host behind which a kernel is played. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"
#include "tests/hosts/kernel.h"

#define PCI  "/nodes/" NODE "/hardware/pci"
#define DISK "0000:04:00.0"
#define PORT "0000:00:01.0"

static void start(void)
{
    START(.host = "golden", .kernel = true);
}

TestSuite(d3cold, .init = start, .timeout = 120);

static char *set(const char *id, const char *allowed, const char *persistent)
{
    autofree char *path = xasprintf(PCI "/%s/power", id);

    return xstrdup(json_string_value(put(path, "d3cold-allowed", allowed, "persistent", persistent, NULL)));
}

static void shows(long long allowed, const char *state)
{
    const json_t *status = get(PCI "/" DISK "/status", NULL);

    cr_assert_eq(number_of(status, "d3cold-allowed"), allowed);
    is_json(member(status, "state"), state);
    cr_assert_eq(kernel_d3cold(DISK), allowed != 0);
}

DAEMON_TEST(d3cold, is_forbidden_kept_shown_and_allowed_again)
{
    shows(1, "{}");
    autofree char *upid = set(DISK, "0", "1");
    task_succeeds(upid);
    autofree char *log = task_text(upid);
    contains(log, DISK ": is never put into D3cold");
    shows(0, "{'persistent-d3cold-allowed':0}");
    autofree char *back = set(DISK, "1", "0");
    task_succeeds(back);
    shows(1, "{}");
}

DAEMON_TEST(d3cold, of_a_device_that_is_not_there)
{
    fails(500, "no PCI device found for '0000:77:00.0'", "PUT", PCI "/0000:77:00.0/power", "d3cold-allowed",
          "0", NULL);
}

DAEMON_TEST(d3cold, of_a_bridge_is_left_to_the_kernel)
{
    autofree char *upid = set(PORT, "0", "0");

    task_fails(upid, PORT " is a bridge");
}
