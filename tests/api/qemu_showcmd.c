/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GET /nodes/{node}/qemu/{vmid}/showcmd: what the next start of a VM would run, on this host, with its QEMU.
 * What each setting becomes is in tests/golden/vm; these tests need the real QEMU of the package
 * qemu-system-x86. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/exec.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/host.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define VM      QEMU "/100"
#define SHOWCMD VM "/showcmd"
#define GPU     "node=" NODE ",path=0000:01:00.0,id=10de:2484,subsystem-id=10de:146b,iommugroup=1"
#define NVME    "node=" NODE ",path=0000:02:00.0,id=144d:a808,subsystem-id=144d:a801,iommugroup=5"

TestSuite(qemu_showcmd, .timeout = 120);

static const char *show(void)
{
    return json_string_value(get(SHOWCMD, NULL));
}

static void has_part(const char *part)
{
    const char *line = show();

    cr_expect_not_null(strstr(line, part), "%s is not in: %s", part, line);
}

DAEMON_TEST(qemu_showcmd, is_the_command_that_the_next_start_runs)
{
    START(.host = "workstation");
    vm_create("100", "name", "web", "machine", "q35", "bios", "seabios", "memory", "2048", "hostpci0",
              "01:00,pcie=1", "net0", "virtio=BC:24:11:00:00:01,bridge=vmbr0", NULL);
    autofree char *qmp = xasprintf("-chardev socket,id=qmp,path=%s/vm/100.qmp,", daemon_run());
    cr_expect(text_starts_with(show(), "/usr/bin/qemu-system-x86_64 -name web,debug-threads=on "));
    has_part(qmp);
    has_part("-device vfio-pci,host=0000:01:00.0,id=hostpci0.0,bus=ich9-pcie-port-1,addr=0x0.0,"
             "multifunction=on ");
    has_part("-device vfio-pci,host=0000:01:00.1,id=hostpci0.1,bus=ich9-pcie-port-1,addr=0x0.1");
}

DAEMON_TEST(qemu_showcmd, is_of_the_next_start)
{
    START(.host = "workstation");
    vm_create("100", "memory", "1024", NULL);
    put(VM "/config", "memory", "3072", NULL);
    has_part(" -m 3072 ");
}

/* The words that a shell makes of the text, a line each; the caller frees them. */
static char *split_by_shell(const char *command)
{
    autofree char *script = xasprintf("set -- %s\nprintf '%%s\\n' \"$@\"", command),
                  *path = xasprintf("%s/script", daemon_run()), *out = xasprintf("%s/words", daemon_run());
    autofree char *run = xasprintf("exec sh '%s' > '%s'", path, out);
    const char *const argv[] = {"/bin/sh", "-c", run, NULL};
    char *words;
    struct error err;

    cr_assert_eq(file_replace(path, script, strlen(script), 0600, &err), 0, "%s", err.message);
    cr_assert_eq(exec_run(argv, 10, NULL, &err), 0, "%s", err.message);
    cr_assert_eq(file_read(out, 1 << 20, &words, NULL, &err), 0, "%s", err.message);
    return words;
}

DAEMON_TEST(qemu_showcmd, is_quoted_for_a_shell_in_one_line_or_in_many)
{
    START(.host = "workstation");
    vm_create("100", "args", "-global 'a b.c=$HOME;`id`' -S", "ide2", "/srv/a file,media=cdrom", NULL);
    const char *line = show(), *pretty = json_string_value(get(SHOWCMD, "pretty", "1", NULL));
    autofree char *words = split_by_shell(line), *pretty_words = split_by_shell(pretty);

    cr_expect_null(strchr(line, '\n'));
    cr_expect_not_null(strstr(pretty, " \\\n  -m 512 \\\n"), "%s", pretty);
    cr_expect_str_eq(pretty_words, words);
    cr_expect_not_null(strstr(words, "\n-global\na b.c=$HOME;`id`\n-S\n"), "%s", words);
    cr_expect_not_null(strstr(words, "/srv/a file"), "%s", words);
}

DAEMON_TEST(qemu_showcmd, takes_the_first_alternative_that_is_free)
{
    START(.host = "workstation");
    post("/cluster/mapping/pci", "id", "any", "map", GPU, "map", NVME, NULL);
    vm_create("100", "hostpci0", "mapping=any", "hostpci1", "mapping=any", NULL);
    has_part("-device vfio-pci,host=0000:01:00.0,id=hostpci0,");
    has_part("-device vfio-pci,host=0000:02:00.0,id=hostpci1,");
}

/* A start would fail; preflight says that. */
DAEMON_TEST(qemu_showcmd, is_shown_without_an_iommu_too)
{
    START(.host = "no-iommu");
    post("/cluster/mapping/pci", "id", "nvme", "map",
         "node=" NODE ",path=0000:02:00.0,id=144d:a808,subsystem-id=144d:a801", NULL);
    vm_create("100", "hostpci0", "01:00.0", "hostpci1", "mapping=nvme", NULL);
    has_part("-device vfio-pci,host=0000:01:00.0,id=hostpci0,");
    has_part("-device vfio-pci,host=0000:02:00.0,id=hostpci1,");
}

DAEMON_TEST(qemu_showcmd, says_why_there_is_none)
{
    START(.host = "workstation");
    post("/cluster/mapping/pci", "id", "any", "map", GPU, NULL);
    vm_create("100", "hostpci0", "mapping=any", "hostpci1", "mapping=any", NULL);
    fails(500, "could not find a free device for 'hostpci1': device '0000:01:00.0' assigned more than once",
          "GET", SHOWCMD, NULL);
    put(VM "/config", "delete", "hostpci1", NULL);
    host_unplug("0000:01:00.0");
    fails(500, "PCI device mapping invalid (hardware probably changed): pci device '0000:01:00.0' not found",
          "GET", SHOWCMD, NULL);
    put(VM "/config", "hostpci0", "02:00.0,pcie=1", NULL);
    fails(500, "hostpci0: q35 machine model is not enabled", "GET", SHOWCMD, NULL);
    put(VM "/config", "delete", "hostpci0", "virtiofs0", "files", NULL);
    fails(500, "virtiofs0 is only stored: a VM that has it cannot be started here", "GET", SHOWCMD, NULL);
}

/* Any byte can stand in base64, but a reply is UTF-8. */
DAEMON_TEST(qemu_showcmd, is_text_whatever_the_configuration_stands_for)
{
    START(.host = "workstation");
    vm_create("100", "smbios1", "base64=1,serial=/w==", "ide2", "none,media=cdrom,serial=%ff", NULL);
    has_part("-smbios $'type=1,serial=\\377'");
    has_part(",serial=\\377'");
}

DAEMON_TEST(qemu_showcmd, usb_mapping_is_a_port_or_an_id_of_this_host)
{
    START(.host = "usb");
    post("/cluster/mapping/usb", "id", "keys", "map", "node=" NODE ",id=413c:2113,path=1-2", NULL);
    vm_create("100", "usb0", "mapping=keys", NULL);
    has_part("-device usb-host,bus=ehci.0,hostbus=1,hostport=2,id=usb0");
}

DAEMON_TEST(qemu_showcmd, of_a_vm_that_is_not_there)
{
    START(.host = "workstation");
    fails(500, "Configuration file 'nodes/" NODE "/qemu-server/100.conf' does not exist", "GET", SHOWCMD,
          NULL);
}

DAEMON_TEST(qemu_showcmd, needs_vm_audit)
{
    START(.host = "workstation");
    vm_needs_audit(SHOWCMD);
    has_part("-name vm100,");
}

DAEMON_TEST(qemu_showcmd, without_a_qemu_says_which_package_has_one)
{
    static const char *const elsewhere[] = {"--qemu", "/nowhere/qemu", NULL};

    START(.host = "workstation", .arguments = elsewhere);
    vm_create("100", NULL);
    fails(500,
          "QEMU is missing, there is no '/nowhere/qemu': `apt install qemu-system-x86` installs it, or name "
          "another one with --qemu",
          "GET", SHOWCMD, NULL);
}

DAEMON_TEST(qemu_showcmd, names_the_folders_that_the_daemon_was_given)
{
    static const char *const folders[] = {"--rom-dir", "/srv/rom/", NULL};

    START(.host = "workstation", .arguments = folders);
    vm_create("100", "hostpci0", "02:00.0,romfile=card.rom", NULL);
    has_part(",romfile=/srv/rom/card.rom");
}
