/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Endpoints that Proxmox VE's web interface needs: options, subscription, statistics. */
#include <ctype.h>

#include "api/endpoints.h"
#include "api/request.h"
#include "base/memory.h"
#include "base/text.h"

/* The values that Proxmox VE has by default. */
static int get_options(struct request *request, json_t **ret, struct error *err)
{
    (void)err;
    *ret = json_pack("{s:[]}", "allowed-tags");
    if (access_allows(request->service->access, &request->caller, "/", "Sys.Audit"))
        json_object_update_new(*ret, json_pack("{s:s, s:s}", "description", "", "mac_prefix", "BC:24:11"));
    return 0;
}

const struct endpoint endpoint_get_cluster_options = {
    .method = METHOD_GET,
    .path = "/cluster/options",
    .text = "Shows the options of the cluster. All but allowed-tags need Sys.Audit on /.",
    .permission = ALLOW_ALL,
    .returns = {.type = SCHEMA_OBJECT,
                .properties = PROPERTIES(WORDS("allowed-tags", "Tags that the caller may use."),
                                         OPTIONAL_TEXT("description", "Notes on the cluster."),
                                         OPTIONAL_TEXT("mac_prefix", "Prefix of generated MAC addresses."))},
    .run = get_options,
};

/* An id that stays the same as long as the certificate does: 32 hexadecimal digits of its fingerprint. */
static void add_server_id(const char *fingerprint, json_t *subscription)
{
    autotext struct text id = {0};

    for (const char *c = fingerprint; *c != '\0' && id.length < 32; c++)
        if (isxdigit((unsigned char)*c))
            text_append_bytes(&id, c, 1);
    json_object_set_new(subscription, "serverid", json_string(text_string(&id)));
}

static int get_subscription(struct request *request, json_t **ret, struct error *err)
{
    const struct service *service = request->service;
    autofree char *path = xasprintf("/nodes/%s", service->node);

    (void)err;
    *ret = json_pack("{s:s, s:s, s:s}", "status", "notfound", "message", "There is no subscription key",
                     "url", "");
    if (service->fingerprint != NULL && access_allows(service->access, &request->caller, path, "Sys.Audit"))
        add_server_id(service->fingerprint, *ret);
    return 0;
}

const struct endpoint endpoint_get_node_subscription = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/subscription",
    .text = "Says that there is no subscription; hostpci needs none.",
    .permission = ALLOW_ALL,
    .parameters = PROPERTIES(PARAMETER_NODE),
    .returns = {.type = SCHEMA_OBJECT,
                .properties =
                    PROPERTIES({.name = "status", .type = SCHEMA_STRING, .values = VALUES("notfound")},
                               {.name = "message", .type = SCHEMA_STRING},
                               {.name = "url", .type = SCHEMA_STRING, .text = "Always empty."},
                               OPTIONAL_TEXT("serverid", "An id of the node; needs Sys.Audit on the node."))},
    .on_node = true,
    .run = get_subscription,
};

const struct endpoint endpoint_list_node_rrddata = {
    .method = METHOD_GET,
    .path = "/nodes/{node}/rrddata",
    .text = "Returns an empty list: hostpci keeps no statistics.",
    .permission = ALLOW_PRIVILEGE("/nodes/{node}", "Sys.Audit"),
    .parameters = PROPERTIES(
        PARAMETER_NODE,
        {.name = "timeframe",
         .type = SCHEMA_STRING,
         .values = VALUES("hour", "day", "week", "month", "year", "decade")},
        {.name = "cf", .type = SCHEMA_STRING, .optional = true, .values = VALUES("AVERAGE", "MAX")}),
    .returns = {.type = SCHEMA_ARRAY,
                .empty = "No statistics are kept.",
                .items = ITEMS(.type = SCHEMA_OBJECT, .open = true)},
    .on_node = true,
    .run = request_list_none,
};
