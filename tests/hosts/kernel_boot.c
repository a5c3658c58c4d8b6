/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The played kernel's boot: it reads what the tree has and adds what it lacks. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/hosts/kernel_parts.h"

static void put_if_missing(const char *id, const char *name, const char *text)
{
    if (!kernel_is_there(kernel_function_file(id, name)))
        kernel_write_text(kernel_function_file(id, name), text);
}

/* From PCI_ID=10DE:2484 and PCI_CLASS=30000 in uevent to the files for each of them. */
static void put_identity(const char *id)
{
    char uevent[4096], text[32];
    unsigned vendor = 0, device = 0, class_code = 0;
    unsigned char config[64] = {0};

    kernel_read_text(kernel_function_file(id, "uevent"), uevent, sizeof(uevent));
    const char *ids = strstr(uevent, "PCI_ID="), *class_text = strstr(uevent, "PCI_CLASS=");
    kernel_must(ids != NULL && sscanf(ids, "PCI_ID=%4x:%4x", &vendor, &device) == 2, "read PCI_ID");
    kernel_must(class_text != NULL && sscanf(class_text, "PCI_CLASS=%x", &class_code) == 1, "read PCI_CLASS");
    snprintf(text, sizeof(text), "0x%04x\n", vendor);
    put_if_missing(id, "vendor", text);
    snprintf(text, sizeof(text), "0x%04x\n", device);
    put_if_missing(id, "device", text);
    snprintf(text, sizeof(text), "0x%06x\n", class_code);
    put_if_missing(id, "class", text);
    if (kernel_is_there(kernel_function_file(id, "config")))
        return;
    memcpy(config, (unsigned char[]){vendor & 0xff, vendor >> 8 & 0xff, device & 0xff, device >> 8 & 0xff},
           4);
    FILE *file = fopen(kernel_function_file(id, "config"), "w");
    kernel_must(file != NULL && fwrite(config, sizeof(config), 1, file) == 1 && fclose(file) == 0,
                "write config");
}

static void put_driver(const char *id)
{
    char uevent[4096], driver[KERNEL_NAME];

    kernel_read_text(kernel_function_file(id, "uevent"), uevent, sizeof(uevent));
    if (!text_starts_with(uevent, "DRIVER=") || kernel_driver(id)[0] != '\0')
        return;
    uevent[strcspn(uevent, "\n")] = '\0';
    snprintf(driver, sizeof(driver), "%.60s", uevent + strlen("DRIVER="));
    kernel_add_driver(driver);
    kernel_bind(id, driver);
}

static void boot_function(struct kernel_function *function, const char *id)
{
    snprintf(function->id, sizeof(function->id), "%s", id);
    put_identity(id);
    put_driver(id);
    put_if_missing(id, "driver_override", "(null)\n");
    put_if_missing(id, "d3cold_allowed", "1\n");
    if (kernel_is_there(kernel_function_file(id, "reset_method")))
        put_if_missing(id, "reset", "");
    snprintf(function->methods, sizeof(function->methods), "%s", kernel_reset_methods(id));
    if (!kernel_is_vfio(kernel_driver(id)))
        snprintf(function->choice, sizeof(function->choice), "%s", kernel_driver(id));
}

size_t kernel_boot(struct kernel_function *functions, size_t most)
{
    char **names = NULL;
    size_t count = 0;
    int folder = open(kernel_path(KERNEL_DEVICES), O_PATH | O_DIRECTORY | O_CLOEXEC);

    kernel_must(sysfs_list(folder, ".", &names) >= 0, "list the functions");
    close(folder);
    kernel_add_driver("vfio-pci");
    if (!kernel_is_there(kernel_path("sys/bus/pci/drivers_probe")))
        kernel_write_text(kernel_path("sys/bus/pci/drivers_probe"), "");
    for (char **name = names; *name != NULL; name++) {
        kernel_must(count < most, "play so many functions");
        boot_function(&functions[count++], *name);
    }
    sysfs_free_list(&names);
    return count;
}
