/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines about virtual machines of Proxmox VE's manual ("PCI(e) Passthrough"), typed as they stand there,
 * on a host that has their devices; through `hostpci qm` and through symbolic links named qm and pvesh. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/program.h"
#include "tests/api/shell.h"

static void start(void)
{
    START(.host = "manual");
    shell_start();
}

TestSuite(qm, .init = start, .timeout = 240);

static void type_wrong(int status, const char *text, const char *line)
{
    program_fails(status, text, (const char *const[]){"-c", line, NULL});
}

static void expect_part(const char *printed, const char *part, const char *line)
{
    cr_assert_not_null(strstr(printed, part), "%s: '%s' is not in:\n%s", line, part, printed);
}

/* A line of the manual: what follows `qm set VMID`. */
struct example {
    const char *typed;
    const char *machine;     /* what the VM is made with */
    const char *kept;        /* the line of its configuration */
    const char *shown[3];    /* arguments of QEMU; what guests remember is all there */
    const char *chosen;      /* what preflight says it gets; NULL: no device */
    const char *detaches[3]; /* drivers that lose their device */
};

static const struct example examples[] = {
    {"-hostpci0 00:02.0",
     "pc",
     "hostpci0: 00:02.0",
     {"-device vfio-pci,host=0000:00:02.0,id=hostpci0,bus=pci.0,addr=0x10"},
     "['0000:00:02.0']",
     {"i915"}},
    {"-hostpci0 00:02",
     "pc",
     "hostpci0: 00:02",
     {"-device vfio-pci,host=0000:00:02.0,id=hostpci0.0,bus=pci.0,addr=0x10.0,multifunction=on",
      "-device vfio-pci,host=0000:00:02.1,id=hostpci0.1,bus=pci.0,addr=0x10.1"},
     "['0000:00:02.0', '0000:00:02.1']",
     {"i915"}},
    {"-hostpci0 02:00,pcie=on,x-vga=on",
     "q35",
     "hostpci0: 02:00,pcie=on,x-vga=on",
     {"-device vfio-pci,host=0000:02:00.0,id=hostpci0.0,bus=ich9-pcie-port-1,addr=0x0.0,x-vga=on,"
      "multifunction=on",
      "-device vfio-pci,host=0000:02:00.1,id=hostpci0.1,bus=ich9-pcie-port-1,addr=0x0.1", "-vga none"},
     "['0000:02:00.0', '0000:02:00.1']",
     {"nouveau", "snd_hda_intel"}},
    {"-hostpci0 02:00,device-id=0x10f6,sub-vendor-id=0x0000",
     "pc",
     "hostpci0: 02:00,device-id=0x10f6,sub-vendor-id=0x0000",
     {"-device vfio-pci,host=0000:02:00.0,id=hostpci0.0,bus=pci.0,addr=0x10.0,multifunction=on,"
      "x-pci-device-id=0x10f6,x-pci-sub-vendor-id=0x0000",
      "-device vfio-pci,host=0000:02:00.1,id=hostpci0.1,bus=pci.0,addr=0x10.1"},
     "['0000:02:00.0', '0000:02:00.1']",
     {"nouveau", "snd_hda_intel"}},
    {"-hostpci0 00:02.0,mdev=i915-GVTg_V5_4",
     "pc",
     "hostpci0: 00:02.0,mdev=i915-GVTg_V5_4",
     {"-device vfio-pci,sysfsdev=/sys/bus/mdev/devices/00000000-0000-0000-0000-000000000100,id=hostpci0,"
      "bus=pci.0,addr=0x10"},
     "['0000:00:02.0']",
     {NULL}},
    {"-hostpci0 01:02.3", /* a virtual function "like a normal PCI(e) device" */
     "pc",
     "hostpci0: 01:02.3",
     {"-device vfio-pci,host=0000:01:02.3,id=hostpci0,bus=pci.0,addr=0x10"},
     "['0000:01:02.3']",
     {"iavf"}},
    {"-hostpci0 02:00.0,rombar=off",
     "pc",
     "hostpci0: 02:00.0,rombar=off",
     {"-device vfio-pci,host=0000:02:00.0,id=hostpci0,bus=pci.0,addr=0x10,rombar=0"},
     "['0000:02:00.0']",
     {"nouveau"}},
    {"-hostpci0 02:00.0,romfile=vbios.bin",
     "pc",
     "hostpci0: 02:00.0,romfile=vbios.bin",
     {"-device vfio-pci,host=0000:02:00.0,id=hostpci0,bus=pci.0,addr=0x10,romfile=/usr/share/kvm/vbios.bin"},
     "['0000:02:00.0']",
     {"nouveau"}},
    {"-machine q35,viommu=intel",
     "q35",
     "machine: q35,viommu=intel",
     {"-device intel-iommu,intremap=on,caching-mode=on", "kernel-irqchip=split"},
     NULL,
     {NULL}},
    {"-machine q35,viommu=virtio",
     "q35",
     "machine: q35,viommu=virtio",
     {"-device virtio-iommu-pci"},
     NULL,
     {NULL}},
};

static void expect_shown(const struct example *example, const char *qm)
{
    autofree char *command = shell_type("%s showcmd 100", qm);

    for (size_t i = 0; i < COUNT_OF(example->shown) && example->shown[i] != NULL; i++)
        expect_part(command, example->shown[i], example->typed);
}

/* What it gets, and what is taken from the host for that. */
static void expect_explained(const struct example *example, const char *qm)
{
    autofree char *printed = shell_type("%s preflight 100 --output-format json", qm);
    autofree char *report = shell_type("%s preflight 100", qm);
    autojson json_t *reply = json_loads(printed, 0, NULL);
    const json_t *device = json_array_get(member(reply, "devices"), 0);

    expect_part(report, "This VM", example->typed);
    cr_assert_eq(json_array_size(member(reply, "devices")), example->chosen != NULL, "%s", printed);
    if (example->chosen == NULL)
        return;
    is_json(member(device, "chosen"), example->chosen);
    expect_part(report, "HOSTPCI0  0000:", example->typed);
    for (size_t i = 0; i < COUNT_OF(example->detaches) && example->detaches[i] != NULL; i++)
        cr_assert_str_eq(text_of(json_array_get(member(device, "detaches"), i), "driver"),
                         example->detaches[i]);
}

static void type_examples(const char *qm)
{
    for (const struct example *example = examples; example < examples + COUNT_OF(examples); example++) {
        autofree char *line = xasprintf("\n%s\n", example->kept);
        free(shell_type("%s create 100 -machine %s", qm, example->machine));
        autofree char *nothing = shell_type("%s set 100 %s", qm, example->typed);
        cr_assert_str_eq(nothing, "");
        autofree char *config = shell_type("echo; %s config 100", qm);
        expect_part(config, line, example->typed);
        expect_shown(example, qm);
        expect_explained(example, qm);
        free(shell_type("%s destroy 100", qm));
    }
}

DAEMON_TEST(qm, keeps_shows_and_explains_the_lines_of_the_manual)
{
    type_examples("qm");
}

DAEMON_TEST(qm, is_hostpci_qm_by_another_name)
{
    type_examples("hostpci qm");
}

DAEMON_TEST(qm, takes_the_line_of_the_configuration_file_as_the_manual_shows_it)
{
    free(shell_type("echo ' hostpci0: 00:02.0' | qm create 100 --file -"));
    cr_assert_str_eq(text_of(get("/nodes/" NODE "/qemu/100/config", NULL), "hostpci0"), "00:02.0");
    free(shell_type("qm create 101"));
    free(shell_type("echo ' hostpci0: 00:02.0' > %s/lines; qm set 101 --file %s/lines", shell_folder(),
                    shell_folder()));
    cr_assert_str_eq(text_of(get("/nodes/" NODE "/qemu/101/config", NULL), "hostpci0"), "00:02.0");
}

DAEMON_TEST(qm, tells_the_host_s_devices_by_pvesh)
{
    autofree char *printed =
        shell_type("pvesh get /nodes/%s/hardware/pci --pci-class-blacklist \"\" --output-format json", NODE);
    autofree char *table = shell_type("pvesh get /nodes/%s/hardware/pci --pci-class-blacklist \"\"", NODE);
    autojson json_t *list = json_loads(printed, 0, NULL);

    cr_assert(json_equal(list, get("/nodes/" NODE "/hardware/pci", "pci-class-blacklist", "", NULL)));
    expect_part(table, "0000:00:1c.0", "a bridge");
    type_wrong(2, "pvesh: there is no command 'serve'; `pvesh help` lists them", "pvesh serve");
}

DAEMON_TEST(qm, knows_a_mapping_made_by_pvesh)
{
    free(shell_type("pvesh create /cluster/mapping/pci --id gpu "
                    "--map node=%s,path=0000:02:00,id=10de:1d01,subsystem-id=1462:8c98,iommugroup=5",
                    NODE));
    free(shell_type("qm create 100 -hostpci0 mapping=gpu"));
    autofree char *command = shell_type("qm showcmd 100");
    expect_part(command,
                "-device vfio-pci,host=0000:02:00.0,id=hostpci0.0,bus=pci.0,addr=0x10.0,multifunction=on",
                "mapping=gpu");
}

DAEMON_TEST(qm, prints_a_file_that_it_reads_back)
{
    free(shell_type(
        "qm create 100 -name guest -description 'a card: 100%%\nfor games' -machine q35 -memory 2048 "
        "-net0 virtio,bridge=vmbr0 -hostpci0 02:00,pcie=on,x-vga=on -args '-device foo' --onboot"));
    free(shell_type("qm config 100 > %s/guest; qm create 101 --file %s/guest -name other", shell_folder(),
                    shell_folder()));
    const json_t *first = get("/nodes/" NODE "/qemu/100/config", NULL);
    const json_t *second = get("/nodes/" NODE "/qemu/101/config", NULL);

    static const char *const same[] = {"description", "machine", "memory", "net0",
                                       "hostpci0",    "args",    "smbios1"};
    for (size_t i = 0; i < COUNT_OF(same); i++)
        cr_assert_str_eq(text_of(first, same[i]), text_of(second, same[i]));
    cr_assert_eq(number_of(second, "onboot"), 1, "a boolean that stands alone");
    cr_assert_str_eq(text_of(second, "name"), "other", "the command line is stronger");
    free(shell_type("qm config 100 | qm set 100 --file -"));
    cr_assert_str_eq(text_of(get("/nodes/" NODE "/qemu/100/config", NULL), "digest"),
                     text_of(first, "digest"));
}

/* A file as Proxmox VE writes it for a VM with cloud-init, UEFI, a TPM, disks in storage pools and snapshots.
 */
static const char foreign[] = "#Media server%3A see wiki\r\n"
                              "agent: 1,fstrim_cloned_disks=1\r\n"
                              "balloon: 0\r\n"
                              "bios: ovmf\r\n"
                              "boot: order=scsi0;ide2;net0\r\n"
                              "ciuser: debian\r\n"
                              "cores: 4\r\n"
                              "cpu: host\r\n"
                              "efidisk0: local-lvm:vm-100-disk-0,efitype=4m,pre-enrolled-keys=1,size=4M\r\n"
                              "hostpci0: 0000:02:00,pcie=1,x-vga=1\r\n"
                              "ide2: local-lvm:vm-100-cloudinit,media=cdrom,size=4M\r\n"
                              "ipconfig0: ip=dhcp\r\n"
                              "machine: q35\r\n"
                              "memory: 8192\r\n"
                              "meta: creation-qemu=9.0.2,ctime=1718000000\r\n"
                              "name: media\r\n"
                              "net0: virtio=BC:24:11:2E:C4:1A,bridge=vmbr0,firewall=1\r\n"
                              "ostype: l26\r\n"
                              "parent: before\r\n"
                              "scsi0: local-lvm:vm-100-disk-1,discard=on,iothread=1,size=32G,ssd=1\r\n"
                              "scsihw: virtio-scsi-single\r\n"
                              "smbios1: uuid=7a4c1e02-8a44-4f4b-9a59-0a2d3e4f5a6b\r\n"
                              "tpmstate0: local-lvm:vm-100-disk-2,size=4M,version=v2.0\r\n"
                              "unused0: local-lvm:vm-100-disk-3\r\n"
                              "\r\n"
                              "[before]\r\n"
                              "#first state\r\n"
                              "cores: 2\r\n"
                              "scsi0: local-lvm:vm-100-disk-1,size=32G\r\n"
                              "snaptime: 1718100000\r\n"
                              "\r\n"
                              "[special:cloudinit]\r\n"
                              "ciuser: root\r\n";

DAEMON_TEST(qm, takes_what_it_understands_of_a_file_from_elsewhere)
{
    static const char *const told[] = {
        "line 9: efidisk0 is left out: ", "line 11: ide2 is left out: ",
        "line 19: parent is left out: ",  "line 20: scsi0 is left out: ",
        "line 23: tpmstate0 is left out", "line 24: unused0 is left out: ",
        "line 5: scsi0 in boot is left ", "line 26: the section is left out: ",
        "line 32: the section is left ",  "line 5: ide2 in boot is left out: "};
    autofree char *file = xasprintf("%s/100.conf", shell_folder());
    struct error err;

    cr_assert_eq(file_replace(file, foreign, strlen(foreign), 0600, &err), 0, "%s", err.message);
    autofree char *warnings = shell_type("qm create 100 --file %s 2>&1", file);
    for (size_t i = 0; i < COUNT_OF(told); i++)
        expect_part(warnings, told[i], "create");
    const json_t *config = get("/nodes/" NODE "/qemu/100/config", NULL);
    cr_assert_str_eq(text_of(config, "boot"), "order=net0");
    cr_assert_str_eq(text_of(config, "meta"), "creation-qemu=9.0.2,ctime=1718000000");
    cr_assert_str_eq(text_of(config, "hostpci0"), "0000:02:00,pcie=1,x-vga=1");
    cr_assert_str_eq(text_of(config, "description"), "Media server: see wiki");
    cr_assert_str_eq(text_of(config, "net0"), "virtio=BC:24:11:2E:C4:1A,bridge=vmbr0,firewall=1");
    cr_assert_eq(number_of(config, "cores"), 4);
    cr_assert_not(has(config, "scsi0") || has(config, "efidisk0") || has(config, "unused0"));
}

DAEMON_TEST(qm, lists_and_removes)
{
    free(shell_type("qm create 1000 -name games -memory 2048"));
    free(shell_type("qm create 100 -name guest"));
    autofree char *list = shell_type("qm list");
    cr_assert_str_eq(list, "VMID  NAME   STATUS   MEM(MB)  BOOTDISK(GB)  PID\n"
                           " 100  guest  stopped      512          0.00    0\n"
                           "1000  games  stopped     2048          0.00    0\n");
    autofree char *pending = shell_type("qm pending 1000");
    expect_part(pending, "cur memory: 2048\n", "pending");
    free(shell_type("qm destroy 100 --purge"));
    autofree char *rest = shell_type("qm list --noheader");
    cr_assert_str_eq(rest, "1000  games  stopped  2048  0.00  0\n");
}

DAEMON_TEST(qm, takes_what_the_api_takes)
{
    free(shell_type("qm create 100 -name guest -hostpci0 02:00 -hostpci1 00:02.0"));
    free(shell_type("qm set 100 --delete hostpci0,name --hostpci1=01:02.0"));
    autofree char *config = shell_type("hostpci qm config 100 --current --output-format json");
    cr_assert_null(strstr(config, "\"hostpci0\""));
    cr_assert_null(strstr(config, "\"name\""));
    expect_part(config, "\"hostpci1\":\"01:02.0\"", "set");
    type_wrong(1, "checksum mismatch",
               "qm set 100 -name a --digest 0000000000000000000000000000000000000000");
}

DAEMON_TEST(qm, tells_what_is_wrong_by_the_name_it_was_called_by)
{
    type_wrong(1, "qm: Configuration file 'nodes/" NODE "/qemu-server/100.conf' does not exist",
               "qm set 100 -hostpci0 00:02.0");
    free(shell_type("qm create 100"));
    type_wrong(1, "qm: unable to create VM 100 - VM 100 already exists", "qm create 100");
    type_wrong(1, "`hostpci qm help set` shows the parameters.", "hostpci qm set 100 -hostpci0 nonsense");
    type_wrong(1, "hostpci: Parameter verification failed.", "hostpci qm set 100 -hostpci0 nonsense");
    type_wrong(2, "qm: '5' is not a VMID, which is a number from", "qm config 5");
}

/* As Proxmox VE prints it: the keys in order, what is in an object one tab further. */
DAEMON_TEST(qm, status_tells_all_if_asked_to)
{
    autofree char *created = shell_type("qm create 100 -name vm1 -memory 512"),
                  *brief = shell_type("qm status 100");
    autofree char *whole = shell_type("qm status 100 --verbose"),
                  *again = shell_type("hostpci qm status 100 -verbose");

    (void)created;
    cr_expect_str_eq(brief, "status: stopped\n");
    cr_expect_str_eq(whole, again);
    cr_expect(strstr(whole, "\nha:\n\tmanaged: 0\nmaxdisk: 0\nmaxmem: 536870912\n") != NULL, "%s", whole);
    cr_expect(strstr(whole, "\nname: vm1\n") != NULL && strstr(whole, "\nstatus: stopped\n") != NULL, "%s",
              whole);
}
