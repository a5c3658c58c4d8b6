/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Named formats. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "schema/format.h"

static void assert_format(const char *name, const char *const *good, const char *const *bad)
{
    struct error err;

    for (; *good != NULL; good++)
        cr_expect_eq(format_check(name, *good, &err), 0, "%s should take '%s'", name, *good);
    for (; *bad != NULL; bad++)
        cr_expect_eq(format_check(name, *bad, &err), -1, "%s should refuse '%s'", name, *bad);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(format, each_takes_and_refuses)
{
    assert_format("pve-node", LIST("pve1", "a", "a-b", "9"), LIST("", "-a", "a-", "a.b", "a/b", "a\n"));
    assert_format("pve-vmid", LIST("100", "999999999"), LIST("", "99", "0100", "1000000000", "-100", "1e3"));
    assert_format("pve-configid", LIST("ab", "A_-9"), LIST("", "a", "9a", "a.b", "a b"));
    assert_format("pve-userid", LIST("root@pam", "a.b@c-d", "\xc3\xa9@pve"),
                  LIST("", "root", "@pam", "a b@pam", "a/b@pam", "a:b@pam", "root@9"));
    assert_format("pve-task-upid",
                  LIST("UPID:pve1:00000001:65F00000:65F000FF:pcidriver:0000@3a01@3a00.0:root@pam!ci:",
                       "UPID:pve-2:0000ABCD:123456789:65F000FF:aptupdate::root@pam:"),
                  LIST("", "UPID", "UPID:pve1:00000001:65F00000:65F000FF:pcidriver::root@pam",
                       "UPID:pve1:1:65F00000:65F000FF:pcidriver::root@pam:",
                       "UPID:pve1:00000001:65F00000:65F000FF:pci driver::root@pam:"));
    assert_format("pve-task-status-type-list", LIST("ok", "ok,error warning;unknown"), LIST("OK", "ok,bad"));
    assert_format(
        "pve-tokenid", LIST("joe@pve!t1", "a!b@pam!A.b-c_d"),
        LIST("", "t1", "joe@pve", "joe@pve!", "joe@pve!t", "joe@pve!1t", "joe@pve!a!b", "joe@pve!a b"));
    assert_format("pve-groupid", LIST("a", "1", "a.b-c_d"), LIST("", "a b", "a/b", "a@b", "\xc3\xa4"));
    assert_format("pve-roleid", LIST("Operator", "1"), LIST("", "a b", "a,b"));
    assert_format("pve-realm", LIST("pam", "a.b-c_d"), LIST("", "a", "1a", "a b"));
    assert_format("email-opt", LIST("", "joe@example.org"), LIST("joe", "joe@", "@x", "a b@c", "a@b@c"));
    assert_format("pci-id",
                  LIST("00:02.0", "0000:01:00.0", "10000:e1:00.0", "ffffffff:ff:1f.7", "0000:AB:00.0"),
                  LIST("", "00:02", "0000:01:00", "000:01:00.0", "0000:01:20.0", "0000:01:00.8",
                       "0000:01:00.0 ", "../0000:01:00.0", "gpu"));
    assert_format("pci-id-or-mapping", LIST("0000:01:00.0", "gpu"), LIST("", "0000:01:00", "9x", "a/b"));
    assert_format("pve-pci-hosts", LIST("00:02", "00:02.0", "0000:01:00", "10000:01:00.7;01:00"),
                  LIST("", "00:02.8", "00:0A", "00:02;", "gpu", "00:02,00:03", "00000000:01:00.0"));
    assert_format("pve-volume-id-or-qm-path",
                  LIST("none", "cdrom", "/a b", "local-lvm:vm-1-disk-0", "local:32"),
                  LIST("", "nothing", "a/b", ":x"));
    assert_format("disk-size", LIST("0", "32G", "1.5T", "528K", "4GiB", "999999T"),
                  LIST("", "G", "1.G", "-1", "1P", "1000000T", "999999999999999G"));
    assert_format("mac-addr", LIST("BC:24:11:00:00:01", "02:00:00:00:00:00"),
                  LIST("", "BD:24:11:00:00:01", "BC-24-11-00-00-01", "BC:24:11:00:00"));
    assert_format("pve-phys-bits", LIST("host", "8", "39", "64"), LIST("", "7", "65", "Host"));
    assert_format("dns-name", LIST("a", "a-b.c", "9"), LIST("", "-a", "a-", "a..b", "a_b"));
    assert_format("pve-startup-order", LIST("1", "order=1", "order=1,up=2,down=3"),
                  LIST("", "up", "a=1", "1,"));
    assert_format("pve-cpuset", LIST("0", "0,5,8-11"), LIST("", "a", "0-", ",1"));
    assert_format("pve-cpu-flags", LIST("+aes", "+aes;-pcid"), LIST("", "aes", "+foo", "+aes,-pcid"));
    assert_format("pve-tag-list", LIST("a;b", "A.b_c+d", ""), LIST("-a", "a;%"));
    assert_format("pve-qm-bootdev-list", LIST("scsi0;net31", "hostpci15", ""),
                  LIST("efidisk0", "scsi31", "net32"));
    assert_format("pve-hotplug-feature-list", LIST("0", "1", "disk,cpu"),
                  LIST("2", "disk,"
                            "cheese"));
    assert_format("string-list", LIST("", "a,b;c d"), LIST(NULL));
    assert_format("pve-configid-list", LIST("", "ab", "ab,cd", "ab; cd"), LIST("ab,9", "ab,c"));
}

Test(format, user_names_are_at_most_64_characters)
{
    struct error err;
    char name[80];

    memset(name, 'a', sizeof(name));
    memcpy(name + 60, "@pam", 5);
    cr_assert_eq(format_check("pve-userid", name, &err), 0);
    memset(name + 60, 'a', 4);
    memcpy(name + 61, "@pam", 5);
    cr_assert_eq(format_check("pve-userid", name, &err), -1);
}

Test(format, lists_are_split_at_commas_semicolons_and_blanks)
{
    autosplit char **items = format_split_list(" a,b;;c\td , ");

    cr_assert_str_eq(items[0], "a");
    cr_assert_str_eq(items[1], "b");
    cr_assert_str_eq(items[2], "c");
    cr_assert_str_eq(items[3], "d");
    cr_assert_null(items[4]);
}

Test(format, a_value_that_makes_a_pattern_backtrack_for_ever_does_not_match)
{
    char value[2049];

    memset(value, 'a', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    cr_assert_not(format_matches_pattern("(?:a+)+b", value, strlen(value)));
}
