/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may change what of a VM: each key with a user who holds exactly what it takes, and with users who hold
 * everything but one of that. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "api/qemu/qemu.h"
#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "tests/unit/access/fixture.h"

#define VM          "/vms/100"
#define STORE       "/storage/local"
#define BRIDGE      "/sdn/zones/localnetwork/vmbr0"
#define NEEDS       4
#define LINES       1000
#define HAS         "has@pve"      /* exactly what is needed */
#define LACKS       "lacks%zu@pve" /* everything but one need */
#define ALL_BUT_ALL "admin@pve"    /* every privilege everywhere, and still not root@pam */

static const char *const privileges[] = {
#define PRIVILEGE(name) name,
#include "access/privileges.def"
#undef PRIVILEGE
};

/* Alternatives are separated by '|'. */
struct need {
    const char *path, *privileges;
};

/* Keys of which it does not depend on the value. */
static const struct {
    const char *privileges, *keys;
} plain[] = {
    {"VM.Config.Disk", "boot bootdisk"},
    {"VM.Config.CPU", "cores cpu cpulimit cpuunits numa numa0 numa7 smp sockets vcpus"},
    {"VM.Config.Memory", "allow-ksm balloon memory shares"},
    {"VM.Config.HWType", "acpi audio0 hotplug kvm machine scsihw smbios1 tablet vga watchdog"},
    {"VM.Config.Options",
     "agent autostart bios description freeze keyboard localtime migrate_downtime migrate_speed name onboot "
     "ostype protection reboot spice_enhancements startdate tags tdf template virtiofs0 vmstatestorage"},
    {"VM.Config.Cloudinit|VM.Config.Network",
     "cicustom cipassword citype ciupgrade ciuser ipconfig0 ipconfig31 nameserver searchdomain sshkeys"},
};

static const char root_keys[] =
    "affinity amd-sev arch args hookscript hugepages intel-tdx ivshmem keephugepages lock parallel0 vmgenid";

/* A change of one key: DIR is the volume folder. Without a value the key is removed. */
static const struct row {
    const char *key, *config, *pending, *value;
    struct need needs[NEEDS];
} rows[] = {
    {"scsi0", NULL, NULL, "DIR/a.raw", {{VM, "VM.Config.Disk"}}},
    {"ide0", NULL, NULL, "DIR/a.raw,media=disk", {{VM, "VM.Config.Disk"}}},
    {"sata5", NULL, NULL, "DIR/a.qcow2,format=qcow2", {{VM, "VM.Config.Disk"}}},
    {"virtio15", "/dev/sda", NULL, NULL, {{VM, "VM.Config.Disk"}}},
    {"virtio1", NULL, NULL, NULL, {{VM, "VM.Config.Disk"}}},
    {"efidisk0", NULL, NULL, "DIR/a.raw,efitype=4m", {{VM, "VM.Config.Disk"}}},
    {"efidisk0", "/dev/sda", NULL, NULL, {{VM, "VM.Config.Disk"}}},
    {"tpmstate0", NULL, NULL, "DIR/a.raw", {{VM, "VM.Config.Disk"}}},
    {"unused3", "local:100/a", NULL, NULL, {{VM, "VM.Config.Disk"}, {STORE, "Datastore.AllocateSpace"}}},
    {"scsi3", "local:100/vm-100-disk-0.raw", NULL, NULL, {{VM, "VM.Config.Disk"}}},
    {"scsi3", NULL, NULL, "local:32", {{VM, "VM.Config.Disk"}, {STORE, "Datastore.AllocateSpace"}}},
    {"efidisk0",
     NULL,
     NULL,
     "local:1,efitype=4m",
     {{VM, "VM.Config.Disk"}, {STORE, "Datastore.AllocateSpace"}}},

    {"ide2", NULL, NULL, "none,media=cdrom", {{VM, "VM.Config.CDROM"}}},
    {"ide2", NULL, NULL, "DIR/a.iso,media=cdrom", {{VM, "VM.Config.CDROM"}}},
    {"ide2", "/etc/a.iso,media=cdrom", NULL, NULL, {{VM, "VM.Config.CDROM"}}},
    {"sata0", NULL, NULL, "cdrom", {{VM, "VM.Config.CDROM"}, {"/", "Sys.Console"}}},
    {"sata0", "cdrom", NULL, "none", {{VM, "VM.Config.CDROM"}}},
    {"ide1", "/dev/sda", NULL, "none", {{VM, "VM.Config.Disk"}, {VM, "VM.Config.CDROM"}}},
    {"ide1", "none", "/dev/sda", NULL, {{VM, "VM.Config.Disk"}, {VM, "VM.Config.CDROM"}}},
    {"ide1", "none", NULL, "DIR/a.raw", {{VM, "VM.Config.Disk"}, {VM, "VM.Config.CDROM"}}},

    {"net0", NULL, NULL, "virtio", {{VM, "VM.Config.Network"}}},
    {"net0", NULL, NULL, "virtio,bridge=vmbr0", {{VM, "VM.Config.Network"}, {BRIDGE, "SDN.Use"}}},
    {"net31", NULL, NULL, "e1000,bridge=vmbr0,tag=5", {{VM, "VM.Config.Network"}, {BRIDGE "/5", "SDN.Use"}}},
    {"net0",
     NULL,
     NULL,
     "virtio,bridge=vmbr0,tag=5,trunks=1-9",
     {{VM, "VM.Config.Network"}, {BRIDGE "/5", "SDN.Use"}, {BRIDGE, "SDN.Use"}}},
    {"net0", "virtio,bridge=vmbr0", NULL, NULL, {{VM, "VM.Config.Network"}}},

    {"hostpci0", NULL, NULL, "mapping=gpu", {{VM, "VM.Config.HWType"}, {"/mapping/pci/gpu", "Mapping.Use"}}},
    {"hostpci15",
     "mapping=gpu,romfile=a.rom",
     NULL,
     NULL,
     {{VM, "VM.Config.HWType"}, {"/mapping/pci/gpu", "Mapping.Use"}}},
    {"hostpci0",
     "mapping=old",
     "mapping=next",
     "mapping=gpu,pcie=1,mdev=nvidia-558",
     {{VM, "VM.Config.HWType"},
      {"/mapping/pci/old", "Mapping.Use"},
      {"/mapping/pci/next", "Mapping.Use"},
      {"/mapping/pci/gpu", "Mapping.Use"}}},
    {"hostpci1", NULL, NULL, NULL, {{VM, "VM.Config.HWType"}}},
    {"usb0", NULL, NULL, "spice", {{VM, "VM.Config.HWType"}}},
    {"usb0", NULL, NULL, "mapping=key", {{VM, "VM.Config.HWType"}, {"/mapping/usb/key", "Mapping.Use"}}},
    {"usb13",
     "mapping=old",
     NULL,
     "host=SPICE,usb3=1",
     {{VM, "VM.Config.HWType"}, {"/mapping/usb/old", "Mapping.Use"}}},
    {"serial0", NULL, NULL, "socket", {{VM, "VM.Config.HWType"}}},
    {"serial3", "socket", NULL, NULL, {{VM, "VM.Config.HWType"}}},
    {"rng0", NULL, NULL, "/dev/urandom", {{VM, "VM.Config.HWType"}}},
    {"rng0", NULL, NULL, "source=/dev/hwrng", {{VM, "VM.Config.HWType"}, {"/mapping/hwrng", "Mapping.Use"}}},
    {"rng0", "/dev/hwrng", NULL, NULL, {{VM, "VM.Config.HWType"}, {"/mapping/hwrng", "Mapping.Use"}}},
    {"startup", NULL, NULL, "order=1", {{VM, "VM.Config.Options"}, {"/", "Sys.Modify"}}},
    {"startup", "order=1", NULL, NULL, {{VM, "VM.Config.Options"}, {"/", "Sys.Modify"}}},
};

/* What root@pam alone may do, and what others are told. */
static const struct {
    const char *key, *config, *value, *text;
    const char *field; /* NULL: none */
} root_rows[] = {
    {"hostpci0", NULL, "0000:01:00.0", "only root can set 'hostpci0' config for non-mapped devices", NULL},
    {"hostpci0", NULL, "host=01:00,pcie=1", "only root can set 'hostpci0' config for non-mapped devices",
     NULL},
    {"hostpci3", "01:00.0", "mapping=gpu", "only root can set 'hostpci3' config for non-mapped devices",
     NULL},
    {"hostpci3", "01:00.0", NULL, "only root can set 'hostpci3' config for non-mapped devices", NULL},
    {"hostpci0", NULL, "mapping=gpu,romfile=a.rom", "only root can set romfile", "hostpci0"},
    {"usb0", NULL, "1234:5678", "only root can set 'usb0' config for real devices", NULL},
    {"usb0", NULL, "host=1-2.1", "only root can set 'usb0' config for real devices", NULL},
    {"usb0", "1234:5678", "spice", "only root can set 'usb0' config for real devices", NULL},
    {"serial0", NULL, "/dev/ttyS0", "only root can set 'serial0' config for real devices", NULL},
    {"serial0", "/dev/ttyS0", NULL, "only root can set 'serial0' config for real devices", NULL},
};

/* What a row means to whoever asks. */
struct stage {
    struct world world;
    const char *dirs[2];
    struct service service;
    json_t *params;
};

struct lines {
    char *line[LINES];
    size_t count;
};

static void add_line(struct lines *lines, char *line)
{
    cr_assert_lt(lines->count, LINES - 1);
    lines->line[lines->count++] = line;
}

static bool is_alternative(const char *alternatives, const char *privilege)
{
    autofree char *all = xasprintf("|%s|", alternatives), *one = xasprintf("|%s|", privilege);

    return strstr(all, one) != NULL;
}

/* A role with all privileges but these. */
static void add_role(struct lines *lines, const char *name, const char *without)
{
    autotext struct text list = {0};

    for (size_t i = 0; i < COUNT_OF(privileges); i++)
        if (!is_alternative(without, privileges[i]))
            text_printf(&list, "%s,", privileges[i]);
    add_line(lines, xasprintf("role:%s:%s:", name, text_string(&list)));
}

/* LACKS_0 has everything but the first need, and so on. */
static void add_who_lacks(struct lines *lines, size_t i, const struct need *need)
{
    autofree char *role = xasprintf("lacking%zu", i), *path = xstrdup(need->path);
    bool everywhere = strcmp(path, "/") == 0;

    add_line(lines, xasprintf("user:" LACKS ":", i));
    add_role(lines, role, need->privileges);
    add_line(lines, xasprintf("acl:1:/:" LACKS ":%s:", i, everywhere ? role : "everything"));
    if (!everywhere)
        add_line(lines, xasprintf("acl:0:%s:" LACKS ":%s:", path, i, role));
}

/* HAS holds alternative `which` of the needs, on their paths and nowhere else. */
static void add_users(struct lines *lines, const struct need needs[NEEDS], size_t which)
{
    add_line(lines, xstrdup("user:" HAS ":"));
    add_role(lines, "everything", "");
    for (size_t i = 0; i < NEEDS && needs[i].path != NULL; i++) {
        autofree char *copy = xstrdup(needs[i].privileges);
        char *rest = copy, *privilege = strsep(&rest, "|");
        if (which > 0 && rest != NULL)
            privilege = rest;
        add_line(lines, xasprintf("role:r%zu:%s:", i, privilege));
        add_line(lines, xasprintf("acl:0:%s:" HAS ":r%zu:", needs[i].path, i));
        add_who_lacks(lines, i, &needs[i]);
    }
}

static void touch(const char *folder, const char *name)
{
    autofree char *path = xasprintf("%s/%s", folder, name);
    autoclose int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    cr_assert_geq(fd, 0);
}

static void set_stage(struct stage *stage, struct lines *lines)
{
    static const char *const files[] = {"a.raw", "a.qcow2", "a.iso"};

    make_world(&stage->world, (const char *const *)lines->line);
    for (size_t i = 0; i < lines->count; i++)
        free(lines->line[i]);
    for (size_t i = 0; i < COUNT_OF(files); i++)
        touch(stage->world.fixture.folder, files[i]);
    stage->dirs[0] = stage->world.fixture.folder;
    stage->service = (struct service){.storage = stage->world.storage,
                                      .access = stage->world.access,
                                      .volume_dirs = stage->dirs,
                                      .node = "pve1"};
    stage->params = json_pack("{s:i}", "vmid", 100);
}

static void clear_stage(struct stage *stage)
{
    json_decref(stage->params);
    end_world(&stage->world);
}

/* DIR is the volume folder. */
static json_t *value_of(const struct stage *stage, const char *value)
{
    if (!text_starts_with(value, "DIR"))
        return json_string(value);
    autofree char *whole = xasprintf("%s%s", stage->world.fixture.folder, value + strlen("DIR"));
    return json_string(whole);
}

static json_t *document_of(const struct row *row)
{
    json_t *document = json_pack("{s:s, s:{}}", "node", "pve1", "config");

    if (row->config != NULL)
        json_object_set_new(json_object_get(document, "config"), row->key, json_string(row->config));
    if (row->pending != NULL)
        json_object_set_new(document, "pending", json_pack("{s:s}", row->key, row->pending));
    return document;
}

static int ask(const struct stage *stage, const char *who, const struct row *row, struct error *err)
{
    const char *const remove[] = {row->value == NULL ? row->key : NULL, NULL};
    const struct qemu_call call = {(struct service *)&stage->service, identity_of(who), stage->params};
    struct qemu_change change = {.set = json_object(), .change = {.remove = remove}};
    autojson json_t *document = document_of(row);

    if (row->value != NULL)
        json_object_set_new(change.set, row->key, value_of(stage, row->value));
    change.change.set = change.set;
    int result = qemu_check_change(&call, document, &change, err);
    json_decref(change.set);
    return result;
}

static void check_refused(const struct stage *stage, const struct row *row, size_t i, const struct need *need)
{
    autofree char *text = xasprintf("Permission check failed (%s, %s)", need->path, need->privileges),
                  *who = xasprintf(LACKS, i);
    struct error err = {.message = "it was allowed"};

    cr_expect_eq(ask(stage, who, row, &err), -1, "%s: without %s", row->key, need->privileges);
    cr_expect_eq(err.kind, ERROR_FORBIDDEN);
    cr_expect_str_eq(err.message, text, "%s=%s", row->key, row->value);
}

static void check_row(const struct row *row)
{
    struct error err = {.message = ""};
    struct lines lines = {0};
    struct stage stage;

    add_users(&lines, row->needs, 0);
    set_stage(&stage, &lines);
    cr_expect_eq(ask(&stage, HAS, row, &err), 0, "%s=%s: %s", row->key, row->value, err.message);
    for (size_t i = 0; i < NEEDS && row->needs[i].path != NULL; i++)
        check_refused(&stage, row, i, &row->needs[i]);
    clear_stage(&stage);
}

Test(api_qemu_access, plain_key_needs_its_privilege_on_the_vm)
{
    for (size_t i = 0; i < COUNT_OF(plain); i++) {
        autosplit char **keys = format_split_list(plain[i].keys);
        const struct need needs[NEEDS] = {{VM, plain[i].privileges}};
        for (size_t which = 0; which < 2; which++) {
            struct lines lines = {0};
            struct stage stage;
            add_users(&lines, needs, which);
            set_stage(&stage, &lines);
            for (char **key = keys; *key != NULL; key++) {
                const struct row set = {.key = *key, .value = "1"}, removed = {.key = *key, .config = "1"};
                struct error err = {.message = ""};
                cr_expect_eq(ask(&stage, HAS, &set, &err), 0, "%s: %s", *key, err.message);
                cr_expect_eq(ask(&stage, HAS, &removed, &err), 0, "%s: %s", *key, err.message);
                check_refused(&stage, &set, 0, needs);
                check_refused(&stage, &removed, 0, needs);
            }
            clear_stage(&stage);
        }
    }
}

Test(api_qemu_access, key_needs_what_its_old_and_its_new_value_need)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        check_row(&rows[i]);
}

static void set_stage_of_admin(struct stage *stage)
{
    struct lines lines = {0};

    add_line(&lines, xstrdup("user:" ALL_BUT_ALL ":"));
    add_line(&lines, xstrdup("token:root@pam!ci:0:0:"));
    add_role(&lines, "everything", "");
    add_line(&lines, xstrdup("acl:1:/:" ALL_BUT_ALL ":everything:"));
    add_line(&lines, xstrdup("acl:1:/:root@pam!ci:everything:"));
    set_stage(stage, &lines);
}

static void check_root_only(const struct stage *stage, const struct row *row, const char *text,
                            const char *field)
{
    static const char *const others[] = {ALL_BUT_ALL, "root@pam!ci"};
    struct error err = {.message = ""};

    cr_expect_eq(ask(stage, "root@pam", row, &err), 0, "%s: %s", row->key, err.message);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        cr_expect_eq(ask(stage, others[i], row, &err), -1, "%s by %s", row->key, others[i]);
        cr_expect_eq(err.kind, field != NULL ? ERROR_INVALID : ERROR_FAILED);
        cr_expect_str_eq(err.message, text);
        cr_expect_str_eq(err.field, field != NULL ? field : "");
    }
}

Test(api_qemu_access, some_keys_are_for_root_alone_whose_tokens_are_not_root)
{
    autosplit char **keys = format_split_list(root_keys);
    struct stage stage;

    set_stage_of_admin(&stage);
    for (char **key = keys; *key != NULL; key++) {
        const struct row set = {.key = *key, .value = "1"}, removed = {.key = *key, .config = "1"};
        autofree char *text = xasprintf("only root can set '%s' config", *key);
        check_root_only(&stage, &set, text, NULL);
        check_root_only(&stage, &removed, text, NULL);
    }
    clear_stage(&stage);
}

Test(api_qemu_access, some_values_are_for_root_alone)
{
    struct stage stage;

    set_stage_of_admin(&stage);
    for (size_t i = 0; i < COUNT_OF(root_rows); i++) {
        const struct row row = {
            .key = root_rows[i].key, .config = root_rows[i].config, .value = root_rows[i].value};
        check_root_only(&stage, &row, root_rows[i].text, root_rows[i].field);
    }
    clear_stage(&stage);
}

/* "hostpci[n]" of the table is some hostpci3 here. */
static bool is_in(const char *list, const struct schema *key)
{
    autosplit char **names = format_split_list(list);
    bool found = false;

    for (char **name = names; *name != NULL; name++)
        found = found || vm_key_find(*name, NULL) == key;
    return found;
}

Test(api_qemu_access, no_key_is_left_out_here)
{
    SCHEMA_FOREACH(key, vm_keys) {
        bool found = strcmp(key->name, "cdrom") == 0 || is_in(root_keys, key); /* cdrom is ide2 */
        for (size_t i = 0; i < COUNT_OF(plain); i++)
            found = found || is_in(plain[i].keys, key);
        for (size_t i = 0; i < COUNT_OF(rows); i++)
            found = found || vm_key_find(rows[i].key, NULL) == key;
        cr_expect(found, "%s", key->name);
    }
}

/* A POST's reply tells what needs no look at values; the rest is for its task. */
Test(api_qemu_access, first_part_asks_for_plain_keys_alone)
{
    static const struct {
        const char *key, *text; /* NULL: not asked yet */
    } first[] = {{"memory", "Permission check failed (/vms/100, VM.Config.Memory)"},
                 {"args", "only root can set 'args' config"},
                 {"hostpci0", NULL},
                 {"net0", NULL},
                 {"ide2", NULL}};
    struct lines lines = {0};
    struct stage stage;

    add_line(&lines, xstrdup("user:" HAS ":"));
    set_stage(&stage, &lines);
    for (size_t i = 0; i < COUNT_OF(first); i++) {
        const char *const remove[] = {first[i].key, NULL};
        const struct qemu_call call = {&stage.service, identity_of(HAS), stage.params};
        const struct qemu_change change = {.change = {.remove = remove}};
        struct error err = {.message = ""};
        cr_expect_eq(qemu_check_keys(&call, &change, &err), first[i].text != NULL ? -1 : 0);
        cr_expect_str_eq(err.message, first[i].text != NULL ? first[i].text : "");
    }
    clear_stage(&stage);
}
