/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /nodes/{node}/capabilities: the machines and processors that the node's QEMU can give to VMs. */
#include <string.h>

#include "api/endpoints.h"
#include "api/request.h"
#include "broker/probe/qemu.h"
#include "vm/command/choices.h"

/* Everything here is about x86-64: other machines have none of it. */
#define PARAMETER_ARCH                                                                                       \
    {.name = "arch",                                                                                         \
     .type = SCHEMA_STRING,                                                                                  \
     .optional = true,                                                                                       \
     .values = VALUES("x86_64", "aarch64"),                                                                  \
     .text = "Only x86_64 has any."}

static bool is_for_x86(struct request *request)
{
    const char *arch = param_string(request, "arch");

    return arch == NULL || strcmp(arch, "x86_64") == 0;
}

static int list_machines(struct request *request, json_t **ret, struct error *err)
{
    const struct vm_features *qemu;

    if (qemu_features(request->service->qemu, &qemu, err) != 0)
        return -1;
    *ret = is_for_x86(request) ? vm_choices_machines(qemu) : json_array();
    return 0;
}

static int list_cpus(struct request *request, json_t **ret, struct error *err)
{
    const struct vm_features *qemu;

    if (qemu_features(request->service->qemu, &qemu, err) != 0)
        return -1;
    *ret = is_for_x86(request) ? vm_choices_cpus(qemu) : json_array();
    return 0;
}

static int list_cpu_flags(struct request *request, json_t **ret, struct error *err)
{
    (void)err;
    *ret = is_for_x86(request) ? vm_choices_cpu_flags() : json_array();
    return 0;
}

const struct endpoint endpoint_get_capabilities = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/capabilities",
    .text = "Lists the kinds of capabilities of a node.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE),
    .index_key = "name",
};

const struct endpoint endpoint_get_capabilities_qemu = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/capabilities/qemu",
    .text = "Lists the capabilities that VMs of a node can have.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE),
    .index_key = "name",
};

const struct endpoint endpoint_list_machines = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/capabilities/qemu/machines",
    .text = "Lists the values of `machine` that name a version, the newest first.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_ARCH),
    .returns = {.type = SCHEMA_ARRAY,
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES(
                                   {.name = "id", .type = SCHEMA_STRING, .text = "pc-q35-7.2"},
                                   {.name = "type", .type = SCHEMA_STRING, .values = VALUES("q35", "i440fx")},
                                   {.name = "version", .type = SCHEMA_STRING}))},
    .may_block = true,
    .on_node = true,
    .run = list_machines,
};

const struct endpoint endpoint_list_cpus = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/capabilities/qemu/cpu",
    .text = "Lists the values of `cputype`.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_ARCH),
    .returns = {.type = SCHEMA_ARRAY,
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES(
                                   {.name = "name", .type = SCHEMA_STRING},
                                   {.name = "vendor",
                                    .type = SCHEMA_STRING,
                                    .text = "The vendor that the guest sees; `default` is the host's."},
                                   {.name = "custom", .type = SCHEMA_BOOLEAN, .text = "Always 0."}))},
    .may_block = true,
    .on_node = true,
    .run = list_cpus,
};

const struct endpoint endpoint_list_cpu_flags = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/capabilities/qemu/cpu-flags",
    .text = "Lists the flags that `cpu` can set or clear.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_ARCH,
                             {.name = "accel",
                              .type = SCHEMA_STRING,
                              .optional = true,
                              .values = VALUES("kvm", "tcg"),
                              .text = "The flags are the same for both."}),
    .returns = {.type = SCHEMA_ARRAY,
                .items = ITEMS(.type = SCHEMA_OBJECT,
                               .properties = PROPERTIES({.name = "name", .type = SCHEMA_STRING},
                                                        {.name = "description", .type = SCHEMA_STRING}))},
    .on_node = true,
    .run = list_cpu_flags,
};
