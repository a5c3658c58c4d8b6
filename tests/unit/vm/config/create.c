/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration: what a new VM gets in addition to what was asked for. */
#include <criterion/criterion.h>

#include "base/memory.h"
#include "tests/unit/vm/config/fixture.h"

#define META "creation-qemu=7.2.0,ctime=1700000000"

Test(vm_config_create, one_of_nothing)
{
    struct config_wanted wanted = {0};
    struct error err;

    fixture_expect_json(config_try(NULL, &wanted, &err),
                        "{'node':'n1','config':{'smbios1':'uuid=" SMBIOS "','vmgenid':'" GENERATION
                        "','meta':'" META "','boot':''}}");
}

/* The keys that are made, of what was asked for. */
Test(vm_config_create, what_is_added)
{
    static const struct {
        const char *set, *key, *value; /* NULL: it is not there */
    } rows[] = {
        {"{'smbios1':'uuid=" GENERATION "'}", "smbios1", "'uuid=" GENERATION "'"},
        {"{'smbios1':'serial=YQ=='}", "smbios1", "'serial=YQ=='"},
        {"{'vmgenid':'1'}", "vmgenid", "'" GENERATION "'"},
        {"{'vmgenid':'0'}", "vmgenid", NULL},
        {"{'vmgenid':'" SMBIOS "'}", "vmgenid", "'" SMBIOS "'"},
        {"{'description':''}", "description", NULL},
        {"{'cdrom':'none'}", "cdrom", NULL},
        {"{'cdrom':'none'}", "ide2", "'none,media=cdrom'"},
        {"{'net0':'virtio'}", "net0", "'virtio=BC:24:11:AA:BB:00'"},
        {"{'net2':'e1000,bridge=b'}", "net2", "'e1000=BC:24:11:AA:BB:02,bridge=b'"},
        {"{'cores':'4'}", "cores", "4"},
        /* of each the first: disk, CD-ROM, net; disks: ide, scsi, virtio, sata */
        {"{'net1':'virtio','ide2':'none','scsi1':'/b','scsi0':'/a'}", "boot", "'order=scsi0;ide2;net1'"},
        {"{'scsi0':'/a','ide3':'/b','net0':'virtio'}", "boot", "'order=ide3;net0'"},
        {"{'virtio9':'/a','sata0':'/b'}", "boot", "'order=virtio9'"},
        {"{'sata5':'cdrom','efidisk0':'/e'}", "boot", "'order=sata5'"},
        {"{'boot':'order=net7','scsi0':'/a'}", "boot", "'order=net7'"},
        {"{'boot':'dc','scsi0':'/a'}", "boot", "'dc'"},
        {"{'ostype':'win10'}", "machine", "'pc-i440fx-7.2'"},
        {"{'ostype':'wxp','machine':'pc'}", "machine", "'pc-i440fx-7.2'"},
        {"{'ostype':'win11','machine':'viommu=intel,type=q35'}", "machine", "'pc-q35-7.2,viommu=intel'"},
        {"{'ostype':'win11','machine':'pc-q35-6.0'}", "machine", "'pc-q35-6.0'"},
        {"{'ostype':'l26','machine':'q35'}", "machine", "'q35'"},
        {"{'machine':'q35'}", "machine", "'q35'"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct config_wanted wanted = {.set = rows[i].set};
        struct error err = {0};
        autojson json_t *document = config_try(NULL, &wanted, &err);
        const json_t *got = json_object_get(json_object_get(document, "config"), rows[i].key);
        autofree char *text = got != NULL ? json_dumps(got, JSON_ENCODE_ANY) : xstrdup("nothing");
        autojson json_t *expected = rows[i].value != NULL ? fixture_json(rows[i].value) : NULL;
        cr_expect_not_null(document, "%s: %s", rows[i].set, err.message);
        cr_expect(got == expected || json_equal(got, expected), "%s: %s is %s", rows[i].set, rows[i].key,
                  text);
    }
}

/* Nothing is known of the host's QEMU, or of an administrator's prefix. */
Test(vm_config_create, without_what_is_unknown)
{
    autojson json_t *set = fixture_json("{'ostype':'win11','net0':'virtio'}");
    struct vm_fresh fresh = {.nets = {{0xff, 0xff, 0xff, 0x0a, 0x0b, 0x0c}}, .now = 5};
    struct vm_change change = {.set = set, .fresh = &fresh};
    autojson json_t *document = NULL;
    struct error err;

    cr_assert_eq(vm_config_create("n1", &change, &document, &err), 0);
    const json_t *config = json_object_get(document, "config");
    cr_expect_null(json_object_get(config, "machine"));
    cr_expect_str_eq(json_string_value(json_object_get(config, "meta")), "ctime=5");
    cr_expect_str_eq(json_string_value(json_object_get(config, "net0")), "virtio=FE:FF:FF:0A:0B:0C",
                     "local and unicast");
}

Test(vm_config_create, what_cannot_be_is_refused)
{
    static const struct {
        const char *set, *field, *message;
    } rows[] = {
        {"{'balloon':1024}", "balloon", "balloon value too large (must be smaller than assigned memory)"},
        {"{'cdrom':'none','ide2':'none'}", "cdrom", "cdrom and ide2 are the same: give one of them"},
        {"{'cdrom':'/a,bus=ide'}", "cdrom",
         "bus: property is not defined in schema and the schema does not allow additional properties"},
        {"{'virtio0':'none'}", "virtio0", "a CD-ROM cannot be on virtio: use ide, sata or scsi"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct config_wanted wanted = {.set = rows[i].set};
        struct error err = {0};
        cr_expect_null(config_try(NULL, &wanted, &err), "%s", rows[i].set);
        cr_expect_str_eq(err.message, rows[i].message, "%s", err.message);
        cr_expect_str_eq(err.field, rows[i].field, "%s: %s", rows[i].set, err.field);
    }
}
