/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hostpci import`: Proxmox VE's files, by the API. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/program.h"

#define CONFIG                   "/nodes/" NODE "/qemu/100/config"

#define RUN(...)                 program_run((const char *const[]){__VA_ARGS__, NULL})
#define FAILS(status, text, ...) program_fails(status, text, (const char *const[]){__VA_ARGS__, NULL})

static char folder[4096]; /* a copy of /etc/pve */

static void start(void)
{
    const char *above = getenv("TMPDIR");
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

    START(.host = "manual");
    snprintf(folder, sizeof(folder), "%s/import-XXXXXX", above != NULL ? above : "/tmp");
    cr_assert_not_null(mkdtemp(folder));
    setenv("HOSTPCI_SOCKET", daemon_socket(), 1);
    cr_assert_eq(dup2(nothing, STDIN_FILENO), STDIN_FILENO);
    close(nothing);
}

TestSuite(import, .init = start, .timeout = 120);

static void write_file(const char *name, const char *text)
{
    autofree char *path = xasprintf("%s/%s", folder, name), *parent = xstrdup(path);
    struct error err;

    *strrchr(parent, '/') = '\0';
    cr_assert_eq(file_make_folder(parent, 0700, &err), 0, "%s", err.message);
    cr_assert_eq(file_replace(path, text, strlen(text), 0600, &err), 0, "%s", err.message);
}

static void has_printed(const char *printed, const char *part)
{
    cr_expect_not_null(strstr(printed, part), "'%s' is not in:\n%s", part, printed);
}

static const char pci_cfg[] =
    "# made by hand\n"
    "gpu\n"
    "\tdescription the card: 100%\n"
    "\tmap id=10de:1d01,iommugroup=5,node=pve1,path=0000:02:00,subsystem-id=1462:8c98\n"
    "\tmap id=10de:1d01,node=pve2,path=nowhere\n"
    "\tlive-migration-capable 0\n"
    "\tcolour red\n"
    "\n"
    "empty\n"
    "\tdescription nothing\n";
static const char usb_cfg[] = "stick\n\tmap id=0951:1666,node=pve1,path=1-2\n";
static const char vm_conf[] = "#Media server%3A see wiki\n"
                              "boot: order=scsi0;net0\n"
                              "cores: 4\n"
                              "hostpci0: mapping=gpu,pcie=1\n"
                              "lock: backup\n"
                              "machine: q35\n"
                              "memory: 4096\n"
                              "meta: creation-qemu=9.0.2,ctime=1718000000\n"
                              "name: media\n"
                              "net0: virtio=BC:24:11:2E:C4:1A,bridge=vmbr0,firewall=1\n"
                              "onboot: 1\n"
                              "protection: 1\n"
                              "scsi0: local:100/vm-100-disk-0.raw,size=32G\n"
                              "smbios1: uuid=7a4c1e02-8a44-4f4b-9a59-0a2d3e4f5a6b\n"
                              "usb0: mapping=stick\n"
                              "\n"
                              "[PENDING]\n"
                              "cores: 6\n"
                              "delete: memory\n"
                              "\n"
                              "[before]\n"
                              "cores: 1\n";

static void write_files(void)
{
    write_file("mapping/pci.cfg", pci_cfg);
    write_file("mapping/usb.cfg", usb_cfg);
    write_file("qemu-server/100.conf", vm_conf);
    write_file("nodes/pve2/qemu-server/200.conf", "cores: 1\n");
    write_file("storage.cfg", "dir: local\n");
    write_file("priv/shadow.cfg", "anna:$5$x$y:\n");
}

DAEMON_TEST(import, shows_what_it_will_do_and_leaves_out)
{
    static const char *const told[] = {
        "Mappings:\n  PCI mapping gpu\n  USB mapping stick\n",
        "Virtual machines:\n  VM 100 (media)\n  protection of VM 100\n",
        "mapping/pci.cfg: line 5: an entry of mapping gpu: ",
        "mapping/pci.cfg: line 2: colour of PCI mapping gpu: hostpci has no such setting",
        "mapping/pci.cfg: line 9: PCI mapping empty: it has no map",
        "line 13: scsi0 is left out: volume 'local:100/vm-100-disk-0.raw' does not exist",
        "qemu-server/100.conf: line 2: scsi0 in boot is left out: ",
        "qemu-server/100.conf: line 21: the section is left out: only [PENDING] is read",
        "qemu-server/100.conf: lock: ",
        "nodes/pve2/qemu-server/200.conf: it is a VM of another node",
        "storage.cfg: ",
        "priv/shadow.cfg: passwords are not carried over",
    };

    write_files();
    FAILS(2, "standard input is not a terminal; --yes does it without asking", "import", folder);
    cr_expect_eq(json_array_size(get("/cluster/mapping/pci", NULL)), 0);
    autofree char *printed = RUN("import", folder, "--yes");
    for (size_t i = 0; i < COUNT_OF(told); i++)
        has_printed(printed, told[i]);
}

DAEMON_TEST(import, gives_what_the_files_say)
{
    write_files();
    free(RUN("import", folder, "--yes"));
    const json_t *gpu = get("/cluster/mapping/pci/gpu", NULL), *config = get(CONFIG, NULL);

    cr_expect_str_eq(text_of(gpu, "description"), "the card: 100%");
    is_json(member(gpu, "map"),
            "['id=10de:1d01,node=pve1,path=0000:02:00,iommugroup=5,subsystem-id=1462:8c98']");
    is_json(member(get("/cluster/mapping/usb/stick", NULL), "map"), "['id=0951:1666,node=pve1,path=1-2']");
    cr_expect_str_eq(text_of(config, "description"), "Media server: see wiki");
    cr_expect_str_eq(text_of(config, "hostpci0"), "mapping=gpu,pcie=1");
    cr_expect_str_eq(text_of(config, "meta"), "creation-qemu=9.0.2,ctime=1718000000");
    cr_expect_str_eq(text_of(config, "boot"), "order=net0");
    cr_expect_eq(number_of(config, "cores"), 6, "what waited for the next start");
    cr_expect_eq(number_of(config, "protection"), 1);
    cr_expect_not(has(config, "memory") || has(config, "scsi0") || has(config, "lock") ||
                  has(config, "vmgenid"));
}

DAEMON_TEST(import, changes_nothing_that_is_there)
{
    write_files();
    free(RUN("import", folder, "--yes"));
    put(CONFIG, "cores", "8", NULL);
    autofree char *printed = RUN("import", folder);
    has_printed(printed, "VM 100 (media): is there already, and stays as it is");
    has_printed(printed, "There is nothing to import.\n");
    cr_expect_eq(number_of(get(CONFIG, NULL), "cores"), 8);
}

DAEMON_TEST(import, undoes_a_stage_of_which_one_step_fails)
{
    write_files();
    write_file("qemu-server/101.conf", "balloon: 2048\nmemory: 1024\n");
    FAILS(1, "balloon value too large", "import", folder, "--yes");
    FAILS(1, "Virtual machines: nothing of this was imported", "import", folder, "--yes");
    cr_expect_eq(json_array_size(get("/nodes/" NODE "/qemu", NULL)), 0);
    cr_expect_eq(json_array_size(get("/cluster/mapping/pci", NULL)), 1, "a stage before it stays");
    write_file("qemu-server/101.conf", "balloon: 1024\nmemory: 2048\n");
    free(RUN("import", folder, "--yes"));
    cr_expect_eq(json_array_size(get("/nodes/" NODE "/qemu", NULL)), 2);
}

static const char user_cfg[] = "user:anna@pve:1:0:Anna:M%C3%BCller:anna@example.org:works%3A nights::\n"
                               "user:berta@pve:0:1900000000:::::\n"
                               "user:root@pam:1:0::::::\n"
                               "token:root@pam!auto:0:0:ansible:\n"
                               "token:anna@pve!tok:1900000000:1::\n"
                               "\n"
                               "group:admins:anna@pve,root@pam,gone@pve:The admins:\n"
                               "\n"
                               "pool:p1::100:local:\n"
                               "\n"
                               "role:Mine:VM.Audit,VM.PowerMgmt,VM.Foo:\n"
                               "\n"
                               "acl:1:/:@admins:Administrator:\n"
                               "acl:0:/vms/100:anna@pve,anna@pve!tok:Mine,PVEVMUser:\n"
                               "acl:1:/nothing/x:anna@pve:Mine:\n"
                               "acl:1:/vms:gone@pve:Mine:\n"
                               "foo\n";

DAEMON_TEST(import, gives_users_their_groups_and_permissions)
{
    static const char *const told[] = {
        "line 1: the password of user anna@pve: ",
        "line 3: user root@pam: is there already",
        "line 7: member gone@pve of group admins: there is no such user",
        "line 9: pool p1: hostpci has no pools",
        "line 11: privilege VM.Foo of role Mine: hostpci has no such privilege",
        "line 15: permissions on /nothing/x: there can be none on this path",
        "line 16: role Mine on /vms for gone@pve: there is no such user",
        "line 17: the line is of no known kind: foo",
        "The tokens have new secrets, which are not shown again:\nroot@pam!auto=",
    };

    write_file("user.cfg", user_cfg);
    autofree char *printed = RUN("import", folder, "--yes");
    for (size_t i = 0; i < COUNT_OF(told); i++)
        has_printed(printed, told[i]);
    const json_t *anna = get("/access/users/anna@pve", NULL), *berta = get("/access/users/berta@pve", NULL);
    cr_expect_str_eq(text_of(anna, "lastname"), "Müller");
    cr_expect_str_eq(text_of(anna, "comment"), "works: nights");
    is_json(member(anna, "groups"), "['admins']");
    is_json(member(anna, "tokens"), "{'tok': {'expire': 1900000000, 'privsep': 1}}");
    cr_expect_eq(number_of(berta, "enable"), 0);
    cr_expect_eq(number_of(berta, "expire"), 1900000000);
    is_json(get("/access/roles/Mine", NULL), "{'VM.Audit': 1, 'VM.PowerMgmt': 1}");
    cr_expect_eq(json_array_size(get("/access/acl", NULL)), 5);
    is_json(get("/access/permissions", "userid", "anna@pve!tok", "path", "/vms/100", NULL),
            "{'/vms/100': {'VM.Audit': 0, 'VM.Backup': 0, 'VM.Config.CDROM': 0, 'VM.Config.Cloudinit': 0, "
            "'VM.Console': 0, 'VM.GuestAgent.Audit': 0, 'VM.GuestAgent.FileRead': 0, "
            "'VM.GuestAgent.FileSystemMgmt': 0, 'VM.GuestAgent.FileWrite': 0, "
            "'VM.PowerMgmt': 0}}");
    const char *secret = strstr(printed, "root@pam!auto=");
    autofree char *token = xstrndup(secret, strcspn(secret, "\n"));
    call_with_token(token);
    get("/access/acl", NULL);
}

DAEMON_TEST(import, undoes_users_when_one_is_refused)
{
    write_file("user.cfg", "user:anna@pve:1:0:::::\n"
                           "role:PVEMine:VM.Audit:\n"
                           "acl:1:/:anna@pve:NoAccess:\n");
    FAILS(1, "Users and permissions: nothing of this was imported", "import", folder, "--yes");
    cr_expect_eq(json_array_size(get("/access/users", NULL)), 1);
    cr_expect_eq(json_array_size(get("/access/acl", NULL)), 0);
}

static char *read_back(const char *export, const char *name)
{
    autofree char *path = xasprintf("%s/%s", export, name);
    struct error err;
    char *text;

    cr_assert_eq(file_read(path, 1 << 20, &text, NULL, &err), 0, "%s", err.message);
    return text;
}

static void remove_all(void)
{
    static const char config[] = CONFIG;

    free(RUN("set", config, "--delete", "protection"));
    free(RUN("qm", "destroy", "100"));
    delete ("/cluster/mapping/pci/gpu", NULL);
    delete ("/cluster/mapping/usb/stick", NULL);
    delete ("/access/users/anna@pve", NULL);
    delete ("/access/users/berta@pve", NULL);
    delete ("/access/users/root@pam/token/auto", NULL);
    delete ("/access/groups/admins", NULL);
    delete ("/access/roles/Mine", NULL);
}

/* What is exported, and what is exported after it was imported, is the same. */
DAEMON_TEST(import, loses_nothing_on_the_way_out_and_back)
{
    static const char *const names[] = {"mapping/pci.cfg", "mapping/usb.cfg", "user.cfg",
                                        "qemu-server/100.conf"};
    autofree char *first = xasprintf("%s/first", folder), *second = xasprintf("%s/second", folder);

    write_files();
    write_file("user.cfg", user_cfg);
    free(RUN("import", folder, "--yes"));
    free(RUN("export", first));
    remove_all();
    free(RUN("import", first, "--yes"));
    free(RUN("export", second));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        autofree char *before = read_back(first, names[i]), *after = read_back(second, names[i]);
        cr_expect_str_eq(after, before, "%s", names[i]);
        cr_expect_gt(strlen(before), 20, "%s", names[i]);
    }
    FAILS(1, "cannot make the folder", "export", first);
}

DAEMON_TEST(import, takes_a_file_alone_and_knows_it_by_its_name)
{
    write_files();
    write_file("other.txt", "cores: 1\n");
    autofree char *vm = xasprintf("%s/qemu-server/100.conf", folder),
                  *other = xasprintf("%s/other.txt", folder);
    free(RUN("import", vm, "--yes"));
    cr_expect_eq(json_array_size(get("/nodes/" NODE "/qemu", NULL)), 1);
    cr_expect_eq(json_array_size(get("/cluster/mapping/pci", NULL)), 0);
    FAILS(2, "cannot tell from its name what", "import", other, "--yes");
    FAILS(2, "there is no file or folder", "import", "/nowhere", "--yes");
    FAILS(2, "there is nothing in '/proc/self/task' that can be imported", "import", "/proc/self/task",
          "--yes");
}
