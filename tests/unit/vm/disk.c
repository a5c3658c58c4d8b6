/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which volumes a VM's configuration may name. */
#include "vm/disk.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "schema/property_string.h"
#include "vm/keys.h"

#define POOL "is in a storage pool, and storage pools are out of scope here: give the absolute path"

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

Test(vm_disk, storage_pools_are_refused_for_everyone)
{
    static const struct {
        const char *key, *value, *text; /* NULL: it is fine */
    } rows[] = {
        {"scsi0", "local-lvm:32", POOL},
        {"scsi0", "local:100/vm-100-disk-0.qcow2,size=32G", POOL},
        {"ide2", "local:iso/debian.iso,media=cdrom", POOL},
        {"efidisk0", "local-lvm:1,efitype=4m", POOL},
        {"tpmstate0", "local-lvm:1,version=v2.0", POOL},
        {"unused0", "local:100/vm-100-disk-0.raw", POOL},
        {"scsi0", "local-lvm:0,import-from=/images/a.raw", POOL},
        {"scsi0", "/images/a.raw,import-from=/images/b.raw",
         "import-from copies '/images/b.raw' into a storage"},
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
