/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPID: formatting and parsing the name of a task. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "task/upid.h"

static const struct upid driver = {
    .node = "pve1",
    .pid = 7,
    .process_start = 0x65f00001,
    .start = 0x65f000ff,
    .type = "pcidriver",
    .id = "0000:01:00.0",
    .user = "root@pam!ci",
};

static void is_read_back(const struct upid *upid)
{
    char text[UPID_SIZE];
    struct upid read;

    upid_format(upid, text);
    cr_assert(upid_parse(text, &read), "%s", text);
    cr_assert_str_eq(read.node, upid->node);
    cr_assert_eq(read.pid, upid->pid);
    cr_assert_eq(read.process_start, upid->process_start);
    cr_assert_eq(read.start, upid->start);
    cr_assert_str_eq(read.type, upid->type);
    cr_assert_str_eq(read.id, upid->id);
    cr_assert_str_eq(read.user, upid->user);
}

Test(task_upid, has_nine_fields_between_colons)
{
    char text[UPID_SIZE];

    upid_format(&driver, text);
    cr_assert_str_eq(text, "UPID:pve1:00000007:65F00001:65F000FF:pcidriver:0000@3a01@3a00.0:root@pam!ci:");
}

Test(task_upid, is_read_back)
{
    struct upid upid = driver;

    is_read_back(&upid);
    snprintf(upid.id, sizeof(upid.id), "%s", "");
    is_read_back(&upid);
    snprintf(upid.id, sizeof(upid.id), "%s", "a@b %/\xc3\xa4:\n");
    is_read_back(&upid);
}

Test(task_upid, fits_however_long_its_parts_are)
{
    struct upid upid = {.pid = UINT32_MAX, .process_start = UINT32_MAX, .start = UINT32_MAX};

    memset(upid.node, 'n', sizeof(upid.node) - 1);
    memset(upid.type, 't', sizeof(upid.type) - 1);
    memset(upid.id, ':', sizeof(upid.id) - 1);
    memset(upid.user, 'u', sizeof(upid.user) - 1);
    is_read_back(&upid);
}

Test(task_upid, of_proxmox_is_read)
{
    struct upid upid;

    cr_assert(upid_parse("UPID:node-2:0000ABCD:123456789:5F3A0BCD:qmstart:100:user@pve:", &upid));
    cr_assert_eq(upid.process_start, 0x123456789);
    cr_assert_str_eq(upid.id, "100");
    cr_assert_str_eq(upid.user, "user@pve");
}

Test(task_upid, other_texts_are_none)
{
    static const char *const none[] = {
        "",
        "UPID",
        "UPID:pve1:00000007:65F00001:65F000FF:pcidriver:x:root@pam",
        "UPID:pve1:00000007:65F00001:65F000FF:pcidriver:x:root@pam::",
        "UPID:pve1:00000007:65F00001:65F000FF:pcidriver:x:root@pam:x",
        "upid:pve1:00000007:65F00001:65F000FF:pcidriver:x:root@pam:",
        "UPID::00000007:65F00001:65F000FF:pcidriver:x:root@pam:",
        "UPID:pve1:0000007:65F00001:65F000FF:pcidriver:x:root@pam:",
        "UPID:pve1:000000007:65F00001:65F000FF:pcidriver:x:root@pam:",
        "UPID:pve1:0x000007:65F00001:65F000FF:pcidriver:x:root@pam:",
        "UPID:pve1:00000007:65F00001:65F0000FF:pcidriver:x:root@pam:",
        "UPID:pve1:00000007:65F00001:65F000FF::x:root@pam:",
        "UPID:pve1:00000007:65F00001:65F000FF:pcidriver:x:root@pam pve:",
        "UPID:pve1:00000007:65F00001:65F000FF:pcidriver:x::",
        "UPID:pve1:00000007:65F00001:65F000FF:pcidriver:../x:root@pam:",
        "UPID:pve1:00000007:65F00001:65F000FF:pcidriver:@:root@pam:",
        "UPID:pve1:00000007:65F00001:65F000FF:pcidriver:@3:root@pam:",
        "UPID:pve1:00000007:65F00001:65F000FF:pcidriver:@00:root@pam:",
        "UPID:pve1:00000007:65F00001:65F000FF:pcidriver:@zz:root@pam:",
        "UPID:../etc:00000007:65F00001:65F000FF:pcidriver:x:root@pam:",
    };
    struct upid upid = driver;
    char longer[UPID_SIZE + 64];

    for (size_t i = 0; i < COUNT_OF(none); i++)
        cr_assert_not(upid_parse(none[i], &upid), "%s", none[i]);
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    cr_assert_not(upid_parse(longer, &upid));
    cr_assert_str_eq(upid.user, driver.user, "stays as it was");
}
