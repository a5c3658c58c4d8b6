/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /version and the indexes of the upper levels. */
#include "api/node/version.h"
#include "api/endpoints.h"
#include "api/request.h"

/* The version of Proxmox VE whose API this one follows; clients compare it. */
#define API_VERSION "9.2"

const struct schema version_properties[] = {
    {.name = "version",
     .type = SCHEMA_STRING,
     .text = "The version of Proxmox VE whose API this one follows."},
    {.name = "release",
     .type = SCHEMA_STRING,
     .text = "The same as version, for clients that read this property."},
    {.name = "repoid",
     .type = SCHEMA_STRING,
     .pattern = "[0-9a-fA-F]{8,64}",
     .text = "Revision of the sources."},
    {.name = "hostpci-version", .type = SCHEMA_STRING, .text = "The version of hostpci."},
    {.name = NULL},
};

const char *version_pve_manager(void)
{
    return "pve-manager/" API_VERSION "/" REPOID;
}

int version_run(struct request *request, json_t **ret, struct error *err)
{
    (void)request, (void)err;
    *ret = json_pack("{s:s, s:s, s:s, s:s}", "version", API_VERSION, "release", API_VERSION, "repoid", REPOID,
                     "hostpci-version", VERSION);
    return 0;
}

const struct endpoint endpoint_get_version = {
    .method = METHOD_GET,
    .path = "/version",
    .text = "Shows the versions of the API and of hostpci.",
    .permission = ALLOW_ALL,
    .returns = {.type = SCHEMA_OBJECT, .properties = version_properties},
    .run = version_run,
};

const struct endpoint endpoint_get_root = {
    .method = METHOD_GET,
    .path = "/",
    .text = "Lists the parts of the API.",
    .permission = ALLOW_ALL,
    .index_key = "subdir",
};

const struct endpoint endpoint_get_access = {
    .method = METHOD_GET,
    .path = "/access",
    .text = "Lists the parts of access control.",
    .permission = ALLOW_ALL,
    .index_key = "subdir",
};
