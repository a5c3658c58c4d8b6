/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files and block devices a VM's configuration may name. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/qemu/volume.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "schema/property_string.h"
#include "tests/unit/storage/fixture.h"
#include "vm/keys.h"

static json_t *parse(const char *key, const char *value)
{
    json_t *values;
    struct error err;

    cr_assert_eq(property_string_parse(vm_key_find(key, NULL), value, &values, &err), 0, "%s: %s", value,
                 err.message);
    return values;
}

static void write_file(const char *folder, const char *name)
{
    autofree char *path = xasprintf("%s/%s", folder, name);
    autoclose int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    cr_assert_geq(fd, 0, "%s", path);
}

static void make_link(const char *folder, const char *name, const char *target)
{
    autofree char *path = xasprintf("%s/%s", folder, name);

    cr_assert_eq(symlink(target, path), 0, "%s", path);
}

/* FOLDER/images is the volume folder, FOLDER/linked another name of it; what is beside it is not. */
static void make_files(const char *folder)
{
    static const char *const folders[] = {"images", "images/100", "images-of-others", "private"};
    static const char *const files[] = {"images/a.raw",           "images/a.qcow2",   "images/a.iso",
                                        "images/100/a",           "images/a b.raw",   "private/secret.raw",
                                        "images-of-others/a.raw", "images/.qcow2.raw"};
    static const char *const links[][2] = {{"images/out.raw", "../private/secret.raw"},
                                           {"images/out", "../private"},
                                           {"images/null.raw", "/dev/null"},
                                           {"images/in.raw", "100/a"},
                                           {"images/raw.raw", "a.qcow2"},
                                           {"images/dangling.raw", "nothing"},
                                           {"images/loop.raw", "loop.raw"},
                                           {"private/in.raw", "../images/a.raw"},
                                           {"linked", "images"}};
    autofree char *fifo = xasprintf("%s/images/fifo.raw", folder);

    for (size_t i = 0; i < COUNT_OF(folders); i++) {
        autofree char *path = xasprintf("%s/%s", folder, folders[i]);
        cr_assert_eq(mkdir(path, 0700), 0);
    }
    for (size_t i = 0; i < COUNT_OF(files); i++)
        write_file(folder, files[i]);
    for (size_t i = 0; i < COUNT_OF(links); i++)
        make_link(folder, links[i][0], links[i][1]);
    cr_assert_eq(mkfifo(fifo, 0600), 0);
}

/* Volumes as others than root@pam name them; a relative one is below the fixture's folder. */
static const struct {
    const char *volume;
    bool allowed;
} places[] = {
    {"images/a.raw", true},
    {"images//a.raw", true},
    {"images/a.iso,media=cdrom", true},
    {"images/100/a", true},
    {"images/a b.raw", true},
    {"images/in.raw", true},
    {"none", true},
    {"none,media=cdrom", true},
    {"cdrom", true},

    {"images", false},
    {"images/", false},
    {"images/.", false},
    {"images/100", false},
    {"images/new.raw", false},
    {"images/fifo.raw", false},
    {"images/dangling.raw", false},
    {"images/loop.raw", false},
    {"images/null.raw", false},
    {"images/out.raw", false},
    {"images/out/secret.raw", false},
    {"images/../private/secret.raw", false},
    {"images/100/../../private/secret.raw", false},
    {"images//..//private/secret.raw", false},
    {"images-of-others/a.raw", false},
    {"private/secret.raw", false},
    /* ways in from elsewhere, which may lead elsewhere by the time that the VM starts */
    {"private/in.raw", false},
    {"private/../images/a.raw", false},
    {"images/../private/in.raw", false},
    {"images/100/../a.raw", false},
    {"/etc/passwd", false},
    {"/etc/passwd,media=cdrom", false},
    {"//etc/passwd", false},
    {"/../etc/passwd", false},
    {"/dev/sda", false},
    {"/dev/null", false},
    {"/dev/mem", false},
    {"/dev/fd/0", false},
    {"/proc/self/exe", false},
    {"/proc/self/root/etc/passwd", false},
    {"/proc/self/cwd/README.md", false},
    {"/sys/kernel/notes", false},
};

/* Each way to write the same folders. */
static void check_places(const char *folder, const char *const *dirs)
{
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        const char *volume = places[i].volume;
        bool whole = volume[0] == '/' || text_starts_with(volume, "none") || strcmp(volume, "cdrom") == 0;
        autofree char *value = whole ? xstrdup(volume) : xasprintf("%s/%s", folder, volume);
        autojson json_t *values = parse("ide0", value);
        struct error err = {.message = ""};
        cr_expect_eq(qemu_volume_check_place(dirs, "ide0", values, &err), places[i].allowed ? 0 : -1,
                     "%s of %s: %s", value, dirs[0], err.message);
        cr_expect(places[i].allowed || err.kind == ERROR_FORBIDDEN, "%s", value);
        cr_expect(places[i].allowed || text_starts_with(err.message, "only root can set 'ide0' to '"), "%s",
                  err.message);
    }
}

Test(api_qemu_volume, others_than_root_name_files_below_a_volume_folder)
{
    autofixture struct fixture fixture;

    fixture_make(&fixture);
    make_files(fixture.folder);
    autofree char *dir = xasprintf("%s/images", fixture.folder),
                  *slash = xasprintf("%s/images/", fixture.folder),
                  *link = xasprintf("%s/linked", fixture.folder),
                  *missing = xasprintf("%s/missing", fixture.folder);
    check_places(fixture.folder, (const char *const[]){dir, NULL});
    check_places(fixture.folder, (const char *const[]){slash, NULL});
    check_places(fixture.folder, (const char *const[]){link, NULL});
    check_places(fixture.folder, (const char *const[]){missing, "relative", dir, NULL});
}

Test(api_qemu_volume, a_link_to_a_volume_folder_is_one_only_if_it_is_configured)
{
    autofixture struct fixture fixture;
    struct error err;

    fixture_make(&fixture);
    make_files(fixture.folder);
    autofree char *dir = xasprintf("%s/images", fixture.folder),
                  *link = xasprintf("%s/linked", fixture.folder), *value = xasprintf("%s/a.raw", link);
    autojson json_t *values = parse("ide0", value);
    cr_expect_eq(qemu_volume_check_place((const char *const[]){link, NULL}, "ide0", values, &err), 0);
    cr_expect_eq(qemu_volume_check_place((const char *const[]){dir, NULL}, "ide0", values, &err), -1);
}

Test(api_qemu_volume, without_a_folder_nothing_can_be_named)
{
    autojson json_t *values = parse("ide0", "/etc/passwd");
    static const char *const none[] = {NULL};
    struct error err;

    cr_assert_eq(qemu_volume_check_place(NULL, "ide0", values, &err), -1);
    cr_expect_str_eq(err.message, "only root can set 'ide0' to '/etc/passwd': others may name files that are "
                                  "there below a --volume-dir of the daemon (there is none)");
    cr_assert_eq(qemu_volume_check_place(none, "ide0", values, &err), -1);
}

/* A guest writes what it likes into a raw disk: the header of a qcow2 file whose backing file is the host's
 * /etc/shadow, for one. */
Test(api_qemu_volume, format_is_what_the_name_says)
{
    static const struct {
        const char *file, *format;
        bool allowed;
    } rows[] = {
        {"a.raw", "raw", true},      {"a.raw", "qcow2", false},      {"a.raw", "vmdk", false},
        {"a.qcow2", "qcow2", true},  {"a.qcow2", "raw", false},      {"a.qcow2", NULL, false},
        {".qcow2.raw", "raw", true}, {".qcow2.raw", "qcow2", false}, {"100/a", NULL, true},
        {"100/a", "qcow2", false},   {"raw.raw", "raw", false}, /* a link to a.qcow2 */
        {"raw.raw", "qcow2", true},
    };
    autofixture struct fixture fixture;

    fixture_make(&fixture);
    make_files(fixture.folder);
    autofree char *dir = xasprintf("%s/images", fixture.folder);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *format = rows[i].format;
        autofree char *value = xasprintf("%s/%s%s%s", dir, rows[i].file, format != NULL ? ",format=" : "",
                                         format != NULL ? format : "");
        autojson json_t *values = parse("scsi0", value);
        struct error err = {.message = ""};
        cr_expect_eq(qemu_volume_check_place((const char *const[]){dir, NULL}, "scsi0", values, &err),
                     rows[i].allowed ? 0 : -1, "%s: %s", value, err.message);
        cr_expect(rows[i].allowed || strstr(err.message, "by its name it is format=") != NULL, "%s",
                  err.message);
    }
}

/* An image that leads to another file gives a guest that file. */
Test(api_qemu_volume, image_leads_nowhere_else)
{
    static const char with_backing[104] = {'Q', 'F', 'I', (char)0xfb, 0, 0, 0, 3, [15] = 104, [19] = 11},
                      of_version_2[72] = {'Q', 'F', 'I', (char)0xfb, 0, 0, 0, 2, [15] = 72, [19] = 11},
                      with_data[104] = {'Q', 'F', 'I', (char)0xfb, 0, 0, 0, 3, [79] = 4},
                      alone[104] = {'Q', 'F', 'I', (char)0xfb, 0, 0, 0, 3, [79] = 1 + 8 + 16},
                      descriptor[] = "# Disk DescriptorFile\nversion=1\nRW 63 FLAT \"/etc/shadow\" 0\n";
    static const struct {
        const char *file, *format, *content;
        size_t size;
        const char *refusal; /* NULL: allowed */
    } rows[] = {
        {"b.qcow2", "qcow2", with_backing, sizeof(with_backing), "it has a backing file"},
        {"c.qcow2", "qcow2", of_version_2, sizeof(of_version_2), "it has a backing file"},
        {"d.qcow2", "qcow2", with_data, sizeof(with_data), "it has its data in another file"},
        {"e.qcow2", "qcow2", alone, sizeof(alone), NULL},
        {"f.qcow2", "qcow2", alone, 20, NULL},
        {"g.raw", "raw", with_backing, sizeof(with_backing), NULL},
        {"h.vmdk", "vmdk", descriptor, sizeof(descriptor), "it is of the format vmdk, not raw or qcow2"},
        {"i.qcow", "qcow", alone, sizeof(alone), "it is of the format qcow,"},
        {"j.qed", "qed", alone, sizeof(alone), "it is of the format qed,"},
        {"k.cloop", "cloop", alone, sizeof(alone), "it is of the format cloop,"},
    };
    autofixture struct fixture fixture;
    struct error err;

    fixture_make(&fixture);
    make_files(fixture.folder);
    autofree char *dir = xasprintf("%s/images", fixture.folder), *linked = xasprintf("%s/a.raw", dir),
                  *link_name = xasprintf("%s/private/second", fixture.folder);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        autofree char *path = xasprintf("%s/%s", dir, rows[i].file),
                      *value = xasprintf("%s,format=%s", path, rows[i].format);
        autojson json_t *values = parse("scsi0", value);
        err = (struct error){.message = ""};
        cr_assert_eq(file_replace(path, rows[i].content, rows[i].size, 0600, &err), 0);
        cr_expect_eq(qemu_volume_check_place((const char *const[]){dir, NULL}, "scsi0", values, &err),
                     rows[i].refusal != NULL ? -1 : 0, "%s: %s", value, err.message);
        cr_expect(rows[i].refusal == NULL || strstr(err.message, rows[i].refusal) != NULL, "%s", err.message);
    }
    autojson json_t *values = parse("scsi0", linked);
    cr_assert_eq(link(linked, link_name), 0);
    cr_expect_eq(qemu_volume_check_place((const char *const[]){dir, NULL}, "scsi0", values, &err), -1);
    cr_expect_not_null(strstr(err.message, "it has 2 names (hard links)"), "%s", err.message);
}
