/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of /nodes/{node}/qemu/{vmid}/status share. */
#ifndef HOSTPCI_API_QEMU_POWER_H
#define HOSTPCI_API_QEMU_POWER_H

#include "api/qemu/qemu.h"
#include "passthrough/start/start.h"

struct start_host qemu_start_host(const struct service *service);

/* Fails unless the VM exists and runs; ret_document (may be NULL) is a new reference. */
int qemu_check_running(const struct request *request, json_t **ret_document, struct error *err);

/* Refuses these options, given by their names, to anybody except root@pam: 400 "Only root may use this
 * option." The list ends with NULL. */
int qemu_check_root(const struct request *request, const char *const *names, struct error *err);

#define QEMU_POWER(verb, about, handler, ...)                                                                \
    {                                                                                                        \
        .method = METHOD_POST,                                                                               \
        .path = "/nodes/{node}/qemu/{vmid}/status/" verb,                                                    \
        .text = (about),                                                                                     \
        .permission = ALLOW_PRIVILEGE("/vms/{vmid}", "VM.PowerMgmt"),                                        \
        .parameters = PROPERTIES(PARAMETER_NODE, PARAMETER_VMID, __VA_ARGS__),                               \
        .returns = RETURNS_UPID,                                                                             \
        .may_block = true,                                                                                   \
        .on_node = true,                                                                                     \
        .run = (handler),                                                                                    \
    }
#define QEMU_SKIPLOCK OPTIONAL_FLAG("skiplock", "Do it even if the VM is locked; root@pam only.")
#define QEMU_OFF(key, about)                                                                                 \
    {.name = (key), .type = SCHEMA_BOOLEAN, .optional = true, .fallback = "0", .text = (about)}

#endif
