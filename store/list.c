/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The volumes of the store. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/store.h"
#include "vm/keys.h"

#define BLOCK 512 /* the unit of st_blocks: stat(2) */

static void close_listing(DIR **listing)
{
    if (*listing != NULL)
        closedir(*listing);
}
#define autolisting __attribute__((cleanup(close_listing)))

static DIR *open_folder(const char *folder, const char *place)
{
    int fd = store_open_beneath(folder, place, O_RDONLY | O_DIRECTORY);
    DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;

    if (listing == NULL && fd >= 0)
        close(fd);
    return listing;
}

/* Who may not read an image sees that it is there. */
static json_t *describe(const char *folder, const struct vm_volume *volume)
{
    autofree char *id = vm_volume_print(volume);
    autoclose int file = -1;
    struct stat status;
    struct error ignored;

    if (store_open(folder, volume, O_RDONLY, &file, &ignored) != 0 &&
        store_open(folder, volume, O_PATH, &file, &ignored) != 0)
        return NULL;
    if (fstat(file, &status) != 0)
        return NULL;
    bool disc = volume->content == VM_CONTENT_ISO;
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "volid", id, "content", disc ? "iso" : "images", "format",
                  disc ? "iso" : volume->format, "size", (json_int_t)store_read_size(file, volume->format),
                  "used", (json_int_t)status.st_blocks * BLOCK, "ctime", (json_int_t)status.st_ctime);
    if (!disc)
        json_object_set_new(row, "vmid", json_integer(volume->vmid));
    return row;
}

static int too_many(struct error *err)
{
    return error_set(err, ERROR_TOO_LARGE, "the storage '" VM_STORE "' has more than %d volumes",
                     STORE_LIST_LIMIT);
}

static int list_folder(const char *folder, const char *place, long long vmid, json_t *list, struct error *err)
{
    autolisting DIR *listing = open_folder(folder, place);
    struct vm_volume volume;

    for (const struct dirent *entry; listing != NULL && (entry = readdir(listing)) != NULL;) {
        if (!vm_volume_name(vmid, entry->d_name, &volume))
            continue;
        json_t *row = describe(folder, &volume);
        if (row != NULL)
            json_array_append_new(list, row);
        if (json_array_size(list) > STORE_LIST_LIMIT)
            return too_many(err);
    }
    return 0;
}

int store_list(const char *folder, json_t **ret, struct error *err)
{
    autolisting DIR *images = open_folder(folder, "images");
    autojson json_t *list = json_array();

    if (list_folder(folder, "template/iso", 0, list, err) != 0)
        return -1;
    for (const struct dirent *entry; images != NULL && (entry = readdir(images)) != NULL;) {
        autofree char *place = xasprintf("images/%s", entry->d_name);
        unsigned long long vmid;
        if (entry->d_name[0] == '0' || !text_to_number(entry->d_name, 10, VM_ID_MAX, &vmid) ||
            vmid < VM_ID_MIN)
            continue;
        if (list_folder(folder, place, (long long)vmid, list, err) != 0)
            return -1;
    }
    *ret = TAKE(list);
    return 0;
}
