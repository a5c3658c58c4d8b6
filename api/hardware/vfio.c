/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/hardware/vfio: the host's own settings for passthrough. */
#include "api/endpoints.h"
#include "api/hardware/task.h"
#include "api/request.h"
#include "base/memory.h"
#include "broker/operations.h"
#include "hardware/settings/tuning.h"

static int get_vfio(struct request *request, json_t **ret, struct error *err)
{
    autoinventory struct inventory *inventory = NULL;

    if (inventory_source_get(request->service->inventory, &inventory, err) != 0)
        return -1;
    return tuning_describe(request->service->sysroot, inventory, ret, err);
}

static const struct schema loader_properties[] = {
    {.name = "name", .type = SCHEMA_STRING, .values = VALUES("grub", "systemd-boot", "unknown")},
    {.name = "evidence", .type = SCHEMA_STRING, .text = "How that is known."},
    OPTIONAL_TEXT("file", "The file in which the kernel's command line is changed."),
    OPTIONAL_TEXT("line", "The command line in it."),
    OPTIONAL_TEXT("refresh", "The command that makes a change of the file effective."),
    {.name = NULL},
};

static const struct schema effective_properties[] = {
    {.name = "name", .type = SCHEMA_STRING, .text = "MODULE.OPTION, blacklist, softdep, install or modules."},
    {.name = "value", .type = SCHEMA_STRING},
    {.name = "source", .type = SCHEMA_STRING, .text = "The file and its line."},
    {.name = "kept", .type = SCHEMA_BOOLEAN, .text = "Whether it is in one of hostpci's own files."},
    {.name = NULL},
};

const struct endpoint endpoint_get_vfio = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/hardware/vfio",
    .text = "Shows the settings for passthrough that the host's boot reads: those that hostpci keeps, what "
            "other files "
            "say, and what the running kernel has.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
    .parameters = PROPERTIES(PARAMETER_NODE),
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES(
                    OPTIONAL_TEXT("ids", "Ids of devices that vfio-pci takes."),
                    OPTIONAL_FLAG("disable-vga", "Of vfio-pci."),
                    OPTIONAL_FLAG("disable-idle-d3", "Of vfio-pci."),
                    OPTIONAL_FLAG("allow-unsafe-interrupts", "Of vfio_iommu_type1."),
                    {.name = "options",
                     .type = SCHEMA_ARRAY,
                     .optional = true,
                     .items = ITEMS(.type = SCHEMA_STRING),
                     .text = "Options of other modules."},
                    OPTIONAL_TEXT("blacklist", "Modules that are not loaded."),
                    OPTIONAL_TEXT("softdep", "Modules before which vfio-pci is loaded."),
                    OPTIONAL_TEXT("modules", "Modules that are loaded at boot."),
                    WORDS("kernel",
                          "Parameters for passthrough on the command line of the boot loader's file."),
                    {.name = "boot-loader", .type = SCHEMA_OBJECT, .properties = loader_properties},
                    {.name = "effective",
                     .type = SCHEMA_ARRAY,
                     .items = ITEMS(.type = SCHEMA_OBJECT, .properties = effective_properties),
                     .text = "Every line that makes one of these settings, in the order in which they are "
                             "read: for each option of a module the last one is in effect."},
                    WORDS("problems", "Why the settings cannot be changed here."),
                    {.name = "reboot-needed", .type = SCHEMA_BOOLEAN},
                    WORDS("reasons", "How the running kernel differs from the settings."),
                    {.name = "digest", .type = SCHEMA_STRING, .text = "SHA-1 of the files."})},
    .may_block = true,
    .on_node = true,
    .run = get_vfio,
};

static int set_vfio(struct request *request, json_t **ret, struct error *err)
{
    json_t *arguments = json_object();

    hardware_copy_arguments(request, operation_host_settings_arguments, arguments);
    return hardware_begin_task_on(request, "hostsettings", "", &operation_host_settings, arguments, ret, err);
}

const struct endpoint endpoint_set_vfio = {
    .method = METHOD_PUT,
    .path = "/nodes/{node}/hardware/vfio",
    .text = "Changes settings for passthrough that the host's boot reads, in files that hostpci keeps for "
            "itself and on "
            "the kernel's command line, and rebuilds the initramfs and the boot loader's files. If a step "
            "fails, all files are restored. Settings that are not named stay as they are.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Modify"),
    .parameters = PROPERTIES(PARAMETER_NODE, {.name = NULL, .more = operation_host_settings_arguments}),
    .returns = RETURNS_UPID,
    .may_block = true,
    .on_node = true,
    .run = set_vfio,
};
