/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The expansion ROM of a PCI function, through sysfs. */
#include "hardware/bind/rom_bar.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/bind/attribute.h"
#include "hardware/pci/resource.h"
#include "hardware/pci/rom.h"

#define COMMAND        4 /* offset in configuration space; PCI Local Bus 3.0, 6.2.2 */
#define COMMAND_MEMORY 2

/* Whether the ROM has a window, and whether that is the copy in memory. */
static int read_window(const struct sysroot *sysroot, struct pci_address address, struct rom_bar *bar,
                       struct error *err)
{
    struct host_path file = pci_path(address, "rom"), resource = pci_path(address, "resource");
    char id[PCI_ADDRESS_SIZE], text[4096];

    if (pci_is_gone(sysroot, address))
        return attribute_fail(sysroot, address, ENOENT, NULL, err, "find /%s", file.text);
    pci_address_format(address, id);
    if (!sysfs_exists(sysroot_fd(sysroot), file.text))
        return error_set(
            err, ERROR_FAILED,
            "%s has no ROM that the kernel can read: there is no /%s; a device without one needs a "
            "romfile from elsewhere, or none",
            id, file.text);
    if (sysfs_read(sysroot_fd(sysroot), resource.text, text, sizeof(text)) > 0) {
        autojson json_t *windows = resource_list(text);
        bar->shadow = json_object_get(resource_find(windows, RESOURCE_ROM), "shadow") != NULL;
    }
    return 0;
}

/* What an old kernel does not have needs no change and no way back. */
static int read_power(const struct sysroot *sysroot, struct pci_address address, struct rom_bar *bar,
                      struct error *err)
{
    struct host_path control = pci_path(address, "power/control"), enable = pci_path(address, "enable");
    char held[16] = "";
    int length = sysfs_read(sysroot_fd(sysroot), control.text, held, sizeof(held));

    if (length < 0 && length != -ENOENT)
        return attribute_fail(sysroot, address, -length, NULL, err, "read /%s", control.text);
    bar->may_sleep = strcmp(held, "auto") == 0;
    int result = sysfs_read_number(sysroot_fd(sysroot), enable.text, &bar->enabled);
    if (result < 0 && result != -ENOENT)
        return attribute_fail(sysroot, address, -result, NULL, err, "read /%s", enable.text);
    return 0;
}

int rom_bar_read_state(const struct sysroot *sysroot, struct pci_address address, struct rom_bar *ret,
                       struct error *err)
{
    struct rom_bar bar = {.enabled = -1};
    unsigned char header[64] = {0};

    if (read_window(sysroot, address, &bar, err) != 0 || read_power(sysroot, address, &bar, err) != 0)
        return -1;
    struct host_path config = pci_path(address, "config");
    int length = sysfs_read_bytes(sysroot_fd(sysroot), config.text, header, sizeof(header));
    if (length < 0 && length != -EFBIG) /* there is more than the header */
        return attribute_fail(sysroot, address, -length, NULL, err, "read /%s", config.text);
    bar.decodes = (header[COMMAND] & COMMAND_MEMORY) != 0;
    *ret = bar;
    return 0;
}

int rom_bar_allow_sleep(const struct sysroot *sysroot, struct pci_address address, bool allow,
                        struct error *err)
{
    struct host_path file = pci_path(address, "power/control");

    return attribute_write(sysroot, address, file.text, allow ? "auto" : "on", NULL, err);
}

int rom_bar_enable_function(const struct sysroot *sysroot, struct pci_address address, bool enable,
                            struct error *err)
{
    static const struct errno_meaning meanings[] = {
        {EBUSY, "it has got a driver in the meantime; try again"},
        {EIO, "nobody has it enabled"},
        {EINVAL, "the firmware gave the device no address in memory, so that it cannot be enabled"},
        {0, NULL},
    };
    struct host_path file = pci_path(address, "enable");

    return attribute_write(sysroot, address, file.text, enable ? "1" : "0", meanings, err);
}

/* Off is what reading says with EINVAL. */
static int check_off(const struct sysroot *sysroot, struct pci_address address, struct error *err)
{
    struct host_path file = pci_path(address, "rom");
    char byte;
    int length = sysfs_read_bytes(sysroot_fd(sysroot), file.text, &byte, 1);

    if (length == -EINVAL)
        return 0;
    if (length == -ENOENT && pci_is_gone(sysroot, address))
        return attribute_fail(sysroot, address, ENOENT, NULL, err, "read /%s", file.text);
    return error_set(err, ERROR_FAILED, "the kernel took '0' for /%s, which can still be read", file.text);
}

int rom_bar_switch(const struct sysroot *sysroot, struct pci_address address, bool on, struct error *err)
{
    struct host_path file = pci_path(address, "rom");

    if (attribute_write(sysroot, address, file.text, on ? "1\n" : "0\n", NULL, err) != 0)
        return -1;
    return on ? 0 : check_off(sysroot, address, err);
}

int rom_bar_read(const struct sysroot *sysroot, struct pci_address address, unsigned char **ret,
                 size_t *ret_length, struct error *err)
{
    static const struct errno_meaning meanings[] = {
        {EIO, "no image begins in it, or the device does not answer: it may be asleep, or the firmware gave "
              "its ROM "
              "no address; dmesg may say more"},
        {EINVAL, "somebody else has switched it off in the meantime; try again"},
        {EFBIG, "there is more than a ROM can have, 16 MiB"},
        {0, NULL},
    };
    struct host_path file = pci_path(address, "rom");
    int length = sysfs_read_binary(sysroot_fd(sysroot), file.text, ROM_LIMIT, ret);

    if (length < 0)
        return attribute_fail(sysroot, address, -length, meanings, err, "read /%s", file.text);
    *ret_length = (size_t)length;
    return 0;
}
