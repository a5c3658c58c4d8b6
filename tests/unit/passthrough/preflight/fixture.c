/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixture of the tests of a VM's preflight. */
#include "tests/unit/passthrough/preflight/fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wordexp.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "passthrough/preflight/preflight.h"
#include "tests/rom.h"
#include "tests/unit/action.h"
#include "tests/unit/hardware/fixture.h"
#include "tests/unit/storage/fixture.h"
#include "tests/unit/vm/fixture.h"
#include "vm/keys.h"

struct world {
    struct fixture fixture;
    struct tree tree;
    struct storage *storage;
    struct inventory_source *source;
    struct qemu *qemu;
    char *binary, *rom, *ovmf;
    struct vm_paths paths;
};

/* The QEMU of all worlds that have one: its answers take longer to read than all else that a test does. */
static struct {
    char *binary; /* NULL: not made yet */
    struct qemu *qemu;
} shared;

static const char good[] =
    "{'machine': 'pc-q35-7.2', 'bios': 'ovmf', 'memory': '2048', 'cores': 4, 'ostype': 'l26',"
    " 'hostpci0': '0000:01:00,pcie=1,x-vga=1,romfile=both.rom', 'net0': "
    "'virtio=BC:24:11:00:00:01,bridge=vmbr0',"
    " 'scsi0': '@/disk.raw', 'efidisk0': '@/vars.fd,efitype=4m'}";

/* Each `what` becomes `with`. The caller frees. */
static char *replace(const char *text, const char *what, const char *with)
{
    struct text result = {0};

    for (const char *found; (found = strstr(text, what)) != NULL; text = found + strlen(what)) {
        text_append_bytes(&result, text, (size_t)(found - text));
        text_append(&result, with);
    }
    text_append(&result, text);
    return text_take(&result);
}

static void put(const struct world *world, const char *name, const void *data, size_t length, mode_t mode)
{
    autofree char *path = xasprintf("%s/%s", world->fixture.folder, name);
    autofree char *folder = xstrdup(path);
    struct error err;

    *strrchr(folder, '/') = '\0';
    cr_assert_eq(file_make_folder(folder, 0755, &err), 0, "%s", err.message);
    cr_assert_eq(file_replace(path, data, length, mode, &err), 0, "%s", err.message);
}

/* Of the graphics card, with the images that these code types name. */
static void put_rom(const struct world *world, const char *name, const char *types)
{
    unsigned char rom[ROM_ROOM];
    size_t length = rom_make_types(types, 0x10de, 0x2484, rom);

    put(world, name, rom, length, 0644);
}

static void put_wrong_roms(const struct world *world)
{
    static const struct rom_part arm = {.code = 3, .vendor = 0x10de, .device = 0x2484, .machine = 0xaa64};
    unsigned char rom[512 + ROM_ROOM] = "NVGI", *own = rom + 512;

    put(world, "rom/header.rom", rom, 512 + rom_make_types("03", 0x10de, 0x2484, own), 0644);
    put(world, "rom/cut.rom", own, 1000, 0644);
    own[100] = 1;
    put(world, "rom/changed.rom", own, 1024, 0644);
    put(world, "rom/other.rom", own, rom_make_types("03", 0x1002, 0x67df, own), 0644);
    put(world, "rom/arm.rom", own, rom_make(&arm, 1, own), 0644);
}

static void put_files(struct world *world)
{
    put(world, "disk.raw", "", 0, 0644);
    put(world, "hidden.raw", "", 0, 0);
    put(world, "closed/disk.raw", "", 0, 0644);
    autofree char *closed = xasprintf("%s/closed", world->fixture.folder);
    cr_assert_eq(chmod(closed, 0700), 0);
    put(world, "vars.fd", "", 0, 0644);
    put(world, "ovmf/OVMF_VARS_4M.fd", "", 0, 0644);
    put_rom(world, "rom/both.rom", "03");
    put_rom(world, "rom/bios.rom", "0");
    put_rom(world, "rom/uefi.rom", "3");
    put_wrong_roms(world);
    put(world, "rom/text.rom", "NVGI", 4, 0644);
    put(world, "rom/folder.rom/file", "", 0, 0644);
}

static void write_qemu(const char *path, const char *without_device)
{
    autofree char *answers = vm_fake_answers("7.2"), *name = xasprintf("\"%s\"", without_device);
    autofree char *fewer = replace(answers, name, "\"another\"");
    autofree char *script = xasprintf("#!/bin/sh\ncat << 'END'\n%sEND\n", fewer);
    struct error err;

    cr_assert_eq(file_replace(path, script, strlen(script), 0755, &err), 0, "%s", err.message);
}

static void share_qemu(void)
{
    const char *above = getenv("TMPDIR");
    struct error err;

    shared.binary = xasprintf("%s/hostpci-qemu-%d", above != NULL ? above : "/tmp", (int)getpid());
    write_qemu(shared.binary, "");
    cr_assert_eq(qemu_open(shared.binary, &shared.qemu, &err), 0, "%s", err.message);
}

void preflight_end(void)
{
    if (shared.binary != NULL)
        unlink(shared.binary);
    qemu_close(shared.qemu);
    free(shared.binary);
}

static void open_qemu(struct world *world, const struct provoked *provoked)
{
    bool own = provoked->without_qemu || provoked->without_device != NULL;
    struct error err;

    if (!own && shared.binary == NULL)
        share_qemu();
    world->binary = own ? xasprintf("%s/qemu", world->fixture.folder) : xstrdup(shared.binary);
    world->qemu = shared.qemu;
    if (provoked->without_device != NULL)
        write_qemu(world->binary, provoked->without_device);
    if (own)
        cr_assert_eq(qemu_open(world->binary, &world->qemu, &err), 0, "%s", err.message);
}

static void open_world(struct world *world, const struct provoked *provoked)
{
    struct error err;

    fixture_make(&world->fixture);
    put_files(world);
    open_qemu(world, provoked);
    world->rom = xasprintf("%s/rom", world->fixture.folder);
    world->ovmf = xasprintf("%s/ovmf", world->fixture.folder);
    world->paths = (struct vm_paths){.qemu = world->binary,
                                     .run = "/run/hostpci",
                                     .rom = world->rom,
                                     .ovmf = world->ovmf,
                                     .store = "/nothing/store"};
    tree_make_host(&world->tree, provoked->host != NULL ? provoked->host : "golden");
    world->storage = fixture_open(world->fixture.path);
    cr_assert_eq(inventory_source_open(world->tree.sysroot, INVENTORY_FRESH, &world->source, &err), 0, "%s",
                 err.message);
}

static void close_world(struct world *world)
{
    inventory_source_close(world->source);
    storage_close(world->storage);
    if (world->qemu != shared.qemu)
        qemu_close(world->qemu);
    tree_remove(&world->tree);
    fixture_remove(&world->fixture);
    free(world->binary);
    free(world->rom);
    free(world->ovmf);
}

static void change_host(const struct world *world, const struct host_change *changes)
{
    for (; changes->path != NULL; changes++)
        if (changes->text == NULL)
            tree_delete(&world->tree, changes->path);
        else if (text_starts_with(changes->text, "-> "))
            tree_link(&world->tree, changes->path, changes->text + 3);
        else
            tree_write(&world->tree, changes->path, changes->text);
}

static void reserve(const struct world *world, const struct provoked *provoked)
{
    const struct reservations reservations = {world->storage, world->tree.sysroot};
    const struct reservation item = {.device = provoked->device, .key = "hostpci0"};
    struct error err;

    if (provoked->device == NULL)
        return;
    cr_assert_eq(reservations_take(&reservations, provoked->vmid, &item, 1, &err), 0, "%s", err.message);
    if (provoked->running)
        cr_assert_eq(reservations_hand_over(&reservations, provoked->vmid, getpid(), &err), 0, "%s",
                     err.message);
}

static json_t *make_config(const struct world *world, const char *changes)
{
    autofree char *own = replace(good, "@", world->fixture.folder);
    autofree char *other = replace(changes != NULL ? changes : "{}", "@", world->fixture.folder);
    autojson json_t *wanted = fixture_json(other);
    json_t *config = fixture_json(own), *value;
    const char *key;

    json_object_foreach(wanted, key, value)
        if (json_is_null(value))
            json_object_del(config, key);
        else
            json_object_set(config, key, value);
    return config;
}

/* The configuration is taken. */
static json_t *run(const struct world *world, json_t *config)
{
    autojson json_t *document = json_pack("{s:s, s:o}", "node", "pve1", "config", config);
    const struct preflight preflight = {.storage = world->storage,
                                        .sysroot = world->tree.sysroot,
                                        .inventory = world->source,
                                        .qemu = world->qemu,
                                        .paths = &world->paths,
                                        .node = "pve1",
                                        .vmid = 100,
                                        .document = document};
    autofree char *process = xasprintf("process %d", (int)getpid());
    struct error err;
    json_t *reply;

    cr_assert_eq(preflight_run(&preflight, &reply, &err), 0, "%s", err.message);
    autofree char *text = json_dumps(reply, 0);
    autofree char *plain = replace(text, world->fixture.folder, "@");
    autofree char *same = replace(plain, process, "process PID");
    json_decref(reply);
    return json_loads(same, 0, NULL);
}

#define NOBODY 65534

static void become_ordinary(const struct world *world)
{
    cr_assert_eq(chmod(world->fixture.folder, 0755), 0);
    cr_assert_eq(chmod(world->tree.path, 0755), 0);
    if (geteuid() == 0)
        cr_assert_eq(seteuid(NOBODY), 0);
}

static void make_world(struct world *world, const struct provoked *provoked)
{
    open_world(world, provoked);
    change_host(world, provoked->changes);
    if (provoked->mapping != NULL)
        fixture_put(world->storage, "mapping-pci", "gpu", provoked->mapping);
    reserve(world, provoked);
    if (provoked->ordinary)
        become_ordinary(world);
}

json_t *preflight_of(const struct provoked *provoked)
{
    __attribute__((cleanup(close_world))) struct world world;

    make_world(&world, provoked);
    json_t *reply = run(&world, make_config(&world, provoked->config));
    cr_assert_eq(seteuid(getuid()), 0);
    return reply;
}

static const char *get(const json_t *check, const char *key)
{
    const char *text = json_string_value(json_object_get(check, key));

    return text != NULL ? text : "";
}

/* The same in other words is something new. */
static bool is_told(const json_t *checks, const json_t *check)
{
    const json_t *other;
    size_t i;

    json_array_foreach(checks, i, other)
        if (strcmp(get(other, "id"), get(check, "id")) == 0 &&
            strcmp(get(other, "message"), get(check, "message")) == 0)
            return true;
    return false;
}

static void print(const json_t *check, struct text *text)
{
    autofree char *remedy = replace(get(check, "remedy"), "\n", "\n  > ");

    text_printf(text, "%s %s %s\n", get(check, "severity"), get(check, "id"), get(check, "message"));
    if (get(check, "evidence")[0] != '\0')
        text_printf(text, "  = %s\n", get(check, "evidence"));
    if (remedy[0] != '\0')
        text_printf(text, "  > %s\n", remedy);
}

static size_t count_errors(const json_t *reply)
{
    size_t i, count = 0;
    const json_t *check;

    json_array_foreach(json_object_get(reply, "checks"), i, check)
        count += strcmp(get(check, "severity"), "error") == 0;
    return count;
}

/* "hostpci qm set 100 -KEY VALUE" or "hostpci qm set 100 -delete KEY", as a shell understands it. False for
 * any other line. */
static bool apply_line(const char *line, json_t *config)
{
    wordexp_t words;

    if (!text_starts_with(line, "hostpci qm set 100 "))
        return false;
    cr_assert_eq(wordexp(line, &words, WRDE_NOCMD | WRDE_UNDEF), 0, "%s", line);
    cr_assert_eq(words.we_wordc, 6, "%s", line);
    const char *key = words.we_wordv[4] + 1, *value = words.we_wordv[5];
    if (strcmp(key, "delete") == 0) {
        json_object_del(config, value);
    } else {
        const struct schema *row = vm_key_find(key, NULL);
        cr_assert_not_null(row, "%s", line);
        json_object_set_new(config, key,
                            row->type == SCHEMA_STRING ? json_string(value)
                                                       : json_integer(strtoll(value, NULL, 10)));
    }
    wordfree(&words);
    return true;
}

/* What is typed must not make things worse, and the finding must be gone. */
static void expect_better(const struct world *world, const struct provoked *provoked, const json_t *before,
                          const json_t *check, json_t *config)
{
    autojson json_t *after = run(world, config);
    autofree char *now = json_dumps(json_object_get(after, "checks"), JSON_INDENT(1));

    cr_expect(count_errors(after) <= count_errors(before), "%s: the remedy of %s makes it worse: %s",
              provoked->about, get(check, "id"), now);
    cr_expect(!is_told(json_object_get(after, "checks"), check), "%s: the remedy of %s does not help: %s",
              provoked->about, get(check, "id"), get(check, "message"));
}

/* Applies the lines of a remedy that change the VM; "# or ..." begins another way. A way that has other
 * lines, for the host, is not tried. */
static void expect_remedy(const struct world *world, const struct provoked *provoked, const json_t *before,
                          const json_t *check)
{
    autofree char *remedy = replace(get(check, "remedy"), "@", world->fixture.folder);
    autofree char *ended = xasprintf("%s\n# or", remedy);
    json_t *config = make_config(world, provoked->config);
    size_t applied = 0, others = 0;
    char *rest = ended;

    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        if (!text_starts_with(line, "# or")) {
            bool own = apply_line(line, config);
            applied += own;
            others += !own && line[0] != '#' && line[0] != '\0';
            continue;
        }
        if (applied > 0 && others == 0)
            expect_better(world, provoked, before, check, TAKE(config));
        json_decref(config);
        config = make_config(world, provoked->config);
        applied = others = 0;
    }
    json_decref(config);
}

static void expect_provoked(const struct provoked *provoked, const json_t *fine, json_t *seen)
{
    __attribute__((cleanup(close_world))) struct world world;
    autotext struct text told = {0};
    const json_t *check;
    size_t i;

    make_world(&world, provoked);
    autojson json_t *reply = run(&world, make_config(&world, provoked->config));
    json_array_foreach(json_object_get(reply, "checks"), i, check) {
        expect_remedy(&world, provoked, reply, check);
        expect_action(provoked->about, check);
        if (is_told(fine, check))
            continue;
        print(check, &told);
        json_object_set_new(seen, get(check, "id"), json_true());
    }
    cr_assert_eq(seteuid(getuid()), 0);
    cr_expect_str_eq(text_string(&told), provoked->expected, "%s:\n%s", provoked->about, text_string(&told));
}

void expect_each_provoked(const struct provoked *rows, json_t *seen)
{
    autojson json_t *reply = preflight_of(&(const struct provoked){.about = "the good VM"});

    for (; rows->about != NULL; rows++)
        expect_provoked(rows, json_object_get(reply, "checks"), seen);
}
