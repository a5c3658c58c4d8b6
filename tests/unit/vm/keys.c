/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of a VM's configuration and their values. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "schema/validate.h"
#include "vm/keys.h"
#include "vm/value.h"

static int nothing(struct request *request, json_t **ret, struct error *err)
{
    (void)request, (void)ret, (void)err;
    return 0;
}

/* As an endpoint's parameters have them. */
static const struct schema parameters[] = {{.name = "vmid", .type = SCHEMA_INTEGER},
                                           {.name = NULL, .more = vm_keys}};

Test(vm_keys, the_rows_are_sound)
{
    static const struct endpoint endpoint = {.method = METHOD_PUT,
                                             .path = "/x/{vmid}",
                                             .text = "",
                                             .parameters = parameters,
                                             .returns = {.type = SCHEMA_NULL},
                                             .run = nothing};
    struct error err = {0};

    cr_assert_eq(validate_table((const struct endpoint *[]){&endpoint}, 1, &err), 0, "%s", err.message);
    SCHEMA_FOREACH(key, vm_keys) {
        cr_expect_not_null(vm_key_about(key), "%s", key->name);
        cr_expect_not_null(key->text, "%s", key->name);
        cr_expect(key->optional, "%s", key->name);
    }
}

Test(vm_keys, indexed_keys_are_found_by_their_name)
{
    int index = 0;

    cr_assert_str_eq(vm_key_find("hostpci15", &index)->name, "hostpci[n]");
    cr_expect_eq(index, 15);
    cr_assert_str_eq(vm_key_find("numa", &index)->name, "numa");
    cr_expect_eq(index, -1);
    cr_assert_str_eq(vm_key_find("numa0", &index)->name, "numa[n]");
    cr_expect_null(vm_key_find("hostpci16", NULL));
    cr_expect_null(vm_key_find("hostpci01", NULL));
    cr_expect_null(vm_key_find("hostpci", NULL));
    cr_expect_null(vm_key_find("nothing", NULL));
    cr_expect_eq(vm_key_about(vm_key_find("scsi3", NULL))->privilege, VM_PRIVILEGE_DISK);
    cr_expect_eq(vm_key_about(vm_key_find("name", NULL))->effect, VM_EFFECT_NOW);
}

static bool allows(const char *key, const char *value)
{
    autojson json_t *params = json_pack("{s:i, s:s}", "vmid", 100, key, value), *errors = NULL;
    struct error err = {0};

    return validate_parameters(parameters, params, &errors, &err) == 0;
}

Test(vm_keys, values_are_checked_by_the_rows)
{
    static const char *const good[][2] = {
        {"hostpci0", "02:00,pcie=on,x-vga=on"},
        {"hostpci0", "0000:02:00.0;02:00.1"},
        {"hostpci0", "mapping=gpu"},
        {"hostpci0", "00:02.0,mdev=i915-GVTg_V5_4"},
        {"hostpci0", "02:00,device-id=0x10f6,sub-vendor-id=0x0000"},
        {"machine", "q35,viommu=intel"},
        {"machine", "pc-q35-9.2+pve1"},
        {"machine", "type=pc,viommu=virtio,aw-bits=32"},
        {"net0", "virtio=BC:24:11:00:00:01,bridge=vmbr0,tag=2,rate=1.5,trunks=1;3-4"},
        {"net0", "model=e1000"},
        {"scsi30", "/srv/a.raw,size=32G,mbps=10,bps_rd_length=3"},
        {"ide2", "none,media=cdrom"},
        {"sata0", "volume=/a"},
        {"boot", "order=scsi0;net0;hostpci1"},
        {"boot", "cdn"},
        {"boot", "order="},
        {"cpu", "host,flags=+aes;-pcid"},
        {"cpu", "x86-64-v2-AES,phys-bits=host"},
        {"startup", "order=1,up=30"},
        {"startup", "5"},
        {"hotplug", "0"},
        {"hotplug", "disk,network,usb"},
        {"hotplug", "network,pci"},
        {"affinity", "0,5,8-11"},
        {"tags", "a;B,c"},
        {"usb0", "046d:c077"},
        {"usb0", "1-2.3,usb3=1"},
        {"usb0", "SPICE"},
        {"agent", "1,freeze-fs-on-backup=0"},
        {"vmgenid", "0"},
        {"smbios1", "product=aGk=,base64=1"},
        {"serial0", "/dev/ttyS0"},
        {"memory", "2048"},
        {"rng0", "/dev/urandom"},
        {"efidisk0", "/srv/v.raw,efitype=4m"},
        {"name", "web-1.example"},
        {"numa1", "cpus=0-1;3,memory=512"},
    };
    static const char *const bad[][2] = {
        {"hostpci0", "02:00.0:1"},
        {"hostpci0", "AB:00"},
        {"hostpci0", "02:20.0"},
        {"hostpci0", "02:00,device-id=10f6"},
        {"hostpci0", "02:00,mdev=a/b"},
        {"machine", "q36"},
        {"machine", "q35,aw-bits=31"},
        {"net0", "bridge=vmbr0"},
        {"net0", "virtio=BD:24:11:00:00:01"},
        {"net0", "virtio=BC:24:11:00:00:01,e1000=BC:24:11:00:00:02"},
        {"net0", "virtio,bridge=a b"},
        {"scsi0", "local"},
        {"scsi0", "media=cdrom"},
        {"scsi0", "/a,size=1X"},
        {"scsi0", "/a,bps_max_length=0"},
        {"boot", "order=efidisk0"},
        {"boot", "xyz"},
        {"cpu", "host,flags=+foo"},
        {"cpu", "a b"},
        {"cpu", "host,phys-bits=65"},
        {"startup", "order=x"},
        {"hotplug", "everything"},
        {"affinity", "a"},
        {"tags", "-a"},
        {"usb0", "1"},
        {"memory", "15"},
        {"vga", "std,memory=3"},
        {"name", "a_b"},
        {"serial0", "ttyS0"},
        {"cpu", "host,reported-model=kvm64"},
        {"watchdog", "x"},
        {"scsi31", "/a"},
    };

    for (size_t i = 0; i < COUNT_OF(good); i++)
        cr_expect(allows(good[i][0], good[i][1]), "%s: %s", good[i][0], good[i][1]);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        cr_expect(!allows(bad[i][0], bad[i][1]), "%s: %s", bad[i][0], bad[i][1]);
}

Test(vm_keys, an_error_names_the_part_that_is_wrong)
{
    static const char *const rows[][3] = {
        {"hotplug", "disk,cheese", "invalid format - invalid hotplug feature 'cheese'\n"},
        {"boot", "order=net0;cheese",
         "invalid format - format error\nboot.order: invalid format - invalid boot device 'cheese'\n\n"},
        {"startup", "x", "invalid format - unable to parse startup options\n"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autojson json_t *params = json_pack("{s:i, s:s}", "vmid", 100, rows[i][0], rows[i][1]),
                        *errors = NULL;
        struct error err = {0};
        cr_assert_eq(validate_parameters(parameters, params, &errors, &err), -1);
        cr_expect_str_eq(json_string_value(json_object_get(errors, rows[i][0])), rows[i][2]);
    }
}

Test(vm_value, what_is_stored)
{
    static const char *const rows[][3] = {
        {"net0", "bridge=vmbr0,model=virtio,macaddr=bc:24:11:00:00:01,tag=2",
         "virtio=bc:24:11:00:00:01,bridge=vmbr0,tag=2"},
        {"net0", "rate=10,e1000=BC:24:11:00:00:01,firewall=on", "e1000=BC:24:11:00:00:01,firewall=1,rate=10"},
        {"net0", "virtio,bridge=vmbr0", "virtio,bridge=vmbr0"},
        {"scsi0", "size=33554432K,file=/srv/a.raw,ssd=yes,cache=none",
         "/srv/a.raw,cache=none,size=32G,ssd=1"},
        {"scsi0", "volume=/srv/a.raw,size=1.5G", "/srv/a.raw,size=1536M"},
        {"efidisk0", "/srv/v.raw,size=540672,efitype=4m", "/srv/v.raw,efitype=4m,size=528K"},
        {"virtio0", "/srv/a.raw,mbps=1.5,bps_rd_length=3,mbps_rd=2", NULL},
        {"boot", "order=scsi0;net0", "order=scsi0;net0"},
        {"boot", "cdn", "cdn"},
        {"tags", "Web;db,web a", "a;db;web"},
        {"hostpci0", "02:00,pcie=on,x-vga=on", "02:00,pcie=on,x-vga=on"},
        {"agent", "1,freeze-fs-on-backup=0", "1,freeze-fs-on-backup=0"},
        {"description", "two\nlines", "two\nlines"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autofree char *got = NULL;
        struct error err;
        int status = vm_value_store(rows[i][0], rows[i][1], &got, &err);
        cr_assert_eq(status, rows[i][2] != NULL ? 0 : -1, "%s: %s", rows[i][0], rows[i][1]);
        if (rows[i][2] != NULL)
            cr_expect_str_eq(got, rows[i][2], "%s becomes %s", rows[i][1], got);
    }
}

Test(vm_value, what_is_refused)
{
    static const char *const rows[][3] = {
        {"hostpci0", "02:00,mapping=gpu", "Cannot set both 'host' and 'mapping'."},
        {"hostpci0", "pcie=1", "Either 'host' or 'mapping' must be set."},
        {"usb0", "1-1,mapping=stick", "Cannot set both 'host' and 'mapping'."},
        {"usb0", "usb3=1", "Either 'host' or 'mapping' must be set."},
        {"scsi0", "/a,iops=1,iops_wr=1", "iops and iops_wr cannot be set at the same time"},
        {"scsi0", "/a,mbps_max=1", "mbps_max needs mbps"},
        {"scsi0", "/a,mbps=1,bps_max_length=1", "bps_max_length needs mbps_max"},
        {"scsi0", "/a,mbps=1e300", "mbps must be from 0 to 953674316, not 1e+300"},
        {"scsi0", "/a,mbps_wr=-1", "mbps_wr must be from 0 to 953674316, not -1"},
        {"scsi0", "/a,mbps=1,mbps_max=1e10", "mbps_max must be from 0 to 953674316, not 10000000000"},
        {"scsi0", "/a,bps=1000000000000001", "bps must be from 0 to 1000000000000000, not 1000000000000001"},
        {"scsi0", "/a,iops=-1", "iops must be from 0 to 1000000000000000, not -1"},
        {"virtio0", "none,media=cdrom", "a CD-ROM cannot be on virtio: use ide, sata or scsi"},
        {"ide2", "none,snapshot=1", "a CD-ROM cannot have snapshot"},
        {"args", "-S\n-x", "args: a value cannot have a line end"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autofree char *got = NULL;
        struct error err;
        cr_assert_eq(vm_value_store(rows[i][0], rows[i][1], &got, &err), -1, "%s", rows[i][1]);
        cr_expect_null(got);
        cr_expect_str_eq(err.message, rows[i][2], "%s", err.message);
    }
}

Test(vm_value, sizes)
{
    static const struct {
        const char *given;
        unsigned long long bytes;
        const char *printed;
    } rows[] = {{"0", 0, "0"},
                {"1000", 1000, "1000"},
                {"528K", 540672, "528K"},
                {"1024M", 1ULL << 30, "1G"},
                {"1.5G", 3ULL << 29, "1536M"},
                {"32GiB", 32ULL << 30, "32G"},
                {"2T", 2ULL << 40, "2T"}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autofree char *printed = vm_value_print_size(rows[i].bytes);
        cr_expect_eq(vm_value_parse_size(rows[i].given), rows[i].bytes, "%s", rows[i].given);
        cr_expect_str_eq(printed, rows[i].printed, "%s: %s", rows[i].given, printed);
    }
}
