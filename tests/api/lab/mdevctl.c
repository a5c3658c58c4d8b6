/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The real mdevctl beside hostpci: both read and write /etc/mdevctl.d. tests/lab/topology/mdev after
 * tests/lab/setup-mdev. */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/look.h"

#define PARENT "0000:00:02.0"
#define TYPE   "lab_mdev-large"
#define OURS   "11111111-2222-3333-4444-555555555555"
#define THEIRS "11111111-2222-3333-4444-666666666666"
#define MDEV   "/nodes/" NODE "/hardware/mdev"

TestSuite(lab_mdevctl, .init = lab_start, .timeout = 600);

static void create(const char *uuid)
{
    autofree char *upid =
        xstrdup(json_string_value(post("/nodes/" NODE "/hardware/pci/" PARENT "/mdev", "type", TYPE, "uuid",
                                       uuid, "persistent", "1", NULL)));

    task_succeeds(upid);
}

static void delete_one(const char *uuid)
{
    autofree char *path = xasprintf(MDEV "/%s", uuid);
    autofree char *upid = xstrdup(json_string_value(delete (path, NULL)));

    task_succeeds(upid);
}

static bool exists(const char *uuid)
{
    autofree char *path = xasprintf("/sys/bus/mdev/devices/%s", uuid);

    return access(path, F_OK) == 0;
}

static void is_listed(const char *uuid, const char *state)
{
    const json_t *mdev = row(get(MDEV, NULL), "id", uuid);

    cr_expect_str_eq(text_of(mdev, "state"), state, "%s", uuid);
    cr_expect_str_eq(text_of(mdev, "parent"), PARENT);
    cr_expect_str_eq(text_of(mdev, "type"), TYPE);
    cr_expect_eq(number_of(mdev, "persistent"), 1);
}

LAB_TEST(lab_mdevctl, lists_stops_and_starts_what_was_made_here)
{
    create(OURS);
    RUN("sh", "-c", "mdevctl list -d | grep -qx '" OURS " " PARENT " " TYPE " auto (active)'");
    RUN("mdevctl", "stop", "-u", OURS);
    cr_expect_not(exists(OURS));
    is_listed(OURS, "defined");
    RUN("mdevctl", "start", "-u", OURS);
    is_listed(OURS, "active");
    create(OURS); /* it is there already */
    delete_one(OURS);
    cr_expect_not(exists(OURS));
    RUN("sh", "-c", "! mdevctl list -d | grep -q " OURS);
}

LAB_TEST(lab_mdevctl, what_it_defines_is_started_and_removed_here)
{
    RUN("mdevctl", "define", "-u", THEIRS, "-p", PARENT, "-t", TYPE, "--auto");
    is_listed(THEIRS, "defined");
    lab_broker_kill();
    lab_broker_start(0);
    lab_broker_becomes_idle();
    is_listed(THEIRS, "active");
    RUN("sh", "-c", "mdevctl list | grep -q '^" THEIRS " " PARENT " " TYPE "'");
    RUN("mdevctl", "stop", "-u", THEIRS);
    RUN("mdevctl", "modify", "-u", THEIRS, "--manual");
    cr_expect_not(has(row(get(MDEV, NULL), "id", THEIRS), "persistent"));
    delete_one(THEIRS);
    is_json(get(MDEV, NULL), "[]");
    RUN("sh", "-c", "test -z \"$(mdevctl list -d)\"");
}
