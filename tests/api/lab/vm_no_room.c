/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM with a card where the folder of the sockets is full, or cannot be written to:
 * tests/lab/topology/default after tests/lab/setup-default. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/lab/broker.h"
#include "tests/api/lab/machine.h"
#include "tests/api/lab/move.h"
#include "tests/api/lab/running.h"
#include "tests/api/vm.h"

#define CARD  "0000:03:00.0"
#define ABOVE "/run/lab-room"
#define ROOM  "/run/lab-room/run"

static void start(void)
{
    if (getenv("LAB") == NULL)
        cr_skip_test("only in the lab");
    RUN("sh", "-c", "umount " ROOM " 2> /dev/null; rm -rf " ABOVE "; mkdir -p " ROOM);
    RUN("mount", "-t", "tmpfs", "-o", "size=1m,mode=755", "lab", ROOM);
    lab_start_in(ABOVE);
    vm_create("100", "kvm", "0", "memory", "64", "vga", "none", "cpu", "qemu64", "hostpci0",
              CARD ",reattach=1", NULL);
}

TestSuite(lab_vm_room, .init = start, .timeout = 600);

static char *begin(const char *verb)
{
    autofree char *path = xasprintf(QEMU "/100/status/%s", verb);

    return xstrdup(json_string_value(post(path, NULL, NULL)));
}

static void succeeds(const char *verb)
{
    autofree char *upid = begin(verb);

    task_succeeds(upid);
}

static void fails_for(const char *verb, const char *why)
{
    autofree char *upid = begin(verb);

    task_fails(upid, why);
}

static void card_is_back(void)
{
    running_ends();
    cr_assert_str_eq(machine_driver(CARD), "e1000e");
    cr_assert_str_eq(machine_override(CARD), "");
}

LAB_TEST(lab_vm_room, full_folder_keeps_a_vm_from_starting)
{
    RUN("sh", "-c", "head -c 2M /dev/zero > " ROOM "/full || true");
    fails_for("start", "No space left on device");
    RUN("rm", ROOM "/full");
    card_is_back();
    succeeds("start");
    succeeds("stop");
    card_is_back();
}

/* What is written there is missed; the card goes back all the same, and the folder when it can. */
LAB_TEST(lab_vm_room, folder_that_cannot_be_written_to_keeps_no_card)
{
    RUN("mount", "-o", "remount,ro", ROOM);
    fails_for("start", "Read-only file system");
    RUN("mount", "-o", "remount,rw", ROOM);
    card_is_back();
    succeeds("start");
    RUN("mount", "-o", "remount,ro", ROOM);
    fails_for("stop", "Read-only file system");
    cr_assert_str_eq(machine_driver(CARD), "e1000e");
    RUN("mount", "-o", "remount,rw", ROOM);
    card_is_back();
}
