/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a driver that somebody asks for by name may have a function. */
#include "hardware/bind/fit.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "hardware/bind/driver.h"
#include "hardware/facts/settings.h"
#include "hardware/module.h"
#include "hardware/paths.h"

#define CMDLINE_LIMIT 65536

static bool takes_any(const char *driver)
{
    return module_name_equal(driver, "pci_stub") || module_name_equal(driver, "vfio_pci");
}

/* A VFIO driver for one kind of device, such as mlx5_vfio_pci. */
static bool is_variant(const char *driver)
{
    static const char end[] = "-vfio-pci";
    size_t length = strlen(driver);

    return length > strlen(end) && module_name_equal(driver + length - strlen(end), end);
}

/* The modules with an id for the function; `variants`: also the VFIO driver that is made for it, which no
 * probe without driver_override finds. */
static json_t *list_fitting(const struct sysroot *sysroot, struct pci_address address, bool variants)
{
    struct host_path file = pci_path(address, "modalias");
    char modalias[256], variant[MODULE_NAME_SIZE];

    if (sysfs_read(sysroot_fd(sysroot), file.text, modalias, sizeof(modalias)) <= 0)
        return json_array();
    json_t *list = module_list_for(sysroot, modalias);
    if (variants && module_find_variant(sysroot, modalias, variant))
        json_array_append_new(list, json_string(variant));
    return list;
}

static bool has(const json_t *modules, const char *name)
{
    const json_t *module;
    size_t i;

    json_array_foreach(modules, i, module) {
        if (module_name_equal(json_string_value(module), name))
            return true;
    }
    return false;
}

/* "i40e, ice, or one that takes any device (vfio-pci, pci-stub)" */
static char *describe(const json_t *modules)
{
    struct text text = {0};
    const json_t *module;
    size_t i;

    json_array_foreach(modules, i, module) {
        text_printf(&text, "%s, ", json_string_value(module));
    }
    text_printf(&text, "%sone that takes any device (vfio-pci, pci-stub)", text.length > 0 ? "or " : "");
    return text_take(&text);
}

/* The module of a loaded driver may have another name; one that is built in need not have a link to it. */
static void find_module(const struct sysroot *sysroot, const char *driver,
                        char module[static DRIVER_NAME_SIZE])
{
    struct host_path link = path_below(SYS_PCI_DRIVERS, driver, "module");

    if (sysfs_read_link_name(sysroot_fd(sysroot), link.text, module, DRIVER_NAME_SIZE) < 0)
        snprintf(module, DRIVER_NAME_SIZE, "%s", driver);
}

static int check_blacklist(const struct sysroot *sysroot, const char *module, struct error *err)
{
    struct host_settings settings;
    int result = 0;

    host_settings_read(sysroot, &settings);
    const struct setting *setting = host_settings_blacklist(&settings, module);
    if (setting != NULL)
        result = error_set(err, ERROR_FAILED,
                           "the module %s is not loaded, because line %u of '/%s' keeps it out: to load it "
                           "nevertheless, type `modprobe %s%s` and try again",
                           module, setting->line, setting->file,
                           setting->kind == SETTING_INSTALL ? "--ignore-install " : "", module);
    host_settings_release(&settings);
    return result;
}

static bool names_module(char *list, const char *module)
{
    for (char *name; (name = strsep(&list, ",")) != NULL;)
        if (module_name_equal(name, module))
            return true;
    return false;
}

/* modprobe(8) honours modprobe.blacklist, as if it was a line of modprobe.d, and the kernel module_blacklist
 * (admin-guide/kernel-parameters.rst), whoever asks. */
static int check_command_line(const struct sysroot *sysroot, const char *module, struct error *err)
{
    static const char *const parameters[] = {"modprobe.blacklist=", "module_blacklist="};
    autofree char *line = NULL;

    if (sysfs_read_whole(sysroot_fd(sysroot), PROC_CMDLINE, CMDLINE_LIMIT, &line) < 0)
        return 0;
    for (char *rest = line, *word; (word = strsep(&rest, " \t\n")) != NULL;)
        for (size_t i = 0; i < COUNT_OF(parameters); i++)
            if (text_starts_with(word, parameters[i]) && names_module(word + strlen(parameters[i]), module))
                return error_set(
                    err, ERROR_FAILED,
                    "the module %s is not loaded, because %s on the kernel's command line keeps it "
                    "out: remove it there and restart the host%s%s%s",
                    module, parameters[i], i == 0 ? ", or type `modprobe " : "", i == 0 ? module : "",
                    i == 0 ? "` and try again" : "");
    return 0;
}

int fit_check(const struct sysroot *sysroot, struct pci_address address, const char *bound,
              const char *driver, struct error *err)
{
    bool loaded = driver_is_loaded(sysroot, driver);
    char id[PCI_ADDRESS_SIZE], module[DRIVER_NAME_SIZE];

    if (strcmp(driver, bound) == 0 || (loaded && takes_any(driver)))
        return 0;
    autojson json_t *fitting = list_fitting(sysroot, address, true);
    autofree char *others = describe(fitting);
    pci_address_format(address, id);
    if (!loaded && (takes_any(driver) || is_variant(driver)) && !module_is_available(sysroot, driver))
        return error_set(
            err, ERROR_FAILED,
            "the module %s is not loaded, and this kernel has none of that name: a kernel of the "
            "distribution has it, such as that of Debian's package linux-image-amd64 "
            "(linux-image-arm64)",
            driver);
    if (!loaded && !module_is_available(sysroot, driver))
        return error_set(
            err, ERROR_FAILED,
            "the module %s is not loaded, and this kernel has none of that name: for %s choose %s", driver,
            id, others);
    find_module(sysroot, driver, module);
    if (!takes_any(driver) && !has(fitting, module))
        return error_set(err, ERROR_FAILED,
                         "%s is not given to %s, as none of its ids is that device's: choose %s", id, driver,
                         others);
    if (loaded)
        return 0;
    return check_blacklist(sysroot, driver, err) != 0 ? -1 : check_command_line(sysroot, driver, err);
}

json_t *fit_list_drivers(const struct sysroot *sysroot, struct pci_address address)
{
    autojson json_t *fitting = list_fitting(sysroot, address, false);
    autolist char **names = NULL;
    json_t *drivers = json_array();
    char module[DRIVER_NAME_SIZE];

    if (json_array_size(fitting) == 0 || sysfs_list(sysroot_fd(sysroot), SYS_PCI_DRIVERS, &names) < 0)
        return drivers;
    for (char **name = names; *name != NULL; name++) {
        find_module(sysroot, *name, module);
        if (driver_name_is_valid(*name) && has(fitting, module))
            json_array_append_new(drivers, json_string(*name));
    }
    return drivers;
}
