/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver of a PCI function: reading it, and the writes that change it. */
#include "hardware/bind/driver.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/exec.h"
#include "base/memory.h"
#include "base/text.h"
#include "hardware/bind/attribute.h"
#include "hardware/module.h"
#include "hardware/paths.h"
#include "hardware/pci/class.h"

#define MODPROBE_SECONDS 120 /* a module looks for its devices while it is loaded */

bool driver_name_is_valid(const char *name)
{
    size_t length = strlen(name);

    for (const char *byte = name; *byte != '\0'; byte++)
        if (!isascii(*byte) || (!isalnum((unsigned char)*byte) && *byte != '-' && *byte != '_'))
            return false;
    return length > 0 && length < DRIVER_NAME_SIZE;
}

int driver_read_name(const struct sysroot *sysroot, struct pci_address address,
                     char name[static DRIVER_NAME_SIZE], struct error *err)
{
    struct host_path link = pci_path(address, "driver");
    int length = sysfs_read_link_name(sysroot_fd(sysroot), link.text, name, DRIVER_NAME_SIZE);

    if (length >= 0)
        return 0;
    if (length != -ENOENT || pci_is_gone(sysroot, address))
        return attribute_fail(sysroot, address, -length, NULL, err, "read the link /%s", link.text);
    name[0] = '\0';
    return 0;
}

static int read_id(const struct sysroot *sysroot, struct pci_address address, const char *name, uint16_t *ret,
                   struct error *err)
{
    struct host_path file = pci_path(address, name);
    long long number;
    int result = sysfs_read_number(sysroot_fd(sysroot), file.text, &number);

    if (result < 0 || number < 0 || number > UINT16_MAX)
        return attribute_fail(sysroot, address, result < 0 ? -result : EINVAL, NULL, err, "read /%s",
                              file.text);
    *ret = (uint16_t)number;
    return 0;
}

static int read_override(const struct sysroot *sysroot, struct pci_address address,
                         char override[static DRIVER_NAME_SIZE], struct error *err)
{
    static const struct errno_meaning meanings[] = {
        {ENOENT, "this kernel has no driver_override: Linux 3.16 or newer is needed"},
        {0, NULL},
    };
    struct host_path file = pci_path(address, "driver_override");
    int length = sysfs_read(sysroot_fd(sysroot), file.text, override, DRIVER_NAME_SIZE);

    if (length < 0)
        return attribute_fail(sysroot, address, -length, meanings, err, "read /%s", file.text);
    if (strcmp(override, "(null)") == 0) /* the kernel's word for none */
        override[0] = '\0';
    return 0;
}

/* There is no `driver` link. While a driver is being unbound the link is gone but `uevent` still names the
 * driver; while one is being bound the link may appear between two reads. */
static int check_driverless(const struct sysroot *sysroot, struct pci_address address,
                            char driver[static DRIVER_NAME_SIZE], struct error *err)
{
    struct host_path file = pci_path(address, "uevent");
    char text[4096 + 1]; /* a page is what sysfs gives at most */
    int length = sysfs_read(sysroot_fd(sysroot), file.text, text, sizeof(text));

    if (length < 0)
        return attribute_fail(sysroot, address, -length, NULL, err, "read /%s", file.text);
    if (!text_starts_with(text, "DRIVER=") && strstr(text, "\nDRIVER=") == NULL)
        return 0;
    if (driver_read_name(sysroot, address, driver, err) != 0)
        return -1;
    if (driver[0] != '\0')
        return 0;
    return error_set(
        err, ERROR_BUSY,
        "/%s names a driver, but there is no link to it: it is just being bound or unbound; try again",
        file.text);
}

int driver_read_state(const struct sysroot *sysroot, struct pci_address address, struct driver_state *ret,
                      struct error *err)
{
    struct driver_state state;

    if (read_id(sysroot, address, "vendor", &state.vendor, err) != 0 ||
        read_id(sysroot, address, "device", &state.device, err) != 0 ||
        read_override(sysroot, address, state.override, err) != 0 ||
        driver_read_name(sysroot, address, state.driver, err) != 0 ||
        (state.driver[0] == '\0' && check_driverless(sysroot, address, state.driver, err) != 0))
        return -1;
    *ret = state;
    return 0;
}

int driver_set_override(const struct sysroot *sysroot, struct pci_address address, const char *name,
                        struct error *err)
{
    static const struct errno_meaning meanings[] = {
        {ENOENT, "this kernel has no driver_override: Linux 3.16 or newer is needed"},
        {0, NULL},
    };
    struct host_path file = pci_path(address, "driver_override");
    char now[DRIVER_NAME_SIZE];

    /* an empty write would not reach the driver core; an empty line clears the override */
    if (attribute_write(sysroot, address, file.text, name[0] != '\0' ? name : "\n", meanings, err) != 0 ||
        read_override(sysroot, address, now, err) != 0)
        return -1;
    if (strcmp(now, name) != 0)
        return error_set(err, ERROR_FAILED, "the kernel took '%s' for /%s, which holds '%s' nevertheless",
                         name, file.text, now);
    return 0;
}

int driver_unbind(const struct sysroot *sysroot, struct pci_address address, const char *driver,
                  struct error *err)
{
    static const struct errno_meaning meanings[] = {
        {ENODEV, "that driver is not bound to it any more, as somebody else moved it; try again"},
        {ENOENT, "that driver is gone, as its module was unloaded, or it allows no unbind"},
        {EBUSY, "the driver refuses to release it; stop what uses the device"},
        {0, NULL},
    };
    struct host_path file = path_below(SYS_PCI_DRIVERS, driver, "unbind");
    char id[PCI_ADDRESS_SIZE], now[DRIVER_NAME_SIZE];

    pci_address_format(address, id);
    if (attribute_write(sysroot, address, file.text, id, meanings, err) != 0 ||
        driver_read_name(sysroot, address, now, err) != 0)
        return -1;
    if (now[0] != '\0')
        return error_set(err, ERROR_FAILED, "the kernel took '%s' for /%s, but %s has it now", id, file.text,
                         now);
    return 0;
}

/* Why a driver did not bind is known to the kernel's log alone. */
static int set_not_bound(struct pci_address address, const char *now, const char *expected, struct error *err)
{
    char id[PCI_ADDRESS_SIZE];
    const char *reason = driver_is_vfio(expected)
                             ? "it does not take bridges, a function whose virtual functions are on, or one "
                               "without an IOMMU group"
                             : "it is not a driver for this device, or could not start it";

    pci_address_format(address, id);
    if (now[0] != '\0')
        return error_set(err, ERROR_FAILED, "%s took %s, not %s: somebody else moves it too; try again", now,
                         id, expected);
    return error_set(err, ERROR_FAILED,
                     "the kernel took '%s' for /" SYS_PCI_DRIVERS_PROBE
                     ", but %s did not take the device: %s; see dmesg | "
                     "grep %s",
                     id, expected, reason, id);
}

int driver_probe(const struct sysroot *sysroot, struct pci_address address, const char *expected,
                 char driver[static DRIVER_NAME_SIZE], struct error *err)
{
    static const struct errno_meaning meanings[] = {
        {EINVAL, "a matching driver failed to start it; dmesg says more"},
        {ENODEV, "the kernel does not know this device, which was removed"},
        {0, NULL},
    };
    char id[PCI_ADDRESS_SIZE];

    pci_address_format(address, id);
    if (attribute_write(sysroot, address, SYS_PCI_DRIVERS_PROBE, id, meanings, err) != 0 ||
        driver_read_name(sysroot, address, driver, err) != 0)
        return -1;
    if (expected != NULL && strcmp(driver, expected) != 0)
        return set_not_bound(address, driver, expected, err);
    return 0;
}

bool driver_is_withheld(const struct sysroot *sysroot, struct pci_address address)
{
    struct host_path file = pci_path(address, "physfn/sriov_drivers_autoprobe");
    long long autoprobe;

    return sysfs_read_number(sysroot_fd(sysroot), file.text, &autoprobe) >= 0 && autoprobe == 0;
}

bool driver_is_loaded(const struct sysroot *sysroot, const char *name)
{
    struct host_path folder = path_below(SYS_PCI_DRIVERS, name, NULL);

    return sysfs_exists(sysroot_fd(sysroot), folder.text);
}

/* `option` is for modprobe; NULL: none. */
static int load(const struct sysroot *sysroot, const char *option, const char *module, struct error *err)
{
    char program[256];
    const char *argv[] = {program, option != NULL ? option : "--", option != NULL ? "--" : module,
                          option != NULL ? module : NULL, NULL};

    if (!sysroot_is_host(sysroot))
        return error_set(err, ERROR_FAILED,
                         "the module %s is not loaded, and modules are loaded only where --sysroot is /",
                         module);
    if (sysfs_read(sysroot_fd(sysroot), PROC_MODPROBE, program, sizeof(program)) <= 0)
        snprintf(program, sizeof(program), "/sbin/modprobe");
    return exec_run(argv, MODPROBE_SECONDS, NULL, err);
}

int driver_load(const struct sysroot *sysroot, const char *name, struct error *err)
{
    if (sysroot_is_host(sysroot) && !module_is_available(sysroot, name))
        return error_set(err, ERROR_FAILED,
                         "the module %s is not loaded, and this kernel has none of that name", name);
    if (load(sysroot, NULL, name, err) != 0)
        return -1;
    if (!driver_is_loaded(sysroot, name))
        return error_set(err, ERROR_FAILED,
                         "modprobe loaded %s, but there is no driver /" SYS_PCI_DRIVERS
                         "/%s: its module has another "
                         "name; load that with modprobe first",
                         name, name);
    return 0;
}

json_t *driver_load_matching(const struct sysroot *sysroot, struct pci_address address)
{
    struct host_path file = pci_path(address, "modalias");
    autojson json_t *modules = NULL;
    json_t *tried = json_array(), *module;
    char modalias[256];
    size_t i;

    if (sysfs_read(sysroot_fd(sysroot), file.text, modalias, sizeof(modalias)) <= 0)
        return tried;
    modules = module_list_for(sysroot, modalias);
    json_array_foreach(modules, i, module) {
        struct error err = {.message = ""};
        if (sysfs_exists(sysroot_fd(sysroot), path_of_module(json_string_value(module), NULL).text))
            continue;
        load(sysroot, "--use-blacklist", json_string_value(module), &err);
        json_array_append_new(tried, json_pack("{s:O, s:s}", "module", module, "error", err.message));
    }
    return tried;
}
