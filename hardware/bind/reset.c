/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resetting a PCI function. */
#include "hardware/bind/reset.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/bind/attribute.h"
#include "hardware/paths.h"

#define ONLY_METHOD "kernel" /* our name for what a kernel without reset_method does */

int reset_parse_methods(const char *words, struct reset_methods *ret, struct error *err)
{
    struct reset_methods methods = {.count = 0};
    autofree char *copy = xstrdup(words);
    char *rest = copy;

    for (char *word; (word = strsep(&rest, " \n")) != NULL;) {
        if (word[0] == '\0')
            continue;
        if (methods.count == RESET_METHODS || strlen(word) >= RESET_METHOD_SIZE)
            return error_set(err, ERROR_FAILED, "the kernel lists reset methods that make no sense: '%s'",
                             words);
        memcpy(methods.name[methods.count++], word, strlen(word) + 1);
    }
    *ret = methods;
    return 0;
}

/* On a kernel without reset_method. If there is no file `reset` either, the kernel cannot reset it. */
static int read_old(const struct sysroot *sysroot, struct pci_address address, struct reset_methods *ret,
                    struct error *err)
{
    struct host_path file = pci_path(address, "reset");

    if (pci_is_gone(sysroot, address))
        return attribute_fail(sysroot, address, ENOENT, NULL, err, "find /%s", file.text);
    bool known = sysfs_exists(sysroot_fd(sysroot), file.text);
    *ret = (struct reset_methods){.name = {ONLY_METHOD}, .count = known ? 1 : 0};
    return 0;
}

int reset_read_methods(const struct sysroot *sysroot, struct pci_address address, struct reset_methods *ret,
                       struct error *err)
{
    struct host_path file = pci_path(address, "reset_method");
    char line[256];
    int length = sysfs_read(sysroot_fd(sysroot), file.text, line, sizeof(line));

    if (length == -ENOENT && !sysfs_exists(sysroot_fd(sysroot), file.text))
        return read_old(sysroot, address, ret, err);
    if (length < 0)
        return attribute_fail(sysroot, address, -length, NULL, err, "read /%s", file.text);
    return reset_parse_methods(line, ret, err);
}

char *reset_join_methods(const struct reset_methods *methods)
{
    struct text text = {0};

    for (size_t i = 0; i < methods->count; i++)
        text_printf(&text, "%s%s", i > 0 ? " " : "", methods->name[i]);
    return text_take(&text);
}

bool reset_methods_equal(const struct reset_methods *a, const struct reset_methods *b)
{
    autofree char *first = reset_join_methods(a), *second = reset_join_methods(b);

    return strcmp(first, second) == 0;
}

int reset_choose(const struct sysroot *sysroot, struct pci_address address,
                 const struct reset_methods *methods, struct error *err)
{
    static const struct errno_meaning meanings[] = {
        {EINVAL, "the device cannot be reset in that way"},
        {0, NULL},
    };
    struct host_path file = pci_path(address, "reset_method");
    autofree char *value = reset_join_methods(methods);
    struct reset_methods now = {.count = 0};

    if (attribute_write(sysroot, address, file.text, value[0] != '\0' ? value : "\n", meanings, err) != 0 ||
        reset_read_methods(sysroot, address, &now, err) != 0)
        return -1;
    if (!reset_methods_equal(&now, methods)) {
        autofree char *held = reset_join_methods(&now);
        return error_set(err, ERROR_FAILED, "the kernel took '%s' for /%s, which holds '%s' nevertheless",
                         value, file.text, held);
    }
    return 0;
}

/* A device that does not answer reads as all ones (PCI Local Bus 3.0, 6.1: master abort). So do the ids of a
 * virtual function that does answer (PCI Express Base Specification, 9.3.4.1.1), but not its command and
 * status. */
static int check_answers(const struct sysroot *sysroot, struct pci_address address, struct error *err)
{
    struct host_path file = pci_path(address, "config");
    unsigned char header[64];
    int length = sysfs_read_bytes(sysroot_fd(sysroot), file.text, header, sizeof(header));

    if (length == -EFBIG) /* there is more than the header */
        length = sizeof(header);
    if (length < 8)
        return attribute_fail(sysroot, address, length < 0 ? -length : EIO, NULL, err,
                              "read /%s after the reset", file.text);
    if (memcmp(header, "\xff\xff\xff\xff\xff\xff\xff\xff", 8) == 0)
        return error_set(
            err, ERROR_FAILED,
            "the kernel says that it was reset, but the device does not answer: the first 8 bytes of "
            "/%s are all ff",
            file.text);
    return 0;
}

int reset_run(const struct sysroot *sysroot, struct pci_address address, struct error *err)
{
    static const struct errno_meaning meanings[] = {
        {ENOTTY, "the device cannot be reset in that way, or did not come back in time"},
        {EAGAIN, "somebody else uses its configuration space at this moment; try again"},
        {ETIMEDOUT, "the device did not come back in time"},
        {ENOENT, "the kernel knows no way to reset this device"},
        {EPERM, "the broker is not root"},
        {EIO, "the device refused the reset"},
        {0, NULL},
    };
    struct host_path file = pci_path(address, "reset");

    if (attribute_write(sysroot, address, file.text, "1", meanings, err) != 0)
        return -1;
    return check_answers(sysroot, address, err);
}
