/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which volumes a VM's configuration may name. */
#include "vm/disk.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "schema/property_string.h"
#include "vm/keys.h"

#define NONE "storage 'local-lvm' does not exist: the only one here is 'local'"

static json_t *parse(const char *key, const char *value)
{
    json_t *values;
    struct error err;

    cr_assert_eq(property_string_parse(vm_key_find(key, NULL), value, &values, &err), 0, "%s: %s", value,
                 err.message);
    return values;
}

Test(vm_disk, drives_and_what_is_like_them_name_volumes)
{
    static const char *const with[] = {"ide2",     "sata0",     "scsi30", "virtio0",
                                       "efidisk0", "tpmstate0", "unused7"};
    static const char *const without[] = {"memory", "net0", "hostpci0", "args", "rng0", "cdrom"};

    for (size_t i = 0; i < COUNT_OF(with); i++)
        cr_expect(vm_key_names_volume(vm_key_find(with[i], NULL)), "%s", with[i]);
    for (size_t i = 0; i < COUNT_OF(without); i++)
        cr_expect_not(vm_key_names_volume(vm_key_find(without[i], NULL)), "%s", without[i]);
}

Test(vm_disk, names_paths_and_volumes_of_the_store_in_their_format)
{
    static const struct {
        const char *key, *value, *text; /* NULL: it is fine */
    } rows[] = {
        {"scsi0", "local-lvm:32", NONE},
        {"efidisk0", "local-lvm:1,efitype=4m", NONE},
        {"tpmstate0", "local-lvm:1,version=v2.0", NONE},
        {"scsi0", "local:100/vm-100-disk-0.qcow2,size=32G", NULL},
        {"scsi0", "local:100/vm-100-disk-0.qcow2,format=qcow2", NULL},
        {"scsi0", "local:100/vm-100-disk-0.raw,format=qcow2",
         "'vm-100-disk-0.raw' is of the format raw by its name, not qcow2"},
        {"scsi0", "local:100/vm-100-disk-0.qcow2,format=raw", "is of the format qcow2 by its name, not raw"},
        {"scsi0", "local:../../etc/shadow", "unable to parse volume ID 'local:../../etc/shadow'"},
        {"ide2", "local:iso/debian.iso,media=cdrom", NULL},
        {"ide2", "local:iso/debian.iso", "explicit 'media=cdrom' is required for iso images"},
        {"unused0", "local:100/vm-100-disk-0.raw", NULL},
        {"scsi0", "local:0,import-from=/images/a.raw", "'import-from' is not supported here"},
        {"scsi0", "/images/a.raw,import-from=/images/b.raw", "'/images/b.raw' is not copied"},
        {"scsi0", "/images/a.raw", NULL},
        {"scsi0", "/dev/sda", NULL},
        {"ide2", "none,media=cdrom", NULL},
        {"ide2", "cdrom", NULL},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autojson json_t *values = parse(rows[i].key, rows[i].value);
        struct error err = {.message = ""};
        cr_expect_eq(vm_disk_check_volume(rows[i].key, values, &err), rows[i].text != NULL ? -1 : 0, "%s",
                     rows[i].value);
        cr_expect(strstr(err.message, rows[i].text != NULL ? rows[i].text : "") != NULL, "%s", err.message);
        cr_expect_str_eq(err.field, rows[i].text != NULL ? rows[i].key : "");
    }
}

Test(vm_disk, what_lies_below_dev_is_a_device_but_for_shared_memory)
{
    cr_expect(vm_disk_is_device("/dev/nvme0n1"));
    cr_expect(vm_disk_is_device("/dev/mapper/guests-disk"));
    cr_expect_not(vm_disk_is_device("/dev/shm/disk.raw"));
    cr_expect_not(vm_disk_is_device("/var/lib/hostpci/images/disk.raw"));
}

Test(vm_disk, of_the_store_lies_in_its_folder_and_has_the_format_of_its_name)
{
    static const struct {
        const char *value, *path, *format;
    } rows[] = {
        {"local:100/vm-100-disk-0.qcow2,size=32G", "/store/images/100/vm-100-disk-0.qcow2", "qcow2"},
        {"local:100/vm-100-disk-0.raw", "/store/images/100/vm-100-disk-0.raw", "raw"},
        {"local:iso/a.iso,media=cdrom", "/store/template/iso/a.iso", "raw"},
        {"/images/a.qcow2", "/images/a.qcow2", "raw"},
        {"/images/a.qcow2,format=qcow2", "/images/a.qcow2", "qcow2"},
        {"cdrom", "/dev/cdrom", "raw"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autojson json_t *values = parse("ide0", rows[i].value);
        autofree char *path = NULL;
        struct error err;
        cr_assert_eq(vm_disk_path("ide0", values, "/store", &path, &err), 0, "%s", err.message);
        cr_expect_str_eq(path, rows[i].path);
        cr_expect_str_eq(vm_disk_format(values), rows[i].format);
        cr_expect_eq(vm_disk_is_in_store(values), i < 3);
    }
}
