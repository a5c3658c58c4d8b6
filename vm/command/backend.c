/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The back end of a disk: -drive up to machine version 9, -blockdev from version 10 on. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "vm/command/parts.h"
#include "vm/disk.h"
#include "vm/refusal.h"

static const struct cache {
    const char *name;
    bool direct, no_flush;
} caches[] = {{"none", true, false},
              {"directsync", true, false},
              {"writethrough", false, false},
              {"writeback", false, false},
              {"unsafe", false, true}};

static const char *detect_zeroes(const json_t *values)
{
    if (vm_value_number(values, "detect_zeroes", 1) == 0)
        return "off";
    return strcmp(json_text_or(values, "discard", "ignore"), "on") == 0 ? "unmap" : "on";
}

static void print_option(struct text *text, const json_t *values, const char *key)
{
    const char *value = json_text_or(values, key, NULL);

    if (value != NULL)
        text_printf(text, ",%s=%s", key, value);
}

static void print_limits(struct text *text, const json_t *values)
{
    autojson json_t *limits = vm_disk_limits(values);
    const char *name;
    json_t *value;

    json_object_foreach(limits, name, value)
        text_printf(text, ",throttling.%s=%" JSON_INTEGER_FORMAT, name, json_integer_value(value));
}

/* By default QEMU first opens a file for reading, and keeps the locks that it has by that descriptor, so that
 * it could not make the disk larger then. */
static const char *print_access(const struct vm_build *build, const struct vm_build_disk *disk)
{
    bool writes = !disk->cdrom && vm_value_number(disk->values, "ro", 0) == 0;

    return writes && build->what->hand != NULL ? ",auto-read-only=off" : "";
}

static void add_drive(struct vm_build *build, const struct vm_build_disk *disk)
{
    const json_t *values = disk->values;
    autotext struct text text = {0};

    if (disk->file != NULL) {
        autofree char *file = vm_command_escape(disk->name);
        text_printf(&text, "file=%s,", file);
    }
    text_printf(&text, "if=none,id=drive-%s", disk->key);
    if (disk->cdrom)
        text_append(&text, ",media=cdrom");
    else
        print_option(&text, values, "media");
    print_option(&text, values, "cache");
    print_option(&text, values, "discard");
    print_limits(&text, values);
    text_append(&text, vm_value_number(values, "snapshot", 0) != 0 ? ",snapshot=on" : "");
    text_append(&text, vm_value_number(values, "ro", 0) != 0 ? ",readonly=on" : "");
    text_append(&text, print_access(build, disk));
    if (disk->file != NULL)
        text_printf(&text, ",format=%s", vm_disk_format(values));
    if (!disk->cdrom && json_text_or(values, "cache", NULL) == NULL)
        text_append(&text, ",cache=none");
    text_printf(&text, ",aio=%s", json_text_or(values, "aio", "io_uring"));
    if (!disk->cdrom)
        text_printf(&text, ",detect-zeroes=%s", detect_zeroes(values));
    vm_build_add(build, VM_DEVICES, "-drive", "%s", text_string(&text));
}

/* The cache settings, which are the same for all nodes of a disk. */
static const struct cache *find_cache(const struct vm_build_disk *disk)
{
    const char *name = json_text_or(disk->values, "cache", disk->cdrom ? "writeback" : "none");
    const struct cache *cache = caches;

    while (strcmp(cache->name, name) != 0) /* the schema allows no other name */
        cache++;
    return cache;
}

static const char *file_driver(const struct vm_build_disk *disk)
{
    if (disk->host_drive)
        return "host_cdrom";
    return vm_disk_is_device(disk->file) ? "host_device" : "file";
}

/* A node whose name ends in the disk's key, with the options that all nodes of the disk have in common. */
static json_t *make_node(const struct vm_build_disk *disk, const char *driver, const char *prefix)
{
    const struct cache *cache = find_cache(disk);
    bool unmap = strcmp(json_text_or(disk->values, "discard", "ignore"), "on") == 0;
    bool read_only = disk->cdrom || vm_value_number(disk->values, "ro", 0) != 0;
    autofree char *name = xasprintf("%s-%s", prefix, disk->key);

    return json_pack("{s:s, s:s, s:{s:b, s:b}, s:s, s:b}", "driver", driver, "node-name", name, "cache",
                     "direct", cache->direct, "no-flush", cache->no_flush, "discard",
                     unmap ? "unmap" : "ignore", "read-only", read_only);
}

static json_t *make_nodes(const struct vm_build_disk *disk)
{
    const json_t *values = disk->values;
    autofree char *group = xasprintf("throttle-drive-%s", disk->key);
    json_t *file = make_node(disk, file_driver(disk), "file");
    json_t *format = make_node(disk, vm_disk_format(values), "format");
    json_t *top = make_node(disk, "throttle", "drive");

    json_object_set_new(file, "filename", json_string(disk->name));
    json_object_set_new(file, "aio", json_string(json_text_or(values, "aio", "io_uring")));
    if (!disk->cdrom)
        json_object_set_new(top, "detect-zeroes", json_string(detect_zeroes(values)));
    json_object_set_new(format, "file", file);
    json_object_set_new(top, "file", format);
    json_object_set_new(top, "throttle-group", json_string(group));
    return top;
}

static int add_blockdev(struct vm_build *build, const struct vm_build_disk *disk, struct error *err)
{
    if (disk->file == NULL)
        return 0;
    if (vm_value_number(disk->values, "snapshot", 0) != 0)
        return error_set_field(err, disk->key, "%s: snapshot needs a machine version below 10.0", disk->key);
    autojson json_t *group = json_pack("{s:s, s:s+, s:o}", "qom-type", "throttle-group", "id",
                                       "throttle-drive-", disk->key, "limits", vm_disk_limits(disk->values));
    autojson json_t *nodes = make_nodes(disk);
    autofree char *object = json_dumps(group, JSON_COMPACT), *device = json_dumps(nodes, JSON_COMPACT);
    vm_build_add(build, VM_DEVICES, "-object", "%s", object);
    vm_build_add(build, VM_DEVICES, "-blockdev", "%s", device);
    return 0;
}

int vm_build_add_backend(struct vm_build *build, const struct vm_build_disk *disk, struct error *err)
{
    const struct vm_file volume = {.kind = VM_FILE_VOLUME,
                                   .path = disk->file,
                                   .format = vm_disk_format(disk->values),
                                   .in_store = vm_disk_is_in_store(disk->values),
                                   .read_only = disk->cdrom || vm_value_number(disk->values, "ro", 0) != 0,
                                   .direct = find_cache(disk)->direct};
    struct vm_build_disk named = *disk;

    if (disk->host_drive) /* QEMU opens the drive itself, which may be empty */
        named.name = xstrdup(disk->file);
    else if (disk->file != NULL && vm_build_volume(build, &volume, &named.name, err) != 0)
        return vm_refuse_key(disk->key, err);
    int result = 0;
    if (vm_build_machine_at_least(build, 10, 0, 0))
        result = add_blockdev(build, &named, err);
    else
        add_drive(build, &named);
    free(named.name);
    return result;
}
