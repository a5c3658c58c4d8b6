/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes: which files and block devices a VM's configuration may name. */
#include "api/qemu/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "schema/validate.h"
#include "vm/image.h"

static bool is_medium(const char *file)
{
    return strcmp(file, "none") == 0 || strcmp(file, "cdrom") == 0;
}

/* Whether the path as it is written leads below the folder, too: a link elsewhere could be changed before the
 * VM starts. */
static bool is_written_below(const char *dir, const char *folder, const char *file)
{
    return (file_is_below(file, dir) || file_is_below(file, folder)) && strstr(file, "/../") == NULL;
}

/* Whether the file lies below one of the folders; `path` is the file with all links followed. */
static bool lies_in_one(const char *const *dirs, const char *file, const char *path)
{
    for (; dirs != NULL && *dirs != NULL; dirs++) {
        autofree char *folder = realpath(*dirs, NULL);
        if (folder != NULL && is_written_below(*dirs, folder, file) && file_is_below(path, folder))
            return true;
    }
    return false;
}

static bool is_disk(int file)
{
    struct stat status;

    return fstat(file, &status) == 0 && (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode));
}

/* The format that the name's extension stands for; raw if it stands for none. */
static const char *format_of(const char *path)
{
    static const char *const formats[] = {"qcow2", "qcow", "qed", "vmdk", "cloop"};

    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        autofree char *ending = xasprintf(".%s", formats[i]);
        if (text_ends_with(path, ending))
            return formats[i];
    }
    return "raw";
}

static int refuse_place(const char *const *dirs, const char *key, const char *file, struct error *err)
{
    autotext struct text all = {0};

    for (; dirs != NULL && *dirs != NULL; dirs++)
        text_printf(&all, "%s%s", all.length > 0 ? ", " : "", *dirs);
    return error_set(err, ERROR_FORBIDDEN,
                     "only root can set '%s' to '%.200s': others may name files that are there below a "
                     "--volume-dir of the daemon (%s)",
                     key, file, all.length > 0 ? text_string(&all) : "there is none");
}

/* The content of a raw file does not matter, so we need not be able to read it. */
static int check_image(const char *key, const char *file, const char *path, const char *format,
                       struct error *err)
{
    bool raw = strcmp(format, "raw") == 0;
    autoclose int image =
        open(path, (raw ? O_PATH : O_RDONLY | O_NONBLOCK | O_NOCTTY) | O_NOFOLLOW | O_CLOEXEC);
    struct error why;

    if (image < 0)
        return error_set(err, ERROR_FORBIDDEN,
                         "only root can set '%s' to '%.200s': the daemon cannot read it: %s", key, file,
                         strerror(errno));
    if (vm_image_check(image, format, &why) == 0)
        return 0;
    return error_set(err, ERROR_FORBIDDEN, "only root can set '%s' to '%.200s': it %s", key, file,
                     why.message);
}

int qemu_volume_check_place(const char *const *dirs, const char *key, const json_t *values, struct error *err)
{
    const char *file = json_text_or(values, "file", NULL), *format = json_text_or(values, "format", "raw");

    if (is_medium(file))
        return 0;
    autofree char *path = file[0] == '/' ? realpath(file, NULL) : NULL;
    autoclose int found = path != NULL ? open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (found < 0 || !lies_in_one(dirs, file, path) || !is_disk(found))
        return refuse_place(dirs, key, file, err);
    if (strcmp(format, format_of(path)) != 0)
        return error_set(err, ERROR_FORBIDDEN,
                         "only root can use '%.200s' of '%s' as %s: by its name it is format=%s", file, key,
                         format, format_of(path));
    return check_image(key, file, path, format, err);
}
