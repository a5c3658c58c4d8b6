/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store as files: what is opened, what is listed, and which links lead nowhere. */
#include "store/store.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/storage/fixture.h"

/* A store of its own in which there is one file, FOLDER/elsewhere, outside of the folders for volumes. */
static char *make_store(const struct fixture *fixture)
{
    char *store = xasprintf("%s/store", fixture->folder);
    autofree char *elsewhere = xasprintf("%s/elsewhere", fixture->folder),
                  *images = xasprintf("%s/images/100", store);
    struct error err;

    cr_assert_eq(store_prepare(store, geteuid(), &err), 0, "%s", err.message);
    cr_assert_eq(store_prepare(store, geteuid(), &err), 0, "%s", err.message);
    cr_assert_eq(mkdir(images, 0755), 0);
    cr_assert_eq(close(creat(elsewhere, 0644)), 0);
    return store;
}

static void put(const char *store, const char *place, const void *data, size_t length)
{
    autofree char *path = xasprintf("%s/%s", store, place);
    autoclose int file = creat(path, 0644);

    cr_assert_geq(file, 0, "%s", path);
    cr_assert_eq(write(file, data, length), (ssize_t)length);
}

static int open_volume(const char *store, const char *id, struct error *err)
{
    struct vm_volume volume;
    int file;

    cr_assert_eq(vm_volume_parse(id, &volume, err), 0, "%s", err->message);
    if (store_open(store, &volume, O_RDONLY, &file, err) != 0)
        return -1;
    return close(file);
}

Test(store, opens_what_is_a_file_of_its_own)
{
    autofixture struct fixture fixture;

    fixture_make(&fixture);
    autofree char *store = make_store(&fixture);
    struct error err;

    put(store, "images/100/vm-100-disk-0.raw", "disk", 4);
    put(store, "template/iso/a.iso", "disc", 4);
    cr_expect_eq(open_volume(store, "local:100/vm-100-disk-0.raw", &err), 0);
    cr_expect_eq(open_volume(store, "local:iso/a.iso", &err), 0);
    cr_expect_eq(open_volume(store, "local:iso/b.iso", &err), -1);
    cr_expect_eq(err.kind, ERROR_NOT_FOUND);
    cr_expect_str_eq(err.message, "volume 'local:iso/b.iso' does not exist");
}

Test(store, follows_no_link_and_takes_no_second_name)
{
    autofixture struct fixture fixture;

    fixture_make(&fixture);
    autofree char *store = make_store(&fixture), *elsewhere = xasprintf("%s/elsewhere", fixture.folder);
    autofree char *link_path = xasprintf("%s/template/iso/link.iso", store),
                  *hard = xasprintf("%s/template/iso/hard.iso", store),
                  *folder = xasprintf("%s/images/101", store),
                  *pipe = xasprintf("%s/template/iso/p.iso", store),
                  *target = xasprintf("%s/images/100", store);
    autojson json_t *list = NULL;
    struct error err;

    put(store, "images/100/vm-101-disk-0.raw", "", 0);
    cr_assert_eq(symlink(elsewhere, link_path), 0);
    cr_assert_eq(link(elsewhere, hard), 0);
    cr_assert_eq(symlink(target, folder), 0);
    cr_assert_eq(mkfifo(pipe, 0644), 0);
    cr_expect_eq(open_volume(store, "local:iso/link.iso", &err), -1);
    cr_expect_not_null(strstr(err.message, "is a link, or lies below one"), "%s", err.message);
    cr_expect_eq(open_volume(store, "local:101/vm-101-disk-0.raw", &err), -1);
    cr_expect_not_null(strstr(err.message, "is a link, or lies below one"), "%s", err.message);
    cr_expect_eq(open_volume(store, "local:iso/hard.iso", &err), -1);
    cr_expect_not_null(strstr(err.message, "has 2 names"), "%s", err.message);
    cr_expect_eq(open_volume(store, "local:iso/p.iso", &err), -1);
    cr_expect_not_null(strstr(err.message, "is no plain file"), "%s", err.message);
    cr_assert_eq(store_list(store, &list, &err), 0, "%s", err.message);
    cr_expect_eq(json_array_size(list), 0);
}

Test(store, lists_disks_with_the_size_that_a_guest_sees)
{
    static const unsigned char header[32] = {'Q', 'F', 'I', 0xfb, 0, 0, 0, 3, [28] = 0x40};
    autofixture struct fixture fixture;

    fixture_make(&fixture);
    autofree char *store = make_store(&fixture);
    autojson json_t *list = NULL;
    struct error err;
    size_t i;
    json_t *row;

    put(store, "images/100/vm-100-disk-1.qcow2", header, sizeof(header));
    put(store, "images/100/notes.txt", "", 0);
    put(store, "template/iso/a.iso", "disc", 4);
    cr_assert_eq(store_list(store, &list, &err), 0, "%s", err.message);
    cr_assert_eq(json_array_size(list), 2);
    json_array_foreach(list, i, row) {
        bool disc = strcmp(json_text(row, "content"), "iso") == 0;
        cr_expect_str_eq(json_text(row, "volid"), disc ? "local:iso/a.iso" : "local:100/vm-100-disk-1.qcow2");
        cr_expect_str_eq(json_text(row, "format"), disc ? "iso" : "qcow2");
        cr_expect_eq(json_integer_value(json_object_get(row, "size")), disc ? 4 : 1 << 30);
        cr_expect_eq(json_object_get(row, "vmid") == NULL, disc);
    }
}

Test(store, that_is_not_there_is_empty_and_cannot_be_measured)
{
    autojson json_t *list = NULL;
    struct store_space space;
    struct error err;

    cr_expect_eq(store_list("/nothing/like/that", &list, &err), 0);
    cr_expect_eq(json_array_size(list), 0);
    cr_expect_eq(store_measure("/nothing/like/that", &space, &err), -1);
    cr_expect_eq(store_measure("/", &space, &err), 0);
    cr_expect_gt(space.total, space.available);
}
