/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the storage `local` share, and what others need of it: its state, and who may use it. */
#ifndef HOSTPCI_API_STORAGE_STORAGE_H
#define HOSTPCI_API_STORAGE_STORAGE_H

#include "api/endpoints.h"
#include "api/request.h"
#include "store/store.h"

#define STORAGE_CONTENT "images,iso"

#define PARAMETER_STORAGE                                                                                    \
    {.name = "storage",                                                                                      \
     .type = SCHEMA_STRING,                                                                                  \
     .format = "pve-storage-id",                                                                             \
     .max_length = 100,                                                                                      \
     .text = "Name of the storage: local is the only one."}

/* Who may see the storage, as in Proxmox VE. */
#define MAY_SEE_STORAGE                                                                                      \
    ALLOW_ANY_PRIVILEGE("/storage/{storage}", "Datastore.Audit", "Datastore.AllocateSpace")
bool storage_is_visible(const struct request *request);

/* ERROR_FAILED "storage 'x' does not exist" if the parameter names another one. */
int storage_check_name(const struct request *request, struct error *err);

/* Its row of /cluster/resources. */
json_t *storage_describe_resource(const struct request *request);

#endif
