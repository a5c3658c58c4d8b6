/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disk images that users other than root@pam may use as a VM's disk. */
#include "vm/image.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define VERSION_WITH_FEATURES 3
#define EXTERNAL_DATA         4 /* a bit of the last byte of the incompatible features */

/* All numbers are big-endian. */
struct qcow2_header {
    uint8_t magic[4];
    uint8_t version[4];
    uint8_t backing_file[8]; /* offset of its name; 0: none */
    uint8_t not_read[56];
    uint8_t incompatible[8]; /* features; since version 3 */
};

bool vm_image_is_known_format(const char *format)
{
    return strcmp(format, "raw") == 0 || strcmp(format, "qcow2") == 0;
}

static bool is_zero(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static int check_header(int file, struct error *err)
{
    static const uint8_t magic[] = {'Q', 'F', 'I', 0xfb};
    struct qcow2_header header = {.magic = {0}};
    ssize_t got = pread(file, &header, sizeof(header), 0);

    if (got < 0)
        return error_set(err, ERROR_FORBIDDEN, "cannot be read: %s", strerror(errno));
    if (got < (ssize_t)sizeof(magic) || memcmp(header.magic, magic, sizeof(magic)) != 0)
        return 0;
    if (!is_zero(header.backing_file, sizeof(header.backing_file)))
        return error_set(err, ERROR_FORBIDDEN, "has a backing file");
    if (header.version[3] >= VERSION_WITH_FEATURES && (header.incompatible[7] & EXTERNAL_DATA) != 0)
        return error_set(err, ERROR_FORBIDDEN, "has its data in another file");
    return 0;
}

int vm_image_check(int file, const char *format, struct error *err)
{
    struct stat status;

    if (fstat(file, &status) != 0)
        return error_set(err, ERROR_FORBIDDEN, "cannot be examined: %s", strerror(errno));
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        return error_set(err, ERROR_FORBIDDEN, "is neither a file nor a block device");
    if (S_ISREG(status.st_mode) && status.st_nlink != 1)
        return error_set(err, ERROR_FORBIDDEN, "has %lu names (hard links)", (unsigned long)status.st_nlink);
    if (!vm_image_is_known_format(format))
        return error_set(err, ERROR_FORBIDDEN, "is of the format %s, not raw or qcow2", format);
    return strcmp(format, "qcow2") == 0 ? check_header(file, err) : 0;
}
