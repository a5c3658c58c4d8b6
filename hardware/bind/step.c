/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all steps on a PCI function share. */
#include "hardware/bind/step.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/memory.h"

static const struct step_meaning everywhere[] = {
    {EPERM, "the broker is not root, or the kernel is locked down"},
    {EACCES, "the broker is not root"},
    {EROFS, "sysfs is mounted read-only, as in a container: run the broker on the host itself"},
    {EIO, "the device or its driver failed; dmesg says more"},
    {ENOSPC, "the kernel has no room left for it; dmesg may say more"},
    {ENODEV, "the kernel does not know the device there"},
    {ENOENT, "there is no such file: the driver was unloaded, or the kernel is too old"},
    {EBUSY, "somebody else has it at this moment; try again"},
    {EINVAL, "the kernel refuses it; dmesg may say more"},
    {0, NULL},
};

static const char *find_meaning(const struct step_meaning *meanings, int number)
{
    for (; meanings != NULL && meanings->number != 0; meanings++)
        if (meanings->number == number)
            return meanings->text;
    return NULL;
}

static const char *explain(const struct step_meaning *meanings, int number)
{
    const char *own = find_meaning(meanings, number), *general = find_meaning(everywhere, number);

    return own != NULL ? own : general != NULL ? general : "dmesg may say more";
}

/* Asked twice before a function is given up for a single answer. */
bool step_is_gone(const struct sysroot *sysroot, struct pci_address address)
{
    for (int i = 0; i < 2; i++) {
        autoclose int folder = pci_open_folder(sysroot, address);
        if (folder != -ENOENT)
            return false;
    }
    return true;
}

int step_fail(const struct sysroot *sysroot, struct pci_address address, int number,
              const struct step_meaning *meanings, struct error *err, const char *format, ...)
{
    char id[PCI_ADDRESS_SIZE];
    va_list arguments;

    va_start(arguments, format);
    autofree char *what = xvasprintf(format, arguments);
    va_end(arguments);
    pci_address_format(address, id);
    if (step_is_gone(sysroot, address))
        return error_set(err, ERROR_NOT_FOUND, "no PCI device found for '%s'", id);
    const char *name = strerrorname_np(number);
    return error_set(err, ERROR_FAILED, "cannot %s: %s (%s): %s", what, strerror(number),
                     name != NULL ? name : "unknown", explain(meanings, number));
}

int step_write(const struct sysroot *sysroot, struct pci_address address, const char *file, const char *value,
               const struct step_meaning *meanings, struct error *err)
{
    int result = sysfs_write(sysroot_fd(sysroot), file, value);

    if (result == 0)
        return 0;
    int shown = (int)strcspn(value, "\n"); /* an empty value is written as a line end */
    return step_fail(sysroot, address, -result, meanings, err, "write '%.*s' to /%s", shown, value, file);
}
