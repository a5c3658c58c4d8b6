/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A write to an attribute of a PCI function in sysfs, and what the kernel means when it refuses. */
#include "hardware/bind/attribute.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/memory.h"

static const struct errno_meaning everywhere[] = {
    {EPERM, "the broker is not root, or the kernel is locked down"},
    {EACCES, "the broker is not root"},
    {EROFS, "sysfs is mounted read-only, as in a container: run the broker on the host itself"},
    {EIO, "the device or its driver failed; dmesg says more"},
    {ENOSPC, "the kernel has no room left for it; dmesg may say more"},
    {ENODEV, "the kernel does not know that device"},
    {ENOENT, "there is no such file: the driver was unloaded, or the kernel is too old"},
    {EBUSY, "somebody else uses it at this moment; try again"},
    {EINVAL, "the kernel refuses the value; dmesg may say more"},
    {0, NULL},
};

static const char *find_meaning(const struct errno_meaning *meanings, int number)
{
    for (; meanings != NULL && meanings->number != 0; meanings++)
        if (meanings->number == number)
            return meanings->text;
    return NULL;
}

int attribute_fail(const struct sysroot *sysroot, struct pci_address address, int number,
                   const struct errno_meaning *meanings, struct error *err, const char *format, ...)
{
    char id[PCI_ADDRESS_SIZE];
    va_list arguments;

    va_start(arguments, format);
    autofree char *what = xvasprintf(format, arguments);
    va_end(arguments);
    pci_address_format(address, id);
    if (pci_is_gone(sysroot, address))
        return error_set(err, ERROR_NOT_FOUND, "no PCI device found for '%s'", id);
    const char *name = strerrorname_np(number), *meaning = find_meaning(meanings, number);
    if (meaning == NULL)
        meaning = find_meaning(everywhere, number);
    return error_set(err, ERROR_FAILED, "cannot %s: %s (%s): %s", what, strerror(number),
                     name != NULL ? name : "unknown", meaning != NULL ? meaning : "dmesg may say more");
}

int attribute_write(const struct sysroot *sysroot, struct pci_address address, const char *file,
                    const char *value, const struct errno_meaning *meanings, struct error *err)
{
    int result = sysfs_write(sysroot_fd(sysroot), file, value);

    if (result == 0)
        return 0;
    int shown = (int)strcspn(value, "\n"); /* an empty value is written as a newline */
    return attribute_fail(sysroot, address, -result, meanings, err, "write '%.*s' to /%s", shown, value,
                          file);
}
