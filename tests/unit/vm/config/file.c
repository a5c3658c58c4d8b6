/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VM's configuration as a file, ID.conf: what is written, what is read, and that it is the same. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/memory.h"
#include "schema/format.h"
#include "tests/unit/vm/config/fixture.h"
#include "tests/unit/vm/fixture.h"
#include "vm/value.h"

static void expect_print(const json_t *document, const char *file)
{
    autofree char *printed = vm_config_print(document);

    cr_expect_str_eq(printed, file, "%s", printed);
}

Test(vm_config_file, a_document_and_its_file)
{
    static const struct {
        const char *document, *file;
    } rows[] = {
        {"{'config':{}}", ""},
        {"{'config':{'net10':'e1000','net2':'e1000','acpi':0,'boot':''}}",
         "acpi: 0\nboot: \nnet10: e1000\nnet2: e1000\n"},
        {"{'config':{'description':'Web server: 100%\\n\\n\\u00e4\\r ','cores':1}}",
         "#Web server%3A 100%25\n#\n#%C3%A4%0D \ncores: 1\n"},
        {"{'config':{'meta':'creation-qemu=7.2.0,ctime=1','cpulimit':'0.5'}}",
         "cpulimit: 0.5\nmeta: creation-qemu=7.2.0,ctime=1\n"},
        {"{'config':{'cores':1,'scsi0':'/a'},'pending':{'cores':2,'vga':'none'},"
         "'delete':{'scsi0':2,'args':1}}",
         "cores: 1\nscsi0: /a\n\n[PENDING]\ncores: 2\ndelete: args,!scsi0\nvga: none\n"},
        {"{'config':{'description':'a'},'pending':{'description':'b\\nc'}}", "#a\n\n[PENDING]\n#b\n#c\n"},
        {"{'config':{'cores':1},'delete':{'cores':1}}", "cores: 1\n\n[PENDING]\ndelete: cores\n"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autojson json_t *document = fixture_json(rows[i].document);
        expect_print(document, rows[i].file);
        autojson json_t *again = config_read(rows[i].file, "");
        cr_expect(json_equal(document, again), "%s", rows[i].file);
    }
}

/* What Proxmox VE would refuse. */
Test(vm_config_file, our_feature_of_hotplug_is_left_out)
{
    static const char *const rows[][2] = {{"pci", "0"}, {"disk;pci,usb", "disk,usb"}, {"1,pci", "1"}};

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autojson json_t *document = json_pack("{s:{s:s}}", "config", "hotplug", rows[i][0]);
        autofree char *file = xasprintf("hotplug: %s\n", rows[i][1]);
        expect_print(document, file);
    }
}

#define NO_STORAGE                                                                                           \
    "storage 'local-lvm' does not exist: the only one here is 'local'; name a volume of it, or the "         \
    "absolute "                                                                                              \
    "path of a file below a --volume-dir of the daemon\n"

/* Files that people wrote, and Proxmox. */
Test(vm_config_file, what_is_read)
{
    static const struct {
        const char *file, *document, *warnings;
    } rows[] = {
        {"cores:4\r\nmemory:   2048  \r\n\r\n", "{'config':{'cores':4,'memory':'2048'}}", ""},
        {" cores : 1\ncores: 2", "{'config':{'cores':2}}", ""},
        {"kvm: off\nonboot: yes\nacpi: True\nnuma: 1\n", "{'config':{'kvm':0,'onboot':1,'acpi':1,'numa':1}}",
         ""},
        {"cdrom: /a.iso\n", "{'config':{'ide2':'/a.iso,media=cdrom'}}", ""},
        {"tags: Web,db\nscsi0: size=1024M,file=/a\n", "{'config':{'tags':'db;web','scsi0':'/a,size=1G'}}",
         ""},
        {"cores: 1\n#first%3a 50%\n#\ndescription: last %zz%0\n",
         "{'config':{'cores':1,'description':'first: 50%\\n\\nlast %zz%0'}}", ""},
        {"#\n", "{'config':{}}", ""},
        {"#a\n[PENDING]\n#\n", "{'config':{'description':'a'},'delete':{'description':1}}", ""},
        {"cores: 1\n[PENDING]\ncores: 2\ndelete: cores;!cdrom vga\n",
         "{'config':{'cores':1},'pending':{'cores':2},'delete':{'ide2':2,'vga':1}}", ""},
        {"nothing\n: 1\nwhat: 2\nhostpci16: 01:00\nCores: 1\n", "{'config':{}}",
         "line 1: the line is left out: it is not KEY: VALUE\n"
         "line 2: the line is left out: it is not KEY: VALUE\n"
         "line 3: what is left out: unknown option\n"
         "line 4: hostpci16 is left out: unknown option\n"
         "line 5: Cores is left out: unknown option\n"},
        {"cores: none\nvga: dark\nname: a\xff\n#\xff\nargs: b\n", "{'config':{'args':'b'}}",
         "line 1: cores is left out: type check ('integer') failed - got 'none'\n"
         "line 2: vga is left out: invalid format - format error; vga.type: value 'dark' does not have a "
         "value "
         "in "
         "the enumeration 'cirrus, qxl, qxl2, qxl3, qxl4, none, serial0, serial1, serial2, serial3, std, "
         "virtio, virtio-gl, vmware'\n"
         "line 3: the line is left out: it is not KEY: VALUE\n"
         "line 4: the description is left out: it is not UTF-8\n"},
        {"cores: 1\n\n[before]\n#old\ncores: 9\n[PENDING]\ndelete: one\nmeta: x\n[special:cloudinit]\nkvm: "
         "0\n",
         "{'config':{'cores':1}}",
         "line 3: the section is left out: only [PENDING] is read\n"
         "line 7: one is left out: unknown option\n"
         "line 8: meta is left out: unknown option\n"
         "line 9: the section is left out: only [PENDING] is read\n"},
        {"boot: order=scsi0;ide2;net0\r\nefidisk0: local-lvm:vm-100-disk-0,efitype=4m,pre-enrolled-keys=1,"
         "size=4M\r\nide2: local:iso/debian-12.iso,media=cdrom,size=631M\r\nmeta: creation-qemu=9.0.2,"
         "ctime=1718000000\r\nnet0: virtio=BC:24:11:00:00:01\r\nscsi0: local-lvm:vm-100-disk-1,size=32G\r\n"
         "unused0: local-lvm:vm-100-disk-2\r\n",
         "{'config':{'boot':'order=ide2;net0','ide2':'local:iso/"
         "debian-12.iso,media=cdrom,size=631M','meta':'creation-qemu=9.0.2,ctime=1718000000',"
         "'net0':'virtio=BC:24:11:00:00:01'}}",
         "line 2: efidisk0 is left out: " NO_STORAGE "line 6: scsi0 is left out: " NO_STORAGE
         "line 7: unused0 is left out: " NO_STORAGE "line 1: scsi0 in boot is left out: its own line is\n"},
        {"meta: made=today\nboot: order=scsi0\nscsi0: local:1\n\n[PENDING]\nboot: order=scsi0;net0\nscsi0: "
         "/dev/pve/disk\n",
         "{'config':{'boot':'order=scsi0'},'pending':{'boot':'order=scsi0;net0','scsi0':'/dev/pve/disk'}}",
         "line 1: meta is left out: meta.made: property is not defined in "
         "schema and the schema does not allow additional properties\n"
         "line 3: scsi0 is left out: unable to parse volume ID 'local:1'\n"},
        {"boot: order=ide0\nide0: local:iso/a.iso\n", "{'config':{}}",
         "line 2: ide0 is left out: explicit 'media=cdrom' is required for iso images\n"
         "line 1: ide0 in boot is left out: its own line is\n"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autojson json_t *expected = fixture_json(rows[i].document);
        autojson json_t *got = config_read(rows[i].file, rows[i].warnings);
        autofree char *text = json_dumps(got, JSON_SORT_KEYS);
        cr_expect(json_equal(got, expected), "%s: %s", rows[i].file, text);
    }
}

Test(vm_config_file, what_is_no_file_is_refused)
{
    static char large[VM_CONFIG_LIMIT + 1];
    json_t *document = NULL;
    struct error err;

    cr_expect_eq(vm_config_read("cores: 1\n\0", 10, NULL, &document, NULL, &err), -1);
    cr_expect_str_eq(err.message, "the configuration is not text: it contains a NUL byte");
    memset(large, '\n', sizeof(large));
    cr_expect_eq(vm_config_read(large, sizeof(large), NULL, &document, NULL, &err), -1);
    cr_expect_str_eq(err.message, "the configuration has more than 1048576 bytes");
    cr_expect_null(document);
    cr_expect_eq(vm_config_read(large, sizeof(large) - 1, NULL, &document, NULL, &err), 0);
    json_decref(document);
}

static void expect_round_trip(const json_t *document, const char *name)
{
    autofree char *printed = vm_config_print(document);
    autojson json_t *expected = json_deep_copy(document), *again = config_read(printed, "");
    json_t *config = json_object_get(expected, "config");

    json_object_del(expected, "node");
    if (vm_value_hotplugs(config, "pci")) /* which is left out */
        json_object_set(config, "hotplug", json_object_get(json_object_get(again, "config"), "hotplug"));
    autofree char *printed_again = vm_config_print(again);
    cr_expect(json_equal(again, expected), "%s:\n%s", name, printed);
    cr_expect_str_eq(printed_again, printed, "%s", name);
}

/* The goldens of the command line are configurations of all kinds. Those whose values are not allowed are
 * read without these. */
Test(vm_config_file, what_is_printed_reads_back_the_same)
{
    autosplit char **names = vm_golden_names();

    for (char **name = names; *name != NULL; name++) {
        autofree char *file = vm_golden_read(*name, "conf");
        json_t *document;
        struct error err;
        cr_assert_eq(vm_config_read(file, strlen(file), NULL, &document, NULL, &err), 0, "%s", *name);
        expect_round_trip(document, *name);
        json_decref(document);
    }
}

/* Whatever a client may set stays what it is when it is written and read. */
Test(vm_config_file, what_a_client_sets_reads_back_the_same)
{
    static const char *const sets[] = {
        "{'args':' a: #b [PENDING] \\t','description':'#a\\n[PENDING]\\ndelete: x\\n\\n'}",
        "{'description':'\\u0001%00%\\r\\n\\u20ac: ','name':'web'}",
        "{'args':'','nameserver':'','tags':'','ciuser':'\\u00a0x\\u0085'}",
        "{'cpulimit':0.30000000000000004,'migrate_downtime':1e15,'cpuunits':5}",
        "{'scsi0':'/a b,serial=%20,product=x ','ide2':'none','net0':'virtio','boot':'order= net0; scsi0 '}",
        "{'vmgenid':'0','smbios1':'','startdate':'now','sshkeys':'ssh-rsa%20AAAA%0A'}",
    };

    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        struct config_wanted wanted = {.set = sets[i]};
        struct error err = {0};
        autojson json_t *created = config_try(NULL, &wanted, &err);
        cr_assert_not_null(created, "%s: %s", sets[i], err.message);
        expect_round_trip(created, sets[i]);
        wanted.running = true;
        autojson json_t *changed = config_try("{'config':{'net0':'e1000','scsi0':'/a'}}", &wanted, &err);
        cr_assert_not_null(changed, "%s: %s", sets[i], err.message);
        expect_round_trip(changed, sets[i]);
    }
}
