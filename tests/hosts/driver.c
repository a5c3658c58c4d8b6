/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drivers, the modules that contain them, and the aliases of these modules. */
#include "tests/hosts/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A driver without a module is built into the kernel. A module without a driver is not loaded, but could be.
 * Aliases are as depmod writes them: ids in capitals, * for anything. */
static const struct {
    const char *driver, *module, *alias;
} drivers[] = {
    {"pcieport", NULL, NULL},
    {"ahci", "ahci", "pci:v*d*sv*sd*bc01sc06i01*"},
    {"nvme", "nvme", "pci:v*d*sv*sd*bc01sc08i02*"},
    {"xhci_hcd", "xhci_pci", "pci:v*d*sv*sd*bc0Csc03i30*"},
    {"e1000e", "e1000e", "pci:v00008086d000015B8sv*sd*bc*sc*i*"},
    {"i801_smbus", "i2c_i801", "pci:v00008086d0000A2A3sv*sd*bc*sc*i*"},
    {"i915", "i915", "pci:v00008086d00005912sv*sd*bc03sc*i*"},
    {"i40e", "i40e", "pci:v00008086d00001572sv*sd*bc*sc*i*"},
    {"iavf", "iavf", "pci:v00008086d0000154Csv*sd*bc*sc*i*"},
    {"iavf", "iavf", "pci:v00008086d00001889sv*sd*bc*sc*i*"},
    {"ice", "ice", "pci:v00008086d00001592sv*sd*bc*sc*i*"},
    {"c6xx", "qat_c62x", "pci:v00008086d000037C8sv*sd*bc*sc*i*"},
    {"c6xxvf", "qat_c62xvf", "pci:v00008086d000037C9sv*sd*bc*sc*i*"},
    {"nouveau", "nouveau", "pci:v000010DEd*sv*sd*bc03sc*i*"},
    {NULL, "nvidiafb", "pci:v000010DEd*sv*sd*bc03sc00i00*"},
    {"nvidia", "nvidia", "pci:v000010DEd*sv*sd*bc03sc02i00*"},
    {"snd_hda_intel", "snd_hda_intel", "pci:v000010DEd*sv*sd*bc04sc03i00*"},
    {"snd_hda_intel", "snd_hda_intel", "pci:v00008086d0000A2F0sv*sd*bc*sc*i*"},
    {"xhci_hcd", "xhci_pci", "pci:v00001912d*sv*sd*bc0Csc03i30*"},
    {"vmd", "vmd", "pci:v00008086d0000467Fsv*sd*bc*sc*i*"},
    {"ccp", "ccp", "pci:v00001022d000015DFsv*sd*bc*sc*i*"},
    {"iwlwifi", "iwlwifi", "pci:v00008086d00007AF0sv*sd*bc02sc80i00*"},
    {"ast", "ast", "pci:v00001A03d00002000sv*sd*bc03sc*i*"},
    {"vfio-pci", "vfio_pci", "vfio_pci:v*d*sv*sd*bc*sc*i*"},
};
enum { DRIVERS = sizeof(drivers) / sizeof(drivers[0]) };

static const char *find_module(const char *driver)
{
    for (size_t i = 0; i < DRIVERS; i++) {
        if (drivers[i].driver && strcmp(drivers[i].driver, driver) == 0)
            return drivers[i].module;
    }
    fail("driver '%s' is not in the table of driver.c", driver);
}

static void write_driver(const char *driver, const char *folder)
{
    static const char *const files[] = {"bind", "unbind", "new_id", "remove_id", "uevent"};
    const char *module = find_module(driver);
    int fd = tree_open_folder(folder);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        tree_put(fd, files[i], MODE_WRITE, "%s", "");
    close(fd);
    if (!module)
        return;
    tree_link(path("%s/module", folder).text, module_load(module).text);
    tree_link(path("sys/module/%s/drivers/pci:%s", module, driver).text, folder);
}

void driver_write_binding(const char *driver, const char *id, const char *folder)
{
    struct path own = path("sys/bus/pci/drivers/%s", driver);
    if (tree_make_folder(own.text))
        write_driver(driver, own.text);
    tree_link(path("%s/%s", own.text, id).text, folder);
    tree_link(path("%s/driver", folder).text, own.text);
}

void driver_write_aliases(const char *release)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        fail("out of memory");
    fputs("# Aliases extracted from modules themselves.\n", out);
    for (size_t i = 0; i < DRIVERS; i++) {
        if (drivers[i].module)
            fprintf(out, "alias %s %s\n", drivers[i].alias, drivers[i].module);
    }
    fclose(out);
    tree_write(path("lib/modules/%s/modules.alias", release).text, MODE_CHANGE, "%s", text);
    free(text);
}
