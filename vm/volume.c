/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of volumes in the store. */
#include "vm/volume.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "vm/keys.h"

#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+~@()-"
#define DIGITS       "0123456789"
#define ISO_FOLDER   "iso/"

static const char *const image_formats[] = {"raw", "qcow2"};
static const char *const disc_endings[] = {".iso", ".img"};

bool vm_volume_is_in_store(const char *id)
{
    return text_starts_with(id, VM_STORE ":");
}

static bool is_plain(const char *name)
{
    return name[0] != '.' && name[0] != '\0' && name[strspn(name, NAME_LETTERS)] == '\0' &&
           strlen(name) <= VM_VOLUME_NAME_LIMIT;
}

static bool is_disc(const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < COUNT_OF(disc_endings); i++)
        if (length > 4 && strcasecmp(name + length - 4, disc_endings[i]) == 0)
            return true;
    return false;
}

/* The format of vm-100-NAME.qcow2. An image has its VM's number twice, in the folder and in the name. */
static const char *image_format(long long vmid, const char *name)
{
    autofree char *prefix = xasprintf("vm-%lld-", vmid);

    if (!text_starts_with(name, prefix) || name[strlen(prefix)] == '.')
        return NULL;
    for (size_t i = 0; i < COUNT_OF(image_formats); i++) {
        autofree char *ending = xasprintf(".%s", image_formats[i]);
        if (text_ends_with(name, ending))
            return image_formats[i];
    }
    return NULL;
}

bool vm_volume_name(long long vmid, const char *name, struct vm_volume *ret)
{
    const char *format = vmid == 0 ? (is_disc(name) ? "raw" : NULL) : image_format(vmid, name);

    if (format == NULL || !is_plain(name))
        return false;
    *ret = (struct vm_volume){
        .content = vmid == 0 ? VM_CONTENT_ISO : VM_CONTENT_IMAGES, .vmid = vmid, .format = format};
    memcpy(ret->name, name, strlen(name) + 1);
    return true;
}

/* Parses "100/" at the beginning; the number must be spelled exactly like this, as the folder is. */
static const char *parse_folder(const char *name, long long *ret_vmid)
{
    const char *slash = strchr(name, '/');
    unsigned long long vmid;

    if (slash == NULL || slash - name > 9 || name[0] < '1' || name[0] > '9')
        return NULL;
    autofree char *number = xstrndup(name, (size_t)(slash - name));
    if (!text_to_number(number, 10, VM_ID_MAX, &vmid) || vmid < VM_ID_MIN)
        return NULL;
    *ret_vmid = (long long)vmid;
    return slash + 1;
}

int vm_volume_parse(const char *id, struct vm_volume *ret, struct error *err)
{
    size_t storage = strcspn(id, ":");
    long long vmid = 0;

    if (id[storage] == ':' && id[0] != '/' && !vm_volume_is_in_store(id))
        return error_set(err, ERROR_INVALID,
                         "storage '%.*s' does not exist: the only one here is '" VM_STORE
                         "'; name a volume of it, or the absolute path of a file below a --volume-dir of the "
                         "daemon",
                         (int)(storage > 100 ? 100 : storage), id);
    const char *name = vm_volume_is_in_store(id) ? id + strlen(VM_STORE ":") : NULL;
    if (name != NULL)
        name = text_starts_with(name, ISO_FOLDER) ? name + strlen(ISO_FOLDER) : parse_folder(name, &vmid);
    if (name == NULL || !vm_volume_name(vmid, name, ret))
        return error_set(err, ERROR_INVALID, "unable to parse volume ID '%.200s'", id);
    return 0;
}

bool vm_volume_is_new(const char *id)
{
    const char *size = vm_volume_is_in_store(id) ? id + strlen(VM_STORE ":") : "";
    size_t whole = strspn(size, DIGITS);

    if (whole == 0)
        return false;
    const char *rest = size + whole;
    return *rest == '\0' || (*rest == '.' && rest[1] != '\0' && rest[1 + strspn(rest + 1, DIGITS)] == '\0');
}

int vm_volume_parse_new(const char *id, unsigned long long *ret, struct error *err)
{
    double kib = ceil(strtod(id + strlen(VM_STORE ":"), NULL) * 1048576);

    if (!(kib >= 1 && kib * 1024 <= (double)VM_VOLUME_MOST_BYTES))
        return error_set(err, ERROR_INVALID,
                         "'%.100s': the size of a disk must be above 0 and at most %llu GiB", id,
                         VM_VOLUME_MOST_BYTES >> 30);
    *ret = (unsigned long long)kib * 1024;
    return 0;
}

char *vm_volume_print(const struct vm_volume *volume)
{
    return volume->content == VM_CONTENT_ISO ? xasprintf(VM_STORE ":" ISO_FOLDER "%s", volume->name)
                                             : xasprintf(VM_STORE ":%lld/%s", volume->vmid, volume->name);
}

char *vm_volume_place(const struct vm_volume *volume)
{
    return volume->content == VM_CONTENT_ISO ? xasprintf("template/iso/%s", volume->name)
                                             : xasprintf("images/%lld/%s", volume->vmid, volume->name);
}
