/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ideN, sataN, scsiN, virtioN: disks and CD-ROM drives. */
#include "vm/disk.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "schema/property_string.h"
#include "vm/keys.h"
#include "vm/volume.h"

#define MIB 1048576.0
#define HIGHEST                                                                                              \
    1e15 /* bytes or operations a second: THROTTLE_VALUE_MAX of QEMU's include/qemu/throttle.h               \
          */

/* A limit for both directions or for one. A burst is allowed for `length` seconds. */
static const struct limit {
    const char *rate, *burst, *length; /* keys */
    const char *name;                  /* QEMU's name, to which -max and -max-length are appended */
    double unit;
    const char *reads, *writes; /* the limits of one direction, which cannot be set together with it */
} limits[] = {
    {"mbps", "mbps_max", "bps_max_length", "bps-total", MIB, "mbps_rd", "mbps_wr"},
    {"mbps_rd", "mbps_rd_max", "bps_rd_max_length", "bps-read", MIB, NULL, NULL},
    {"mbps_wr", "mbps_wr_max", "bps_wr_max_length", "bps-write", MIB, NULL, NULL},
    {"iops", "iops_max", "iops_max_length", "iops-total", 1, "iops_rd", "iops_wr"},
    {"iops_rd", "iops_rd_max", "iops_rd_max_length", "iops-read", 1, NULL, NULL},
    {"iops_wr", "iops_wr_max", "iops_wr_max_length", "iops-write", 1, NULL, NULL},
};

static const char *const byte_keys[][2] = {
    {"bps", "bps-total"}, {"bps_rd", "bps-read"}, {"bps_wr", "bps-write"}};

static bool has(const json_t *values, const char *key)
{
    return key != NULL && json_object_get(values, key) != NULL;
}

static int check_rate(const json_t *values, const char *key, double unit, struct error *err)
{
    const json_t *value = json_object_get(values, key);
    double highest = floor(HIGHEST / unit), rate = json_number_value(value);

    if (value == NULL || (rate >= 0 && rate <= highest))
        return 0;
    return error_set(err, ERROR_INVALID, "%s must be from 0 to %.16g, not %.16g", key, highest, rate);
}

static int check_rates(const json_t *values, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(limits); i++)
        if (check_rate(values, limits[i].rate, limits[i].unit, err) != 0 ||
            check_rate(values, limits[i].burst, limits[i].unit, err) != 0)
            return -1;
    for (size_t i = 0; i < COUNT_OF(byte_keys); i++)
        if (check_rate(values, byte_keys[i][0], 1, err) != 0)
            return -1;
    return 0;
}

static int check_limit(const struct limit *limit, const json_t *values, struct error *err)
{
    const char *other = has(values, limit->reads)    ? limit->reads
                        : has(values, limit->writes) ? limit->writes
                                                     : NULL;

    if (has(values, limit->rate) && other != NULL)
        return error_set(err, ERROR_INVALID, "%s and %s cannot be set at the same time", limit->rate, other);
    if (has(values, limit->burst) && !has(values, limit->rate))
        return error_set(err, ERROR_INVALID, "%s needs %s", limit->burst, limit->rate);
    if (has(values, limit->length) && !has(values, limit->burst))
        return error_set(err, ERROR_INVALID, "%s needs %s", limit->length, limit->burst);
    return 0;
}

static int check_cdrom(const char *key, const json_t *values, struct error *err)
{
    static const char *const without[] = {"snapshot", "format"};

    if (!vm_disk_is_cdrom(values))
        return 0;
    if (text_starts_with(key, "virtio"))
        return error_set(err, ERROR_INVALID, "a CD-ROM cannot be on virtio: use ide, sata or scsi");
    for (size_t i = 0; i < COUNT_OF(without); i++)
        if (has(values, without[i]))
            return error_set(err, ERROR_INVALID, "a CD-ROM cannot have %s", without[i]);
    return 0;
}

int vm_disk_parse(const char *key, const char *value, json_t **ret, struct error *err)
{
    autojson json_t *values = NULL;

    if (property_string_parse(vm_key_find(key, NULL), value, &values, err) != 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(limits); i++)
        if (check_limit(&limits[i], values, err) != 0)
            return -1;
    if (check_rates(values, err) != 0 || check_cdrom(key, values, err) != 0)
        return -1;
    *ret = TAKE(values);
    return 0;
}

int vm_disk_from_cdrom(const char *value, char **ret, struct error *err)
{
    autojson json_t *values = NULL;

    if (vm_disk_parse("ide2", value, &values, err) != 0)
        return -1;
    json_object_set_new(values, "media", json_string("cdrom"));
    *ret = property_string_print(vm_key_find("ide2", NULL), values);
    return 0;
}

bool vm_disk_is_cdrom(const json_t *values)
{
    const char *media = json_string_value(json_object_get(values, "media"));
    const char *file = json_string_value(json_object_get(values, "file"));

    return (media != NULL && strcmp(media, "cdrom") == 0) ||
           (file != NULL && (strcmp(file, "none") == 0 || strcmp(file, "cdrom") == 0));
}

static bool is_medium(const char *file)
{
    return strcmp(file, "none") == 0 || strcmp(file, "cdrom") == 0;
}

/* The format is part of the name, so that what a guest wrote in one format is never read in another. */
static int check_format(const char *key, const json_t *values, const struct vm_volume *volume,
                        struct error *err)
{
    const char *format = json_text_or(values, "format", volume->format);

    if (strcmp(format, volume->format) == 0)
        return 0;
    return error_set_field(err, key, "'%s' is of the format %s by its name, not %s", volume->name,
                           volume->format, format);
}

int vm_disk_check_volume(const char *key, const json_t *values, struct error *err)
{
    const char *file = json_text(values, "file"), *source = json_text_or(values, "import-from", NULL);
    struct vm_volume volume;

    if (source != NULL)
        return error_set_field(err, key,
                               "'import-from' is not supported here: '%.200s' is not copied. Copy it below a "
                               "--volume-dir of the daemon and give the absolute path of the copy",
                               source);
    if (file[0] == '/' || is_medium(file))
        return 0;
    if (vm_volume_parse(file, &volume, err) != 0)
        return error_set_field(err, key, "%s", err->message);
    if (volume.content == VM_CONTENT_ISO && !vm_disk_is_cdrom(values))
        return error_set_field(err, key, "explicit 'media=cdrom' is required for iso images");
    return check_format(key, values, &volume, err);
}

int vm_disk_path(const char *key, const json_t *values, const char *store, char **ret, struct error *err)
{
    const char *file = json_text(values, "file");
    struct vm_volume volume;

    if (strcmp(file, "none") == 0) {
        *ret = NULL;
        return 0;
    }
    if (file[0] == '/' || is_medium(file)) {
        *ret = xstrdup(file[0] == '/' ? file : "/dev/cdrom");
        return 0;
    }
    if (vm_disk_check_volume(key, values, err) != 0)
        return error_prefix(err, "%s: ", key);
    vm_volume_parse(file, &volume, err);
    autofree char *place = vm_volume_place(&volume);
    *ret = xasprintf("%s/%s", store, place);
    return 0;
}

bool vm_disk_is_in_store(const json_t *values)
{
    return vm_volume_is_in_store(json_text(values, "file"));
}

const char *vm_disk_format(const json_t *values)
{
    struct vm_volume volume;
    struct error ignored;
    bool named =
        vm_disk_is_in_store(values) && vm_volume_parse(json_text(values, "file"), &volume, &ignored) == 0;

    return named ? volume.format : json_text_or(values, "format", "raw");
}

static void set_limit(json_t *ret, const char *name, const char *suffix, const json_t *value, double unit)
{
    autofree char *key = xasprintf("%s%s", name, suffix);

    if (value != NULL)
        json_object_set_new(ret, key, json_integer((json_int_t)(json_number_value(value) * unit)));
}

bool vm_disk_is_device(const char *path)
{
    return text_starts_with(path, "/dev/") && !text_starts_with(path, "/dev/shm/");
}

json_t *vm_disk_limits(const json_t *values)
{
    json_t *ret = json_object();

    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        set_limit(ret, limits[i].name, "", json_object_get(values, limits[i].rate), limits[i].unit);
        set_limit(ret, limits[i].name, "-max", json_object_get(values, limits[i].burst), limits[i].unit);
        set_limit(ret, limits[i].name, "-max-length", json_object_get(values, limits[i].length), 1);
    }
    for (size_t i = 0; i < COUNT_OF(byte_keys); i++)
        set_limit(ret, byte_keys[i][1], "", json_object_get(values, byte_keys[i][0]), 1);
    return ret;
}
