/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of volumes in the store. */
#include "vm/volume.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"

Test(vm_volume, have_a_place_below_the_folder)
{
    static const struct {
        const char *id, *place, *format;
        long long vmid;
    } rows[] = {
        {"local:100/vm-100-disk-0.raw", "images/100/vm-100-disk-0.raw", "raw", 100},
        {"local:999999999/vm-999999999-disk-12.qcow2", "images/999999999/vm-999999999-disk-12.qcow2", "qcow2",
         999999999},
        {"local:100/vm-100-data_2.raw", "images/100/vm-100-data_2.raw", "raw", 100},
        {"local:iso/debian-13.1.0-amd64.iso", "template/iso/debian-13.1.0-amd64.iso", "raw", 0},
        {"local:iso/virtio.ISO", "template/iso/virtio.ISO", "raw", 0},
        {"local:iso/a.img", "template/iso/a.img", "raw", 0},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct vm_volume volume;
        struct error err;
        cr_assert_eq(vm_volume_parse(rows[i].id, &volume, &err), 0, "%s", err.message);
        autofree char *place = vm_volume_place(&volume), *printed = vm_volume_print(&volume);
        cr_expect_str_eq(place, rows[i].place);
        cr_expect_str_eq(printed, rows[i].id);
        cr_expect_str_eq(volume.format, rows[i].format);
        cr_expect_eq(volume.vmid, rows[i].vmid);
    }
}

Test(vm_volume, that_lead_elsewhere_or_are_two_names_of_one_are_none)
{
    static const char *const rows[] = {
        "local:",
        "local:32",
        "local:../../etc/shadow",
        "local:iso/../../../etc/shadow.iso",
        "local:iso/.hidden.iso",
        "local:iso/sub/x.iso",
        "local:iso/x",
        "local:iso/.iso",
        "local:iso/a,b.iso",
        "local:iso/a b.iso",
        "local:iso/a\n.iso",
        "local:100/vm-101-disk-0.raw",
        "local:101/vm-100-disk-0.raw",
        "local:100/vm-100-disk-0",
        "local:100/vm-100-disk-0.vmdk",
        "local:100/vm-100-.raw",
        "local:100/vm-100-../x.raw",
        "local:100/../100/vm-100-disk-0.raw",
        "local:0100/vm-100-disk-0.raw",
        "local:+100/vm-100-disk-0.raw",
        "local:99/vm-99-disk-0.raw",
        "local:1000000000/vm-1000000000-disk-0.raw",
        "local:/etc/shadow",
        "local:images/100/vm-100-disk-0.raw",
        "local:vztmpl/a.tar.zst",
        "none",
        "/etc/shadow",
        "",
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autofree char *text = xasprintf("unable to parse volume ID '%s'", rows[i]);
        struct vm_volume volume;
        struct error err = {.message = ""};
        cr_expect_eq(vm_volume_parse(rows[i], &volume, &err), -1, "%s", rows[i]);
        cr_expect_str_eq(err.message, text);
    }
}

Test(vm_volume, of_another_storage_are_none)
{
    struct vm_volume volume;
    struct error err;

    cr_expect_eq(vm_volume_parse("local-lvm:vm-100-disk-0", &volume, &err), -1);
    cr_expect_not_null(strstr(err.message, "storage 'local-lvm' does not exist"), "%s", err.message);
}

Test(vm_volume, with_a_name_that_is_too_long_are_none)
{
    char id[512];
    struct vm_volume volume;
    struct error err;

    snprintf(id, sizeof(id), "local:iso/%0*d.iso", VM_VOLUME_NAME_LIMIT - 4, 1);
    cr_expect_eq(vm_volume_parse(id, &volume, &err), 0, "%s", err.message);
    snprintf(id, sizeof(id), "local:iso/%0*d.iso", VM_VOLUME_NAME_LIMIT - 3, 1);
    cr_expect_eq(vm_volume_parse(id, &volume, &err), -1);
}

Test(vm_volume, that_are_to_be_made_have_a_size_in_gib)
{
    static const struct {
        const char *id;
        unsigned long long size; /* 0: none that can be made */
    } rows[] = {
        {"local:32", 32ULL << 30}, {"local:0.5", 1ULL << 29},
        {"local:0.0000001", 1024}, {"local:131072", 128ULL << 40},
        {"local:131073", 0},       {"local:0", 0},
        {"local:0.0", 0},          {"local:99999999999999999999999999999999999999", 0},
    };
    static const char *const others[] = {"local:",      "local:-1",  "local:+1",    "local:1e3",
                                         "local:1.",    "local:.5",  "local:1G",    "local: 1",
                                         "local:1.5.5", "local:nan", "local-lvm:1", "1"};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unsigned long long size = 0;
        struct error err;
        cr_expect(vm_volume_is_new(rows[i].id), "%s", rows[i].id);
        cr_expect_eq(vm_volume_parse_new(rows[i].id, &size, &err), rows[i].size != 0 ? 0 : -1, "%s",
                     rows[i].id);
        cr_expect_eq(size, rows[i].size, "%s: %llu", rows[i].id, size);
    }
    for (size_t i = 0; i < COUNT_OF(others); i++)
        cr_expect_not(vm_volume_is_new(others[i]), "%s", others[i]);
}
