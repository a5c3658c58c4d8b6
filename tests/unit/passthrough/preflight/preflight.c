/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VM's preflight says: nothing that is wrong of the good one, and of each other what is wrong with it,
 * word for word. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "passthrough/preflight/parts.h"
#include "tests/unit/hardware/fixture.h"
#include "tests/unit/passthrough/preflight/fixture.h"

TestSuite(passthrough_preflight, .fini = preflight_end, .timeout = 300);

Test(passthrough_preflight, the_good_vm_can_be_started)
{
    autojson json_t *reply = preflight_of(&(const struct provoked){.about = "the good VM"});

    expect_member(reply, "startable", "1");
    expect_member(reply, "summary", "'It can be started.'");
    expect_member(reply, "devices",
                  "[{'key': 'hostpci0', 'chosen': ['0000:01:00.0', '0000:01:00.1'], 'detaches': []}]");
    expect_member(
        reply, "checks",
        "[{'id': 'gpu-screen', 'severity': 'info', 'message': 'hostpci0: no console shows the picture of the "
        "graphics card 0000:01:00.0: connect a monitor to it, or set up a remote desktop (VNC, RDP) in the "
        "guest.', 'evidence': 'hostpci0: 0000:01:00,pcie=1,x-vga=1,romfile=both.rom'}]");
}

/* Each check speaks up at least once: those of the host and of functions under ids of their own. */
static void expect_all(const json_t *seen)
{
    static const char *const elsewhere[] = {"device-in-hand",
                                            "device-reset"}; /* tests/api/qemu_preflight.c */

    CHECK_FOREACH(own, preflight_check_lists)
    {
        bool told = json_object_get(seen, own->id) != NULL;
        for (size_t j = 0; j < COUNT_OF(elsewhere); j++)
            told = told || strcmp(elsewhere[j], own->id) == 0;
        CHECK_FOREACH(check, check_lists)
        told = told || (json_object_get(seen, check->id) != NULL &&
                        strcmp(check->scope == CHECK_HOST ? "host" : "device", own->id) == 0);
        cr_expect(told, "no test provokes %s", own->id);
    }
}

Test(passthrough_preflight, each_other_is_told_what_is_wrong_with_it)
{
    autojson json_t *seen = json_object();

    expect_each_provoked(provoked_by_vm, seen);
    expect_each_provoked(provoked_by_devices, seen);
    expect_each_provoked(provoked_by_command, seen);
    expect_all(seen);
}

/* Ids are unique words, also among the checks of host and device, and each has what the documentation shows.
 */
Test(passthrough_preflight, table_is_complete)
{
    CHECK_FOREACH(check, preflight_check_lists)
    {
        size_t same = 0;
        cr_expect_eq(strspn(check->id, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(check->id));
        cr_expect(check->text[0] != '\0' && check->section[0] != '\0', "%s", check->id);
        cr_expect_eq(check->scope, CHECK_VM);
        CHECK_FOREACH(other, preflight_check_lists)
        same += strcmp(other->id, check->id) == 0;
        cr_expect_eq(same, 1, "%s", check->id);
        cr_expect_null(check_find(check->id));
    }
}
