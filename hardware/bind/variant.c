/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which VFIO driver a function gets for a VM. */
#include "hardware/bind/variant.h"

#include <stdio.h>

#include "hardware/bind/fit.h"
#include "hardware/module.h"
#include "hardware/paths.h"

_Static_assert(DRIVER_NAME_SIZE >= MODULE_NAME_SIZE, "a variant driver has its module's name");

bool variant_choose(const struct sysroot *sysroot, struct pci_address address,
                    char driver[static DRIVER_NAME_SIZE], struct text *reason)
{
    struct host_path file = pci_path(address, "modalias");
    char modalias[256];
    struct error err;

    if (sysfs_read(sysroot_fd(sysroot), file.text, modalias, sizeof(modalias)) > 0 &&
        module_find_variant(sysroot, modalias, driver)) {
        if (fit_check(sysroot, address, "", driver, &err) == 0)
            return true;
        text_append(reason, err.message);
    }
    snprintf(driver, DRIVER_NAME_SIZE, VFIO_PLAIN);
    return false;
}
